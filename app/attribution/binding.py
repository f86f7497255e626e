"""Writing a touch and what it brings: the acquisition (BND-1) and the service binding (BND-2, BND-4).

``replace`` is how every other change of a binding is written: one interval ends, the next begins there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.rules import Decision
from models.attribution import BindingReason

_TOUCH = """
    insert into touch (member_id, identity_id, kind, clerk_id, store_id, qr_code_id, occurred_at, received_at,
                       raw_key, valid, invalid_reason, result)
    values (:member_id, :identity_id, :kind, :clerk_id, :store_id, :qr_code_id, :occurred_at, :received_at,
            :raw_key, :valid, :invalid_reason, :result)
    returning id
"""

# BND-2: whoever acquires also serves. An interval of an earlier binding is never overlapped.
_BIND = """
    insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, touch_id, actor)
    select :member_id, cast(:clerk_id as bigint), :store_id,
           greatest(cast(:occurred_at as timestamptz),
                    (select max(valid_to) from service_binding
                     where member_id = :member_id and valid_to > valid_from)),
           'ACQUIRED', t.id, 'touch'
    from t
    where not exists (select 1 from service_binding where member_id = :member_id and valid_to is null)
"""

_RECORD = text(_TOUCH)

_ACQUIRE = text(
    f"""
    with t as ({_TOUCH}),
    a as (
        insert into acquisition (member_id, kind, clerk_id, store_id, touch_id, acquired_at)
        select :member_id, :acquisition, cast(:clerk_id as bigint), :store_id, t.id, :occurred_at from t),
    b as ({_BIND})
    select id from t
    """
)

# The binding that came with the acquisition which is replaced was never right: its interval becomes empty.
_EMPTY = text(
    "update service_binding b set valid_to = b.valid_from from acquisition a"
    " where a.member_id = :member_id and b.member_id = a.member_id and b.valid_to is null"
    " and b.touch_id = a.touch_id"
)

_REPLACE = text(
    f"""
    with t as ({_TOUCH}),
    a as (
        update acquisition set kind = :acquisition, clerk_id = cast(:clerk_id as bigint),
               store_id = :store_id, touch_id = t.id, acquired_at = :occurred_at
        from t where member_id = :member_id),
    b as ({_BIND})
    select id from t
    """
)

# BND-4. The old interval ends before the new one begins: the insert reads its start from the update.
_REBIND = text(
    f"""
    with t as ({_TOUCH}),
    ended as (
        update service_binding b set valid_to = greatest(b.valid_from, cast(:occurred_at as timestamptz))
        where b.member_id = :member_id and b.valid_to is null returning b.valid_to),
    b as (
        insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, touch_id, actor)
        select :member_id, cast(:clerk_id as bigint), :store_id,
               coalesce((select valid_to from ended),
                        greatest(cast(:occurred_at as timestamptz),
                                 (select max(valid_to) from service_binding
                                  where member_id = :member_id and valid_to > valid_from))),
               'REBOUND', t.id, 'touch'
        from t)
    select id from t
    """
)

_REPLACE_MANY = text(
    """
    with wanted as (
        select * from unnest(cast(:bindings as bigint[]), cast(:clerks as bigint[]), cast(:stores as bigint[]))
            as w(binding_id, clerk_id, store_id)),
    ended as (
        update service_binding b set valid_to = greatest(b.valid_from, cast(:now as timestamptz)) from wanted w
        where b.id = w.binding_id and b.valid_to is null
        returning b.id, b.member_id, b.valid_to, w.clerk_id, w.store_id),
    begun as (
        insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, actor)
        select member_id, clerk_id, store_id, valid_to, :reason, :actor from ended
        returning id, member_id)
    select ended.id as old_id, begun.id as new_id, ended.member_id from ended join begun using (member_id)
    """
)
_BEGIN = text(
    """
    insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, actor)
    select :member_id, cast(:clerk_id as bigint), :store_id,
           greatest(cast(:now as timestamptz),
                    (select max(valid_to) from service_binding where member_id = :member_id)),
           :reason, :actor
    returning id
    """
)


@dataclass(frozen=True)
class Change:
    """The binding ``binding_id`` ends; ``clerk_id`` (None = the store's pool) at ``store_id`` serves instead."""

    binding_id: int
    clerk_id: int | None
    store_id: int


def replace(
    session: Session, changes: Sequence[Change], *, reason: BindingReason, actor: str, now: datetime
) -> dict[int, int]:
    """End bindings and begin their successors in the same moment; answers old id -> new id.

    A binding that has ended meanwhile is left alone and missing in the answer. The caller holds the rows of
    the members, so that touches, choices and hand-overs of one member stand in line.
    """
    facts = {
        "bindings": [change.binding_id for change in changes],
        "clerks": [change.clerk_id for change in changes],
        "stores": [change.store_id for change in changes],
        "reason": reason.value,
        "actor": actor,
        "now": now,
    }
    return {row.old_id: row.new_id for row in session.execute(_REPLACE_MANY, facts)}


def begin(
    session: Session,
    *,
    member_id: int,
    clerk_id: int | None,
    store_id: int,
    reason: BindingReason,
    actor: str,
    now: datetime,
) -> int:
    """Begin to serve a member whom nobody serves; answers the binding. The caller holds the member's row."""
    facts = {"member_id": member_id, "clerk_id": clerk_id, "store_id": store_id, "now": now}
    return int(session.execute(_BEGIN, {**facts, "reason": reason.value, "actor": actor}).scalar_one())


def write(session: Session, touch: Mapping[str, object], decision: Decision) -> int:
    """Insert the touch with what was decided on it, in one statement; answers the touch's id.

    A second acquisition of a member is impossible: the primary key refuses it and the transaction fails.
    """
    if decision.rebinds:
        return int(session.execute(_REBIND, touch).scalar_one())
    if decision.acquires is None:
        return int(session.execute(_RECORD, touch).scalar_one())
    facts = {**touch, "acquisition": decision.acquires.value}
    if decision.replaces:
        session.execute(_EMPTY, facts)
        return int(session.execute(_REPLACE, facts).scalar_one())
    return int(session.execute(_ACQUIRE, facts).scalar_one())
