"""Moving many members at once: one plan, then chunk by chunk, resumable wherever it was interrupted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.attribution import binding
from app.attribution.binding import Change
from app.base import queue
from app.base.db import Tx
from app.base.errors import NotFound
from app.base.freshness import STORES, touch
from app.base.numbers import draw
from app.base.scope import Scope
from app.members.windows import BRIEF, TALK
from app.relations.rules import REASONS, REFUSABLE
from models.relations import HandoverKind, HandoverMode, HandoverState

# Members of one transaction: their rows are locked until it ends, and each may be scanning a code just now.
CHUNK = 200
SLICE = 5000
FORGOTTEN = timedelta(minutes=10)


@dataclass(frozen=True)
class Planned:
    """One member's move: the binding that ends, and who serves afterwards (no clerk = the store's pool)."""

    member_id: int
    binding_id: int
    clerk_id: int | None
    store_id: int


@dataclass(frozen=True)
class Decided:
    """A hand-over somebody decided."""

    kind: HandoverKind
    mode: HandoverMode
    from_clerk_id: int | None
    from_store_id: int
    actor: str
    why: str


@dataclass(frozen=True)
class Progress:
    """How far a hand-over has got. ``total`` = planned + moved + skipped + refused."""

    number: str
    kind: HandoverKind
    mode: HandoverMode
    state: HandoverState
    from_clerk: str | None
    from_store: str
    entity: str
    created_at: datetime
    done_at: datetime | None
    total: int
    planned: int
    moved: int
    skipped: int
    refused: int


_NEW = text(
    """
    insert into handover (number, kind, mode, from_clerk_id, from_store_id, state, actor, why, created_at)
    values (:number, :kind, :mode, :from_clerk_id, :from_store_id, 'RUNNING', :actor, :why, :now)
    returning id
    """
)
_PLAN = text(
    """
    insert into handover_move (handover_id, member_id, from_binding_id, to_clerk_id, to_store_id, state)
    select :id, * , 'PLANNED' from unnest(cast(:members as bigint[]), cast(:bindings as bigint[]),
                                          cast(:clerks as bigint[]), cast(:stores as bigint[]))
    """
)
# Chunks of one hand-over stand in line: whoever moves the last member also ends it.
_HOLD = text("select id, kind, actor, state, from_store_id from handover where id = :id for no key update")
_NEXT = text(
    """
    select v.member_id, v.from_binding_id, v.to_store_id,
           case when coalesce(c.status = 'ACTIVE' and s.status = 'OPEN'
                              and coalesce(cm.alias_of, cm.id, 0) <> v.member_id, false)
                then c.id end as clerk_id
    from handover_move v
    left join clerk c on c.id = v.to_clerk_id left join store s on s.id = c.store_id
    left join member cm on cm.id = c.member_id
    where v.handover_id = :id and v.state = 'PLANNED' order by v.member_id limit :limit
    """
)
_LOCK_MEMBERS = text("select id from member where id = any(:ids) order by id for no key update")
_NOTE = text(
    """
    update handover_move v set moved_at = :now, to_binding_id = w.new_id,
           state = case when w.new_id is null then 'SKIPPED' else 'MOVED' end
    from unnest(cast(:members as bigint[]), cast(:new_ids as bigint[])) as w(member_id, new_id)
    where v.handover_id = :id and v.member_id = w.member_id
    """
)
# Only those to whom WeChat lets us write now; the others see it in the mini-program.
_IN_REACH = text(
    """
    select distinct m.id from member m join identity i on i.member_id = m.id
    where m.id = any(:ids) and i.app = 'OA' and i.followed
      and (i.spoke_at > :talk_since or i.last_heard_at > :brief_since)
    """
)
_LEFT_OVER = text("select 1 from handover_move where handover_id = :id and state = 'PLANNED' limit 1")
_END = text("update handover set state = 'DONE', done_at = :now where id = :id")
# Who came to the closing store after its plan was made goes the way of the others.
_LATECOMERS = text(
    """
    insert into handover_move (handover_id, member_id, from_binding_id, to_store_id, state)
    select :id, b.member_id, b.id, n.to_store_id, 'PLANNED'
    from service_binding b
    cross join (select to_store_id from handover_move where handover_id = :id limit 1) n
    where b.store_id = :store_id and b.valid_to is null
    on conflict (handover_id, member_id) do update
        set from_binding_id = excluded.from_binding_id, state = 'PLANNED', to_binding_id = null
    returning 1
    """
)
_CLOSE = text("update store set status = 'CLOSED', updated_at = :now where id = :store_id")
_PROGRESS = text(
    """
    select h.number, h.kind, h.mode, h.state, c.code as from_clerk, s.code as from_store, e.code as entity,
           h.created_at, h.done_at, count(v.member_id) as total,
           count(*) filter (where v.state = 'PLANNED') as planned,
           count(*) filter (where v.state = 'MOVED') as moved,
           count(*) filter (where v.state = 'SKIPPED') as skipped,
           count(*) filter (where v.state = 'REFUSED') as refused
    from handover h join store s on s.id = h.from_store_id join legal_entity e on e.id = s.entity_id
    left join clerk c on c.id = h.from_clerk_id
    left join handover_move v on v.handover_id = h.id
    where h.number = :number
    group by h.id, c.code, s.code, e.code
    """
)
_STUCK = text(
    "select id from handover where state = 'RUNNING' and created_at < :before order by id limit 100"
)


def begin(session: Session, decided: Decided, plan: Sequence[Planned], *, now: datetime) -> str:
    """Write a plan down and move its first chunk; the rest follows in the job ``hand_over``. Its number.

    The caller holds the clerk's or the store's row, so that one set of members has one plan.
    """
    number = draw("H", now)
    facts = {
        "number": number,
        "kind": decided.kind.value,
        "mode": decided.mode.value,
        "from_clerk_id": decided.from_clerk_id,
        "from_store_id": decided.from_store_id,
        "actor": decided.actor,
        "why": decided.why,
        "now": now,
    }
    handover_id = int(session.execute(_NEW, facts).scalar_one())
    # In slices: 50,000 rows with all their references would take longer than a statement may.
    for start in range(0, len(plan), SLICE):
        part = plan[start : start + SLICE]
        columns = {
            "members": [move.member_id for move in part],
            "bindings": [move.binding_id for move in part],
            "clerks": [move.clerk_id for move in part],
            "stores": [move.store_id for move in part],
        }
        session.execute(_PLAN, {"id": handover_id, **columns})
    if go_on(session, handover_id=handover_id, now=now):
        queue.defer(session, "hand_over", handover_id=handover_id)
    return number


def go_on(session: Session, *, handover_id: int, now: datetime, limit: int = CHUNK) -> bool:
    """Move the next members of a hand-over; whether any are left. Run again, it moves nobody twice.

    A member who has another clerk by now is skipped. A clerk who takes nobody on any more, or who is that
    member, leaves the member to the store's pool. Holds the hand-over, then the members in order of id.
    """
    held = session.execute(_HOLD, {"id": handover_id}).one()
    if held.state == HandoverState.DONE:
        return False
    rows = session.execute(_NEXT, {"id": handover_id, "limit": limit}).all()
    if rows:
        _move(session, held, rows, now)
    if session.execute(_LEFT_OVER, {"id": handover_id}).first() is not None:
        return True
    return not _end(session, held, now)


def run(tx: Tx, *, handover_id: int, now: datetime) -> int:
    """Move everybody of a hand-over who is still to be moved (job ``hand_over``); how many chunks it took."""
    chunks = 0
    more = True
    while more:
        with tx() as session:
            more = go_on(session, handover_id=handover_id, now=now)
        chunks += 1
    return chunks


def resume(tx: Tx, *, now: datetime) -> int:
    """Go on with hand-overs whose job was lost; how many there were (scheduled)."""
    with tx() as session:
        stuck = list(session.execute(_STUCK, {"before": now - FORGOTTEN}).scalars())
    for handover_id in stuck:
        run(tx, handover_id=handover_id, now=now)
    return len(stuck)


def progress(reader: Session | Connection, number: str, *, scope: Scope) -> Progress:
    """How far a hand-over has got. Raises NotFound, also for one outside ``scope``."""
    row = reader.execute(_PROGRESS, {"number": number}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such hand-over.")
    scope.require(entity=row.entity, store=row.from_store, detail="No such hand-over.")
    kinds = {
        "kind": HandoverKind(row.kind),
        "mode": HandoverMode(row.mode),
        "state": HandoverState(row.state),
    }
    return Progress(**{**row._mapping, **kinds})


def shares_of(plan: Sequence[Planned]) -> dict[tuple[int | None, int], int]:
    """How many members each (clerk, store) gets."""
    return dict(Counter((move.clerk_id, move.store_id) for move in plan))


def _move(session: Session, held: Row[Any], rows: Sequence[Row[Any]], now: datetime) -> None:
    kind = HandoverKind(held.kind)
    ids = [row.member_id for row in rows]
    session.execute(_LOCK_MEMBERS, {"ids": ids})
    changes = [Change(row.from_binding_id, row.clerk_id, row.to_store_id) for row in rows]
    begun = binding.replace(session, changes, reason=REASONS[kind], actor=held.actor, now=now)
    new_ids = [begun.get(row.from_binding_id) for row in rows]
    session.execute(_NOTE, {"id": held.id, "members": ids, "new_ids": new_ids, "now": now})
    if kind in REFUSABLE:
        moved = [row.member_id for row in rows if row.from_binding_id in begun]
        since = {"talk_since": now - TALK, "brief_since": now - BRIEF}
        for member_id in session.execute(_IN_REACH, {"ids": moved, **since}).scalars().all():
            queue.defer(session, "tell_handover", handover_id=held.id, member_id=member_id)


def _end(session: Session, held: Row[Any], now: datetime) -> bool:
    if held.kind == HandoverKind.STORE_CLOSING:
        facts = {"id": held.id, "store_id": held.from_store_id, "now": now}
        if session.execute(_LATECOMERS, facts).first() is not None:
            return False
        # BND-9: closed only when nobody is bound there any more.
        session.execute(_CLOSE, facts)
        touch(session, STORES)
    session.execute(_END, {"id": held.id, "now": now})
    return True
