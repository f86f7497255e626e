"""Goods that come back: units of a waiting promise, or units that a customer hands in at a store."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict
from app.stock.movements import bring_in, give_back, write_off
from models.stock import MovementKind

_SHRINK = text(
    """
    update reservation set qty = qty - :qty
    where order_line_id = :order_line_id and state = 'ACTIVE' and qty > :qty
    returning sku_id, location_id
    """
)
# A whole line, while another line of the order still waits.
_RELEASE_LINE = text(
    """
    update reservation r set state = 'RELEASED', settled_at = now()
    where r.order_line_id = :order_line_id and r.state = 'ACTIVE' and r.qty = :qty and exists (
        select 1 from reservation o where o.order_id = r.order_id and o.state = 'ACTIVE' and o.id <> r.id)
    returning r.sku_id, r.location_id
    """
)


def shrink(session: Session, *, order_line_id: int, qty: int, ref: str, actor: str) -> None:
    """Take ``qty`` units out of a line's waiting promise.

    Refuses to take the last units of a whole order: that is a cancellation. The order is locked by the
    caller, so its other lines do not change meanwhile.
    """
    facts = {"order_line_id": order_line_id, "qty": qty}
    row = session.execute(_SHRINK, facts).first() or session.execute(_RELEASE_LINE, facts).first()
    if row is None:
        raise Conflict("WRONG_STATE", "Nothing would be left to pick up; cancel the order instead.")
    give_back(session, sku_id=row.sku_id, location_id=row.location_id, qty=qty, ref=ref, actor=actor)


def take_back(session: Session, *, sku_id: int, location_id: int, qty: int, ref: str, actor: str) -> None:
    """Put ``qty`` sellable units back on hand at a location, once for each ``ref``, which names the cause."""
    kind = MovementKind.RETURN_GOOD
    bring_in(session, kind, sku_id=sku_id, location_id=location_id, qty=qty, ref=ref, actor=actor)


def take_back_broken(
    session: Session, *, sku_id: int, location_id: int, qty: int, ref: str, actor: str
) -> None:
    """Note ``qty`` units that came back and cannot be sold: in as RETURN_BAD, and written off in the same step.

    Both movements are seen, on hand stays as it was. Once for each ``ref``.
    """
    place = {"sku_id": sku_id, "location_id": location_id}
    if bring_in(session, MovementKind.RETURN_BAD, **place, qty=qty, ref=ref, actor=actor):
        write_off(session, **place, qty=qty, ref=ref, actor=actor)
