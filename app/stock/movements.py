"""Numbers of one SKU at one place, changed together with the movement that explains it (STK-7)."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from models.stock import MovementKind

_NOTE = text(
    """
    insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
    values (:sku_id, :location_id, :kind, :on_hand, :reserved, :ref, :actor)
    on conflict (kind, ref, sku_id, location_id) do nothing returning id
    """
)
_BRING_IN = text(
    """
    insert into stock (sku_id, location_id, on_hand, reserved, safety, incoming)
    values (:sku_id, :location_id, :qty, 0, 0, 0)
    on conflict (sku_id, location_id) do update set on_hand = stock.on_hand + excluded.on_hand
    """
)
_WRITE_OFF = text(
    "update stock set on_hand = on_hand - :qty where sku_id = :sku_id and location_id = :location_id"
)
_GIVE_BACK = text(
    "update stock set reserved = reserved - :qty where sku_id = :sku_id and location_id = :location_id"
)


def bring_in(
    session: Session,
    kind: MovementKind,
    *,
    sku_id: int,
    location_id: int,
    qty: int,
    ref: str,
    actor: str,
) -> bool:
    """Put ``qty`` units on hand; False, and nothing done, when ``ref`` brought this SKU here before.

    Takes the movement's unique key as a lock, then the stock row.
    """
    place = {"sku_id": sku_id, "location_id": location_id}
    moved = {**place, "kind": kind.value, "on_hand": qty, "reserved": 0, "ref": ref, "actor": actor}
    if session.execute(_NOTE, moved).first() is None:
        return False
    session.execute(_BRING_IN, {**place, "qty": qty})
    return True


def give_back(session: Session, *, sku_id: int, location_id: int, qty: int, ref: str, actor: str) -> None:
    """Free ``qty`` reserved units for others (RELEASE). The caller has made their promise smaller."""
    place = {"sku_id": sku_id, "location_id": location_id}
    kind = MovementKind.RELEASE.value
    session.execute(_GIVE_BACK, {**place, "qty": qty})
    session.execute(
        _NOTE, {**place, "kind": kind, "on_hand": 0, "reserved": -qty, "ref": ref, "actor": actor}
    )


def write_off(session: Session, *, sku_id: int, location_id: int, qty: int, ref: str, actor: str) -> None:
    """Take ``qty`` units off hand that nobody bought (COUNT_ADJ). The caller holds the stock row."""
    place = {"sku_id": sku_id, "location_id": location_id}
    kind = MovementKind.COUNT_ADJ.value
    session.execute(_WRITE_OFF, {**place, "qty": qty})
    session.execute(
        _NOTE, {**place, "kind": kind, "on_hand": -qty, "reserved": 0, "ref": ref, "actor": actor}
    )
