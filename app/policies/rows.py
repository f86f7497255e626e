"""What a list of the brand hands to this room: plain values, already checked for form."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """The brand's policy (POL-1): shares of the pool in basis points, windows in days."""

    code: str
    mode: str
    effective_from: date
    acq_clerk_bp: int
    acq_store_bp: int
    svc_clerk_bp: int
    sell_clerk_bp: int
    fulfil_store_bp: int
    missing: str
    floor_discount_bp: int
    platform_fee_bp: int
    max_share_bp: int
    sell_window_days: int
    aftersale_days: int
    settle_delay_days: int
