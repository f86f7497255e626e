"""Follow-up tasks of clerks: greet, keep, remind of goods. Made by a scheduled job, once per occasion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.attribution import binding_terms
from app.attribution.rules import SERVES, Serving, Spans, opens_at
from app.base.clock import local_day
from app.base.db import Tx
from app.base.errors import NotFound
from app.base.numbers import draw
from models.relations import TaskKind

BATCH = 500
GREET_WITHIN = timedelta(days=3)
# This long before another clerk could take the member over, the owner is reminded (BND-4).
KEEP_AHEAD = timedelta(days=14)
GOODS_WAIT = timedelta(days=1)
FIRST = 2**62

_TO_GREET = text(
    """
    select b.id, b.member_id, b.clerk_id, b.valid_from from service_binding b join clerk c on c.id = b.clerk_id
    where b.valid_to is null and b.valid_from > :since and b.reason in ('ACQUIRED', 'REBOUND', 'CUSTOMER')
      and c.status = 'ACTIVE'
      and not exists (select from clerk_task t where t.occasion = 'greet:' || b.id)
    order by b.valid_from limit :limit
    """
)
_TO_REMIND = text(
    """
    select o.number, coalesce(m.alias_of, m.id) as member_id, b.clerk_id, s.code as store
    from pickup_code p
    join orders o on o.id = p.order_id and o.fulfilment_state = 'READY'
    join member m on m.id = o.member_id
    join store s on s.id = p.store_id
    join service_binding b on b.member_id = coalesce(m.alias_of, m.id) and b.valid_to is null
    join clerk c on c.id = b.clerk_id and c.status in ('ACTIVE', 'LEAVING')
    where p.used_at is null and p.void_at is null and p.created_at < :before
      and not exists (select from clerk_task t where t.occasion = 'pickup:' || o.number)
    limit :limit
    """
)
_CLERKS = text("select id from clerk where status = 'ACTIVE' and id > :after order by id limit :limit")
_TO_KEEP = text(
    """
    select b.id, b.member_id, b.clerk_id, b.valid_from,
           (select max(t.occurred_at) from touch t
            where t.member_id in (select id from member where id = m.id or alias_of = m.id)
              and t.clerk_id = b.clerk_id and t.valid and t.kind = any(:serves)) as served_at,
           (select json_object_agg(category_code, paid_at)::text from (
                select l.category_code, max(o.paid_at) as paid_at
                from orders o join order_line l on l.order_id = o.id
                where o.member_id in (select id from member where id = m.id or alias_of = m.id)
                  and o.paid_at is not null group by 1) bought) as bought_at
    from service_binding b join member m on m.id = b.member_id
    where b.clerk_id = :clerk_id and b.valid_to is null and b.valid_from <= :bound_before and b.id > :after
    order by b.id limit :limit
    """
)
_ADD = text(
    """
    insert into clerk_task (number, clerk_id, member_id, kind, occasion, facts, due_on, created_at)
    select w.number, w.clerk_id, w.member_id, :kind, w.occasion, cast(w.facts as jsonb), w.due_on, :now
    from unnest(cast(:numbers as text[]), cast(:clerks as bigint[]), cast(:members as bigint[]),
                cast(:occasions as text[]), cast(:facts as text[]), cast(:dues as date[]))
         as w(number, clerk_id, member_id, occasion, facts, due_on)
    on conflict (occasion) do nothing
    """
)
_MOOT = text(
    """
    update clerk_task t set moot_at = :now
    where t.id in (
        select t.id from clerk_task t
        where t.done_at is null and t.moot_at is null and (
            not exists (select from service_binding b where b.clerk_id = t.clerk_id and b.valid_to is null
                        and b.member_id = t.member_id)
            or (t.kind = 'PICKUP' and not exists (select from orders o where o.number = t.facts ->> 'order'
                                                  and o.fulfilment_state = 'READY')))
        order by t.id limit :limit)
    returning t.id
    """
)
_OPEN = text(
    """
    select t.id, t.number, t.kind, m.number as member, t.facts, t.due_on, t.created_at
    from clerk_task t join member m on m.id = t.member_id
    where t.clerk_id = :clerk_id and t.done_at is null and t.moot_at is null and t.id < :before
    order by t.id desc limit :limit
    """
)
_DONE = text(
    """
    update clerk_task set done_at = coalesce(done_at, :now),
           note = case when done_at is null then cast(:note as text) else note end
    where number = :number and clerk_id = :clerk_id and moot_at is null returning done_at
    """
)


@dataclass(frozen=True)
class Task:
    """Something to do for a member. ``facts``: the order that waits, or until when the member is kept."""

    id: int
    number: str
    kind: TaskKind
    member: str
    facts: dict[str, Any]
    due_on: date
    created_at: datetime


@dataclass(frozen=True)
class _New:
    clerk_id: int
    member_id: int
    occasion: str
    facts: dict[str, Any]
    due_on: date


def tasks(reader: Session | Connection, *, clerk_id: int, before: int | None, limit: int) -> list[Task]:
    """Up to ``limit`` open tasks of a clerk, newest first, before the row ``before``."""
    rows = reader.execute(_OPEN, {"clerk_id": clerk_id, "before": before or FIRST, "limit": limit})
    return [Task(**{**row._mapping, "kind": TaskKind(row.kind)}) for row in rows]


def done(session: Session, *, clerk_id: int, number: str, note: str | None, now: datetime) -> datetime:
    """Tick a task off; answers when that was. A second time changes nothing. NotFound for another clerk's."""
    facts = {"clerk_id": clerk_id, "number": number, "note": note, "now": now}
    row = session.execute(_DONE, facts).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such task.")
    at: datetime = row.done_at
    return at


def make_due(tx: Tx, *, now: datetime) -> int:
    """Make what is to be greeted and fetched, and let go of what is moot (scheduled); how many were looked at."""
    looked = 0
    while True:
        with tx() as session:
            some = _greet(session, now) + _remind(session, now)
        looked += some
        if some < BATCH:
            break
    with tx() as session:
        while _let_go(session, now) == BATCH:
            pass
    return looked


def make_keeping(tx: Tx, *, now: datetime) -> int:
    """Remind every clerk of members who will soon be open to others (daily); how many members were looked at.

    Goes from clerk to clerk, a transaction for each ``BATCH`` members: nothing scans all bindings at once.
    """
    looked, after = 0, 0
    while True:
        with tx() as session:
            clerks = list(session.execute(_CLERKS, {"after": after, "limit": BATCH}).scalars())
        for clerk_id in clerks:
            looked += _keep_all(tx, clerk_id, now)
        if len(clerks) < BATCH:
            return looked
        after = clerks[-1]


def _greet(session: Session, now: datetime) -> int:
    rows = session.execute(_TO_GREET, {"since": now - GREET_WITHIN, "limit": BATCH}).all()
    new = [
        _New(
            row.clerk_id, row.member_id, f"greet:{row.id}", {}, local_day(row.valid_from) + timedelta(days=1)
        )
        for row in rows
    ]
    _add(session, TaskKind.GREET, new, now)
    return len(rows)


def _remind(session: Session, now: datetime) -> int:
    rows = session.execute(_TO_REMIND, {"before": now - GOODS_WAIT, "limit": BATCH}).all()
    new = [
        _New(
            row.clerk_id,
            row.member_id,
            f"pickup:{row.number}",
            {"order": row.number, "store": row.store},
            local_day(now),
        )
        for row in rows
    ]
    _add(session, TaskKind.PICKUP, new, now)
    return len(rows)


def _keep_all(tx: Tx, clerk_id: int, now: datetime) -> int:
    looked, after = 0, 0
    while True:
        with tx() as session:
            terms = binding_terms.in_effect(session, at=now)
            facts = {
                "clerk_id": clerk_id,
                "serves": [kind.value for kind in SERVES],
                "bound_before": now + KEEP_AHEAD - timedelta(days=terms.protect_days),
                "after": after,
                "limit": BATCH,
            }
            rows = session.execute(_TO_KEEP, facts).all()
            spans = Spans(terms.protect_days, terms.inactive_days, terms.inactive_by_category)
            _add(session, TaskKind.KEEP, [new for row in rows for new in _keeping(row, spans, now)], now)
        looked += len(rows)
        if len(rows) < BATCH:
            return looked
        after = rows[-1].id


def _keeping(row: Any, spans: Spans, now: datetime) -> list[_New]:
    bought = orjson.loads(row.bought_at) if row.bought_at else {}
    bought_at = {category: datetime.fromisoformat(at) for category, at in bought.items()}
    opens = opens_at(Serving(row.clerk_id, row.valid_from, row.served_at, bought_at), spans)
    if not now < opens <= now + KEEP_AHEAD:
        return []
    kept_until = local_day(opens) - timedelta(days=1)
    occasion = f"keep:{row.id}:{kept_until.isoformat()}"
    return [_New(row.clerk_id, row.member_id, occasion, {"kept_until": kept_until.isoformat()}, kept_until)]


def _let_go(session: Session, now: datetime) -> int:
    return len(session.execute(_MOOT, {"now": now, "limit": BATCH}).all())


def _add(session: Session, kind: TaskKind, new: Sequence[_New], now: datetime) -> None:
    if not new:
        return
    facts = {
        "kind": kind.value,
        "now": now,
        "numbers": [draw("T", now) for _ in new],
        "clerks": [one.clerk_id for one in new],
        "members": [one.member_id for one in new],
        "occasions": [one.occasion for one in new],
        "facts": [orjson.dumps(one.facts).decode() for one in new],
        "dues": [one.due_on for one in new],
    }
    session.execute(_ADD, facts)
