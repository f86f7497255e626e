"""Profit sharing (FRZ-4): the companies that receive, and what became of each payment that was opened for it."""

from typing import Annotated

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from app.api.blueprints import guarded
from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import operator, parts, roles_only
from app.api.schema import ApiModel, Code, PageQuery, Text, answer, language
from app.base.clock import iso
from app.payout import receivers, sharing_reading, words
from models.operators import OperatorRole
from models.sharing import ReceiverRelation

TAG = Tag(
    name="Back office: profit sharing", description="Companies paid out of an order's own payment (FINANCE)"
)
bp = guarded("backoffice_sharing", TAG, roles_only(OperatorRole.FINANCE), prefix="/api/backoffice/sharing")
LIST = "sharing"


class ReceiverBody(ApiModel):
    """A company and its own merchant number. `name`: the merchant's full name, which WeChat compares."""

    entity: Code = Field(examples=["E-WF1"])
    mchid: Annotated[str, Field(pattern=r"^[0-9]{8,12}$", examples=["1600000001"])]
    name: Annotated[Text, Field(min_length=2, max_length=80, examples=["潍坊潍澜商贸有限公司"])]
    relation: ReceiverRelation


class EntityPath(ApiModel):
    """Which company."""

    entity: Code


class EndBody(ApiModel):
    """The reason."""

    why: Annotated[Text, Field(min_length=1, max_length=200, examples=["加盟合同到期"])]


class ReceiverOut(ApiModel):
    """One receiver. It receives from `added_at` (when WeChat agreed) until `ended_at`."""

    entity: str
    mchid: str
    name: str
    relation: str
    made_by: str
    created_at: str
    added_at: str | None
    problem: str | None
    ended_at: str | None


class ReceiversOut(ApiModel):
    """Those that receive first."""

    items: list[ReceiverOut]


class PartOut(ApiModel):
    """One company's part. `result`: SUCCESS, CLOSED (then the next settlement owes it), null while it is open."""

    entity: str
    amount_fen: int
    result: str | None
    fail_reason: str | None


class SharingOut(ApiModel):
    """One request about a payment's frozen money: a SHARE pays its parts, an UNFREEZE pays nobody."""

    number: str
    kind: str
    order: str
    amount_fen: int
    state: str
    words: str
    problem: str | None
    created_at: str
    ended_at: str | None
    parts: list[PartOut]


class SharingsOut(ApiModel):
    """A page, newest first."""

    items: list[SharingOut]
    next: str | None


@bp.get("/receivers", responses={"200": ReceiversOut})
def list_receivers() -> Response:
    """The companies that receive shares, and those that did."""
    with parts().read() as connection:
        found = receivers.receivers(connection)
    return answer(ReceiversOut(items=[_receiver(one) for one in found]))


@bp.post("/receivers", responses={"201": ReceiverOut, **problems(404, 409, 503)})
def add_receiver(body: ReceiverBody) -> Response:
    """Write a receiver down and make it known to WeChat. The same again asks WeChat again until it agrees."""
    p = parts()
    seen = receivers.add(
        p.tx,
        p.wechat.pay,
        receivers.Wanted(body.entity, body.mchid, body.name, body.relation),
        appid=p.settings.mp_appid,
        own_mchid=p.settings.pay_mchid,
        by=operator().actor,
        now=p.now(),
    )
    return answer(_receiver(seen), 201)


@bp.post("/receivers/<entity>/end", responses={"200": ReceiverOut, **problems(404)})
def end_receiver(path: EntityPath, body: EndBody) -> Response:
    """Share nothing more with a company. What is on its way is not touched; the rest is settled and billed."""
    p = parts()
    with p.tx() as session:
        seen = receivers.end(session, entity=path.entity, by=operator().actor, why=body.why, now=p.now())
    return answer(_receiver(seen))


@bp.get("", responses={"200": SharingsOut})
def list_sharings(query: PageQuery) -> Response:
    """What was shared and freed, newest first; `problem` says what people must see to."""
    before = read_cursor(LIST, query.cursor) if query.cursor else None
    with parts().read() as connection:
        found = sharing_reading.sharings(connection, before=before, limit=query.limit + 1)
    page = found[: query.limit]
    more = write_cursor(LIST, page[-1].row_id) if len(found) > query.limit else None
    return answer(SharingsOut(items=[_sharing(one) for one in page], next=more))


def _receiver(one: receivers.ReceiverSeen) -> ReceiverOut:
    return ReceiverOut(
        entity=one.entity,
        mchid=one.mchid,
        name=one.name,
        relation=one.relation,
        made_by=one.made_by,
        created_at=iso(one.created_at),
        added_at=iso(one.added_at) if one.added_at else None,
        problem=one.problem,
        ended_at=iso(one.ended_at) if one.ended_at else None,
    )


def _sharing(one: sharing_reading.SharingSeen) -> SharingOut:
    return SharingOut(
        number=one.number,
        kind=one.kind.value,
        order=one.order,
        amount_fen=one.amount_fen,
        state=one.state.value,
        words=words.sharing(one.kind, one.state, language()),
        problem=one.problem,
        created_at=iso(one.created_at),
        ended_at=iso(one.ended_at) if one.ended_at else None,
        parts=[PartOut(**part) for part in one.parts],
    )
