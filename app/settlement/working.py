"""The long work of a batch, in small pieces: taking rows, handing them over, giving them back (SET-1).

Each piece is one transaction that locks the batch and writes where it stands. So it goes on after a crash,
two workers take turns, and memory does not grow with the rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Alarm
from app.commission import settling
from app.commission.settling import Moved
from app.settlement import handing, netting
from models.settlement import BatchState, PartyState, Phase

# Rows of one piece: some tenths of a second of work, during which a refund of one of them waits.
CHUNK = 1000

_UNFINISHED = text(
    """
    select number from settlement_batch
     where phase in ('PARTIES', 'BALANCES', 'HANDING', 'FREEING')
        or exists (select from settlement_party p where p.batch_id = settlement_batch.id and not p.rows_done)
     order by id
    """
)
_LOCK = text("select * from settlement_batch where number = :number for update")
_OPEN_PARTY = text(
    "select * from settlement_party where batch_id = :batch_id and not rows_done order by id limit 1"
)
# The next party that is due something, by one probe of the index of what is due.
_NEXT_DUE = text(
    """
    select s.party, s.party_kind from commission_share s
     where s.released_at is not null
       and s.accrued_fen - s.reversed_fen - s.moved_fen - s.settled_fen + s.written_off_fen <> 0
       and s.party > :after
     order by s.party limit 1
    """
)
_NEXT_BALANCE = text(
    f"""
    select party, party_kind from settlement_party p
     where party > :after and {netting.OPEN_BALANCE}
       and not exists (select from settlement_party x where x.batch_id = :batch_id and x.party = p.party)
     order by party limit 1
    """
)
_ADD_PARTY = text(
    """
    insert into settlement_party
           (batch_id, party_kind, party, state, entity, store, channel, rows, gross_fen, adjusted_fen, tier_fen,
            carried_in_fen, payable_fen, carried_out_fen, debt_left_fen, carried_cycles, tax_preview_fen, paid_fen,
            returned_fen, written_off_fen, rows_done, at_share)
    select :batch_id, :kind, :party, 'PLANNED', e.code, s.code,
           case when :kind <> 'CLERK' then 'ENTITY' when c.employment = 'EXTERNAL' then 'TRANSFER'
                else 'PAYROLL' end,
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, 0
      from (select split_part(:party, ':', 2) as code) x
      left join clerk c on :kind = 'CLERK' and c.code = x.code
      left join store s on case when :kind = 'CLERK' then s.id = c.store_id
                                else :kind = 'STORE' and s.code = x.code end
      join legal_entity e on case when :kind = 'ENTITY' then e.code = x.code else e.id = s.entity_id end
    returning id
    """
)
_DROP_EMPTY = text("delete from settlement_party where id = :id and rows = 0 and carried_in_fen = 0")
# With it a party of any size is gone through once, by whoever does the next piece.
_STAND = text("update settlement_party set at_share = :at_share where id = :id")
_DONE = text("update settlement_party set rows_done = true where id = :id")
_PROGRESS = text(
    """
    update settlement_batch set phase = :phase, at_party = :at_party, rows_done = rows_done + :rows
     where id = :batch_id
    """
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work of a batch is; ``expected`` is an estimate made when it was created."""

    phase: Phase
    at_party: str
    rows: int
    expected: int


def drive(
    tx: Tx, *, number: str, now: datetime, tell: Callable[[Progress], None] | None = None, chunk: int = CHUNK
) -> None:
    """Do all that is to be done for a batch now, piece by piece; nothing if there is nothing to do.

    ``tell`` hears of every piece. A batch that does not exist has nothing to do.
    """
    while True:
        with tx() as session:
            progress = step(session, number=number, now=now, chunk=chunk)
        if progress is None:
            return
        if tell:
            tell(progress)


def unfinished(session: Session) -> list[str]:
    """The numbers of the batches that have work waiting, oldest first."""
    return list(session.execute(_UNFINISHED).scalars())


def step(session: Session, *, number: str, now: datetime, chunk: int = CHUNK) -> Progress | None:
    """One piece of a batch's work; None when there is none. Locks the batch, then lines of commission."""
    batch = session.execute(_LOCK, {"number": number}).first()
    if batch is None:
        return None
    line = session.execute(_OPEN_PARTY, {"batch_id": batch.id}).first()
    if line is not None:
        moved = _work_on(session, batch, line, now, chunk)
        if moved.more:
            session.execute(_STAND, {"id": line.id, "at_share": moved.at_share})
        return _tell(session, batch, Phase(batch.phase), max(line.party, batch.at_party), moved.rows)
    match Phase(batch.phase):
        case Phase.PARTIES:
            return _next(session, batch, _NEXT_DUE, Phase.BALANCES)
        case Phase.BALANCES:
            return _next(session, batch, _NEXT_BALANCE, Phase.BUILT)
        case Phase.HANDING:
            handing.complete(session, batch, now)
        case Phase.FREEING:
            _tell(session, batch, Phase.FREED, batch.at_party, 0)
    return None


def _next(session: Session, batch: Row[Any], find: Any, after: Phase) -> Progress:
    found = session.execute(find, {"after": batch.at_party, "batch_id": batch.id}).first()
    if found is None:
        if after is Phase.BUILT:
            netting.total(session, batch.id)
        return _tell(session, batch, after, "" if after is Phase.BALANCES else batch.at_party, 0)
    facts = {"batch_id": batch.id, "party": found.party, "kind": found.party_kind}
    if session.execute(_ADD_PARTY, facts).first() is None:
        raise Alarm(f"{found.party} earns, but there is no such clerk, store or company")
    return _tell(session, batch, Phase(batch.phase), found.party, 0)


def _work_on(session: Session, batch: Row[Any], line: Row[Any], now: datetime, chunk: int) -> Moved:
    """One piece of one party's work."""
    if batch.state == BatchState.REJECTED or line.state == PartyState.REMOVED:
        return _give_back(session, batch, line, now, chunk)
    if batch.state == BatchState.APPROVED:
        return handing.hand_over(session, batch, line, now, chunk)
    return _take(session, batch, line, now, chunk)


def _take(session: Session, batch: Row[Any], line: Row[Any], now: datetime, chunk: int) -> Moved:
    taken = settling.take_into_batch(
        session,
        batch_id=batch.id,
        party=line.party,
        before=batch.before,
        at=now,
        beside_fen=netting.balance_fen(session, party=line.party, party_id=line.id),
        after=line.at_share,
        limit=chunk,
    )
    if taken.more:
        return taken
    netting.compute(session, line, done=True)
    session.execute(_DROP_EMPTY, {"id": line.id})
    if batch.phase == Phase.BUILT:
        netting.total(session, batch.id)
    return taken


def _give_back(session: Session, batch: Row[Any], line: Row[Any], now: datetime, chunk: int) -> Moved:
    given = settling.return_from_batch(
        session, batch_id=batch.id, party=line.party, at=now, after=line.at_share, limit=chunk
    )
    if not given.more:
        netting.clear(session, line, keep_figures=batch.state == BatchState.REJECTED)
        session.execute(_DONE, {"id": line.id})
        if batch.phase == Phase.BUILT:
            netting.total(session, batch.id)
    return given


def _tell(session: Session, batch: Row[Any], phase: Phase, at_party: str, rows: int) -> Progress:
    facts = {"batch_id": batch.id, "phase": phase.value, "at_party": at_party, "rows": rows}
    session.execute(_PROGRESS, facts)
    return Progress(phase, at_party, batch.rows_done + rows, batch.rows_expected)
