"""Who serves a member now, and telling a clerk that a customer has come."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.members.windows import write
from wechat.official_account import OfficialAccount


@dataclass(frozen=True)
class Served:
    """The service binding of a member (BND-2). No clerk = the store's pool."""

    clerk_code: str | None
    clerk_name: str | None
    store_code: str
    store_name: str
    since: datetime


_SERVED = text(
    """
    select c.code as clerk_code, c.name as clerk_name, s.code as store_code, s.name as store_name,
           b.valid_from as since
    from service_binding b join store s on s.id = b.store_id left join clerk c on c.id = b.clerk_id
    where b.member_id = :member_id and b.valid_to is null
    """
)
_CLERK_CHAT = text(
    """
    select i.id as identity_id, i.openid, s.name as store_name, t.qr_code_id is not null as by_code
    from touch t join clerk c on c.id = :clerk_id join member cm on cm.id = c.member_id
    join identity i on i.member_id = coalesce(cm.alias_of, cm.id) and i.app = 'OA' and i.followed
    join store s on s.id = t.store_id
    where t.id = :touch_id
    order by i.spoke_at desc nulls last, i.last_heard_at desc nulls last limit 1
    """
)


def find_service(session: Session | Connection, *, member_id: int) -> Served | None:
    """Who serves the member now, or None."""
    row = session.execute(_SERVED, {"member_id": member_id}).first()
    return Served(**row._mapping) if row else None


def tell_clerk(
    tx: Tx, official_account: OfficialAccount, *, clerk_id: int, touch_id: int, now: datetime
) -> bool:
    """Write to a clerk that a customer has come; True when it was sent (job ``tell_clerk``).

    Silent when the clerk does not follow the account or no window is open (``members.windows``): WeChat would
    refuse. Names nobody: the clerk sees the customer in the list of fans, as far as consent allows.
    """
    with tx() as session:
        row = session.execute(_CLERK_CHAT, {"clerk_id": clerk_id, "touch_id": touch_id}).first()
    if row is None:
        return False
    came = f"通过您的专属码来到{row.store_name}" if row.by_code else f"从现在起由{row.store_name}的您服务"
    words = f"有一位顾客{came}，请及时问候。"
    return write(
        tx,
        official_account,
        identity_id=row.identity_id,
        openid=row.openid,
        key=f"tell_clerk.{touch_id}",
        words=words,
        now=now,
    )
