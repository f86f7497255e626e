"""A clerk's fans: whom she serves, with as much about each as the member agreed to (CNS-2, CNS-3)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Forbidden, NotFound
from app.base.vault import Vault
from app.members.consents import agreed_sql
from models.members import Purpose

_ALIASES = "(select a.id from member a where a.id = m.id or a.alias_of = m.id)"
# A franchisee sees what happened at other companies' stores only with the member's consent (CNS-2).
_OPEN = f"(e.kind = 'HQ' or {agreed_sql('m.id', Purpose.SHARE_WITH_FRANCHISEE)})"
_FANS = text(
    f"""
    select b.id, m.number, b.valid_from as since, b.reason, {_OPEN} as shared,
           {agreed_sql("m.id", Purpose.CLERK_CONTACT)} as contact, m.phone_sealed,
           coalesce((select true from identity i
                     where i.member_id = m.id and i.app = 'OA' and i.followed limit 1), false) as follows,
           (select max(t.occurred_at) from touch t left join store ts on ts.id = t.store_id
            where t.member_id in {_ALIASES} and t.valid and ({_OPEN} or ts.entity_id = e.id)) as touched_at,
           (select max(o.paid_at) from orders o
            where o.member_id in {_ALIASES} and ({_OPEN} or o.selling_entity_id = e.id)) as bought_at
    from service_binding b
    join member m on m.id = b.member_id
    join store s on s.id = b.store_id
    join legal_entity e on e.id = s.entity_id
    where b.clerk_id = :clerk_id and b.valid_to is null and b.id < :before
    order by b.id desc limit :limit
    """
)
_PHONE = text(
    f"""
    select m.phone_sealed, {agreed_sql("m.id", Purpose.CLERK_CONTACT)} and {_OPEN} as agreed
    from member m
    join service_binding b on b.member_id = m.id and b.valid_to is null and b.clerk_id = :clerk_id
    join store s on s.id = b.store_id join legal_entity e on e.id = s.entity_id
    where m.number = :number
    """
)
FIRST = 2**62


@dataclass(frozen=True)
class Fan:
    """One member whom a clerk serves. ``phone_tail`` None: none verified, or no consent to be contacted.

    ``shared`` False: what happened at other companies of the brand is left out.
    """

    id: int
    number: str
    since: datetime
    reason: str
    follows: bool
    phone_tail: str | None
    may_contact: bool
    shared: bool
    touched_at: datetime | None
    bought_at: datetime | None


def fans(
    reader: Session | Connection, vault: Vault, *, clerk_id: int, before: int | None, limit: int
) -> list[Fan]:
    """Up to ``limit`` of a clerk's members, newest binding first, before the row ``before``."""
    rows = reader.execute(_FANS, {"clerk_id": clerk_id, "before": before or FIRST, "limit": limit})
    return [
        Fan(
            id=row.id,
            number=row.number,
            since=row.since,
            reason=row.reason,
            follows=row.follows,
            phone_tail=_tail(vault, row.phone_sealed) if row.contact else None,
            may_contact=row.contact,
            shared=row.shared,
            touched_at=row.touched_at,
            bought_at=row.bought_at,
        )
        for row in rows
    ]


def see_phone(
    session: Session, vault: Vault, *, number: str, clerk_id: int, actor: str, now: datetime
) -> str:
    """A fan's phone number for the clerk who serves; every look is in the audit log (CNS-3).

    Refuses: NotFound for members whom somebody else serves, and without a verified number; NO_CONSENT.
    """
    row = session.execute(_PHONE, {"clerk_id": clerk_id, "number": number}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such fan.")
    if not row.agreed:
        raise Forbidden("NO_CONSENT", "The member has not agreed to be contacted.")
    digits = vault.unseal("phone", row.phone_sealed) if row.phone_sealed else None
    if digits is None:
        raise NotFound("NOT_FOUND", "No verified number.")
    audit.note(
        session,
        actor=actor,
        action="member.phone_seen",
        subject=f"member:{number}",
        before=None,
        after=None,
        why="the clerk who serves looked",
        at=now,
    )
    return digits


def _tail(vault: Vault, sealed: str | None) -> str | None:
    digits = vault.unseal("phone", sealed) if sealed else None
    return digits[-4:] if digits else None
