"""Our words for what WeChat pushes to us, each with the key that makes a repeated delivery harmless."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wechat.errors import Malformed


@dataclass(frozen=True)
class Event:
    """Something a person did. `account` is our appid, `openid` the person under that appid, `at` when (aware
    UTC, whole seconds). The same push delivered again has the same `dedupe_key` (at most 64 characters,
    no openid in it), within and across accounts."""

    account: str
    openid: str = field(repr=False)
    at: datetime
    dedupe_key: str


@dataclass(frozen=True)
class Subscribed(Event):
    """Followed us; through a code of ours when `scene` is not None (without the `qrscene_` prefix)."""

    scene: str | None = None
    ticket: str | None = None


@dataclass(frozen=True)
class Scanned(Event):
    """Scanned a code of ours while following us already."""

    scene: str = ""
    ticket: str = ""


@dataclass(frozen=True)
class Unsubscribed(Event):
    """Stopped following us. No answer reaches the person."""


@dataclass(frozen=True)
class Said(Event):
    """Sent a text."""

    text: str = ""
    message_id: str = ""


@dataclass(frozen=True)
class Located(Event):
    """Sent a place from the chat: degrees (GCJ-02), and the label of the map. Not the position reports that
    the account may receive every 5 s (event LOCATION), which arrive as UnknownPush."""

    lat: float = 0.0
    lng: float = 0.0
    label: str = ""
    message_id: str = ""


@dataclass(frozen=True)
class Clicked(Event):
    """Tapped a menu button of type click."""

    key: str = ""


@dataclass(frozen=True)
class Viewed(Event):
    """Tapped a menu button that opens a page."""

    url: str = ""


@dataclass(frozen=True)
class UnknownPush(Event):
    """A push that we have no word for. `kind` is the MsgType, or `event.` and the Event as it was sent;
    `raw` holds every element (text, or a dict of elements, or a list of repeated ones)."""

    kind: str = ""
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class TextReply:
    """Answer with this text; cut to 2048 bytes of UTF-8 on a character's boundary."""

    text: str


@dataclass(frozen=True)
class Nothing:
    """Answer `success`: WeChat shows nothing and does not deliver again."""


Reply = TextReply | Nothing


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """The element as a text; empty when absent or not a plain value. JSON pushes have numbers where XML has
    text."""
    value = fields.get(name)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def event_of(account: str, fields: Mapping[str, Any]) -> Event:
    """Names one push. Raises Malformed when it lacks what every push has: FromUserName, CreateTime,
    MsgType."""
    openid, kind = text_of(fields, "FromUserName"), text_of(fields, "MsgType")
    if not openid or not kind:
        raise Malformed("push without FromUserName or MsgType")
    at = _moment(text_of(fields, "CreateTime"))
    if kind.lower() == "event":
        return _named_event(fields, account, openid, at)
    return _named_message(fields, account, openid, at, kind)


def _moment(seconds: str) -> datetime:
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 10):
        raise Malformed("CreateTime")
    return datetime.fromtimestamp(int(seconds), UTC)


def _named_event(fields: Mapping[str, Any], account: str, openid: str, at: datetime) -> Event:
    name, key, ticket = (text_of(fields, word) for word in ("Event", "EventKey", "Ticket"))
    parts = [account, openid, text_of(fields, "CreateTime"), name, key, ticket]
    head = (account, openid, at, _digest(parts))
    match name.lower():
        case "subscribe":
            scene = key.removeprefix("qrscene_") if key.startswith("qrscene_") else None
            return Subscribed(*head, scene=scene or None, ticket=ticket or None)
        case "scan":
            return Scanned(*head, scene=key, ticket=ticket)
        case "unsubscribe":
            return Unsubscribed(*head)
        case "click":
            return Clicked(*head, key=key)
        case "view":
            return Viewed(*head, url=key)
    # Several of these may carry the same second and no EventKey (media checks, sent templates).
    more = [text_of(fields, word) for word in ("MsgID", "trace_id", "transaction_id", "TemplateId")]
    raw = dict(fields)
    return UnknownPush(account, openid, at, _digest(parts + [w for w in more if w]), f"event.{name}", raw)


def _named_message(fields: Mapping[str, Any], account: str, openid: str, at: datetime, kind: str) -> Event:
    number = text_of(fields, "MsgId")
    if number.isascii() and number.isdigit() and 0 < len(number) <= 20 and int(number):
        # MsgId alone has been seen to collide between two people, so the person is in the key.
        key = f"{number}.{_digest([account, openid])[:16]}"
    else:
        key = _digest([account, openid, text_of(fields, "CreateTime"), kind, text_of(fields, "Content")])
    head = (account, openid, at, key)
    match kind.lower():
        case "text":
            return Said(*head, text=text_of(fields, "Content"), message_id=number)
        case "location":
            lat = _degrees(text_of(fields, "Location_X"), 90)
            lng = _degrees(text_of(fields, "Location_Y"), 180)
            if lat is not None and lng is not None:
                return Located(*head, lat, lng, text_of(fields, "Label"), number)
    return UnknownPush(*head, kind=kind, raw=dict(fields))


def _degrees(text: str, limit: int) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= limit else None


def _digest(parts: list[str]) -> str:
    return hashlib.sha1("|".join(parts).encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
