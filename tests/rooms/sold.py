"""Builders: orders placed by the house under its policies, paid and refunded, with books that agree."""

from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.commission import clawback
from app.ledger.posting import Posting, post
from app.members.meeting import Met
from app.orders import lifecycle
from app.orders.placing import Buyer, Placed
from tests.make import VAULT, an_order
from tests.rooms import paid

_PAYMENT = text(
    """
    insert into payment (order_id, out_trade_no, transaction_id, appid, mchid, payer_openid, amount_fen,
                         state, settled_at, checks)
    values (:id, 'P' || :number, 'T' || :number, 'wx-mp', '1900000001', 'o', :fen, 'SUCCESS', :at, 0)
    returning id
    """
)
_LINES = text(
    "select id as order_line_id, cast(:entity as text) as selling_entity from order_line"
    " where order_id = :id order by line_no"
)


def buy(session: Session, met: Met, *items: tuple[str, int], at: datetime, store: str = "SZ-FT") -> Placed:
    """An order placed ``at`` by somebody whom ``meet`` knows."""
    return an_order(session, Buyer(met.member_id, "M", met.identity_id), *items, store=store, now=at)


def pay(session: Session, placed: Placed, *, at: datetime) -> Any:
    """Pay an order ``at``, with its payment and its posting; answers what ``paid.refund`` takes."""
    order = lifecycle.hold(session, placed.order_id)
    lifecycle.mark_paid(session, order, vault=VAULT, paid_at=at, now=at, actor="test")
    fen = placed.quote.amount_fen
    facts = {"id": placed.order_id, "number": placed.number, "fen": fen, "at": at}
    payment_id = session.execute(_PAYMENT, facts).scalar_one()
    cash, sales = "cash:wechat:1900000001", f"sales:{placed.store.entity_code}"
    post(session, Posting(f"pay:{payment_id}", "PAYMENT", f"order:{placed.number}", cash, sales, fen, at))
    lines = session.execute(_LINES, {"id": placed.order_id, "entity": placed.store.entity_code}).all()
    return SimpleNamespace(order_id=placed.order_id, number=placed.number, payment_id=payment_id, lines=lines)


def give_back(
    session: Session, sold: Any, fen: int, *, at: datetime, line: int = 0, defect: bool = False
) -> None:
    """Refund ``fen`` of one line, with its claw-back; ``defect``: by the seller's fault (CLW-6)."""
    no = f"R{sold.number}-{line}-{at:%m%d%H%M%S%f}"
    refund_id = paid.refund(session, sold, {line: fen}, no=no)
    line_id = sold.lines[line].order_line_id
    clawback.reverse(session, refund_id=refund_id, lines=[(line_id, fen)], at=at, defect=defect)
