"""Read what a settlement batch has of each party (SET-1)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.commission.settling import CHUNK
from models.commission import BatchRowState, PartyKind, Role

_ROWS = text(
    """
    select b.share_id, b.party, b.amount_fen, b.carried_fen, b.state, s.role, s.party_kind, l.order_number,
           l.selling_entity, l.releasable_at, s.earned_at
      from commission_batch_row b
      join commission_share s on s.id = b.share_id
      join commission_line l on l.order_line_id = s.order_line_id
     where b.batch_id = :batch_id and b.state <> 'RETURNED'
       and (cast(:party as text) is null or b.party = :party)
       and (b.party, b.share_id) > (:after_party, :after_id)
     order by b.party, b.share_id
     limit :limit
    """
)


@dataclass(frozen=True, slots=True)
class BatchRow:
    """One share in a batch. ``amount_fen`` below zero nets a debt; ``carried_fen`` of it did not fit."""

    share_id: int
    party: str
    party_kind: PartyKind
    role: Role
    order_number: str
    selling_entity: str
    amount_fen: int
    carried_fen: int
    state: BatchRowState
    earned_at: datetime
    releasable_at: datetime | None


def batch_rows(
    reader: Session | Connection,
    *,
    batch_id: int,
    party: str | None = None,
    after: tuple[str, int] = ("", 0),
    limit: int = CHUNK,
) -> list[BatchRow]:
    """The rows of a batch by party and share, those after ``(party, share_id)``; returned ones are not in it."""
    facts = {
        "batch_id": batch_id,
        "party": party,
        "after_party": after[0],
        "after_id": after[1],
        "limit": limit,
    }
    return [_batch_row(row) for row in reader.execute(_ROWS, facts)]


def _batch_row(row: Row[Any]) -> BatchRow:
    return BatchRow(
        share_id=row.share_id,
        party=row.party,
        party_kind=PartyKind(row.party_kind),
        role=Role(row.role),
        order_number=row.order_number,
        selling_entity=row.selling_entity,
        amount_fen=row.amount_fen,
        carried_fen=row.carried_fen,
        state=BatchRowState(row.state),
        earned_at=row.earned_at,
        releasable_at=row.releasable_at,
    )
