"""Everybody who may knock at a door, alive and dead: the audiences of the auth matrix and of the foreign objects."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.tokens import hash_token
from app.operators.callers import PREFIX
from models.operators import OperatorRole
from tests import make
from tests.doors.office import a_franchise, an_operator_login
from tests.people import set_clerk

ROLES = tuple(role.value for role in OperatorRole)
# Who is nobody, or is nobody any more: a door that asks who comes answers 401.
DEAD = (
    "nobody",
    "forged",
    "forged operator",
    "expired shopper",
    "logged-out shopper",
    "logged-out clerk",
    "clerk who left",
    "expired operator",
    "idle operator",
    "logged-out operator",
    "disabled operator",
)
LIVE = ("shopper", "clerk", "manager", "new operator", *ROLES)
EVERYBODY = (*DEAD, *LIVE)

_AGAIN = {
    "login": text(
        "insert into login (token_hash, audience, member_id, identity_id, clerk_id, expires_at, revoked_at)"
        " select :hash, audience, member_id, identity_id, clerk_id, expires_at, revoked_at from login"
        " where token_hash = :old"
    ),
    "operator_login": text(
        "insert into operator_login (token_hash, operator_id, created_at, seen_at, expires_at, revoked_at)"
        " select :hash, operator_id, created_at, seen_at, expires_at, revoked_at from operator_login"
        " where token_hash = :old"
    ),
}


@dataclass
class Cast:
    """The small shop, a franchise, and one of everybody. Stores SZ-FT and SZ-NS are of E-HQ, WF-TH of E-WF1."""

    tx: Tx
    now: datetime
    buyer: make.Buyer
    tokens: dict[str, str] = field(default_factory=dict)

    def headers(self, who: str) -> dict[str, str]:
        """A header with a fresh token of that person: what one call ends, the next does not miss."""
        old = self.tokens[who]
        if not old:
            return {}
        book = "operator_login" if old.startswith(PREFIX) else "login"
        new = (PREFIX if book == "operator_login" else "") + secrets.token_urlsafe(32)
        with self.tx() as session:
            session.execute(_AGAIN[book], {"hash": hash_token(new), "old": hash_token(old)})
        return {"Authorization": f"Bearer {new}"}


def a_cast(tx: Tx, now: datetime) -> Cast:
    """Everybody of ``EVERYBODY``, in one transaction."""
    with tx() as session:
        make.a_shop(session)
        a_franchise(session)
        cast = Cast(tx, now, make.a_buyer(session, "cast"))
        cast.tokens |= {"nobody": "", "forged": "a" * 43, "forged operator": PREFIX + "a" * 43}
        for who in ("shopper", "expired shopper", "logged-out shopper"):
            cast.tokens[who] = make.a_login(session, cast.buyer)
        clerks = {
            "clerk": "C-SZFT-01",
            "manager": "C-SZFT-03",
            "clerk who left": "C-SZNS-01",
            "logged-out clerk": "C-SZNS-03",
        }
        for who, code in clerks.items():
            cast.tokens[who] = make.a_clerk_login(session, code)
        for role in OperatorRole:
            cast.tokens[role.value] = an_operator_login(session, role, now=now, **scope_of(role))
        for who in (
            "expired operator",
            "idle operator",
            "logged-out operator",
            "disabled operator",
            "new operator",
        ):
            cast.tokens[who] = an_operator_login(session, OperatorRole.OWNER, now=now)
        _end(session, cast, now)
    return cast


def scope_of(role: OperatorRole) -> dict[str, str]:
    """What the cast's operator of that role is bounded to."""
    bounds = {
        OperatorRole.STORE_MANAGER: {"store": "SZ-FT"},
        OperatorRole.FRANCHISEE: {"entity": "E-WF1"},
    }
    return bounds.get(role, {})


def _end(session: Session, cast: Cast, now: datetime) -> None:
    """Kill those who are dead, each in its own way."""

    def change(table: str, who: str, setting: str, at: datetime = now) -> None:
        session.execute(
            text(f"update {table} set {setting} where token_hash = :hash"),
            {"hash": hash_token(cast.tokens[who]), "at": at},
        )

    change("login", "expired shopper", "expires_at = :at")
    change("login", "logged-out shopper", "revoked_at = :at")
    change("login", "logged-out clerk", "revoked_at = :at")
    set_clerk(session, "C-SZNS-01", status="LEFT")
    change("operator_login", "expired operator", "expires_at = :at")
    change("operator_login", "idle operator", "seen_at = :at", now - timedelta(minutes=30))
    change("operator_login", "logged-out operator", "revoked_at = :at")
    of_login = "id = (select operator_id from operator_login where token_hash = :hash)"
    for who, setting in (
        ("disabled operator", "status = 'DISABLED'"),
        ("new operator", "password_is_initial = true"),
    ):
        session.execute(
            text(f"update operator set {setting} where {of_login}"), {"hash": hash_token(cast.tokens[who])}
        )
