"""The rows and the books of profit sharing: what is opened, what a finished sharing has paid (FRZ-4)."""

from collections import defaultdict
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base import numbers
from app.base.db import Tx
from app.commission import sharing_out
from app.commission.accounts import payout
from app.ledger.posting import Posting, post_many
from app.payout import accounts, rules, sharing_rules
from app.payout.sharing_rules import Step
from models.sharing import PartResult, SharingKind, SharingState
from wechat.pay import ShareResult, Sharing

log = structlog.get_logger()

_DUE = text(
    """
    select p.id from payment p join orders o on o.id = p.order_id
     where p.profit_sharing and p.state = 'SUCCESS' and p.id > :after and p.settled_at > :since
       and not exists (select from sharing_order x where x.payment_id = p.id)
       and (o.paid_at < :guarded
            or exists (select from commission_line l join commission_share s on s.order_line_id = l.order_line_id
                        where l.order_id = o.id and l.released_at is not null
                          and s.party_kind in ('STORE', 'ENTITY') and s.payee <> l.selling_entity
                          and s.state = 'RELEASABLE'))
     order by p.id limit :limit
    """
)
# Two workers open a payment once: the second finds the sharing, or leaves the payment alone.
_HOLD_PAYMENT = text(
    """
    select p.id as payment_id, p.order_id, p.transaction_id, p.appid, p.mchid, o.number as order_number, o.paid_at,
           p.amount_fen - coalesce((select sum(r.amount_fen) from refund r
                                     where r.payment_id = p.id and r.state not in ('CLOSED', 'REFUSED')), 0) as left_fen
      from payment p join orders o on o.id = p.order_id
     where p.id = :id and not exists (select from sharing_order x where x.payment_id = p.id)
       for update of p skip locked
    """
)
_RECEIVERS = text(
    "select entity, mchid from sharing_receiver where added_at is not null and ended_at is null"
    " and mchid <> :mchid order by entity"
)
_KNOWN = text("select id from sharing_order where payment_id = :id")
_OPEN = text(
    """
    insert into sharing_order (number, kind, payment_id, order_number, transaction_id, appid, mchid, paid_at,
                               amount_fen, state, next_at, checks)
    values (:number, :kind, :payment_id, :order_number, :transaction_id, :appid, :mchid, :paid_at, :amount_fen,
            'READY', :now, 0)
    on conflict (payment_id, kind) do nothing
    returning id
    """
)
_ADD_PARTS = text(
    """
    insert into sharing_part (sharing_id, entity, account, amount_fen)
    select :id, entity, account, fen
      from unnest(cast(:entities as text[]), cast(:mchids as text[]), cast(:fens as bigint[]))
           as x (entity, account, fen)
    """
)
_HOLD = text("select * from sharing_order where number = :number for update")
_PARTS = text("select entity, account, amount_fen from sharing_part where sharing_id = :id order by entity")
_PART_ENDED = text(
    "update sharing_part set result = :result, fail_reason = :why where sharing_id = :id and entity = :entity"
)
_END = text("update sharing_order set state = :state, problem = :problem, ended_at = :now where id = :id")
_NOTE = text(
    "update sharing_order set problem = :problem, next_at = :next_at"
    " where number = :number and state in ('READY', 'ASKED')"
)
ENDED = ("DONE", "FAILED")


def due(tx: Tx, *, now: datetime, after: int, limit: int) -> list[int]:
    """Payments whose money is frozen and may be shared, or must be freed; those after another one."""
    facts = {
        "after": after,
        "since": now - sharing_rules.REACH,
        "guarded": sharing_rules.guarded_before(now),
        "limit": limit,
    }
    with tx() as session:
        return list(session.execute(_DUE, facts).scalars())


def open_one(session: Session, *, payment_id: int, now: datetime) -> None:
    """Write down what is to be done about one payment, once: share it, free it, or nothing yet.

    The shares are fixed in the same transaction. Locks the payment, then the order's lines.
    """
    payment = session.execute(_HOLD_PAYMENT, {"id": payment_id}).first()
    # Asked again under the lock: the first look may be older than another worker's commit.
    if payment is None or session.execute(_KNOWN, {"id": payment_id}).first() is not None:
        return
    receivers = {row.entity: row.mchid for row in session.execute(_RECEIVERS, {"mchid": payment.mchid})}
    shares = sharing_out.look(session, order_id=payment.order_id, entities=receivers, now=now)
    step = sharing_rules.decide(shares, paid_at=payment.paid_at, now=now)
    if step is Step.UNFREEZE:
        _open(session, payment, SharingKind.UNFREEZE, 0, now)
    elif step is Step.SHARE:
        chosen = sharing_rules.choose(shares, payment_fen=payment.left_fen)
        taken = sharing_out.take(
            session, number=-payment.payment_id, share_ids=[one.share_id for one in chosen], now=now
        )
        parts: dict[str, int] = defaultdict(int)
        for one in chosen:
            parts[one.payee] += taken.get(one.share_id, 0)
        _open_share(session, payment, {entity: fen for entity, fen in parts.items() if fen}, receivers, now)


def _open_share(
    session: Session, payment: Row[Any], parts: dict[str, int], receivers: dict[str, str], now: datetime
) -> None:
    if not parts:
        return
    sharing_id = _open(session, payment, SharingKind.SHARE, sum(parts.values()), now)
    entities = sorted(parts)
    session.execute(
        _ADD_PARTS,
        {
            "id": sharing_id,
            "entities": entities,
            "mchids": [receivers[entity] for entity in entities],
            "fens": [parts[entity] for entity in entities],
        },
    )


def _open(
    session: Session, payment: Row[Any], kind: SharingKind, amount_fen: int, now: datetime
) -> int | None:
    facts = {
        "number": numbers.draw("S" if kind is SharingKind.SHARE else "U", now),
        "kind": kind.value,
        "payment_id": payment.payment_id,
        "order_number": payment.order_number,
        "transaction_id": payment.transaction_id,
        "appid": payment.appid,
        "mchid": payment.mchid,
        "paid_at": payment.paid_at,
        "amount_fen": amount_fen,
        "now": now,
    }
    found: int | None = session.execute(_OPEN, facts).scalar()
    return found


def finish(tx: Tx, told: Sharing, *, now: datetime) -> None:
    """Book a finished sharing: each part that arrived settles exactly its shares, each other frees them.

    The same again changes nothing. Other parts than asked for end nothing. A part that did not arrive stays
    frozen at WeChat: the payment is then freed under a number of its own.
    """
    with tx() as session:
        row = session.execute(_HOLD, {"number": told.out_order_no}).first()
        if row is None or row.state in ENDED:
            return
        if row.kind == SharingKind.SHARE and not _book(session, row, told, now):
            log.error("sharing_mismatch", sharing=row.id)
            later = {"problem": "MISMATCH", "next_at": rules.next_check(now, 99)}
            session.execute(_NOTE, {"number": row.number, **later})
            return
        _end(session, row, SharingState.DONE, None, now)
        if row.kind == SharingKind.SHARE and not told.all_paid:
            _free_after(session, row, now)


def _book(session: Session, row: Row[Any], told: Sharing, now: datetime) -> bool:
    parts = session.execute(_PARTS, {"id": row.id}).all()
    said = {part.account: part for part in told.parts}
    asked = {part.account: part.amount_fen for part in parts}
    same = {account: part.amount_fen for account, part in said.items()} == asked
    if not same or told.transaction_id != row.transaction_id:
        return False
    for part in parts:
        answer = said[part.account]
        arrived = answer.result is ShareResult.SUCCESS
        if arrived:
            _pay(session, row, part.entity, now)
        else:
            sharing_out.give_back(session, number=-row.payment_id, payee=part.entity, at=now)
        result = PartResult.SUCCESS if arrived else PartResult.CLOSED
        ended = {"id": row.id, "entity": part.entity, "result": result.value, "why": answer.fail_reason}
        session.execute(_PART_ENDED, ended)
    return True


def _pay(session: Session, row: Row[Any], entity: str, now: datetime) -> None:
    settled = sharing_out.settle(session, number=-row.payment_id, payee=entity, at=now)
    postings = [
        Posting(
            key=f"sharing:{row.number}:{party}",
            kind="SHARING",
            cause=f"order:{row.order_number}",
            debit=payout(party),
            credit=accounts.cash(row.mchid),
            amount_fen=fen,
            happened_at=now,
        )
        for party, fen in sorted(settled.items())
    ]
    post_many(session, postings)


def give_up(tx: Tx, *, number: str, problem: str, now: datetime) -> None:
    """End what WeChat never took: the settlement owes its shares again, and the payment is freed."""
    with tx() as session:
        row = session.execute(_HOLD, {"number": number}).one()
        if row.state in ENDED:
            return
        for part in session.execute(_PARTS, {"id": row.id}).all():
            sharing_out.give_back(session, number=-row.payment_id, payee=part.entity, at=now)
            ended = {"id": row.id, "entity": part.entity, "result": "CLOSED", "why": problem}
            session.execute(_PART_ENDED, ended)
        _end(session, row, SharingState.FAILED, problem, now)
        if row.kind == SharingKind.SHARE:
            _free_after(session, row, now)


def freed(tx: Tx, *, number: str, now: datetime) -> None:
    """WeChat has nothing of the payment frozen: the unfreezing has done its work."""
    with tx() as session:
        row = session.execute(_HOLD, {"number": number}).one()
        if row.state not in ENDED:
            _end(session, row, SharingState.DONE, None, now)


def note(tx: Tx, *, number: str, problem: str, next_at: datetime) -> None:
    """Keep what is wrong with a sharing that goes on."""
    with tx() as session:
        session.execute(_NOTE, {"number": number, "problem": problem, "next_at": next_at})


def _end(session: Session, row: Row[Any], state: SharingState, problem: str | None, now: datetime) -> None:
    session.execute(_END, {"id": row.id, "state": state.value, "problem": problem, "now": now})


def _free_after(session: Session, row: Row[Any], now: datetime) -> None:
    _open(session, row, SharingKind.UNFREEZE, 0, now)
