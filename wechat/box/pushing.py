"""What WeChat pushes to the official account when a fan acts, and what the fan sees of the answer (WECHAT.md
9)."""

import json
import secrets
import sqlite3
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element

from wechat.box import outbox, people
from wechat.box.calling import Heard, call
from wechat.box.credentials import Account
from wechat.box.fault_payloads import FOREIGN_APPID
from wechat.box.inside import Box
from wechat.box.outbox import Attempt
from wechat.box.push_envelope import BadReply, hello, open_json_reply, open_reply, seal

OUT_OF_ORDER = "该公众号提供的服务出现故障，请稍后再试"
MP_OUT_OF_ORDER = "该小程序提供的服务出现故障，请稍后再试"
_TEXT_BYTES = 2048
_SETTINGS = {
    False: {"url": "callback_url", "mode": "push_mode"},
    True: {"url": "mp_callback_url", "mode": "mp_push_mode"},
}
# Nobody looks at the chat when these happen: WeChat shows neither a reply nor a fault.
_UNSEEN = (
    *("unsubscribe", "VIEW", "LOCATION", "view_miniprogram", "TEMPLATESENDJOBFINISH"),
    *("subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event"),
    *("user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"),
)
_FIRST_MESSAGE_ID = 24_000_000_000_000_000


def next_message_id(box: Box) -> int:
    """A MsgId: 64 bits, larger than a double can hold exactly, never twice."""
    return _FIRST_MESSAGE_ID + box.store.next_number("message") * 1009


def push(box: Box, person: sqlite3.Row, fields: dict[str, Any]) -> int:
    """Put a message or an event of the official account in the outbox; the caller carries the first attempt.
    Answers the delivery's id. ``fields`` come after the four that every push has; CreateTime is fixed now, for
    every attempt."""
    return _put(box, box.credentials.oa, person["oa_openid"], person["id"], fields, at_once=True)


def event(box: Box, person: sqlite3.Row, name: str, **fields: Any) -> int:
    """Push an event of this name from the official account."""
    return push(box, person, {"MsgType": "event", "Event": name, **fields})


def push_mp(box: Box, person: sqlite3.Row, fields: dict[str, Any]) -> int:
    """Put a message or an event of the mini-program in the outbox, as ``push`` does."""
    return _put(box, box.credentials.mp, person["mp_openid"], person["id"], fields, at_once=True)


def platform_event(box: Box, account: Account, openid: str, name: str, **fields: Any) -> int | None:
    """Put an event that nobody's act has caused in the outbox, to be carried when its time comes; None, and
    nothing, when the account has no callback."""
    if box.settings()[_SETTINGS[account.appid == box.credentials.mp.appid]["url"]] is None:
        return None
    return _put(box, account, openid, None, {"MsgType": "event", "Event": name, **fields}, at_once=False)


def _put(
    box: Box, account: Account, openid: str, person: str | None, fields: dict[str, Any], *, at_once: bool
) -> int:
    message = {
        "ToUserName": account.original_id,
        "FromUserName": openid,
        "CreateTime": int(box.now()),
        **fields,
    }
    what = str(fields.get("Event", fields["MsgType"]))
    url = box.settings()[_SETTINGS[account.appid == box.credentials.mp.appid]["url"]]
    return outbox.put(box, "push", what, url, message, person=person, at_once=at_once)


def callback_of(box: Box, delivery: sqlite3.Row) -> str | None:
    """Where this push goes by the settings of now, None when nowhere."""
    url: str | None = box.settings()[_SETTINGS[_is_for_mp(box, json.loads(delivery["payload"]))]["url"]]
    return url


def _is_for_mp(box: Box, message: dict[str, Any]) -> bool:
    return bool(message["ToUserName"] == box.credentials.mp.original_id)


def send(box: Box, delivery: sqlite3.Row) -> list[Attempt]:
    """Send the push once and show the fan what came of it."""
    settings, message = box.settings(), json.loads(delivery["payload"])
    for_mp = _is_for_mp(box, message)
    names = _SETTINGS[for_mp]
    account, mode = box.credentials.mp if for_mp else box.credentials.oa, settings[names["mode"]]
    form = settings["mp_push_format"] if for_mp else "xml"
    sealer = account
    if outbox.is_marked(box, delivery["id"], "foreign_appid"):
        sealer = replace(account, appid=FOREIGN_APPID)
    wrong = delivery["tries"] == 0 and outbox.is_marked(box, delivery["id"], "wrong_signature")
    posted = seal(sealer, mode, message["FromUserName"], message, form=form, wrong=wrong)
    url = delivery["url"] + ("&" if "?" in delivery["url"] else "?") + posted.query
    headers = {"Content-Type": posted.content_type, "User-Agent": "Mozilla/4.0", "Accept": "*/*"}
    heard = call("POST", url, headers | {"Pragma": "no-cache"}, posted.body, settings["push_timeout_s"])
    if heard.status is None or heard.status != 200:
        verdict = "no answer" if heard.status is None else "http error"
        last = delivery["tries"] >= settings["push_retries"]
        if last:
            _show_fault(box, delivery)
        return [Attempt(heard.status, heard.text, verdict, heard.took_ms, taken=False, settled=last)]
    return [_answered(box, delivery, message, mode, heard, form=form)]


def _answered(
    box: Box, delivery: sqlite3.Row, message: Any, mode: str, heard: Heard, *, form: str
) -> Attempt:
    def judged(verdict: str, answer: str, *, taken: bool = True) -> Attempt:
        return Attempt(heard.status, answer, verdict, heard.took_ms, taken=taken, settled=True)

    if heard.body in (b"success", b""):
        return judged("success" if heard.body else "empty", heard.text)
    try:
        if form == "json":
            shown = {
                "type": "json",
                "text": json.dumps(open_json_reply(box.credentials.mp, mode, heard.body)),
            }
        else:
            account = box.credentials.mp if _is_for_mp(box, message) else box.credentials.oa
            shown = _shown(open_reply(account, mode, heard.body), message)
    except BadReply as problem:
        _show_fault(box, delivery)
        return judged("fault", f"{problem}: {heard.text}", taken=False)
    if _is_seen(delivery):
        extra = {"appid": box.credentials.mp.appid} if _is_for_mp(box, message) else {}
        people.note(
            box, delivery["person"], "account", shown["type"], shown["text"], via="reply", extra=shown | extra
        )
    encrypted = b"<Encrypt>" in heard.body or b'"Encrypt"' in heard.body
    return judged("encrypted reply" if encrypted else "reply", shown["text"])


def _is_seen(delivery: sqlite3.Row) -> bool:
    return delivery["person"] is not None and delivery["what"] not in _UNSEEN


def _show_fault(box: Box, delivery: sqlite3.Row) -> None:
    if _is_seen(delivery):
        words = MP_OUT_OF_ORDER if _is_for_mp(box, json.loads(delivery["payload"])) else OUT_OF_ORDER
        people.note(box, delivery["person"], "wechat", "fault", words)


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


def check_callback(box: Box, *, mp: bool = False) -> dict[str, Any]:
    """The GET that the console makes when an address is saved: {ok, status, answer}."""
    settings = box.settings()
    url, echo = settings[_SETTINGS[mp]["url"]], str(secrets.randbelow(10**19))
    account = box.credentials.mp if mp else box.credentials.oa
    joined = url + ("&" if "?" in url else "?") + hello(account, echo)
    heard = call(
        "GET", joined, {"User-Agent": "Mozilla/4.0", "Accept": "*/*"}, b"", settings["push_timeout_s"]
    )
    ok = heard.status == 200 and heard.body == echo.encode()
    return {"ok": ok, "status": heard.status, "answer": heard.text}
