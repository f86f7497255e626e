"""The control API under /box: what a test or the page tells the people in the box to do."""

import base64
import binascii
import json
import sqlite3
from typing import Any
from urllib.parse import quote

from flask import Request

from wechat.box import access, acts, codes, courier, mp_api, outbox, people, pushing
from wechat.box.acts import Impossible
from wechat.box.inside import Box, Unknown
from wechat.box.paying import CannotPay

Answer = tuple[int, dict[str, Any]]


class BadCall(ValueError):
    """A control call that makes no sense; the sentence says what was expected."""


MOST_AT_ONCE = 64


def asked(request: Request) -> dict[str, Any]:
    """The JSON object in the body; nothing at all is an empty one. Raises BadCall."""
    body = request.get_data()
    try:
        given = json.loads(body) if body.strip() else {}
        json.dumps(given, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise BadCall("the body is not JSON") from None
    if not isinstance(given, dict):
        raise BadCall("the body is not a JSON object")
    return given


def refusal(problem: Exception) -> Answer | None:
    """The answer for a problem that a caller can cause, else None."""
    if isinstance(problem, Impossible | CannotPay):
        return _error(409, problem.code, str(problem))
    if isinstance(problem, people.NoSuchPerson):
        return _error(404, "NO_SUCH_PERSON", f"没有这个人: {problem}")
    if isinstance(problem, codes.NoSuchCode):
        return _error(404, "NO_SUCH_CODE", str(problem))
    if isinstance(problem, BadCall | Unknown):
        return _error(400, "BAD_CALL", str(problem))
    return None


def _error(status: int, code: str, sentence: str) -> Answer:
    return status, {"error": {"code": code, "message": sentence}}


def text_of(given: dict[str, Any], name: str, most: int = 2048) -> str:
    """A text of the call. Raises BadCall when it is missing, empty or longer than ``most``."""
    value = given.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        raise BadCall(f"{name} must be a text of 1 to {most} characters")
    return value


def _picture(given: dict[str, Any]) -> bytes:
    text = text_of(given, "image", 4_000_000)
    try:
        return base64.b64decode(text.rpartition(",")[2] if text.startswith("data:") else text, validate=True)
    except binascii.Error:
        raise BadCall("image must be a picture in base64, or a data: address") from None


def _code(box: Box, given: dict[str, Any]) -> sqlite3.Row | None:
    """The code that a call names by ticket (or its url), by scene or by picture; None when it names none."""
    if given.get("ticket"):
        return codes.by_ticket(box, text_of(given, "ticket"))
    if given.get("image"):
        return codes.by_ticket(box, codes.seen_in(box, _picture(given), "oa")["ticket"])
    return codes.by_scene(box, text_of(given, "scene", 64)) if given.get("scene") else None


def create_person(box: Box, request: Request) -> Answer:
    """POST /box/persons {name, phone?}"""
    given = asked(request)
    phone = given.get("phone")
    if phone is not None and not (isinstance(phone, str) and phone.lstrip("+").replace(" ", "", 1).isdigit()):
        raise BadCall("phone must be digits, abroad '+852 51234567'")
    person = people.welcome(box, text_of(given, "name", 40), phone)
    return 201, {"person": people.as_json(person)}


def list_persons(box: Box, request: Request) -> Answer:
    """GET /box/persons"""
    return 200, {"persons": [people.as_json(person) for person in people.everyone(box)]}


def show_person(box: Box, request: Request, key: str) -> Answer:
    """GET /box/persons/<p>: by id, openid, unionid or name"""
    return 200, {"person": people.as_json(people.get(box, key))}


def follow(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/follow {scene? | ticket? | image?}"""
    return 200, acts.follow(box, people.get(box, key), _code(box, asked(request)))


def unfollow(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/unfollow"""
    return 200, acts.unfollow(box, people.get(box, key))


def scan(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/scan {ticket | scene | image}"""
    code = _code(box, asked(request))
    if code is None:
        raise BadCall("say what is scanned: ticket, scene or image")
    return 200, acts.scan(box, people.get(box, key), code)


def say(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/say {text}"""
    return 200, acts.say(box, people.get(box, key), text_of(asked(request), "text"))


def click(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/click {key}"""
    return 200, acts.click(box, people.get(box, key), text_of(asked(request), "key", 128))


def view(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/view {url}"""
    return 200, acts.view(box, people.get(box, key), text_of(asked(request), "url"))


def locate(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/locate {lat, lng, label?}, in degrees"""
    given = asked(request)
    place = []
    for name, most in (("lat", 90), ("lng", 180)):
        value = given.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
            raise BadCall(f"{name} must be degrees, -{most} to {most}")
        place.append(value)
    label = text_of(given, "label", 200) if given.get("label") else ""
    return 200, acts.locate(box, people.get(box, key), place[0], place[1], label)


def chat(box: Box, request: Request, key: str) -> Answer:
    """GET /box/persons/<p>/chat?after="""
    person = people.get(box, key)
    after = request.args.get("after", "0")
    return 200, {
        "messages": people.chat(box, person["id"], int(after) if after.isascii() and after.isdigit() else 0)
    }


def mp_login(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/mp/login {risky?}: a wx.login code; a risky one is refused with 40226"""
    opens = "risky" if asked(request).get("risky") is True else "login"
    return 200, {"code": mp_api.hand_out(box, opens, people.get(box, key)["id"])}


def mp_phone(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/mp/phone: a getPhoneNumber code; impossible without a phone number"""
    person = people.get(box, key)
    if not person["phone"]:
        raise Impossible("NO_PHONE", "这个微信号没有绑定手机号")
    return 200, {"code": mp_api.hand_out(box, "phone", person["id"])}


def mp_scan(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/mp/scan {image? | scene?}: where the mini-program opens, and what onLoad gets"""
    people.get(box, key)
    given = asked(request)
    if given.get("image"):
        seen = codes.seen_in(box, _picture(given), "mp")
    else:
        seen = codes.mini_program_code(box, text_of(given, "scene", 32))
    return 200, seen | {"query": {"scene": quote(seen["scene"], safe="")}, "launch_scene": 1047}


def list_codes(box: Box, request: Request) -> Answer:
    """GET /box/codes: what hangs on the walls and can be scanned, the youngest 50 of each kind"""
    return 200, codes.on_the_walls(box)


def look_at(box: Box, request: Request) -> Answer:
    """POST /box/pictures {image}: what a picture drawn by the box shows, without scanning it"""
    return 200, codes.look_at(box, _picture(asked(request)))


def settings(box: Box, request: Request) -> Answer:
    """GET /box/settings, or POST some of them; a new callback_url is greeted with the GET of the console."""
    if request.method != "POST":
        return 200, box.settings() | {"clock_offset_s": box.store.kept("clock_offset_s") or 0}
    given = asked(request)
    box.change_settings(given)
    box.wake.set()
    answer = box.settings()
    if given.get("callback_url"):
        answer["callback_check"] = pushing.check_callback(box)
    if given.get("mp_callback_url"):
        answer["mp_callback_check"] = pushing.check_callback(box, mp=True)
    return 200, answer


def list_deliveries(box: Box, request: Request) -> Answer:
    """GET /box/deliveries?limit=&kind=&person=, youngest first"""
    limit = request.args.get("limit", "100")
    most = min(int(limit), 1000) if limit.isascii() and limit.isdigit() else 100
    found = outbox.latest(box, most=most, kind=request.args.get("kind"), person=request.args.get("person"))
    return 200, {"deliveries": found}


def deliver_again(box: Box, request: Request, delivery: int) -> Answer:
    """POST /box/deliveries/<id>/again {times?}: once more now, whatever became of it, or up to 64 at once"""
    if outbox.get(box, delivery) is None:
        return _error(404, "NO_SUCH_DELIVERY", f"没有第 {delivery} 次投递")
    times = asked(request).get("times", 1)
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= MOST_AT_ONCE:
        raise BadCall(f"times must be a whole number, 1 to {MOST_AT_ONCE}")
    if not courier.carry_again(box, delivery, times=times):
        raise Impossible("UNDER_WAY", "正在投递")
    row = outbox.get(box, delivery)
    return 200, {"delivery": None if row is None else outbox.as_json(box, row)}


def clock(box: Box, request: Request) -> Answer:
    """POST /box/clock {offset_s}: how far the box's clock runs ahead of the true one"""
    offset_s = asked(request).get("offset_s")
    if (
        isinstance(offset_s, bool)
        or not isinstance(offset_s, int | float)
        or not abs(offset_s) <= 10 * 366 * 86400
    ):
        raise BadCall("offset_s must be a number of seconds, at most ten years")
    box.move_clock(offset_s)
    return 200, {"offset_s": offset_s}


def kill_tokens(box: Box, request: Request) -> Answer:
    """POST /box/tokens/kill: every access token is invalid (40001) from now on"""
    return 200, {"killed": access.kill_tokens(box)}


def reset(box: Box, request: Request) -> Answer:
    """POST /box/reset: no people, orders, deliveries, tokens or faults; credentials and the callback stay"""
    with box.store.write():
        box.store.forget_lives()
        box.change_settings({"faults": {}})
        box.move_clock(0)
    return 200, {"ok": True}


def about(box: Box, request: Request) -> Answer:
    """GET /box/about: the JSON line that ``serve`` printed"""
    return 200, box.told
