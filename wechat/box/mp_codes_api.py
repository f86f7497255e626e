"""Mini-program codes, as a program asks for them (WECHAT.md 6.4)."""

import re
from typing import Any

from flask import Request, Response

from wechat.box import codes
from wechat.box.account_api import mini_program
from wechat.box.answers import Refusal, asked_json, picture
from wechat.box.inside import Box

_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
ENV_VERSIONS = ("release", "trial", "develop")
_COLOURS = frozenset(str(part) for part in range(256))
_HOME = "pages/index/index"


def _look(asked: dict[str, Any]) -> tuple[str, int, bool]:
    """env_version, width, and whether the ground is clear. Raises Refusal 40097 also for colours that are none."""
    env_version, width = asked.get("env_version", "release"), asked.get("width", 430)
    if env_version not in ENV_VERSIONS or type(width) is not int or not 280 <= width <= 1280:
        raise Refusal(40097)
    for name in ("auto_color", "is_hyaline", "check_path"):
        if type(asked.get(name, False)) is not bool:
            raise Refusal(40097)
    colour = asked.get("line_color", {})
    parts = list(colour.values()) if isinstance(colour, dict) else [None]
    if not all(str(part) in _COLOURS for part in parts):
        raise Refusal(40097)
    return env_version, width, asked.get("is_hyaline", False)


def unlimited_code(box: Box, request: Request) -> Response:
    """POST /wxa/getwxacodeunlimit: a JPEG, or an error in JSON (40169, 40129, 41030, 40097, 85096). Only a released
    page, unless check_path is false or the code is for another version."""
    mini_program(box, request)
    asked = asked_json(request)
    scene, page = asked.get("scene"), asked.get("page", "")
    if not isinstance(scene, str) or not 1 <= len(scene) <= 32:
        raise Refusal(40169)
    if not _SCENE.fullmatch(scene):
        raise Refusal(40129)
    if "scancode_time" in scene:
        raise Refusal(85096)
    if not isinstance(page, str) or page.startswith("/") or "?" in page:
        raise Refusal(41030)
    env_version, width, clear = _look(asked)
    pages = box.settings()["mp_pages"]
    if asked.get("check_path", True) and pages is not None and page and page not in pages:
        raise Refusal(41030)
    page = page or (pages[0] if pages else _HOME)
    return picture(
        codes.draw_mini_program(
            box, scene=scene, page=page, env_version=env_version, width=width, clear=clear
        )
    )


def plain_code(box: Box, request: Request) -> Response:
    """POST /wxa/getwxacode {path <= 1024} and /cgi-bin/wxaapp/createwxaqrcode {path <= 128}: 100,000 together,
    counted in the header Num-Used; 45029 beyond."""
    mini_program(box, request)
    asked = asked_json(request)
    path, most = asked.get("path"), 128 if request.path.endswith("createwxaqrcode") else 1024
    if not isinstance(path, str) or not 1 <= len(path) <= most:
        raise Refusal(40159)
    if "scancode_time" in path:
        raise Refusal(85096)
    env_version, width, clear = _look(asked)
    with box.store.write():
        used = int(box.store.kept("life:plain_codes") or 0)
        if used >= box.settings()["most_plain_codes"]:
            raise Refusal(45029)
        box.store.keep("life:plain_codes", used + 1)
    page, _, query = path.lstrip("/").partition("?")
    answer = picture(
        codes.draw_mini_program(
            box, scene=query, page=page, env_version=env_version, width=width, clear=clear
        )
    )
    answer.headers["Num-Used"] = str(used + 1)
    return answer
