"""From frozen to certain (FRZ-2, FRZ-3): the clock starts at hand-over, ends after the after-sale window."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.commission import accounts, rules
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
_DUE = text(
    """
    select l.order_line_id, l.order_number
      from commission_line l
     where l.released_at is null and l.releasable_at <= :now
       and not exists (
           select from refund_line rl join refund r on r.id = rl.refund_id
            where rl.order_line_id = l.order_line_id and r.state in ('REQUESTED', 'PROCESSING', 'ABNORMAL'))
     order by l.releasable_at, l.order_line_id
     limit :limit
       for update of l skip locked
    """
)
_FROZEN_SHARES = text(
    """
    select id, order_line_id, party, accrued_fen - reversed_fen as remaining_fen
      from commission_share
     where order_line_id = any(cast(:line_ids as bigint[])) and state = 'FROZEN'
     order by id
    """
)
_RELEASE_SHARES = text(
    "update commission_share set state = 'RELEASABLE'"
    " where order_line_id = any(cast(:line_ids as bigint[])) and state = 'FROZEN'"
)
_RELEASE_LINES = text(
    "update commission_line set released_at = :now where order_line_id = any(cast(:line_ids as bigint[]))"
)


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


def release_due(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Make the frozen shares of every due line certain; answers how many lines were released.

    A line with an open refund waits, whatever its date, and is released by the first call after the
    refund has ended (FRZ-3). Held shares stay held. Lines that another transaction is working on are
    left to the next call, so several workers may run this at once. Call again while it answers ``limit``.
    """
    lines = session.execute(_DUE, {"now": now, "limit": limit}).all()
    if not lines:
        return 0
    line_ids = [line.order_line_id for line in lines]
    write(session, EntryKind.RELEASE, _changes(session, lines, now))
    session.execute(_RELEASE_SHARES, {"line_ids": line_ids})
    session.execute(_RELEASE_LINES, {"line_ids": line_ids, "now": now})
    return len(lines)


def _changes(session: Session, lines: Sequence[Row[Any]], now: datetime) -> list[Change]:
    numbers = {line.order_line_id: line.order_number for line in lines}
    shares = session.execute(_FROZEN_SHARES, {"line_ids": list(numbers)})
    return [
        Change(
            share_id=share.id,
            order_number=numbers[share.order_line_id],
            debit=accounts.frozen(share.party),
            credit=accounts.payable(share.party),
            amount_fen=share.remaining_fen,
            at=now,
        )
        for share in shares
        if share.remaining_fen
    ]
