"""What two members had of acquisition and service becomes one person's when they are merged (MRG-4)."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_HOLD = text("select id from member where id in (:survivor, :loser) order by id for no key update")
# The acquisition is the earlier one of both; the loser's row stays as it was (MRG-6).
_ACQUIRE = text(
    """
    insert into acquisition (member_id, kind, clerk_id, store_id, touch_id, acquired_at)
    select :survivor, kind, clerk_id, store_id, touch_id, acquired_at from acquisition where member_id = :loser
    on conflict (member_id) do update set kind = excluded.kind, clerk_id = excluded.clerk_id,
        store_id = excluded.store_id, touch_id = excluded.touch_id, acquired_at = excluded.acquired_at
    where acquisition.acquired_at > excluded.acquired_at
    """
)
# The service binding is that of the member with the latest paid order, else with the latest binding.
# ``orders`` belongs to a room above; only its rows tell who bought last.
_ACTIVE = text(
    """
    select b.id, b.member_id, b.clerk_id, b.store_id, b.touch_id from service_binding b
    where b.member_id in (:survivor, :loser) and b.valid_to is null
    order by (select max(o.paid_at) from orders o where o.member_id = b.member_id) desc nulls last,
             b.valid_from desc, b.id desc
    for update of b
    """
)
_END = text("update service_binding set valid_to = greatest(valid_from, :now) where id = any(:ids)")
_BIND = text(
    """
    insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, touch_id, actor)
    values (:member_id, :clerk_id, :store_id, :now, 'MERGE', :touch_id, 'merge')
    """
)


def adopt(session: Session, *, survivor_id: int, loser_id: int, now: datetime) -> None:
    """Let the survivor keep the earlier acquisition and the more recent service binding of both.

    Runs as the job ``member_merged``; a second run finds nothing left to do. Locks both members in
    order of id.
    """
    both = {"survivor": survivor_id, "loser": loser_id}
    session.execute(_HOLD, both)
    session.execute(_ACQUIRE, both)
    active = session.execute(_ACTIVE, both).all()
    if not active or {row.member_id for row in active} == {survivor_id}:
        return
    kept = active[0]
    losing = [row.id for row in active if row.id != kept.id or kept.member_id != survivor_id]
    session.execute(_END, {"ids": losing, "now": now})
    if kept.member_id != survivor_id:
        facts = {"clerk_id": kept.clerk_id, "store_id": kept.store_id, "touch_id": kept.touch_id}
        session.execute(_BIND, {**facts, "member_id": survivor_id, "now": now})
