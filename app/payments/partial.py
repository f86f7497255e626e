"""A refund decided at the counter: some money, or some goods and their money, of an order that was paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.base.errors import Conflict, Forbidden, Invalid, NotFound
from app.orders import lifecycle
from app.orders.lifecycle import Held
from app.orders.rules import REFUNDABLE
from app.payments import refunding
from app.payments.refunding import LineLeft, Part
from app.stock import returning
from models.orders import FulfilmentState
from models.payments import RefundCause
from models.stores import ClerkRole


@dataclass(frozen=True)
class Decider:
    """The manager who decides, at one store."""

    clerk_code: str
    role: str
    store_id: int


@dataclass(frozen=True)
class Wish:
    """``amount_fen`` of line ``line_no``; ``qty`` units come back with it (0 = money only)."""

    line_no: int
    amount_fen: int
    qty: int


def refund_part(
    session: Session,
    *,
    order_number: str,
    decider: Decider,
    wishes: Sequence[Wish],
    reason: str,
    now: datetime,
    seller_fault: bool = False,
) -> str:
    """Decide a partial refund and answer its number; WeChat is told after commit.

    Refuses anyone but a manager of the order's own store, an order that is not waiting or handed
    over, and more money or units than are left. Units go back on hand at that store (or out of the
    promise when they were still waiting there). ``seller_fault``: the goods are defective and stay with the
    customer (CLW-6); refuses units that come back.
    """
    order = lifecycle.hold(session, lifecycle.find_id(session, order_number))
    if decider.store_id != order.pickup_store_id:
        # The same words as for a number that nobody has: another store's orders are not told of.
        raise NotFound("NOT_FOUND", "No such order.")
    if decider.role != ClerkRole.MANAGER:
        raise Forbidden("FORBIDDEN", "Only a manager decides a refund.")
    if order.state not in REFUNDABLE:
        raise Conflict("WRONG_STATE", f"The order is {order.state}.")
    if len({wish.line_no for wish in wishes}) != len(wishes):
        raise Invalid("A line is named twice.", fields={"lines": "each line_no once"})
    if seller_fault and any(wish.qty for wish in wishes):
        raise Invalid("Goods that come back are a return.", fields={"seller_fault": "only without units"})
    lines = {line.line_no: line for line in refunding.lines_left(session, order.id)}
    parts = [_part(lines, position, wish) for position, wish in enumerate(wishes)]
    refund_no = refunding.open_refund(
        session,
        order,
        payment_id=refunding.paid_by(session, order.id),
        cause=RefundCause.DEFECT if seller_fault else RefundCause.AFTER_SALE,
        amount_fen=sum(part.amount_fen for part in parts),
        lines=parts,
        reason=reason,
        actor=f"clerk:{decider.clerk_code}",
        now=now,
    )
    _move_goods(session, order, list(lines.values()), parts, refund_no, decider)
    return refund_no


def _part(lines: dict[int, LineLeft], position: int, wish: Wish) -> Part:
    line = lines.get(wish.line_no)
    if line is None:
        raise Invalid("No such line.", fields={f"lines.{position}.line_no": "not in this order"})
    if wish.qty > line.left_qty:
        raise Conflict("REFUND_TOO_MUCH", "More units than are left on the line.")
    return Part(line.order_line_id, wish.qty, wish.amount_fen)


def _move_goods(
    session: Session,
    order: Held,
    lines: Sequence[LineLeft],
    parts: Sequence[Part],
    refund_no: str,
    decider: Decider,
) -> None:
    sku_of = {line.order_line_id: line.sku_id for line in lines}
    actor = f"clerk:{decider.clerk_code}"
    for part in sorted(parts, key=lambda part: sku_of[part.order_line_id]):
        ref = f"refund:{refund_no}:{part.order_line_id}"
        if not part.qty:
            continue
        if order.fulfilment_state is FulfilmentState.READY:
            returning.shrink(session, order_line_id=part.order_line_id, qty=part.qty, ref=ref, actor=actor)
        else:
            returning.take_back(
                session,
                sku_id=sku_of[part.order_line_id],
                location_id=order.location_id,
                qty=part.qty,
                ref=ref,
                actor=actor,
            )
