"""Second looks at who earned: disputes that people raise (DSP-1), findings that detectors make (FRD-1, FRD-2).

What is looked at is held, never deleted: ``commission.holding`` keeps the rows from being released or settled,
``commission.moving`` hands them on when somebody without interest has so decided. Whoever is concerned reads
why, and what happens next.
"""
