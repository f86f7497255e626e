"""Disputes and findings in plain words, Chinese and English: what is held, why, and what happens next. Pure."""

from datetime import datetime

from app.base.clock import local_day
from models.review import DisputeOutcome, DisputeState, FindingState, RiskRule, StepKind

RULE_WORDS: dict[RiskRule, tuple[str, str]] = {
    RiskRule.SCANS: (
        "同一位顾客一天内扫了多位导购的码",
        "one customer scanned many clerks' codes within a day",
    ),
    RiskRule.FANS: ("短时间内新增粉丝过多", "very many new fans in a short time"),
    RiskRule.UNFOLLOWS: ("当天新增的粉丝大量在24小时内取关", "many new fans of a day left within 24 hours"),
    RiskRule.PAYER: ("多位会员的订单由同一人付款", "one person paid the orders of several members"),
    RiskRule.REBIND: (
        "大额订单下单前不久更换了专属导购",
        "the serving clerk changed just before a large order",
    ),
    RiskRule.REFUNDS: ("近30天的订单退款偏多", "many orders of the last 30 days were refunded"),
}
FINDING_WORDS: dict[FindingState, tuple[str, str]] = {
    FindingState.OPEN: (
        "相关收益暂缓发放，金额不变。与此无利害关系的人员将复核；如无问题，按原定日期发放。您可以向店长或总部说明情况。",
        "The amounts are kept back, not taken. Somebody without an interest will look into it; if all is well "
        "they go on with their original dates. You may explain to your manager or head office.",
    ),
    FindingState.CONFIRMED: (
        "复核认定属实，相关收益已转归总部。如不认同，可在期限内对该订单提出申诉。",
        "It was confirmed, and the amounts went to head office. If you disagree, you may dispute the order in time.",
    ),
    FindingState.FALSE_ALARM: (
        "复核无误，相关收益已按原定日期恢复。",
        "All was well; the amounts go on with their original dates.",
    ),
}
DISPUTE_WORDS: dict[DisputeState, tuple[str, str]] = {
    DisputeState.OPEN: ("已受理，相关收益暂缓发放", "taken up; the amounts concerned are kept back"),
    DisputeState.EVIDENCE: ("举证中，各方可补充说明", "both sides may add their evidence"),
    DisputeState.DECIDED: ("已裁决，待入账", "decided; to be booked"),
    DisputeState.APPLIED: ("已入账，申诉结束", "booked; the dispute is over"),
}
OUTCOME_WORDS: dict[DisputeOutcome, tuple[str, str]] = {
    DisputeOutcome.UPHOLD: ("维持原归属", "the credit stays as it was"),
    DisputeOutcome.CHANGE: ("改归他方", "the credit goes to somebody else"),
    DisputeOutcome.SPLIT: ("由各方分享", "the credit is shared"),
}
STEP_WORDS: dict[StepKind, tuple[str, str]] = {
    StepKind.OPENED: ("提出申诉", "raised"),
    StepKind.HEARING: ("开始举证，为期五天", "evidence is taken for five days"),
    StepKind.SAID: ("补充说明", "added evidence"),
    StepKind.HEARD: ("举证结束，等待裁决", "evidence is closed; waits for the decision"),
    StepKind.DECIDED: ("作出裁决", "decided"),
    StepKind.APPLIED: ("裁决已入账", "the decision is booked"),
}
DISPUTED = ("有人对该订单的分成提出申诉", "somebody disputes a share of this order")
OTHER = ("总部正在复核这笔收益", "head office looks into this amount")
OTHER_NEXT = (
    "暂缓发放，金额不变；复核无误后按原定日期发放。",
    "It is kept back, not taken; if all is well it goes on with its original date.",
)


def pick(words: tuple[str, str], language: str) -> str:
    """The words in the reader's language: English when that is asked for, else Chinese."""
    return words[1] if language == "en" else words[0]


def why_held(rule: RiskRule, language: str) -> str:
    """Why a finding keeps amounts back."""
    return pick(RULE_WORDS[rule], language)


def next_of_finding(state: FindingState, language: str) -> str:
    """What follows from a finding in that state."""
    return pick(FINDING_WORDS[state], language)


def next_of_dispute(
    state: DisputeState, outcome: DisputeOutcome | None, until: datetime | None, language: str
) -> str:
    """Where a dispute stands and what comes next, with the day until which evidence is taken."""
    words = pick(DISPUTE_WORDS[state], language)
    if outcome is not None:
        return f"{words}{'：' if language != 'en' else ': '}{pick(OUTCOME_WORDS[outcome], language)}"
    if until is not None:
        # 00:00 of the day after the last one.
        day = local_day(until).isoformat()
        return f"{words}（{day}零点前）" if language != "en" else f"{words} (before {day})"
    return words


def told(kind: StepKind, number: str, order: str, words: str) -> str:
    """The message to a clerk about a step of a dispute."""
    what = pick(STEP_WORDS[kind], "zh")
    return f"申诉{number}（订单{order}）：{what}。当前状态：{words}。详情请在“我的申诉”中查看。"
