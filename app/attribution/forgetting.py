"""Touches after 400 days: counted per member, month and kind, then let go (TCH-6)."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

KEEP = timedelta(days=400)

# Told to the guard of the append-only table, which lets go of nothing else and of nothing younger.
_SAY = text("select set_config('lianke.forgets', 'touches', true)")
# What a relation rests on stays: money is explained by it. The month is that of Shanghai (C-6).
_FORGET = text(
    """
    with old as materialized (
        select t.id from touch t
        where t.occurred_at < :before
          and not exists (select from acquisition a where a.touch_id = t.id)
          and not exists (select from service_binding b where b.touch_id = t.id)
          and not exists (select from bounty y where y.member_id = t.member_id and y.touch_id = t.id)
        order by t.occurred_at limit :limit),
    gone as (
        delete from touch t using old where t.id = old.id
        returning t.member_id, t.kind, t.valid, t.occurred_at),
    counted as (
        insert into touch_month as m (member_id, month, kind, touches, valid, first_at, last_at)
        select coalesce(p.alias_of, p.id), date_trunc('month', g.occurred_at at time zone 'Asia/Shanghai')::date,
               g.kind, count(*), count(*) filter (where g.valid), min(g.occurred_at), max(g.occurred_at)
        from gone g join member p on p.id = g.member_id group by 1, 2, 3
        on conflict (member_id, month, kind) do update set
            touches = m.touches + excluded.touches, valid = m.valid + excluded.valid,
            first_at = least(m.first_at, excluded.first_at), last_at = greatest(m.last_at, excluded.last_at)
        returning 1)
    select count(*) from gone
    """
)


def forget_touches(session: Session, *, now: datetime, limit: int = 5000) -> int:
    """Let up to ``limit`` touches older than 400 days go, counted into ``touch_month``; answers how many.

    The touch that an acquisition, a service binding or a bounty rests on is kept for ever. Counting and letting go are
    one statement: a touch is in exactly one of the two tables. Call again until it answers 0.
    """
    session.execute(_SAY)
    facts = {"before": now - KEEP, "limit": limit}
    return int(session.execute(_FORGET, facts).scalar_one())
