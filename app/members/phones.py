"""Phone numbers: verified by WeChat, unique among living members, kept sealed and as a keyed hash (CNS-3)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Conflict
from app.base.vault import Vault
from app.members.spending import spend
from wechat.mini_program import MiniProgram, Phone

HOME = "86"

_KEEP = text(
    """
    update member m set phone_hash = :hash, phone_sealed = :sealed, phone_verified_at = :now
    where m.id = :member_id and not exists (
        select 1 from member o where o.phone_hash = :hash and o.alias_of is null and o.id <> :member_id)
    returning m.id
    """
)
# The member before the number, as a clerk's login does, which meets the person first.
_LOCK_MEMBER = text("select 1 from member where id = :member_id for no key update")
_LOCK_NUMBER = text("select pg_advisory_xact_lock(hashtextextended('phone ' || :hash, 0))")


@dataclass(frozen=True)
class Verified:
    """A phone that is now the member's; ``tail`` is what may be shown of it."""

    tail: str


def digits_of(phone: Phone) -> str:
    """The one spelling of a number that is hashed: 11 digits at home, ``00`` and country code abroad."""
    return phone.number if phone.country_code in ("", HOME) else f"00{phone.country_code}{phone.number}"


def hash_phone(vault: Vault, digits: str) -> str:
    """The keyed hash by which a number is found; a clerk's number in the roster is hashed the same way."""
    return vault.hash("phone", digits)


def verify_phone(
    tx: Tx, mini_program: MiniProgram, vault: Vault, *, member_id: int, openid: str, code: str, now: datetime
) -> Verified:
    """Make the number behind WeChat's phone code the member's verified phone.

    Refuses like ``spending.spend``, and PHONE_TAKEN when another living member has verified the same
    number: two members are joined by unionid or by hand, never by a number alone (MRG-2).
    """
    phone = spend(tx, vault, "phone", code, lambda given: mini_program.phone(given, openid=openid))
    digits = digits_of(phone)
    with tx() as session:
        if not keep_phone(session, vault, member_id=member_id, digits=digits, now=now):
            raise Conflict("PHONE_TAKEN", "Another member has verified this number.")
    return Verified(tail=digits[-4:])


def keep_phone(session: Session, vault: Vault, *, member_id: int, digits: str, now: datetime) -> bool:
    """Write a verified number to a member; False when another living member has it. Holds the number."""
    facts = {
        "member_id": member_id,
        "hash": hash_phone(vault, digits),
        "sealed": vault.seal("phone", digits),
        "now": now,
    }
    session.execute(_LOCK_MEMBER, facts)
    session.execute(_LOCK_NUMBER, facts)
    return session.execute(_KEEP, facts).first() is not None
