"""The official account's fans, as a program asks for them (WECHAT.md 3.1)."""

import sqlite3
from typing import Any

from flask import Request, Response

from wechat.box import people, tagging
from wechat.box.account_api import official
from wechat.box.answers import Refusal, asked_json, done, said
from wechat.box.inside import Box

_BATCH = 100
_PAGE = 10_000
_REMARK = 30
_BLACK_BATCH = 20


def fan(box: Box, openid: object) -> sqlite3.Row:
    """The person whom the official account knows by this openid. Raises Refusal 41009 or 40003."""
    if not openid:
        raise Refusal(41009)
    person = people.by_openid(box, box.credentials.oa.appid, openid) if isinstance(openid, str) else None
    if person is None:
        raise Refusal(40003)
    return person


def _info(box: Box, person: sqlite3.Row) -> dict[str, Any]:
    openid = person["oa_openid"]
    if not person["subscribed"]:
        return {"subscribe": 0, "openid": openid, "tagid_list": []}
    remark = box.store.row("SELECT remark FROM remarks WHERE openid = ?", openid)
    return {
        "subscribe": 1,
        "openid": openid,
        "language": "zh_CN",
        "subscribe_time": person["subscribe_at"],
        "unionid": person["unionid"],
        "remark": "" if remark is None else remark["remark"],
        "groupid": 0,
        "tagid_list": tagging.of(box, openid),
        "subscribe_scene": person["subscribe_scene"],
        "qr_scene": person["qr_scene"],
        "qr_scene_str": person["qr_scene_str"],
    }


def user_info(box: Box, request: Request) -> Response:
    """GET /cgi-bin/user/info: fields as of today, no nickname; a stranger to the account has only
    ``subscribe`` 0."""
    official(box, request)
    return said(_info(box, fan(box, request.args.get("openid"))))


def batch_info(box: Box, request: Request) -> Response:
    """POST /cgi-bin/user/info/batchget: at most a hundred."""
    official(box, request)
    asked = asked_json(request).get("user_list")
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        raise Refusal(47001)
    if not 1 <= len(asked) <= _BATCH:
        raise Refusal(40032)
    return said({"user_info_list": [_info(box, fan(box, one.get("openid"))) for one in asked]})


def followers(box: Box, request: Request) -> Response:
    """GET /cgi-bin/user/get?next_openid=: ten thousand a page. ``next_openid`` is the last openid of the page,
    also of the last one; the page behind that has count 0 and no ``data``."""
    official(box, request)
    rows = box.store.rows("SELECT oa_openid FROM persons WHERE subscribed = 1 ORDER BY subscribe_at, rowid")
    return said(_page(box, [row["oa_openid"] for row in rows], request.args.get("next_openid")))


def _page(box: Box, openids: list[str], after: object) -> dict[str, Any]:
    start = 0
    if after:
        if after not in openids:
            raise Refusal(40003)
        start = openids.index(str(after)) + 1
    page = openids[start : start + _PAGE]
    told: dict[str, Any] = {"total": len(openids), "count": len(page)}
    if page:
        told["data"] = {"openid": page}
    return told | {"next_openid": page[-1] if page else ""}


def remark(box: Box, request: Request) -> Response:
    """POST /cgi-bin/user/info/updateremark {openid, remark}: fewer than 30 characters."""
    official(box, request)
    asked = asked_json(request)
    person, text = fan(box, asked.get("openid")), asked.get("remark")
    if not isinstance(text, str) or len(text) >= _REMARK:
        raise Refusal(40097)
    if not person["subscribed"]:
        raise Refusal(43004)
    box.store.run("INSERT OR REPLACE INTO remarks VALUES (?, ?)", person["oa_openid"], text)
    return done()


def black_list(box: Box, request: Request) -> Response:
    """POST /cgi-bin/tags/members/getblacklist {begin_openid}"""
    official(box, request)
    rows = box.store.rows("SELECT openid FROM blacklist ORDER BY at, openid")
    return said(_page(box, [row["openid"] for row in rows], asked_json(request).get("begin_openid")))


def blacken(box: Box, request: Request) -> Response:
    """POST /cgi-bin/tags/members/batchblacklist {openid_list}: at most twenty."""
    official(box, request)
    for openid in batch(box, asked_json(request), _BLACK_BATCH):
        box.store.run("INSERT OR IGNORE INTO blacklist VALUES (?, ?)", openid, box.now())
    return done()


def whiten(box: Box, request: Request) -> Response:
    """POST /cgi-bin/tags/members/batchunblacklist {openid_list}: at most twenty."""
    official(box, request)
    for openid in batch(box, asked_json(request), _BLACK_BATCH):
        box.store.run("DELETE FROM blacklist WHERE openid = ?", openid)
    return done()


def batch(box: Box, asked: dict[str, Any], most: int) -> list[str]:
    """The openids of ``openid_list``, all known. Raises Refusal 40032 (how many), 49003 (the mini-program's) or
    40003."""
    openids = asked.get("openid_list")
    if not isinstance(openids, list) or not 1 <= len(openids) <= most:
        raise Refusal(40032)
    for openid in openids:
        if isinstance(openid, str) and people.by_openid(box, box.credentials.mp.appid, openid):
            raise Refusal(49003)
        fan(box, openid)
    return [str(openid) for openid in openids]
