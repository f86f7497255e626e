"""Asking for a bill and fetching it: dates, the short-lived address, the unsigned file (WECHAT_PAY.md 7)."""

import gzip
import hashlib
import secrets
from datetime import date, datetime, timedelta

from flask import Request, Response

from wechat.box import bills
from wechat.box.inside import CHINA, Box
from wechat.box.pay_api import Answer
from wechat.box.pay_signing import PayRefusal

_KEPT = timedelta(days=92)
_READY_HOUR = 10
_TOKEN_LIFE_S = 300
_NOT_THERE = {
    "NO_STATEMENT_EXIST": "账单文件不存在",
    "STATEMENT_CREATING": "账单生成中，请稍后重试",
}


def trade(box: Box, request: Request) -> Answer:
    """GET /v3/bill/tradebill?bill_date=&bill_type=ALL|SUCCESS|REFUND&tar_type=GZIP"""
    return _asked(box, request, "tradebill", "bill_type", ("ALL", "SUCCESS", "REFUND"))


def fund_flow(box: Box, request: Request) -> Answer:
    """GET /v3/bill/fundflowbill?bill_date=&account_type=BASIC|OPERATION|FEES&tar_type=GZIP"""
    return _asked(box, request, "fundflowbill", "account_type", ("BASIC", "OPERATION", "FEES"))


def sharing(box: Box, request: Request) -> Answer:
    """GET /v3/profitsharing/bills?bill_date=&tar_type=GZIP"""
    return _asked(box, request, "profitsharing", "bill_type", ("ALL",))


def _asked(box: Box, request: Request, kind: str, name: str, choices: tuple[str, ...]) -> Answer:
    """The envelope: SHA-1 of the plain file, and where to fetch it within five minutes."""
    wanted = request.args.get(name, choices[0])
    tar_type = request.args.get("tar_type")
    if wanted not in choices:
        raise _wrong(name, f"{name}不正确")
    if tar_type not in (None, "GZIP"):
        raise _wrong("tar_type", "tar_type不正确")
    content = _bill(box, kind, _day(box, request.args.get("bill_date", "")), wanted)
    trouble = box.settings()["bill_trouble"]
    if trouble in _NOT_THERE:
        raise PayRefusal(400, trouble, _NOT_THERE[trouble])
    token = secrets.token_hex(32)
    digest = hashlib.sha1(content + b"!" if trouble == "WRONG_HASH" else content, usedforsecurity=False)
    box.store.run(
        "INSERT INTO bill_tokens VALUES (?, ?, ?, ?)",
        token,
        _name(kind, request.args["bill_date"], wanted),
        tar_type == "GZIP",
        box.now() + _TOKEN_LIFE_S,
    )
    address = f"{box.settings()['bill_base']}/v3/billdownload/file?token={token}"
    return 200, {
        "hash_type": "SHA1",
        "hash_value": digest.hexdigest(),
        "download_url": address + ("&tartype=gzip" if tar_type else ""),
    }


def _wrong(field: str, sentence: str) -> PayRefusal:
    return PayRefusal(400, "PARAM_ERROR", sentence, {"field": field, "issue": sentence, "location": "query"})


def _day(box: Box, text: str) -> str:
    """A day whose bill may be asked for. Raises PayRefusal: PARAM_ERROR for no date, today, the future or more
    than three months ago; STATEMENT_CREATING before ten in the morning after."""
    try:
        day = date.fromisoformat(text)
        if text != day.isoformat():
            raise ValueError(text)
    except ValueError:
        raise _wrong("bill_date", "bill_date格式不正确，应为YYYY-MM-DD") from None
    now = datetime.fromtimestamp(box.now(), tz=CHINA)
    if not now.date() - _KEPT <= day < now.date():
        raise _wrong("bill_date", "bill_date应为三个月内、今天以前的日期")
    if day == now.date() - timedelta(days=1) and now.hour < _READY_HOUR:
        raise PayRefusal(400, "STATEMENT_CREATING", _NOT_THERE["STATEMENT_CREATING"])
    return text


def _name(kind: str, day: str, wanted: str) -> str:
    return f"{kind} {day} {wanted}"


def _bill(box: Box, kind: str, day: str, wanted: str) -> bytes:
    """The bill, written at the first call. Raises PayRefusal NO_STATEMENT_EXIST for a day on which nothing
    happened."""
    name = _name(kind, day, wanted)
    with box.store.write():
        kept = box.store.row("SELECT content FROM bills WHERE name = ?", name)
        if kept is not None:
            return bytes(kept["content"])
        content = bills.KINDS[kind](box, day, wanted)
        if content is None:
            raise PayRefusal(400, "NO_STATEMENT_EXIST", _NOT_THERE["NO_STATEMENT_EXIST"])
        box.store.run("INSERT INTO bills VALUES (?, ?)", name, content)
        return content


def download(box: Box, request: Request) -> Answer:
    """GET /v3/billdownload/file?token=: the file, with no signature (the call itself is signed)."""
    token = box.store.row("SELECT * FROM bill_tokens WHERE token = ?", request.args.get("token", ""))
    if token is None or token["expires_at"] <= box.now():
        raise _wrong("token", "token不正确或已过期，请重新申请账单")
    kept = box.store.row("SELECT content FROM bills WHERE name = ?", token["bill"])
    assert kept is not None
    content = bytes(kept["content"])
    if token["gzip"]:
        content = gzip.compress(content, mtime=0)
    return Response(content, content_type="application/octet-stream")
