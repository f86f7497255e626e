"""Payouts in words, Chinese and English: a clerk's transfers, and how companies are paid (FRZ-4)."""

from models.payout import PayoutState
from models.sharing import SharingKind, SharingState

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


# What is not shared is a service fee that the selling company is invoiced for; it is never the price of goods.
_SHARING = {
    (SharingKind.SHARE, False): ("分账处理中", "being shared by WeChat"),
    (SharingKind.SHARE, True): (
        "分账已完成；未成功的部分转入结算，按公司间服务费开票",
        "shared; what did not arrive goes into the settlement and is invoiced between the companies as a service fee",
    ),
    (SharingKind.UNFREEZE, False): ("解冻剩余资金中", "the rest of the payment is being freed"),
    (SharingKind.UNFREEZE, True): (
        "已解冻，不再分账；应付佣金按公司间服务费结算开票",
        "freed and no longer shared; what is owed is settled and invoiced between the companies as a service fee",
    ),
}
_NOT_SHARED = (
    "未分账；应付佣金转入结算，按公司间服务费开票",
    "not shared; what is owed is settled and invoiced between the companies as a service fee",
)


def sharing(kind: SharingKind, state: SharingState, lang: str) -> str:
    """Where a sharing stands, and what becomes of what it did not pay."""
    if state is SharingState.FAILED and kind is SharingKind.SHARE:
        return _NOT_SHARED[lang == "en"]
    return _SHARING[kind, state in (SharingState.DONE, SharingState.FAILED)][lang == "en"]
