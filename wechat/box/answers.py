"""How api.weixin.qq.com answers: errors with a rid under HTTP 200, content types as observed (WECHAT.md 0,
14)."""

import json
import secrets
from typing import Any

from flask import Request, Response

from wechat.box.errmsgs import TEXTS

_JSON = "application/json; encoding=utf-8"
_SNS = "text/plain"


class Refusal(Exception):
    """WeChat says no: an errcode of WECHAT.md 13.1. ``detail`` follows the text where WeChat names a
    field."""

    def __init__(self, errcode: int, detail: str = "") -> None:
        """Refuse with ``errcode``."""
        super().__init__(str(errcode))
        self.errcode = errcode
        self.detail = detail


def rid() -> str:
    """A trace id as WeChat appends it: three groups of eight hex digits."""
    return "-".join(secrets.token_hex(4) for _ in range(3))


def said(content: dict[str, Any], *, sns: bool = False) -> Response:
    """A JSON answer, real characters; ``sns`` answers are labelled text/plain as the real ones are."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(body, content_type=_SNS if sns else _JSON)


def done() -> Response:
    """The answer of calls that return nothing else."""
    return said({"errcode": 0, "errmsg": "ok"})


def refused(refusal: Refusal, *, sns: bool = False) -> Response:
    """The error answer: HTTP 200, errcode, text and rid."""
    text = TEXTS[refusal.errcode] + (f" {refusal.detail}" if refusal.detail else "")
    return said({"errcode": refusal.errcode, "errmsg": f"{text} rid: {rid()}"}, sns=sns)


def picture(drawn: bytes) -> Response:
    """A picture. The type is exactly image/jpeg (of a clear one image/png): at least one SDK compares it
    (WECHAT.md 6.4)."""
    return Response(drawn, content_type="image/png" if drawn.startswith(b"\x89PNG") else "image/jpeg")


def asked_json(request: Request) -> dict[str, Any]:
    """The JSON object in the body, whatever the Content-Type says. Raises Refusal 44002 (nothing) or
    47001."""
    body = request.get_data()
    if not body.strip():
        raise Refusal(44002)
    try:
        asked = json.loads(body)
        json.dumps(asked, ensure_ascii=False).encode()  # half a surrogate pair is no character
    except (ValueError, RecursionError):
        raise Refusal(47001) from None
    if not isinstance(asked, dict):
        raise Refusal(47001)
    return asked
