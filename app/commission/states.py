"""The state of a share, told from its figures: one expression for every step that can change it (FRZ-1)."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

# Of a share ``s``: what its party still has of it, and what the next batch owes (below zero: is owed, CLW-3).
LEFT = "(s.accrued_fen - s.reversed_fen - s.moved_fen)"
DUE = f"({LEFT} - s.settled_fen + s.written_off_fen)"
# "offset 0": one probe of an index for each share. Without it the planner may read every open row of every
# batch to answer for a thousand shares, and a batch of a million rows asks a thousand times.
IS_HELD = "exists (select from commission_hold h where h.share_id = s.id and h.lifted_at is null offset 0)"
IN_BATCH = (
    "exists (select from commission_batch_row b"
    " where b.share_id = s.id and b.state in ('OPEN', 'FIXED') offset 0)"
)
_STATE = f"""
    case when s.written_off_fen > 0 and {DUE} = 0 then 'WRITTEN_OFF'
         when s.accrued_fen > 0 and {LEFT} = 0
         then case when s.moved_fen > 0 then 'MOVED' else 'REVERSED' end
         when {IS_HELD} then 'HELD'
         when {IN_BATCH} then 'IN_BATCH'
         when s.settled_fen > 0 then 'SETTLED'
         when s.released_at is not null then 'RELEASABLE'
         else 'FROZEN' end
"""
_REFRESH = text(
    f"update commission_share s set state = {_STATE}"
    f" where s.id = any(cast(:share_ids as bigint[])) and s.state <> {_STATE}"
)
_LINES_OF = text(
    "select distinct order_line_id from commission_share where id = any(cast(:share_ids as bigint[]))"
)
_LOCK_LINES = text(
    "select order_line_id from commission_line where order_line_id = any(cast(:line_ids as bigint[]))"
    " order by order_line_id for update"
)

_LEAVE_BATCH = text(
    "update commission_batch_row set state = 'RETURNED', closed_at = :at"
    " where share_id = any(cast(:share_ids as bigint[])) and state = 'OPEN'"
)


def refresh(session: Session, share_ids: Collection[int]) -> None:
    """Bring the state of these shares to what their figures, holds and batches say."""
    session.execute(_REFRESH, {"share_ids": list(share_ids)})


def leave_open_batch(session: Session, share_ids: Collection[int], *, at: datetime) -> None:
    """Take these shares out of any batch that is not approved yet; their figures or holds change.

    One that is approved keeps its rows: the money is on its way, and the difference is a debt (CLW-3).
    """
    session.execute(_LEAVE_BATCH, {"share_ids": list(share_ids), "at": at})


def lock_lines_of(session: Session, share_ids: Collection[int]) -> None:
    """Lock the lines of these shares in ascending order until the end of the transaction.

    Whoever changes a share holds its line first: refunds, releases, holds, moves and batches meet in one
    order and none sees half of another.
    """
    line_ids = session.execute(_LINES_OF, {"share_ids": list(share_ids)}).scalars().all()
    session.execute(_LOCK_LINES, {"line_ids": sorted(line_ids)})
