"""A clerk logs in: the first time with the phone number of the roster, then with WeChat alone."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import callers, clerk, parts
from app.api.schema import ApiModel, Text, answer
from app.base.clock import iso
from app.members.clerks import log_in_clerk
from app.members.logins import log_out

bp = APIBlueprint(
    "clerk_login",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: login", description="Who serves")],
    abp_responses=problems(401, 403, 422),
)
TOKEN: list[dict[str, list[str]]] = [{"token": []}]

WxCode = Annotated[Text, Field(min_length=1, max_length=128)]


class ClerkLoginBody(ApiModel):
    """The code of wx.login; the first time also the code of the phone-number button."""

    code: WxCode
    phone_code: WxCode | None = None


class ClerkLoginAnswer(ApiModel):
    """The token goes into ``Authorization: Bearer``; it is told once."""

    token: str
    expires_at: str


class ClerkView(ApiModel):
    """The clerk who is logged in."""

    clerk: str = Field(examples=["C-SZFT-01"])
    name: str = Field(examples=["林晓雨"])
    role: str = Field(examples=["CLERK"])
    store: str = Field(examples=["SZ-FT"])


@bp.post("/login", responses={"200": ClerkLoginAnswer, **problems(503)}, security=[])
def log_in(body: ClerkLoginBody) -> Response:
    """Log in as a clerk. `PHONE_CODE_NEEDED` asks for the phone code; `NOT_A_CLERK` tells nothing more."""
    p = parts()
    opened = log_in_clerk(
        p.tx,
        p.wechat.mp,
        p.vault,
        appid=p.settings.mp_appid,
        code=body.code,
        phone_code=body.phone_code,
        now=p.now(),
        ttl_s=p.settings.login_ttl_s,
    )
    return answer(ClerkLoginAnswer(token=opened.token, expires_at=iso(opened.expires_at)))


@bp.post("/logout", responses={"204": {"description": "Logged out"}}, security=TOKEN)
def log_me_out() -> Response:
    """End this login; the token is dead everywhere within 5 seconds."""
    caller = clerk()
    p = parts()
    with p.tx() as session:
        log_out(session, token_hash=caller.token_hash, now=p.now())
    callers().forget(caller.token_hash)
    return Response(status=204)


@bp.get("/me", responses={"200": ClerkView}, security=TOKEN)
def me() -> Response:
    """The clerk behind the token."""
    caller = clerk()
    return answer(
        {
            "clerk": caller.clerk_code,
            "name": caller.clerk_name,
            "role": caller.clerk_role,
            "store": caller.store_code,
        }
    )
