"""Campaigns: codes for a time in many stores."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, operator, parts, roles_only
from app.api.schema import ApiModel, Code, Moment, PageQuery, Text, answer
from app.base.clock import iso
from app.codes import campaigns
from app.codes.campaigns import MOST_STORES, NewCampaign
from models.operators import OperatorRole

LIST = "campaigns"
NEWEST = 2**63 - 1
bp = APIBlueprint(
    "backoffice_campaigns",
    __name__,
    url_prefix="/api/backoffice",
    abp_tags=[Tag(name="Back office: campaigns", description="Codes for a time")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 409, 422),
)
bp.before_request(roles_only(OperatorRole.MARKETING))


class CampaignBody(ApiModel):
    """A campaign in one or more stores; each gets two codes. Scans after `ends_at` do not count."""

    code: Annotated[Code, Field(examples=["SUMMER-2026"])]
    name: Annotated[Text, Field(min_length=1, max_length=40, examples=["夏日新品"])]
    starts_at: Moment
    ends_at: Moment
    stores: Annotated[list[Code], Field(min_length=1, max_length=MOST_STORES)]


class CampaignOut(ApiModel):
    """A campaign. Its codes are listed by `GET /codes?campaign=`."""

    code: str
    name: str
    starts_at: str
    ends_at: str
    created_by: str
    stores: int


class CampaignsOut(ApiModel):
    """A page of campaigns, youngest first."""

    items: list[CampaignOut]
    next: str | None


@bp.post("/campaigns", responses={"201": {"description": "Begun; WeChat makes the codes within a minute"}})
def create_campaign(body: CampaignBody) -> Response:
    """Begin a campaign. Its tickets live 30 days at most and are renewed by themselves until it ends."""
    p, caller = parts(), operator()
    new = NewCampaign(body.code, body.name, body.starts_at, body.ends_at, tuple(dict.fromkeys(body.stores)))
    with p.tx() as session:
        campaigns.create(session, new, by=caller.actor, now=p.now())
    return Response(status=201)


@bp.get("/campaigns", responses={"200": CampaignsOut})
def list_campaigns(query: PageQuery) -> Response:
    """The campaigns of the brand, youngest first."""
    before = NEWEST if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as connection:
        found = campaigns.page(connection, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    items = [
        CampaignOut(
            code=one.code,
            name=one.name,
            starts_at=iso(one.starts_at),
            ends_at=iso(one.ends_at),
            created_by=one.created_by,
            stores=one.stores,
        )
        for one in shown
    ]
    more = write_cursor(LIST, shown[-1].row_id) if len(found) > query.limit else None
    return answer(CampaignsOut(items=items, next=more))
