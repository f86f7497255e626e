"""Policies over HTTP: who reads, who drafts, who approves (POL-1 to POL-5, SPL-7)."""

from typing import Annotated, Any

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from app.api.blueprints import guarded
from app.api.cursors import read_cursor, write_cursor
from app.api.guard import operator, parts, roles_only, writers_only
from app.api.schema import ApiModel, Code, Moment, PageQuery, QueryInt, Text, answer
from app.base.audit import MOST_WHY
from app.base.clock import iso
from app.base.errors import Invalid, NotFound
from app.policies import reading
from app.policies.approving import approve, withdraw
from app.policies.drafting import draft, draft_again, submit
from app.policies.reading import Written
from app.policies.rules import Stage
from models.operators import OperatorRole
from models.policies import PolicyMode, PolicyScope

TAG = Tag(
    name="Back office: policies", description="The rules of earning: drafted by one, approved by another"
)
LIST = "policies"
# Who sees drafts and the past; the others see what decides on their own sales.
_HEAD_OFFICE = (OperatorRole.OWNER, OperatorRole.FINANCE, OperatorRole.MARKETING)
_TERMS = {
    "weights": {
        "ACQ_CLERK": 3000,
        "ACQ_STORE": 1500,
        "SVC_CLERK": 2000,
        "SELL_CLERK": 2000,
        "FULFIL_STORE": 1500,
    },
    "pools": {"apparel": 500, "wine": 300},
    "platform_fee_bp": 500,
    "sell_window_days": 15,
}


PREFIX = "/api/backoffice/policies"
bp = guarded("backoffice_policies", TAG, writers_only(OperatorRole.MARKETING), 404, 409, prefix=PREFIX)
decisions = guarded(
    "backoffice_policy_decisions", TAG, roles_only(OperatorRole.FINANCE), 404, 409, prefix=PREFIX
)
both = guarded(
    "backoffice_policy_both",
    TAG,
    roles_only(OperatorRole.MARKETING, OperatorRole.FINANCE),
    404,
    409,
    prefix=PREFIX,
)

Beginning = Annotated[
    Moment | None,
    Field(default=None, description="RFC 3339, with an offset", examples=["2026-12-01T00:00:00+08:00"]),
]
Why = Annotated[
    Text,
    Field(
        min_length=1, max_length=MOST_WHY, description="Goes into the audit log", examples=["按十二月方案"]
    ),
]


class PoliciesQuery(PageQuery):
    """All versions, or those of one code."""

    code: Annotated[Code | None, Field(default=None, description="Such as DEFAULT")]


class VersionPath(ApiModel):
    """One version."""

    code: Annotated[Code, Field(description="Such as DEFAULT")]
    version: Annotated[QueryInt, Field(ge=1, le=1_000_000)]


class DraftBody(ApiModel):
    """A new version. `terms` hold what the mode knows; what is left out has its default."""

    code: Annotated[Code, Field(examples=["DEFAULT"])]
    scope: PolicyScope
    scope_ref: Annotated[
        Code | None,
        Field(
            default=None,
            description="Company, DIRECT/FRANCHISE/JOINT, or category; nothing for BRAND",
            examples=["wine"],
        ),
    ]
    mode: PolicyMode
    terms: Annotated[dict[str, Any], Field(description="Basis points and days", examples=[_TERMS])]
    effective_from: Beginning
    effective_to: Beginning


class AgainBody(ApiModel):
    """When the new draft shall begin; nothing = the midnight after its approval."""

    effective_from: Beginning


class WhyBody(ApiModel):
    """The reason."""

    why: Why


class PolicyOut(ApiModel):
    """One version. `effective_from` null: the midnight (Asia/Shanghai) after its approval."""

    code: str
    version: int
    scope: str
    scope_ref: str | None
    mode: str
    terms: dict[str, Any] = Field(examples=[_TERMS])
    stage: str = Field(description=", ".join(Stage), examples=["ACTIVE"])
    effective_from: str | None
    effective_to: str | None
    created_by: str = Field(examples=["operator:O-MARKETING"])
    created_at: str
    submitted_by: str | None
    submitted_at: str | None
    approved_by: str | None
    approved_at: str | None
    withdrawn_by: str | None
    withdrawn_at: str | None


class PoliciesOut(ApiModel):
    """A page of versions, newest first."""

    items: list[PolicyOut]
    next: str | None


class ChangeOut(ApiModel):
    """One field that changes; null = the version does not know it."""

    field: str = Field(examples=["pools.apparel"])
    before: Any = Field(examples=[500])
    after: Any = Field(examples=[800])


class ChangesOut(ApiModel):
    """What a version says otherwise than the one whose place it takes; both null when it is the first."""

    code: str | None
    version: int | None
    changes: list[ChangeOut]


@bp.get("", responses={"200": PoliciesOut})
def list_versions(query: PoliciesQuery) -> Response:
    """All versions for head office; what decides now on the own sales for everybody else."""
    caller, now = operator(), parts().now()
    with parts().read() as connection:
        if caller.role not in _HEAD_OFFICE:
            scope = caller.scope
            rows = reading.deciding(connection, entity=scope.entity, store=scope.store, now=now)
            shown = [row for row in rows if query.code in (None, row.code)]
            return answer(PoliciesOut(items=[_shown(row) for row in shown], next=None))
        before_id = read_cursor(LIST, query.cursor) if query.cursor else None
        rows = reading.page(connection, now=now, code=query.code, before_id=before_id, limit=query.limit + 1)
    more = write_cursor(LIST, rows[query.limit - 1].id) if len(rows) > query.limit else None
    return answer(PoliciesOut(items=[_shown(row) for row in rows[: query.limit]], next=more))


@bp.get("/<code>/versions/<version>", responses={"200": PolicyOut})
def show_version(path: VersionPath) -> Response:
    """One version; for store managers and franchisees one that decides now on their sales."""
    caller, now = operator(), parts().now()
    with parts().read() as connection:
        row = reading.get(connection, path.code, path.version, now=now)
        if caller.role not in _HEAD_OFFICE:
            scope = caller.scope
            theirs = reading.deciding(connection, entity=scope.entity, store=scope.store, now=now)
            if row.id not in {one.id for one in theirs}:
                raise NotFound("NOT_FOUND", "No such version of a policy.")
    return answer(_shown(row))


@both.get("/<code>/versions/<version>/changes", responses={"200": ChangesOut})
def show_changes(path: VersionPath) -> Response:
    """What changes when this version takes the place of the one before it."""
    now = parts().now()
    with parts().read() as connection:
        row = reading.get(connection, path.code, path.version, now=now)
        old = reading.before(connection, path.code, path.version, now=now)
    found = [
        ChangeOut(field=one.field, before=one.before, after=one.after) for one in reading.changes(old, row)
    ]
    code, version = (old.code, old.version) if old else (None, None)
    return answer(ChangesOut(code=code, version=version, changes=found))


@bp.post("", responses={"201": PolicyOut})
def write_draft(body: DraftBody) -> Response:
    """Write the next version of a code as a draft. Each wrong field of the terms is named."""
    now = parts().now()
    with parts().tx() as session:
        try:
            version = draft(
                session,
                code=body.code,
                scope=body.scope,
                scope_ref=body.scope_ref,
                mode=body.mode,
                params=body.terms,
                effective_from=body.effective_from,
                effective_to=body.effective_to,
                by=operator().actor,
                now=now,
            )
        except Invalid as refused:
            raise Invalid(refused.detail, fields=_in_body(refused.fields)) from refused
        return answer(_shown(reading.get(session, body.code, version, now=now)), 201)


@bp.post("/<code>/versions/<version>/again", responses={"201": PolicyOut})
def write_again(path: VersionPath, body: AgainBody) -> Response:
    """Draft a new version with the content of this one: the way back to it."""
    now = parts().now()
    with parts().tx() as session:
        version = draft_again(
            session,
            code=path.code,
            like=path.version,
            effective_from=body.effective_from,
            by=operator().actor,
            now=now,
        )
        return answer(_shown(reading.get(session, path.code, version, now=now)), 201)


@bp.post("/<code>/versions/<version>/submit", responses={"200": PolicyOut})
def hand_in(path: VersionPath) -> Response:
    """Hand a draft in for approval."""
    now = parts().now()
    with parts().tx() as session:
        submit(session, code=path.code, version=path.version, by=operator().actor, now=now)
        return answer(_shown(reading.get(session, path.code, path.version, now=now)))


@decisions.post("/<code>/versions/<version>/approve", responses={"200": PolicyOut})
def decide(path: VersionPath, body: WhyBody) -> Response:
    """Put a submitted version in effect from its day on; SAME_PERSON for whoever drafted it."""
    now = parts().now()
    with parts().tx() as session:
        by = operator().actor
        approve(session, code=path.code, version=path.version, by=by, now=now, why=body.why)
        return answer(_shown(reading.get(session, path.code, path.version, now=now)))


@both.post("/<code>/versions/<version>/withdraw", responses={"200": PolicyOut})
def take_back(path: VersionPath, body: WhyBody) -> Response:
    """Take a version back that has not begun; what it would have ended goes on."""
    now = parts().now()
    with parts().tx() as session:
        by = operator().actor
        withdraw(session, code=path.code, version=path.version, by=by, now=now, why=body.why)
        return answer(_shown(reading.get(session, path.code, path.version, now=now)))


def _in_body(fields: dict[str, str]) -> dict[str, str]:
    return {name if name in DraftBody.model_fields else f"terms.{name}": why for name, why in fields.items()}


def _shown(row: Written) -> PolicyOut:
    moments = {
        name: iso(moment) if (moment := getattr(row, name)) else None
        for name in ("effective_from", "effective_to", "submitted_at", "approved_at", "withdrawn_at")
    }
    return PolicyOut(
        code=row.code,
        version=row.version,
        scope=row.scope,
        scope_ref=row.scope_ref,
        mode=row.mode,
        terms=row.params,
        stage=row.stage,
        created_by=row.created_by,
        created_at=iso(row.created_at),
        submitted_by=row.submitted_by,
        approved_by=row.approved_by,
        withdrawn_by=row.withdrawn_by,
        **moments,
    )
