"""Promising goods to an order and settling the promise: reserve, keep, release, hand over (STK-1, STK-2, STK-7).

Every change is one statement that locks the stock rows in SKU order, changes them under a condition,
and writes the reservation and the movement beside it. Nothing here commits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict
from models.stock import ReservationState

# (location id, SKU code) of goods that this process saw run short. Wrong or lost costs one statement.
_short_lately: set[tuple[int, str]] = set()
MOST_NOTED = 10_000


@dataclass(frozen=True)
class Want:
    """``qty`` units of a SKU for one order line."""

    order_line_id: int
    sku_id: int
    sku_code: str
    qty: int


# The promise as the last part of a statement. Needs before it: ``deal`` (order_id, expires_at), one row, and
# ``line`` (order_line_id, sku_id, qty); and the values ``:location_id`` and ``:reserver``. ``moved`` (sku_id) tells
# what was promised: the caller must hand it to ``refuse_short``.
# The stock rows are named by arrays: a join would be planned as if there were hundreds of lines, and read all
# the stock of the location. The condition is checked on the newest row version: ``held`` has locked it, so READ
# COMMITTED rechecks there.
PROMISE = """
    want as (select sku_id, cast(sum(qty) as bigint) as qty from line group by sku_id),
    held as materialized (
        select s.sku_id from stock s
        where s.location_id = :location_id and s.sku_id = any(array(select sku_id from want))
        order by s.sku_id for no key update),
    moved as (
        update stock s set reserved = s.reserved + w.qty from want w
        where s.location_id = :location_id and s.sku_id = any(array(select sku_id from held))
          and s.sku_id = w.sku_id and s.on_hand - s.reserved - s.safety >= w.qty
        returning s.sku_id),
    promised as (
        insert into reservation (order_id, order_line_id, sku_id, location_id, qty, state, expires_at)
        select d.order_id, l.order_line_id, l.sku_id, :location_id, l.qty, 'ACTIVE', d.expires_at
        from line l join moved m on m.sku_id = l.sku_id cross join deal d
        returning id, sku_id, qty),
    written as (
        insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
        select sku_id, :location_id, 'RESERVE', 0, qty, 'reservation:' || id, :reserver from promised)
    """
_RESERVE = text(
    f"""
    with deal as (select cast(:order_id as bigint) as order_id, cast(:expires_at as timestamptz) as expires_at),
    line as (
        select * from unnest(cast(:lines as bigint[]), cast(:skus as bigint[]), cast(:qtys as bigint[]))
            as w(order_line_id, sku_id, qty)),
    {PROMISE}
    select sku_id from moved
    """
)

_SETTLE = text(
    """
    with mine as materialized (
        select id, sku_id, location_id, qty from reservation
        where order_id = :order_id and state = 'ACTIVE' order by id for update),
    held as materialized (
        select s.sku_id, s.location_id, sum(m.qty) as qty from stock s
        join mine m on m.sku_id = s.sku_id and m.location_id = s.location_id
        group by s.sku_id, s.location_id order by s.sku_id, s.location_id),
    closed as (
        update reservation r set state = :state, settled_at = now() from mine where r.id = mine.id),
    moved as (
        update stock s set reserved = s.reserved - h.qty, on_hand = s.on_hand - h.qty * :leaves from held h
        where s.sku_id = h.sku_id and s.location_id = h.location_id),
    written as (
        insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
        select sku_id, location_id, :kind, -qty * :leaves, -qty, 'reservation:' || id, :actor from mine)
    select count(*) from mine
    """
)
_LOCK_STOCK = text(
    """
    select 1 from stock s
    where (s.sku_id, s.location_id) in (
        select r.sku_id, r.location_id from reservation r where r.order_id = :order_id and r.state = 'ACTIVE')
    order by s.sku_id, s.location_id for no key update
    """
)
_SHORT = text(
    """
    select k.code from unnest(cast(:skus as text[]), cast(:qtys as bigint[])) as w(code, qty)
    join sku k on k.code = w.code
    left join stock s on s.sku_id = k.id and s.location_id = :location_id
    group by k.code, s.on_hand, s.reserved, s.safety
    having coalesce(s.on_hand - s.reserved - s.safety, 0) < sum(w.qty)
    order by k.code
    """
)
_KEEP = text("update reservation set expires_at = null where order_id = :order_id and state = 'ACTIVE'")
_EXTEND = text("update reservation set expires_at = :until where order_id = :order_id and state = 'ACTIVE'")


def reserve(
    session: Session,
    wants: Sequence[Want],
    *,
    order_id: int,
    location_id: int,
    expires_at: datetime | None,
    actor: str,
) -> None:
    """Promise all of ``wants`` at one location, or refuse with OUT_OF_STOCK naming every short SKU (STK-1, STK-3).

    On refusal the caller's transaction must roll back: part of the goods may already be promised.
    Locks the stock rows in SKU order and holds them until commit, so call it last (PERFORMANCE 2).
    """
    facts = {
        "lines": [want.order_line_id for want in wants],
        "skus": [want.sku_id for want in wants],
        "qtys": [want.qty for want in wants],
        "order_id": order_id,
        "location_id": location_id,
        "expires_at": expires_at,
        "reserver": actor,
    }
    moved = session.execute(_RESERVE, facts).scalars()
    refuse_short({want.sku_code: want.sku_id for want in wants}, moved, location_id=location_id)


def refuse_short(wanted: Mapping[str, int], moved: Iterable[int], *, location_id: int) -> None:
    """Refuse OUT_OF_STOCK, naming every SKU whose id (``wanted``: code to id) a ``PROMISE`` did not move."""
    promised = set(moved)
    short = sorted(code for code, sku_id in wanted.items() if sku_id not in promised)
    if short:
        _note_short(location_id, short)
        raise Conflict("OUT_OF_STOCK", ", ".join(short), skus=short)


def refuse_sold_out(session: Session, items: Sequence[tuple[str, int]], *, location_id: int) -> None:
    """Refuse OUT_OF_STOCK from one cheap read without a lock, naming the short SKUs.

    Answers the sold-out crowd before anything is inserted (PERFORMANCE 2). Looks only when one of the SKUs
    was short here the last time that this process knows of, so that nobody else pays for it. Promises
    nothing: only ``reserve`` decides.
    """
    if not any((location_id, code) in _short_lately for code, _ in items):
        return
    facts = {
        "skus": [code for code, _ in items],
        "qtys": [qty for _, qty in items],
        "location_id": location_id,
    }
    short = list(session.execute(_SHORT, facts).scalars())
    if short:
        raise Conflict("OUT_OF_STOCK", ", ".join(short), skus=short)
    _short_lately.difference_update((location_id, code) for code, _ in items)


def _note_short(location_id: int, skus: Sequence[str]) -> None:
    if len(_short_lately) > MOST_NOTED:
        _short_lately.clear()
    _short_lately.update((location_id, code) for code in skus)


def keep(session: Session, order_id: int) -> int:
    """The order is paid: its promises no longer expire. Answers how many there are."""
    return _count(session.execute(_KEEP, {"order_id": order_id}))


def extend(session: Session, order_id: int, *, until: datetime) -> None:
    """Let the order's promises live until ``until`` (WeChat could not be asked yet)."""
    session.execute(_EXTEND, {"order_id": order_id, "until": until})


def release(session: Session, order_id: int, *, expired: bool, actor: str) -> int:
    """Give the order's promises back; a second call finds none and changes nothing. Answers how many."""
    state = ReservationState.EXPIRED if expired else ReservationState.RELEASED
    return _settle(session, order_id, state.value, "EXPIRE" if expired else "RELEASE", leaves=0, actor=actor)


def hand_over(session: Session, order_id: int, *, actor: str) -> int:
    """The goods leave: on hand and reserved fall together. A second call changes nothing. Answers how many."""
    return _settle(session, order_id, ReservationState.CONSUMED.value, "SALE", leaves=1, actor=actor)


def _settle(session: Session, order_id: int, state: str, kind: str, *, leaves: int, actor: str) -> int:
    session.execute(_LOCK_STOCK, {"order_id": order_id})
    facts = {"order_id": order_id, "state": state, "kind": kind, "leaves": leaves, "actor": actor}
    settled: int = session.execute(_SETTLE, facts).scalar_one()
    return settled


def _count(result: object) -> int:
    return int(getattr(result, "rowcount", 0))
