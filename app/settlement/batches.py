"""The life of a settlement batch: who makes it, who decides it, and what may be changed before (SET-1).

DRAFT -> REVIEW -> APPROVED -> PAYING -> PAID or PARTIAL -> CLOSED; REVIEW or DRAFT -> REJECTED. The steps here only
decide; the rows move in the job ``settlement_work`` (``working.drive``), which every step asks for. Everything
that people decide is in the audit log.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.clock import local_day
from app.base.errors import Conflict, Forbidden, NotFound
from app.base.queue import defer
from app.settlement import rules
from models.settlement import BatchState, PartyState, Phase

# Who makes the batch of the 10th; whoever submits it is then a person, and another one approves.
HOUSE = "rule:SET-1"
JOB = "settlement_work"

_LOCK_ALL = text("select pg_advisory_xact_lock(hashtextextended('settlement batch', 0))")
_STANDING = text(
    """
    select coalesce(bool_or(state in ('DRAFT', 'REVIEW', 'APPROVED') or phase = 'FREEING'), false) as open,
           coalesce(bool_or(state <> 'REJECTED' and month >= :month), false) as later,
           count(*) filter (where month = :month) as same
      from settlement_batch
    """
)
_EXPECTED = text(
    "select count(*) from commission_share where released_at is not null"
    " and accrued_fen - reversed_fen - moved_fen - settled_fen + written_off_fen <> 0"
)
_CREATE = text(
    """
    insert into settlement_batch
           (number, month, before, state, phase, at_party, rows_done, rows_expected, parties, gross_fen, adjusted_fen,
            tier_fen, carried_in_fen, payable_fen, carried_out_fen, created_by, created_at)
    values (:number, :month, :before, 'DRAFT', 'PARTIES', '', 0, :expected, 0, 0, 0, 0, 0, 0, 0, :by, :at)
    """
)
_LOCK = text("select * from settlement_batch where number = :number for update")
_BUSY = text("select exists (select from settlement_party where batch_id = :id and not rows_done)")
# A hold, a move or a write-off may have taken rows out since the figures were computed.
_CHANGED = text(
    """
    select p.id, p.party from settlement_party p
      left join (select party, count(*) as rows, sum(amount_fen) as fen from commission_batch_row
                  where batch_id = :id and state <> 'RETURNED' group by party) r on r.party = p.party
     where p.batch_id = :id and p.state = 'PLANNED'
       and (p.rows, p.gross_fen + p.adjusted_fen) is distinct from (coalesce(r.rows, 0), coalesce(r.fen, 0))
     order by p.party
    """
)
_REOPEN = text(
    "update settlement_party set rows_done = false, at_share = 0 where id = any(cast(:ids as bigint[]))"
)
_REOPEN_ALL = text(
    "update settlement_party set rows_done = false, at_share = 0 where batch_id = :id and state = 'PLANNED'"
)
_SUBMIT = text(
    "update settlement_batch set state = 'REVIEW', submitted_by = :by, submitted_at = :at where id = :id"
)
_APPROVE = text(
    "update settlement_batch set state = 'APPROVED', phase = 'HANDING', approved_by = :by, approved_at = :at"
    " where id = :id"
)
_REJECT = text(
    "update settlement_batch set state = 'REJECTED', phase = 'FREEING', rejected_by = :by, rejected_at = :at"
    " where id = :id"
)
_CLOSE = text("update settlement_batch set state = 'CLOSED', closed_by = :by, closed_at = :at where id = :id")
_PARTY = text("select * from settlement_party where batch_id = :id and party = :party for update")
_SET_PARTY = text(
    "update settlement_party set state = :state, why = :why, rows_done = false, at_share = 0"
    " where id = :party_id"
)
_HAS_ANY = text("select exists (select from settlement_batch where month = :month)")


def create(session: Session, *, month: str, by: str, why: str, at: datetime) -> str:
    """Begin the batch of a month: shares that became certain before its first day. Answers its number.

    The rows are taken by the job; until it is through, the batch cannot be handed in. Refuses (Conflict) a
    month that has not begun (MONTH_NOT_BEGUN), one that is settled or lies before one that is
    (MONTH_SETTLED), and any while another batch is undecided or being worked on (BATCH_OPEN): of two
    callers at once one makes the batch.
    """
    before, _ = rules.month_bounds(month)
    if at < before:
        raise Conflict("MONTH_NOT_BEGUN", "The month has not begun.")
    session.execute(_LOCK_ALL)
    standing = session.execute(_STANDING, {"month": month}).one()
    if standing.later:
        raise Conflict("MONTH_SETTLED", "This month, or a later one, has its batch.")
    if standing.open:
        raise Conflict("BATCH_OPEN", "Another batch is not decided yet.")
    number = f"S{month}-{standing.same + 1}"
    expected = session.execute(_EXPECTED).scalar_one()
    facts = {"number": number, "month": month, "before": before, "expected": expected, "by": by, "at": at}
    session.execute(_CREATE, facts)
    _note(session, "settlement.create", number, None, {"month": month}, by, why, at)
    defer(session, JOB, number=number)
    return number


def create_due(session: Session, *, at: datetime) -> str | None:
    """SET-1: from the 10th (local) on, begin this month's batch if nobody has; answers its number, if any.

    A batch that people rejected is not made again by itself. While an older one is undecided nothing is
    made; the next call does it.
    """
    month = rules.month_of(at)
    if local_day(at).day < rules.DAY_OF_SETTLEMENT or session.execute(_HAS_ANY, {"month": month}).scalar():
        return None
    try:
        return create(session, month=month, by=HOUSE, why="SET-1", at=at)
    except Conflict:
        return None


def submit(session: Session, *, number: str, by: str, why: str, at: datetime) -> None:
    """DRAFT -> REVIEW. Refuses (Conflict) another state, a batch being worked on (BATCH_BUSY) or BATCH_CHANGED."""
    batch = _ready(session, number, BatchState.DRAFT)
    _refuse_changed(session, batch)
    session.execute(_SUBMIT, {"id": batch.id, "by": by, "at": at})
    _note(session, "settlement.submit", number, {"state": batch.state}, _figures(batch), by, why, at)


def approve(session: Session, *, number: str, by: str, why: str, at: datetime) -> None:
    """REVIEW -> APPROVED: what the batch says is owed. Rows are handed over, then payouts may be made.

    Refuses (Forbidden SAME_PERSON) who made or handed in the batch, and (Conflict) another state,
    BATCH_BUSY, and BATCH_CHANGED: rows were held since the figures were computed; ``refresh`` first.
    """
    batch = _ready(session, number, BatchState.REVIEW)
    if by in (batch.created_by, batch.submitted_by):
        raise Forbidden("SAME_PERSON", "Who made or handed in a batch cannot approve it.")
    _refuse_changed(session, batch)
    session.execute(_REOPEN_ALL, {"id": batch.id})
    session.execute(_APPROVE, {"id": batch.id, "by": by, "at": at})
    _note(session, "settlement.approve", number, {"state": batch.state}, _figures(batch), by, why, at)
    defer(session, JOB, number=number)


def reject(session: Session, *, number: str, by: str, why: str, at: datetime) -> None:
    """DRAFT or REVIEW -> REJECTED, with a reason: every share is free for another batch of the month."""
    batch = _ready(session, number, BatchState.DRAFT, BatchState.REVIEW)
    session.execute(_REJECT, {"id": batch.id, "by": by, "at": at})
    session.execute(_REOPEN_ALL, {"id": batch.id})
    _note(session, "settlement.reject", number, {"state": batch.state}, {"state": "REJECTED"}, by, why, at)
    defer(session, JOB, number=number)


def close(session: Session, *, number: str, by: str, why: str, at: datetime) -> None:
    """PAID or PARTIAL -> CLOSED. Refuses (Conflict) any other state."""
    batch = _locked(session, number, BatchState.PAID, BatchState.PARTIAL)
    session.execute(_CLOSE, {"id": batch.id, "by": by, "at": at})
    _note(session, "settlement.close", number, {"state": batch.state}, {"state": "CLOSED"}, by, why, at)


def refresh(session: Session, *, number: str, by: str, why: str, at: datetime) -> list[str]:
    """Compute the parties anew whose rows have changed since (DRAFT or REVIEW); answers them.

    Rows that are free again and belong to the batch are taken again.
    """
    batch = _ready(session, number, BatchState.DRAFT, BatchState.REVIEW)
    changed = session.execute(_CHANGED, {"id": batch.id}).all()
    if changed:
        session.execute(_REOPEN, {"ids": [row.id for row in changed]})
        told = {"parties": [row.party for row in changed[:50]]}
        _note(session, "settlement.refresh", number, None, told, by, why, at)
        defer(session, JOB, number=number)
    return [row.party for row in changed]


def remove_party(session: Session, *, number: str, party: str, by: str, why: str, at: datetime) -> None:
    """Take a party out of a batch that is not approved, with a reason; its shares wait for another one."""
    _change_party(session, number, party, PartyState.PLANNED, PartyState.REMOVED, by, why, at)


def add_party(session: Session, *, number: str, party: str, by: str, why: str, at: datetime) -> None:
    """Put a removed party back into a batch that is not approved, with all that belongs to it now."""
    _change_party(session, number, party, PartyState.REMOVED, PartyState.PLANNED, by, why, at)


def _change_party(
    session: Session,
    number: str,
    party: str,
    before: PartyState,
    after: PartyState,
    by: str,
    why: str,
    at: datetime,
) -> None:
    batch = _ready(session, number, BatchState.DRAFT, BatchState.REVIEW)
    line = session.execute(_PARTY, {"id": batch.id, "party": party}).first()
    if line is None:
        raise NotFound("NOT_FOUND", "No such party in this batch.")
    if line.state != before:
        raise Conflict("WRONG_STATE", f"The party is {line.state}.")
    reason = why if after is PartyState.REMOVED else None
    session.execute(_SET_PARTY, {"party_id": line.id, "state": after.value, "why": reason})
    told = {"party": party, "state": before.value, "payable_fen": line.payable_fen}
    word = "remove" if after is PartyState.REMOVED else "add"
    after_told = {"party": party, "state": after.value}
    _note(session, f"settlement.{word}_party", number, told, after_told, by, why, at)
    defer(session, JOB, number=number)


def _locked(session: Session, number: str, *states: BatchState) -> Row[Any]:
    batch = session.execute(_LOCK, {"number": number}).first()
    if batch is None:
        raise NotFound("NOT_FOUND", "No such batch.")
    if batch.state not in states:
        raise Conflict("WRONG_STATE", f"The batch is {batch.state}.")
    return batch


def _ready(session: Session, number: str, *states: BatchState) -> Row[Any]:
    batch = _locked(session, number, *states)
    if batch.phase != Phase.BUILT or session.execute(_BUSY, {"id": batch.id}).scalar():
        raise Conflict("BATCH_BUSY", "The batch is being worked on.")
    return batch


def _refuse_changed(session: Session, batch: Row[Any]) -> None:
    changed = session.execute(_CHANGED, {"id": batch.id}).all()
    if changed:
        parties = [row.party for row in changed[:20]]
        raise Conflict("BATCH_CHANGED", "Rows were held or moved since; refresh the batch.", parties=parties)


def _figures(batch: Row[Any]) -> dict[str, Any]:
    return {
        "parties": batch.parties,
        "payable_fen": batch.payable_fen,
        "carried_in_fen": batch.carried_in_fen,
        "carried_out_fen": batch.carried_out_fen,
        "tier_fen": batch.tier_fen,
    }


def _note(
    session: Session,
    action: str,
    number: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    by: str,
    why: str,
    at: datetime,
) -> None:
    audit.note(
        session,
        actor=by,
        action=action,
        subject=f"settlement:{number}",
        before=before,
        after=after,
        why=why,
        at=at,
    )
