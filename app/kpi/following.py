"""Whether acquired members still follow after 7 and 30 days: measured when the day has come, and kept."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.clock import local_day, start_of_day

# The day after the N-th local day after the acquisition begins (C-6). 7: a qualified member (BND-11); 30: KPI-3.
SPANS = (7, 30)
# A job that stood still for longer than this leaves the day unmeasured: later news would not tell of it.
CATCH_UP_DAYS = 3
_MEASURE = text(
    """
    insert into kpi_follow (member_id, days, kept, measured_at)
    select a.member_id, :days,
           exists (select from identity i where i.member_id = a.member_id and i.app = 'OA' and i.followed), :now
      from acquisition a join member m on m.id = a.member_id
     where a.acquired_at >= :since and a.acquired_at < :until and a.kind = 'ACQUISITION' and m.alias_of is null
       and not exists (select from kpi_follow f where f.member_id = a.member_id and f.days = :days)
     order by a.acquired_at limit :limit
    on conflict (member_id, days) do nothing
    returning member_id
    """
)


def measure(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Note for members whose 7th or 30th day is over whether they follow; answers how many. Repeat until 0."""
    measured = 0
    for days in SPANS:
        until = start_of_day(local_day(now) - timedelta(days=days))
        since = until - timedelta(days=CATCH_UP_DAYS)
        facts = {"days": days, "since": since, "until": until, "now": now, "limit": limit}
        measured += len(session.execute(_MEASURE, facts).all())
    return measured
