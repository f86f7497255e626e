"""Writing a touch and what it brings: the acquisition (BND-1) and the service binding (BND-2)."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.rules import Decision

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


def write(session: Session, touch: Mapping[str, object], decision: Decision) -> int:
    """Insert the touch with what was decided on it, in one statement; answers the touch's id.

    A second acquisition of a member is impossible: the primary key refuses it and the transaction fails.
    """
    if decision.acquires is None:
        return int(session.execute(_RECORD, touch).scalar_one())
    facts = {**touch, "acquisition": decision.acquires.value}
    if decision.replaces:
        session.execute(_EMPTY, facts)
        return int(session.execute(_REPLACE, facts).scalar_one())
    return int(session.execute(_ACQUIRE, facts).scalar_one())
