"""What two members had of acquisition and service becomes one person's when they are merged (MRG-4, 5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.attribution.rules import NEVER_BINDS

_HOLD = text("select id from member where id in (:survivor, :loser) order by id for no key update")
# The acquisition is the earliest valid touch of both (TCH-4), read from the touches: a touch by the clerk
# whom the person turned out to be is SELF (TCH-3) and counts for nobody. The loser's row stays (MRG-6).
_ACQUIRE = text(
    """
    insert into acquisition (member_id, kind, clerk_id, store_id, touch_id, acquired_at)
    select m.id, case when m.customer_since <= t.occurred_at then 'REACTIVATION' else 'ACQUISITION' end,
           t.clerk_id, t.store_id, t.id, t.occurred_at
    from member m
    join touch t on t.member_id in (select id from member where id = :survivor or alias_of = :survivor)
    left join clerk c on c.id = t.clerk_id
    left join member cm on cm.id = c.member_id
    where m.id = :survivor and t.valid and t.store_id is not null and t.kind <> all(:never)
      and coalesce(coalesce(cm.alias_of, cm.id) <> m.id, true)
    order by t.occurred_at, t.received_at, t.id limit 1
    on conflict (member_id) do update set kind = excluded.kind, clerk_id = excluded.clerk_id,
        store_id = excluded.store_id, touch_id = excluded.touch_id, acquired_at = excluded.acquired_at
        where acquisition.touch_id <> excluded.touch_id
    returning member_id
    """
)
_SELF_ACQUIRED = text(
    """
    delete from acquisition a using clerk c join member cm on cm.id = c.member_id
    where a.member_id = :survivor and c.id = a.clerk_id and coalesce(cm.alias_of, cm.id) = a.member_id
    """
)
# The service binding is that of the member with the latest paid order, else with the latest touch. Orders
# belong to a room above; only their rows tell who bought last.
_ACTIVE = text(
    """
    select b.id, b.member_id, b.clerk_id, b.store_id, b.touch_id,
           coalesce(coalesce(cm.alias_of, cm.id) = :survivor, false) as is_self
    from service_binding b
    left join clerk c on c.id = b.clerk_id
    left join member cm on cm.id = c.member_id
    where b.member_id in (:survivor, :loser) and b.valid_to is null
    order by (select max(o.paid_at) from orders o where o.member_id = b.member_id) desc nulls last,
             (select max(t.occurred_at) from touch t where t.member_id = b.member_id) desc nulls last,
             b.valid_from desc, b.id desc
    for update of b
    """
)
_END = text("update service_binding set valid_to = greatest(valid_from, :now) where id = any(:ids)")
_BIND = text(
    """
    insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, touch_id, actor)
    select :survivor, cast(:clerk_id as bigint), :store_id,
           greatest(cast(:now as timestamptz),
                    (select max(valid_to) from service_binding where member_id = :survivor)),
           'MERGE', cast(:touch_id as bigint), 'merge'
    """
)


def adopt(session: Session, *, survivor_id: int, loser_id: int, now: datetime) -> None:
    """Let the survivor keep the earlier acquisition and the more recent service binding of both.

    Runs as the job ``member_merged``; a second run finds nothing left to do. Locks both members in
    order of id.
    """
    facts = {"survivor": survivor_id, "loser": loser_id, "now": now}
    session.execute(_HOLD, facts)
    session.execute(_SELF_ACQUIRED, facts)
    session.execute(_ACQUIRE, {**facts, "never": [kind.value for kind in NEVER_BINDS]})
    _keep_one_binding(session, facts, session.execute(_ACTIVE, facts).all())


def _keep_one_binding(session: Session, facts: dict[str, Any], active: Sequence[Row[Any]]) -> None:
    kept = next((row for row in active if not row.is_self), None)
    mine = kept is not None and kept.member_id == facts["survivor"]
    ending = [row.id for row in active if not (mine and row is kept)]
    if ending:
        session.execute(_END, {**facts, "ids": ending})
    if kept is not None and not mine:
        session.execute(
            _BIND,
            {**facts, "clerk_id": kept.clerk_id, "store_id": kept.store_id, "touch_id": kept.touch_id},
        )
