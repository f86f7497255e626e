"""Codes that people scan: one for the official account and one for the mini-program per clerk."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Conflict, NotFound, Unreachable
from app.posters.poster import draw
from app.posters.qr import qr_png
from models.attribution import CodeKind
from models.stores import ClerkStatus
from wechat.errors import WeChatError
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount

# Of [0-9a-z] without the look-alikes 0/o and 1/l; 20 of 32 = 100 bits: nobody guesses another clerk's scene.
SCENE_LETTERS = "23456789abcdefghijkmnpqrstuvwxyz"
SCENE_RANDOM = 20
CODE_PX = 500

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class CodePage:
    """Where a mini-program code leads: a page without leading slash, in the released or a trial version."""

    page: str
    env_version: str = "release"


@dataclass(frozen=True)
class ClerkCodes:
    """The codes of a clerk, complete. ``oa_url`` is what the picture of the official-account code says."""

    clerk_name: str
    store_name: str
    oa_scene: str
    oa_url: str
    mp_scene: str
    mp_image: bytes


_CLERK = text(
    """
    select c.id, c.name, c.status, s.id as store_id, s.name as store_name
    from clerk c join store s on s.id = c.store_id where c.id = :clerk_id
    """
)
_ENSURE = text(
    """
    insert into qr_code (scene, kind, clerk_id, store_id, created_at)
    values (:oa_scene, 'CLERK_OA', :clerk_id, :store_id, :now),
           (:mp_scene, 'CLERK_MP', :clerk_id, :store_id, :now)
    on conflict (kind, clerk_id) where revoked_at is null and kind in ('CLERK_OA', 'CLERK_MP') do nothing
    """
)
_FIND = text(
    "select id, kind, scene, ticket, url, image from qr_code"
    " where clerk_id = :clerk_id and revoked_at is null and kind in ('CLERK_OA', 'CLERK_MP')"
)
_KEEP_TICKET = text("update qr_code set ticket = :ticket, url = :url where id = :id and ticket is null")
_KEEP_IMAGE = text("update qr_code set image = :image where id = :id and image is null")
_REVOKE = text(
    "update qr_code set revoked_at = :now, revoke_reason = 'CLERK_LEFT', revoked_by = 'rule:TCH-3'"
    " where clerk_id = :clerk_id and revoked_at is null returning id"
)


def ensure_clerk_codes(
    tx: Tx,
    official_account: OfficialAccount,
    mini_program: MiniProgram,
    *,
    clerk_id: int,
    page: CodePage,
    now: datetime,
) -> ClerkCodes:
    """The two codes of a clerk, made at WeChat when they are not there yet.

    The scenes are committed before WeChat is asked, so a scan is understood whatever happens after, and
    asking again uses the same scene and no more of the quota. Refuses CLERK_LEFT; WECHAT_UNAVAILABLE when
    WeChat does not answer: nothing is lost, the next call finishes.
    """
    clerk, codes = _scenes(tx, clerk_id, now)
    oa, mp = codes[CodeKind.CLERK_OA], codes[CodeKind.CLERK_MP]
    if oa.url is None:
        made = _ask(lambda: official_account.create_code(oa.scene))
        _keep(tx, _KEEP_TICKET, {"id": oa.id, "ticket": made.ticket, "url": made.url})
    if mp.image is None:
        image = _ask(
            lambda: mini_program.unlimited_code(
                mp.scene,
                page=page.page,
                check_path=page.env_version == "release",
                env_version=page.env_version,
            )
        )
        _keep(tx, _KEEP_IMAGE, {"id": mp.id, "image": image})
    if oa.url is None or mp.image is None:
        # Read again rather than kept in hand: of two who asked at once the first one's answer counts.
        clerk, codes = _scenes(tx, clerk_id, now)
        oa, mp = codes[CodeKind.CLERK_OA], codes[CodeKind.CLERK_MP]
    return ClerkCodes(clerk.name, clerk.store_name, oa.scene, oa.url, mp.scene, bytes(mp.image))


def clerk_poster(codes: ClerkCodes, *, kind: CodeKind, brand: str, slogan: str) -> bytes:
    """The clerk's poster as a PNG, with the code of either app."""
    image = codes.mp_image if kind is CodeKind.CLERK_MP else qr_png(codes.oa_url, size_px=CODE_PX)
    return draw(
        brand=brand,
        clerk_name=codes.clerk_name,
        store_name=codes.store_name,
        slogan=slogan,
        code_image=image,
    )


def revoke_clerk_codes(session: Session, *, clerk_id: int, now: datetime) -> int:
    """Withdraw the codes of a clerk: scans from ``now`` on are CODE_REVOKED (TCH-3). Answers how many."""
    return len(session.execute(_REVOKE, {"clerk_id": clerk_id, "now": now}).all())


def new_scene(prefix: str) -> str:
    """A scene that both apps can carry (at most 32 of [0-9a-z-]) and nobody can guess."""
    return f"{prefix}-{''.join(secrets.choice(SCENE_LETTERS) for _ in range(SCENE_RANDOM))}"


def _scenes(tx: Tx, clerk_id: int, now: datetime) -> tuple[Row[Any], dict[CodeKind, Row[Any]]]:
    with tx() as session:
        clerk = session.execute(_CLERK, {"clerk_id": clerk_id}).first()
        if clerk is None:
            raise NotFound("NOT_FOUND", "No such clerk.")
        if clerk.status == ClerkStatus.LEFT:
            raise Conflict("CLERK_LEFT", "A clerk who has left gets no code.")
        facts = {"clerk_id": clerk_id, "store_id": clerk.store_id, "now": now}
        codes = _codes(session, facts)
        if len(codes) < 2:
            session.execute(_ENSURE, {**facts, "oa_scene": new_scene("c"), "mp_scene": new_scene("c")})
            codes = _codes(session, facts)
    return clerk, codes


def _codes(session: Session, facts: dict[str, Any]) -> dict[CodeKind, Row[Any]]:
    return {CodeKind(row.kind): row for row in session.execute(_FIND, facts)}


def _keep(tx: Tx, statement: Any, facts: dict[str, Any]) -> None:
    with tx() as session:
        session.execute(statement, facts)


def _ask(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    except WeChatError as error:
        raise Unreachable("WECHAT_UNAVAILABLE", f"{error.api} [{error.code}]") from error
