"""The janitor: asks WeChat about payments and refunds whose news stays away, on a schedule that thins out."""

from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.base.db import Tx
from app.base.errors import Alarm, Refusal
from app.base.vault import Vault
from app.payments import refunding
from app.payments.accepting import Outcome, accept_paid
from app.payments.closing import close_payment
from app.payments.rules import is_unknown_there, next_check
from wechat.errors import Refused, WeChatError
from wechat.pay import Pay

log = structlog.get_logger()
# So many calls of three seconds end before the claim lapses.
BATCH = 30
# One row's trouble must not stop the others of a sweep.
TROUBLE = (Refusal, WeChatError, DBAPIError, Alarm)

# Claiming moves the next check ahead first: two janitors, or one that dies, never ask twice at once.
_CLAIM_PAYMENTS = text(
    """
    update payment p set checks = p.checks + 1, next_check_at = now() + interval '2 minutes'
    from (select id from payment where state = 'PREPARED' and next_check_at <= now()
          order by next_check_at limit :most for update skip locked) due
    where p.id = due.id returning p.id, p.out_trade_no, p.checks,
        (select o.state = 'CANCELLED' from orders o where o.id = p.order_id) as stopped
    """
)
_CLAIM_REFUNDS = text(
    """
    update refund r set checks = r.checks + 1, next_check_at = now() + interval '2 minutes'
    from (select id from refund where state in ('REQUESTED', 'PROCESSING') and next_check_at <= now()
          order by next_check_at limit :most for update skip locked) due
    where r.id = due.id returning r.id, r.out_refund_no, r.checks, r.state
    """
)
_PLAN_PAYMENT = text("update payment set next_check_at = :at where id = :id and state = 'PREPARED'")
_PLAN_REFUND = text(
    "update refund set next_check_at = :at where id = :id and state in ('REQUESTED', 'PROCESSING')"
)


def check_payments(tx: Tx, pay: Pay, *, vault: Vault, now: datetime) -> int:
    """Ask WeChat about payments that nobody told us about; answers how many turned out to be paid."""
    with tx() as session:
        due = session.execute(_CLAIM_PAYMENTS, {"most": BATCH}).all()
    paid = 0
    for row in due:
        try:
            outcome = check_one(tx, pay, row.out_trade_no, vault=vault, now=now)
            paid += outcome is Outcome.PAID
            if outcome is Outcome.NOT_PAID and row.stopped:
                # Nobody wants this money any more: better that it cannot come.
                close_payment(tx, pay, row.out_trade_no, vault=vault, now=now)
        except TROUBLE as error:
            log.error("payment_check_failed", payment=row.id, error=type(error).__name__)
        with tx() as session:
            session.execute(_PLAN_PAYMENT, {"id": row.id, "at": next_check(now, row.checks)})
    return paid


def check_one(tx: Tx, pay: Pay, out_trade_no: str, *, vault: Vault, now: datetime) -> Outcome:
    """Ask WeChat about one payment and accept what it says. A number WeChat does not know is not paid.

    Raises any other refusal: it tells nothing about the number.
    """
    try:
        trade = pay.query(out_trade_no)
    except Refused as error:
        if is_unknown_there(error.code):
            return Outcome.NOT_PAID
        raise
    with tx() as session:
        return accept_paid(session, trade, vault=vault, now=now)


def check_refunds(tx: Tx, pay: Pay, *, notify_url: str, now: datetime) -> int:
    """Ask about refunds on their way, send again those that WeChat never got; answers how many were looked at."""
    with tx() as session:
        due = session.execute(_CLAIM_REFUNDS, {"most": BATCH}).all()
    for row in due:
        try:
            _check_refund(tx, pay, row.id, row.out_refund_no, notify_url=notify_url, now=now)
        except TROUBLE as error:
            log.error("refund_check_failed", refund=row.id, error=type(error).__name__)
        with tx() as session:
            session.execute(_PLAN_REFUND, {"id": row.id, "at": next_check(now, row.checks)})
    return len(due)


def _check_refund(
    tx: Tx, pay: Pay, refund_id: int, out_refund_no: str, *, notify_url: str, now: datetime
) -> None:
    try:
        answer = pay.query_refund(out_refund_no)
    except Refused as error:
        if not is_unknown_there(error.code):
            raise
        # Not received there: the same number is sent again (WECHAT_PAY 6.2).
        refunding.send(tx, pay, refund_id=refund_id, notify_url=notify_url, now=now)
        return
    with tx() as session:
        refunding.accept_refund(
            session,
            out_refund_no=out_refund_no,
            refund_id=answer.refund_id,
            status=answer.status,
            refund_fen=answer.refund_fen,
            now=now,
        )
