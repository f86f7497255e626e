"""A clerk's own codes, and the poster that shows one."""

from typing import Annotated, Literal

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, parts
from app.api.schema import ApiModel, answer
from app.attribution.codes import ClerkCodes, CodePage, clerk_poster, ensure_clerk_codes
from models.attribution import CodeKind

bp = APIBlueprint(
    "clerk_codes",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: codes", description="Codes that bring customers")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 409, 422, 503),
)
bp.before_request(clerks_only)
KINDS = {"official_account": CodeKind.CLERK_OA, "mini_program": CodeKind.CLERK_MP}


class OaCodeView(ApiModel):
    """The official-account code; ``url`` is what the picture says."""

    scene: str
    url: str


class MpCodeView(ApiModel):
    """The mini-program code: the page that it opens, with the scene."""

    scene: str
    page: str


class CodesView(ApiModel):
    """A clerk's codes. They stay the same."""

    official_account: OaCodeView
    mini_program: MpCodeView


class PosterQuery(ApiModel):
    """Which code the poster shows."""

    code: Annotated[Literal["official_account", "mini_program"], Field(default="official_account")]


@bp.post("/codes", responses={"200": CodesView})
def codes() -> Response:
    """The clerk's codes; made at WeChat when they are not there yet. Asking again is harmless."""
    made = _codes()
    page = parts().settings.mp_code_page
    return answer(
        CodesView(
            official_account=OaCodeView(scene=made.oa_scene, url=made.oa_url),
            mini_program=MpCodeView(scene=made.mp_scene, page=page),
        )
    )


@bp.get(
    "/poster",
    responses={"200": {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
)
def poster(query: PosterQuery) -> Response:
    """The clerk's poster as a PNG of 1200 x 1800 pixels, ready for print."""
    settings = parts().settings
    made = _codes()
    picture = clerk_poster(
        made, kind=KINDS[query.code], brand=settings.brand_name, slogan=settings.brand_slogan
    )
    response = Response(picture, content_type="image/png")
    response.headers["Cache-Control"] = "private, max-age=300"
    return response


def _codes() -> ClerkCodes:
    caller = clerk()
    p = parts()
    assert caller.clerk_id is not None
    return ensure_clerk_codes(
        p.tx,
        p.wechat.oa,
        p.wechat.mp,
        clerk_id=caller.clerk_id,
        page=CodePage(p.settings.mp_code_page, p.settings.mp_env_version),
        now=p.now(),
    )
