"""Giving money back: a refund is a committed row first, then a message to WeChat repeated under one number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base import numbers
from app.base.db import Tx
from app.base.errors import Conflict, Invalid
from app.base.queue import defer
from app.commission import clawback
from app.ledger.posting import Posting, post
from app.orders import lifecycle
from app.orders.lifecycle import Held
from app.payments import accounts
from app.payments.rules import is_final, next_check
from models.payments import PaymentChannel, RefundCause, RefundState
from wechat.errors import Refused, Unavailable
from wechat.pay import Pay, RefundStatus

log = structlog.get_logger()
SEND_JOB = "send_refund"
# WECHAT_PAY 6.1; the last one is kept for cancelling the rest of the order.
MOST_REFUNDS = 50


@dataclass(frozen=True)
class Part:
    """Which amount of which order line goes back; ``qty`` units came back with it (0 = money only)."""

    order_line_id: int
    qty: int
    amount_fen: int


@dataclass(frozen=True)
class LineLeft:
    """What one order line can still give back, in fen and units."""

    order_line_id: int
    line_no: int
    sku_id: int
    left_fen: int
    left_qty: int


_LEFT = text(
    """
    select p.amount_fen - coalesce(sum(r.amount_fen) filter (where r.state <> 'CLOSED' and r.state <> 'REFUSED'), 0)
           as left_fen, p.channel
    from payment p left join refund r on r.payment_id = p.id
    where p.id = :payment_id group by p.id
    """
)
# Money of a refund that came to nothing is left again. Units are not: they moved when the refund was decided.
_LINES_LEFT = text(
    """
    select l.id, l.line_no, l.sku_id,
           l.amount_fen - coalesce(sum(rl.amount_fen) filter (where r.state not in ('CLOSED', 'REFUSED')), 0)
               as left_fen,
           l.qty - coalesce(sum(rl.qty), 0) as left_qty
    from order_line l left join refund_line rl on rl.order_line_id = l.id left join refund r on r.id = rl.refund_id
    where l.order_id = :order_id group by l.id order by l.line_no
    """
)
_PAID_BY = text("select id from payment where order_id = :order_id and state = 'SUCCESS'")
_MADE = text("select count(*) from refund where payment_id = :payment_id")
_OPEN = text(
    """
    insert into refund (order_id, payment_id, out_refund_no, cause, amount_fen, reason, state, actor,
                        next_check_at, checks)
    values (:order_id, :payment_id, :out_refund_no, :cause, :amount_fen, :reason, 'REQUESTED', :actor,
            :next_check_at, 0)
    returning id
    """
)
_OPEN_LINES = text(
    "insert into refund_line (refund_id, order_line_id, qty, amount_fen)"
    " select :refund_id, * from unnest(cast(:lines as bigint[]), cast(:qtys as bigint[]), cast(:amounts as bigint[]))"
)
_TO_SEND = text(
    """
    select r.id, r.state, r.out_refund_no, r.amount_fen, r.reason, p.out_trade_no, p.amount_fen as total_fen
    from refund r join payment p on p.id = r.payment_id where r.id = :refund_id
    """
)
_ORDER_OF = text("select order_id from refund where out_refund_no = :out_refund_no")
_HOLD = text(
    """
    select r.id, r.state, r.cause, r.amount_fen, r.out_refund_no, p.mchid from refund r
    join payment p on p.id = r.payment_id where r.out_refund_no = :out_refund_no for update of r
    """
)
_MOVE = text(
    """
    update refund set state = :state, refund_id = coalesce(cast(:refund_id as text), refund_id),
        problem = cast(:problem as text),
        settled_at = case when :settled then cast(:now as timestamptz) else settled_at end,
        next_check_at = case when :settled then null else next_check_at end
    where id = :id
    """
)
_COUNT_ORDER = text("update orders set refunded_fen = refunded_fen + :amount_fen where id = :order_id")
_COUNT_LINES = text(
    """
    update order_line l set refunded_fen = l.refunded_fen + r.amount_fen, refunded_qty = l.refunded_qty + r.qty
    from refund_line r where r.refund_id = :refund_id and r.order_line_id = l.id
    """
)
_LINES_OF = text(
    "select order_line_id, amount_fen from refund_line where refund_id = :refund_id order by order_line_id"
)

# What a person decides; the others follow from what happened to the order.
DECIDED = frozenset({RefundCause.AFTER_SALE, RefundCause.DEFECT})
FINAL = frozenset({RefundState.SUCCESS, RefundState.CLOSED, RefundState.REFUSED})
FROM_WECHAT = {
    RefundStatus.SUCCESS: RefundState.SUCCESS,
    RefundStatus.CLOSED: RefundState.CLOSED,
    RefundStatus.ABNORMAL: RefundState.ABNORMAL,
    RefundStatus.PROCESSING: RefundState.PROCESSING,
}


def lines_left(session: Session, order_id: int) -> list[LineLeft]:
    """What each line of an order can still give back, by line number; refunds on their way are given already."""
    rows = session.execute(_LINES_LEFT, {"order_id": order_id})
    return [LineLeft(row.id, row.line_no, row.sku_id, int(row.left_fen), int(row.left_qty)) for row in rows]


def paid_by(session: Session, order_id: int) -> int:
    """The payment that paid for a paid order."""
    return int(session.execute(_PAID_BY, {"order_id": order_id}).scalar_one())


def open_refund(
    session: Session,
    order: Held,
    *,
    payment_id: int,
    cause: RefundCause,
    amount_fen: int,
    lines: Sequence[Part],
    reason: str,
    actor: str,
    now: datetime,
) -> str:
    """Decide a refund and ask for it to be sent after commit; answers its number.

    The order must be locked by the caller. Refuses more than what is left of the payment or of a
    line, counting refunds that are still on their way (AFT-3, I12).
    """
    if amount_fen < 1 or sum(part.amount_fen for part in lines) > amount_fen:
        raise Invalid(
            "A refund is at least 1 fen and at least its lines.", fields={"amount_fen": "too small"}
        )
    refuse_too_much(session, order, payment_id, amount_fen, lines, channel=PaymentChannel.WECHAT)
    made = session.execute(_MADE, {"payment_id": payment_id}).scalar_one()
    if made >= MOST_REFUNDS - (cause in DECIDED):
        raise Conflict("REFUND_TOO_MANY", f"WeChat makes at most {MOST_REFUNDS} refunds of one payment.")
    facts = {
        "order_id": order.id,
        "payment_id": payment_id,
        "out_refund_no": numbers.draw("R", now, length=12),
        "cause": cause.value,
        "amount_fen": amount_fen,
        "reason": reason,
        "actor": actor,
        "next_check_at": next_check(now, 0),
    }
    refund_id = session.execute(_OPEN, facts).scalar_one()
    name_lines(session, refund_id, lines)
    defer(session, SEND_JOB, refund_id=refund_id)
    return str(facts["out_refund_no"])


def name_lines(session: Session, refund_id: int, lines: Sequence[Part]) -> None:
    """Write which parts of which lines a new refund gives back; none for an excess."""
    if lines:
        columns = zip(*((part.order_line_id, part.qty, part.amount_fen) for part in lines), strict=True)
        ids, qtys, amounts = (list(column) for column in columns)
        session.execute(_OPEN_LINES, {"refund_id": refund_id, "lines": ids, "qtys": qtys, "amounts": amounts})


def refuse_too_much(
    session: Session,
    order: Held,
    payment_id: int,
    amount_fen: int,
    lines: Sequence[Part],
    *,
    channel: PaymentChannel,
) -> None:
    """Refuses more than is left of the payment or a line (AFT-3, I12), and money that went another way."""
    left = session.execute(_LEFT, {"payment_id": payment_id}).one()
    if left.channel != channel:
        raise Conflict("PAID_ELSEWHERE", f"This was paid by {left.channel} and goes back the same way.")
    if amount_fen > left.left_fen:
        raise Conflict("REFUND_TOO_MUCH", f"{left.left_fen} fen are left.", left_fen=int(left.left_fen))
    of_line = {line.order_line_id: line.left_fen for line in lines_left(session, order.id)} if lines else {}
    if any(part.amount_fen > of_line.get(part.order_line_id, 0) for part in lines):
        raise Conflict("REFUND_TOO_MUCH", "A line has less left than that.")


def send(tx: Tx, pay: Pay, *, refund_id: int, notify_url: str, now: datetime) -> RefundState:
    """Tell WeChat, under the committed number, as often as needed; the answer is accepted at once.

    Raises Unavailable or Unknown when WeChat gave no clear answer: the job is tried again with the
    same number. So does a refusal that speaks of our settings. A refusal of this refund is kept for a human.
    """
    with tx() as session:
        row = session.execute(_TO_SEND, {"refund_id": refund_id}).one()
    if RefundState(row.state) in FINAL:
        return RefundState(row.state)
    try:
        answer = pay.refund(
            out_trade_no=row.out_trade_no,
            out_refund_no=row.out_refund_no,
            refund_fen=row.amount_fen,
            total_fen=row.total_fen,
            reason=row.reason,
            notify_url=notify_url,
        )
    except Refused as error:
        with tx() as session:
            refused = _refused(session, row.out_refund_no, error.code, now)
        if refused is RefundState.REQUESTED:
            # Our own settings are wrong. Repaired, the same number goes through: the job tries again.
            raise Unavailable(error.api, error.code, error.detail) from error
        return refused
    with tx() as session:
        state = accept_refund(
            session,
            out_refund_no=row.out_refund_no,
            refund_id=answer.refund_id,
            status=answer.status,
            refund_fen=answer.refund_fen,
            now=now,
        )
    return state or RefundState(row.state)


def accept_refund(
    session: Session,
    *,
    out_refund_no: str,
    refund_id: str,
    status: RefundStatus,
    refund_fen: int,
    now: datetime,
) -> RefundState | None:
    """Take WeChat's word on a refund, once: money booked back, lines counted, commission taken back (CLW-1).

    None when the number is not ours. The same news again, or older news, changes nothing. Locks the
    order, then the refund.
    """
    order_id = session.execute(_ORDER_OF, {"out_refund_no": out_refund_no}).scalar()
    if order_id is None:
        log.error("refund_unmatched")
        return None
    order = lifecycle.hold(session, order_id)
    refund = session.execute(_HOLD, {"out_refund_no": out_refund_no}).one()
    before, after = RefundState(refund.state), FROM_WECHAT.get(status, RefundState.PROCESSING)
    if before in FINAL or before is after:
        if before is not after and after is RefundState.SUCCESS:
            log.error("refund_contradicted", refund=refund.id, ours=str(before))
        return before
    problem = None if refund_fen == refund.amount_fen else f"amount {refund_fen}"
    if problem:
        log.error("refund_mismatch", refund=refund.id, problem=problem)
        after = RefundState.ABNORMAL
    _move(session, refund.id, after, wechat_id=refund_id, problem=problem, now=now)
    if after is RefundState.SUCCESS:
        cash, cause = accounts.cash(refund.mchid), RefundCause(refund.cause)
        book(session, order, refund.id, refund.amount_fen, cash=cash, cause=cause, at=now)
    return after


def book(
    session: Session,
    order: Held,
    refund_id: int,
    amount_fen: int,
    *,
    cash: str,
    cause: RefundCause,
    at: datetime,
) -> None:
    """Book a refund that has arrived, out of the account ``cash``: money, counts, commission (CLW-1, CLW-6).

    The caller holds the order and has moved the refund to SUCCESS.
    """
    excess = cause is RefundCause.EXCESS
    posting = Posting(
        key=f"refund:{refund_id}",
        kind="REFUND_EXCESS" if excess else "REFUND",
        cause=f"order:{order.number}",
        debit=accounts.UNCLAIMED if excess else accounts.sales(order.entity_code),
        credit=cash,
        amount_fen=amount_fen,
        happened_at=at,
    )
    post(session, posting)
    if excess:
        return
    session.execute(_COUNT_ORDER, {"order_id": order.id, "amount_fen": amount_fen})
    session.execute(_COUNT_LINES, {"refund_id": refund_id})
    rows = session.execute(_LINES_OF, {"refund_id": refund_id}).all()
    lines = [(row.order_line_id, row.amount_fen) for row in rows]
    clawback.reverse(session, refund_id=refund_id, lines=lines, at=at, defect=cause is RefundCause.DEFECT)


def _refused(session: Session, out_refund_no: str, code: str, now: datetime) -> RefundState:
    refund = session.execute(_HOLD, {"out_refund_no": out_refund_no}).one()
    if RefundState(refund.state) in FINAL:
        return RefundState(refund.state)
    log.error("refund_refused", refund=refund.id, code=code)
    state = RefundState.REFUSED if is_final(code) else RefundState(refund.state)
    _move(session, refund.id, state, wechat_id=None, problem=code, now=now)
    return state


def _move(
    session: Session,
    refund_id: int,
    state: RefundState,
    *,
    wechat_id: str | None,
    problem: str | None,
    now: datetime,
) -> None:
    facts = {"id": refund_id, "state": state.value, "refund_id": wechat_id, "problem": problem, "now": now}
    session.execute(_MOVE, {**facts, "settled": state in FINAL})
