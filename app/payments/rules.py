"""What a trade at WeChat means for our payment, and when to ask again. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from wechat.pay import Trade, TradeState

# RELIABILITY 1 (Kill Bill's janitor): 30 s, 2 m, 10 m, 1 h, 6 h, then daily.
CHECK_AFTER_S = (30, 120, 600, 3600, 21600, 86400)
MAX_CHECKS = 9


class Verdict(StrEnum):
    FITS = "FITS"  # paid, and every field is ours
    NOT_PAID = "NOT_PAID"  # no money has moved
    FOREIGN = "FOREIGN"  # another app's or merchant's money
    WRONG_AMOUNT = "WRONG_AMOUNT"  # amount or currency differs from the order


def judge(trade: Trade, *, appid: str, mchid: str, amount_fen: int) -> Verdict:
    """Compare a trade with what we asked for. ``total`` counts, not what the payer paid after coupons.

    A trade in state REFUND was paid first (WECHAT_PAY 5.2).
    """
    if trade.state not in (TradeState.SUCCESS, TradeState.REFUND) or not trade.transaction_id:
        return Verdict.NOT_PAID
    if trade.appid != appid or trade.mchid != mchid:
        return Verdict.FOREIGN
    if trade.amount_fen != amount_fen or trade.currency != "CNY":
        return Verdict.WRONG_AMOUNT
    return Verdict.FITS


def next_check(now: datetime, checks_done: int) -> datetime | None:
    """When the janitor asks WeChat again after ``checks_done`` checks; None = leave it to a human."""
    if checks_done >= MAX_CHECKS:
        return None
    return now + timedelta(seconds=CHECK_AFTER_S[min(checks_done, len(CHECK_AFTER_S) - 1)])
