"""Everything that clerks had to do with a member before a moment: what modes that follow touches look at."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.attribution.modes import BINDING_KINDS
from app.base.clock import local_day

# Touches stay with the row they were recorded for, so those of aliases are read too. A clerk who was gone on
# the day of the order earns nothing on it (CLW-4). Orders belong to a room above; only their rows tell when
# the member bought (BND-4).
_CONTACTS = text(
    """
    with root as (select coalesce(alias_of, id) as id from member where id = :member_id),
    me as (select id from root union all select m.id from member m join root on m.alias_of = root.id)
    select t.id as touch_id, t.kind, t.occurred_at as at, t.received_at, t.clerk_id, c.code as clerk_code,
           c.name as clerk_name, s.code as store_code, s.name as store_name
    from touch t join clerk c on c.id = t.clerk_id join store s on s.id = c.store_id
    where t.member_id in (select id from me) and t.valid and t.kind = any(:kinds)
      and t.occurred_at <= :at and t.occurred_at >= coalesce(cast(:since as timestamptz), '-infinity')
      and case when c.last_day is null then c.status <> 'LEFT' else c.last_day >= :day end
    union all
    select null, null, o.paid_at, null, null, null, null, null, null
    from orders o where o.member_id in (select id from me) and o.paid_at <= :at
      and cast(:since as timestamptz) is null
    order by at
    """
)


@dataclass
class Contacts:
    """Rows of touches (see ``selling.TouchRow``) and the moments of paid orders, oldest first."""

    touches: list[Row[Any]] = field(default_factory=list)
    bought: list[datetime] = field(default_factory=list)


def find_contacts(session: Session, *, member_id: int, since: datetime | None, at: datetime) -> Contacts:
    """A member's contacts up to ``at``; the paid orders only when ``since`` is None."""
    moment = {"member_id": member_id, "since": since, "at": at, "day": local_day(at)}
    found = Contacts()
    for row in session.execute(_CONTACTS, moment | {"kinds": [kind.value for kind in BINDING_KINDS]}):
        if row.touch_id is None:
            found.bought.append(row.at)
        else:
            found.touches.append(row)
    return found
