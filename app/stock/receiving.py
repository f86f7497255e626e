"""Goods that come in with a delivery note: on hand grows by a RECEIPT, once per note (STK-7)."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Invalid, NotFound
from app.stock.movements import bring_in
from models.stock import MovementKind

MAX_QTY = 1_000_000
_PLACE = text(
    "select k.id as sku_id, l.id as location_id from sku k, stock_location l where k.code = :sku and l.code = :location"
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
    return bring_in(
        session,
        MovementKind.RECEIPT,
        sku_id=place.sku_id,
        location_id=place.location_id,
        qty=qty,
        ref=f"note:{ref}",
        actor=actor,
    )
