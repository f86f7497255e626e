"""What a shopper may see and change of the own record: number, phone, who serves; and logging out."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, end_login, parts, shopper, shoppers_only
from app.api.schema import ApiModel, WxCode, answer
from app.attribution.serving import Served, find_service
from app.base.clock import iso
from app.members.phones import verify_phone
from app.members.standing import standing

bp = APIBlueprint(
    "shopper_me",
    __name__,
    url_prefix="/api/shopper",
    abp_tags=[Tag(name="Shopper: me", description="The shopper's own things")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403),
)
bp.before_request(shoppers_only)


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


class PhoneBody(ApiModel):
    """The code of the phone-number button, not the one of wx.login."""

    code: WxCode


class PhoneAnswer(ApiModel):
    """What may be shown of the verified number."""

    phone_tail: str = Field(examples=["5678"])


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


@bp.post("/phone", responses={"200": PhoneAnswer, **problems(409, 422, 503)})
def phone(body: PhoneBody) -> Response:
    """Verify the phone number by WeChat's code. A number belongs to one member."""
    caller, p = shopper(), parts()
    verified = verify_phone(
        p.tx,
        p.wechat.mp,
        p.vault,
        member_id=caller.member_id,
        openid=caller.openid,
        code=body.code,
        now=p.now(),
    )
    return answer(PhoneAnswer(phone_tail=verified.tail))


@bp.post("/logout", responses={"204": {"description": "Logged out"}})
def log_me_out() -> Response:
    """End this login; the token is dead everywhere within 5 seconds."""
    end_login(shopper())
    return Response(status=204)


def _service(served: Served | None) -> ServiceView | None:
    if served is None:
        return None
    return ServiceView(
        clerk_name=served.clerk_name,
        store_code=served.store_code,
        store_name=served.store_name,
        since=iso(served.since),
    )
