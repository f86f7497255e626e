"""What a shopper may see of himself: number, phone tail, who serves."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import parts, shopper
from app.api.schema import ApiModel, answer
from app.attribution.serving import Served, find_service
from app.base.clock import iso
from app.members.standing import standing

bp = APIBlueprint(
    "shopper_me",
    __name__,
    url_prefix="/api/shopper",
    abp_tags=[Tag(name="Shopper: me", description="The shopper's own things")],
    abp_security=[{"token": []}],
    abp_responses=problems(401, 403),
)


class ServiceView(ApiModel):
    """Who serves the member. No clerk: the store's team."""

    clerk_name: str | None = Field(examples=["林晓雨"])
    store_code: str = Field(examples=["SZ-FT"])
    store_name: str
    since: str


class MeView(ApiModel):
    """The member's own view."""

    member: str = Field(examples=["M261121K7M2QX9P"])
    phone_tail: str | None = Field(examples=["5678"])
    follows: bool = Field(description="Follows the official account")
    member_since: str
    customer_since: str | None
    service: ServiceView | None


@bp.get("/me", responses={"200": MeView})
def me() -> Response:
    """The shopper's own record."""
    caller = shopper()
    p = parts()
    with p.read() as connection:
        mine = standing(connection, p.vault, member_id=caller.member_id)
        served = find_service(connection, member_id=caller.member_id)
    return answer(
        MeView(
            member=mine.number,
            phone_tail=mine.phone_tail,
            follows=mine.follows,
            member_since=iso(mine.met_at),
            customer_since=iso(mine.customer_since) if mine.customer_since else None,
            service=_service(served),
        )
    )


def _service(served: Served | None) -> ServiceView | None:
    if served is None:
        return None
    return ServiceView(
        clerk_name=served.clerk_name,
        store_code=served.store_code,
        store_name=served.store_name,
        since=iso(served.since),
    )
