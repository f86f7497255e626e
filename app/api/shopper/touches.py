"""Codes that led a shopper here: into the mini-program while logged in, or with the login."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field
from sqlalchemy.orm import Session

from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, parts, shopper, shoppers_only
from app.api.schema import ApiModel, Text, answer
from app.attribution.touches import NewTouch, Recorded, record
from app.members.meeting import meet
from models.attribution import TouchKind
from models.members import AppKind

bp = APIBlueprint(
    "shopper_touches",
    __name__,
    url_prefix="/api/shopper",
    abp_tags=[Tag(name="Shopper: touches", description="Codes that led here")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(shoppers_only)

Scene = Annotated[Text, Field(min_length=1, max_length=32, description="The scene of the code that led here")]


class CameBy(StrEnum):
    """How a code led into the mini-program."""

    CODE = "CODE"  # it was scanned
    SHARE = "SHARE"  # a page that the clerk shared, with the code's scene in its address, was opened


# TCH-1, TCH-5: what a clerk shared says more of who sold than a code on the wall.
KINDS = {CameBy.CODE: TouchKind.MP_SCENE, CameBy.SHARE: TouchKind.SHARE_CLICK}


class TouchBody(ApiModel):
    """A code that led into the mini-program while logged in, scanned or in the address of a shared page."""

    scene: Scene
    came_by: CameBy = CameBy.CODE


class TouchAnswer(ApiModel):
    """Who serves this member now; null while nobody does."""

    clerk_name: str | None
    store_code: str | None
    store_name: str | None


@bp.post("/touches", responses={"200": TouchAnswer})
def touch(body: TouchBody) -> Response:
    """Tell which code led here. The same code again within a second is the same scan."""
    caller, p = shopper(), parts()
    now = p.now()
    with p.tx() as session:
        key = f"{caller.identity_id}.{int(now.timestamp())}.{body.scene}"
        recorded = record_scene(
            session,
            appid=caller.appid,
            openid=caller.openid,
            scene=body.scene,
            came_by=body.came_by,
            key=key,
            now=now,
        )
    return answer(
        TouchAnswer(
            clerk_name=recorded.service_clerk_name,
            store_code=recorded.service_store_code,
            store_name=recorded.service_store_name,
        )
    )


def record_scene(
    session: Session, *, appid: str, openid: str, scene: str, came_by: CameBy, key: str, now: datetime
) -> Recorded:
    """Record that a person came; ``key`` names the occasion, so that it counts once (TCH-2)."""
    met = meet(session, app=AppKind.MP, appid=appid, openid=openid, now=now)
    return record(
        session,
        NewTouch(
            member_id=met.member_id,
            identity_id=met.identity_id,
            kind=KINDS[came_by],
            occurred_at=now,
            raw_key=f"mp.{key}",
            scene=scene,
        ),
    )
