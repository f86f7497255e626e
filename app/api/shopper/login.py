"""Logging in with the mini-program, the phone number, logging out, and codes that led here."""

import hashlib
from datetime import datetime
from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field
from sqlalchemy.orm import Session

from app.api.errors import problems
from app.api.guard import callers, parts, shopper
from app.api.schema import ApiModel, Text, answer
from app.attribution.touches import NewTouch, Recorded, record
from app.base.clock import iso
from app.members.logins import Opened, log_in_shopper, log_out
from app.members.meeting import meet
from app.members.phones import verify_phone
from models.attribution import TouchKind
from models.members import AppKind

bp = APIBlueprint(
    "shopper_login",
    __name__,
    url_prefix="/api/shopper",
    abp_tags=[Tag(name="Shopper: login", description="Who is shopping")],
    abp_responses=problems(401, 403, 422),
)
TOKEN: list[dict[str, list[str]]] = [{"token": []}]

WxCode = Annotated[Text, Field(min_length=1, max_length=128, description="From wx.login or the phone button")]
Scene = Annotated[
    Text, Field(min_length=1, max_length=32, description="The scene of the code that was scanned")
]


class LoginBody(ApiModel):
    """The code of wx.login, and the scene if the mini-program was opened through a code."""

    code: WxCode
    scene: Scene | None = None


class PhoneBody(ApiModel):
    """The code of the phone-number button, not the one of wx.login."""

    code: WxCode


class TouchBody(ApiModel):
    """A code that led into the mini-program while logged in."""

    scene: Scene


class LoginAnswer(ApiModel):
    """The token goes into ``Authorization: Bearer``; it is told once."""

    token: str
    expires_at: str
    member: str = Field(description="Member number", examples=["M261121K7M2QX9P"])
    is_new: bool


class PhoneAnswer(ApiModel):
    """What may be shown of the verified number."""

    phone_tail: str = Field(examples=["5678"])


class TouchAnswer(ApiModel):
    """Who serves this member now; null while nobody does."""

    clerk_name: str | None
    store_code: str | None
    store_name: str | None


@bp.post("/login", responses={"200": LoginAnswer, **problems(503)}, security=[])
def log_in(body: LoginBody) -> Response:
    """Log in with the code of wx.login. A code is good once. `scene` counts as a scan of that code."""
    p = parts()
    now = p.now()
    opened = log_in_shopper(
        p.tx,
        p.wechat.mp,
        p.vault,
        appid=p.settings.mp_appid,
        code=body.code,
        now=now,
        ttl_s=p.settings.login_ttl_s,
    )
    if body.scene is not None:
        with p.tx() as session:
            _touch_at_login(session, opened, body, now)
    return answer(
        LoginAnswer(
            token=opened.token,
            expires_at=iso(opened.expires_at),
            member=opened.member_number,
            is_new=opened.is_new_member,
        )
    )


@bp.post("/logout", responses={"204": {"description": "Logged out"}}, security=TOKEN)
def log_me_out() -> Response:
    """End this login; the token is dead everywhere within 5 seconds."""
    caller = shopper()
    p = parts()
    with p.tx() as session:
        log_out(session, token_hash=caller.token_hash, now=p.now())
    callers().forget(caller.token_hash)
    return Response(status=204)


@bp.post("/phone", responses={"200": PhoneAnswer, **problems(409, 503)}, security=TOKEN)
def phone(body: PhoneBody) -> Response:
    """Verify the phone number by WeChat's code. A number belongs to one member."""
    caller = shopper()
    p = parts()
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


@bp.post("/touches", responses={"200": TouchAnswer}, security=TOKEN)
def touch(body: TouchBody) -> Response:
    """Tell which code led here. The same code again within a second is the same scan."""
    caller = shopper()
    p = parts()
    now = p.now()
    with p.tx() as session:
        met = meet(session, app=AppKind.MP, appid=caller.appid, openid=caller.openid, now=now)
        raw_key = f"mp.{met.identity_id}.{int(now.timestamp())}.{body.scene}"
        recorded = _record(session, met.member_id, met.identity_id, body.scene, raw_key, now)
    return answer(
        TouchAnswer(
            clerk_name=recorded.service_clerk_name,
            store_code=recorded.service_store_code,
            store_name=recorded.service_store_name,
        )
    )


def _touch_at_login(session: Session, opened: Opened, body: LoginBody, now: datetime) -> None:
    p = parts()
    met = meet(session, app=AppKind.MP, appid=p.settings.mp_appid, openid=opened.openid, now=now)
    raw_key = f"mp.{hashlib.sha256(body.code.encode()).hexdigest()}"
    assert body.scene is not None
    _record(session, met.member_id, met.identity_id, body.scene, raw_key, now)


def _record(
    session: Session, member_id: int, identity_id: int, scene: str, raw_key: str, now: datetime
) -> Recorded:
    return record(
        session,
        NewTouch(
            member_id=member_id,
            identity_id=identity_id,
            kind=TouchKind.MP_SCENE,
            occurred_at=now,
            raw_key=raw_key,
            scene=scene,
        ),
    )
