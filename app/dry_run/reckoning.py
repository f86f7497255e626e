"""One order line under another policy: its shares as accrual would have made them, and every refund since."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.attribution.modes import reach, window_start
from app.attribution.selling import by_evidence, by_mode, in_order
from app.commission import rules
from app.dry_run.sums import Net
from app.orders.pricing import PricedLine, pool_bp_after_floor
from app.policies.rules import ROLES, Policy, most_specific
from models.policies import PolicyMode, PolicyScope


@dataclass(frozen=True, slots=True)
class Dated:
    """A policy with its time of effect."""

    policy: Policy
    effective_from: datetime
    effective_to: datetime | None

    def at(self, moment: datetime) -> bool:
        """Whether it was in effect."""
        return self.effective_from <= moment and (self.effective_to is None or moment < self.effective_to)


@dataclass(frozen=True, slots=True)
class Sold:
    """One line as it was sold. ``refunds``: fen of its base, and whether by the seller's fault (CLW-6), in
    the order in which they were taken."""

    category: str
    qty: int
    unit_list_fen: int
    amount_fen: int
    base_fen: int
    refunds: Sequence[tuple[int, bool]]


def would_decide(
    draft: Policy, others: Iterable[Dated], *, entity: str, ownership: str, category: str, at: datetime
) -> bool:
    """Whether the draft, in the place of whatever its scope had, is the most specific for a line (POL-1)."""
    rivals = [
        other.policy
        for other in others
        if other.at(at)
        and (other.policy.scope, other.policy.scope_ref) != (draft.scope, draft.scope_ref)
        and _applies(other.policy, entity, ownership, category)
    ]
    return _applies(draft, entity, ownership, category) and most_specific([*rivals, draft], category) is draft


def since_when(policy: Policy, at: datetime) -> datetime | None:
    """Since when touches matter to an order placed ``at``; None = since ever."""
    if policy.mode is PolicyMode.ROLE_SPLIT:
        return window_start(at, policy.terms.sell_window_days)
    return reach(policy.mode, policy.terms, at)


def parties_then(
    policy: Policy,
    snapshot: Mapping[str, Any],
    touches: Sequence[Any],
    bought: Sequence[datetime],
    at: datetime,
) -> list[dict[str, Any]]:
    """Who would have been named on an order placed ``at``.

    The facts of the moment are those that the order's own snapshot froze; who sold is found anew among
    ``touches``, all that were known then.
    """
    known = [party for party in snapshot.get("parties", ()) if party["role"] != "SELL_CLERK"]
    if snapshot.get("self_purchase"):
        return known
    if policy.mode is PolicyMode.ROLE_SPLIT:
        bound = next((party for party in known if party["role"] == "SVC_CLERK"), None)
        days = policy.terms.sell_window_days
        best = by_evidence(touches, bound, at=at, window_days=days)
        sold = [best] if best else []
    else:
        sold = by_mode(policy.mode, policy.terms, known, touches, bought, at=at)
    # A clerk may have moved since: the same touch belongs to the store that the order named.
    named = {
        p["touch"]: p["store"] for p in snapshot["parties"] if p["role"] == "SELL_CLERK" and p.get("touch")
    }
    return in_order([*known, *(p | {"store": named.get(p.get("touch"), p["store"])} for p in sold)])


def shares_then(
    policy: Policy, line: Sold, snapshot: Mapping[str, Any], parties: Sequence[dict[str, Any]]
) -> list[Net]:
    """What each party would still have of the line today (SPL-3..9, CLW-1)."""
    terms = policy.terms
    priced = PricedLine("", line.qty, 0, line.unit_list_fen, 0, line.amount_fen)
    pool_bp = pool_bp_after_floor(priced, terms.pool_bp(line.category), terms.floor_discount_bp)
    credit = {
        "weights": {role: terms.weights.get(role, 0) for role in ROLES},
        "missing": terms.missing,
        "hq": snapshot["hq"],
        "parties": parties,
        "self_purchase": bool(snapshot.get("self_purchase")),
    }
    shares = rules.split(rules.pool_fen(line.base_fen, pool_bp), credit)
    net = _after_refunds(line, [share.amount_fen for share in shares], shares, pool_bp, terms.defect_protect)
    return [
        Net(share.role.value, share.party, str(share.reason.get("store") or ""), fen)
        for share, fen in zip(shares, net, strict=True)
    ]


def _after_refunds(
    line: Sold, left: list[int], shares: Sequence[rules.ShareAmount], pool_bp: int, protects: bool
) -> list[int]:
    kept, refunded_fen = [0] * len(left), 0
    for refund_fen, by_fault in line.refunds:
        taken = rules.reversal(
            base_fen=line.base_fen,
            refunded_before_fen=refunded_fen,
            refund_fen=refund_fen,
            pool_bp=pool_bp,
            remaining=left,
        )
        left = [fen - gone for fen, gone in zip(left, taken, strict=True)]
        refunded_fen += refund_fen
        if by_fault and protects:
            kept = [
                fen + (gone if share.role in rules.PERSONAL_ROLES else 0)
                for fen, gone, share in zip(kept, taken, shares, strict=True)
            ]
    return [fen + more for fen, more in zip(left, kept, strict=True)]


def _applies(policy: Policy, entity: str, ownership: str, category: str) -> bool:
    refs = {
        PolicyScope.BRAND: None,
        PolicyScope.ENTITY: entity,
        PolicyScope.STORE_TYPE: ownership,
        PolicyScope.CATEGORY: category,
    }
    return policy.scope_ref == refs[policy.scope]
