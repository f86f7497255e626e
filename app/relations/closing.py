"""A store closes: OPEN -> CLOSING -> CLOSED, its members go to the successor or to head office (BND-9)."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Conflict, Invalid
from app.base.freshness import STORES, touch
from app.base.scope import Scope
from app.relations import handing_over
from app.relations.handing_over import Decided, Planned
from app.relations.holding import HeldStore, get_store
from models.relations import HandoverKind, HandoverMode
from models.stores import StoreStatus

_CLOSING = text(
    """
    update store set status = 'CLOSING', closing_on = :closing_on, updated_at = :now,
           successor_store_id = (select id from store where code = cast(:successor as text))
    where id = :store_id
    """
)
_STAFF = text("select count(*) from clerk where store_id = :store_id and status <> 'LEFT'")
_WAITING = text(
    "select count(*) from pickup_code where store_id = :store_id and used_at is null and void_at is null"
)
_MEMBERS = text(
    "select member_id, id from service_binding where store_id = :store_id and valid_to is null order by member_id"
)
_HQ_POOL = text(
    "select s.id from store s join legal_entity e on e.id = s.entity_id"
    " where s.is_default_landing and e.kind = 'HQ' and s.status = 'OPEN'"
)
_RUNNING = text(
    "select number from handover where from_store_id = :store_id and kind = 'STORE_CLOSING'"
    " and state = 'RUNNING' limit 1"
)
_END_CONTRACT = text("update legal_entity set contract_ends_on = :day where code = :code returning id")


def start_closing(
    session: Session,
    *,
    store_code: str,
    closing_on: date,
    successor: str | None,
    actor: str,
    why: str,
    scope: Scope,
    now: datetime,
) -> None:
    """Note that a store will close: no new touches and no new pick-ups from now on. A later call may correct it.

    ``successor``: an open store of the same legal entity, or None. Refuses: NotFound outside ``scope``;
    STORE_CLOSED; OTHER_ENTITY; Invalid for a successor that is not open. Tells every process.
    """
    store = _mine(session, store_code, scope)
    if store.status is StoreStatus.CLOSED:
        raise Conflict("STORE_CLOSED", "The store is closed already.")
    if (store.status, store.closing_on, store.successor_code) == (
        StoreStatus.CLOSING,
        closing_on,
        successor,
    ):
        return
    if successor is not None:
        heir = get_store(session, successor)
        if heir.id == store.id or heir.status is not StoreStatus.OPEN:
            raise Invalid("The successor is not open.", fields={"successor": "another open store"})
        if heir.entity_code != store.entity_code:
            raise Conflict("OTHER_ENTITY", "The successor belongs to another company.")
    facts = {"store_id": store.id, "closing_on": closing_on, "successor": successor, "now": now}
    session.execute(_CLOSING, facts)
    touch(session, STORES)
    after = {"status": "CLOSING", "closing_on": closing_on.isoformat(), "successor": successor}
    _note(session, actor, "store.closing", store, after, why, now)


def close_store(
    session: Session, *, store_code: str, actor: str, why: str, scope: Scope, now: datetime
) -> str | None:
    """Move a closing store's members to the pool of its successor, else of head office, and close it (BND-9).

    Answers the number of the hand-over; the store is CLOSED when its last member has moved. None when it is
    closed already. Refuses: NotFound outside ``scope``; NOT_CLOSING; CLERKS_FIRST while somebody works there
    (move or let them leave: their members follow the rules of BND-6 and 8); ORDERS_WAITING while goods wait for
    pick-up; NO_HQ_STORE; HANDOVER_RUNNING. Holds the store's row.
    """
    store = _mine(session, store_code, scope)
    if store.status is StoreStatus.CLOSED:
        return None
    if store.status is not StoreStatus.CLOSING:
        raise Conflict("NOT_CLOSING", "Say first when the store closes.")
    facts = {"store_id": store.id}
    staff = int(session.execute(_STAFF, facts).scalar_one())
    if staff:
        raise Conflict("CLERKS_FIRST", f"{staff} people work at this store.", clerks=staff)
    waiting = int(session.execute(_WAITING, facts).scalar_one())
    if waiting:
        raise Conflict("ORDERS_WAITING", f"{waiting} orders wait for pick-up.", orders=waiting)
    running = session.execute(_RUNNING, facts).scalar()
    if running is not None:
        raise Conflict("HANDOVER_RUNNING", "The members are being moved.", number=running)
    pool_id = _pool(session, store)
    members = session.execute(_MEMBERS, facts).all()
    mode, kind = HandoverMode.ASSIGN, HandoverKind.STORE_CLOSING
    plan = [Planned(row.member_id, row.id, None, pool_id) for row in members]
    decided = Decided(kind, mode, None, store.id, actor, why)
    number = handing_over.begin(session, decided, plan, now=now)
    _note(session, actor, "store.close", store, {"handover": number, "members": len(plan)}, why, now)
    return number


def end_contract(
    session: Session, *, entity_code: str, last_day: date | None, actor: str, why: str, now: datetime
) -> None:
    """Note until when a franchise contract holds, None = it goes on.

    After it, acquisition shares of the entity's closed stores go to head office (BND-9).
    """
    if session.execute(_END_CONTRACT, {"code": entity_code, "day": last_day}).first() is None:
        raise Invalid("No such entity.", fields={"entity": "unknown"})
    audit.note(
        session,
        actor=actor,
        action="entity.contract",
        subject=f"entity:{entity_code}",
        before=None,
        after={"last_day": last_day and last_day.isoformat()},
        why=why,
        at=now,
    )


def _pool(session: Session, store: HeldStore) -> int:
    if store.successor_code is not None:
        heir = get_store(session, store.successor_code)
        if heir.entity_code == store.entity_code and heir.status is StoreStatus.OPEN:
            return heir.id
    pool_id = session.execute(_HQ_POOL).scalar()
    if pool_id is None:
        raise Conflict("NO_HQ_STORE", "Head office has no open online store to take the members.")
    return int(pool_id)


def _mine(session: Session, code: str, scope: Scope) -> HeldStore:
    store = get_store(session, code, hold=True)
    scope.require(entity=store.entity_code, store=store.code, detail="No such store.")
    return store


def _note(
    session: Session,
    actor: str,
    action: str,
    store: HeldStore,
    after: Mapping[str, object],
    why: str,
    now: datetime,
) -> None:
    audit.note(
        session,
        actor=actor,
        action=action,
        subject=f"store:{store.code}",
        before={"status": store.status.value},
        after=after,
        why=why,
        at=now,
    )
