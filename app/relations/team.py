"""Who works at a store, and with how many customers."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Mate:
    """One clerk of a store with the customers bound now and the tasks still open."""

    code: str
    name: str
    role: str
    status: str
    last_day: date | None
    members: int
    open_tasks: int


_TEAM = text(
    """
    select c.code, c.name, c.role, c.status, c.last_day,
           (select count(*) from service_binding b where b.clerk_id = c.id and b.valid_to is null) as members,
           (select count(*) from clerk_task t
            where t.clerk_id = c.id and t.done_at is null and t.moot_at is null) as open_tasks
    from clerk c join store s on s.id = c.store_id
    where s.code = :store and c.status <> 'LEFT' order by c.code limit 200
    """
)
_POOL = text(
    """
    select count(*) from service_binding b join store s on s.id = b.store_id
    where s.code = :store and b.valid_to is null and b.clerk_id is null
    """
)


def team(reader: Session | Connection, *, store_code: str) -> tuple[int, list[Mate]]:
    """How many members are in the store's pool, and its people who have not left, by code."""
    facts = {"store": store_code}
    pool = int(reader.execute(_POOL, facts).scalar_one())
    return pool, [Mate(**row._mapping) for row in reader.execute(_TEAM, facts)]
