"""Links that open the mini-program: schemes, URL links, short links (WECHAT.md 6.5)."""

import sqlite3
from typing import Any

from flask import Request, Response

from wechat.box.account_api import mini_program
from wechat.box.answers import Refusal, asked_json, said
from wechat.box.inside import Box, letters
from wechat.box.mp_codes_api import ENV_VERSIONS

_LONGEST_S = 30 * 86400
_VISITS_A_DAY = 3_000_000


def _place(box: Box, asked: dict[str, Any]) -> tuple[str, str, str]:
    """path, query and env_version. Raises Refusal 40165, 40212 or 85402."""
    path, query = asked.get("path", ""), asked.get("query", "")
    env_version = asked.get("env_version", "release")
    pages = box.settings()["mp_pages"]
    if not isinstance(path, str) or len(path) > 1024 or "?" in path:
        raise Refusal(40165)
    if path and pages is not None and path.lstrip("/") not in pages and env_version == "release":
        raise Refusal(40165)
    if not isinstance(query, str) or len(query) > 1024 or not query.isascii():
        raise Refusal(40212)
    if env_version not in ENV_VERSIONS:
        raise Refusal(85402)
    return path.lstrip("/"), query, env_version


def _end(box: Box, asked: dict[str, Any]) -> int:
    """When the link ends: at a moment (type 0) or after days (type 1), at most 30 days. Raises Refusal 85401."""
    now = int(box.now())
    kind = asked.get("expire_type", 0)
    if kind == 1:
        days = asked.get("expire_interval", 30)
        if type(days) is not int or not 1 <= days <= 30:
            raise Refusal(85401)
        return now + days * 86400
    moment = asked.get("expire_time", now + _LONGEST_S)
    if kind != 0 or type(moment) is not int or not now + 60 <= moment <= now + _LONGEST_S:
        raise Refusal(85401)
    return moment


def _keep(box: Box, link: str, kind: str, place: tuple[str, str, str], end: int | None) -> str:
    box.store.run("INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?)", link, kind, *place, int(box.now()), end)
    return link


def scheme(box: Box, request: Request) -> Response:
    """POST /wxa/generatescheme {jump_wxa, expire_type, ...}"""
    mini_program(box, request)
    asked = asked_json(request)
    jump = asked.get("jump_wxa") or {}
    if not isinstance(jump, dict):
        raise Refusal(40097)
    place, end = _place(box, jump), _end(box, asked)
    link = _keep(box, "weixin://dl/business/?t=" + letters(11), "scheme", place, end)
    return said({"errcode": 0, "errmsg": "ok", "openlink": link})


def url_link(box: Box, request: Request) -> Response:
    """POST /wxa/generate_urllink {path, query, expire_type, ...}"""
    mini_program(box, request)
    asked = asked_json(request)
    place, end = _place(box, asked), _end(box, asked)
    link = _keep(box, "https://wxaurl.cn/" + letters(11), "url_link", place, end)
    return said({"errcode": 0, "errmsg": "ok", "url_link": link})


def short_link(box: Box, request: Request) -> Response:
    """POST /wxa/genwxashortlink {page_url, page_title, is_permanent}: 30 days unless permanent."""
    mini_program(box, request)
    asked = asked_json(request)
    url, title = asked.get("page_url"), asked.get("page_title", "")
    if not isinstance(url, str) or not 1 <= len(url) <= 1024:
        raise Refusal(40066)
    if not isinstance(title, str) or len(title.encode()) > 60:
        raise Refusal(40225)
    path, _, query = url.partition("?")
    place = _place(box, {"path": path, "query": query})
    end = None if asked.get("is_permanent") is True else int(box.now()) + _LONGEST_S
    link = _keep(box, f"#小程序://{title or '盒子'}/{letters(15)}", "short", place, end)
    return said({"errcode": 0, "errmsg": "ok", "link": link})


def query_scheme(box: Box, request: Request) -> Response:
    """POST /wxa/queryscheme {scheme}: what it opens; 85403 for one that WeChat did not make."""
    return _queried(box, request, "scheme", "scheme_info")


def query_url_link(box: Box, request: Request) -> Response:
    """POST /wxa/query_urllink {url_link}"""
    return _queried(box, request, "url_link", "url_link_info")


def _queried(box: Box, request: Request, kind: str, name: str) -> Response:
    account = mini_program(box, request)
    asked = asked_json(request)
    found = find(box, str(asked.get(kind)))
    if found is None or found["kind"] != kind:
        raise Refusal(85403)
    info = {
        "appid": account.appid,
        "path": found["path"],
        "query": found["query"],
        "create_time": found["created_at"],
        "expire_time": found["expires_at"] or 0,
        "env_version": found["env_version"],
    }
    told: dict[str, Any] = {"errcode": 0, "errmsg": "ok", name: info}
    return said(told | {"quota_info": {"remain_visit_quota": _VISITS_A_DAY}})


def find(box: Box, link: str) -> sqlite3.Row | None:
    """The link, with or without what a caller has appended (?cq=...), or None."""
    return box.store.row(
        "SELECT * FROM links WHERE link IN (?, ?, ?)",
        link,
        link.partition("?cq=")[0],
        link.partition("&cq=")[0],
    )
