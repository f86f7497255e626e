"""Codes that people scan: official-account QR codes and mini-program codes, and what a scanned picture
shows."""

import base64
import hashlib
import io
import json
import math
import secrets
import sqlite3
from typing import Any

import qrcode
from PIL import Image, ImageDraw

from wechat.box.inside import Box, letters

PERMANENT = ("QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE")


class NoSuchCode(LookupError):
    """The ticket, scene or picture is not one of the box's codes, or the code has expired."""


def create(
    box: Box, action: str, *, scene_id: int | None, scene_str: str | None, life_s: int | None
) -> sqlite3.Row:
    """A code for a scene. A permanent scene asked for again is the same code; ``life_s`` None lives for
    ever."""
    with box.store.write() as db:
        found = find_permanent(box, action, scene_id=scene_id, scene_str=scene_str)
        if found is not None:
            return found
        # Real tickets end in "==": whoever forgets to encode them in an address sees it here.
        ticket = base64.urlsafe_b64encode(b"\x81\x0e\xb9" + secrets.token_bytes(67)).decode()
        url = "http://weixin.qq.com/q/02" + letters(20)
        expires_at = None if life_s is None else box.now() + life_s
        db.execute(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?)",
            (ticket, url, action, scene_id, scene_str, expires_at, box.now()),
        )
        return by_ticket(box, ticket)


def find_permanent(
    box: Box, action: str, *, scene_id: int | None, scene_str: str | None
) -> sqlite3.Row | None:
    """The permanent code of this scene, when there is one already."""
    if action not in PERMANENT:
        return None
    return box.store.row(
        "SELECT * FROM codes WHERE action = ? AND scene_id IS ? AND scene_str IS ?",
        action,
        scene_id,
        scene_str,
    )


def count_permanent(box: Box) -> int:
    """How many permanent codes the account has used up."""
    found = box.store.row("SELECT count(*) AS n FROM codes WHERE action IN (?, ?)", *PERMANENT)
    assert found is not None
    return int(found["n"])


def by_ticket(box: Box, ticket: str) -> sqlite3.Row:
    """The code with this ticket (or this url). Raises NoSuchCode."""
    found = box.store.row("SELECT * FROM codes WHERE ? IN (ticket, url)", ticket)
    if found is None:
        raise NoSuchCode("no such ticket")
    return found


def by_scene(box: Box, scene: str) -> sqlite3.Row:
    """The youngest living code with this scene; made on the spot when there is none, for quick tests."""
    found = box.store.row(
        "SELECT * FROM codes WHERE (scene_str = ? OR CAST(scene_id AS TEXT) = ?)"
        " AND (expires_at IS NULL OR expires_at > ?) ORDER BY created_at DESC LIMIT 1",
        scene,
        scene,
        box.now(),
    )
    if found is None:
        found = create(box, "QR_STR_SCENE", scene_id=None, scene_str=scene, life_s=2_592_000)
    return found


def scene_of(code: sqlite3.Row) -> str:
    """The scene as events carry it."""
    return str(code["scene_str"] if code["scene_str"] is not None else code["scene_id"])


def check_alive(box: Box, code: sqlite3.Row) -> None:
    """Raises NoSuchCode for a temporary code whose time is over: WeChat shows an error page and sends
    nothing."""
    if code["expires_at"] is not None and code["expires_at"] <= box.now():
        raise NoSuchCode("this code has expired")


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


def _clear_png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.putalpha(image.convert("L").point([255] * 250 + [0] * 6))
    image.save(out, "PNG")
    return out.getvalue()


def _remember(box: Box, drawn: bytes, shows: str, content: dict[str, Any]) -> bytes:
    box.store.run(
        "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?)",
        hashlib.sha256(drawn).hexdigest(),
        shows,
        json.dumps(content, ensure_ascii=False),
    )
    return drawn


def draw(box: Box, code: sqlite3.Row) -> bytes:
    """The code as a 430 x 430 JPEG, a real QR of its url."""
    qr = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4)
    qr.add_data(code["url"])
    drawn = qr.make_image().get_image().resize((430, 430), Image.Resampling.NEAREST)
    return _remember(box, _jpeg(drawn), "oa", {"ticket": code["ticket"]})


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: str) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _dash(pen: ImageDraw.ImageDraw, middle: float, angle: float, near: float, length: float) -> None:
    ends = [(middle + far * math.cos(angle), middle + far * math.sin(angle)) for far in (near, near + length)]
    pen.line(ends, fill="black", width=int(length * 0.7))
    for x, y in ends:
        _disc(pen, x, y, length * 0.33, "black")


def draw_mini_program(
    box: Box, *, scene: str, page: str, env_version: str, width: int, clear: bool = False
) -> bytes:
    """A round mini-program code as JPEG, or (``clear``) as PNG without its ground.

    Its rays come from the content, so each code looks different and the same code always the same; the box knows
    the picture again when it is scanned.
    """
    bits = "".join(
        f"{byte:08b}" for byte in hashlib.sha512(f"{page}\n{scene}\n{env_version}".encode()).digest()
    )
    size, middle = 2 * width, width
    image = Image.new("RGB", (size, size), "white")
    pen = ImageDraw.Draw(image)
    for ray in range(48):
        for ring in range(9):
            if bits[(ray * 9 + ring) % len(bits)] == "1":
                _dash(pen, middle, ray / 48 * math.tau, size * (0.23 + 0.026 * ring), size * 0.016)
    for x, y in ((0.15, 0.15), (0.85, 0.15), (0.15, 0.85)):
        _disc(pen, x * size, y * size, size * 0.075, "white")
        _disc(pen, x * size, y * size, size * 0.065, "black")
        _disc(pen, x * size, y * size, size * 0.045, "white")
        _disc(pen, x * size, y * size, size * 0.026, "black")
    _disc(pen, middle, middle, size * 0.19, "#07c160")
    for side in (-1, 1):
        x, y = middle + side * size * 0.035, middle + side * size * 0.035
        _disc(pen, x, y, size * 0.075, "white")
        _disc(pen, x, y, size * 0.05, "#07c160")
    small = image.resize((width, width), Image.Resampling.LANCZOS)
    drawn = _clear_png(small) if clear else _jpeg(small)
    box.store.run("INSERT OR REPLACE INTO mp_codes VALUES (?, ?, ?, ?)", scene, page, env_version, box.now())
    return _remember(box, drawn, "mp", {"scene": scene, "page": page, "env_version": env_version})


def look_at(box: Box, picture: bytes) -> dict[str, Any]:
    """What a picture drawn by the box shows: ``shows`` is "oa" (with its ticket) or "mp" (page, scene, ...).

    Raises NoSuchCode for any other picture, also a re-encoded one: the box knows its pictures by their bytes.
    """
    found = box.store.row("SELECT * FROM pictures WHERE digest = ?", hashlib.sha256(picture).hexdigest())
    if found is None:
        raise NoSuchCode("这张图不是盒子里的二维码")
    content: dict[str, Any] = json.loads(found["content"])
    return {"shows": found["shows"]} | content


def seen_in(box: Box, picture: bytes, shows: str) -> dict[str, Any]:
    """What a picture of this kind, "oa" or "mp", shows. Raises NoSuchCode for any other picture."""
    content = look_at(box, picture)
    if content.pop("shows") != shows:
        raise NoSuchCode("这张图是另一种码")
    return content


def on_the_walls(box: Box) -> dict[str, Any]:
    """The codes that a person can scan now, the youngest 50 of each kind."""
    official = box.store.rows(
        "SELECT * FROM codes WHERE expires_at IS NULL OR expires_at > ? ORDER BY created_at DESC LIMIT 50",
        box.now(),
    )
    mini = box.store.rows("SELECT * FROM mp_codes ORDER BY created_at DESC LIMIT 50")
    return {
        "official": [
            {"ticket": code["ticket"], "scene": scene_of(code), "url": code["url"]} for code in official
        ],
        "mini_program": [{"scene": code["scene"], "page": code["page"]} for code in mini],
    }


def mini_program_code(box: Box, scene: str) -> dict[str, Any]:
    """The youngest mini-program code with this scene. Raises NoSuchCode."""
    found = box.store.row("SELECT * FROM mp_codes WHERE scene = ? ORDER BY created_at DESC LIMIT 1", scene)
    if found is None:
        raise NoSuchCode("no mini-program code has this scene")
    return {"scene": found["scene"], "page": found["page"], "env_version": found["env_version"]}
