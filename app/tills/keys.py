"""Keys of tills: made and shown once, replaced with an overlap, revoked at once. One key, one store."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base import audit, numbers
from app.base.errors import Conflict, NotFound
from app.base.scope import Scope
from app.base.vault import Vault

PURPOSE = "pos key"
# How long the old key stays good beside its successor, at most: long enough for a weekend without a technician.
LONGEST_OVERLAP = timedelta(days=14)
MOST_LIVE = 50

_COLUMNS = """
    select k.id, k.code, k.label, k.store_id, s.code as store, e.code as entity, k.created_by, k.created_at,
           k.ends_at, k.revoked_at
    from pos_key k join store s on s.id = k.store_id join legal_entity e on e.id = s.entity_id
    """
_ONE = text(f"{_COLUMNS} where k.code = :code for no key update of k")
_ALL = text(
    f"""
    {_COLUMNS}
    where (cast(:entity as text) is null or e.code = :entity) and (cast(:store as text) is null or s.code = :store)
      and k.id < :before
    order by k.id desc limit :limit
    """
)
_STORE = text(
    "select s.id, s.code, e.code as entity from store s join legal_entity e on e.id = s.entity_id"
    " where s.code = :code"
)
_LIVE = text(
    "select count(*) from pos_key where store_id = :store_id and revoked_at is null"
    " and (ends_at is null or ends_at > :now)"
)
_ADD = text(
    """
    insert into pos_key (code, store_id, label, secret_sealed, created_by, created_at)
    values (:code, :store_id, :label, :sealed, :by, :now)
    """
)
_END = text("update pos_key set ends_at = :ends_at where id = :id")
_REVOKE = text("update pos_key set revoked_at = :now, revoked_by = :by where id = :id")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is shown once, to whoever had it made; we keep the secret only sealed."""

    code: str
    secret: str
    store: str

    def __repr__(self) -> str:
        return f"NewKey({self.code}, {self.store})"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is listed. ``ends_at``: replaced, good until then."""

    row_id: int
    code: str
    label: str
    store: str
    created_by: str
    created_at: datetime
    ends_at: datetime | None
    revoked_at: datetime | None


def make(
    session: Session, vault: Vault, *, store: str, label: str, scope: Scope, by: str, now: datetime
) -> NewKey:
    """Make a key for the tills of a store. Refuses a store out of sight, and more than 50 live keys of one."""
    place = session.execute(_STORE, {"code": store}).first()
    if place is None:
        raise NotFound("NOT_FOUND", "No such store.")
    scope.require(entity=place.entity, store=place.code, detail="No such store.")
    if session.execute(_LIVE, {"store_id": place.id, "now": now}).scalar_one() >= MOST_LIVE:
        raise Conflict("TOO_MANY_KEYS", f"{store} has {MOST_LIVE} live keys; revoke some.")
    return _add(session, vault, place.id, place.code, label, by=by, why=f"key for {label}", now=now)


def rotate(
    session: Session, vault: Vault, *, code: str, overlap_s: int, scope: Scope, by: str, now: datetime
) -> NewKey:
    """Replace a key: the new one is good at once, the old one for ``overlap_s`` seconds more (0 to 14 days).

    Refuses a key that is out of sight, replaced already or revoked.
    """
    old = _get(session, code, scope)
    if old.revoked_at is not None or old.ends_at is not None:
        raise Conflict("KEY_ENDED", "This key has been replaced or revoked already.")
    ends_at = now + min(timedelta(seconds=overlap_s), LONGEST_OVERLAP)
    session.execute(_END, {"id": old.id, "ends_at": ends_at})
    return _add(session, vault, old.store_id, old.store, old.label, by=by, why=f"replaces {code}", now=now)


def revoke(session: Session, *, code: str, scope: Scope, by: str, why: str, now: datetime) -> None:
    """End a key at once (a till was stolen). Revoking again changes nothing. Refuses a key out of sight."""
    old = _get(session, code, scope)
    if old.revoked_at is not None:
        return
    session.execute(_REVOKE, {"id": old.id, "by": by, "now": now})
    audit.note(
        session,
        actor=by,
        action="pos_key.revoke",
        subject=f"pos_key:{code}",
        before={"store": old.store, "label": old.label},
        after=None,
        why=why,
        at=now,
    )


def page(session: Session | Connection, *, scope: Scope, before: int, limit: int) -> list[Key]:
    """Keys in sight, youngest first, older than row ``before``. Never a secret."""
    facts = {"entity": scope.entity, "store": scope.store, "before": before, "limit": limit}
    return [
        Key(r.id, r.code, r.label, r.store, r.created_by, r.created_at, r.ends_at, r.revoked_at)
        for r in session.execute(_ALL, facts)
    ]


def _get(session: Session, code: str, scope: Scope) -> Row[Any]:
    row = session.execute(_ONE, {"code": code}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such key.")
    scope.require(entity=row.entity, store=row.store, detail="No such key.")
    found: Row[Any] = row
    return found


def _add(
    session: Session,
    vault: Vault,
    store_id: int,
    store: str,
    label: str,
    *,
    by: str,
    why: str,
    now: datetime,
) -> NewKey:
    new = NewKey(numbers.draw("PK", now), secrets.token_urlsafe(32), store)
    facts = {"code": new.code, "store_id": store_id, "label": label, "by": by, "now": now}
    session.execute(_ADD, {**facts, "sealed": vault.seal(PURPOSE, new.secret)})
    audit.note(
        session,
        actor=by,
        action="pos_key.make",
        subject=f"pos_key:{new.code}",
        before=None,
        after={"store": store, "label": label},
        why=why,
        at=now,
    )
    return new
