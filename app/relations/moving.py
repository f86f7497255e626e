"""A clerk goes to another store (BND-8)."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Conflict
from app.base.scope import Scope
from app.relations import handing_over
from app.relations.handing_over import Decided, Planned
from app.relations.holding import get_clerk, get_store
from models.relations import HandoverKind, HandoverMode
from models.stores import ClerkStatus, StoreStatus

_MEMBERS = text(
    "select member_id, id from service_binding where clerk_id = :clerk_id and valid_to is null order by member_id"
)
_MOVE = text("update clerk set store_id = :store_id, updated_at = :now where id = :clerk_id")
_RUNNING = text("select number from handover where from_clerk_id = :clerk_id and state = 'RUNNING' limit 1")


def move_clerk(
    session: Session, *, clerk_code: str, to_store: str, actor: str, why: str, scope: Scope, now: datetime
) -> str | None:
    """Let a clerk work at another store from now on; the number of the hand-over, None if nobody is bound.

    Within one legal entity the members follow; else they stay in the pool of the old store. Where they were
    acquired never changes (BND-8). The same store again changes nothing. Refuses: NotFound outside ``scope``;
    CLERK_NOT_AVAILABLE for one who leaves; STORE_CLOSED; HANDOVER_RUNNING. Holds the clerk's row.
    """
    clerk = get_clerk(session, clerk_code, hold=True)
    scope.require(entity=clerk.entity_code, store=clerk.store_code, detail="No such clerk.")
    store = get_store(session, to_store)
    scope.require(entity=store.entity_code, store=store.code, detail="No such store.")
    if store.id == clerk.store_id:
        return None
    if clerk.status is not ClerkStatus.ACTIVE:
        raise Conflict("CLERK_NOT_AVAILABLE", "The clerk leaves.")
    if store.status is not StoreStatus.OPEN:
        raise Conflict("STORE_CLOSED", "The store is not open.")
    running = session.execute(_RUNNING, {"clerk_id": clerk.id}).scalar()
    if running is not None:
        raise Conflict("HANDOVER_RUNNING", "Members of this clerk are being moved.", number=running)
    follow = store.entity_code == clerk.entity_code
    to = (clerk.id, store.id) if follow else (None, clerk.store_id)
    members = session.execute(_MEMBERS, {"clerk_id": clerk.id}).all()
    session.execute(_MOVE, {"clerk_id": clerk.id, "store_id": store.id, "now": now})
    number = None
    if members:
        decided = Decided(HandoverKind.CLERK_MOVE, HandoverMode.ASSIGN, clerk.id, clerk.store_id, actor, why)
        plan = [Planned(row.member_id, row.id, *to) for row in members]
        number = handing_over.begin(session, decided, plan, now=now)
    audit.note(
        session,
        actor=actor,
        action="clerk.move",
        subject=f"clerk:{clerk.code}",
        before={"store": clerk.store_code},
        after={"store": store.code, "members_follow": follow, "handover": number},
        why=why,
        at=now,
    )
    return number
