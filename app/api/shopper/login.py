"""Logging in with the mini-program."""

import hashlib

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import parts
from app.api.schema import ApiModel, WxCode, answer
from app.api.shopper.touches import CameBy, Scene, record_scene
from app.base.clock import iso
from app.members.logins import log_in_shopper

bp = APIBlueprint(
    "shopper_login",
    __name__,
    url_prefix="/api/shopper",
    abp_tags=[Tag(name="Shopper: login", description="Who is shopping")],
    abp_responses=problems(401, 403, 422),
)


class LoginBody(ApiModel):
    """The code of wx.login, and the scene if a code or a clerk's shared page opened the mini-program."""

    code: WxCode
    scene: Scene | None = None
    came_by: CameBy = CameBy.CODE


class LoginAnswer(ApiModel):
    """The token goes into ``Authorization: Bearer``; it is told once."""

    token: str
    expires_at: str
    member: str = Field(description="Member number", examples=["M261121K7M2QX9P"])
    is_new: bool


@bp.post("/login", responses={"200": LoginAnswer, **problems(503)})
def log_in(body: LoginBody) -> Response:
    """Log in with the code of wx.login. A code is good once. `scene` counts as a touch of that code."""
    p = parts()
    now, appid = p.now(), p.settings.mp_appid
    opened = log_in_shopper(
        p.tx, p.wechat.mp, p.vault, appid=appid, code=body.code, now=now, ttl_s=p.settings.login_ttl_s
    )
    if body.scene is not None:
        key = hashlib.sha256(body.code.encode()).hexdigest()
        with p.tx() as session:
            record_scene(
                session,
                appid=appid,
                openid=opened.openid,
                scene=body.scene,
                came_by=body.came_by,
                key=key,
                now=now,
            )
    return answer(
        LoginAnswer(
            token=opened.token,
            expires_at=iso(opened.expires_at),
            member=opened.member_number,
            is_new=opened.is_new_member,
        )
    )
