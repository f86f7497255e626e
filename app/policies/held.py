"""One version of a policy, held until the end of the transaction, with everything else of its scope."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.policies.rules import Stage, stage
from models.policies import PolicyMode, PolicyScope

_SCOPE = text("select scope, scope_ref from attribution_policy where code = :code and version = :version")
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('policy scope ' || :scope || ' ' || :ref, 0))")
_ROW = text(
    """
    select code, version, scope, scope_ref, mode, params, effective_from, effective_to, created_by,
           submitted_at, approved_by, approved_at, withdrawn_at
    from attribution_policy where code = :code and version = :version for update
    """
)


@dataclass(frozen=True)
class Version:
    """One version as its row says."""

    code: str
    version: int
    scope: PolicyScope
    scope_ref: str | None
    mode: PolicyMode
    params: dict[str, Any]
    effective_from: datetime | None
    effective_to: datetime | None
    created_by: str
    submitted_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None
    withdrawn_at: datetime | None

    def stage(self, now: datetime) -> Stage:
        """Where it stands ``now``."""
        return stage(
            now=now,
            submitted_at=self.submitted_at,
            approved_at=self.approved_at,
            withdrawn_at=self.withdrawn_at,
            effective_from=self.effective_from,
            effective_to=self.effective_to,
        )


def hold(session: Session, code: str, version: int) -> Version:
    """The version, with its scope and its row locked in this order; NotFound when there is none.

    Every decision about one scope waits here for the one before it.
    """
    which = {"code": code, "version": version}
    found = session.execute(_SCOPE, which).first()
    if found is None:
        raise NotFound("NOT_FOUND", "No such version of a policy.")
    lock_scope(session, PolicyScope(found.scope), found.scope_ref)
    row = session.execute(_ROW, which).one()
    facts = dict(row._mapping)
    return Version(**facts | {"scope": PolicyScope(row.scope), "mode": PolicyMode(row.mode)})


def lock_scope(session: Session, scope: PolicyScope, ref: str | None) -> None:
    """Take the scope until the end of the transaction: its versions are decided one after the other."""
    session.execute(_LOCK, {"scope": scope.value, "ref": ref or ""})


def subject(code: str, version: int) -> str:
    """How the audit log names a version."""
    return f"policy:{code}/{version}"
