"""Targets of clerks, and versions of the tiers (SET-2)."""

from typing import Annotated

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from app.api.blueprints import guarded
from app.api.cursors import read_cursor, write_cursor
from app.api.guard import operator, parts, roles_only
from app.api.schema import ApiModel, Code, Int, PageQuery, Text, answer
from app.api.statement_shapes import MonthPath
from app.api.target_shapes import LIST, ChangedOut, TargetsBody, TargetsOut, target_out
from app.base.clock import iso
from app.settlement import targets, tiers
from app.settlement.employing import set_employment
from app.settlement.tiers import Scale
from models.operators import OperatorRole
from models.stores import Employment

TAG = Tag(name="Back office: targets", description="What clerks are to sell, and what that changes")


# Who sets the targets of clerks, each within the own part of the brand.
SETTERS = (OperatorRole.FINANCE, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE)
bp = guarded(
    "backoffice_targets",
    TAG,
    roles_only(OperatorRole.FINANCE, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE),
    404,
    409,
)
finance = guarded("backoffice_tiers", TAG, roles_only(OperatorRole.FINANCE), 404, 409)


class StepOut(ApiModel):
    """From this attainment on, in 1/10000 of the target, rows count times this, in 1/10000."""

    from_bp: Annotated[Int, Field(ge=0, examples=[8000])]
    multiplier_bp: Annotated[Int, Field(ge=0, examples=[10000])]


class ScaleOut(ApiModel):
    """A version of the tiers; in effect once approved. Version 0 is the house's own."""

    version: int
    from_month: str
    steps: list[StepOut]
    created_by: str
    approved_by: str | None
    approved_at: str | None


class ScalesOut(ApiModel):
    """The newest first."""

    items: list[ScaleOut]


class ScaleBody(ApiModel):
    """A new version for sales paid from a month on."""

    from_month: Annotated[Text, Field(max_length=16, examples=["2026-07"])]
    steps: Annotated[list[StepOut], Field(min_length=1, max_length=20)]
    why: Annotated[Text, Field(min_length=1, max_length=500, examples=["下半年方案"])]


class VersionPath(ApiModel):
    """A version of the tiers."""

    version: Annotated[int, Field(ge=0, le=1_000_000)]


class VersionOut(ApiModel):
    """The version that was acted on."""

    version: int


class WhyBody(ApiModel):
    """Why; it is kept in the audit log."""

    why: Annotated[Text, Field(min_length=1, max_length=500, examples=["复核通过"])]


class ClerkPath(ApiModel):
    """A clerk by code."""

    code: Annotated[Code, Field(description="Such as C-SZFT-01")]


class EmploymentBody(WhyBody):
    """How a clerk is paid: EMPLOYEE with the payroll, EXTERNAL by WeChat transfer (SET-3)."""

    employment: Employment


@bp.get("/targets/<month>", responses={"200": TargetsOut})
def month_targets(path: MonthPath, query: PageQuery) -> Response:
    """The clerks of the own scope with the month's target and what is attained of it so far."""
    after_id = 0 if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as reader:
        found = targets.listed(
            reader, month=path.month, scope=operator().scope, after_id=after_id, limit=query.limit + 1
        )
    shown = found[: query.limit]
    more = write_cursor(LIST, shown[-1].id) if len(found) > query.limit else None
    return answer(TargetsOut(month=path.month, items=[target_out(one) for one in shown], next=more))


@bp.post("/targets/<month>", responses={"200": ChangedOut})
def set_month_targets(path: MonthPath, body: TargetsBody) -> Response:
    """Set targets of one or many clerks, all or none. Of a month that is over only head office does it."""
    p, caller = parts(), operator()
    with p.tx() as session:
        changed = targets.set_targets(
            session,
            body.by_clerk(),
            month=path.month,
            scope=caller.scope,
            by=caller.actor,
            why=body.why,
            at=p.now(),
            only_open=not caller.scope.is_whole,
        )
    return answer(ChangedOut(changed=changed))


@finance.get("/tiers", responses={"200": ScalesOut})
def tier_scales() -> Response:
    """All versions of the tiers."""
    with parts().read() as reader:
        return answer(ScalesOut(items=[_scale(one) for one in tiers.scales(reader)]))


@finance.post("/tiers", responses={"201": VersionOut})
def draft_tiers(body: ScaleBody) -> Response:
    """Write a new version; it is in effect when somebody else has approved it."""
    p, caller = parts(), operator()
    steps = [(step.from_bp, step.multiplier_bp) for step in body.steps]
    with p.tx() as session:
        version = tiers.draft_scale(
            session, steps=steps, from_month=body.from_month, by=caller.actor, why=body.why, at=p.now()
        )
    return answer(VersionOut(version=version), 201)


@finance.post("/tiers/<version>/approve", responses={"200": VersionOut})
def approve_tiers(path: VersionPath, body: WhyBody) -> Response:
    """Put a version in effect. `SAME_PERSON` for who wrote it."""
    p, caller = parts(), operator()
    with p.tx() as session:
        tiers.approve_scale(session, version=path.version, by=caller.actor, why=body.why, at=p.now())
    return answer(VersionOut(version=path.version))


@finance.post("/clerks/<code>/employment", responses={"200": EmploymentBody})
def set_clerk_employment(path: ClerkPath, body: EmploymentBody) -> Response:
    """Say how a clerk is paid, from the next settlement on."""
    p, caller = parts(), operator()
    with p.tx() as session:
        set_employment(
            session, path.code, employment=body.employment, by=caller.actor, why=body.why, at=p.now()
        )
    return answer(body)


def _scale(scale: Scale) -> ScaleOut:
    return ScaleOut(
        version=scale.version,
        from_month=scale.from_month,
        steps=[StepOut(from_bp=step.from_bp, multiplier_bp=step.multiplier_bp) for step in scale.steps],
        created_by=scale.created_by,
        approved_by=scale.approved_by,
        approved_at=iso(scale.approved_at) if scale.approved_at else None,
    )
