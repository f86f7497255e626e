"""Codes for many: a list of clerks and stores, made one by one within WeChat's quota; survives kill -9.

Each item is committed when it is done, and making a code again asks WeChat for nothing that is there. So a batch
goes on where it stopped, whoever runs it: the worker's job or scripts/make_codes.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base import audit, numbers
from app.base.clock import days_after
from app.base.db import Tx
from app.base.errors import Conflict, NotFound, Refusal
from app.base.queue import defer
from app.base.scope import Scope
from app.codes.making import CodePage, clerk_scenes, complete, store_scenes
from models.codes import BatchState
from wechat.errcodes import Action, action_of
from wechat.errors import Refused, WeChatError
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount

JOB = "run_code_batch"
# Items of one job: short enough for a worker that is told to stop.
ITEMS_A_JOB = 50
# WeChat's day begins at midnight in China; a little later its counters are surely new.
AFTER_MIDNIGHT = timedelta(minutes=5)
A_WHILE = timedelta(minutes=1)

_OPEN = text(
    """
    insert into code_batch (number, entity_id, store_id, state, total, done, failed, created_by, created_at)
    values (:number, (select id from legal_entity where code = :entity), (select id from store where code = :store),
            'RUNNING', 0, 0, 0, :by, :now)
    returning id
    """
)
_FILL = text(
    """
    with wanted as (
        select s.id as store_id, cast(null as bigint) as clerk_id, s.code from store s
          join legal_entity e on e.id = s.entity_id
         where s.status <> 'CLOSED' and (cast(:entity as text) is null or e.code = :entity)
           and (cast(:store as text) is null or s.code = :store)
        union all
        select c.store_id, c.id, c.code from clerk c join store s on s.id = c.store_id
          join legal_entity e on e.id = s.entity_id
         where c.status <> 'LEFT' and (cast(:entity as text) is null or e.code = :entity)
           and (cast(:store as text) is null or s.code = :store)),
    filled as (
        insert into code_batch_item (batch_id, position, clerk_id, store_id, state)
        select :batch_id, row_number() over (order by clerk_id is not null, code), clerk_id, store_id, 'OPEN'
        from wanted returning 1)
    update code_batch set total = (select count(*) from filled) where id = :batch_id returning total
    """
)
_SHOW = """
    select b.id as row_id, b.number, b.state, b.total, b.done, b.failed, b.wait_until, b.created_by, b.created_at,
           b.finished_at, e.code as entity, s.code as store, coalesce(e.code, se.code) as of_entity
    from code_batch b left join legal_entity e on e.id = b.entity_id left join store s on s.id = b.store_id
    left join legal_entity se on se.id = s.entity_id
    """
_ONE = text(f"{_SHOW} where b.number = :number")
_PAGE = text(
    f"""
    {_SHOW} where b.id < :before and (cast(:entity as text) is null or coalesce(e.code, se.code) = :entity)
      and (cast(:store as text) is null or s.code = :store)
    order by b.id desc limit :limit
    """
)
_FAILURES = text(
    """
    select coalesce(c.code, s.code) as who, coalesce(c.name, s.name) as name, i.reason from code_batch_item i
    join store s on s.id = i.store_id left join clerk c on c.id = i.clerk_id
    where i.batch_id = :batch_id and i.state = 'FAILED' order by i.position limit 200
    """
)
_NEXT = text(
    "select position, clerk_id, store_id from code_batch_item where batch_id = :batch_id and state = 'OPEN'"
    " order by position limit 1"
)
_SETTLE = text(
    """
    with item as (
        update code_batch_item set state = :state, reason = cast(:reason as text)
        where batch_id = :batch_id and position = :position and state = 'OPEN' returning state)
    update code_batch set done = done + (item.state = 'DONE')::int, failed = failed + (item.state = 'FAILED')::int
    from item where id = :batch_id
    """
)
_MOVE = text(
    """
    update code_batch set state = cast(:state as text), wait_until = cast(:wait_until as timestamptz),
        finished_at = case when cast(:state as text) in ('DONE', 'STOPPED') then cast(:now as timestamptz) end
    where id = :id and state in ('RUNNING', 'WAITING') returning id
    """
)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch and how far it is. ``wait_until``: WeChat's quota is used up, it goes on by itself then."""

    row_id: int
    number: str
    state: str
    total: int
    done: int
    failed: int
    wait_until: datetime | None
    created_by: str
    created_at: datetime
    finished_at: datetime | None
    entity: str | None
    store: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A clerk or store that gets no code, and why (a code such as QUOTA_USED_UP, or WeChat's errcode)."""

    who: str
    name: str
    reason: str


def start(session: Session, *, scope: Scope, by: str, now: datetime) -> str:
    """Open a batch for all clerks and stores in ``scope``; answers its number. The worker begins after commit."""
    facts = {"entity": scope.entity, "store": scope.store}
    number = numbers.draw("Q", now)
    batch_id = session.execute(_OPEN, {**facts, "number": number, "by": by, "now": now}).scalar_one()
    total = session.execute(_FILL, {**facts, "batch_id": batch_id}).scalar_one()
    audit.note(
        session,
        actor=by,
        action="code_batch.start",
        subject=f"code_batch:{number}",
        before=None,
        after={"total": int(total), "entity": scope.entity, "store": scope.store},
        why="codes for all",
        at=now,
    )
    defer(session, JOB, number=number)
    return number


def stop(session: Session, *, number: str, scope: Scope, now: datetime) -> None:
    """Stop a batch; what is made stays. Refuses one that is out of sight or over."""
    batch = get(session, number, scope=scope)
    facts = {"id": batch.row_id, "state": BatchState.STOPPED.value, "wait_until": None, "now": now}
    if session.execute(_MOVE, facts).first() is None:
        raise Conflict("WRONG_STATE", f"The batch is {batch.state}.")


def get(session: Session | Connection, number: str, *, scope: Scope) -> Batch:
    """A batch with its progress; one that reaches beyond ``scope`` is not found."""
    row = session.execute(_ONE, {"number": number}).first()
    if row is None or not _is_within(row, scope):
        raise NotFound("NOT_FOUND", "No such batch.")
    return _batch(row)


def page(session: Session | Connection, *, scope: Scope, before: int, limit: int) -> list[Batch]:
    """Batches within ``scope``, youngest first, older than row ``before``."""
    facts = {"entity": scope.entity, "store": scope.store, "before": before, "limit": limit}
    return [_batch(row) for row in session.execute(_PAGE, facts)]


def failures(session: Session | Connection, batch: Batch) -> list[Failure]:
    """Who gets no code and why, at most 200."""
    rows = session.execute(_FAILURES, {"batch_id": batch.row_id})
    return [Failure(row.who, row.name, row.reason) for row in rows]


def run(
    tx: Tx,
    official_account: OfficialAccount,
    mini_program: MiniProgram,
    *,
    number: str,
    page: CodePage,
    clock: Callable[[], datetime],
    most: int = ITEMS_A_JOB,
) -> Batch:
    """Make up to ``most`` items more; answers how far the batch is. Defers itself while something is left.

    A quota that is used up makes the batch wait: a minute's until the next minute, a day's until shortly after
    midnight in China; a WeChat that does not answer, for a minute. What WeChat refuses for good fails that item
    alone, with its errcode. Two who run one batch at once make nothing twice.
    """
    for _ in range(most):
        with tx() as session:
            batch = get(session, number, scope=Scope())
            item = session.execute(_NEXT, {"batch_id": batch.row_id}).first()
            if item is None or batch.state in (BatchState.DONE, BatchState.STOPPED):
                return _finish(session, batch, clock())
        until = _try(tx, official_account, mini_program, batch, item, page, clock())
        if until is not None:
            with tx() as session:
                return _wait(session, batch, until, clock())
    with tx() as session:
        defer(session, JOB, number=number)
        return get(session, number, scope=Scope())


def _try(
    tx: Tx,
    official_account: OfficialAccount,
    mini_program: MiniProgram,
    batch: Batch,
    item: Row[Any],
    page: CodePage,
    now: datetime,
) -> datetime | None:
    """One item: None when it is settled, else until when to wait."""
    reason: str | None = None
    try:
        with tx() as session:
            if item.clerk_id is not None:
                ids = clerk_scenes(session, clerk_id=item.clerk_id, now=now)
            else:
                ids = store_scenes(session, store_id=item.store_id, now=now)
        complete(tx, official_account, mini_program, ids=ids, page=page, now=now)
    except Refusal as refusal:
        reason = refusal.code
    except WeChatError as error:
        until = _until(error, now)
        if until is not None:
            return until
        reason = f"WECHAT_{error.code}"
    state = "DONE" if reason is None else "FAILED"
    facts = {"batch_id": batch.row_id, "position": item.position, "state": state, "reason": reason}
    with tx() as session:
        session.execute(_SETTLE, facts)
    return None


def _until(error: WeChatError, now: datetime) -> datetime | None:
    """When the same call may pass; None for a refusal that stays one."""
    match action_of(error):
        case Action.TOMORROW:
            return days_after(now, 1) + AFTER_MIDNIGHT
        case Action.NEXT_MINUTE | Action.SOON:
            return now + A_WHILE
    return None if isinstance(error, Refused) else now + A_WHILE


def _wait(session: Session, batch: Batch, until: datetime, now: datetime) -> Batch:
    facts = {"id": batch.row_id, "state": BatchState.WAITING.value, "wait_until": until, "now": now}
    if session.execute(_MOVE, facts).first() is not None:
        defer(session, JOB, at=until, number=batch.number)
    return get(session, batch.number, scope=Scope())


def _finish(session: Session, batch: Batch, now: datetime) -> Batch:
    facts = {"id": batch.row_id, "state": BatchState.DONE.value, "wait_until": None, "now": now}
    session.execute(_MOVE, facts)
    return get(session, batch.number, scope=Scope())


def _is_within(row: Row[Any], scope: Scope) -> bool:
    if row.of_entity is None:
        return scope.is_whole
    return scope.covers(entity=row.of_entity, store=row.store)


def _batch(row: Row[Any]) -> Batch:
    facts = dict(row._mapping)
    del facts["of_entity"]
    return Batch(**facts)
