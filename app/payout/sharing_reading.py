"""What finance sees of profit sharing: each request about a payment, with its parts (FRZ-4)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from models.sharing import SharingKind, SharingState

_SHARINGS = text(
    """
    select x.id, x.number, x.kind, x.order_number, x.amount_fen, x.state, x.problem, x.created_at, x.ended_at,
           coalesce((select jsonb_agg(jsonb_build_object('entity', p.entity, 'amount_fen', p.amount_fen,
                                                         'result', p.result, 'fail_reason', p.fail_reason)
                                      order by p.entity)
                       from sharing_part p where p.sharing_id = x.id), '[]') as parts
      from sharing_order x
     where (cast(:before as bigint) is null or x.id < :before)
     order by x.id desc limit :limit
    """
)


@dataclass(frozen=True, slots=True)
class SharingSeen:
    """One request; ``parts``: entity, amount_fen, result, fail_reason of each company."""

    row_id: int
    number: str
    kind: SharingKind
    order: str
    amount_fen: int
    state: SharingState
    problem: str | None
    created_at: datetime
    ended_at: datetime | None
    parts: list[dict[str, Any]]


def sharings(reader: Session | Connection, *, before: int | None, limit: int) -> list[SharingSeen]:
    """Newest first, those before a row."""
    return [
        SharingSeen(
            row_id=row.id,
            number=row.number,
            kind=SharingKind(row.kind),
            order=row.order_number,
            amount_fen=row.amount_fen,
            state=SharingState(row.state),
            problem=row.problem,
            created_at=row.created_at,
            ended_at=row.ended_at,
            parts=row.parts,
        )
        for row in reader.execute(_SHARINGS, {"before": before, "limit": limit})
    ]
