"""What a person does with her phone: follow, leave, scan, type, tap a menu, send where she is."""

import sqlite3
from typing import Any

from wechat.box import codes, courier, outbox, people, pushing
from wechat.box.inside import Box

_SEARCHED, _SCANNED = "ADD_SCENE_SEARCH", "ADD_SCENE_QR_CODE"


class Impossible(Exception):
    """The phone does not let her do that: ``code`` for programs, a sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        """Refuse with a code and a sentence."""
        super().__init__(sentence)
        self.code = code


def carried(box: Box, delivery: int) -> dict[str, Any]:
    """Wait for the first attempt of a delivery and tell what happened."""
    courier.carry_first(box, delivery)
    row = outbox.get(box, delivery)
    return {"delivery": None if row is None else outbox.as_json(box, row)}


def follow(box: Box, person: sqlite3.Row, code: sqlite3.Row | None) -> dict[str, Any]:
    """She follows, through a code (else the one she scanned last, else the search): ``subscribe``. Following
    twice is impossible."""
    if person["subscribed"]:
        raise Impossible("ALREADY_FOLLOWING", "已经关注了")
    if code is None and person["pending_ticket"]:
        code = codes.by_ticket(box, person["pending_ticket"])
    fields = {"EventKey": ""}
    scene_id, scene_str = 0, ""
    if code is not None:
        codes.check_alive(box, code)
        fields = {"EventKey": f"qrscene_{codes.scene_of(code)}", "Ticket": code["ticket"]}
        scene_id, scene_str = code["scene_id"] or 0, code["scene_str"] or ""
    with box.store.write() as db:
        db.execute(
            "UPDATE persons SET subscribed = 1, subscribe_at = ?, subscribe_scene = ?, qr_scene = ?,"
            " qr_scene_str = ?, pending_ticket = NULL WHERE id = ?",
            (int(box.now()), _SEARCHED if code is None else _SCANNED, scene_id, scene_str, person["id"]),
        )
        _log(db, box, person, came=True, source=1 if code is None else 30)
        people.open_window(box, person["oa_openid"], "follow")
        people.note(box, person["id"], "wechat", "event", "已关注公众号")
        delivery = pushing.event(box, person, "subscribe", **fields)
    return carried(box, delivery)


def unfollow(box: Box, person: sqlite3.Row) -> dict[str, Any]:
    """She leaves: ``unsubscribe``; nothing may be written to her any more."""
    _must_follow(person)
    with box.store.write() as db:
        db.execute("UPDATE persons SET subscribed = 0 WHERE id = ?", (person["id"],))
        _log(db, box, person, came=False, source=0)
        people.close_windows(box, person["oa_openid"])
        people.note(box, person["id"], "wechat", "event", "已取消关注")
        delivery = pushing.event(box, person, "unsubscribe", EventKey="")
    return carried(box, delivery)


def _log(db: sqlite3.Connection, box: Box, person: sqlite3.Row, *, came: bool, source: int) -> None:
    row = (person["oa_openid"], came, source, int(box.now()))
    db.execute("INSERT INTO follows (openid, came, source, at) VALUES (?, ?, ?, ?)", row)


def scan(box: Box, person: sqlite3.Row, code: sqlite3.Row) -> dict[str, Any]:
    """She scans a code of the official account. A follower causes ``SCAN``; a stranger sees the account's
    card and WeChat says nothing until she follows, which then counts for this code."""
    codes.check_alive(box, code)
    if not person["subscribed"]:
        box.store.run("UPDATE persons SET pending_ticket = ? WHERE id = ?", code["ticket"], person["id"])
        return {"delivery": None, "shows": "card"}
    with box.store.write():
        people.open_window(box, person["oa_openid"], "scan")
        delivery = pushing.event(box, person, "SCAN", EventKey=codes.scene_of(code), Ticket=code["ticket"])
    return carried(box, delivery)


def say(box: Box, person: sqlite3.Row, text: str) -> dict[str, Any]:
    """She types a text."""
    return send(box, person, "text", text, {"Content": text})


def locate(box: Box, person: sqlite3.Row, lat: float, lng: float, label: str) -> dict[str, Any]:
    """She sends where she is, as a message. Degrees; WeChat calls the latitude X."""
    fields = {"Location_X": lat, "Location_Y": lng, "Scale": 16, "Label": label}
    return send(box, person, "location", label or f"{lat}, {lng}", fields, {"lat": lat, "lng": lng})


def send(
    box: Box, person: sqlite3.Row, kind: str, text: str, fields: dict[str, Any], extra: Any = None
) -> dict[str, Any]:
    """She sends a message of any kind; ``fields`` as the push carries them, ``text`` and ``extra`` for the chat."""
    _must_follow(person)
    number = pushing.next_message_id(box)
    with box.store.write():
        people.open_window(box, person["oa_openid"], "message")
        people.note(box, person["id"], "fan", kind, text, extra=extra)
        delivery = pushing.push(box, person, {"MsgType": kind, **fields, "MsgId": number})
    return carried(box, delivery) | {"message_id": str(number)}


def click(box: Box, person: sqlite3.Row, key: str) -> dict[str, Any]:
    """She taps a menu button with a key: ``CLICK``."""
    _must_follow(person)
    with box.store.write():
        people.open_window(box, person["oa_openid"], "click")
        delivery = pushing.event(box, person, "CLICK", EventKey=key)
    return carried(box, delivery)


def view(box: Box, person: sqlite3.Row, url: str) -> dict[str, Any]:
    """She taps a menu button that opens a page: ``VIEW``; this opens no window."""
    _must_follow(person)
    return carried(box, pushing.event(box, person, "VIEW", EventKey=url, MenuId="425000001"))


def _must_follow(person: sqlite3.Row) -> None:
    if not person["subscribed"]:
        raise Impossible("NOT_FOLLOWING", "还没有关注公众号")
