"""Codes for all clerks and stores at once: started, watched, stopped, downloaded as a ZIP of things to print."""

from typing import Annotated, Literal

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.code_shapes import FormQuery, brand
from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, operator, parts, roles_only
from app.api.schema import ApiModel, Code, PageQuery, answer
from app.base.clock import iso
from app.codes import batch
from app.codes.batch import Batch, Failure
from app.codes.materials import zipped
from models.operators import OperatorRole

LIST = "code-batches"
NEWEST = 2**63 - 1
bp = APIBlueprint(
    "backoffice_code_batches",
    __name__,
    url_prefix="/api/backoffice",
    abp_tags=[Tag(name="Back office: code batches", description="Codes for many")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 409, 422),
)
bp.before_request(roles_only(OperatorRole.MARKETING, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE))


class BatchPath(ApiModel):
    """A batch by its number."""

    number: Code


class FailureOut(ApiModel):
    """A clerk or store that gets no code, and why."""

    code: Annotated[str, Field(examples=["C-SZFT-01"])]
    name: str
    reason: Annotated[str, Field(examples=["QUOTA_USED_UP"])]


class BatchOut(ApiModel):
    """A batch. WAITING: WeChat's quota is used up, it goes on by itself at `wait_until`."""

    number: str
    state: Annotated[str, Field(examples=["RUNNING"])]
    total: int
    done: int
    failed: int
    wait_until: str | None
    created_by: str
    created_at: str
    finished_at: str | None
    failures: Annotated[list[FailureOut], Field(description="At most 200; empty in lists")]


class BatchesOut(ApiModel):
    """A page of batches, youngest first."""

    items: list[BatchOut]
    next: str | None


class ZipQuery(FormQuery):
    """Which code the things show; a ZIP holds one file per clerk and store."""

    code: Annotated[Literal["official_account", "mini_program"], Field(default="official_account")]


@bp.post("/code-batches", responses={"202": BatchOut})
def start_batch() -> Response:
    """Begin to make codes for all clerks and stores in my sight. The worker does it; ask how far it is."""
    p, caller = parts(), operator()
    with p.tx() as session:
        number = batch.start(session, scope=caller.scope, by=caller.actor, now=p.now())
        begun = batch.get(session, number, scope=caller.scope)
    return answer(_out(begun), 202)


@bp.get("/code-batches", responses={"200": BatchesOut})
def batches(query: PageQuery) -> Response:
    """The batches in my sight, youngest first."""
    before = NEWEST if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as connection:
        found = batch.page(connection, scope=operator().scope, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    more = write_cursor(LIST, shown[-1].row_id) if len(found) > query.limit else None
    return answer(BatchesOut(items=[_out(one) for one in shown], next=more))


@bp.get("/code-batches/<number>", responses={"200": BatchOut})
def one_batch(path: BatchPath) -> Response:
    """How far a batch is, and who gets no code and why."""
    with parts().read() as connection:
        found = batch.get(connection, path.number, scope=operator().scope)
        failures = batch.failures(connection, found)
    return answer(_out(found, failures))


@bp.post("/code-batches/<number>/stop", responses={"204": {"description": "Stopped"}})
def stop_batch(path: BatchPath) -> Response:
    """Stop a batch; what is made stays."""
    p = parts()
    with p.tx() as session:
        batch.stop(session, number=path.number, scope=operator().scope, now=p.now())
    return Response(status=204)


@bp.get(
    "/code-batches/<number>/materials.zip",
    responses={"200": {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
)
def batch_zip(path: BatchPath, query: ZipQuery) -> Response:
    """What is made so far, to print: one file per clerk and store, written while it is drawn."""
    p = parts()
    with p.read() as connection:
        found = batch.get(connection, path.number, scope=operator().scope)
    pieces = zipped(
        p.read,
        batch_id=found.row_id,
        total=found.total,
        app="OA" if query.code == "official_account" else "MP",
        wish=query.wish(),
        brand=brand(p.settings),
        now=p.now(),
    )
    response = Response(pieces, content_type="application/zip")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = f'attachment; filename="{found.number}.zip"'
    return response


def _out(one: Batch, failures: list[Failure] | None = None) -> BatchOut:
    return BatchOut(
        number=one.number,
        state=one.state,
        total=one.total,
        done=one.done,
        failed=one.failed,
        wait_until=iso(one.wait_until) if one.wait_until else None,
        created_by=one.created_by,
        created_at=iso(one.created_at),
        finished_at=iso(one.finished_at) if one.finished_at else None,
        failures=[FailureOut(code=f.who, name=f.name, reason=f.reason) for f in failures or ()],
    )
