"""Putting a version in effect, and taking back one that was not in effect yet (POL-1, POL-2, SPL-7)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg.errors import ExclusionViolation
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.base.audit import note
from app.base.clock import days_after, iso
from app.base.errors import Conflict, Forbidden
from app.policies.drafting import insert, version_facts
from app.policies.held import Version, hold, lock_scope, subject
from app.policies.rules import Stage, check
from models.policies import PolicyMode, PolicyScope

# No order may exist at a moment of which the version is not decided yet (POL-2): an approval that takes
# its time must have ended before its version begins.
NOTICE = timedelta(minutes=1)

_NEWEST = text(
    """
    select version, scope, scope_ref, mode, params, effective_from from attribution_policy
    where code = :code and approved_at is not null and withdrawn_at is null order by version desc limit 1
    """
)
_END = text(
    """
    update attribution_policy set effective_to = :effective_from
    where scope = :scope and scope_ref is not distinct from cast(:scope_ref as text)
      and approved_at is not null and withdrawn_at is null and effective_from < :effective_from
      and (effective_to is null or effective_to > :effective_from)
    """
)
_APPROVE = text(
    "update attribution_policy set approved_by = :by, approved_at = :now, effective_from = :effective_from"
    " where code = :code and version = :version"
)
_WITHDRAW = text(
    "update attribution_policy set withdrawn_by = :by, withdrawn_at = :now"
    " where code = :code and version = :version"
)
# What the withdrawn version would have ended goes on: to the end that it was drafted with, or to the
# beginning of the next one.
_GO_ON = text(
    """
    update attribution_policy set effective_to = least(drafted_to, (
        select min(n.effective_from) from attribution_policy n
        where n.scope = :scope and n.scope_ref is not distinct from cast(:scope_ref as text)
          and n.approved_at is not null and n.withdrawn_at is null and n.effective_from > :effective_from))
    where scope = :scope and scope_ref is not distinct from cast(:scope_ref as text)
      and approved_at is not null and withdrawn_at is null
      and effective_to = :effective_from
    """
)


def approve(
    session: Session, *, code: str, version: int, by: str, now: datetime, why: str = "approved"
) -> datetime:
    """Put a submitted version in effect from its day on and end the one before it there; answers the day.

    By a second person: SAME_PERSON for whoever drafted it. Without a day it begins at the midnight
    (Asia/Shanghai) after ``now``; never in the past of an order: POLICY_TOO_LATE within ``NOTICE`` of its
    beginning. The same person again changes nothing. Refuses POLICY_STATE for what is not submitted,
    POLICY_SCHEDULED when a later version of the scope is approved already, and what ``check`` refuses.
    """
    row = hold(session, code, version)
    if by == row.created_by:
        raise Forbidden("SAME_PERSON", "Whoever drafts a policy does not approve it.")
    at_stage = row.stage(now)
    if at_stage in (Stage.APPROVED, Stage.ACTIVE) and row.approved_by == by and row.effective_from:
        return row.effective_from
    if at_stage is not Stage.SUBMITTED:
        raise Conflict("POLICY_STATE", f"{subject(code, version)} is {at_stage.value}.")
    check(row.params, row.mode)
    begins = row.effective_from or days_after(now, 1)
    if row.effective_from is None and begins < now + NOTICE:
        begins = days_after(now, 2)
    if begins < now + NOTICE:
        raise Conflict(
            "POLICY_TOO_LATE", f"It would begin at {iso(begins)}: draft it again with a later day."
        )
    session.execute(_END, {**_of_scope(row), "effective_from": begins})
    _decide(session, _APPROVE, {**_which(row), "by": by, "now": now, "effective_from": begins})
    _note(session, row, by, "approve", why, now, stage=Stage.APPROVED.value, effective_from=iso(begins))
    return begins


def withdraw(session: Session, *, code: str, version: int, by: str, now: datetime, why: str) -> None:
    """Take a version back that has not begun; what it would have ended goes on.

    Withdrawn already: nothing changes. Refuses POLICY_IN_EFFECT for one that decides or has decided: the
    way back is a new version. Refuses POLICY_TOO_LATE within ``NOTICE`` of its beginning.
    """
    row = hold(session, code, version)
    at_stage = row.stage(now)
    if at_stage is Stage.WITHDRAWN:
        return
    if at_stage in (Stage.ACTIVE, Stage.ENDED):
        raise Conflict("POLICY_IN_EFFECT", f"{subject(code, version)} is {at_stage.value}.")
    decided = at_stage is Stage.APPROVED and row.effective_from is not None
    if decided and row.effective_from is not None and row.effective_from < now + NOTICE:
        raise Conflict("POLICY_TOO_LATE", f"It begins at {iso(row.effective_from)}.")
    session.execute(_WITHDRAW, {**_which(row), "by": by, "now": now})
    if decided:
        _decide(session, _GO_ON, {**_of_scope(row), "effective_from": row.effective_from})
    _note(session, row, by, "withdraw", why, now, stage=Stage.WITHDRAWN.value)


def install(
    session: Session,
    *,
    code: str,
    scope: PolicyScope,
    scope_ref: str | None,
    mode: PolicyMode,
    params: Mapping[str, Any],
    effective_from: datetime,
    by: str,
    now: datetime,
    approved_by: str | None = None,
) -> int:
    """Put what a brand's own list says in effect at once and end the version before it; answers the version.

    Not for operators: it is how a brand is loaded, by whoever may write into the database. The same
    content as the newest version answers that version and writes nothing. Refuses what ``check`` refuses
    and POLICY_SCHEDULED.
    """
    content = check(params, mode).content(mode)
    lock_scope(session, scope, scope_ref)
    newest = session.execute(_NEWEST, {"code": code}).first()
    if newest is not None:
        written = (newest.scope, newest.scope_ref, newest.mode, newest.params, newest.effective_from)
        if written == (scope.value, scope_ref, mode.value, content, effective_from):
            return int(newest.version)
    of_scope = {"scope": scope.value, "scope_ref": scope_ref, "effective_from": effective_from}
    facts = version_facts(
        code=code,
        scope=scope,
        scope_ref=scope_ref,
        mode=mode,
        content=content,
        effective_from=effective_from,
        effective_to=None,
        by=by,
        now=now,
    )
    session.execute(_END, of_scope)
    try:
        version = insert(session, facts, approved_by=approved_by or by)
    except IntegrityError as error:
        raise _overlap(error) from error
    note(
        session,
        actor=by,
        action="policy.install",
        subject=subject(code, version),
        before=None,
        after={"effective_from": iso(effective_from)},
        why="as the brand's list says",
        at=now,
    )
    return version


def _decide(session: Session, statement: Any, facts: dict[str, Any]) -> None:
    try:
        session.execute(statement, facts)
    except IntegrityError as error:
        raise _overlap(error) from error


def _overlap(error: IntegrityError) -> Exception:
    if not isinstance(error.orig, ExclusionViolation):
        return error
    return Conflict("POLICY_SCHEDULED", "A later version of the policy is approved already.")


def _which(row: Version) -> dict[str, Any]:
    return {"code": row.code, "version": row.version}


def _of_scope(row: Version) -> dict[str, Any]:
    return {"scope": row.scope.value, "scope_ref": row.scope_ref}


def _note(
    session: Session, row: Version, by: str, action: str, why: str, now: datetime, **after: str
) -> None:
    told = {"before": {"stage": row.stage(now).value}, "after": after}
    name = subject(row.code, row.version)
    note(session, actor=by, action=f"policy.{action}", subject=name, **told, why=why, at=now)
