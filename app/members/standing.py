"""What the brand knows of a member: number, phone, since when a customer."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.base.vault import Vault

# Waits for a merge in progress and then tells of it: RETURNING reads the row as that merge left it.
_BOUGHT = text(
    "update member set customer_since = least(coalesce(customer_since, :at), :at) where id = :id returning alias_of"
)
_STANDING = text(
    """
    select m.number, m.phone_sealed, m.customer_since, m.created_at,
           exists (select 1 from identity i
                   where i.member_id = m.id and i.app = 'OA' and i.followed) as follows
    from member m where m.id = :id
    """
)


_HOLD = text("select coalesce(alias_of, id) from member where id = :id for no key update")


@dataclass(frozen=True)
class Standing:
    """A member as shown to that member."""

    number: str
    phone_tail: str | None
    customer_since: datetime | None
    met_at: datetime
    follows: bool


def bought(session: Session, *, member_id: int, at: datetime) -> None:
    """Note a purchase: whoever bought before a first touch is never acquired by it (BND-1).

    Keeps the earliest moment; a member that became an alias counts for its survivor.
    """
    survivor_id = session.execute(_BOUGHT, {"id": member_id, "at": at}).scalar()
    if survivor_id is not None:
        session.execute(_BOUGHT, {"id": survivor_id, "at": at})


def hold(session: Session, *, member_id: int) -> int:
    """Lock a member, of an alias the one who goes on; answers whom. For touches outside a meeting (TCH-4)."""
    held = int(session.execute(_HOLD, {"id": member_id}).scalar_one())
    return held if held == member_id else int(session.execute(_HOLD, {"id": held}).scalar_one())


def standing(session: Session | Connection, vault: Vault, *, member_id: int) -> Standing:
    """The member's own view. Raises NotFound. The number in clear never leaves this function."""
    row = session.execute(_STANDING, {"id": member_id}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such member.")
    digits = vault.unseal("phone", row.phone_sealed) if row.phone_sealed else None
    return Standing(
        row.number, digits[-4:] if digits else None, row.customer_since, row.created_at, row.follows
    )
