"""Promising goods again to an order that had timed out when its money arrived (STK-4)."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict
from app.orders.lifecycle import Held
from app.stock.reserving import Want, reserve

_LINES = text("select id, sku_id, sku_code, qty from order_line where order_id = :order_id order by line_no")


def promise_again(session: Session, order: Held) -> bool:
    """True when all goods are promised again at the order's own location; False, and nothing kept, when not.

    Uses a savepoint, so that a shortage leaves the caller's transaction intact. A pick-up order looks
    at its own store only: the customer chose that place.
    """
    rows = session.execute(_LINES, {"order_id": order.id}).all()
    wants = [Want(row.id, row.sku_id, row.sku_code, row.qty) for row in rows]
    try:
        with session.begin_nested():
            reserve(
                session,
                wants,
                order_id=order.id,
                location_id=order.location_id,
                expires_at=None,
                actor=f"order:{order.number}",
            )
    except Conflict:
        return False
    return True
