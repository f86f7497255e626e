"""Keep shares from being released or settled while somebody looks into them (FRD-2, DSP-1, SPL-9)."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Invalid
from app.commission import release, states

_HOLD = text(
    """
    insert into commission_hold (share_id, cause, held_at)
    select s.id, :cause, :at from commission_share s where s.id = any(cast(:share_ids as bigint[]))
        on conflict (share_id, cause) do nothing
    returning share_id
    """
)
_HELD_BY = text("select share_id from commission_hold where cause = :cause and lifted_at is null")
_LIFT = text("update commission_hold set lifted_at = :at where cause = :cause and lifted_at is null")
_SHARES_OF = text(
    "select s.id from commission_share s join commission_line l on l.order_line_id = s.order_line_id"
    " join orders o on o.id = l.order_id where o.number = :number order by s.id"
)
_FREE = text(
    "select s.id from commission_share s where s.id = any(cast(:share_ids as bigint[]))"
    f" and not {states.IS_HELD} order by s.id"
)
MOST_CAUSE = 200


def hold(session: Session, *, share_ids: Collection[int], cause: str, at: datetime) -> list[int]:
    """Hold shares for a cause (``dispute:17``, ``fraud:4711``); answers those that were not held for it before.

    A held share is neither released nor taken into a batch, and leaves a batch that is not approved yet.
    Refunds still take from it (CLW-1), and what it is moved to is held too. A share may be held for several
    causes. The same cause twice, or again after it was lifted, changes nothing: a cause is decided once.
    Shares that do not exist are passed over. Locks the lines of the shares in ascending order.
    """
    if not cause or len(cause) > MOST_CAUSE:
        raise Invalid("A hold needs its cause.", fields={"cause": f"1-{MOST_CAUSE} characters"})
    ids = sorted(set(share_ids))
    states.lock_lines_of(session, ids)
    facts = {"share_ids": ids, "cause": cause, "at": at}
    held = sorted(session.execute(_HOLD, facts).scalars())
    if held:
        states.leave_open_batch(session, held, at=at)
        states.refresh(session, held)
    return held


def hold_order(session: Session, *, order_number: str, cause: str, at: datetime) -> list[int]:
    """Hold every share of an order; see ``hold``."""
    ids = session.execute(_SHARES_OF, {"number": order_number}).scalars().all()
    return hold(session, share_ids=ids, cause=cause, at=at)


def unhold(session: Session, *, cause: str, at: datetime) -> list[int]:
    """Lift a cause from every share that it holds; answers the shares that no cause holds any longer.

    They go on where their original dates put them (FRD-2): still FROZEN, or RELEASABLE at once when their
    line was released meanwhile. A cause that holds nothing changes nothing. Locks as ``hold`` does.
    """
    ids = sorted(session.execute(_HELD_BY, {"cause": cause}).scalars())
    if not ids:
        return []
    states.lock_lines_of(session, ids)
    session.execute(_LIFT, {"cause": cause, "at": at})
    free = list(session.execute(_FREE, {"share_ids": ids}).scalars())
    release.release_late(session, share_ids=free, now=at)
    states.refresh(session, ids)
    return free
