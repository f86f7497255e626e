"""What a program calls on the mini-program: login, phone number, codes (WECHAT.md 6)."""

import re
import sqlite3

from flask import Request, Response

from wechat.box import access, codes, people
from wechat.box.answers import Refusal, asked_json, picture, said
from wechat.box.credentials import Account
from wechat.box.inside import Box, letters

_CODE_LIFE_S = 300
_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
_ENV_VERSIONS = ("release", "trial", "develop")


def hand_out(box: Box, opens: str, person: str) -> str:
    """A single-use code as wx.login ("login") or the phone button ("phone") gives it; lives five minutes."""
    code = ("0" if opens == "login" else "") + letters(31 if opens == "login" else 64)
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
    person = _use_up(box, "login", args["js_code"], used=40163)
    return said(
        {"session_key": person["session_key"], "openid": person["mp_openid"], "unionid": person["unionid"]},
        sns=True,
    )


def _mini_program(box: Box, request: Request) -> Account:
    account = access.who_calls(box, request)
    if account.appid != box.credentials.mp.appid:
        raise Refusal(40013)
    return account


def phone_number(box: Box, request: Request) -> Response:
    """POST /wxa/business/getuserphonenumber: 40029 for a bad, used or old code, 40003 for another person's
    openid."""
    account = _mini_program(box, request)
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


def unlimited_code(box: Box, request: Request) -> Response:
    """POST /wxa/getwxacodeunlimit: a JPEG, or an error in JSON (40169, 40129, 41030, 40097, 85096)."""
    _mini_program(box, request)
    asked = asked_json(request)
    scene, page = asked.get("scene"), asked.get("page", "")
    if not isinstance(scene, str) or not 1 <= len(scene) <= 32:
        raise Refusal(40169)
    if not _SCENE.fullmatch(scene):
        raise Refusal(40129)
    if "scancode_time" in scene:
        raise Refusal(85096)
    if not isinstance(page, str) or page.startswith("/") or "?" in page:
        raise Refusal(41030)
    check_path = asked.get("check_path", True)
    env_version, width = asked.get("env_version", "release"), asked.get("width", 430)
    if type(check_path) is not bool or env_version not in _ENV_VERSIONS:
        raise Refusal(40097)
    if type(width) is not int or not 280 <= width <= 1280:
        raise Refusal(40097)
    pages = box.settings()["mp_pages"]
    if check_path and pages is not None and page and page not in pages:
        raise Refusal(41030)
    page = page or (pages[0] if pages else "pages/index/index")
    return picture(codes.draw_mini_program(box, scene=scene, page=page, env_version=env_version, width=width))
