"""From frozen to certain (FRZ-2, FRZ-3): the clock starts at hand-over, ends after the after-sale window."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.commission import accounts, rules, states
from app.commission.entries import Change, write
from models.commission import EntryKind

_UNSTARTED = text(
    "select order_line_id, aftersale_days, settle_delay_days from commission_line"
    " where order_id = :order_id and releasable_at is null order by order_line_id for update"
)
_START = text(
    """
    update commission_line l set releasable_at = x.releasable_at
      from unnest(cast(:line_ids as bigint[]), cast(:dates as timestamptz[]))
           as x (order_line_id, releasable_at)
     where l.order_line_id = x.order_line_id
    """
)
# FRZ-3: a refund whose outcome is open keeps its lines frozen. This reads the payments room's tables,
# which lies above: one exists-query, because a copy of the refund's state here could only go stale.
IS_OPEN = """
    (exists (select from refund_line rl join refund r on r.id = rl.refund_id
              where rl.order_line_id = l.order_line_id and r.state in ('REQUESTED', 'PROCESSING', 'ABNORMAL')
             offset 0)
     or exists (select from commission_pause p
                 where p.order_line_id = l.order_line_id and p.ended_at is null
                offset 0))
"""
_DUE = text(
    f"""
    select l.order_line_id
      from commission_line l
     where l.released_at is null and l.releasable_at <= :now and not {IS_OPEN}
     order by l.releasable_at, l.order_line_id
     limit :limit
       for update of l skip locked
    """
)
_OF_LINES = text(
    f"""
    select s.id, s.party, l.order_number, {states.LEFT} as left_fen
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where s.order_line_id = any(cast(:line_ids as bigint[])) and s.released_at is null
       and not {states.IS_HELD}
     order by s.id
    """
)
_LATE = text(
    f"""
    select s.id, s.party, l.order_number, {states.LEFT} as left_fen
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where s.id = any(cast(:share_ids as bigint[])) and s.released_at is null and l.released_at is not null
     order by s.id
    """
)
_RELEASE_SHARES = text(
    """
    update commission_share
       set released_at = :now, state = case when state = 'FROZEN' then 'RELEASABLE' else state end
     where id = any(cast(:share_ids as bigint[]))
    """
)
_RELEASE_LINES = text(
    "update commission_line set released_at = :now where order_line_id = any(cast(:line_ids as bigint[]))"
)
_PAUSE = text(
    """
    insert into commission_pause (order_line_id, cause, since)
    select order_line_id, :cause, :at from commission_line
     where order_line_id = any(cast(:line_ids as bigint[])) order by order_line_id
        on conflict (order_line_id, cause) do nothing
    """
)
_LOCK = text(
    "select order_line_id from commission_line where order_line_id = any(cast(:line_ids as bigint[]))"
    " order by order_line_id for update"
)
_RESUME = text("update commission_pause set ended_at = :at where cause = :cause and ended_at is null")


def start_clock(session: Session, *, order_id: int, completed_at: datetime) -> None:
    """Fix the day on which each line of a completed order becomes certain (FRZ-2). The first call counts."""
    lines = session.execute(_UNSTARTED, {"order_id": order_id}).all()
    if not lines:
        return
    dates = [
        rules.releasable_at(
            completed_at, aftersale_days=line.aftersale_days, settle_delay_days=line.settle_delay_days
        )
        for line in lines
    ]
    session.execute(_START, {"line_ids": [line.order_line_id for line in lines], "dates": dates})


def pause(session: Session, *, order_line_ids: Collection[int], cause: str, at: datetime) -> None:
    """An after-sale (``aftersale:A1``) is open on these lines: they stay as they are, whatever the date (FRZ-3).

    The same cause twice, or after it has ended, changes nothing. A line that was never accrued is passed
    over. What is certain already stays certain, but enters no batch. Locks the lines in ascending order.
    """
    ids = sorted(set(order_line_ids))
    session.execute(_LOCK, {"line_ids": ids})
    session.execute(_PAUSE, {"line_ids": ids, "cause": cause, "at": at})


def resume(session: Session, *, cause: str, at: datetime) -> None:
    """The after-sale has ended: its lines have their original date again (FRZ-3).

    A date that has passed meanwhile counts from now: the next ``release_due`` releases the line.
    """
    session.execute(_RESUME, {"cause": cause, "at": at})


def release_due(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Make the frozen shares of every due line certain; answers how many lines were released.

    A line with an open refund or after-sale waits, whatever its date, and is released by the first call
    after that has ended (FRZ-3). Held shares stay held. Lines that another transaction is working on are
    left to the next call, so several workers may run this at once. Call again while it answers ``limit``.
    """
    line_ids = session.execute(_DUE, {"now": now, "limit": limit}).scalars().all()
    if not line_ids:
        return 0
    _release(session, session.execute(_OF_LINES, {"line_ids": line_ids}).all(), now)
    session.execute(_RELEASE_LINES, {"line_ids": line_ids, "now": now})
    return len(line_ids)


def release_late(session: Session, *, share_ids: Collection[int], now: datetime) -> None:
    """Make those of the shares certain whose line was released while they were held (FRD-2)."""
    _release(session, session.execute(_LATE, {"share_ids": list(share_ids)}).all(), now)


def _release(session: Session, shares: Sequence[Row[Any]], now: datetime) -> None:
    if not shares:
        return
    changes = [
        Change(
            share_id=share.id,
            party=share.party,
            order_number=share.order_number,
            debit=accounts.frozen(share.party),
            credit=accounts.payable(share.party),
            amount_fen=share.left_fen,
            certain=True,
            at=now,
        )
        for share in shares
        if share.left_fen
    ]
    write(session, EntryKind.RELEASE, changes)
    session.execute(_RELEASE_SHARES, {"share_ids": [share.id for share in shares], "now": now})
