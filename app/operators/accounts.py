"""Operators as head office keeps them. Every change is in the audit log, in the transaction that makes it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Conflict, Invalid
from app.operators.rules import check_scope
from models.operators import OperatorRole

_PLACES = text(
    "select (select id from legal_entity where code = :entity) as entity_id,"
    " (select id from store where code = :store) as store_id"
)
_CREATE = text(
    """
    insert into operator (code, name, role, entity_id, store_id, status, password_hash, password_is_initial,
                          created_at, updated_at)
    values (:code, :name, :role, :entity_id, :store_id, 'ACTIVE', :password_hash, :is_initial, :now, :now)
    on conflict (code) do nothing returning id
    """
)


@dataclass(frozen=True)
class NewOperator:
    """Who is to be let in. ``password_hash`` is made before the transaction: it takes a tenth of a second."""

    code: str
    name: str
    role: OperatorRole
    entity: str | None
    store: str | None
    password_hash: str
    password_is_initial: bool

    def __repr__(self) -> str:
        return f"NewOperator({self.code}, {self.role})"


def create(session: Session, new: NewOperator, *, by: str, why: str, now: datetime) -> int:
    """Let somebody in; answers the row id. ``by`` is the actor.

    Refuses a role that does not fit the scope, an entity or store that is not there (Invalid), and a code
    that was ever given (Conflict OPERATOR_TAKEN): it stands in the audit log for good.
    """
    check_scope(new.role, entity=new.entity, store=new.store)
    places = find_places(session, entity=new.entity, store=new.store)
    facts = {
        "code": new.code,
        "name": new.name,
        "role": new.role.value,
        "password_hash": new.password_hash,
        "is_initial": new.password_is_initial,
        "now": now,
    }
    operator_id = session.execute(_CREATE, facts | places).scalar()
    if operator_id is None:
        raise Conflict("OPERATOR_TAKEN", f"There is an operator {new.code} already.")
    after = {"name": new.name, "role": new.role, "entity": new.entity, "store": new.store}
    subject = f"operator:{new.code}"
    audit.note(
        session,
        actor=by,
        action="operator.create",
        subject=subject,
        before=None,
        after=after,
        why=why,
        at=now,
    )
    return int(operator_id)


def find_places(session: Session, *, entity: str | None, store: str | None) -> dict[str, Any]:
    """Row ids of an entity and a store by code. Refuses a code that nothing has (Invalid)."""
    found = session.execute(_PLACES, {"entity": entity, "store": store}).one()
    wrong = {}
    if entity is not None and found.entity_id is None:
        wrong["entity"] = "no such legal entity"
    if store is not None and found.store_id is None:
        wrong["store"] = "no such store"
    if wrong:
        raise Invalid("The scope is not there.", fields=wrong)
    return {"entity_id": found.entity_id, "store_id": found.store_id}
