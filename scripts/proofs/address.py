"""Our own address: whether PUBLIC_URL leads to this house, and whether what stands there knows OA_TOKEN."""

import re
import secrets
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from app.settings import Settings
from scripts.proofs.finding import Finding, ok, unseen, wrong
from wechat.envelope import signature
from wechat.http import Answer, Broken, Http
from wechat.platform import API_BASE

CONSOLE = "公众平台 → 设置与开发 → 基本配置 → 服务器配置"
MP_CONSOLE = "小程序后台 → 开发管理 → 开发设置 → 消息推送"
_FORWARD = "nginx must hand /callbacks/ over as it is: no login, no redirect, no cache."


def notify_urls(settings: Settings) -> Finding:
    """The line `notify-urls`: what WeChat can call, judged by its form alone."""
    found = urlsplit(settings.public_url)
    if found.query or found.fragment or "?" in settings.public_url:
        return wrong("notify-urls", "PUBLIC_URL has a query or a fragment; WeChat Pay takes neither.")
    if settings.wechat_api_base != API_BASE:
        return ok("notify-urls", "any address will do for WeChat in a box.")
    if found.scheme != "https" or found.port not in (None, 443):
        return wrong(
            "notify-urls", "PUBLIC_URL must be https on port 443, with a domain that is filed (备案)."
        )
    if not re.search(r"\.[a-z][a-z0-9-]+$", found.hostname or ""):
        return wrong("notify-urls", "PUBLIC_URL needs a domain name that is filed (备案), not an address.")
    return ok("notify-urls", f"{settings.paid_url} and {settings.refunded_url}, https and without a query.")


def address(settings: Settings, http: Http, now: Callable[[], float]) -> Iterator[Finding]:
    """The lines `public-url` and, for each app with a push, `...-callback` and `...-callback-refuses`. Only
    GETs, which change nothing."""
    ready = _get(http, f"{settings.public_url}/readyz", {})
    yield _public_url(ready)
    for door in _doors(settings):
        if ready is None:
            for name in (f"{door.app}-callback", f"{door.app}-callback-refuses"):
                yield unseen(name, "PUBLIC_URL does not answer; see public-url.")
            continue
        yield from _proven(door, f"{settings.public_url}/callbacks/wechat/{door.app}", http, now)
    if not settings.mp_token.get_secret_value():
        yield unseen("mp-callback", "MP_TOKEN is not set, so 消息推送 of the mini-program must be off.")


class _Door(NamedTuple):
    app: str
    token: str
    console: str


def _doors(settings: Settings) -> list[_Door]:
    doors = [_Door("oa", settings.oa_token.get_secret_value(), CONSOLE)]
    if settings.mp_token.get_secret_value():
        doors.append(_Door("mp", settings.mp_token.get_secret_value(), MP_CONSOLE))
    return doors


def _proven(door: _Door, target: str, http: Http, now: Callable[[], float]) -> Iterator[Finding]:
    echo, stamp, nonce = secrets.token_hex(8), str(int(now())), secrets.token_hex(5)
    right = signature(door.token, stamp, nonce)
    query = {"signature": right, "timestamp": stamp, "nonce": nonce, "echostr": echo}
    yield _echoes(door, _get(http, target, query), echo)
    yield _refuses(door, _get(http, target, {**query, "signature": right[::-1]}), echo)


def _get(http: Http, url: str, query: dict[str, str]) -> Answer | None:
    try:
        return http.deliver(http.prepare("GET", url, params=query))
    except (Broken, ValueError):  # requests' complaints about an address are ValueErrors
        return None


def _public_url(ready: Answer | None) -> Finding:
    if ready is None:
        return wrong(
            "public-url",
            "PUBLIC_URL does not answer here. Is the web server up, the name in DNS, the certificate valid? "
            "(If only this machine cannot reach its own public name, ask from another one.)",
        )
    if ready.status != 200:
        return wrong(
            "public-url",
            f"PUBLIC_URL/readyz answers {ready.status} instead of 200. 503: the database is not there or not "
            "migrated; else something other than Lianke stands at that address.",
        )
    return ok("public-url", "PUBLIC_URL/readyz answers 200.")


def _echoes(door: _Door, answer: Answer | None, echo: str) -> Finding:
    name = f"{door.app}-callback"
    if answer is not None and answer.status == 200 and answer.body == echo.encode():
        return ok(name, "our own signed GET brings back the echostr and nothing else.")
    if answer is not None and answer.status == 403:
        return wrong(
            name,
            f"the server refuses {door.app.upper()}_TOKEN of this environment. Restart it with the same values, "
            f"and compare with {door.console} → Token.",
        )
    seen = "nothing" if answer is None else f"{answer.status} with something else"
    return wrong(name, f"PUBLIC_URL/callbacks/wechat/{door.app} answers {seen}. {_FORWARD}")


def _refuses(door: _Door, answer: Answer | None, echo: str) -> Finding:
    name = f"{door.app}-callback-refuses"
    if answer is None:
        return unseen(name, f"no answer came; see {door.app}-callback.")
    if answer.status == 403 and echo.encode() not in answer.body:
        return ok(name, "a wrong signature is refused with 403.")
    return wrong(
        name,
        f"a wrong signature is answered {answer.status} instead of 403: something before Lianke answers. "
        f"{_FORWARD}",
    )
