"""A clerk's own codes, and the poster that shows one."""

from typing import Annotated, Literal

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.code_shapes import FormQuery, PrintQuery, code_page, print_answer
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, manager, managers_only, parts
from app.api.schema import ApiModel, answer
from app.base.scope import Scope
from app.codes.making import (
    ClerkCodes,
    asked,
    clerk_poster,
    complete,
    ensure_clerk_codes,
    store_scenes,
)
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
team = APIBlueprint(
    "clerk_store_codes",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: codes", description="Codes that bring customers")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 409, 422, 503),
)
team.before_request(managers_only)
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


class MaterialQuery(FormQuery):
    """Which thing, in which form, with which of my codes."""

    code: Annotated[Literal["official_account", "mini_program"], Field(default="official_account")]


class StoreCodesOut(ApiModel):
    """The scenes of a store's two codes."""

    official_account: str
    mini_program: str


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
        page=code_page(p.settings),
        now=p.now(),
    )


@bp.get("/material", responses={"200": {"content": {"image/png": {}, "application/pdf": {}}}})
def material(query: MaterialQuery) -> Response:
    """My badge, shelf card or wall poster with my own code, as PNG or as a PDF for a printing house."""
    made = _codes()
    scene = made.oa_scene if query.code == "official_account" else made.mp_scene
    wanted = PrintQuery(material=query.material, form=query.form, sheet=query.sheet, scenes=scene)
    return print_answer(wanted, scope=Scope(store=clerk().store_code))


@team.post("/store-codes", responses={"200": StoreCodesOut})
def store_codes() -> Response:
    """The codes of my store, made at WeChat when they are not there yet; they stay the same."""
    caller, p = manager(), parts()
    now = p.now()
    with p.tx() as session:
        ids = store_scenes(session, store_id=int(caller.store_id or 0), now=now)
    made = asked(
        lambda: complete(p.tx, p.wechat.oa, p.wechat.mp, ids=ids, page=code_page(p.settings), now=now)
    )
    oa, mp = made[CodeKind.STORE_OA], made[CodeKind.STORE_MP]
    return answer(StoreCodesOut(official_account=oa.scene, mini_program=mp.scene))


@team.get("/store-material", responses={"200": {"content": {"image/png": {}, "application/pdf": {}}}})
def store_material(query: PrintQuery) -> Response:
    """Things to print with codes of my store and of its clerks."""
    return print_answer(query, scope=Scope(store=manager().store_code))
