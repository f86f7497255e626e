"""What a merge of two members does to money: frozen acquisition shares go to whoever came first (MRG-4, MRG-5)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.attribution import credit
from app.commission import states
from app.commission.moving import HANDED_ON, WHOLE_BP, Heir, move, stands_for
from models.commission import PartyKind, Role

_ROLES = (Role.ACQ_CLERK, Role.ACQ_STORE)
# Only what is still frozen moves, and nothing that a person has decided. The orders' tables lie above; only
# they tell whose the order is and when it was placed.
_FROZEN = text(
    f"""
    select s.id, s.order_line_id, s.role, s.party, s.reason, l.selling_entity, ol.category_code, o.created_at,
           st.ownership, ol.credit_snapshot->>'hq' as hq, {HANDED_ON} as handed_on
      from member m
      join orders o on o.member_id = m.id
      join commission_line l on l.order_id = o.id
      join commission_share s on s.order_line_id = l.order_line_id
      join order_line ol on ol.id = l.order_line_id
      left join store st on st.id = o.selling_store_id
      left join commission_move v on v.id = s.move_id
     where (m.id = :member_id or m.alias_of = :member_id) and l.released_at is null
       and s.released_at is null and {states.LEFT} > 0 and s.role in ('ACQ_CLERK', 'ACQ_STORE', 'HQ')
       and ol.credit_snapshot->>'mode' = 'ROLE_SPLIT'
       and coalesce(v.because->>'kind', 'MERGE') = 'MERGE'
     order by s.order_line_id, s.position
    """
)
_UNPAID_UNTIL = text(
    """
    select max(o.expires_at) from member m join orders o on o.member_id = m.id
     where (m.id = :member_id or m.alias_of = :member_id) and o.state = 'CREATED'
    """
)
_LOSER = text("select number from member where id = :loser_id")
AFTER_EXPIRY = timedelta(minutes=5)


def reattribute(session: Session, *, survivor_id: int, loser_id: int, at: datetime) -> datetime | None:
    """Give the frozen acquisition shares of the survivor's orders, and of all aliases', to the acquisition now valid.

    Runs in the job ``member_merged`` after ``attribution.adopting``. For each order the acquisition is
    resolved anew as of the moment it was placed, as placing did (POL-2, CLW-4, BND-9); where it names
    somebody else, the share is moved with reason MERGE; where it names nobody, to head office (SPL-5); what
    head office got for want of a party goes to the party. RELEASABLE and SETTLED shares, the other roles,
    and shares moved by a decision stay. A second run finds nothing left to move.

    Answers the moment to run again when an order placed before the merge may still be paid, else None.
    Locks the lines concerned in ascending order.
    """
    facts = {"member_id": survivor_id}
    number = session.execute(_LOSER, {"loser_id": loser_id}).scalar()
    if number is None:
        return None
    by_line: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for row in session.execute(_FROZEN, facts):
        by_line[row.order_line_id].append(row)
    for shares in by_line.values():
        for share_id, heirs, of_bp in _changes(session, survivor_id, shares):
            because = {"kind": "MERGE", "member": number}
            move(
                session,
                share_id=share_id,
                to=heirs,
                cause=f"merge:{number}",
                because=because,
                at=at,
                of_bp=of_bp,
            )
    until: datetime | None = session.execute(_UNPAID_UNTIL, facts).scalar_one()
    return until + AFTER_EXPIRY if until else None


def _changes(
    session: Session, member_id: int, shares: Sequence[Row[Any]]
) -> Iterator[tuple[int, list[Heir], int]]:
    """(share, heirs, whole) of one line's frozen shares that somebody else should have."""
    line = shares[0]
    snapshot = credit.resolve(
        session,
        member_id=member_id,
        categories={line.category_code},
        selling_entity=line.selling_entity,
        selling_ownership=line.ownership or "",
        fulfil_store=None,
        at=line.created_at,
    )[line.category_code]
    named = {
        Role(party["role"]): Heir(PartyKind(party["kind"]), party["party"], role=Role(party["role"]))
        for party in snapshot["parties"]
        if party["role"] in _ROLES
    }
    nobody = Heir(PartyKind.ENTITY, line.hq)
    for share in shares:
        if share.role in _ROLES:
            heir = named.get(Role(share.role), nobody)
            if heir.party != share.party:
                yield share.id, [heir], WHOLE_BP
    held = {Role(share.role) for share in shares}
    for share in shares:
        if share.role == Role.HQ:
            yield from _of_head_office(share, {role: one for role, one in named.items() if role not in held})


def _of_head_office(share: Row[Any], named: dict[Role, Heir]) -> Iterator[tuple[int, list[Heir], int]]:
    weights = stands_for(share.reason, share.handed_on)
    heirs = [
        Heir(one.party_kind, one.party, weights[role], role=role)
        for role, one in named.items()
        if weights.get(role) and one.party != share.party
    ]
    if heirs:
        whole = sum(weights.values())
        rest = whole - sum(heir.part_bp for heir in heirs)
        stays = [Heir(PartyKind.ENTITY, share.party, rest)] if rest else []
        yield share.id, [*heirs, *stays], whole
