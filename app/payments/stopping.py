"""Stopping an order: by its buyer, or by the clock. WeChat is told first, so that money cannot come afterwards."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Alarm, Conflict, Refusal, Unreachable
from app.base.vault import Vault
from app.orders import lifecycle
from app.orders.lifecycle import Held
from app.orders.rules import TIMEOUT
from app.payments import refunding
from app.payments.closing import close_payments
from app.payments.refunding import Part
from app.stock import reserving
from models.orders import OrderState
from models.payments import RefundCause
from wechat.errors import WeChatError
from wechat.pay import Pay

log = structlog.get_logger()
# While WeChat cannot be asked, an expired order keeps its goods this long in all; then they go back on sale.
MAX_HELD_S = 3600 + 900
ASK_AGAIN_S = 60
BUDGET_S = 20.0
BATCH = 200


@dataclass(frozen=True)
class Stopped:
    """The order after the attempt, and the number of the refund that was started for a paid one."""

    number: str
    state: OrderState
    refund_no: str | None


_OPEN_PAYMENTS = text(
    "select out_trade_no from payment where order_id = :order_id and state = 'PREPARED' order by id"
)
_REFUND_NO = text(
    "select out_refund_no from refund where order_id = :order_id and cause = 'CANCEL' order by id limit 1"
)
# The database's clock decides: money depends on it.
_DUE = text(
    "select id from orders where state = 'CREATED' and expires_at <= now() order by expires_at limit :most"
)
_AGE_S = text("select extract(epoch from now() - created_at)::bigint from orders where id = :order_id")
_POSTPONE = text("update orders set expires_at = :until where id = :order_id and state = 'CREATED'")


def cancel(
    tx: Tx, pay: Pay, *, order_number: str, member_id: int, actor: str, vault: Vault, now: datetime
) -> Stopped:
    """Cancel for the buyer. Unpaid: WeChat closes the payment first. Paid but not handed over: full refund.

    A second call answers the same. Refuses NOT_CANCELLABLE once the goods are handed over, and
    Unreachable when WeChat does not confirm that no money can come any more. When the payment
    wins the race, the order is paid, and is then cancelled with its refund.
    """
    with tx() as session:
        order_id = lifecycle.find_id(session, order_number, member_id=member_id)
    try:
        close_payments(tx, pay, order_id, vault=vault, now=now)
    except WeChatError as error:
        raise Unreachable("WECHAT_UNAVAILABLE", "Try again; the order is unchanged.") from error
    with tx() as session:
        return _cancel(session, order_id, actor, now)


def _cancel(session: Session, order_id: int, actor: str, now: datetime) -> Stopped:
    order = lifecycle.hold(session, order_id)
    if order.state is OrderState.CANCELLED:
        return Stopped(
            order.number, order.state, session.execute(_REFUND_NO, {"order_id": order_id}).scalar()
        )
    if order.state is OrderState.CREATED and session.execute(_OPEN_PAYMENTS, {"order_id": order_id}).first():
        # A payment was opened between our asking WeChat and this lock.
        raise Conflict("PAYMENT_OPENED", "A payment has just been opened; try again.")
    was_paid = order.state in (OrderState.PAID, OrderState.ALLOCATED)
    order = lifecycle.cancel(session, order, now=now, actor=actor, reason="BUYER")
    refund_no = _refund_all(session, order, actor, now) if was_paid else None
    return Stopped(order.number, order.state, refund_no)


def _refund_all(session: Session, order: Held, actor: str, now: datetime) -> str | None:
    left = refunding.lines_left(session, order.id)
    parts = [Part(line.order_line_id, line.left_qty, line.left_fen) for line in left if line.left_fen > 0]
    amount_fen = sum(part.amount_fen for part in parts)
    if not amount_fen:
        return None
    return refunding.open_refund(
        session,
        order,
        payment_id=refunding.paid_by(session, order.id),
        cause=RefundCause.CANCEL,
        amount_fen=amount_fen,
        lines=parts,
        reason="订单取消",
        actor=actor,
        now=now,
    )


def expire_due(tx: Tx, pay: Pay, *, vault: Vault, now: datetime) -> int:
    """Stop every unpaid order whose time is over (STK-2); answers how many were stopped.

    One order's trouble never stops the others, and a sweep ends after 20 s: the next goes on.
    While WeChat cannot be asked the order is kept for
    up to 15 minutes longer; after that its goods go back on sale and late money is dealt with by
    STK-4.
    """
    with tx() as session:
        due = list(session.execute(_DUE, {"most": BATCH}).scalars())
    stopped, until_s = 0, time.monotonic() + BUDGET_S
    for order_id in due:
        if time.monotonic() > until_s:
            break
        try:
            stopped += _expire(tx, pay, order_id, vault=vault, now=now)
        except (Refusal, WeChatError, DBAPIError, Alarm) as error:
            log.error("expiry_failed", order_id=order_id, error=type(error).__name__)
    return stopped


def _expire(tx: Tx, pay: Pay, order_id: int, *, vault: Vault, now: datetime) -> int:
    with suppress(WeChatError):
        close_payments(tx, pay, order_id, vault=vault, now=now)
    with tx() as session:
        order = lifecycle.hold(session, order_id)
        if order.state is not OrderState.CREATED:
            return 0
        # What is still open here can still be paid: the goods stay held, but not for ever.
        still_open = session.execute(_OPEN_PAYMENTS, {"order_id": order_id}).first() is not None
        age_s = session.execute(_AGE_S, {"order_id": order_id}).scalar_one()
        if still_open and age_s < MAX_HELD_S:
            until = now + timedelta(seconds=ASK_AGAIN_S)
            session.execute(_POSTPONE, {"order_id": order_id, "until": until})
            reserving.extend(session, order_id, until=until)
            return 0
        lifecycle.cancel(session, order, now=now, actor="clock", reason=TIMEOUT)
        return 1
