"""What the versions of policies say and where they stand: for people, and what would change with one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.policies.rules import Stage, stage
from models.policies import PolicyMode, PolicyScope


@dataclass(frozen=True, slots=True)
class Written:
    """One version with who did what when. ``id`` is the place in the list."""

    id: int
    code: str
    version: int
    scope: PolicyScope
    scope_ref: str | None
    mode: PolicyMode
    params: dict[str, Any]
    stage: Stage
    effective_from: datetime | None
    effective_to: datetime | None
    created_by: str
    created_at: datetime
    submitted_by: str | None
    submitted_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """One field that two versions say differently; None = the version does not know it."""

    field: str
    before: Any
    after: Any


_COLUMNS = """
    p.id, p.code, p.version, p.scope, p.scope_ref, p.mode, p.params, p.effective_from, p.effective_to,
    p.created_by, p.created_at, p.submitted_by, p.submitted_at, p.approved_by, p.approved_at,
    p.withdrawn_by, p.withdrawn_at
"""
_PAGE = text(
    f"""
    select {_COLUMNS} from attribution_policy p
    where (cast(:before_id as bigint) is null or p.id < :before_id)
      and (cast(:code as text) is null or p.code = :code)
    order by p.id desc limit :limit
    """
)
_ONE = text(f"select {_COLUMNS} from attribution_policy p where p.code = :code and p.version = :version")
# POL-1: what may decide on sales of a company, or of one of its stores.
_IN_EFFECT = text(
    f"""
    select {_COLUMNS} from attribution_policy p
    where p.approved_at is not null and p.withdrawn_at is null and p.effective_from <= :now
      and (p.effective_to is null or p.effective_to > :now)
      and (p.scope in ('BRAND', 'CATEGORY')
           or (p.scope = 'ENTITY' and exists (
               select from legal_entity e left join store s on s.entity_id = e.id
               where e.code = p.scope_ref
                 and (cast(:entity as text) is null or e.code = :entity)
                 and (cast(:store as text) is null or s.code = :store)))
           or (p.scope = 'STORE_TYPE' and exists (
               select from store s join legal_entity e on e.id = s.entity_id
               where s.ownership = p.scope_ref
                 and (cast(:entity as text) is null or e.code = :entity)
                 and (cast(:store as text) is null or s.code = :store))))
    order by p.id desc
    """
)
# The version of the scope that a version ends, or ended: the latest decided one that begins before it.
_BEFORE = text(
    f"""
    select {_COLUMNS} from attribution_policy p
    join attribution_policy mine on mine.code = :code and mine.version = :version
    where p.scope = mine.scope and p.scope_ref is not distinct from mine.scope_ref and p.id <> mine.id
      and p.approved_at is not null and p.withdrawn_at is null
      and p.effective_from < coalesce(mine.effective_from, 'infinity')
      and (p.effective_to is null or p.effective_to > p.effective_from)
    order by p.effective_from desc limit 1
    """
)


def page(
    reader: Session | Connection,
    *,
    now: datetime,
    code: str | None = None,
    before_id: int | None = None,
    limit: int = 20,
) -> list[Written]:
    """The versions, newest first, of one code or of all; the page after the row ``before_id``."""
    found = reader.execute(_PAGE, {"code": code, "before_id": before_id, "limit": limit})
    return [_written(row, now) for row in found]


def get(reader: Session | Connection, code: str, version: int, *, now: datetime) -> Written:
    """One version; NotFound when there is none."""
    row = reader.execute(_ONE, {"code": code, "version": version}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such version of a policy.")
    return _written(row, now)


def deciding(
    reader: Session | Connection, *, entity: str | None, store: str | None, now: datetime
) -> list[Written]:
    """The versions that decide now on sales of a company or a store; both None = of the whole brand."""
    found = reader.execute(_IN_EFFECT, {"entity": entity, "store": store, "now": now})
    return [_written(row, now) for row in found]


def before(reader: Session | Connection, code: str, version: int, *, now: datetime) -> Written | None:
    """The version of the same scope whose place this one takes, or None when it is the first."""
    row = reader.execute(_BEFORE, {"code": code, "version": version}).first()
    return None if row is None else _written(row, now)


def changes(old: Written | None, new: Written) -> list[Change]:
    """What ``new`` says otherwise than ``old``, field by field, nested ones by their path."""
    said = _flat({"mode": old.mode.value, **old.params}) if old is not None else {}
    says = _flat({"mode": new.mode.value, **new.params})
    fields = [*says, *(name for name in said if name not in says)]
    return [
        Change(name, said.get(name), says.get(name))
        for name in sorted(fields)
        if said.get(name) != says.get(name)
    ]


def _flat(params: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in params.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _written(row: Row[Any], now: datetime) -> Written:
    facts = dict(row._mapping)
    at_stage = stage(
        now=now,
        submitted_at=row.submitted_at,
        approved_at=row.approved_at,
        withdrawn_at=row.withdrawn_at,
        effective_from=row.effective_from,
        effective_to=row.effective_to,
    )
    facts |= {"scope": PolicyScope(row.scope), "mode": PolicyMode(row.mode), "stage": at_stage}
    return Written(**facts)
