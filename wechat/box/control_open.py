"""The control API of the official-account and mini-program half, beside ``control``."""

from collections.abc import Callable
from typing import Any

from flask import Request

from wechat.box import (
    acts_mp,
    control_faults,
    mp_sessions,
    outbox,
    people,
    pushing,
    tapping,
    templates,
    web_login,
)
from wechat.box.control import Answer, BadCall, asked, text_of
from wechat.box.inside import Box


def menu(box: Box, request: Request, key: str) -> Answer:
    """GET /box/persons/<p>/menu: the buttons she sees"""
    return 200, {"button": tapping.menu_of(box, people.get(box, key))}


def tap(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/tap {name, scan_result?, lat?, lng?, count?}: a menu button by name or key"""
    given = asked(request)
    return 200, tapping.tap(box, people.get(box, key), text_of(given, "name", 128), given)


def send(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/send {type: image | voice | video | shortvideo | link, MediaId?, ...}"""
    given = asked(request)
    return 200, tapping.send_media(box, people.get(box, key), text_of(given, "type", 20), given)


def subscribe(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/subscribe {template_id, app?: oa | mp, accept?}: one grant more"""
    given = asked(request)
    app, accepts = given.get("app", "mp"), given.get("accept", True)
    if app not in ("oa", "mp") or type(accepts) is not bool:
        raise BadCall("app is oa or mp, accept is true or false")
    template_id = text_of(given, "template_id", 64)
    return 200, tapping.decide(box, people.get(box, key), template_id, app=app, accepts=accepts)


def grants(box: Box, request: Request, key: str) -> Answer:
    """GET /box/persons/<p>/grants: the subscribe messages that may still be sent to her"""
    person = people.get(box, key)
    return 200, {"grants": templates.granted(box, (person["oa_openid"], person["mp_openid"]))}


def authorize(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/authorize {scope?, snapshot?}: a web login code, without the redirect"""
    given = asked(request)
    scope = given.get("scope", "snsapi_base")
    if scope not in ("snsapi_base", "snsapi_userinfo"):
        raise BadCall("scope is snsapi_base or snsapi_userinfo")
    snapshot = bool(given.get("snapshot", box.settings()["snapshot_visitors"]))
    return 200, {"code": web_login.hand_out(box, people.get(box, key), scope, snapshot=snapshot)}


def contact(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/mp/contact {session_from?}"""
    return 200, acts_mp.contact(box, people.get(box, key), str(asked(request).get("session_from", "")))


def mp_say(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/mp/say {text}"""
    return 200, acts_mp.say(box, people.get(box, key), text_of(asked(request), "text"))


def mp_open(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/mp/open {link}: where a scheme, URL link or short link leads"""
    people.get(box, key)
    return 200, acts_mp.open_link(box, text_of(asked(request), "link"))


def user_data(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/mp/data {...}: encryptedData, iv, rawData and signature under her session_key; without
    content her profile"""
    person = people.get(box, key)
    profile = {
        "openId": person["mp_openid"],
        "unionId": person["unionid"],
        "nickName": "微信用户",
        "gender": 0,
    }
    profile |= {"language": "", "city": "", "province": "", "country": "", "avatarUrl": ""}
    return 200, mp_sessions.seal(box, person, asked(request) or profile)


def receive(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/mp/receive {order}: she confirms the receipt"""
    return 200, acts_mp.receive(box, people.get(box, key), text_of(asked(request), "order", 64))


def complain(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/mp/complain {order, ends?}"""
    given = asked(request)
    number = text_of(given, "order", 64)
    return 200, acts_mp.complain(box, people.get(box, key), number, ends=given.get("ends") is True)


def shipments(box: Box, request: Request, key: str) -> Answer:
    """GET /box/persons/<p>/mp/shipments"""
    return 200, {"shipments": acts_mp.shipments(box, people.get(box, key))}


def push_event(box: Box, request: Request) -> Answer:
    """POST /box/events {app: oa | mp, event, person?, fields?}: any event of WeChat's, word for word"""
    given = asked(request)
    app, fields = given.get("app", "oa"), given.get("fields", {})
    if app not in ("oa", "mp") or not isinstance(fields, dict):
        raise BadCall("app is oa or mp, fields is an object")
    account = box.credentials.oa if app == "oa" else box.credentials.mp
    openid = account.original_id
    if given.get("person"):
        openid = people.get(box, text_of(given, "person"))["oa_openid" if app == "oa" else "mp_openid"]
    delivery = pushing.platform_event(box, account, openid, text_of(given, "event", 64), **_plain(fields))
    row = None if delivery is None else outbox.get(box, delivery)
    return 200, {"delivery": None if row is None else outbox.as_json(box, row)}


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    if any(name in ("ToUserName", "FromUserName", "CreateTime", "MsgType", "Event") for name in fields):
        raise BadCall("the five fields that every event has are the box's")
    return fields


DOORS: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "/persons/<key>/menu", menu),
    ("POST", "/persons/<key>/tap", tap),
    ("POST", "/persons/<key>/send", send),
    ("POST", "/persons/<key>/subscribe", subscribe),
    ("GET", "/persons/<key>/grants", grants),
    ("POST", "/persons/<key>/authorize", authorize),
    ("POST", "/persons/<key>/mp/contact", contact),
    ("POST", "/persons/<key>/mp/say", mp_say),
    ("POST", "/persons/<key>/mp/open", mp_open),
    ("POST", "/persons/<key>/mp/data", user_data),
    ("POST", "/persons/<key>/mp/receive", receive),
    ("POST", "/persons/<key>/mp/complain", complain),
    ("GET", "/persons/<key>/mp/shipments", shipments),
    ("POST", "/events", push_event),
    ("GET", "/faults", control_faults.show),
    ("POST", "/faults", control_faults.add),
    ("DELETE", "/faults", control_faults.lift_all),
    ("DELETE", "/faults/<int:rule>", control_faults.lift),
]
