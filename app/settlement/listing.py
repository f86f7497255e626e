"""Read batches for those who decide them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from models.settlement import BatchState

_COLUMNS = """
    b.id, b.number, b.month, b.state, b.rows_done, b.rows_expected, b.parties, b.gross_fen, b.adjusted_fen,
    b.tier_fen, b.carried_in_fen, b.payable_fen, b.carried_out_fen, b.created_by, b.created_at, b.submitted_by,
    b.approved_by, b.published_at, b.finished_at,
    b.phase in ('PARTIES', 'BALANCES', 'HANDING', 'FREEING')
    or exists (select from settlement_party p where p.batch_id = b.id and not p.rows_done) as working
"""
_LIST = text(
    f"""
    select {_COLUMNS} from settlement_batch b
     where cast(:before_id as bigint) is null or b.id < :before_id
     order by b.id desc limit :limit
    """
)
_ONE = text(f"select {_COLUMNS} from settlement_batch b where b.number = :number")


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch with its sums in fen; ``id`` orders lists and is never shown."""

    id: int
    number: str
    month: str
    state: BatchState
    rows_done: int
    rows_expected: int
    parties: int
    gross_fen: int
    adjusted_fen: int
    tier_fen: int
    carried_in_fen: int
    payable_fen: int
    carried_out_fen: int
    created_by: str
    created_at: datetime
    submitted_by: str | None
    approved_by: str | None
    published_at: datetime | None
    finished_at: datetime | None
    working: bool


def batches(reader: Session | Connection, *, before_id: int | None = None, limit: int = 20) -> list[Batch]:
    """The batches, newest first; those older than another one's ``id``."""
    rows = reader.execute(_LIST, {"before_id": before_id, "limit": limit})
    return [Batch(**{**row._mapping, "state": BatchState(row.state)}) for row in rows]


def batch(reader: Session | Connection, number: str) -> Batch:
    """One batch. Refuses an unknown number (NotFound)."""
    row = reader.execute(_ONE, {"number": number}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such batch.")
    return Batch(**{**row._mapping, "state": BatchState(row.state)})
