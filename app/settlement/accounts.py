"""The names of the ledger accounts of settlement; the party's own are those of ``app/commission/accounts.py``."""

from app.commission.accounts import payout, written_off

__all__ = ["payout", "tier_expense", "written_off"]


def tier_expense(entity: str) -> str:
    """What tiers cost the entity that employs the clerks; below what it would have cost without them: a saving."""
    return f"expense:tier:{entity}"
