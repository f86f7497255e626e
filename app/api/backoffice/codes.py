"""Codes in the back office: what there is and what it brought, new ones for stores and printed things, their end."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.api.code_shapes import CodeOut, CodesOut, PrintQuery, code_out, code_page, print_answer
from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, operator, parts, roles_only
from app.api.schema import ApiModel, Code, Moment, PageQuery, Text, answer
from app.base.errors import Conflict, NotFound
from app.codes import listing, quota, withdrawing
from app.codes.making import Owner, asked, complete, open_scenes, store_scenes
from models.operators import OperatorRole
from models.stores import StoreStatus

LIST = "codes"
NEWEST = 2**63 - 1
bp = APIBlueprint(
    "backoffice_codes",
    __name__,
    url_prefix="/api/backoffice",
    abp_tags=[Tag(name="Back office: codes", description="Codes of every kind and what they brought")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 409, 422),
)
bp.before_request(roles_only(OperatorRole.MARKETING, OperatorRole.STORE_MANAGER, OperatorRole.FRANCHISEE))

_PLACE = text(
    "select s.id, s.code, s.status, e.code as entity from store s join legal_entity e on e.id = s.entity_id"
    " where s.code = :code"
)
_MINE = text("select scene, kind from qr_code where id = any(:ids) order by kind desc")


class CodesQuery(PageQuery):
    """Which codes; the figures are those of the days from `since` (30 days ago) until `until` (now)."""

    kind: Annotated[
        Literal[
            "CLERK_OA",
            "CLERK_MP",
            "STORE_OA",
            "STORE_MP",
            "CAMPAIGN_OA",
            "CAMPAIGN_MP",
            "MATERIAL_OA",
            "MATERIAL_MP",
        ]
        | None,
        Field(default=None),
    ]
    campaign: Annotated[Code | None, Field(default=None)]
    since: Annotated[Moment | None, Field(default=None)]
    until: Annotated[Moment | None, Field(default=None)]


class QuotaOut(ApiModel):
    """Permanent codes of the official account, by our own count. `warns` from nine tenths on."""

    used: int
    left: int
    most: int
    warns: bool


class NewCodeBody(ApiModel):
    """With a `label`: codes of their own for one printed thing. Without: the store's codes."""

    store: Annotated[Code, Field(examples=["SZ-FT"])]
    label: Annotated[Text | None, Field(default=None, min_length=1, max_length=40, examples=["橱窗海报"])]


class ScenesOut(ApiModel):
    """The two new codes: of the official account and of the mini-program."""

    scenes: list[str]


class ScenePath(ApiModel):
    """A code by its scene."""

    scene: Annotated[Text, Field(min_length=1, max_length=32)]


class RevokeBody(ApiModel):
    """Why; it is written into the audit log."""

    why: Annotated[Text, Field(min_length=1, max_length=200, examples=["海报遗失"])]


@bp.get("/codes", responses={"200": CodesOut})
def codes(query: CodesQuery) -> Response:
    """The codes in my sight, youngest first, each with what it brought."""
    p = parts()
    now = p.now()
    wanted = listing.Asked(
        since=query.since or now - timedelta(days=30),
        until=query.until or now,
        kind=query.kind,
        campaign=query.campaign,
    )
    before = NEWEST if query.cursor is None else read_cursor(LIST, query.cursor)
    with p.read() as connection:
        found = listing.page(connection, wanted, scope=operator().scope, before=before, limit=query.limit + 1)
    shown: list[CodeOut] = [code_out(one) for one in found[: query.limit]]
    more = write_cursor(LIST, found[query.limit - 1].row_id) if len(found) > query.limit else None
    return answer(CodesOut(items=shown, next=more))


@bp.get("/codes/quota", responses={"200": QuotaOut})
def code_quota() -> Response:
    """How many permanent codes are used and left."""
    with parts().read() as connection:
        found = quota.show(connection)
    return answer(QuotaOut(used=found.used, left=found.left, most=found.most, warns=found.warns))


@bp.post("/codes", responses={"201": ScenesOut, **problems(503)})
def make_codes(body: NewCodeBody) -> Response:
    """The codes of a store, or new ones for a printed thing of it. A store's stay the same when asked again."""
    p = parts()
    now = p.now()
    with p.tx() as session:
        ids = _open(session, body, now)
    asked(lambda: complete(p.tx, p.wechat.oa, p.wechat.mp, ids=ids, page=code_page(p.settings), now=now))
    with p.read() as connection:
        scenes = [row.scene for row in connection.execute(_MINE, {"ids": ids})]
    return answer(ScenesOut(scenes=scenes), 201)


@bp.post("/codes/<scene>/revoke", responses={"204": {"description": "Withdrawn"}})
def revoke_code(path: ScenePath, body: RevokeBody) -> Response:
    """Withdraw a code: scans from now on do not count (TCH-3). Again changes nothing."""
    p, caller = parts(), operator()
    with p.tx() as session:
        withdrawing.revoke(
            session, scene=path.scene, scope=caller.scope, by=caller.actor, why=body.why, now=p.now()
        )
    return Response(status=204)


@bp.get("/materials", responses={"200": {"content": {"image/png": {}, "application/pdf": {}}}})
def materials(query: PrintQuery) -> Response:
    """A poster, badge or shelf card of a code as PNG, or of up to 50 codes as a PDF for a printing house."""
    return print_answer(query, scope=operator().scope)


def _open(session: Session, body: NewCodeBody, now: datetime) -> list[int]:
    place = session.execute(_PLACE, {"code": body.store}).first()
    if place is None:
        raise NotFound("NOT_FOUND", "No such store.")
    operator().scope.require(entity=place.entity, store=place.code, detail="No such store.")
    if place.status == StoreStatus.CLOSED:
        raise Conflict("STORE_CLOSED", body.store)
    if body.label is None:
        return store_scenes(session, store_id=place.id, now=now)
    return open_scenes(session, Owner("MATERIAL", place.id, label=body.label), now=now)
