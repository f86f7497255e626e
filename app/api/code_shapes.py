"""How codes and printed things look at the doors of clerks and of the back office."""

from typing import Annotated, Literal

from flask import Response
from pydantic import Field, field_validator

from app.api.guard import parts
from app.api.schema import ApiModel, Fen, Text
from app.base.clock import iso
from app.base.errors import Invalid
from app.base.scope import Scope
from app.codes.listing import Listed
from app.codes.making import CodePage
from app.codes.materials import Brand, Wish, printed
from app.posters.designs import Material
from app.posters.printing import Sheet
from app.settings import Settings

MOST_SCENES = 50
TYPES = {"png": "image/png", "pdf": "application/pdf"}


class CodeOut(ApiModel):
    """A code and what it brought in the asked time: touches, members it acquired, their orders, net of refunds."""

    scene: str
    kind: str
    store: str
    clerk: str | None
    campaign: str | None
    label: str | None
    made: Annotated[bool, Field(description="Whether WeChat has made it")]
    created_at: str
    ends_at: Annotated[str | None, Field(description="Scans do not count from then on")]
    ticket_until: Annotated[str | None, Field(description="Of a temporary ticket; renewed before")]
    revoked_at: str | None
    revoke_reason: str | None
    touches: int
    valid_touches: int
    acquired: int
    orders: int
    net_fen: Fen


class CodesOut(ApiModel):
    """A page of codes, youngest first."""

    items: list[CodeOut]
    next: str | None


class FormQuery(ApiModel):
    """Which thing and in which form. `sheet`: one to a page, or as many as fit on A4."""

    material: Annotated[Literal["poster", "badge", "shelf_card"], Field(default="badge")]
    form: Annotated[Literal["png", "pdf"], Field(default="pdf")]
    sheet: Annotated[Literal["single", "a4"], Field(default="single")]

    def wish(self) -> Wish:
        """As the room takes it."""
        return Wish(Material(self.material), self.form, Sheet(self.sheet))


class PrintQuery(FormQuery):
    """Of which codes, by scene, separated by commas; a PNG shows one."""

    scenes: Annotated[Text, Field(min_length=1, max_length=33 * MOST_SCENES)]

    @field_validator("scenes")
    @classmethod
    def _few(cls, value: str) -> str:
        scenes = value.split(",")
        if len(scenes) > MOST_SCENES or not all(1 <= len(scene) <= 32 for scene in scenes):
            raise ValueError(f"1 to {MOST_SCENES} scenes of at most 32 characters")
        return value


def code_out(one: Listed) -> CodeOut:
    """A listed code as it is answered."""
    return CodeOut(
        scene=one.scene,
        kind=one.kind,
        store=one.store,
        clerk=one.clerk,
        campaign=one.campaign,
        label=one.label,
        made=one.is_made,
        created_at=iso(one.created_at),
        ends_at=iso(one.expires_at) if one.expires_at else None,
        ticket_until=iso(one.ticket_expires_at) if one.ticket_expires_at else None,
        revoked_at=iso(one.revoked_at) if one.revoked_at else None,
        revoke_reason=one.revoke_reason,
        touches=one.touches,
        valid_touches=one.valid,
        acquired=one.acquired,
        orders=one.orders,
        net_fen=one.net_fen,
    )


def code_page(settings: Settings) -> CodePage:
    """Where mini-program codes lead in this installation."""
    return CodePage(settings.mp_code_page, settings.mp_env_version)


def brand(settings: Settings) -> Brand:
    """What stands on everything that is printed."""
    return Brand(settings.brand_name, settings.brand_slogan)


def print_answer(query: PrintQuery, *, scope: Scope) -> Response:
    """The asked things as bytes. Refuses more than one code for a PNG."""
    scenes = query.scenes.split(",")
    if query.form == "png" and len(scenes) != 1:
        raise Invalid("A picture shows one code.", fields={"scenes": "one for a PNG"})
    p = parts()
    with p.read() as connection:
        made = printed(
            connection,
            scenes=scenes,
            wish=query.wish(),
            brand=brand(p.settings),
            scope=scope,
            now=p.now(),
        )
    response = Response(made, content_type=TYPES[query.form])
    response.headers["Cache-Control"] = "private, no-store"
    if query.form == "pdf":
        response.headers["Content-Disposition"] = f'attachment; filename="{query.material}.pdf"'
    return response
