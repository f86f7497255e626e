"""Writing a policy down and handing it in: what nobody has decided yet (POL-1, POL-5, SPL-7)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.audit import note
from app.base.errors import Conflict, Invalid
from app.policies.held import hold, subject
from app.policies.rules import Stage, check
from models.policies import PolicyMode, PolicyScope
from models.stores import Ownership

WHOLE_BRAND_HAS_NO_END = "the brand's policy has no end of its own: a later version ends it"

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('policy code ' || :code, 0))")
_NEWEST = text(
    "select version, scope, scope_ref from attribution_policy where code = :code order by version desc limit 1"
)
_KNOWN = text(
    """
    select array(select code from category where code = any(:categories)) as categories,
           exists (select from legal_entity where code = cast(:ref as text)) as entity
    """
)
_INSERT = text(
    """
    insert into attribution_policy (code, version, scope, scope_ref, mode, params, effective_from, effective_to,
                                    drafted_to, created_by, approved_by, approved_at, created_at)
    values (:code, :version, :scope, :scope_ref, :mode, cast(:params as jsonb), :effective_from, :effective_to,
            :effective_to, :created_by, :approved_by, :approved_at, :now)
    """
)
_SUBMIT = text(
    "update attribution_policy set submitted_by = :by, submitted_at = :now"
    " where code = :code and version = :version"
)


def draft(
    session: Session,
    *,
    code: str,
    scope: PolicyScope,
    scope_ref: str | None,
    mode: PolicyMode,
    params: Mapping[str, Any],
    effective_from: datetime | None,
    effective_to: datetime | None,
    by: str,
    now: datetime,
    why: str = "drafted",
) -> int:
    """Write the next version of ``code`` as a draft and answer its number; nothing is decided by it.

    ``effective_from`` None = the midnight (Asia/Shanghai) after the approval. ``effective_to`` ends it;
    the same moment as ``effective_from`` = it only ends the version before it. Refuses (Invalid, each
    wrong field named) what ``rules.check`` refuses, an unknown category, company or kind of store, and
    an end of the brand's own policy; POLICY_CODE_TAKEN when the code has another scope.
    """
    terms = check(params, mode)
    wrong = _wrong_scope(session, scope, scope_ref, terms.pools) | _wrong_dates(
        scope, effective_from, effective_to, now
    )
    if wrong:
        raise Invalid("The policy is not valid.", fields=wrong)
    content = terms.content(mode)
    version = insert(
        session,
        code=code,
        scope=scope,
        scope_ref=scope_ref,
        mode=mode,
        content=content,
        effective_from=effective_from,
        effective_to=effective_to,
        by=by,
        now=now,
    )
    after = {"mode": mode.value, "scope": scope.value, "scope_ref": scope_ref, "terms": _told(content)}
    name = subject(code, version)
    note(session, actor=by, action="policy.draft", subject=name, before=None, after=after, why=why, at=now)
    return version


def draft_again(
    session: Session, *, code: str, like: int, effective_from: datetime | None, by: str, now: datetime
) -> int:
    """A new draft with the content of the version ``like``: the way back to it (a version never returns).

    Refuses an unknown version (NotFound) and what ``draft`` refuses.
    """
    old = hold(session, code, like)
    return draft(
        session,
        code=code,
        scope=old.scope,
        scope_ref=old.scope_ref,
        mode=old.mode,
        params=old.params,
        effective_from=effective_from,
        effective_to=None,
        by=by,
        now=now,
        why=f"as version {like} was",
    )


def submit(session: Session, *, code: str, version: int, by: str, now: datetime) -> None:
    """Hand a draft in for approval; handed in already: nothing changes.

    Refuses POLICY_STATE when it is decided or withdrawn, NotFound when there is no such version.
    """
    row = hold(session, code, version)
    at_stage = row.stage(now)
    if at_stage is Stage.SUBMITTED:
        return
    if at_stage is not Stage.DRAFT:
        raise Conflict("POLICY_STATE", f"{subject(code, version)} is {at_stage.value}.")
    session.execute(_SUBMIT, {"code": code, "version": version, "by": by, "now": now})
    told = {"before": {"stage": Stage.DRAFT.value}, "after": {"stage": Stage.SUBMITTED.value}}
    name = subject(code, version)
    note(session, actor=by, action="policy.submit", subject=name, **told, why="for approval", at=now)


def insert(
    session: Session,
    *,
    code: str,
    scope: PolicyScope,
    scope_ref: str | None,
    mode: PolicyMode,
    content: Mapping[str, Any],
    effective_from: datetime | None,
    effective_to: datetime | None,
    by: str,
    now: datetime,
    approved_by: str | None = None,
) -> int:
    """The row of the next version, checked by the caller; approved at once when ``approved_by`` is given.

    Holds the code until the end of the transaction. Refuses POLICY_CODE_TAKEN.
    """
    session.execute(_LOCK, {"code": code})
    newest = session.execute(_NEWEST, {"code": code}).first()
    if newest is not None and (newest.scope, newest.scope_ref) != (scope.value, scope_ref):
        raise Conflict(
            "POLICY_CODE_TAKEN", f"{code} is for {newest.scope} {newest.scope_ref or ''}".rstrip() + "."
        )
    version = int(newest.version) + 1 if newest is not None else 1
    facts = {
        "code": code,
        "version": version,
        "scope": scope.value,
        "scope_ref": scope_ref,
        "mode": mode.value,
        "params": orjson.dumps(content).decode(),
        "effective_from": effective_from,
        "effective_to": effective_to,
        "created_by": by,
        "approved_by": approved_by,
        "approved_at": now if approved_by else None,
        "now": now,
    }
    session.execute(_INSERT, facts)
    return version


def _wrong_scope(
    session: Session, scope: PolicyScope, ref: str | None, pools: Mapping[str, int]
) -> dict[str, str]:
    found = session.execute(_KNOWN, {"categories": [*pools, ref or ""], "ref": ref}).one()
    wrong = {f"pools.{code}": "no such category" for code in pools if code not in found.categories}
    right = {
        PolicyScope.BRAND: ref is None,
        PolicyScope.ENTITY: found.entity,
        PolicyScope.STORE_TYPE: ref in [kind.value for kind in Ownership],
        PolicyScope.CATEGORY: ref in found.categories,
    }[scope]
    if not right:
        wrong["scope_ref"] = {
            PolicyScope.BRAND: "nothing: the brand is everything",
            PolicyScope.ENTITY: "the code of a legal entity",
            PolicyScope.STORE_TYPE: "DIRECT, FRANCHISE or JOINT",
            PolicyScope.CATEGORY: "the code of a category",
        }[scope]
    return wrong


def _wrong_dates(
    scope: PolicyScope, begins: datetime | None, ends: datetime | None, now: datetime
) -> dict[str, str]:
    wrong = {}
    if begins is not None and begins <= now:
        wrong["effective_from"] = "must lie in the future: orders of the past keep their version (POL-2)"
    if ends is not None and scope is PolicyScope.BRAND:
        wrong["effective_to"] = WHOLE_BRAND_HAS_NO_END
    elif ends is not None and (begins is None or ends < begins):
        wrong["effective_to"] = "needs effective_from, and cannot be before it"
    return wrong


def _told(content: Mapping[str, Any]) -> list[str]:
    # As lines: names of categories are nobody's business to judge as names of fields.
    return [f"{name} = {value}" for name, value in content.items()]
