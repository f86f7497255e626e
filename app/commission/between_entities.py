"""What one legal entity owes another for an order's commission, and by which way it may be paid (SPL-10, FRZ-4)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.commission import rules, states
from models.commission import PartyKind


class Way(StrEnum):
    """How an inter-entity share may be paid."""

    SHARING = "SHARING"  # by WeChat 分账, before payment + 30 days
    INVOICE = "INVOICE"  # as an invoiced inter-company service fee; never goods money


_DUE = text(
    f"""
    select s.id, s.party, s.party_kind, s.payee, l.selling_entity, l.order_number, s.earned_at, s.released_at,
           {states.DUE} as due_fen
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where s.party_kind in ('STORE', 'ENTITY') and s.payee <> l.selling_entity
       and (cast(:party as text) is null or s.party = :party)
       and {states.DUE} > 0 and not {states.IS_HELD} and s.id > :after
     order by s.id
     limit :limit
    """
)


@dataclass(frozen=True, slots=True)
class SharingDue:
    """A share of another entity's store or of another entity that is not paid yet.

    ``guard_at``: from then on what is not certain can no longer be shared; ``finish_by``: WeChat unfreezes the
    payment by itself. ``is_certain``: it may be paid now.
    """

    share_id: int
    party: str
    party_kind: PartyKind
    payee: str
    selling_entity: str
    order_number: str
    due_fen: int
    guard_at: datetime
    finish_by: datetime
    is_certain: bool
    way: Way


def way(*, paid_at: datetime, released_at: datetime | None, now: datetime) -> Way:
    """FRZ-4: what is not certain by day 25 after the payment is invoiced; it never comes back to sharing."""
    certain_at = released_at or now
    return Way.SHARING if certain_at < rules.sharing_guard_at(paid_at) else Way.INVOICE


def due_for_sharing(
    reader: Session | Connection,
    *,
    now: datetime,
    party: str | None = None,
    after: int = 0,
    limit: int = 1000,
) -> list[SharingDue]:
    """The inter-entity shares that are not paid, by row; those after the share ``after`` (FRZ-4).

    Held ones are left out. Whoever pays finishes the sharing of an order (unfreeze) when none of its shares
    has the way SHARING any longer.
    """
    rows = reader.execute(_DUE, {"party": party, "after": after, "limit": limit})
    return [
        SharingDue(
            share_id=row.id,
            party=row.party,
            party_kind=PartyKind(row.party_kind),
            payee=row.payee,
            selling_entity=row.selling_entity,
            order_number=row.order_number,
            due_fen=int(row.due_fen),
            guard_at=rules.sharing_guard_at(row.earned_at),
            finish_by=rules.sharing_ends_at(row.earned_at),
            is_certain=row.released_at is not None,
            way=way(paid_at=row.earned_at, released_at=row.released_at, now=now),
        )
        for row in rows
    ]
