"""What a program calls about its account: quotas, WeChat's addresses, the callback, the JS ticket (WECHAT.md 2.3,
5)."""

import time
from typing import Any

from flask import Request, Response

from wechat.box import access, counting, pushing
from wechat.box.answers import Refusal, asked_json, done, said
from wechat.box.credentials import Account
from wechat.box.inside import Box, letters

_CLEARED_A_MONTH = 10
_CLEARED_ONE_A_MONTH = 50
_TICKET_LIFE_S = 7200
_TICKETS = ("jsapi", "wx_card")
_PATHS = ("/cgi-bin/", "/wxa/", "/wxaapi/", "/datacube/")


def official(box: Box, request: Request) -> Account:
    """The official account that calls. Raises Refusal 48001 for the mini-program's token."""
    account = access.who_calls(box, request)
    if account.appid != box.credentials.oa.appid:
        raise Refusal(48001)
    return account


def mini_program(box: Box, request: Request) -> Account:
    """The mini-program that calls. Raises Refusal 40013 for the official account's token."""
    account = access.who_calls(box, request)
    if account.appid != box.credentials.mp.appid:
        raise Refusal(40013)
    return account


def clear_quota(box: Box, request: Request) -> Response:
    """POST /cgi-bin/clear_quota {appid}: ten times a month, then 48006."""
    account = access.who_calls(box, request)
    if asked_json(request).get("appid") != account.appid:
        raise Refusal(40013)
    counting.clear(box, account.appid, None, what="all", most=_CLEARED_A_MONTH)
    return done()


def clear_quota_by_secret(box: Box, request: Request) -> Response:
    """POST /cgi-bin/clear_quota/v2: the same ten, without a token; appid and appsecret in body, form or
    query."""
    given: dict[str, Any] = request.args.to_dict()
    if "appid" not in given:
        given = request.form.to_dict() or asked_json(request)
    account = access.by_secret(box, given.get("appid"), given.get("appsecret"))
    counting.clear(box, account.appid, None, what="all", most=_CLEARED_A_MONTH)
    return done()


def _path(asked: dict[str, Any]) -> str:
    path = asked.get("cgi_path")
    if isinstance(path, str) and path.startswith("/sns/"):
        raise Refusal(76022)
    if not isinstance(path, str) or not path.startswith(_PATHS):
        raise Refusal(76021)
    return path


def quota(box: Box, request: Request) -> Response:
    """POST /cgi-bin/openapi/quota/get {cgi_path}: what is used and left of the day."""
    account = access.who_calls(box, request)
    told = counting.usage(box, account.appid, _path(asked_json(request)))
    return said({"errcode": 0, "errmsg": "ok"} | told)


def clear_one_quota(box: Box, request: Request) -> Response:
    """POST /cgi-bin/openapi/quota/clear {cgi_path}: fifty times a month."""
    account = access.who_calls(box, request)
    path = _path(asked_json(request))
    counting.clear(box, account.appid, path, what="one", most=_CLEARED_ONE_A_MONTH)
    return done()


def callback_ips(box: Box, request: Request) -> Response:
    """GET /cgi-bin/getcallbackip and /cgi-bin/get_api_domain_ip: the box pushes from loopback."""
    access.who_calls(box, request)
    return said({"ip_list": ["127.0.0.1", "127.0.0.0/8"]})


def check_callback(box: Box, request: Request) -> Response:
    """POST /cgi-bin/callback/check {action, check_operator}: whether the callback answers."""
    account = access.who_calls(box, request)
    asked = asked_json(request)
    if asked.get("action") not in ("dns", "ping", "all"):
        raise Refusal(40202)
    if asked.get("check_operator") not in ("CHINANET", "UNICOM", "CAP", "DEFAULT"):
        raise Refusal(40203)
    mp = account.appid == box.credentials.mp.appid
    if box.settings()["mp_callback_url" if mp else "callback_url"] is None:
        raise Refusal(40201)
    began = time.monotonic()
    ok = pushing.check_callback(box, mp=mp)["ok"]
    took = f"{(time.monotonic() - began) * 1000:.3f}ms"
    loss = "0%" if ok else "100%"
    ping = {"ip": "127.0.0.1", "from_operator": "CAP", "package_loss": loss, "time": took}
    return said({"dns": [{"ip": "127.0.0.1", "real_operator": "CAP"}], "ping": [ping]})


def js_ticket(box: Box, request: Request) -> Response:
    """GET /cgi-bin/ticket/getticket?type=jsapi: the same ticket until its last five minutes."""
    account = access.who_calls(box, request)
    kind = request.args.get("type", "jsapi")
    if kind not in _TICKETS:
        raise Refusal(40097)
    with box.store.write() as db:
        now = box.now()
        found = box.store.row(
            "SELECT * FROM js_tickets WHERE appid = ? AND type = ? AND expires_at > ?"
            " ORDER BY expires_at DESC LIMIT 1",
            account.appid,
            kind,
            now + 300,
        )
        ticket = letters(86) if found is None else found["ticket"]
        left = _TICKET_LIFE_S if found is None else int(found["expires_at"] - now)
        if found is None:
            row = (ticket, account.appid, kind, now + _TICKET_LIFE_S)
            db.execute("INSERT INTO js_tickets VALUES (?, ?, ?, ?)", row)
    return said({"errcode": 0, "errmsg": "ok", "ticket": ticket, "expires_in": left})
