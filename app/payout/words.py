"""Payouts in a clerk's words, Chinese and English."""

from models.payout import PayoutState

_STATES = {
    PayoutState.READY: ("准备打款", "being prepared"),
    PayoutState.ASKED: ("打款处理中", "on its way"),
    PayoutState.WAITING: ("待您确认收款", "waits for your confirmation"),
    PayoutState.MOVING: ("打款处理中", "on its way"),
    PayoutState.PAID: ("已到账", "paid"),
    PayoutState.RETURNED: ("未到账，已转入下期结算", "not paid; it goes into your next settlement"),
}
_PROBLEMS = {
    "OVERDUE_CLOSE": ("超过 24 小时未确认", "not confirmed within 24 hours"),
    "GIVEN_UP": ("财务已撤回", "taken back by finance"),
    "NAME_NOT_CORRECT": ("收款人姓名与微信实名不一致", "the name is not that of the WeChat account"),
    "REAL_NAME_CHECK_FAIL": ("微信账户未实名或姓名不符", "the WeChat account has no verified name"),
    "NOT_ENOUGH": ("付款账户余额不足，稍后重试", "the paying account is short of money; it is tried again"),
}
_OTHER = ("微信未能完成打款，财务会跟进", "WeChat could not pay it out; finance is looking into it")


def state(of: PayoutState, lang: str) -> str:
    """Where a transfer stands."""
    return _STATES[of][lang == "en"]


def problem(code: str, lang: str) -> str:
    """Why a transfer has not arrived; a code that we have no words for gets a general sentence."""
    return _PROBLEMS.get(code, _OTHER)[lang == "en"]
