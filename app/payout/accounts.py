"""The ledger accounts that payouts are paid from."""

from app.payments.accounts import cash

__all__ = ["bank", "cash", "wages"]


def wages(entity: str) -> str:
    """What a company's payroll has paid out for commission."""
    return f"cash:payroll:{entity}"


def bank(entity: str) -> str:
    """What a company has received by bank for its stores' shares, and what it owed itself."""
    return f"cash:intercompany:{entity}"
