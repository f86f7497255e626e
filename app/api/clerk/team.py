"""A store manager's team: who works here with how many customers, leavers, hand-overs, transfers, stories."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api import relation_shapes as shapes
from app.api.errors import Responses, problems
from app.api.guard import NEEDS_TOKEN, manager, managers_only, parts
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
    WishBody,
)
from app.api.schema import ApiModel, Int, answer
from app.base.scope import Scope
from app.relations.team import team as find_team

bp = APIBlueprint(
    "clerk_relations",
    __name__,
    url_prefix="/api/clerk/team",
    abp_tags=[Tag(name="Manager: team", description="The own store's people and their customers")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(managers_only)
DONE: Responses = {"204": {"description": "Done"}}


class MateOut(ApiModel):
    """One of the team. ``members``: customers bound now."""

    clerk: Annotated[str, Field(examples=["C-SZFT-01"])]
    name: str
    role: str
    status: str
    last_day: str | None
    members: Int
    open_tasks: Int


class TeamOut(ApiModel):
    """The store's team, and the customers of nobody in person."""

    store: str
    pool: Annotated[Int, Field(description="Members of the store whom nobody serves in person")]
    items: list[MateOut]


@bp.get("", responses={"200": TeamOut})
def team() -> Response:
    """Who works at my store."""
    caller = manager()
    with parts().read() as connection:
        pool, mates = find_team(connection, store_code=str(caller.store_code))
    items = [
        {
            "clerk": mate.code,
            "name": mate.name,
            "role": mate.role,
            "status": mate.status,
            "last_day": mate.last_day.isoformat() if mate.last_day else None,
            "members": mate.members,
            "open_tasks": mate.open_tasks,
        }
        for mate in mates
    ]
    return answer({"store": caller.store_code, "pool": pool, "items": items})


@bp.put("/<clerk>/leaving", responses={**DONE, **problems(404, 409)})
def leaving(path: ClerkPath, body: LeavingBody) -> Response:
    """Note when somebody of my store leaves; from now on nobody new comes to that clerk."""
    return shapes.start_leaving(path.clerk, body, actor=_actor(), scope=_scope())


@bp.post("/<clerk>/handover/preview", responses={"200": PreviewOut, **problems(404, 409)})
def preview(path: ClerkPath, body: WishBody) -> Response:
    """What a hand-over would do. Writes nothing."""
    return shapes.preview(path.clerk, body, scope=_scope())


@bp.post("/<clerk>/handover", responses={"200": ProgressOut, "202": ProgressOut, **problems(404, 409)})
def handover(path: ClerkPath, body: HandoverBody) -> Response:
    """Hand the customers of a leaving clerk to others of my store; large ones go on by themselves (202)."""
    return shapes.hand_over(path.clerk, body, actor=_actor(), scope=_scope())


@bp.get("/handovers/<number>", responses={"200": ProgressOut, **problems(404)})
def progress(path: HandoverPath) -> Response:
    """How far a hand-over has got."""
    return shapes.show_progress(path.number, _scope())


@bp.post("/transfers", responses={**DONE, **problems(404, 409)})
def transfer(body: TransferBody) -> Response:
    """Move one customer of my store to another of its clerks; at most twice in 90 days."""
    return shapes.transfer(body, actor=_actor(), scope=_scope())


@bp.get("/members/<number>/story", responses={"200": StoryOut, **problems(404)})
def story(path: MemberPath) -> Response:
    """A customer of my store explained: every touch, who brought, who served, and why."""
    return shapes.tell_story(path.number, _scope())


def _scope() -> Scope:
    return Scope(store=str(manager().store_code))


def _actor() -> str:
    return f"clerk:{manager().clerk_code}"
