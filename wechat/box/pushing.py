"""What WeChat pushes to the official account when a fan acts, and what the fan sees of the answer (WECHAT.md
9)."""

import json
import secrets
import sqlite3
from typing import Any
from xml.etree.ElementTree import Element

from wechat.box import outbox, people
from wechat.box.calling import Heard, call
from wechat.box.inside import Box
from wechat.box.outbox import Attempt
from wechat.box.push_envelope import BadReply, hello, open_reply, seal

OUT_OF_ORDER = "该公众号提供的服务出现故障，请稍后再试"
_TEXT_BYTES = 2048
# Nobody looks at the chat when these happen: WeChat shows neither a reply nor a fault.
_UNSEEN = ("unsubscribe", "VIEW", "LOCATION")
_FIRST_MESSAGE_ID = 24_000_000_000_000_000


def next_message_id(box: Box) -> int:
    """A MsgId: 64 bits, larger than a double can hold exactly, never twice."""
    return _FIRST_MESSAGE_ID + box.store.next_number("message") * 1009


def push(box: Box, person: sqlite3.Row, fields: dict[str, Any]) -> int:
    """Put a message or an event in the outbox; the caller carries the first attempt. Answers the delivery's
    id. ``fields`` come after the four that every push has; CreateTime is fixed now, for every attempt."""
    message = {
        "ToUserName": box.credentials.oa.original_id,
        "FromUserName": person["oa_openid"],
        "CreateTime": int(box.now()),
        **fields,
    }
    what = str(fields.get("Event", fields["MsgType"]))
    return outbox.put(
        box, "push", what, box.settings()["callback_url"], message, person=person["id"], at_once=True
    )


def event(box: Box, person: sqlite3.Row, name: str, **fields: str) -> int:
    """Push an event of this name."""
    return push(box, person, {"MsgType": "event", "Event": name, **fields})


def send(box: Box, delivery: sqlite3.Row) -> list[Attempt]:
    """Send the push once and show the fan what came of it."""
    settings = box.settings()
    account, mode = box.credentials.oa, settings["push_mode"]
    message = json.loads(delivery["payload"])
    posted = seal(account, mode, message["FromUserName"], message)
    url = delivery["url"] + ("&" if "?" in delivery["url"] else "?") + posted.query
    headers = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0", "Accept": "*/*", "Pragma": "no-cache"}
    heard = call("POST", url, headers, posted.body, settings["push_timeout_s"])
    if heard.status is None or heard.status != 200:
        verdict = "no answer" if heard.status is None else "http error"
        last = delivery["tries"] >= settings["push_retries"]
        if last:
            _show_fault(box, delivery)
        return [Attempt(heard.status, heard.text, verdict, heard.took_ms, taken=False, settled=last)]
    return [_answered(box, delivery, message, mode, heard)]


def _answered(box: Box, delivery: sqlite3.Row, message: Any, mode: str, heard: Heard) -> Attempt:
    def judged(verdict: str, answer: str, *, taken: bool = True) -> Attempt:
        return Attempt(heard.status, answer, verdict, heard.took_ms, taken=taken, settled=True)

    if heard.body in (b"success", b""):
        return judged("success" if heard.body else "empty", heard.text)
    try:
        reply = open_reply(box.credentials.oa, mode, heard.body)
        shown = _shown(reply, message)
    except BadReply as problem:
        _show_fault(box, delivery)
        return judged("fault", f"{problem}: {heard.text}", taken=False)
    if delivery["what"] not in _UNSEEN:
        people.note(
            box, delivery["person"], "account", shown["type"], shown["text"], via="reply", extra=shown
        )
    encrypted = b"<Encrypt>" in heard.body
    return judged("encrypted reply" if encrypted else "reply", shown["text"])


def _show_fault(box: Box, delivery: sqlite3.Row) -> None:
    if delivery["what"] not in _UNSEEN:
        people.note(box, delivery["person"], "wechat", "fault", OUT_OF_ORDER)


def _shown(reply: Element, message: dict[str, Any]) -> dict[str, Any]:
    """The reply as the chat shows it. Raises BadReply for anything WeChat would not show."""
    if reply.findtext("ToUserName") != message["FromUserName"]:
        raise BadReply("ToUserName is not the fan")
    if reply.findtext("FromUserName") != message["ToUserName"]:
        raise BadReply("FromUserName is not the account")
    if not (reply.findtext("CreateTime") or "").strip().isdigit():
        raise BadReply("CreateTime is not a number")
    kind = reply.findtext("MsgType") or ""
    if kind == "text":
        text = reply.findtext("Content") or ""
        if not text or len(text.encode()) > _TEXT_BYTES:
            raise BadReply("Content is empty or longer than 2048 bytes")
        return {"type": kind, "text": text}
    if kind == "news":
        items = reply.findall("Articles/item")
        if len(items) != 1 or reply.findtext("ArticleCount") != "1":
            raise BadReply("a news reply has exactly one article")
        parts = {name: items[0].findtext(name) or "" for name in ("Title", "Description", "PicUrl", "Url")}
        return {"type": kind, "text": parts["Title"], "content": parts}
    if kind in ("image", "voice", "video"):
        if not reply.findtext(f"{kind.capitalize()}/MediaId"):
            raise BadReply("MediaId is missing")
        return {"type": kind, "text": f"[{kind}]"}
    if kind in ("music", "transfer_customer_service"):
        return {"type": kind, "text": reply.findtext("Music/Title") or f"[{kind}]"}
    raise BadReply(f"MsgType {kind!r} is no reply")


def check_callback(box: Box) -> dict[str, Any]:
    """The GET that the console makes when an address is saved: {ok, status, answer}."""
    settings = box.settings()
    url, echo = settings["callback_url"], str(secrets.randbelow(10**19))
    joined = url + ("&" if "?" in url else "?") + hello(box.credentials.oa, echo)
    heard = call(
        "GET", joined, {"User-Agent": "Mozilla/4.0", "Accept": "*/*"}, b"", settings["push_timeout_s"]
    )
    ok = heard.status == 200 and heard.body == echo.encode()
    return {"ok": ok, "status": heard.status, "answer": heard.text}
