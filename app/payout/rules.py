"""What follows from WeChat's word on a transfer, and when to ask again. Pure."""

from datetime import datetime, timedelta

from app.base.clock import days_after
from app.settlement.rules import MOST_A_DAY_FEN
from models.payout import PayoutState
from wechat.pay import TransferState

# A person has 24 hours to confirm; WeChat keeps what it knows of a transfer for 30 days.
CONFIRM_WITHIN = timedelta(hours=24)
# Right after a call in doubt, a number that WeChat does not know proves nothing (WECHAT_PAY 9.1).
DOUBT = timedelta(minutes=10)
FORGOTTEN = timedelta(days=30)
_EARLY = (60, 60, 300, 300, 900, 900, 1800)
_LATE_S = 3600

FROM_WECHAT = {
    TransferState.ACCEPTED: PayoutState.MOVING,
    TransferState.PROCESSING: PayoutState.MOVING,
    TransferState.WAIT_USER_CONFIRM: PayoutState.WAITING,
    TransferState.TRANSFERING: PayoutState.MOVING,
    TransferState.CANCELING: PayoutState.MOVING,
    TransferState.SUCCESS: PayoutState.PAID,
    TransferState.FAIL: PayoutState.RETURNED,
    TransferState.CANCELLED: PayoutState.RETURNED,
}
NOT_KNOWN = frozenset({"NOT_FOUND"})


def after(state: TransferState) -> PayoutState:
    """Where WeChat's state brings ours; a word that we do not know is no end: ask again."""
    return FROM_WECHAT.get(state, PayoutState.MOVING)


def next_check(now: datetime, checks: int) -> datetime:
    """When to ask WeChat again after ``checks`` questions: soon at first, then every hour."""
    return now + timedelta(seconds=_EARLY[checks] if checks < len(_EARLY) else _LATE_S)


def is_lost(asked_at: datetime, now: datetime) -> bool:
    """Whether a number that WeChat does not know was surely never received, so that it is sent again."""
    return now - asked_at >= DOUBT


def is_gone(asked_at: datetime, now: datetime, *, acknowledged: bool) -> bool:
    """Whether people may take back what WeChat says it does not know.

    A number that it has ``acknowledged`` it still knows for 30 days: before, its word contradicts itself.
    """
    return now - asked_at >= FORGOTTEN if acknowledged else is_lost(asked_at, now)


def fits_today(sent_today_fen: int, amount_fen: int) -> bool:
    """SET-3: whether a person may be sent this much more on the same local day."""
    return sent_today_fen + amount_fen <= MOST_A_DAY_FEN


def tomorrow(now: datetime) -> datetime:
    """The next local midnight, when the daily limit begins anew."""
    return days_after(now, 1)
