"""Logging a shopper in and anybody out. A token is 32 random bytes; only its SHA-256 is kept."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.tokens import hash_token
from app.base.vault import Vault
from app.members.meeting import Met, meet
from app.members.spending import spend
from models.members import AppKind, Audience
from wechat.mini_program import MiniProgram

_OPEN = text(
    """
    with l as (
        insert into login (token_hash, audience, member_id, identity_id, clerk_id, created_at, expires_at)
        values (:token_hash, :audience, :member_id, :identity_id, :clerk_id, :now, :expires_at)
        returning member_id)
    select m.number from l join member m on m.id = l.member_id
    """
)
_REVOKE = text("update login set revoked_at = :now where token_hash = :token_hash and revoked_at is null")


@dataclass(frozen=True)
class Opened:
    """A login that was just opened. ``token`` is told once and kept nowhere."""

    token: str
    expires_at: datetime
    member_id: int
    member_number: str
    identity_id: int
    openid: str
    is_new_member: bool

    def __repr__(self) -> str:
        return f"Opened({self.member_number})"


def log_in_shopper(
    tx: Tx, mini_program: MiniProgram, vault: Vault, *, appid: str, code: str, now: datetime, ttl_s: int
) -> Opened:
    """Trade the code of wx.login for a token; the person is met, and joined by unionid (MRG-1, MRG-5).

    Refuses like ``spending.spend``: of many who bring the same code exactly one gets a token. WeChat's
    session_key is not kept: nothing here needs it.
    """
    session_of_wechat = spend(tx, vault, "login", code, mini_program.login)
    with tx() as session:
        met = meet(
            session,
            app=AppKind.MP,
            appid=appid,
            openid=session_of_wechat.openid,
            unionid=session_of_wechat.unionid,
            now=now,
        )
        return open_login(
            session,
            met,
            openid=session_of_wechat.openid,
            audience=Audience.SHOPPER,
            clerk_id=None,
            now=now,
            ttl_s=ttl_s,
        )


def open_login(
    session: Session,
    met: Met,
    *,
    openid: str,
    audience: Audience,
    clerk_id: int | None,
    now: datetime,
    ttl_s: int,
) -> Opened:
    """Write a new login for a person whom we have just met."""
    token = secrets.token_urlsafe(32)
    expires_at = now + timedelta(seconds=ttl_s)
    number = session.execute(
        _OPEN,
        {
            "token_hash": hash_token(token),
            "audience": audience.value,
            "member_id": met.member_id,
            "identity_id": met.identity_id,
            "clerk_id": clerk_id,
            "now": now,
            "expires_at": expires_at,
        },
    ).scalar_one()
    return Opened(token, expires_at, met.member_id, str(number), met.identity_id, openid, met.is_new)


def log_out(session: Session, *, token_hash: str, now: datetime) -> None:
    """End a login. Ending it again changes nothing."""
    session.execute(_REVOKE, {"token_hash": token_hash, "now": now})
