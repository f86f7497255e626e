"""Touches that happen away from WeChat and are told by a till: who met whom, when, by which code (TCH-1)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.touches import NewTouch, Recorded, record
from app.base.clock import iso
from app.base.errors import Conflict, Invalid, NotFound
from models.attribution import TouchKind

# What a till may tell. The other kinds come from WeChat itself and from nowhere else.
KINDS = frozenset(TouchKind) - {
    TouchKind.SUBSCRIBE_SCAN,
    TouchKind.SCAN,
    TouchKind.MP_SCENE,
    TouchKind.SHARE_CLICK,
}
# What says something of a clerk, and nothing without one.
NEED_CLERK = frozenset(
    {
        TouchKind.ASSISTED_ORDER,
        TouchKind.POS_SALE,
        TouchKind.CLERK_CODE,
        TouchKind.CHAT,
        TouchKind.PICKUP_VERIFY,
    }
)
# A till's clock may be a little ahead; what it tells late it tells within a week.
AHEAD = timedelta(seconds=60)
LATEST = timedelta(days=7)

_CLERK = text(
    "select id, code, name, store_id, status, last_day, :store as store from clerk"
    " where code = :code and store_id = :store_id"
)
_SCENE = text(
    "select q.id, q.clerk_id from qr_code q left join clerk c on c.id = q.clerk_id"
    " where q.scene = :scene and coalesce(c.store_id, q.store_id) = :store_id"
)
_OLD = text("select member_id, kind, clerk_id, occurred_at from touch where raw_key = :raw_key")
_SAME_PERSON = text("select count(distinct coalesce(alias_of, id)) from member where id = any(:ids)")


@dataclass(frozen=True, slots=True)
class Counter:
    """The store whose till speaks."""

    store_id: int
    store: str
    store_name: str = ""


@dataclass(frozen=True, slots=True)
class Seller:
    """A clerk of the till's own store, as the till names one."""

    clerk_id: int
    code: str
    name: str
    has_gone: bool


def happened(occurred_at: datetime, *, field: str, now: datetime) -> datetime:
    """The moment that a till tells, as it is kept: never in the future, at most a week ago.

    Refuses, naming ``field``: more than a minute ahead, or too old.
    """
    if occurred_at > now + AHEAD:
        raise Invalid("This lies in the future.", fields={field: "must not be in the future"})
    if occurred_at < now - LATEST:
        raise Invalid("This is too long ago.", fields={field: f"at most {LATEST.days} days ago"})
    return min(occurred_at, now)


def find_seller(session: Session, counter: Counter, code: str, *, day: date) -> Seller:
    """The clerk of that code if the till's own store employs him or her; anybody else is not found."""
    facts = {"code": code, "store_id": counter.store_id, "store": counter.store}
    row = session.execute(_CLERK, facts).first()
    if row is None:
        raise NotFound("CLERK_UNKNOWN", "This store has no such clerk.")
    gone = row.last_day < day if row.last_day is not None else row.status == "LEFT"
    return Seller(row.id, row.code, row.name, bool(gone))


def record_offline(
    session: Session,
    counter: Counter,
    *,
    member_id: int,
    kind: TouchKind,
    external_id: str,
    occurred_at: datetime,
    clerk: Seller | None = None,
    scene: str | None = None,
    now: datetime,
) -> Recorded:
    """Record a touch that a till tells; ``external_id`` makes a repeat harmless within the store (TCH-2).

    The caller holds the member. With neither clerk nor scene it is the store's own touch. Refuses a kind
    that needs a clerk without one, a scene of another store, a moment that ``happened`` refuses, and an
    ``external_id`` that stood for something else before (EXTERNAL_ID_REUSED).
    """
    if kind not in KINDS:
        raise Invalid("A till cannot tell this.", fields={"kind": f"one of {', '.join(sorted(KINDS))}"})
    if kind in NEED_CLERK and clerk is None and scene is None:
        raise Invalid("This kind of touch is a clerk's.", fields={"clerk": f"needed for {kind}"})
    if scene is not None:
        _check_scene(session, counter, scene)
    raw_key = f"pos.{counter.store_id}.{external_id}"
    if not _was_told(session, raw_key, member_id, kind, occurred_at):
        occurred_at = happened(occurred_at, field="occurred_at", now=now)
    return record(
        session,
        NewTouch(
            member_id=member_id,
            identity_id=None,
            kind=kind,
            occurred_at=occurred_at,
            raw_key=raw_key,
            scene=scene,
            clerk_id=clerk.clerk_id if clerk else None,
            store_id=counter.store_id,
        ),
    )


def unknown_buyers_seller(counter: Counter, seller: Seller, *, at: datetime) -> dict[str, Any]:
    """The party of a credit snapshot for a sale to somebody unknown: the receipt itself says who sold."""
    return {
        "role": "SELL_CLERK",
        "kind": "CLERK",
        "party": f"clerk:{seller.code}",
        "name": seller.name,
        "store": counter.store,
        "store_name": counter.store_name,
        "touch": None,
        "touch_kind": TouchKind.POS_SALE.value,
        "at": iso(at),
        "because": "SOLD_POS_SALE",
    }


def _check_scene(session: Session, counter: Counter, scene: str) -> None:
    found = session.execute(_SCENE, {"scene": scene, "store_id": counter.store_id}).first()
    if found is None:
        raise NotFound("CODE_UNKNOWN", "This store has no such code.")


def _was_told(session: Session, raw_key: str, member_id: int, kind: TouchKind, occurred_at: datetime) -> bool:
    old = session.execute(_OLD, {"raw_key": raw_key}).first()
    if old is None:
        return False
    persons = session.execute(_SAME_PERSON, {"ids": [old.member_id, member_id]}).scalar_one()
    # What was told a little ahead was kept as the moment of its arrival.
    same_time = abs(old.occurred_at - occurred_at) <= AHEAD
    if (persons, old.kind, same_time) != (1, kind.value, True):
        raise Conflict("EXTERNAL_ID_REUSED", "This id stood for another touch before.")
    return True
