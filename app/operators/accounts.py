"""Operators as head office keeps them. Every change is in the audit log, in the transaction that makes it.

Who changes somebody is an active OWNER at that very moment (``_by_owner`` locks all of them), and never changes
the own account: so the last OWNER cannot go, and two who throw each other out at once leave one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Conflict, Forbidden, Invalid, NotFound
from app.base.vault import Vault
from app.operators import totp
from app.operators.callers import OperatorCaller
from app.operators.logins import end_logins, forgive
from app.operators.rules import check_scope
from models.operators import OperatorRole, OperatorStatus

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
_OWNERS = text(
    "select id from operator where role = 'OWNER' and status = 'ACTIVE' order by id for no key update"
)
_HOLD = text(
    """
    select o.id, o.code, o.name, o.role, o.status, e.code as entity, s.code as store,
           o.totp_confirmed_at is not null as has_totp
    from operator o left join legal_entity e on e.id = o.entity_id left join store s on s.id = o.store_id
    where o.code = :code for no key update of o
    """
)
_SET_ROLE = text(
    "update operator set name = :name, role = :role, entity_id = :entity_id, store_id = :store_id,"
    " updated_at = :now where id = :id"
)
_SET_STATUS = text("update operator set status = :status, updated_at = :now where id = :id")
_SET_PASSWORD = text(
    "update operator set password_hash = :hash, password_is_initial = :is_initial, updated_at = :now where id = :id"
)
_NO_TOTP = text(
    "update operator set totp_sealed = null, totp_confirmed_at = null, totp_step = null, updated_at = :now"
    " where id = :id"
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


@dataclass(frozen=True)
class Decision:
    """Who decided, why and when. ``owner`` None: a command at the server's own terminal, told by ``actor``."""

    actor: str
    why: str
    now: datetime
    owner: OperatorCaller | None = None


def create(session: Session, new: NewOperator, *, by: str, why: str, now: datetime) -> int:
    """Let somebody in; answers the row id. ``by`` is the actor; ``let_in`` is for one who is an operator.

    Refuses a role that does not fit the scope, an entity or store that is not there (Invalid), and a code
    that was ever given (Conflict OPERATOR_TAKEN): it stands in the audit log for good.
    """
    check_scope(new.role, entity=new.entity, store=new.store)
    places = _places(session, entity=new.entity, store=new.store)
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
    _note(session, Decision(by, why, now), new.code, "operator.create", None, after)
    return int(operator_id)


def let_in(session: Session, new: NewOperator, decision: Decision) -> None:
    """``create`` by an OWNER. Refuses ROLE_NEEDED when the decider is none any more."""
    _by_owner(session, decision, new.code)
    create(session, new, by=decision.actor, why=decision.why, now=decision.now)


def change_role(
    session: Session,
    code: str,
    decision: Decision,
    *,
    name: str,
    role: OperatorRole,
    entity: str | None,
    store: str | None,
) -> None:
    """Give somebody another name, role or scope; it counts from the next request on (within two seconds).

    The same again changes nothing. Refuses like ``create``; NOT_FOUND; OWN_ACCOUNT; ROLE_NEEDED.
    """
    check_scope(role, entity=entity, store=store)
    _by_owner(session, decision, code)
    found = _hold(session, code)
    after = {"name": name, "role": role.value, "entity": entity, "store": store}
    before = {field: getattr(found, field) for field in after}
    if before == after:
        return
    places = _places(session, entity=entity, store=store)
    facts = {"id": found.id, "name": name, "role": role.value, "now": decision.now}
    session.execute(_SET_ROLE, facts | places)
    changed = [field for field in after if before[field] != after[field]]
    _note(
        session,
        decision,
        code,
        "operator.role",
        {field: before[field] for field in changed},
        {field: after[field] for field in changed},
    )


def set_status(session: Session, code: str, decision: Decision, *, status: OperatorStatus) -> None:
    """Shut somebody out, all logins at once, or let in again. The same again changes nothing.

    Refuses NOT_FOUND; OWN_ACCOUNT; ROLE_NEEDED.
    """
    _by_owner(session, decision, code)
    found = _hold(session, code)
    if found.status == status:
        return
    session.execute(_SET_STATUS, {"id": found.id, "status": status.value, "now": decision.now})
    ended = end_logins(session, operator_id=found.id, now=decision.now)
    action = "operator.disable" if status is OperatorStatus.DISABLED else "operator.enable"
    after = {"status": status, "logins_ended": ended}
    _note(session, decision, code, action, {"status": found.status}, after)


def reset_password(
    session: Session, vault: Vault, code: str, decision: Decision, *, password_hash: str, is_initial: bool
) -> None:
    """Give somebody a password that ``is_initial`` (to be replaced at once); all logins and locks end.

    Refuses NOT_FOUND; OWN_ACCOUNT (change it yourself); ROLE_NEEDED.
    """
    _by_owner(session, decision, code)
    found = _hold(session, code)
    facts = {"id": found.id, "hash": password_hash, "is_initial": is_initial, "now": decision.now}
    session.execute(_SET_PASSWORD, facts)
    forgive(session, vault, code=code)
    ended = end_logins(session, operator_id=found.id, now=decision.now)
    after = {"logins_ended": ended, "password_is_initial": is_initial}
    _note(session, decision, code, "operator.password_reset", None, after)


def reset_totp(session: Session, code: str, decision: Decision) -> None:
    """Take away an authenticator that was lost, with its recovery codes; all logins end.

    Refuses NOT_FOUND; OWN_ACCOUNT; ROLE_NEEDED.
    """
    _by_owner(session, decision, code)
    found = _hold(session, code)
    session.execute(_NO_TOTP, {"id": found.id, "now": decision.now})
    totp.forget(session, operator_id=found.id)
    ended = end_logins(session, operator_id=found.id, now=decision.now)
    after = {"has_totp": False, "logins_ended": ended}
    _note(session, decision, code, "operator.totp_reset", {"has_totp": found.has_totp}, after)


def _by_owner(session: Session, decision: Decision, code: str) -> None:
    owner = decision.owner
    if owner is None:
        return
    if owner.code == code:
        raise Forbidden("OWN_ACCOUNT", "Nobody changes the own rights; ask another OWNER.")
    owners = {row.id for row in session.execute(_OWNERS)}
    if owner.operator_id not in owners:
        raise Forbidden("ROLE_NEEDED", "This needs OWNER.")


def _hold(session: Session, code: str) -> Row[Any]:
    found: Row[Any] | None = session.execute(_HOLD, {"code": code}).first()
    if found is None:
        raise NotFound("NOT_FOUND", "No such operator.")
    return found


def _places(session: Session, *, entity: str | None, store: str | None) -> dict[str, int | None]:
    found = session.execute(_PLACES, {"entity": entity, "store": store}).one()
    wrong = {}
    if entity is not None and found.entity_id is None:
        wrong["entity"] = "no such legal entity"
    if store is not None and found.store_id is None:
        wrong["store"] = "no such store"
    if wrong:
        raise Invalid("The scope is not there.", fields=wrong)
    return {"entity_id": found.entity_id, "store_id": found.store_id}


def _note(
    session: Session,
    decision: Decision,
    code: str,
    action: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    audit.note(
        session,
        actor=decision.actor,
        action=action,
        subject=f"operator:{code}",
        before=before,
        after=after,
        why=decision.why,
        at=decision.now,
    )
