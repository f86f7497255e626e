"""Transfers to people outside the payroll: written down, asked for, asked about, ended, each exactly once (SET-3).

A number is committed before WeChat hears it and never replaced; what WeChat has not clearly ended is asked
about before anything is repeated, so a crash at any line pays nobody twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.base import numbers
from app.base.clock import local_day, start_of_day
from app.base.db import Tx
from app.base.errors import Alarm, Conflict, NotFound, Refusal
from app.payout import accounts, rules
from app.settlement import paying
from models.payout import PayoutState
from models.settlement import Channel
from wechat.errors import Refused, WeChatError
from wechat.pay import COMMISSION, Pay, Transfer
from wechat.pay.transfers import NAME_REQUIRED_FROM_FEN

log = structlog.get_logger()
PAGE = 500
# So many calls end before the claim on their rows lapses.
CLAIM = 20
TROUBLE = (Refusal, WeChatError, DBAPIError, Alarm)
ENDED = frozenset({PayoutState.PAID, PayoutState.RETURNED})

_OPENIDS = text(
    """
    select 'clerk:' || c.code as party, i.openid
      from clerk c
      join member m on m.id = c.member_id
      join lateral (select openid from identity where member_id = coalesce(m.alias_of, m.id) and appid = :appid
                     order by last_heard_at desc nulls last, id desc limit 1) i on true
     where 'clerk:' || c.code = any(cast(:parties as text[]))
    """
)
_OPEN = text(
    """
    insert into payout_transfer (out_bill_no, batch, party, position, amount_fen, mchid, appid, openid, state, next_at,
        checks)
    values (:out_bill_no, :batch, :party, :position, :amount_fen, :mchid, :appid, :openid, 'READY', :now, 0)
    on conflict (batch, party, position) do nothing
    """
)
# Moving the next question ahead first: two workers, or one that dies, never handle a transfer at once.
_CLAIM = text(
    """
    with due as materialized (
        select id, state from payout_transfer
         where state in ('READY', 'ASKED', 'WAITING', 'MOVING') and next_at <= :now
           and (cast(:out_bill_no as text) is null or out_bill_no = :out_bill_no)
         order by next_at, id limit :most for update skip locked)
    update payout_transfer t
       set state = case when due.state = 'READY' then 'ASKED' else due.state end,
           asked_at = coalesce(t.asked_at, :now), next_at = :again, checks = t.checks + 1
      from due where t.id = due.id
    returning t.*, due.state as was
    """
)
_SOONER = text(
    "update payout_transfer set next_at = :now where out_bill_no = :out_bill_no"
    " and state in ('READY', 'ASKED', 'WAITING', 'MOVING')"
)
_SENT_TODAY = text(
    "select coalesce(sum(amount_fen), 0) from payout_transfer"
    " where party = :party and id <> :id and asked_at >= :today and state <> 'RETURNED'"
)
_SERIALISE = text("select pg_advisory_xact_lock(hashtextextended('payout ' || :party, 0))")
_PUT_OFF = text(
    "update payout_transfer set state = 'READY', asked_at = null, next_at = :until where id = :id and state = 'ASKED'"
)
# The last word before WeChat is called: nobody has ended it, and the doubt about it begins now.
_SENDING = text(
    "update payout_transfer set asked_at = :now where id = :id and state = 'ASKED' and transfer_bill_no is null"
    " returning id"
)
_HOLD = text("select * from payout_transfer where out_bill_no = :out_bill_no for update")
_MOVE = text(
    """
    update payout_transfer
       set state = :state, transfer_bill_no = coalesce(:transfer_bill_no, transfer_bill_no), package = :package,
           problem = :problem, next_at = :next_at, ended_at = :ended_at
     where id = :id
    """
)
_PROBLEM = text("update payout_transfer set problem = :problem, next_at = :next_at where id = :id")
_CLERK = text("select name from clerk where 'clerk:' || code = :party")


@dataclass(frozen=True)
class Purse:
    """Whose money goes out and how WeChat tells us: merchant, app of the receivers, address of the notice."""

    mchid: str
    appid: str
    notify_url: str


def open_transfers(tx: Tx, purse: Purse, *, batch: str, now: datetime) -> int:
    """Write down a transfer for every portion of the batch that may be paid today; answers how many are new.

    A clerk who never logged in to the mini-program cannot be sent anything: the portion stays due and is
    tried again by a later call. Running it twice, or in two workers, opens each portion once.
    """
    opened, after = 0, (0, -1)
    while True:
        with tx() as session:
            page = paying.due(
                session,
                number=batch,
                channels=[Channel.TRANSFER],
                until=local_day(now),
                after=after,
                limit=PAGE,
            )
            opened += _open_page(session, page, purse, now)
        if len(page) < PAGE:
            return opened
        after = page[-1].place


def _open_page(session: Session, page: list[paying.PortionDue], purse: Purse, now: datetime) -> int:
    facts = {"appid": purse.appid, "parties": [one.party for one in page]}
    openids = {row.party: row.openid for row in session.execute(_OPENIDS, facts)}
    opened = 0
    for one in page:
        if one.party not in openids:
            continue
        values = {
            "out_bill_no": numbers.draw("T", now),
            "batch": one.number,
            "party": one.party,
            "position": one.position,
            "amount_fen": one.amount_fen,
            "mchid": purse.mchid,
            "appid": purse.appid,
            "openid": openids[one.party],
            "now": now,
        }
        opened += session.execute(_OPEN, values).rowcount  # type: ignore[attr-defined]  # Answer has it
    return opened


def work(tx: Tx, pay: Pay, purse: Purse, *, now: datetime, out_bill_no: str | None = None) -> int:
    """Take the next step of the transfers that are due (or of one of them); answers how many were handled.

    Call it again while it answers more than none. One transfer's trouble does not stop the others.
    """
    facts = {"now": now, "again": rules.next_check(now, 2), "most": CLAIM, "out_bill_no": out_bill_no}
    with tx() as session:
        claimed = session.execute(_CLAIM, facts).all()
    for row in claimed:
        try:
            _step(tx, pay, purse, row, now)
        except TROUBLE as error:
            log.error("payout_step_failed", transfer=row.id, error=type(error).__name__)
    return len(claimed)


def changed(tx: Tx, pay: Pay, purse: Purse, *, out_bill_no: str, now: datetime) -> None:
    """WeChat says that a transfer has moved: ask it at once. A number that is not ours is let be."""
    with tx() as session:
        session.execute(_SOONER, {"out_bill_no": out_bill_no, "now": now})
    work(tx, pay, purse, now=now, out_bill_no=out_bill_no)


def give_up(tx: Tx, pay: Pay, *, out_bill_no: str, now: datetime) -> PayoutState:
    """Take a transfer back that has not arrived; its money becomes the party's balance. Answers its new state.

    One that WeChat knows is cancelled there, which may take a moment (MOVING). Refuses TOO_LATE one that
    cannot be stopped any more and IN_DOUBT one that WeChat may still turn out to have received.
    """
    with tx() as session:
        row = session.execute(_HOLD, {"out_bill_no": out_bill_no}).first()
        if row is None:
            raise NotFound("NOT_FOUND", "No such transfer.")
        if row.state == PayoutState.READY:
            _end(session, row, PayoutState.RETURNED, "GIVEN_UP", now)
            return PayoutState.RETURNED
    if PayoutState(row.state) in ENDED:
        return PayoutState(row.state)
    try:
        found = pay.query_transfer(out_bill_no)
    except Refused as error:
        if error.code not in rules.NOT_KNOWN:
            raise
        return _give_up_unknown(tx, out_bill_no, now)
    if rules.after(found.state) is PayoutState.WAITING:
        try:
            found = pay.cancel_transfer(out_bill_no)
        except Refused as error:
            raise Conflict("TOO_LATE", "The transfer can no longer be stopped.") from error
    return learn(tx, found, now=now) or PayoutState(row.state)


def _give_up_unknown(tx: Tx, out_bill_no: str, now: datetime) -> PayoutState:
    with tx() as session:
        row = session.execute(_HOLD, {"out_bill_no": out_bill_no}).one()
        if PayoutState(row.state) in ENDED:
            return PayoutState(row.state)
        # Asked under the lock: it may have been sent again since WeChat did not know it.
        if row.asked_at and not rules.is_gone(row.asked_at, now, acknowledged=bool(row.transfer_bill_no)):
            raise Conflict("IN_DOUBT", "WeChat may still have it; try again in ten minutes.")
        _end(session, row, PayoutState.RETURNED, "GIVEN_UP", now)
    return PayoutState.RETURNED


def _step(tx: Tx, pay: Pay, purse: Purse, row: Row[Any], now: datetime) -> None:
    if row.was == PayoutState.READY:
        if _fits_today(tx, row, now) and _may_send(tx, row, now):
            _ask(tx, pay, purse, row, now)
        return
    try:
        learn(tx, pay.query_transfer(row.out_bill_no), now=now)
    except Refused as error:
        if error.code not in rules.NOT_KNOWN:
            raise
        if row.transfer_bill_no:
            # It had it once; that it forgets after a while is no reason to send anything (WECHAT_PAY 9.1).
            _trouble(tx, row, error.code, now)
        elif rules.is_lost(row.asked_at, now) and _may_send(tx, row, now):
            _ask(tx, pay, purse, row, now)


def _may_send(tx: Tx, row: Row[Any], now: datetime) -> bool:
    with tx() as session:
        return session.execute(_SENDING, {"id": row.id, "now": now}).first() is not None


def _trouble(tx: Tx, row: Row[Any], code: str, now: datetime) -> None:
    log.error("payout_refused", transfer=row.id, code=code)
    with tx() as session:
        facts = {"id": row.id, "problem": code, "next_at": rules.next_check(now, 99)}
        session.execute(_PROBLEM, facts)


def _fits_today(tx: Tx, row: Row[Any], now: datetime) -> bool:
    facts = {"party": row.party, "id": row.id, "today": start_of_day(local_day(now))}
    with tx() as session:
        session.execute(_SERIALISE, facts)
        sent_fen = int(session.execute(_SENT_TODAY, facts).scalar_one())
        fits = rules.fits_today(sent_fen, row.amount_fen)
        if not fits:
            session.execute(_PUT_OFF, {"id": row.id, "until": rules.tomorrow(now)})
    return fits


def _ask(tx: Tx, pay: Pay, purse: Purse, row: Row[Any], now: datetime) -> None:
    named = row.amount_fen >= NAME_REQUIRED_FROM_FEN
    with tx() as session:
        name = session.execute(_CLERK, {"party": row.party}).scalar_one() if named else None
    try:
        answer = pay.transfer(
            appid=row.appid,
            out_bill_no=row.out_bill_no,
            scene_id=COMMISSION,
            openid=row.openid,
            amount_fen=row.amount_fen,
            remark="销售佣金",
            reports={"岗位类型": "导购", "报酬说明": f"销售佣金 {row.batch}"[:32]},
            user_name=name,
            notify_url=purse.notify_url,
        )
    except Refused as error:
        # Whatever the reason, people have to see to it: the number stays, and is sent again or given up.
        _trouble(tx, row, error.code, now)
        return
    learn(tx, answer, now=now)


def learn(tx: Tx, told: Transfer, *, now: datetime) -> PayoutState | None:
    """Take WeChat's word on a transfer, once: settlement is told when it has ended. None = not our number.

    Older news than ours changes nothing. Another amount or receiver than asked for is kept for people and
    ends nothing. Locks the transfer, then the settlement's party.
    """
    with tx() as session:
        row = session.execute(_HOLD, {"out_bill_no": told.out_bill_no}).first()
        if row is None:
            log.error("payout_unmatched")
            return None
        before, state = PayoutState(row.state), rules.after(told.state)
        if before in ENDED:
            if state in ENDED and state is not before:
                log.error("payout_contradicted", transfer=row.id)
            return before
        if _differs(row, told):
            log.error("payout_mismatch", transfer=row.id)
            session.execute(
                _PROBLEM, {"id": row.id, "problem": "MISMATCH", "next_at": rules.next_check(now, 99)}
            )
            return before
        if state in ENDED:
            _end(session, row, state, told.fail_reason, now, transfer_bill_no=told.transfer_bill_no)
        else:
            moved = {
                "state": state.value,
                "transfer_bill_no": told.transfer_bill_no,
                "package": told.package_info or (row.package if state is PayoutState.WAITING else None),
                "problem": told.fail_reason,
                "next_at": rules.next_check(now, row.checks),
                "ended_at": None,
            }
            session.execute(_MOVE, {"id": row.id, **moved})
        return state


def _differs(row: Row[Any], told: Transfer) -> bool:
    asked: Mapping[str, Any] = {"amount_fen": row.amount_fen, "openid": row.openid, "appid": row.appid}
    said = {"amount_fen": told.amount_fen, "openid": told.openid, "appid": told.appid}
    return any(said[name] is not None and said[name] != value for name, value in asked.items())


def _end(
    session: Session,
    row: Row[Any],
    state: PayoutState,
    problem: str | None,
    now: datetime,
    *,
    transfer_bill_no: str | None = None,
) -> None:
    session.execute(
        _MOVE,
        {
            "id": row.id,
            "state": state.value,
            "transfer_bill_no": transfer_bill_no,
            "package": None,
            "problem": problem,
            "next_at": now,
            "ended_at": now,
        },
    )
    portion = {"number": row.batch, "party": row.party, "position": row.position, "at": now}
    if state is PayoutState.PAID:
        paying.paid(session, credit=accounts.cash(row.mchid), **portion)
    else:
        paying.returned(session, why=problem or "FAILED", **portion)
