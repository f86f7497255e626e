"""The arithmetic of commission: pool, split, claw-back, date of release. Pure; fen and basis points.

Rule ids are those of the domain sheet: SPL (split), CLW (claw-back), FRZ (freeze).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.base.clock import days_after
from app.base.money import half_up, largest_remainder
from models.commission import PartyKind, Role

# The fixed order of roles: ties of the largest remainder go to the one named first (C-3, SPL-4).
ROLE_ORDER = (
    Role.ACQ_CLERK,
    Role.ACQ_STORE,
    Role.SVC_CLERK,
    Role.SELL_CLERK,
    Role.FULFIL_STORE,
    Role.HQ,
)
PERSONAL_ROLES = frozenset({Role.ACQ_CLERK, Role.SVC_CLERK, Role.SELL_CLERK})
# CLW-3: a debt that was carried so many times may be written off.
CARRY_CYCLES = 6


@dataclass(frozen=True, slots=True)
class ShareAmount:
    """What one party gets of one line's pool. ``reason`` holds facts only; words are made from it (SET-5)."""

    position: int
    role: Role
    party_kind: PartyKind
    party: str
    amount_fen: int
    reason: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """One weight of the policy with whoever holds that role; nobody = it goes to head office."""

    role: Role
    weight_bp: int
    holders: list[dict[str, Any]]


def pool_fen(base_fen: int, pool_bp: int) -> int:
    """SPL-3: the pool of one line, half up to the fen."""
    return half_up(base_fen, pool_bp)


def card_parts(spent_fen: int, *, principal_fen: int, gift_fen: int) -> tuple[int, int]:
    """SPL-1, SV-1: principal and gift part of what a card pays, pro rata to what it holds.

    Refuses (ValueError) more than the card holds.
    """
    if not 0 <= spent_fen <= principal_fen + gift_fen:
        raise ValueError("a card pays at most what it holds")
    principal_part, gift_part = largest_remainder(spent_fen, [principal_fen, gift_fen])
    return principal_part, gift_part


def bases(amounts: Sequence[int], *, gift_fen: int = 0) -> list[int]:
    """SPL-1: what commission is computed from, per line: its amount after all discounts, less its gift part.

    The gift part of an order is spread over its lines by their amounts. Freight, packaging and top-ups are
    no lines. Refuses (ValueError) a gift part above the amounts.
    """
    if gift_fen > sum(amounts):
        raise ValueError("a gift balance pays at most the goods")
    gifts = largest_remainder(gift_fen, amounts)
    return [amount_fen - gift for amount_fen, gift in zip(amounts, gifts, strict=True)]


def fee_bp(snapshot: Mapping[str, Any], selling_entity: str) -> int:
    """SPL-10: the rate of head office's platform fee; nothing on its own sales."""
    own = snapshot["hq"] == f"entity:{selling_entity}"
    return 0 if own else int(snapshot.get("platform_fee_bp", 0))


def split(pool_fen: int, snapshot: Mapping[str, Any]) -> list[ShareAmount]:
    """SPL-4, 5, 6, 9: divide a pool among the parties of a credit snapshot; the sum is always the pool.

    A role without a party goes to head office at its full weight, so nobody else is inflated; with
    ``missing`` = REDISTRIBUTE it is left out of the weights instead. On a self-purchase the personal
    roles always go to head office, whoever is named. Several parties of one role divide its part by
    their ``part``, an exact weight, or by ``part_bp`` (equally without them). One party with two roles
    gets two shares; all that falls to head office is one share. Refuses (ValueError) a negative pool, an
    unknown role or mode of ``missing``.
    """
    parts = _parts(snapshot)
    amounts = largest_remainder(pool_fen, [part.weight_bp for part in parts]) if parts else []
    shares: list[ShareAmount] = []
    for part, amount_fen in zip(parts, amounts, strict=True):
        weights = [int(holder.get("part", holder.get("part_bp", 1))) for holder in part.holders]
        pieces = largest_remainder(amount_fen, weights) if part.holders else []
        for holder, piece_fen in zip(part.holders, pieces, strict=True):
            shares.append(_held(len(shares), part, holder, piece_fen, snapshot))
    left_fen = pool_fen - sum(share.amount_fen for share in shares)
    unheld = [part for part in parts if not part.holders]
    if unheld or not shares:
        shares.append(_left_to_hq(len(shares), unheld, left_fen, snapshot))
    return shares


def shared_sale(snapshot: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """SPL-6: the snapshot in which the selling clerk's role is shared as declared; the other roles stay.

    ``parts``: ``{"clerk": code, "name": name, "part_bp": ...}``. The evidence of the sale stays beside each.
    """
    sold = next(party for party in snapshot["parties"] if party["role"] == Role.SELL_CLERK)
    others = [party for party in snapshot["parties"] if party["role"] != Role.SELL_CLERK]
    shared = [
        {**sold, "party": f"clerk:{part['clerk']}", "name": part["name"], "part_bp": part["part_bp"]}
        | {"shared_sale": True}
        for part in parts
    ]
    return {**snapshot, "parties": [*others, *shared]}


def reversal(
    *, base_fen: int, refunded_before_fen: int, refund_fen: int, pool_bp: int, remaining: Sequence[int]
) -> list[int]:
    """CLW-1, CLW-2: how much each share gives back when ``refund_fen`` of the base is refunded.

    The pool falls to that of the base still standing; the difference is taken by largest remainder with
    the remaining amounts as weights, so no share rises, none falls below zero, and the last refund takes
    everything. (Splitting the smaller pool anew would be wrong: the method is not monotone.) Refuses
    (ValueError) a refund that is not positive or above what is left of the base.
    """
    standing_fen = base_fen - refunded_before_fen - refund_fen
    if refund_fen <= 0 or standing_fen < 0:
        raise ValueError("a refund takes a positive part of what is left of the base")
    return largest_remainder(sum(remaining) - pool_fen(standing_fen, pool_bp), remaining)


def releasable_at(completed_at: datetime, *, aftersale_days: int, settle_delay_days: int) -> datetime:
    """FRZ-2: 00:00 local of the day after the after-sale window and the settlement delay have ended."""
    return days_after(completed_at, aftersale_days + settle_delay_days + 1)


def sharing_guard_at(paid_at: datetime) -> datetime:
    """FRZ-4: 00:00 local of day 25 after the payment: what is not certain by then is not shared."""
    return days_after(paid_at, 25)


def sharing_ends_at(paid_at: datetime) -> datetime:
    """FRZ-4: 00:00 local of day 30 after the payment, when WeChat ends the freeze of an ordinary merchant."""
    return days_after(paid_at, 30)


def _parts(snapshot: Mapping[str, Any]) -> list[_Part]:
    weights: Mapping[str, int] = snapshot["weights"]
    unknown = set(weights) - set(ROLE_ORDER)
    missing = snapshot.get("missing", "HQ")
    if unknown or missing not in ("HQ", "REDISTRIBUTE"):
        raise ValueError(f"snapshot is not understood: roles {sorted(unknown)}, missing {missing}")
    parts: list[_Part] = []
    for role in ROLE_ORDER:
        given_up = bool(snapshot.get("self_purchase")) and role in PERSONAL_ROLES  # SPL-9
        holders = [p for p in snapshot["parties"] if p["role"] == role and not given_up]
        kept = holders or given_up or role is Role.HQ or missing == "HQ"
        if weights.get(role, 0) and kept:
            parts.append(_Part(role, weights[role], holders))
    return parts


def _held(
    position: int, part: _Part, holder: Mapping[str, Any], amount_fen: int, snapshot: Mapping[str, Any]
) -> ShareAmount:
    facts = {k: v for k, v in holder.items() if k not in ("role", "kind", "party")}
    reason = _policy(snapshot) | {"weight_bp": part.weight_bp} | facts
    return ShareAmount(position, part.role, PartyKind(holder["kind"]), holder["party"], amount_fen, reason)


def _left_to_hq(
    position: int, parts: Sequence[_Part], amount_fen: int, snapshot: Mapping[str, Any]
) -> ShareAmount:
    reason = _policy(snapshot) | {
        "weight_bp": sum(part.weight_bp for part in parts),
        "roles": [{"role": part.role.value, "weight_bp": part.weight_bp} for part in parts],
        "because": "SELF_PURCHASE" if snapshot.get("self_purchase") else "MISSING",
    }
    return ShareAmount(position, Role.HQ, PartyKind.ENTITY, snapshot["hq"], amount_fen, reason)


def _policy(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "policy": snapshot.get("policy"),
        "version": snapshot.get("version"),
        "missing": snapshot.get("missing", "HQ"),
        "self_purchase": bool(snapshot.get("self_purchase")),
    }
