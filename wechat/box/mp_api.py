"""What a program calls on the mini-program: login and phone number (WECHAT.md 6.1, 6.3)."""

import sqlite3

from flask import Request, Response

from wechat.box import mp_sessions, people
from wechat.box.account_api import mini_program
from wechat.box.answers import Refusal, asked_json, said
from wechat.box.inside import Box, letters

_CODE_LIFE_S = 300


def hand_out(box: Box, opens: str, person: str) -> str:
    """A single-use code as wx.login ("login", "risky") or the phone button ("phone") gives it; lives five
    minutes."""
    code = letters(64) if opens == "phone" else "0" + letters(31)
    box.store.run(
        "INSERT INTO once_codes VALUES (?, ?, ?, ?, ?, NULL)",
        code,
        opens,
        box.credentials.mp.appid,
        person,
        box.now(),
    )
    return code


def _use_up(box: Box, opens: str, code: str, *, used: int) -> sqlite3.Row:
    """Whose code it is; from now on it is used. Raises Refusal 40029 (none such, too old) or ``used``."""
    with box.store.write() as db:
        found = box.store.row("SELECT * FROM once_codes WHERE code = ? AND opens = ?", code, opens)
        if found is None:
            raise Refusal(40029)
        if found["used_at"] is not None:
            raise Refusal(used)
        if found["created_at"] + _CODE_LIFE_S <= box.now():
            raise Refusal(40029)
        db.execute("UPDATE once_codes SET used_at = ? WHERE code = ?", (box.now(), code))
        return people.get(box, found["person"])


def code_to_session(box: Box, request: Request) -> Response:
    """GET /sns/jscode2session: no token, no errcode on success; 40029 unknown or old code, 40163 used
    code."""
    args = request.args
    if not args.get("appid"):
        raise Refusal(41002)
    if args["appid"] != box.credentials.mp.appid:
        raise Refusal(40013)
    if not args.get("secret"):
        raise Refusal(41004)
    if args["secret"] != box.credentials.mp.secret:
        raise Refusal(40125)
    if args.get("grant_type") != "authorization_code":
        raise Refusal(40002)
    if not args.get("js_code"):
        raise Refusal(41008)
    if box.store.row("SELECT 1 FROM once_codes WHERE code = ? AND opens = 'risky'", args["js_code"]):
        raise Refusal(40226)
    person = _use_up(box, "login", args["js_code"], used=40163)
    return said(
        {
            "session_key": mp_sessions.log_in(box, person),
            "openid": person["mp_openid"],
            "unionid": person["unionid"],
        },
        sns=True,
    )


def phone_number(box: Box, request: Request) -> Response:
    """POST /wxa/business/getuserphonenumber: 40029 for a bad, used or old code, 40003 for another person's
    openid."""
    account = mini_program(box, request)
    asked = asked_json(request)
    code, openid = asked.get("code"), asked.get("openid")
    if not isinstance(code, str) or not code:
        raise Refusal(40029)
    # Looked at before it is used up: the wrong person's openid must not burn the code.
    found = box.store.row("SELECT person FROM once_codes WHERE code = ? AND opens = 'phone'", code)
    if found is not None and openid and people.get(box, found["person"])["mp_openid"] != openid:
        raise Refusal(40003)
    person = _use_up(box, "phone", code, used=40029)
    country, number = _split_phone(person["phone"])
    return said(
        {
            "errcode": 0,
            "errmsg": "ok",
            "phone_info": {
                "phoneNumber": number if country == "86" else f"+{country}{number}",
                "purePhoneNumber": number,
                "countryCode": country,
                "watermark": {"timestamp": int(box.now()), "appid": account.appid},
            },
        }
    )


def _split_phone(phone: str) -> tuple[str, str]:
    """``+852 51234567`` -> ("852", "51234567"); without a plus sign it is a Chinese number."""
    if phone.startswith("+"):
        country, _, number = phone[1:].partition(" ")
        return country, number
    return "86", phone


def paid_unionid(box: Box, request: Request) -> Response:
    """GET /wxa/getpaidunionid?openid&(transaction_id | mch_id&out_trade_no): within five minutes after the payment;
    89300 without such an order."""
    account = mini_program(box, request)
    person = people.by_openid(box, account.appid, request.args.get("openid", ""))
    if person is None:
        raise Refusal(40003)
    paid = box.store.row(
        "SELECT 1 FROM orders WHERE openid = ? AND success_at > ? AND (? IS NULL OR transaction_id = ?)"
        " AND (? IS NULL OR out_trade_no = ?)",
        person["mp_openid"],
        box.now() - _CODE_LIFE_S,
        *(
            request.args.get(name)
            for name in ("transaction_id", "transaction_id", "out_trade_no", "out_trade_no")
        ),
    )
    if paid is None:
        raise Refusal(89300)
    return said({"errcode": 0, "errmsg": "ok", "unionid": person["unionid"]})
