"""Goods that come back: units of a waiting promise, or units that a customer hands in at a store."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict

_SHRINK = text(
    """
    update reservation set qty = qty - :qty
    where order_line_id = :order_line_id and state = 'ACTIVE' and qty > :qty
    returning sku_id, location_id
    """
)
_UNRESERVE = text(
    "update stock set reserved = reserved - :qty where sku_id = :sku_id and location_id = :location_id"
)
_RESTOCK = text(
    "insert into stock (sku_id, location_id, on_hand, reserved, safety, incoming)"
    " values (:sku_id, :location_id, :qty, 0, 0, 0)"
    " on conflict (sku_id, location_id) do update set on_hand = stock.on_hand + excluded.on_hand"
)
_MOVE = text(
    "insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)"
    " values (:sku_id, :location_id, :kind, :on_hand, :reserved, :ref, :actor)"
)


def shrink(session: Session, *, order_line_id: int, qty: int, ref: str, actor: str) -> None:
    """Take ``qty`` units out of a line's waiting promise. Refuses to take all: that is a cancellation."""
    row = session.execute(_SHRINK, {"order_line_id": order_line_id, "qty": qty}).first()
    if row is None:
        raise Conflict("WRONG_STATE", "Nothing would be left to pick up; cancel the order instead.")
    place = {"sku_id": row.sku_id, "location_id": row.location_id}
    session.execute(_UNRESERVE, {**place, "qty": qty})
    session.execute(
        _MOVE, {**place, "kind": "RELEASE", "on_hand": 0, "reserved": -qty, "ref": ref, "actor": actor}
    )


def take_back(session: Session, *, sku_id: int, location_id: int, qty: int, ref: str, actor: str) -> None:
    """Put ``qty`` sellable units back on hand at a location (RETURN_GOOD). ``ref`` names the cause, once."""
    place = {"sku_id": sku_id, "location_id": location_id}
    session.execute(_RESTOCK, {**place, "qty": qty})
    session.execute(
        _MOVE, {**place, "kind": "RETURN_GOOD", "on_hand": qty, "reserved": 0, "ref": ref, "actor": actor}
    )
