"""Logging a clerk in: the phone of the roster proves the person once, the WeChat account ever after."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.clock import local_day
from app.base.db import Tx
from app.base.errors import Forbidden
from app.base.vault import Vault
from app.members.logins import Opened, open_login
from app.members.meeting import Met, meet
from app.members.phones import digits_of, hash_phone, keep_phone
from app.members.spending import spend
from models.members import AppKind, Audience
from wechat.mini_program import MiniProgram

# A clerk works until the end of the last day, whatever the roster still says (CLW-4).
_WORKS = "status in ('ACTIVE', 'LEAVING') and (last_day is null or last_day >= :day)"
_BY_PHONE = text(f"select id from clerk where phone_hash = :hash and {_WORKS}")
_BY_LINK = text(
    """
    select c.id, c.works from clerk_link k join (select id, {works} as works from clerk) c on c.id = k.clerk_id
    where k.member_id = :member_id and k.ended_at is null order by c.works desc, k.started_at
    """.replace("{works}", _WORKS)
)
_LINK = text(
    "insert into clerk_link (clerk_id, member_id, started_at) values (:clerk_id, :member_id, :now)"
    " on conflict (clerk_id) where ended_at is null do nothing returning id"
)
_LINKED_TO = text("select member_id from clerk_link where clerk_id = :clerk_id and ended_at is null")
_KNOW = text(
    "update clerk set member_id = :member_id, updated_at = :now where id = :clerk_id"
    " and not exists (select 1 from clerk c where c.member_id = :member_id and c.id <> :clerk_id)"
)


@dataclass(frozen=True)
class _Shown:
    """What the phone of a person showed: the WeChat account, and the number if it was asked for."""

    openid: str
    unionid: str | None
    digits: str | None


def log_in_clerk(
    tx: Tx,
    mini_program: MiniProgram,
    vault: Vault,
    *,
    appid: str,
    code: str,
    phone_code: str | None,
    now: datetime,
    ttl_s: int,
) -> Opened:
    """Open a clerk's login. The first time ``phone_code`` proves the number that the roster has.

    Refuses like ``spending.spend``; PHONE_CODE_NEEDED for an account that acts for no clerk yet;
    NOT_A_CLERK, always in the same words, for a number that is not in the roster, a clerk who has left,
    and a clerk for whom somebody else acts already.
    """
    shown = _look(tx, mini_program, vault, code, phone_code)
    with tx() as session:
        met = meet(session, app=AppKind.MP, appid=appid, openid=shown.openid, unionid=shown.unionid, now=now)
        clerk_id = _clerk_of(session, vault, met, shown.digits, now)
        return open_login(
            session,
            met,
            openid=shown.openid,
            audience=Audience.CLERK,
            clerk_id=clerk_id,
            now=now,
            ttl_s=ttl_s,
        )


def _look(tx: Tx, mini_program: MiniProgram, vault: Vault, code: str, phone_code: str | None) -> _Shown:
    account = spend(tx, vault, "login", code, mini_program.login)
    if phone_code is None:
        return _Shown(account.openid, account.unionid, None)
    phone = spend(
        tx, vault, "phone", phone_code, lambda given: mini_program.phone(given, openid=account.openid)
    )
    return _Shown(account.openid, account.unionid, digits_of(phone))


def _clerk_of(session: Session, vault: Vault, met: Met, digits: str | None, now: datetime) -> int:
    linked = session.execute(_BY_LINK, {"member_id": met.member_id, "day": local_day(now)}).first()
    if linked is not None:
        if not linked.works:
            raise _stranger()
        return int(linked.id)
    if digits is None:
        raise Forbidden("PHONE_CODE_NEEDED", "This account acts for no clerk yet; send phone_code too.")
    clerk_id = session.execute(_BY_PHONE, {"hash": hash_phone(vault, digits), "day": local_day(now)}).scalar()
    if clerk_id is None:
        raise _stranger()
    _link(session, {"clerk_id": clerk_id, "member_id": met.member_id, "now": now})
    # The clerk as a shopper (SPL-9). Another member's verified number stays that member's.
    keep_phone(session, vault, member_id=met.member_id, digits=digits, now=now)
    return int(clerk_id)


def _link(session: Session, facts: dict[str, Any]) -> None:
    # One person per clerk: of two who bring the number at once the first is the clerk (unique index).
    is_ours = session.execute(_LINK, facts).first() is not None
    if not is_ours and session.execute(_LINKED_TO, facts).scalar() != facts["member_id"]:
        raise _stranger()
    session.execute(_KNOW, facts)


def _stranger() -> Forbidden:
    return Forbidden("NOT_A_CLERK", "No clerk of this brand can be reached by this account and number.")
