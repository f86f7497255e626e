"""What an import of the brand must not leave behind: members bound to nobody."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict

_ORPHANS = text(
    """
    select c.code, c.status, count(*) as members from service_binding b join clerk c on c.id = b.clerk_id
    where b.valid_to is null and c.status = 'LEFT' group by c.code, c.status
    union all
    select s.code, s.status, count(*) from service_binding b join store s on s.id = b.store_id
    where b.valid_to is null and s.status = 'CLOSED' group by s.code, s.status
    union all
    select c.code, 'at another store now', count(*) from service_binding b join clerk c on c.id = b.clerk_id
    where b.valid_to is null and c.store_id <> b.store_id
      and not exists (select from handover h where h.from_clerk_id = c.id and h.state = 'RUNNING')
    group by c.code
    order by 1
    """
)


def refuse_orphans(session: Session) -> None:
    """Refuse HANDOVER_FIRST when members are bound to a clerk who has LEFT or moved, or to a CLOSED store.

    They must be handed over before (BND-6, BND-8, BND-9); a list cannot do that.
    """
    orphans = session.execute(_ORPHANS).all()
    if orphans:
        told = (f"{row.code} is {row.status} and still serves {row.members} members" for row in orphans)
        raise Conflict("HANDOVER_FIRST", f"{'; '.join(told)}. Hand them over first.")
