"""Who stands behind a token of the back office."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.scope import Scope
from app.base.tokens import hash_token
from app.operators.rules import IDLE
from models.operators import OperatorRole

# Tells whose token it is before any book is asked; a base64 token has no dot.
PREFIX = "op."
AUDIENCE = "OPERATOR"
# A login is seen again at most once in this time: a row written per request would cost more than the request.
SEEN_EVERY = timedelta(seconds=60)


@dataclass(frozen=True)
class OperatorCaller:
    """A logged-in operator. ``expires_at`` is the end of the login, sooner when it is idle."""

    operator_id: int
    code: str
    name: str
    role: OperatorRole
    entity_code: str | None
    store_code: str | None
    token_hash: str
    seen_at: datetime
    expires_at: datetime
    password_is_initial: bool
    has_totp: bool

    audience = AUDIENCE

    @property
    def actor(self) -> str:
        """How audit log, order events and ledger name this person."""
        return f"operator:{self.code}"

    @property
    def scope(self) -> Scope:
        """What part of the brand this person may see."""
        return Scope(self.entity_code, self.store_code)

    def __repr__(self) -> str:
        return f"OperatorCaller({self.code}, {self.role})"


_FIND = text(
    """
    select o.id as operator_id, o.code, o.name, o.role, e.code as entity_code, s.code as store_code,
           l.token_hash, l.seen_at, least(l.expires_at, l.seen_at + :idle) as expires_at,
           o.password_is_initial, o.totp_confirmed_at is not null as has_totp
    from operator_login l
    join operator o on o.id = l.operator_id
    left join legal_entity e on e.id = o.entity_id
    left join store s on s.id = o.store_id
    where l.token_hash = :token_hash and l.revoked_at is null and l.expires_at > :now
      and l.seen_at + :idle > :now and o.status = 'ACTIVE'
    """
)
_SEE = text(
    "update operator_login set seen_at = :now"
    " where token_hash = :token_hash and revoked_at is null and seen_at < :now"
)


def find_operator(connection: Session | Connection, token: str, *, now: datetime) -> OperatorCaller | None:
    """The operator behind a live token; None when it is unknown, revoked, too old or idle, or its person disabled."""
    facts = {"token_hash": hash_token(token), "now": now, "idle": IDLE}
    row = connection.execute(_FIND, facts).first()
    if row is None:
        return None
    return OperatorCaller(**{**row._mapping, "role": OperatorRole(row.role)})


def is_to_be_seen(caller: OperatorCaller, *, now: datetime) -> bool:
    """Whether the login should be noted as in use (``see``)."""
    return now - caller.seen_at >= SEEN_EVERY


def see(session: Session, caller: OperatorCaller, *, now: datetime) -> None:
    """Note that a login is in use: the half hour of idleness begins anew."""
    session.execute(_SEE, {"token_hash": caller.token_hash, "now": now})
