"""Staff move one member to another clerk, at most twice in 90 days (BND-7)."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution import binding_terms
from app.base import audit
from app.base.errors import Conflict, NotFound
from app.base.scope import Scope
from app.relations import handing_over
from app.relations.handing_over import Decided, Planned
from app.relations.holding import HeldMember, get_heir, hold_number
from app.relations.rules import transfers_since
from models.relations import HandoverKind, HandoverMode

_LATELY = text(
    """
    select count(*) from service_binding b
    where b.reason = 'TRANSFER' and b.valid_from >= :since
      and b.member_id in (select id from member where id = :id or alias_of = :id)
    """
)


def transfer(
    session: Session, *, member_number: str, to: str, actor: str, why: str, scope: Scope, now: datetime
) -> None:
    """Let the clerk ``to`` serve a member from now on; the member is told and may refuse within 24 hours.

    The same clerk again changes nothing. Refuses: NotFound for a member served outside ``scope`` or by nobody;
    CLERK_NOT_AVAILABLE; OTHER_ENTITY; SELF_SERVICE; TRANSFER_LIMIT for the third within 90 rolling days, moves
    because of leavers not counted (BND-7). Holds the member's row.
    """
    held = hold_number(session, member_number)
    if held.binding_id is None or held.entity_code is None or held.store_id is None:
        raise NotFound("NOT_FOUND", "No such member.")
    scope.require(entity=held.entity_code, store=held.store_code, detail="No such member.")
    heir = get_heir(session, to, scope=scope, now=now)
    if heir.id == held.clerk_id:
        return
    if heir.entity_code != held.entity_code:
        raise Conflict("OTHER_ENTITY", "The clerk works for another company.")
    if heir.member_id == held.id:
        raise Conflict("SELF_SERVICE", "A clerk does not serve herself.")
    _refuse_too_many(session, held, now)
    decided = Decided(HandoverKind.TRANSFER, HandoverMode.ASSIGN, held.clerk_id, held.store_id, actor, why)
    number = handing_over.begin(
        session, decided, [Planned(held.id, held.binding_id, heir.id, heir.store_id)], now=now
    )
    audit.note(
        session,
        actor=actor,
        action="binding.transfer",
        subject=f"member:{held.number}",
        before={"clerk": held.clerk_code, "store": held.store_code},
        after={"clerk": heir.code, "store": heir.store_code, "handover": number},
        why=why,
        at=now,
    )


def _refuse_too_many(session: Session, held: HeldMember, now: datetime) -> None:
    terms = binding_terms.in_effect(session, at=now)
    since = transfers_since(now, days=terms.transfer_days)
    lately = session.execute(_LATELY, {"id": held.id, "since": since}).scalar_one()
    if lately >= terms.transfers:
        told = f"{terms.transfers} in {terms.transfer_days} days."
        raise Conflict("TRANSFER_LIMIT", told, transfers=int(lately))
