"""A clerk's fans, and what is to be followed up with them."""

from typing import Annotated, Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, parts
from app.api.relation_shapes import MemberPath, Number
from app.api.schema import ApiModel, PageQuery, Text, answer
from app.base.clock import iso
from app.relations import fans as rooms_fans
from app.relations import tasks as rooms_tasks
from app.relations.fans import Fan
from app.relations.tasks import Task

bp = APIBlueprint(
    "clerk_fans",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: fans", description="Whom I serve, and what to follow up")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(clerks_only)
FANS, TASKS = "fans", "tasks"


class FanOut(ApiModel):
    """A customer whom I serve, as far as consent allows."""

    member: Annotated[str, Field(examples=["M261121K7M2QX9P"])]
    since: str
    reason: Annotated[str, Field(examples=["ACQUIRED"])]
    follows: Annotated[bool, Field(description="Follows the official account")]
    phone_tail: Annotated[str | None, Field(description="Null without consent to be contacted")]
    may_contact: bool
    shared: Annotated[bool, Field(description="False: what happened at other companies is left out")]
    last_touch_at: str | None
    last_purchase_at: str | None


class FansOut(ApiModel):
    """A page of fans, newest first."""

    items: list[FanOut]
    next: str | None


class PhoneOut(ApiModel):
    """The number to call. That you looked is on record."""

    phone: str


class TaskOut(ApiModel):
    """Something to follow up. ``order``/``store``: goods that wait; ``kept_until``: the last protected day."""

    number: Annotated[str, Field(examples=["T261121K7M2QX9P"])]
    kind: Annotated[str, Field(description="GREET, KEEP or PICKUP")]
    member: str
    due_on: str
    created_at: str
    order: str | None
    store: str | None
    kept_until: str | None


class TasksOut(ApiModel):
    """A page of open tasks, newest first."""

    items: list[TaskOut]
    next: str | None


class TaskPath(ApiModel):
    """Which task."""

    number: Number


class DoneBody(ApiModel):
    """What came of it, if there is anything to say."""

    note: Annotated[Text | None, Field(default=None, max_length=200)]


class DoneOut(ApiModel):
    """When it was ticked off first."""

    number: str
    done_at: str


@bp.get("/fans", responses={"200": FansOut})
def fans(query: PageQuery) -> Response:
    """My customers, newest first."""
    p = parts()
    before = None if query.cursor is None else read_cursor(FANS, query.cursor)
    with p.read() as connection:
        found = rooms_fans.fans(
            connection, p.vault, clerk_id=_clerk_id(), before=before, limit=query.limit + 1
        )
    shown = found[: query.limit]
    more = write_cursor(FANS, shown[-1].id) if len(found) > query.limit else None
    return answer({"items": [_fan(fan) for fan in shown], "next": more})


@bp.post("/fans/<number>/phone", responses={"200": PhoneOut, **problems(404)})
def phone(path: MemberPath) -> Response:
    """The phone number of a customer of mine who agreed to be contacted. Each look is logged."""
    p, actor = parts(), f"clerk:{clerk().clerk_code}"
    with p.tx() as session:
        digits = rooms_fans.see_phone(
            session, p.vault, number=path.number, clerk_id=_clerk_id(), actor=actor, now=p.now()
        )
    return answer({"phone": digits})


@bp.get("/tasks", responses={"200": TasksOut})
def tasks(query: PageQuery) -> Response:
    """What I should follow up, newest first."""
    before = None if query.cursor is None else read_cursor(TASKS, query.cursor)
    with parts().read() as connection:
        found = rooms_tasks.tasks(connection, clerk_id=_clerk_id(), before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    more = write_cursor(TASKS, shown[-1].id) if len(found) > query.limit else None
    return answer({"items": [_task(task) for task in shown], "next": more})


@bp.post("/tasks/<number>/done", responses={"200": DoneOut, **problems(404)})
def done(path: TaskPath, body: DoneBody) -> Response:
    """Tick a task off. A second time answers the first time."""
    p = parts()
    with p.tx() as session:
        at = rooms_tasks.done(session, clerk_id=_clerk_id(), number=path.number, note=body.note, now=p.now())
    return answer({"number": path.number, "done_at": iso(at)})


def _clerk_id() -> int:
    clerk_id = clerk().clerk_id
    assert clerk_id is not None
    return clerk_id


def _fan(fan: Fan) -> dict[str, Any]:
    return {
        "member": fan.number,
        "since": iso(fan.since),
        "reason": fan.reason,
        "follows": fan.follows,
        "phone_tail": fan.phone_tail,
        "may_contact": fan.may_contact,
        "shared": fan.shared,
        "last_touch_at": iso(fan.touched_at) if fan.touched_at else None,
        "last_purchase_at": iso(fan.bought_at) if fan.bought_at else None,
    }


def _task(task: Task) -> dict[str, Any]:
    return {
        "number": task.number,
        "kind": task.kind.value,
        "member": task.member,
        "due_on": task.due_on.isoformat(),
        "created_at": iso(task.created_at),
        **{name: task.facts.get(name) for name in ("order", "store", "kept_until")},
    }
