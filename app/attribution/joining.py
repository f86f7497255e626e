"""Two members became one: which acquisition and which service binding stay (MRG-4, MRG-5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.attribution.rules import NEVER_BINDS

_HOLD = text("select id from member where id = :survivor for no key update")
_ACQUISITION = text("select touch_id from acquisition where member_id = :survivor")
_FORGET = text("delete from acquisition where member_id = :survivor")
# The earliest valid touch of both, by TCH-4. A touch by the clerk whom the survivor turned out to be is SELF.
_EARLIEST = text(
    """
    insert into acquisition (member_id, kind, clerk_id, store_id, touch_id, acquired_at)
    select m.id, case when m.customer_since <= t.occurred_at then 'REACTIVATION' else 'ACQUISITION' end,
           t.clerk_id, t.store_id, t.id, t.occurred_at
    from member m
    join touch t on t.member_id = m.id or t.member_id in (select id from member where alias_of = :survivor)
    left join clerk c on c.id = t.clerk_id
    left join member cm on cm.id = c.member_id
    where m.id = :survivor and t.valid and t.store_id is not null and t.kind <> all(:never)
      and coalesce(coalesce(cm.alias_of, cm.id) <> m.id, true)
    order by t.occurred_at, t.received_at, t.id limit 1
    on conflict (member_id) do update set kind = excluded.kind, clerk_id = excluded.clerk_id,
        store_id = excluded.store_id, touch_id = excluded.touch_id, acquired_at = excluded.acquired_at
    returning touch_id
    """
)
_BINDINGS = text(
    """
    select b.id, b.member_id, b.clerk_id, b.store_id, b.touch_id, b.valid_from,
           coalesce(coalesce(cm.alias_of, cm.id) = :survivor, false) as is_self,
           (select max(t.occurred_at) from touch t where t.member_id = b.member_id) as touched_at
    from service_binding b left join clerk c on c.id = b.clerk_id left join member cm on cm.id = c.member_id
    where b.member_id in (:survivor, :loser) and b.valid_to is null
    """
)
_CLOSE = text("update service_binding set valid_to = greatest(valid_from, :now) where id = :id")
_BIND = text(
    """
    insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, touch_id, actor)
    select :survivor, cast(:clerk_id as bigint), :store_id,
           greatest(cast(:now as timestamptz),
                    (select max(valid_to) from service_binding where member_id = :survivor)),
           'MERGE', cast(:touch_id as bigint), 'merge'
    """
)


@dataclass(frozen=True)
class Joined:
    """The touches behind the survivor's acquisition before and after; upper rooms move what is frozen."""

    touch_before: int | None
    touch_after: int | None


def join_histories(
    session: Session, *, survivor_id: int, loser_id: int, bought_at: Mapping[int, datetime], now: datetime
) -> Joined:
    """Give the survivor the earliest acquisition of both and one of their service bindings (MRG-4).

    The binding of the member who paid last stays (``bought_at``: member id -> latest paid order), else of
    the one touched last. The loser's acquisition stays under the loser as history: whoever counts
    acquisitions leaves out aliases. Doing it again changes nothing. Holds the survivor's row.
    """
    facts = {
        "survivor": survivor_id,
        "loser": loser_id,
        "now": now,
        "never": [kind.value for kind in NEVER_BINDS],
    }
    session.execute(_HOLD, facts)
    before = session.execute(_ACQUISITION, facts).scalar()
    after = session.execute(_EARLIEST, facts).scalar()
    if after is None and before is not None:
        session.execute(_FORGET, facts)
    _keep_one_binding(session, facts, bought_at)
    return Joined(before, after)


def _keep_one_binding(session: Session, facts: dict[str, Any], bought_at: Mapping[int, datetime]) -> None:
    bindings = session.execute(_BINDINGS, facts).all()
    kept = _kept([row for row in bindings if not row.is_self], bought_at)
    for row in bindings:
        if row is not kept or row.member_id != facts["survivor"]:
            session.execute(_CLOSE, {"id": row.id, "now": facts["now"]})
    if kept is not None and kept.member_id != facts["survivor"]:
        moved = {"clerk_id": kept.clerk_id, "store_id": kept.store_id, "touch_id": kept.touch_id}
        session.execute(_BIND, {**facts, **moved})


def _kept(rows: list[Row[Any]], bought_at: Mapping[int, datetime]) -> Row[Any] | None:
    def weight(row: Row[Any]) -> tuple[bool, float, float]:
        bought = bought_at.get(row.member_id)
        touched = (row.touched_at or row.valid_from).timestamp()
        return bought is not None, bought.timestamp() if bought else 0.0, touched

    return max(rows, key=weight, default=None)
