"""Head office, franchisees and store managers: leavers, hand-overs, transfers, moves, closings, stories, terms."""

from datetime import date, datetime
from typing import Annotated, Any

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from app.api import relation_shapes as shapes
from app.api.blueprints import guarded
from app.api.errors import Responses, problems
from app.api.guard import operator, parts, roles_only, writers_only
from app.api.relation_shapes import (
    ClerkPath,
    HandoverBody,
    HandoverPath,
    LeavingBody,
    MemberPath,
    PreviewOut,
    ProgressOut,
    StoryOut,
    TransferBody,
    Why,
    WhyBody,
    WishBody,
)
from app.api.schema import ApiModel, Code, Int, Moment, answer
from app.attribution import binding_terms
from app.base import audit
from app.base.clock import iso
from app.operators.callers import OperatorCaller
from app.relations import closing, landing, leaving, moving
from models.operators import OperatorRole

TAG = Tag(name="Back office: relations", description="Who serves whom, and its changes")
DONE: Responses = {"204": {"description": "Done"}}
# Who decides about people and their customers, each within the own part of the brand.
STAFFING = (OperatorRole.SERVICE, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE)


staffing = guarded("backoffice_staffing", TAG, roles_only(*STAFFING))
moves = guarded("backoffice_clerk_moves", TAG, roles_only(OperatorRole.SERVICE, OperatorRole.FRANCHISEE))
closings = guarded("backoffice_closings", TAG, roles_only(OperatorRole.FRANCHISEE))
stories = guarded("backoffice_stories", TAG, roles_only(OperatorRole.MARKETING, *STAFFING))
allowing = guarded("backoffice_allow_lists", TAG, roles_only(OperatorRole.MARKETING, OperatorRole.SERVICE))
binding = guarded("backoffice_binding_terms", TAG, writers_only(OperatorRole.MARKETING))
owners = guarded("backoffice_relations_of_owners", TAG, roles_only())
DOORS = (staffing, moves, closings, stories, allowing, binding, owners)


class MoveBody(ApiModel):
    """To which store."""

    store: Code
    why: Why


class StorePath(ApiModel):
    """Which store."""

    store: Code


class EntityPath(ApiModel):
    """Which legal entity."""

    entity: Code


class ClosingBody(ApiModel):
    """The last day, and the open store of the same company that takes the customers; null = head office."""

    closing_on: date
    successor: Annotated[Code | None, Field(default=None)]
    why: Why


class ContractBody(ApiModel):
    """The last day of the contract, null = it goes on."""

    last_day: date | None
    why: Why


class HandoverOut(ApiModel):
    """The hand-over that moves the members; null = nobody had to be moved."""

    handover: str | None


class AllowBody(ApiModel):
    """On which store's allow-list the member stands; null = on none."""

    store: Code | None
    why: Why


class TermsBody(ApiModel):
    """Terms of service bindings; what is not named keeps its default."""

    params: dict[str, Any]
    effective_from: Moment
    why: Why


class VersionPath(ApiModel):
    """Which version."""

    version: Annotated[int, Field(ge=1, le=10**9)]


class TermsOut(ApiModel):
    """The terms that hold now, and a draft's version or when it begins."""

    params: dict[str, Any]
    version: Int | None
    effective_from: str | None


@staffing.put("/clerks/<clerk>/leaving", responses={**DONE, **problems(404, 409)})
def start_leaving(path: ClerkPath, body: LeavingBody) -> Response:
    """Note when a clerk leaves; from now on nobody new comes to that clerk."""
    caller = operator()
    return shapes.start_leaving(path.clerk, body, actor=caller.actor, scope=caller.scope)


@staffing.post("/clerks/<clerk>/handover/preview", responses={"200": PreviewOut, **problems(404, 409)})
def preview(path: ClerkPath, body: WishBody) -> Response:
    """What a hand-over would do. Writes nothing."""
    return shapes.preview(path.clerk, body, scope=operator().scope)


@staffing.post(
    "/clerks/<clerk>/handover", responses={"200": ProgressOut, "202": ProgressOut, **problems(404, 409)}
)
def hand_over(path: ClerkPath, body: HandoverBody) -> Response:
    """Hand a leaving clerk's members to others; large ones go on by themselves (202)."""
    caller = operator()
    return shapes.hand_over(path.clerk, body, actor=caller.actor, scope=caller.scope)


@staffing.post("/clerks/<clerk>/left", responses={**DONE, **problems(404, 409)})
def left(path: ClerkPath, body: WhyBody) -> Response:
    """Let a clerk go whose last day is over; refused while members are bound. Happens by itself every night."""
    caller, p = operator(), parts()
    with p.tx() as session:
        leaving.leave(
            session,
            clerk_code=path.clerk,
            actor=caller.actor,
            why=body.why,
            scope=caller.scope,
            now=p.now(),
        )
    return Response(status=204)


@moves.put("/clerks/<clerk>/store", responses={"200": HandoverOut, **problems(404, 409)})
def move(path: ClerkPath, body: MoveBody) -> Response:
    """Let a clerk work at another store; members follow within one company, else they stay with the old store."""
    caller, p = operator(), parts()
    with p.tx() as session:
        number = moving.move_clerk(
            session,
            clerk_code=path.clerk,
            to_store=body.store,
            actor=caller.actor,
            why=body.why,
            scope=caller.scope,
            now=p.now(),
        )
    return answer({"handover": number})


@staffing.get("/handovers/<number>", responses={"200": ProgressOut, **problems(404)})
def progress(path: HandoverPath) -> Response:
    """How far a hand-over has got."""
    return shapes.show_progress(path.number, operator().scope)


@staffing.post("/transfers", responses={**DONE, **problems(404, 409)})
def transfer(body: TransferBody) -> Response:
    """Move one member to another clerk; at most twice in 90 days."""
    caller = operator()
    return shapes.transfer(body, actor=caller.actor, scope=caller.scope)


@closings.put("/stores/<store>/closing", responses={**DONE, **problems(404, 409)})
def start_closing(path: StorePath, body: ClosingBody) -> Response:
    """Note that a store will close: no new touches, no new pick-ups from now on."""
    caller, p = operator(), parts()
    with p.tx() as session:
        closing.start_closing(
            session,
            store_code=path.store,
            closing_on=body.closing_on,
            successor=body.successor,
            actor=caller.actor,
            why=body.why,
            scope=caller.scope,
            now=p.now(),
        )
    return Response(status=204)


@closings.post("/stores/<store>/close", responses={"200": HandoverOut, **problems(404, 409)})
def close(path: StorePath, body: WhyBody) -> Response:
    """Move a closing store's members to its successor or to head office, and close it when all have moved."""
    caller, p = operator(), parts()
    with p.tx() as session:
        number = closing.close_store(
            session,
            store_code=path.store,
            actor=caller.actor,
            why=body.why,
            scope=caller.scope,
            now=p.now(),
        )
    return answer({"handover": number})


@owners.put("/entities/<entity>/contract", responses=DONE)
def contract(path: EntityPath, body: ContractBody) -> Response:
    """Until when a franchise contract holds (OWNER only)."""
    caller, p = operator(), parts()
    with p.tx() as session:
        closing.end_contract(
            session,
            entity_code=path.entity,
            last_day=body.last_day,
            actor=caller.actor,
            why=body.why,
            now=p.now(),
        )
    return Response(status=204)


@stories.get("/members/<number>/story", responses={"200": StoryOut, **problems(404)})
def story(path: MemberPath) -> Response:
    """A member explained: every touch, who brought, who served since when, and why."""
    return shapes.tell_story(path.number, operator().scope)


@allowing.put("/members/<number>/allowed-store", responses={**DONE, **problems(404)})
def allow(path: MemberPath, body: AllowBody) -> Response:
    """Put a member on a store's allow-list, where the member then lands (MARKETING, SERVICE)."""
    caller, p = operator(), parts()
    with p.tx() as session:
        landing.allow(
            session,
            member_number=path.number,
            store_code=body.store,
            actor=caller.actor,
            why=body.why,
            now=p.now(),
        )
    return Response(status=204)


@binding.get("/binding-terms", responses={"200": TermsOut})
def terms() -> Response:
    """The terms of service bindings that hold now."""
    p = parts()
    with p.read() as connection:
        found = binding_terms.in_effect(connection, at=p.now())
    return answer({"params": binding_terms.told(found), "version": None, "effective_from": None})


@binding.post("/binding-terms", responses={"201": TermsOut})
def draft_terms(body: TermsBody) -> Response:
    """Draft terms, for somebody else to approve (MARKETING)."""
    caller, p = operator(), parts()
    with p.tx() as session:
        version = binding_terms.draft(
            session, body.params, effective_from=body.effective_from, by=caller.actor, now=p.now()
        )
        _note(session, caller, "binding_terms.draft", version, body.why, body.effective_from)
    params = binding_terms.told(binding_terms.check(body.params))
    return answer({"params": params, "version": version, "effective_from": iso(body.effective_from)}, 201)


@owners.post("/binding-terms/<version>/approve", responses={"200": TermsOut, **problems(404, 409)})
def approve_terms(path: VersionPath, body: WhyBody) -> Response:
    """Put drafted terms in effect on their day; not by whoever drafted them (OWNER only)."""
    caller, p = operator(), parts()
    with p.tx() as session:
        begins_at = binding_terms.approve(session, version=path.version, by=caller.actor, now=p.now())
        found = binding_terms.in_effect(session, at=begins_at)
        _note(session, caller, "binding_terms.approve", path.version, body.why, begins_at)
    return answer(
        {"params": binding_terms.told(found), "version": path.version, "effective_from": iso(begins_at)}
    )


def _note(
    session: Any, caller: OperatorCaller, action: str, version: int, why: str, begins_at: datetime
) -> None:
    audit.note(
        session,
        actor=caller.actor,
        action=action,
        subject=f"binding_terms:{version}",
        before=None,
        after={"version": version, "effective_from": iso(begins_at)},
        why=why,
        at=parts().now(),
    )
