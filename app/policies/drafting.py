"""Writing a policy down and handing it in: what nobody has decided yet (POL-1, POL-5, SPL-7)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
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

FURTHEST = timedelta(days=3653)
WHOLE_BRAND_HAS_NO_END = "the brand's policy has no end of its own: a later version ends it"

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('policy code ' || :code, 0))")
_NEWEST = text(
    "select version, scope, scope_ref from attribution_policy where code = :code order by version desc limit 1"
)
_SAME = text(
    """
    select version from attribution_policy p
    where code = :code and created_by = :created_by and submitted_at is null and approved_at is null
      and withdrawn_at is null and mode = :mode and params = cast(:params as jsonb)
      and effective_from is not distinct from :effective_from
      and effective_to is not distinct from :effective_to
      and version = (select max(version) from attribution_policy where code = p.code)
    """
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
    The same draft of the same person again, while it is the newest, is that draft.

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
    facts = version_facts(
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
    session.execute(_LOCK, {"code": code})
    same = session.execute(_SAME, facts).scalar()
    if same is not None:
        return int(same)
    version = insert(session, facts)
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


def insert(session: Session, facts: Mapping[str, Any], *, approved_by: str | None = None) -> int:
    """The row of the next version, checked by the caller (see ``version_facts``); approved at once when
    ``approved_by`` is given.

    Holds the code until the end of the transaction. Refuses POLICY_CODE_TAKEN.
    """
    session.execute(_LOCK, {"code": facts["code"]})
    newest = session.execute(_NEWEST, {"code": facts["code"]}).first()
    if newest is not None and (newest.scope, newest.scope_ref) != (facts["scope"], facts["scope_ref"]):
        taken = f"{facts['code']} is for {newest.scope} {newest.scope_ref or ''}".rstrip()
        raise Conflict("POLICY_CODE_TAKEN", f"{taken}.")
    version = int(newest.version) + 1 if newest is not None else 1
    approved_at = facts["now"] if approved_by else None
    session.execute(
        _INSERT, {**facts, "version": version, "approved_by": approved_by, "approved_at": approved_at}
    )
    return version


def version_facts(
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
) -> dict[str, Any]:
    """A version as ``insert`` takes it."""
    return {
        "code": code,
        "scope": scope.value,
        "scope_ref": scope_ref,
        "mode": mode.value,
        "params": orjson.dumps(content).decode(),
        "effective_from": effective_from,
        "effective_to": effective_to,
        "created_by": by,
        "now": now,
    }


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
    if any(moment is not None and moment > now + FURTHEST for moment in (begins, ends)):
        return {
            "effective_from" if begins and begins > now + FURTHEST else "effective_to": "within ten years"
        }
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
