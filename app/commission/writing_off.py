"""The end of a debt that no settlement could net: written off after six cycles, by two people (CLW-3)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Conflict, Forbidden
from app.commission import accounts, states
from app.commission.entries import Change, write
from app.commission.rules import CARRY_CYCLES
from models.commission import EntryKind

# A cycle that carried some of the debt of the share counts, once it is settled.
_CYCLES = """
    (select count(*) from commission_batch_row b
      where b.share_id = s.id and b.state = 'SETTLED' and b.carried_fen > 0)
"""
_HOPELESS = text(
    f"""
    select s.id, s.party, l.order_number, l.selling_entity, -{states.DUE} as debt_fen, {_CYCLES} as cycles,
           (select count(*) from commission_entry e where e.share_id = s.id and e.kind = 'WRITE_OFF') as before
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where s.released_at is not null and {states.DUE} < 0 and {_CYCLES} >= :cycles
       and (cast(:party as text) is null or s.party = :party)
       and (cast(:share_ids as bigint[]) is null or s.id = any(cast(:share_ids as bigint[])))
     order by s.party, s.id
    """
)
_WRITE_OFF = text(
    """
    update commission_share s set written_off_fen = s.written_off_fen + x.debt_fen
      from unnest(cast(:share_ids as bigint[]), cast(:debts as bigint[])) as x (share_id, debt_fen)
     where s.id = x.share_id
    """
)


@dataclass(frozen=True, slots=True)
class Hopeless:
    """A debt of ``debt_fen`` that ``cycles`` settlements could not net."""

    share_id: int
    party: str
    order_number: str
    debt_fen: int
    cycles: int


def hopeless(reader: Session | Connection, *, party: str | None = None) -> list[Hopeless]:
    """The debts that were carried through six settled cycles or more (CLW-3)."""
    rows = reader.execute(_HOPELESS, {"cycles": CARRY_CYCLES, "party": party, "share_ids": None})
    return [Hopeless(row.id, row.party, row.order_number, int(row.debt_fen), row.cycles) for row in rows]


def write_off(
    session: Session,
    *,
    share_ids: Collection[int],
    asked_by: str,
    approved_by: str,
    why: str,
    at: datetime,
) -> int:
    """End the debts of these shares at the cost of the entity that sold; answers the fen written off.

    ``asked_by`` and ``approved_by`` are two different people (``operator:...``), else Forbidden. Refuses a
    share whose debt was not carried six times, or that has none (Conflict): all of them or none. What is
    taken back later is a new debt. Locks the lines of the shares.
    """
    if asked_by == approved_by:
        raise Forbidden("SAME_PERSON", "A second person approves what the first one asks for.")
    ids = sorted(set(share_ids))
    states.lock_lines_of(session, ids)
    rows = session.execute(_HOPELESS, {"cycles": CARRY_CYCLES, "party": None, "share_ids": ids}).all()
    if len(rows) != len(ids):
        raise Conflict("DEBT_NOT_HOPELESS", f"A debt is written off after {CARRY_CYCLES} cycles.")
    changes = [
        Change(
            share_id=row.id,
            party=row.party,
            order_number=row.order_number,
            debit=accounts.written_off(row.selling_entity),
            credit=accounts.payable(row.party),
            amount_fen=int(row.debt_fen),
            certain=True,
            at=at,
            nth=row.before,
        )
        for row in rows
    ]
    states.leave_open_batch(session, ids, at=at)
    write(session, EntryKind.WRITE_OFF, changes)
    debts = [int(row.debt_fen) for row in rows]
    session.execute(_WRITE_OFF, {"share_ids": [row.id for row in rows], "debts": debts})
    states.refresh(session, ids)
    for row in rows:
        audit.note(
            session,
            actor=approved_by,
            action="commission.write_off",
            subject=f"order:{row.order_number}",
            before={"party": row.party, "debt_fen": int(row.debt_fen), "asked_by": asked_by},
            after={"debt_fen": 0},
            why=why,
            at=at,
        )
    return sum(debts)
