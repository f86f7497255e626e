"""Making codes at WeChat: two of each owner, one per app. The scenes are committed before WeChat is asked."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Conflict, NotFound, Unreachable
from app.codes import quota
from app.posters.poster import draw
from app.posters.qr import qr_png
from models.attribution import CodeKind
from models.stores import ClerkStatus, StoreStatus
from wechat.errors import WeChatError
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount

# Of [0-9a-z] without the look-alikes 0/o and 1/l; 20 of 32 = 100 bits: nobody guesses another clerk's scene.
SCENE_LETTERS = "23456789abcdefghijkmnpqrstuvwxyz"
SCENE_RANDOM = 20
CODE_PX = 500
# A clerk's picture is kept 430 pixels wide (36 mm in print); of the fewer others there is one for a poster.
LARGE_PX = 1280
# WeChat's longest life of a temporary ticket.
LONGEST_TICKET = timedelta(days=30)

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


@dataclass(frozen=True)
class Owner:
    """Whose codes: a clerk's, a store's (no clerk), a store's in a campaign, or a printed thing's (``label``)."""

    kind: str
    store_id: int
    clerk_id: int | None = None
    campaign_id: int | None = None
    label: str | None = None
    expires_at: datetime | None = None


_CLERK = text(
    """
    select c.id, c.name, c.status, s.id as store_id, s.name as store_name
    from clerk c join store s on s.id = c.store_id where c.id = :clerk_id
    """
)
_OPEN = text(
    """
    insert into qr_code (scene, kind, clerk_id, store_id, campaign_id, label, created_at, expires_at)
    values (:oa_scene, :kind || '_OA', cast(:clerk_id as bigint), :store_id, cast(:campaign_id as bigint),
            cast(:label as text), :now, cast(:expires_at as timestamptz)),
           (:mp_scene, :kind || '_MP', cast(:clerk_id as bigint), :store_id, cast(:campaign_id as bigint),
            cast(:label as text), :now, cast(:expires_at as timestamptz))
    on conflict do nothing returning id
    """
)
_FIND = text(
    """
    select id from qr_code where revoked_at is null and kind in (:kind || '_OA', :kind || '_MP')
      and case :kind when 'CLERK' then clerk_id = :clerk_id
                     when 'STORE' then store_id = :store_id
                     else campaign_id = :campaign_id and store_id = :store_id end
    """
)
_ROWS = text(
    "select id, kind, scene, ticket, url, image, ticket_expires_at, expires_at from qr_code where id = any(:ids)"
)
_KEEP_TICKET = text(
    "update qr_code set ticket = :ticket, url = :url, ticket_expires_at = cast(:until as timestamptz)"
    " where id = :id and (ticket is null or (kind = 'CAMPAIGN_OA' and ticket_expires_at < :until))"
)
_KEEP_IMAGE = text("update qr_code set image = :image where id = :id and image is null")


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
    asking again uses the same scene and no more of the quota. Refuses CLERK_LEFT, and QUOTA_USED_UP when no
    permanent code is left; WECHAT_UNAVAILABLE when WeChat does not answer: nothing is lost, the next call
    finishes.
    """
    with tx() as session:
        clerk, ids = _clerk_scenes(session, clerk_id, now)
    made = asked(lambda: complete(tx, official_account, mini_program, ids=ids, page=page, now=now))
    oa, mp = made[CodeKind.CLERK_OA], made[CodeKind.CLERK_MP]
    return ClerkCodes(clerk.name, clerk.store_name, oa.scene, oa.url, mp.scene, bytes(mp.image))


def clerk_scenes(session: Session, *, clerk_id: int, now: datetime) -> list[int]:
    """The rows of a clerk's two codes, opened when they are not there. Refuses CLERK_LEFT."""
    return _clerk_scenes(session, clerk_id, now)[1]


def store_scenes(session: Session, *, store_id: int, now: datetime) -> list[int]:
    """The rows of a store's two codes, opened when they are not there. Refuses STORE_CLOSED."""
    status = session.execute(text("select status from store where id = :id"), {"id": store_id}).scalar()
    if status is None:
        raise NotFound("NOT_FOUND", "No such store.")
    if status == StoreStatus.CLOSED:
        raise Conflict("STORE_CLOSED", "A closed store gets no code.")
    return open_scenes(session, Owner("STORE", store_id), now=now)


def open_scenes(session: Session, owner: Owner, *, now: datetime) -> list[int]:
    """The rows of an owner's two codes; opened when they are not there, and always anew for a printed thing."""
    facts: dict[str, Any] = {
        "kind": owner.kind,
        "clerk_id": owner.clerk_id,
        "store_id": owner.store_id,
        "campaign_id": owner.campaign_id,
    }
    if owner.kind != "MATERIAL":
        ids = list(session.execute(_FIND, facts).scalars())
        if len(ids) == 2:
            return ids
    facts |= {"label": owner.label, "expires_at": owner.expires_at, "now": now}
    letter = owner.kind[0].lower()
    scenes = {"oa_scene": new_scene(letter), "mp_scene": new_scene(letter)}
    opened = list(session.execute(_OPEN, {**facts, **scenes}).scalars())
    # Of two who open at once, the second finds what the first has committed.
    return opened if owner.kind == "MATERIAL" else list(session.execute(_FIND, facts).scalars())


def complete(
    tx: Tx,
    official_account: OfficialAccount,
    mini_program: MiniProgram,
    *,
    ids: list[int],
    page: CodePage,
    now: datetime,
) -> dict[CodeKind, Row[Any]]:
    """Have WeChat make what is missing of these codes; answers them by kind, complete.

    Raises WeChatError as the telephone does, and QUOTA_USED_UP. Asking again asks only for what is missing.
    """
    with tx() as session:
        rows = _rows(session, ids)
    for kind, row in rows.items():
        if kind.value.endswith("_OA"):
            _make_ticket(tx, official_account, kind, row, now)
        elif row.image is None:
            _make_image(tx, mini_program, kind, row, page)
    # Read again rather than kept in hand: of two who asked at once the first one's answer counts.
    with tx() as session:
        return _rows(session, ids)


def renew(tx: Tx, official_account: OfficialAccount, *, code_id: int, now: datetime) -> None:
    """Give a campaign's code a fresh ticket for the same scene; scans of the old one stay understood."""
    with tx() as session:
        ((_, row),) = _rows(session, [code_id]).items()
    _ask_ticket(tx, official_account, row, life=_life(row, now), now=now)


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


def new_scene(prefix: str) -> str:
    """A scene that both apps can carry (at most 32 of [0-9a-z-]) and nobody can guess."""
    return f"{prefix}-{''.join(secrets.choice(SCENE_LETTERS) for _ in range(SCENE_RANDOM))}"


def asked(call: Callable[[], Answer]) -> Answer:
    """The answer of a call to WeChat; what WeChat does not answer or refuses becomes WECHAT_UNAVAILABLE."""
    try:
        return call()
    except WeChatError as error:
        raise Unreachable("WECHAT_UNAVAILABLE", f"{error.api} [{error.code}]") from error


def _clerk_scenes(session: Session, clerk_id: int, now: datetime) -> tuple[Row[Any], list[int]]:
    clerk = session.execute(_CLERK, {"clerk_id": clerk_id}).first()
    if clerk is None:
        raise NotFound("NOT_FOUND", "No such clerk.")
    if clerk.status == ClerkStatus.LEFT:
        raise Conflict("CLERK_LEFT", "A clerk who has left gets no code.")
    return clerk, open_scenes(session, Owner("CLERK", clerk.store_id, clerk_id), now=now)


def _rows(session: Session, ids: list[int]) -> dict[CodeKind, Row[Any]]:
    return {CodeKind(row.kind): row for row in session.execute(_ROWS, {"ids": ids})}


def _make_ticket(
    tx: Tx, official_account: OfficialAccount, kind: CodeKind, row: Row[Any], now: datetime
) -> None:
    if row.url is not None:
        return
    if kind is CodeKind.CAMPAIGN_OA:
        _ask_ticket(tx, official_account, row, life=_life(row, now), now=now)
        return
    with tx() as session:
        recycled = quota.take(session, code_id=row.id, now=now)
    if not recycled:
        _ask_ticket(tx, official_account, row, life=None, now=now)


def _ask_ticket(
    tx: Tx, official_account: OfficialAccount, row: Row[Any], *, life: timedelta | None, now: datetime
) -> None:
    seconds = None if life is None else max(60, int(life.total_seconds()))
    made = official_account.create_code(row.scene, expires_in_s=seconds)
    until = None if life is None else now + timedelta(seconds=made.expires_in_s or seconds or 0)
    with tx() as session:
        facts = {"id": row.id, "ticket": made.ticket, "url": made.url, "until": until}
        session.execute(_KEEP_TICKET, facts)


def _life(row: Row[Any], now: datetime) -> timedelta:
    left = row.expires_at - now if row.expires_at else LONGEST_TICKET
    return min(left, LONGEST_TICKET)


def _make_image(tx: Tx, mini_program: MiniProgram, kind: CodeKind, row: Row[Any], page: CodePage) -> None:
    size = {} if kind is CodeKind.CLERK_MP else {"width": LARGE_PX}
    image = mini_program.unlimited_code(
        row.scene,
        page=page.page,
        check_path=page.env_version == "release",
        env_version=page.env_version,
        **size,
    )
    with tx() as session:
        session.execute(_KEEP_IMAGE, {"id": row.id, "image": image})
