"""Goods that come in with a delivery note: on hand grows by a RECEIPT, once per note (STK-7)."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Invalid, NotFound

MAX_QTY = 1_000_000
_PLACE = text(
    "select k.id as sku_id, l.id as location_id from sku k, stock_location l where k.code = :sku and l.code = :location"
)
_MOVE = text(
    """
    insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
    values (:sku_id, :location_id, 'RECEIPT', :qty, 0, :ref, :actor)
    on conflict (kind, ref, sku_id, location_id) do nothing returning id
    """
)
_GROW = text(
    """
    insert into stock (sku_id, location_id, on_hand, reserved, safety, incoming)
    values (:sku_id, :location_id, :qty, 0, 0, 0)
    on conflict (sku_id, location_id) do update set on_hand = stock.on_hand + excluded.on_hand
    """
)


def receive(session: Session, *, location: str, sku: str, qty: int, ref: str, actor: str) -> bool:
    """Book ``qty`` units that came with delivery note ``ref``; False when that note was booked before.

    Refuses an unknown SKU or location, and a quantity outside 1..1,000,000.
    """
    if not 1 <= qty <= MAX_QTY:
        raise Invalid("Not a quantity.", fields={"qty": f"must be between 1 and {MAX_QTY}"})
    if not ref:
        raise Invalid("A delivery note is needed.", fields={"ref": "must not be empty"})
    place = session.execute(_PLACE, {"sku": sku, "location": location}).first()
    if place is None:
        raise NotFound("NOT_FOUND", f"No SKU {sku} or no location {location}.")
    facts = {"sku_id": place.sku_id, "location_id": place.location_id, "qty": qty}
    if session.execute(_MOVE, {**facts, "ref": f"note:{ref}", "actor": actor}).first() is None:
        return False
    session.execute(_GROW, facts)
    return True
