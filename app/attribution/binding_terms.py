"""The brand's terms of service bindings, as versions with a time of effect (C-7): how long a customer is
protected, how often staff or the customer may change who serves, what a bounty is.

``params`` of a row in ``binding_terms`` are the fields of ``Terms``, written and read here only.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import Conflict, Forbidden, Invalid, NotFound

LONGEST_DAYS = 3650
MOST_BOUNTY_FEN = 20_000


def _slow_shelves() -> dict[str, int]:
    return {"jewellery": 365, "home": 365}


@dataclass(frozen=True)
class Terms:
    """What holds at one moment; these are the terms of a brand that never set any (BND-4..7, 11, 12)."""

    protect_days: int = 30
    inactive_days: int = 180
    # Of what is bought seldom; a category that is not named has ``inactive_days``.
    inactive_by_category: Mapping[str, int] = field(default_factory=_slow_shelves)
    choice_days: int = 30
    transfers: int = 2
    transfer_days: int = 90
    refuse_hours: int = 24
    material_minutes: int = 120
    bounty_on: bool = False
    bounty_fen: int = 200
    bounty_after_days: int = 7
    bounty_per_day: int = 20
    bounty_freeze_days: int = 7

    def days_of(self, category: str) -> int:
        """For how many days a purchase of this category keeps a customer active."""
        return self.inactive_by_category.get(category, self.inactive_days)


_LIMITS = {
    "protect_days": (0, LONGEST_DAYS),
    "inactive_days": (0, LONGEST_DAYS),
    "choice_days": (0, LONGEST_DAYS),
    "transfers": (0, 100),
    "transfer_days": (1, LONGEST_DAYS),
    "refuse_hours": (0, 24 * 30),
    "material_minutes": (0, 24 * 60),
    "bounty_fen": (1, MOST_BOUNTY_FEN),
    "bounty_after_days": (1, 365),
    "bounty_per_day": (1, 1000),
    "bounty_freeze_days": (0, 365),
}

# The terms in effect ``:at`` as one JSON text for ``read``, or NULL: so another statement can bring them along.
IN_EFFECT_JSON = """
    select bt.params::text from binding_terms bt
    where bt.approved_at is not null and bt.effective_from <= :at
      and (bt.effective_to is null or bt.effective_to > :at)
    order by bt.effective_from desc limit 1
"""
_ALONE = text(IN_EFFECT_JSON)
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('binding terms', 0))")
_DRAFT = text(
    """
    insert into binding_terms (version, params, effective_from, created_by, created_at)
    select coalesce(max(version), 0) + 1, cast(:params as jsonb), :effective_from, :by, :now from binding_terms
    returning version
    """
)
_HELD = text(
    "select effective_from, created_by, approved_at from binding_terms where version = :version for update"
)
_LATER = text(
    "select version from binding_terms where approved_at is not null and effective_from >= :effective_from"
)
_END = text(
    "update binding_terms set effective_to = :effective_from"
    " where approved_at is not null and effective_to is null"
)
_APPROVE = text(
    "update binding_terms set approved_by = :by, approved_at = :now, effective_from = :effective_from"
    " where version = :version"
)


@lru_cache(16)
def read(in_effect: str | None) -> Terms:
    """The terms in an answer of ``IN_EFFECT_JSON``."""
    return Terms(**orjson.loads(in_effect)) if in_effect else Terms()


def in_effect(session: Session | Connection, *, at: datetime) -> Terms:
    """The terms that hold at a moment."""
    return read(session.execute(_ALONE, {"at": at}).scalar())


def draft(
    session: Session, params: Mapping[str, Any], *, effective_from: datetime, by: str, now: datetime
) -> int:
    """Write terms down for somebody else to approve; answers their version. Refuses what ``check`` refuses."""
    content = orjson.dumps(asdict(check(params))).decode()
    session.execute(_LOCK)
    facts = {"params": content, "effective_from": effective_from, "by": by, "now": now}
    return int(session.execute(_DRAFT, facts).scalar_one())


def approve(session: Session, *, version: int, by: str, now: datetime) -> datetime:
    """Put drafted terms in effect, on their day but never in the past; answers from when on.

    Refuses: NotFound; SAME_PERSON (whoever drafted them); APPROVED_ALREADY; TERMS_SCHEDULED when later terms
    are approved already. What was decided under earlier terms stays.
    """
    session.execute(_LOCK)
    held = session.execute(_HELD, {"version": version}).first()
    if held is None:
        raise NotFound("NOT_FOUND", "No such terms.")
    if held.created_by == by:
        raise Forbidden("SAME_PERSON", "Whoever drafts terms does not approve them.")
    if held.approved_at is not None:
        raise Conflict("APPROVED_ALREADY", "These terms are approved already.")
    begins_at: datetime = max(held.effective_from, now)
    facts = {"version": version, "by": by, "now": now, "effective_from": begins_at}
    if session.execute(_LATER, facts).first() is not None:
        raise Conflict("TERMS_SCHEDULED", "Later terms are approved already.")
    session.execute(_END, facts)
    session.execute(_APPROVE, facts)
    return begins_at


def told(terms: Terms) -> dict[str, Any]:
    """The terms as plain values, as ``check`` takes them."""
    return asdict(terms)


def check(params: Mapping[str, Any]) -> Terms:
    """The terms in ``params``; what is not named keeps its default. Invalid names each wrong field."""
    known = {one.name for one in fields(Terms)}
    wrong = {name: "unknown" for name in params if name not in known}
    for name, (lowest, highest) in _LIMITS.items():
        if name in params and not _whole(params[name], lowest, highest):
            wrong[name] = f"{lowest} to {highest}"
    if not isinstance(params.get("bounty_on", False), bool):
        wrong["bounty_on"] = "true or false"
    by_category = params.get("inactive_by_category", {})
    if not isinstance(by_category, Mapping) or not all(
        isinstance(name, str) and _whole(days, 0, LONGEST_DAYS) for name, days in by_category.items()
    ):
        wrong["inactive_by_category"] = f"0 to {LONGEST_DAYS} days by category"
    if wrong:
        raise Invalid("The terms are not valid.", fields=wrong)
    return Terms(**params)


def _whole(value: object, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest
