"""Profit sharing of payments: opened by what is certain, asked for, asked about, ended, each exactly once (FRZ-4).

Like ``transferring``: a number is committed before WeChat hears it and never replaced, what WeChat has not
clearly ended is asked about before it is repeated, and the step of a sharing is claimed by moving its next
question ahead. What is not shared by day 25 stays for the settlement, which bills it between the companies as
a service fee: commission that one company owes another, never the price of goods.
"""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError

from app.base.db import Tx
from app.base.errors import Alarm, Refusal
from app.commission.rules import sharing_guard_at
from app.payout import rules, sharing_books, sharing_rules
from models.sharing import SharingKind, SharingState
from wechat.errors import Refused, WeChatError
from wechat.pay import Pay, ReceiverKind, Share, ShareResult, Sharing
from wechat.pay import SharingState as Told

log = structlog.get_logger()
PAGE = 200
CLAIM = 20
TROUBLE = (Refusal, WeChatError, DBAPIError, Alarm)
PURPOSE = "门店销售佣金"
THE_REST = "解冻剩余资金"

_CLAIM = text(
    """
    with due as materialized (
        select id, state from sharing_order where state in ('READY', 'ASKED') and next_at <= :now
         order by next_at, id limit :most for update skip locked)
    update sharing_order t
       set state = 'ASKED', asked_at = coalesce(t.asked_at, :now), next_at = :again, checks = t.checks + 1
      from due where t.id = due.id
    returning t.*, due.state as was
    """
)
_SENDING = text("update sharing_order set asked_at = :now where id = :id")
_PARTS = text("select account, amount_fen from sharing_part where sharing_id = :id order by entity")


def run(tx: Tx, pay: Pay, *, now: datetime) -> int:
    """Open what can be shared or must be freed, and take every step that is due; answers how many.

    Killed at any line, the next run goes on.
    """
    after = 0
    while ids := sharing_books.due(tx, now=now, after=after, limit=PAGE):
        for payment_id in ids:
            with tx() as session:
                sharing_books.open_one(session, payment_id=payment_id, now=now)
        after = ids[-1]
    steps = 0
    while handled := work(tx, pay, now=now):
        steps += handled
    return steps


def work(tx: Tx, pay: Pay, *, now: datetime) -> int:
    """Take the next step of the sharings that are due; answers how many were handled."""
    facts = {"now": now, "again": rules.next_check(now, 2), "most": CLAIM}
    with tx() as session:
        claimed = session.execute(_CLAIM, facts).all()
    for row in claimed:
        try:
            _step(tx, pay, row, now)
        except TROUBLE as error:
            log.error("sharing_step_failed", sharing=row.id, error=type(error).__name__)
    return len(claimed)


def _step(tx: Tx, pay: Pay, row: Row[Any], now: datetime) -> None:
    if row.was == SharingState.READY:
        _ask(tx, pay, row, now)
        return
    try:
        told = pay.query_share(transaction_id=row.transaction_id, out_order_no=row.number)
    except Refused as error:
        if error.code not in sharing_rules.NOT_KNOWN:
            raise
        if rules.is_lost(row.asked_at, now):
            _ask(tx, pay, row, now)
        return
    learn(tx, told, now=now)


def _ask(tx: Tx, pay: Pay, row: Row[Any], now: datetime) -> None:
    """Send a number that WeChat certainly does not have; from day 25 on a sharing is given up instead."""
    is_share = row.kind == SharingKind.SHARE
    if is_share and now >= sharing_guard_at(row.paid_at):
        sharing_books.give_up(tx, number=row.number, problem=row.problem or "TOO_LATE", now=now)
        return
    with tx() as session:
        session.execute(_SENDING, {"id": row.id, "now": now})
        parts = session.execute(_PARTS, {"id": row.id}).all()
    try:
        told = _share(pay, row, parts) if is_share else _unfreeze(pay, row)
    except Refused as error:
        _refused(tx, pay, row, error, now)
        return
    learn(tx, told, now=now)


def _share(pay: Pay, row: Row[Any], parts: Any) -> Sharing:
    shares = [
        Share(ReceiverKind.MERCHANT_ID, part.account, part.amount_fen, f"{PURPOSE} {row.order_number}")
        for part in parts
    ]
    return pay.share(
        appid=row.appid,
        transaction_id=row.transaction_id,
        out_order_no=row.number,
        shares=shares,
        unfreeze_rest=True,
    )


def _unfreeze(pay: Pay, row: Row[Any]) -> Sharing:
    return pay.unfreeze(transaction_id=row.transaction_id, out_order_no=row.number, description=THE_REST)


def _refused(tx: Tx, pay: Pay, row: Row[Any], error: Refused, now: datetime) -> None:
    """A refusal ends no sharing: its number goes out again every hour until day 25 (settings are repaired,
    receipts come). A payment that need not be freed, because nothing of it is frozen, is free."""
    log.error("sharing_refused", sharing=row.id, code=error.code)
    frees = row.kind == SharingKind.UNFREEZE
    if frees and sharing_rules.is_over(row.paid_at, now):
        sharing_books.give_up(tx, number=row.number, problem=error.code, now=now)
    elif frees and pay.unshared_fen(row.transaction_id) == 0:
        sharing_books.freed(tx, number=row.number, now=now)
    else:
        sharing_books.note(tx, number=row.number, problem=error.code, next_at=rules.next_check(now, 99))


def learn(tx: Tx, told: Sharing, *, now: datetime) -> None:
    """Take WeChat's word on a sharing, once. FINISHED says nothing by itself: each part is looked at.

    Parts other than asked for end nothing and are kept for people.
    """
    over = {ShareResult.SUCCESS, ShareResult.CLOSED}
    if told.state is Told.FINISHED and all(part.result in over for part in told.parts):
        sharing_books.finish(tx, told, now=now)
