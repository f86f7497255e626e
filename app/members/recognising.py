"""Recognising a member at a till: by the number on the member's phone, or by the verified phone number."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.base.vault import Vault
from app.members.phones import hash_phone

# At home eleven digits; abroad 00, the country's code and the number (app/members/phones.py).
PHONE = re.compile(r"1[0-9]{10}|00[0-9]{6,18}")

_FIND = """
    select coalesce(s.id, m.id) as member_id from member m left join member s on s.id = m.alias_of
    where {where}
    """
_BY_NUMBER = text(_FIND.format(where="m.number = :number"))
_BY_PHONE = text(_FIND.format(where="m.phone_hash = :hash and m.alias_of is null"))
# Waits for a merge in progress and then sees what it left.
_HOLD = text("select id, alias_of from member where id = :member_id for no key update")
_SHOWN = text(
    "select m.number, m.phone_sealed, m.customer_since, s.code as store_code from member m"
    " left join service_binding b on b.member_id = m.id and b.valid_to is null"
    " left join store s on s.id = b.store_id where m.id = :member_id"
)


@dataclass(frozen=True, slots=True)
class Named:
    """How a till names a member: exactly one of the two."""

    number: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Masked:
    """As much of a member as a till shows: nobody learns a phone number here."""

    number: str
    phone_tail: str | None
    customer_since: datetime | None
    is_served_here: bool


def recognise(session: Session | Connection, vault: Vault, named: Named) -> int:
    """The row id of the living member who is meant. Refuses an unknown one: MEMBER_UNKNOWN."""
    if named.number is not None:
        member_id = session.execute(_BY_NUMBER, {"number": named.number}).scalar()
    else:
        member_id = session.execute(_BY_PHONE, {"hash": hash_phone(vault, named.phone or "")}).scalar()
    if member_id is None:
        raise NotFound("MEMBER_UNKNOWN", "No member has this number or phone.")
    return int(member_id)


def hold(session: Session, vault: Vault, named: Named) -> int:
    """Like ``recognise``, and holds the member's row, so that touches of one member stand in line (TCH-4)."""
    member_id = recognise(session, vault, named)
    row = session.execute(_HOLD, {"member_id": member_id}).one()
    if row.alias_of is not None:
        member_id = int(row.alias_of)
        session.execute(_HOLD, {"member_id": member_id})
    return member_id


def masked(session: Session | Connection, vault: Vault, named: Named, *, store: str) -> Masked:
    """What the till of ``store`` may show of a member. Refuses as ``recognise``."""
    row = session.execute(_SHOWN, {"member_id": recognise(session, vault, named)}).one()
    digits = vault.unseal("phone", row.phone_sealed) if row.phone_sealed else None
    here = row.store_code == store
    return Masked(row.number, digits[-4:] if digits else None, row.customer_since, here)
