"""Codes that open a page: without end (by scene), and up to 100,000 (by path)."""

import re
from typing import Any

from wechat.errors import Refused
from wechat.platform import Family

_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]+")


class Codes(Family):
    """Draws codes."""

    def unlimited_code(
        self,
        scene: str,
        *,
        page: str | None = None,
        check_path: bool = True,
        env_version: str = "release",
        width: int = 430,
    ) -> bytes:
        """The picture (JPEG) of a code that opens `page` (no leading slash, no query) with `scene` in its
        query. `scene`: 1..32 of digits, letters and !#$&'()*+,/:;=?@-._~ (others are refused here with
        WeChat's codes 40169 and 40129). `check_path` False allows a page that is not released yet. `width`
        280..1280 pixels."""
        api = "wxa/getwxacodeunlimit"
        if not 1 <= len(scene) <= 32:
            raise Refused(api, "40169", "a scene has 1 to 32 characters")
        if not _SCENE.fullmatch(scene):
            raise Refused(api, "40129", "a character that a scene cannot have")
        _check_width(api, width)
        if page is not None and (page.startswith("/") or "?" in page):
            raise Refused(api, "40097", "a page without leading slash and query")
        body: dict[str, Any] = {"scene": scene, "check_path": check_path}
        body |= {"env_version": env_version, "width": width} | ({"page": page} if page else {})
        return self.platform.picture(api, body)

    def page_code(
        self, path: str, *, env_version: str = "release", width: int = 430, clear: bool = False
    ) -> bytes:
        """The picture of a round code that opens `path` (1..1024 characters, with its query). One of 100,000
        that never expire and cannot be taken back (45029 when they are used up). `clear`: a PNG whose ground
        is transparent."""
        api = "wxa/getwxacode"
        _check_path(api, path, 1024)
        _check_width(api, width)
        body = {"path": path, "width": width, "is_hyaline": clear, "env_version": env_version}
        return self.platform.picture(api, body)

    def square_code(self, path: str, *, width: int = 430) -> bytes:
        """As `page_code`, square, for old scanners; `path` has 1..128 characters."""
        api = "cgi-bin/wxaapp/createwxaqrcode"
        _check_path(api, path, 128)
        _check_width(api, width)
        return self.platform.picture(api, {"path": path, "width": width})


def _check_width(api: str, width: int) -> None:
    if not 280 <= width <= 1280:
        raise Refused(api, "40097", "a width of 280 to 1280")


def _check_path(api: str, path: str, longest: int) -> None:
    if not 1 <= len(path) <= longest:
        raise Refused(api, "40159", f"a path has 1 to {longest} characters")
    if "scancode_time" in path:
        raise Refused(api, "85096", "scancode_time is WeChat's own")
