"""What a policy may say and which one decides (POL-1, POL-3, POL-5, SPL-7). Pure.

``params`` of a policy row hold the fields of ``Terms`` that its mode knows, and nothing else.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.base.errors import Invalid
from models.policies import PolicyMode, PolicyScope

ROLES = ("ACQ_CLERK", "ACQ_STORE", "SVC_CLERK", "SELL_CLERK", "FULFIL_STORE")
WHOLE_BP = 10000
# WeChat's own default limit of profit sharing; nothing above it can be activated (SPL-7).
HIGHEST_SHARE_BP = 3000
LONGEST_DAYS = 3650
# A refund window or a delay of settlement longer than a year is a slip of the keyboard.
LONGEST_WAIT_DAYS = 365
# POL-5: nobody earns for being above somebody. Such a word in a parameter's name is refused, however deep
# it lies and however it is spelt (see ``_plain``).
TREE_WORDS = (
    *(
        "level",
        "downline",
        "upline",
        "referr",
        "referral",
        "depth",
        "inviter",
        "sponsor",
        "ancestor",
        "parent",
    ),
    *(
        "上级",
        "下级",
        "上线",
        "下线",
        "层级",
        "级别",
        "几级",
        "一级",
        "二级",
        "三级",
        "推荐人",
        "介绍人",
        "邀请人",
    ),
)
# POL-1: the first of these that has a policy decides.
MOST_SPECIFIC_FIRST = (PolicyScope.CATEGORY, PolicyScope.STORE_TYPE, PolicyScope.ENTITY, PolicyScope.BRAND)
# In the modes that follow touches one role earns the whole pool: it is the touch that sold.
ALL_TO_THE_TOUCHED = {"SELL_CLERK": WHOLE_BP}

_EVERY_MODE = (
    *("pools", "default_pool_bp", "platform_fee_bp", "max_share_bp", "missing", "floor_discount_bp"),
    *("aftersale_days", "settle_delay_days", "defect_protect"),
)
MODE_FIELDS: dict[PolicyMode, tuple[str, ...]] = {
    PolicyMode.ROLE_SPLIT: ("weights", "sell_window_days"),
    PolicyMode.FIRST_TOUCH_LIFETIME: (),
    PolicyMode.LAST_TOUCH: ("window_days",),
    PolicyMode.PROTECT_THEN_OPEN: ("protect_days", "inactive_days"),
    PolicyMode.LINEAR: ("lookback_days",),
    PolicyMode.POSITION: ("lookback_days", "first_bp", "mid_bp", "last_bp"),
}
_POSITIONS = ("first_bp", "mid_bp", "last_bp")
# Days that a field may say: at least, at most.
_DAYS = {
    "sell_window_days": (0, LONGEST_DAYS),
    "window_days": (1, LONGEST_DAYS),
    "lookback_days": (1, LONGEST_DAYS),
    "protect_days": (0, LONGEST_DAYS),
    "inactive_days": (0, LONGEST_DAYS),
    "aftersale_days": (0, LONGEST_WAIT_DAYS),
    "settle_delay_days": (0, LONGEST_WAIT_DAYS),
}


@dataclass(frozen=True)
class Terms:
    """What a policy says. Weights and rates in basis points, windows in days; a mode reads only its own.

    ``platform_fee_bp`` is what head office takes of another entity's sale (SPL-10), beside the pool.
    ``defect_protect``: persons keep their shares when money goes back by the seller's fault (CLW-6).
    """

    weights: dict[str, int] = field(default_factory=lambda: dict(ALL_TO_THE_TOUCHED))
    pools: dict[str, int] = field(default_factory=dict)
    missing: str = "HQ"
    default_pool_bp: int = 0
    platform_fee_bp: int = 0
    floor_discount_bp: int = 5000
    max_share_bp: int = HIGHEST_SHARE_BP
    sell_window_days: int = 15
    aftersale_days: int = 7
    settle_delay_days: int = 3
    defect_protect: bool = False
    window_days: int = 15
    protect_days: int = 30
    inactive_days: int = 180
    lookback_days: int = 30
    first_bp: int = 4000
    mid_bp: int = 2000
    last_bp: int = 4000

    def pool_bp(self, category: str) -> int:
        """The pool rate of a category (SPL-3)."""
        return self.pools.get(category, self.default_pool_bp)

    def content(self, mode: PolicyMode) -> dict[str, Any]:
        """The params of a policy of ``mode`` that says this: every field of the mode, none of another."""
        return {name: getattr(self, name) for name in sorted((*_EVERY_MODE, *MODE_FIELDS[mode]))}


@dataclass(frozen=True)
class Policy:
    """One version as it decides."""

    code: str
    version: int
    scope: PolicyScope
    scope_ref: str | None
    mode: PolicyMode
    terms: Terms


class Stage(StrEnum):
    """Where a version stands at a moment."""

    DRAFT = "DRAFT"  # being thought about; may be submitted or withdrawn
    SUBMITTED = "SUBMITTED"  # waits for a second person
    APPROVED = "APPROVED"  # decided, waits for its day
    ACTIVE = "ACTIVE"  # decides now
    ENDED = "ENDED"  # decided until a later version took over, or its end came
    WITHDRAWN = "WITHDRAWN"  # never decided anything


def stage(
    *,
    now: datetime,
    submitted_at: datetime | None,
    approved_at: datetime | None,
    withdrawn_at: datetime | None,
    effective_from: datetime | None,
    effective_to: datetime | None,
) -> Stage:
    """Where a version stands ``now``, from its moments."""
    if withdrawn_at is not None:
        return Stage.WITHDRAWN
    if approved_at is None or effective_from is None:
        return Stage.SUBMITTED if submitted_at is not None else Stage.DRAFT
    if effective_to is not None and effective_to <= now:
        return Stage.ENDED
    return Stage.ACTIVE if effective_from <= now else Stage.APPROVED


def most_specific(policies: Iterable[Policy], category: str) -> Policy | None:
    """The policy that decides for a category: category, else store type, else entity, else brand (POL-1)."""
    by_scope = {
        policy.scope: policy
        for policy in policies
        if policy.scope is not PolicyScope.CATEGORY or policy.scope_ref == category
    }
    return next((by_scope[scope] for scope in MOST_SPECIFIC_FIRST if scope in by_scope), None)


def check(params: Mapping[str, Any], mode: PolicyMode = PolicyMode.ROLE_SPLIT) -> Terms:
    """The terms in ``params``, or Invalid naming each wrong field.

    Weights are of known roles and make 10000, as do the three positions; of every category the pool and
    the platform fee together stay within ``max_share_bp``, because all of a pool may go to other people
    and companies (SPL-7), and that within WeChat's own 3000; no parameter speaks of levels (POL-5).
    """
    wrong = {name: "no levels" for name in _names(params) if speaks_of_levels(name)}
    known = {*_EVERY_MODE, *MODE_FIELDS[mode]}
    wrong |= {name: f"unknown to {mode.value}" for name in params if name not in known and name not in wrong}
    wrong |= _wrong_weights(params, mode) | _wrong_positions(params, mode) | _wrong_rates(params)
    wrong |= _wrong_days(params, mode) | _wrong_words(params)
    if wrong:
        raise Invalid("The policy is not valid.", fields=wrong)
    return Terms(**params)


def speaks_of_levels(name: str) -> bool:
    """Whether a name stands for somebody above or below somebody (POL-5), in any spelling."""
    plain = _plain(name)
    return any(word in plain for word in TREE_WORDS)


def _plain(name: str) -> str:
    # Wide and styled letters become plain ones, and what only divides words is left out: Down-Line, ＬＥＶＥＬ.
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in folded if char.isalnum())


def _names(params: Any) -> Iterator[str]:
    # Not by recursion: how deep it goes is the caller's choice. The names of pools are codes of categories;
    # whatever lies below them is not.
    waiting: list[tuple[Any, bool]] = [(params, True)]
    while waiting:
        found, is_named = waiting.pop()
        if isinstance(found, Mapping):
            yield from (str(name) for name in found if is_named)
            waiting += [(value, name != "pools") for name, value in found.items()]
        elif isinstance(found, list | tuple):
            waiting += [(value, True) for value in found]


def _wrong_weights(params: Mapping[str, Any], mode: PolicyMode) -> dict[str, str]:
    if mode is not PolicyMode.ROLE_SPLIT:
        return {}
    weights = params.get("weights")
    right = isinstance(weights, Mapping) and not set(weights) - set(ROLES) and _rates(weights)
    if right and weights is not None and sum(weights.values()) == WHOLE_BP:
        return {}
    return {"weights": f"whole basis points of {', '.join(ROLES)} that make {WHOLE_BP}"}


def _wrong_positions(params: Mapping[str, Any], mode: PolicyMode) -> dict[str, str]:
    if mode is not PolicyMode.POSITION:
        return {}
    parts = {name: params.get(name, getattr(Terms, name)) for name in _POSITIONS}
    wrong = {name: f"0 to {WHOLE_BP}" for name, part in parts.items() if not _within(part, WHOLE_BP)}
    if not wrong and sum(parts.values()) != WHOLE_BP:
        wrong = dict.fromkeys(_POSITIONS, f"first, mid and last must make {WHOLE_BP}")
    elif not wrong and not parts["first_bp"] + parts["last_bp"]:
        # A customer with two touches has no middle one.
        wrong = {"mid_bp": "first or last must be above 0"}
    return wrong


def _wrong_rates(params: Mapping[str, Any]) -> dict[str, str]:
    wrong = {}
    pools, most = params.get("pools"), params.get("max_share_bp", HIGHEST_SHARE_BP)
    rates = {name: params.get(name, 0) for name in ("default_pool_bp", "platform_fee_bp")}
    for name, rate in rates.items():
        if not _within(rate, WHOLE_BP):
            wrong[name] = f"0 to {WHOLE_BP}"
    if not isinstance(pools, Mapping) or not _rates(pools):
        wrong["pools"] = f"the rate of each category, 0 to {WHOLE_BP}"
    if not _within(most, HIGHEST_SHARE_BP):
        wrong["max_share_bp"] = f"0 to {HIGHEST_SHARE_BP}"
    if wrong or not isinstance(pools, Mapping):
        return wrong
    fee_bp = rates["platform_fee_bp"]
    for name, rate in {"default_pool_bp": rates["default_pool_bp"]}.items() | {
        (f"pools.{code}", rate) for code, rate in pools.items()
    }:
        if rate + fee_bp > most:
            wrong[name] = f"{rate} and platform_fee_bp {fee_bp} are above max_share_bp ({most})"
    return wrong


def _wrong_days(params: Mapping[str, Any], mode: PolicyMode) -> dict[str, str]:
    return {
        name: f"{least} to {most} days"
        for name, (least, most) in _DAYS.items()
        if name in params
        and name in (*_EVERY_MODE, *MODE_FIELDS[mode])
        and not (_within(params[name], most) and params[name] >= least)
    }


def _wrong_words(params: Mapping[str, Any]) -> dict[str, str]:
    wrong = {}
    if params.get("missing", "HQ") not in ("HQ", "REDISTRIBUTE"):
        wrong["missing"] = "HQ or REDISTRIBUTE"
    if not isinstance(params.get("defect_protect", False), bool):
        wrong["defect_protect"] = "true or false"
    if not _within(params.get("floor_discount_bp", 0), WHOLE_BP):
        wrong["floor_discount_bp"] = f"0 to {WHOLE_BP}"
    return wrong


def _within(value: object, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= highest


def _rates(values: Mapping[str, Any]) -> bool:
    return all(isinstance(name, str) and _within(value, WHOLE_BP) for name, value in values.items())
