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


# WeChat says that it never got the number. Any other refusal of a question tells nothing about the number.
UNKNOWN_THERE = frozenset({"ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS", "NOT_FOUND"})
# Refusals that speak of our settings, not of this payment or refund: cured by repairing them (WECHAT_PAY 1.2).
OUR_SETTINGS = frozenset({"SIGN_ERROR", "NO_AUTH", "MCH_NOT_EXISTS", "APPID_MCHID_NOT_MATCH", "PARAM_ERROR"})


def is_unknown_there(code: str) -> bool:
    """Whether a refusal means that WeChat has no such number."""
    return code in UNKNOWN_THERE


def is_final(code: str) -> bool:
    """Whether a refused refund is refused for good, and not only until our settings are repaired."""
    return code not in OUR_SETTINGS


def next_check(now: datetime, checks_done: int) -> datetime | None:
    """When the janitor asks WeChat again after ``checks_done`` checks; None = leave it to a human."""
    if checks_done >= MAX_CHECKS:
        return None
    return now + timedelta(seconds=CHECK_AFTER_S[min(checks_done, len(CHECK_AFTER_S) - 1)])
