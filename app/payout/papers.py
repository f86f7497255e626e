"""What people pay outside WeChat: wages and bills between companies, as lists that two people answer for (SET-3)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base import audit, numbers, queue
from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, NotFound
from app.payout import accounts
from app.settlement import paying
from models.payout import PapersKind, PapersState
from models.settlement import Channel

PAGE = 500
JOB = "book_papers"
CHANNELS = {PapersKind.WAGES: Channel.PAYROLL, PapersKind.BILL: Channel.ENTITY}

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('papers ' || :batch || :kind || :entity, 0))")
_KNOWN = text("select number from payout_papers where batch = :batch and kind = :kind and entity = :entity")
_MAKE = text(
    """
    insert into payout_papers (number, batch, kind, entity, rows, total_fen, state, made_by, made_at)
    values (:number, :batch, :kind, :entity, :rows, :total_fen, 'OPEN', :made_by, :now) returning id
    """
)
_ROWS = text(
    """
    insert into payout_row (papers_id, position_no, batch, party, position, amount_fen, owed_fen)
    select :papers_id, no, :batch, party, position, fen, owed
      from unnest(cast(:nos as bigint[]), cast(:parties as text[]), cast(:positions as bigint[]),
                  cast(:fens as bigint[]), cast(:owed as bigint[])) as x (no, party, position, fen, owed)
    """
)
_HOLD = text("select * from payout_papers where number = :number for update")
_CONFIRM = text(
    "update payout_papers set state = 'PAID', confirmed_by = :by, confirmed_at = :now, reference = :reference"
    " where id = :id"
)
_PAPERS = text("select number, kind, entity, confirmed_at from payout_papers where id = :id")
_UNBOOKED = text(
    """
    select position_no, batch, party, position from payout_row
     where papers_id = :id and paid_at is null order by position_no limit :most for update skip locked
    """
)
_BOOKED = text(
    "update payout_row set paid_at = :at where papers_id = :id and position_no = any(cast(:nos as bigint[]))"
)


def make(session: Session, *, batch: str, kind: PapersKind, entity: str, by: str, now: datetime) -> str:
    """List what a company's people (or its stores) are to be paid for a settlement; answers the list's number.

    Once per settlement, kind and company: asking again answers the same list. Refuses NOTHING_DUE when
    there is nothing to pay. What the list says never changes; a row that is missing was not due then.
    """
    given = {"batch": batch, "kind": kind.value, "entity": entity}
    session.execute(_LOCK, given)
    known = session.execute(_KNOWN, given).scalar()
    if known is not None:
        return str(known)
    rows = _due(session, batch, kind, entity)
    if not rows:
        raise Conflict("NOTHING_DUE", "This settlement owes nothing of this kind to this company.")
    number = numbers.draw("W" if kind is PapersKind.WAGES else "B", now)
    total_fen = sum(owed_fen for _, owed_fen in rows)
    facts = {**given, "number": number, "rows": len(rows), "total_fen": total_fen, "made_by": by, "now": now}
    papers_id = session.execute(_MAKE, facts).scalar_one()
    session.execute(
        _ROWS,
        {
            "papers_id": papers_id,
            "batch": batch,
            "nos": list(range(1, len(rows) + 1)),
            "parties": [row.party for row, _ in rows],
            "positions": [row.position for row, _ in rows],
            "fens": [row.amount_fen for row, _ in rows],
            "owed": [owed_fen for _, owed_fen in rows],
        },
    )
    after = {"rows": len(rows), "total_fen": total_fen}
    audit.note(
        session,
        actor=by,
        action="PAYOUT_LISTED",
        subject=f"papers:{number}",
        before=None,
        after=after,
        why=batch,
        at=now,
    )
    return number


def confirm(session: Session, *, number: str, by: str, reference: str, now: datetime) -> None:
    """A second person says that the list was paid; its rows are booked by the job ``JOB``.

    The same again changes nothing. Refuses whoever made the list (SAME_PERSON) and another reference than
    the one it was confirmed with.
    """
    papers = session.execute(_HOLD, {"number": number}).first()
    if papers is None:
        raise NotFound("NOT_FOUND", "No such list.")
    if papers.state == PapersState.PAID:
        if papers.reference != reference:
            raise Conflict("CONFIRMED", "It was confirmed with another reference.")
        return
    if papers.made_by == by:
        raise Forbidden("SAME_PERSON", "Whoever made the list cannot confirm it.")
    session.execute(_CONFIRM, {"id": papers.id, "by": by, "now": now, "reference": reference})
    audit.note(
        session,
        actor=by,
        action="PAYOUT_CONFIRMED",
        subject=f"papers:{number}",
        before={"state": "OPEN"},
        after={"state": "PAID", "total_fen": papers.total_fen},
        why=reference,
        at=now,
    )
    queue.defer(session, JOB, papers_id=papers.id)


def book(tx: Tx, *, papers_id: int) -> int:
    """Book the rows of a confirmed list out of what settlement owes, page by page; answers how many.

    Goes on where a killed run stopped: a row is booked and marked in one transaction.
    """
    booked = 0
    while True:
        with tx() as session:
            papers = session.execute(_PAPERS, {"id": papers_id}).one()
            rows = session.execute(_UNBOOKED, {"id": papers_id, "most": PAGE}).all()
            _book(session, papers_id, papers, rows)
        booked += len(rows)
        if len(rows) < PAGE:
            return booked


def settle_own(tx: Tx, *, batch: str, now: datetime) -> int:
    """Book what companies owe themselves (their own stores' shares of their own sales); answers how many."""
    settled, after = 0, (0, -1)
    while True:
        with tx() as session:
            page = paying.due(session, number=batch, channels=[Channel.ENTITY], after=after, limit=PAGE)
            for one in page:
                if not _owed_fen(session, one):
                    _pay(session, one.number, one.party, one.position, accounts.bank(one.entity), now)
                    settled += 1
        if len(page) < PAGE:
            return settled
        after = page[-1].place


def _due(session: Session, batch: str, kind: PapersKind, entity: str) -> list[tuple[paying.PortionDue, int]]:
    """The portions of a company with what is owed of each: all of a wage, what other companies bear of a claim."""
    found: list[tuple[paying.PortionDue, int]] = []
    after = (0, -1)
    while True:
        page = paying.due(session, number=batch, channels=[CHANNELS[kind]], after=after, limit=PAGE)
        mine = [one for one in page if one.entity == entity]
        owed = [
            (one, one.amount_fen if kind is PapersKind.WAGES else _owed_fen(session, one)) for one in mine
        ]
        found += [(one, owed_fen) for one, owed_fen in owed if owed_fen]
        if len(page) < PAGE:
            return found
        after = page[-1].place


def _owed_fen(session: Session, one: paying.PortionDue) -> int:
    """What of a portion other companies owe. What was carried in from earlier settlements counts as theirs:
    who bears it is not known here, and a bill that is too long is noticed."""
    own_fen = paying.borne_by(session, number=one.number, party=one.party).get(one.entity, 0)
    return one.amount_fen - min(max(own_fen, 0), one.amount_fen)


def _book(session: Session, papers_id: int, papers: Row[Any], rows: Sequence[Row[Any]]) -> None:
    wages = papers.kind == PapersKind.WAGES
    credit = accounts.wages(papers.entity) if wages else accounts.bank(papers.entity)
    for row in rows:
        _pay(session, row.batch, row.party, row.position, credit, papers.confirmed_at)
    if rows:
        nos = [row.position_no for row in rows]
        session.execute(_BOOKED, {"id": papers_id, "nos": nos, "at": papers.confirmed_at})


def _pay(session: Session, batch: str, party: str, position: int, credit: str, at: datetime) -> None:
    paying.paid(session, number=batch, party=party, position=position, credit=credit, at=at)
