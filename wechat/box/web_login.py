"""Web pages that ask who the visitor is: the authorize page, codes, tokens of one user (WECHAT.md 4)."""

import secrets
import sqlite3
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Request, Response, redirect
from markupsafe import escape

from wechat.box import people
from wechat.box.answers import Refusal, said
from wechat.box.inside import Box, letters

_CODE_LIFE_S, _TOKEN_LIFE_S, _REFRESH_LIFE_S = 300, 7200, 30 * 86400
_SCOPES = ("snsapi_base", "snsapi_userinfo")
_PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>微信网页授权</title>
<h1>{title}</h1><p>{text}</p><ul>{links}</ul></html>"""


def authorize(box: Box, request: Request) -> Response:
    """GET open.weixin.qq.com/connect/oauth2/authorize: redirects with a code. In the box the visitor chooses who
    she is; ``box_person`` in the query chooses for her."""
    args = request.args
    for name, errcode in (("scope", 10010), ("redirect_uri", 10011), ("appid", 10012)):
        if not args.get(name):
            return _oops(errcode, f"{name} 参数缺失")
    try:
        parts = urlsplit(args["redirect_uri"])
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return _oops(10003, "redirect_uri 域名与后台配置不一致")
    if args["appid"] != box.credentials.oa.appid:
        return _oops(40013, "invalid appid")
    if args["scope"] not in _SCOPES or args.get("response_type") != "code":
        return _oops(10005, "Scope 参数错误或没有 Scope 权限")
    try:
        person = people.get(box, args.get("box_person", ""))
    except people.NoSuchPerson:
        return _ask_who(box, request)
    snapshot = args.get("forceSnapShot") == "true" or box.settings()["snapshot_visitors"]
    code = hand_out(box, person, args["scope"], snapshot=bool(snapshot))
    query = {"code": code, "state": args.get("state", "")}
    joined = parts.query + "&" + urlencode(query) if parts.query else urlencode(query)
    answer = redirect(parts._replace(query=joined).geturl())
    assert isinstance(answer, Response)
    return answer


def _ask_who(box: Box, request: Request) -> Response:
    links = "".join(
        f'<li><a href="?{escape(urlencode([*request.args.items(multi=True), ("box_person", one["id"])]))}">'
        f"{escape(one['name'])}</a></li>"
        for one in people.everyone(box)
    )
    text = "盒子里还没有人" if not links else "选择谁在访问这个网页"
    page = _PAGE.format(title="微信网页授权", text=text, links=links)
    return Response(page, content_type="text/html; charset=utf-8")


def _oops(errcode: int, sentence: str) -> Response:
    page = _PAGE.format(title="Oops! Something went wrong:(", text=f"{sentence}（{errcode}）", links="")
    return Response(page, content_type="text/html; charset=utf-8")


def hand_out(box: Box, person: sqlite3.Row, scope: str, *, snapshot: bool = False) -> str:
    """A code as the redirect carries it: once, five minutes."""
    code = "0" + letters(31)
    box.store.run(
        "INSERT INTO web_codes VALUES (?, ?, ?, ?, ?, NULL)", code, person["id"], scope, snapshot, box.now()
    )
    return code


def _check_app(box: Box, request: Request, *, secret: bool) -> None:
    args, oa = request.args, box.credentials.oa
    if not args.get("appid"):
        raise Refusal(41002)
    if args["appid"] != oa.appid:
        raise Refusal(40013)
    if secret and not args.get("secret"):
        raise Refusal(41004)
    if secret and args["secret"] != oa.secret:
        raise Refusal(40125)


def exchange(box: Box, request: Request) -> Response:
    """GET /sns/oauth2/access_token: a code becomes the token of one user; 40029, 40163 (used), 42003 (old)."""
    _check_app(box, request, secret=True)
    if request.args.get("grant_type") != "authorization_code":
        raise Refusal(40002)
    code = request.args.get("code")
    if not code:
        raise Refusal(41008)
    with box.store.write() as db:
        found = box.store.row("SELECT * FROM web_codes WHERE code = ?", code)
        if found is None:
            raise Refusal(40029)
        if found["used_at"] is not None:
            raise Refusal(40163)
        if found["created_at"] + _CODE_LIFE_S <= box.now():
            raise Refusal(42003)
        db.execute("UPDATE web_codes SET used_at = ? WHERE code = ?", (box.now(), code))
        person = people.get(box, found["person"])
        openid, unionid = person["oa_openid"], person["unionid"]
        if found["snapshot"]:
            # A virtual account: neither number belongs to anybody.
            openid, unionid = (
                openid[:5] + secrets.token_hex(12)[:23],
                unionid[:5] + secrets.token_hex(12)[:23],
            )
        now = box.now()
        row = (
            letters(88),
            letters(88),
            person["id"],
            openid,
            unionid,
            found["scope"],
            found["snapshot"],
            now,
        )
        ends = (now + _TOKEN_LIFE_S, now + _REFRESH_LIFE_S)
        db.execute("INSERT INTO web_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row + ends)
    told = _told(row[0], row[1], openid, found["scope"])
    if found["scope"] == "snsapi_userinfo":
        told["unionid"] = unionid
    return said(told | ({"is_snapshotuser": 1} if found["snapshot"] else {}), sns=True)


def _told(token: str, refresh: str, openid: str, scope: str) -> dict[str, Any]:
    return {
        "access_token": token,
        "expires_in": _TOKEN_LIFE_S,
        "refresh_token": refresh,
        "openid": openid,
        "scope": scope,
    }


def refresh(box: Box, request: Request) -> Response:
    """GET /sns/oauth2/refresh_token: a new token for thirty days from the first; 40030, 42002."""
    _check_app(box, request, secret=False)
    if request.args.get("grant_type") != "refresh_token":
        raise Refusal(40002)
    with box.store.write() as db:
        found = box.store.row(
            "SELECT * FROM web_tokens WHERE refresh_token = ? ORDER BY created_at DESC LIMIT 1",
            request.args.get("refresh_token", ""),
        )
        if found is None:
            raise Refusal(40030)
        if found["refresh_until"] <= box.now():
            raise Refusal(42002)
        token, now = letters(88), box.now()
        row = dict(found) | {"token": token, "created_at": now, "expires_at": now + _TOKEN_LIFE_S}
        db.execute("INSERT INTO web_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", tuple(row.values()))
    return said(_told(token, found["refresh_token"], found["openid"], found["scope"]), sns=True)


def _user(box: Box, request: Request) -> sqlite3.Row:
    args = request.args
    if not args.get("access_token"):
        raise Refusal(41001)
    found = box.store.row("SELECT * FROM web_tokens WHERE token = ?", args["access_token"])
    if found is None:
        raise Refusal(40001)
    if found["expires_at"] <= box.now():
        raise Refusal(42001)
    if args.get("openid") != found["openid"]:
        raise Refusal(40003)
    return found


def user_info(box: Box, request: Request) -> Response:
    """GET /sns/userinfo: only what the scope snsapi_userinfo allows, else 48001; no sex, no place any more."""
    found = _user(box, request)
    if found["scope"] != "snsapi_userinfo":
        raise Refusal(48001)
    name = "微信用户" if found["snapshot"] else people.get(box, found["person"])["name"]
    told = {"openid": found["openid"], "nickname": name, "sex": 0, "language": "", "city": ""}
    told |= {"province": "", "country": "", "headimgurl": "https://thirdwx.qlogo.cn/mmopen/vi_32/box/132"}
    told |= {"privilege": [], "unionid": found["unionid"]}
    return said(told | ({"is_snapshotuser": 1} if found["snapshot"] else {}), sns=True)


def check(box: Box, request: Request) -> Response:
    """GET /sns/auth: whether a user's token still lives."""
    _user(box, request)
    return said({"errcode": 0, "errmsg": "ok"}, sns=True)
