"""What the page asks of the server behind the box: /box/house/api/... goes to the origin of the callback URL.

A browser lets the page call only the box; a real mini-program is not bound so. The line goes nowhere else:
one origin, /api/ only, no redirects, bounded in size and time.
"""

import time
from urllib.parse import quote, urlsplit

import requests
from flask import Request, Response, jsonify
from urllib3.exceptions import HTTPError, TimeoutError

from wechat.box.inside import Box

MOST_ASKED_BYTES = 64 * 1024
MOST_ANSWERED_BYTES = 4 * 1024 * 1024
PATIENCE_S = 10.0
# What a mini-program sends along, and what its shop needs of the answer. Nothing else crosses.
_THERE = ("Authorization", "Idempotency-Key", "Accept-Language", "Content-Type")
_BACK = ("Content-Type", "Retry-After", "Idempotent-Replay", "X-Request-Id")


class LineDown(Exception):
    """The call cannot be put through: ``status`` and ``code`` for programs, a sentence for people."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        """Refuse with a status, a code and a sentence."""
        super().__init__(sentence)
        self.status, self.code = status, code


def forward(box: Box, request: Request, path: str) -> Response:
    """Put one call through and answer what came back, refusals too; errors of the line itself are the box's:
    {error: {code, message}} with 403, 404, 409, 413, 502 or 504."""
    try:
        url = _address(box, request, path)
        body = request.get_data()
        if len(body) > MOST_ASKED_BYTES:
            raise LineDown(413, "TOO_LARGE", "这次请求太大了")
        return _carried(request, url, body)
    except LineDown as problem:
        answer = jsonify({"error": {"code": problem.code, "message": str(problem)}})
        answer.status_code = problem.status
        return answer


def _address(box: Box, request: Request, path: str) -> str:
    origin = request.headers.get("Origin")
    if origin is not None and origin.rpartition("//")[2] != request.host:
        raise LineDown(403, "FOREIGN_ORIGIN", "只有本页可以操作")
    callback = box.settings()["callback_url"]
    if not callback:
        raise LineDown(409, "NO_CALLBACK", "盒子没有回调地址，不知道商城在哪里")
    if not path.startswith("api/") or any(part in (".", "..") for part in path.split("/")):
        raise LineDown(404, "NOT_THERE", "这条线只通到商城的 /api/")
    server = urlsplit(callback)
    query = request.query_string.decode("latin-1")
    return f"{server.scheme}://{server.netloc}/{quote(path)}" + (f"?{query}" if query else "")


def _carried(request: Request, url: str, body: bytes) -> Response:
    headers = {name: request.headers[name] for name in _THERE if name in request.headers}
    until = time.monotonic() + PATIENCE_S
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.headers.clear()
            with session.request(
                request.method,
                url,
                headers=headers,
                data=body,
                timeout=PATIENCE_S,
                allow_redirects=False,
                stream=True,
            ) as heard:
                content = _whole(heard, until)
                back = {name: heard.headers[name] for name in _BACK if name in heard.headers}
                return Response(content, heard.status_code, back | {"Cache-Control": "no-store"})
    except (requests.Timeout, TimeoutError):
        raise _slow() from None
    except (requests.RequestException, HTTPError):
        raise LineDown(502, "NOBODY_THERE", "商城没有回应：它在运行吗？") from None


def _whole(heard: requests.Response, until: float) -> bytes:
    content = bytearray()
    # read1 answers what is there: a server that drips is measured drop by drop.
    while piece := heard.raw.read1(64 * 1024):
        content += piece
        if len(content) > MOST_ANSWERED_BYTES:
            raise LineDown(502, "TOO_LARGE", "商城的回答太大了")
        if time.monotonic() > until:
            raise _slow()
    return bytes(content)


def _slow() -> LineDown:
    return LineDown(504, "TOO_SLOW", f"商城 {PATIENCE_S:.0f} 秒内没有回应")
