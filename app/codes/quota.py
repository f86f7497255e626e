"""WeChat gives an account 100,000 permanent codes and takes none back: they are counted, and re-used by rule.

The rule: a code is free for a new owner when it was withdrawn at least ``QUIET`` ago and nobody has scanned it
for as long. Then nothing of it can hang on a wall any more that people look at. Its scene, ticket and picture
go to the new code; its own row stays, so that its old touches still lead to it. Re-use begins when ``WARN_BP``
of the quota is used, so that as long as there is room no scene ever means two people.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import Conflict

MOST = 100_000
WARN_BP = 9000
QUIET = timedelta(days=90)

# What counts is what WeChat has made: a row with a ticket.
_USED = text(
    "select count(*) from qr_code"
    " where ticket is not null and kind in ('CLERK_OA', 'STORE_OA', 'MATERIAL_OA')"
)
_FREE = text(
    """
    select q.id, q.scene, q.ticket, q.url from qr_code q
    where q.ticket is not null and q.kind in ('CLERK_OA', 'STORE_OA', 'MATERIAL_OA')
      and q.revoked_at <= :quiet_since
      and not exists (select from touch t where t.qr_code_id = q.id and t.occurred_at > :quiet_since)
    order by q.revoked_at, q.id limit 1 for update of q skip locked
    """
)
_RETIRE = text(
    "update qr_code set scene = 'retired-' || id, ticket = null, url = null, recycled_at = :now where id = :old_id"
)
_TAKE_OVER = text(
    "update qr_code set scene = :scene, ticket = :ticket, url = :url where id = :id and ticket is null"
    " returning id"
)


@dataclass(frozen=True, slots=True)
class Quota:
    """Permanent codes of the official account. ``warns``: nine tenths are used."""

    used: int
    left: int
    most: int
    warns: bool


def show(session: Session | Connection, *, most: int = MOST) -> Quota:
    """How many permanent codes are used and left, by our own count (WeChat tells none)."""
    used = int(session.execute(_USED).scalar_one())
    return Quota(used, max(0, most - used), most, used * 10000 >= most * WARN_BP)


def take(session: Session, *, code_id: int, now: datetime, most: int = MOST) -> bool:
    """Room for one permanent code more. True: ``code_id`` took over a retired one, and is complete.

    False: WeChat may be asked. Refuses QUOTA_USED_UP when all are used and none is free by the rule.
    """
    quota = show(session, most=most)
    if not quota.warns:
        return False
    free = session.execute(_FREE, {"quiet_since": now - QUIET}).first()
    if free is None:
        if quota.left == 0:
            raise Conflict("QUOTA_USED_UP", f"All {most} permanent codes are used and none is free.")
        return False
    session.execute(_RETIRE, {"old_id": free.id, "now": now})
    facts = {"id": code_id, "scene": free.scene, "ticket": free.ticket, "url": free.url}
    return session.execute(_TAKE_OVER, facts).first() is not None
