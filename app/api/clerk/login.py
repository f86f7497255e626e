"""A clerk logs in: the first time with the phone number of the roster, then with WeChat alone."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from app.api.errors import problems
from app.api.guard import parts
from app.api.schema import ApiModel, WxCode, answer
from app.base.clock import iso
from app.members.clerks import log_in_clerk

bp = APIBlueprint(
    "clerk_login",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: login", description="Who serves")],
    abp_responses=problems(401, 403, 422),
)


class ClerkLoginBody(ApiModel):
    """The code of wx.login; the first time also the code of the phone-number button."""

    code: WxCode
    phone_code: WxCode | None = None


class ClerkLoginAnswer(ApiModel):
    """The token goes into ``Authorization: Bearer``; it is told once."""

    token: str
    expires_at: str


@bp.post("/login", responses={"200": ClerkLoginAnswer, **problems(503)})
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
