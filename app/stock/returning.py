"""Goods that come back: units of a waiting promise, or units that a customer hands in at a store."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict
from app.stock.movements import bring_in, give_back
from models.stock import MovementKind

_SHRINK = text(
    """
    update reservation set qty = qty - :qty
    where order_line_id = :order_line_id and state = 'ACTIVE' and qty > :qty
    returning sku_id, location_id
    """
)


def shrink(session: Session, *, order_line_id: int, qty: int, ref: str, actor: str) -> None:
    """Take ``qty`` units out of a line's waiting promise. Refuses to take all: that is a cancellation."""
    row = session.execute(_SHRINK, {"order_line_id": order_line_id, "qty": qty}).first()
    if row is None:
        raise Conflict(
            "WRONG_STATE", "Nothing of the line would be left to pick up; cancel the order instead."
        )
    give_back(session, sku_id=row.sku_id, location_id=row.location_id, qty=qty, ref=ref, actor=actor)


def take_back(session: Session, *, sku_id: int, location_id: int, qty: int, ref: str, actor: str) -> None:
    """Put ``qty`` sellable units back on hand at a location, once for each ``ref``, which names the cause."""
    kind = MovementKind.RETURN_GOOD
    bring_in(session, kind, sku_id=sku_id, location_id=location_id, qty=qty, ref=ref, actor=actor)
