"""Builders: operators of the back office, and their headers."""

import secrets
from datetime import datetime
from itertools import count

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.clock import utc_now
from app.base.db import Tx
from app.base.tokens import hash_token
from app.operators.accounts import NewOperator, create
from app.operators.callers import PREFIX
from app.operators.passwords import NOBODYS
from app.wiring import Parts
from models.operators import OperatorRole

_OPEN = text(
    "insert into operator_login (token_hash, operator_id, created_at, seen_at, expires_at)"
    " values (:hash, :id, :now, :now, cast(:now as timestamptz) + interval '10 hours')"
)
_codes = count(1)


def office(
    house: Parts | Tx,
    role: OperatorRole,
    *,
    entity: str | None = None,
    store: str | None = None,
    code: str = "",
) -> dict[str, str]:
    """The headers of a new operator of that role, logged in. STORE_MANAGER needs `store`, FRANCHISEE `entity`."""
    tx, now = (house.tx, house.now()) if isinstance(house, Parts) else (house, utc_now())
    with tx() as session:
        token = an_operator_login(session, role, entity=entity, store=store, code=code, now=now)
    return {"Authorization": f"Bearer {token}"}


def an_operator_login(
    session: Session,
    role: OperatorRole,
    *,
    entity: str | None = None,
    store: str | None = None,
    code: str = "",
    password_hash: str = NOBODYS,
    now: datetime | None = None,
) -> str:
    """A live token of a new operator. By default no password opens the account: hashing one takes its time."""
    now = now or utc_now()
    code = code or f"O-{role.value.replace('_', '-')}-{next(_codes)}"
    new = NewOperator(code, code, role, entity, store, password_hash, password_is_initial=False)
    operator_id = create(session, new, by="test", why="for a test", now=now)
    token = PREFIX + secrets.token_urlsafe(32)
    session.execute(_OPEN, {"hash": hash_token(token), "id": operator_id, "now": now})
    return token


def a_franchise(session: Session) -> None:
    """Beside the small shop: entity E-WF1 with its store WF-TH."""
    session.execute(
        text(
            """
            with e as (insert into legal_entity (code, name, kind)
                       values ('E-WF1', '潍坊潍澜商贸有限公司', 'FRANCHISEE') returning id),
                 s as (insert into store (code, entity_id, name, name_en, ownership, city, services, status,
                                          is_default_landing, lat, lng)
                       select 'WF-TH', id, '澜序·奎文店', 'LANXU Kuiwen', 'FRANCHISE', '潍坊', '{pickup}',
                              'OPEN', false, 36.7074, 119.1302 from e returning id, entity_id, code, name)
            insert into stock_location (code, name, kind, store_id, entity_id)
            select code, name, 'STORE', id, entity_id from s
            """
        )
    )
