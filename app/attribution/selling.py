"""Who sold an order, as parties of its credit snapshot: by the strongest evidence, or as a mode says."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol

from app.attribution.modes import Part, divide, window_start
from app.attribution.rules import Evidence, strongest
from app.base.clock import iso
from app.base.money import largest_remainder
from app.policies.rules import ROLES, WHOLE_BP, Terms
from models.attribution import TouchKind
from models.policies import PolicyMode

Party = dict[str, Any]


class TouchRow(Protocol):
    """A touch of a clerk as a statement answers it; ``at`` is when it occurred."""

    touch_id: int
    kind: str
    at: datetime
    received_at: datetime
    clerk_id: int
    clerk_code: str
    clerk_name: str
    store_code: str
    store_name: str


def by_evidence(rows: Iterable[Any], bound: Party | None, *, at: datetime, window_days: int) -> Party | None:
    """The clerk of the strongest touch within the window (TCH-5), else the clerk who serves, else nobody."""
    since = window_start(at, window_days)
    found = {row.touch_id: row for row in rows if row.at >= since}
    best = strongest(_evidence(row) for row in found.values())
    if best is not None:
        return clerk_party(found[best.touch_id], "SELL_CLERK", f"SOLD_{short(best.kind)}")
    # The bound relation is the weakest evidence, and lasts as long as it is bound.
    return bound and {**bound, "role": "SELL_CLERK", "because": "SOLD_BOUND"}


def by_mode(
    mode: PolicyMode,
    terms: Terms,
    known: Sequence[Party],
    rows: Iterable[Any] = (),
    bought: Sequence[datetime] = (),
    *,
    at: datetime,
) -> list[Party]:
    """The parties that earn the pool under a mode that follows touches (POL-3), all as SELL_CLERK.

    ``known``: the parties of the other roles. Whoever acquired the member earns under
    FIRST_TOUCH_LIFETIME: the clerk, or the store when its own code did or the clerk has left (CLW-4);
    nobody when the member was a customer before (BND-1). Of several parties each has ``part``, its exact
    weight, and ``part_bp``, the same for people to read.
    """
    if mode is PolicyMode.FIRST_TOUCH_LIFETIME:
        return _first(known)
    found = {row.touch_id: row for row in rows}
    parts = divide(mode, terms, [_evidence(row) for row in found.values()], bought, at)
    parties = [clerk_party(found[part.evidence.touch_id], "SELL_CLERK", mode.value) for part in parts]
    return _shared(parties, parts)


def clerk_party(row: TouchRow, role: str, because: str) -> Party:
    """A clerk as a party, with the touch that speaks for it."""
    return {
        "role": role,
        "kind": "CLERK",
        "party": f"clerk:{row.clerk_code}",
        "name": row.clerk_name,
        "store": row.store_code,
        "store_name": row.store_name,
        "touch": row.touch_id,
        "touch_kind": row.kind,
        "at": iso(row.at),
        "because": because,
    }


def in_order(parties: Iterable[Party]) -> list[Party]:
    """Parties in the order of their roles, which decides ties of a fen (C-3); those of one role as given."""
    return sorted(parties, key=lambda party: ROLES.index(party["role"]))


def short(kind: str) -> str:
    """A kind of touch as reasons name it."""
    return "SCAN" if kind == TouchKind.SUBSCRIBE_SCAN else str(kind)


def _first(known: Sequence[Party]) -> list[Party]:
    by_role = {party["role"]: party for party in known}
    first = by_role.get("ACQ_CLERK") or by_role.get("ACQ_STORE")
    if first is None:
        return []
    because = "FIRST_TOUCH_LIFETIME"
    if first["kind"] != "CLERK":
        because = "FIRST_TOUCH_LEFT" if first["role"] == "ACQ_CLERK" else "FIRST_TOUCH_STORE"
    return [{**first, "role": "SELL_CLERK", "because": because}]


def _shared(parties: Sequence[Party], parts: Sequence[Part]) -> list[Party]:
    counted = sum(part.touches for part in parts)
    told = [
        {**party, "touches": part.touches, "of_touches": counted}
        for party, part in zip(parties, parts, strict=True)
    ]
    if len(told) < 2:
        return told
    weights = [part.weight for part in parts]
    rates = zip(weights, largest_remainder(WHOLE_BP, weights), strict=True)
    return [
        {**party, "part": weight, "part_bp": part_bp}
        for party, (weight, part_bp) in zip(told, rates, strict=True)
    ]


def _evidence(row: TouchRow) -> Evidence:
    return Evidence(row.touch_id, TouchKind(row.kind), row.clerk_id, row.at, row.received_at)
