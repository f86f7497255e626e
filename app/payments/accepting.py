"""Accepting money that WeChat says has arrived: exactly once, whoever brings the news and however often."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.vault import Vault
from app.commission import holding
from app.ledger.posting import Posting, post
from app.orders import lifecycle
from app.orders.lifecycle import Held
from app.orders.reviving import promise_again
from app.orders.rules import may_revive
from app.payments import accounts, refunding
from app.payments.rules import Verdict, judge
from models.orders import OrderState
from models.payments import PaymentState, RefundCause
from wechat.pay import Trade

log = structlog.get_logger()
ACTOR = "wechat-pay"


class Outcome(StrEnum):
    PAID = "PAID"  # this call made the order paid
    AGAIN = "AGAIN"  # it was accepted before; nothing happened
    EXCESS = "EXCESS"  # the order no longer wants it: a refund is on its way
    NOT_PAID = "NOT_PAID"  # no money in this trade
    MISMATCH = "MISMATCH"  # genuine, but not what we asked for: kept for a human
    UNMATCHED = "UNMATCHED"  # a number we never gave out


_FIND = text("select order_id from payment where out_trade_no = :out_trade_no")
# SPL-9: whether the payer is a clerk who is not the order's member. Asked here, where it costs no statement.
_HOLD = text(
    """
    select p.id, p.order_id, p.state, p.appid, p.mchid, p.amount_fen, p.transaction_id,
           exists (select from identity i
                     join clerk c on c.member_id = i.member_id and c.status <> 'LEFT'
                     join orders o on o.id = p.order_id join member m on m.id = o.member_id
                    where i.appid = p.appid and i.openid = p.payer_openid
                      and i.member_id <> coalesce(m.alias_of, m.id)) as paid_by_clerk
      from payment p where p.out_trade_no = :out_trade_no for update of p
    """
)
_SETTLE = text(
    "update payment set state = :state, transaction_id = :transaction_id, settled_at = :now, next_check_at = null,"
    " problem = null where id = :id"
)
_MISMATCH = text(
    "update payment set state = case when state = 'PREPARED' then 'MISMATCH' else state end, problem = :problem,"
    " next_check_at = null where id = :id"
)


def accept_paid(session: Session, trade: Trade, *, vault: Vault, now: datetime) -> Outcome:
    """Take a trade's money for the order it was meant for.

    Compares app, merchant, amount and currency with our own row. The same trade again changes nothing.
    Late money revives a timed-out order if the goods can be promised again, else it goes back by
    itself (STK-4); so does a second payment. When a clerk paid for a customer, the order's shares are held
    for review (SPL-9, cause ``payer:<order>``). Locks the order, then the payment; posts the money.
    """
    order_id = session.execute(_FIND, {"out_trade_no": trade.out_trade_no}).scalar()
    if order_id is None:
        log.error("payment_unmatched")
        return Outcome.UNMATCHED
    order = lifecycle.hold(session, order_id)
    payment = session.execute(_HOLD, {"out_trade_no": trade.out_trade_no}).one()
    verdict = judge(trade, appid=payment.appid, mchid=payment.mchid, amount_fen=payment.amount_fen)
    if verdict is Verdict.NOT_PAID:
        return Outcome.NOT_PAID
    if verdict is not Verdict.FITS:
        return _mismatch(session, payment, str(verdict))
    if payment.state in (PaymentState.SUCCESS, PaymentState.EXCESS):
        same = payment.transaction_id == trade.transaction_id
        return Outcome.AGAIN if same else _mismatch(session, payment, "SECOND_TRANSACTION")
    return _take(session, order, payment, trade, vault, now)


def _take(
    session: Session, order: Held, payment: Row[Any], trade: Trade, vault: Vault, now: datetime
) -> Outcome:
    paid_at = trade.success_at or now
    wanted = order.state is OrderState.CREATED
    if may_revive(order.state, order.cancel_reason):
        wanted = promise_again(session, order)
    state = PaymentState.SUCCESS if wanted else PaymentState.EXCESS
    session.execute(
        _SETTLE, {"id": payment.id, "state": state.value, "transaction_id": trade.transaction_id, "now": now}
    )
    _post(session, order, payment, excess=not wanted, paid_at=paid_at)
    if wanted:
        lifecycle.mark_paid(session, order, vault=vault, paid_at=paid_at, now=now, actor=ACTOR)
        if payment.paid_by_clerk:
            holding.hold_order(session, order_number=order.number, cause=f"payer:{order.number}", at=now)
        return Outcome.PAID
    refunding.open_refund(
        session,
        order,
        payment_id=payment.id,
        cause=RefundCause.EXCESS,
        amount_fen=payment.amount_fen,
        lines=(),
        reason="订单已关闭，款项原路退回",
        actor=ACTOR,
        now=now,
    )
    return Outcome.EXCESS


def _post(session: Session, order: Held, payment: Row[Any], *, excess: bool, paid_at: datetime) -> None:
    posting = Posting(
        key=f"pay:{payment.id}",
        kind="PAYMENT_EXCESS" if excess else "PAYMENT",
        cause=f"order:{order.number}",
        debit=accounts.cash(payment.mchid),
        credit=accounts.UNCLAIMED if excess else accounts.sales(order.entity_code),
        amount_fen=payment.amount_fen,
        happened_at=paid_at,
    )
    post(session, posting)


def _mismatch(session: Session, payment: Row[Any], problem: str) -> Outcome:
    log.error("payment_mismatch", payment=payment.id, problem=problem)
    session.execute(_MISMATCH, {"id": payment.id, "problem": problem})
    return Outcome.MISMATCH
