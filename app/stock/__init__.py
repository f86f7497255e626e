"""On hand, reserved and available-to-promise per location. Numbers change only together with a movement (STK-7)."""
