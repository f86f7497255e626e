"""Who is in the back office, for head office to read; and forgetting what can no longer matter."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.operators.rules import TRIES_MATTER

LOGIN_MATTERS = timedelta(days=30)

_COLUMNS = """
    select o.id, o.code, o.name, o.role, e.code as entity, s.code as store, o.status,
           o.totp_confirmed_at is not null as has_totp, o.password_is_initial, o.created_at,
           (select max(l.seen_at) from operator_login l where l.operator_id = o.id) as seen_at
    from operator o left join legal_entity e on e.id = o.entity_id left join store s on s.id = o.store_id
"""
_LIST = text(f"{_COLUMNS} where o.id < :before order by o.id desc limit :limit")
_ONE = text(f"{_COLUMNS} where o.code = :code")
_LOGINS = text(
    "delete from operator_login where token_hash in"
    " (select token_hash from operator_login where expires_at < :before limit :limit) returning 1"
)
_TRIES = text(
    "delete from operator_try where code_hash in"
    " (select code_hash from operator_try where tried_at < :before limit :limit) returning 1"
)
NEWEST = 2**63 - 1


@dataclass(frozen=True)
class OperatorRow:
    """One operator. ``seen_at``: the last request that was noted, to the minute."""

    id: int
    code: str
    name: str
    role: str
    entity: str | None
    store: str | None
    status: str
    has_totp: bool
    password_is_initial: bool
    created_at: datetime
    seen_at: datetime | None


def list_operators(reader: Connection, *, before: int, limit: int) -> list[OperatorRow]:
    """Up to ``limit`` operators that came before row id ``before`` (``NEWEST`` for the first page), newest first."""
    rows = reader.execute(_LIST, {"before": before, "limit": limit})
    return [OperatorRow(**row._mapping) for row in rows]


def get_operator(reader: Connection | Session, code: str) -> OperatorRow:
    """One operator. Refuses NOT_FOUND."""
    row = reader.execute(_ONE, {"code": code}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such operator.")
    return OperatorRow(**row._mapping)


def tidy(session: Session, *, now: datetime, limit: int = 5000) -> int:
    """Delete up to ``limit`` logins that expired a month ago and tries of two days ago; how many."""
    logins = session.execute(_LOGINS, {"before": now - LOGIN_MATTERS, "limit": limit}).all()
    tries = session.execute(_TRIES, {"before": now - 2 * TRIES_MATTER, "limit": limit}).all()
    return len(logins) + len(tries)
