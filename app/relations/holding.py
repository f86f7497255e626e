"""Holding what a change of a relation is about: the member with the present binding, a clerk, a store."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.clock import local_day
from app.base.errors import Conflict, NotFound
from app.base.scope import Scope
from models.stores import ClerkStatus, StoreStatus


@dataclass(frozen=True)
class HeldMember:
    """A member whose row is locked, and who serves now; everything about the service is None if nobody does."""

    id: int
    number: str
    binding_id: int | None
    clerk_id: int | None
    clerk_code: str | None
    store_id: int | None
    store_code: str | None
    entity_code: str | None
    since: datetime | None


@dataclass(frozen=True)
class HeldClerk:
    """A clerk with the store and its company."""

    id: int
    code: str
    name: str
    status: ClerkStatus
    last_day: date | None
    member_id: int | None
    store_id: int
    store_code: str
    store_status: StoreStatus
    entity_code: str

    def takes_on(self, now: datetime) -> bool:
        """Whether members may come to this clerk: works here, goes on, and the store is open."""
        stays = self.last_day is None or self.last_day >= local_day(now)
        return self.status is ClerkStatus.ACTIVE and stays and self.store_status is StoreStatus.OPEN


@dataclass(frozen=True)
class HeldStore:
    """A store with its company, and where its customers go when it closes."""

    id: int
    code: str
    status: StoreStatus
    closing_on: date | None
    entity_code: str
    successor_code: str | None


_LOCK_MEMBER = text("select coalesce(alias_of, id) from member where id = :id for no key update")
_BY_NUMBER = text("select id from member where number = :number")
_SERVICE = text(
    """
    select m.id, m.number, b.id as binding_id, b.clerk_id, c.code as clerk_code, b.store_id,
           s.code as store_code, e.code as entity_code, b.valid_from as since
    from member m
    left join service_binding b on b.member_id = m.id and b.valid_to is null
    left join clerk c on c.id = b.clerk_id
    left join store s on s.id = b.store_id
    left join legal_entity e on e.id = s.entity_id
    where m.id = :id
    """
)
_CLERK = """
    select c.id, c.code, c.name, c.status, c.last_day, coalesce(cm.alias_of, cm.id) as member_id, c.store_id,
           s.code as store_code, s.status as store_status, e.code as entity_code
    from clerk c join store s on s.id = c.store_id join legal_entity e on e.id = s.entity_id
    left join member cm on cm.id = c.member_id
    where c.code = :code
"""
_SEE_CLERK, _HOLD_CLERK = text(_CLERK), text(f"{_CLERK} for no key update of c")
_STORE = """
    select s.id, s.code, s.status, s.closing_on, e.code as entity_code, n.code as successor_code
    from store s join legal_entity e on e.id = s.entity_id left join store n on n.id = s.successor_store_id
    where s.code = :code
"""
_SEE_STORE, _HOLD_STORE = text(_STORE), text(f"{_STORE} for no key update of s")


def hold_member(session: Session, *, member_id: int) -> HeldMember:
    """Lock a member (of an alias, the one who goes on): touches and changes of one member stand in line."""
    held = session.execute(_LOCK_MEMBER, {"id": member_id}).scalar()
    if held is None:
        raise NotFound("NOT_FOUND", "No such member.")
    if held != member_id:
        held = session.execute(_LOCK_MEMBER, {"id": held}).scalar_one()
    return HeldMember(**session.execute(_SERVICE, {"id": held}).one()._mapping)


def hold_number(session: Session, number: str) -> HeldMember:
    """``hold_member`` by the member's number. Raises NotFound."""
    return hold_member(session, member_id=_id_of(session, number))


def _id_of(session: Session, number: str) -> int:
    member_id = session.execute(_BY_NUMBER, {"number": number}).scalar()
    if member_id is None:
        raise NotFound("NOT_FOUND", "No such member.")
    return int(member_id)


def get_clerk(session: Session, code: str, *, hold: bool = False) -> HeldClerk:
    """The clerk of a code, the row locked if asked to. Raises NotFound."""
    row = session.execute(_HOLD_CLERK if hold else _SEE_CLERK, {"code": code}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such clerk.")
    return _clerk(row)


def get_heir(session: Session, code: str, *, scope: Scope, now: datetime) -> HeldClerk:
    """A clerk to whom members may come. Refuses NotFound outside ``scope``, whatever the clerk does there;
    CLERK_NOT_AVAILABLE: leaving, left, or the store closes.
    """
    clerk = get_clerk(session, code)
    scope.require(entity=clerk.entity_code, store=clerk.store_code, detail="No such clerk.")
    if not clerk.takes_on(now):
        raise Conflict("CLERK_NOT_AVAILABLE", f"{code} takes no customers on.")
    return clerk


def get_store(session: Session, code: str, *, hold: bool = False) -> HeldStore:
    """The store of a code, the row locked if asked to. Raises NotFound."""
    row = session.execute(_HOLD_STORE if hold else _SEE_STORE, {"code": code}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such store.")
    return HeldStore(**{**row._mapping, "status": StoreStatus(row.status)})


def _clerk(row: Row[Any]) -> HeldClerk:
    kinds = {"status": ClerkStatus(row.status), "store_status": StoreStatus(row.store_status)}
    return HeldClerk(**{**row._mapping, **kinds})
