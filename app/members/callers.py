"""Who stands behind a login token."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.clock import local_day
from app.base.tokens import hash_token


@dataclass(frozen=True)
class Caller:
    """A logged-in person. Clerk facts are set for clerk logins only; ``store_code`` is the clerk's own store."""

    audience: str
    token_hash: str
    member_id: int
    member_number: str
    identity_id: int
    appid: str
    openid: str
    expires_at: datetime
    clerk_id: int | None = None
    clerk_code: str | None = None
    clerk_name: str | None = None
    clerk_role: str | None = None
    store_id: int | None = None
    store_code: str | None = None

    def __repr__(self) -> str:
        return f"Caller({self.audience}, {self.member_number}, {self.clerk_code})"


_FIND = text(
    """
    select l.audience, l.token_hash, m.id as member_id, m.number as member_number, i.id as identity_id,
           i.appid, i.openid, l.expires_at, c.id as clerk_id, c.code as clerk_code, c.name as clerk_name,
           c.role as clerk_role, s.id as store_id, s.code as store_code
    from login l
    join member m on m.id = l.member_id
    join identity i on i.id = l.identity_id
    left join clerk c on c.id = l.clerk_id
    left join store s on s.id = c.store_id
    where l.token_hash = :token_hash and l.revoked_at is null and l.expires_at > :now
      and (l.audience = 'SHOPPER' or (
            c.status in ('ACTIVE', 'LEAVING') and (c.last_day is null or c.last_day >= :day)
            and exists (select 1 from clerk_link k where k.clerk_id = c.id and k.member_id = l.member_id
                        and k.ended_at is null)))
    """
)


def find_caller(connection: Session | Connection, token: str, *, now: datetime) -> Caller | None:
    """The person behind a live token; None when it is unknown, expired, revoked or its clerk has left."""
    row = connection.execute(
        _FIND, {"token_hash": hash_token(token), "now": now, "day": local_day(now)}
    ).first()
    return Caller(**row._mapping) if row else None
