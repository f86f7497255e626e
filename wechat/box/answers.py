"""How api.weixin.qq.com answers: errors with a rid under HTTP 200, content types as observed (WECHAT.md 0,
13.1, 14)."""

import json
import secrets
from typing import Any

from flask import Request, Response

_TEXTS = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest, could get access_token by"
    " getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",
    40029: "invalid code",
    40053: "invalid action info, please check document",
    40066: "invalid url",
    40097: "invalid args",
    40125: "invalid appsecret",
    40129: "invalid scene",
    40163: "code been used",
    40169: "invalid length for scene, or the data is not json string",
    40226: "code blocked",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41009: "missing openid",
    41030: "invalid page",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    44002: "empty post data",
    44004: "empty content",
    45002: "content size out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45029: "qrcode count out of limit",
    45047: "out of response count limit",
    47001: "data format error",
    48001: "api unauthorized",
    85096: "scancode_time is system reserved, not support set",
}
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
    text = _TEXTS[refusal.errcode] + (f" {refusal.detail}" if refusal.detail else "")
    return said({"errcode": refusal.errcode, "errmsg": f"{text} rid: {rid()}"}, sns=sns)


def picture(jpeg: bytes) -> Response:
    """A picture. The type is exactly image/jpeg: at least one SDK compares it (WECHAT.md 6.4)."""
    return Response(jpeg, content_type="image/jpeg")


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
