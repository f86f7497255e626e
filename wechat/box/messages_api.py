"""Customer messages of both accounts, within the windows that a person's acts open (WECHAT.md 7.1)."""

from typing import Any

from flask import Request, Response

from wechat.box import access, media, people
from wechat.box.answers import Refusal, asked_json, done
from wechat.box.credentials import Account
from wechat.box.inside import Box

_TEXT_BYTES = 2048
# What each message type must carry, and how the fan's chat shows it.
_MESSAGES: dict[str, tuple[str, ...]] = {
    "text": ("content",),
    "image": ("media_id",),
    "voice": ("media_id",),
    "video": ("media_id",),
    "music": ("musicurl", "hqmusicurl", "thumb_media_id"),
    "news": ("articles",),
    "mpnews": ("media_id",),
    "mpnewsarticle": ("article_id",),
    "msgmenu": ("list",),
    "wxcard": ("card_id",),
    "miniprogrampage": ("title", "appid", "pagepath", "thumb_media_id"),
}
_MP_MESSAGES: dict[str, tuple[str, ...]] = {
    "text": ("content",),
    "image": ("media_id",),
    "link": ("title", "description", "url", "thumb_url"),
    "miniprogrampage": ("title", "pagepath", "thumb_media_id"),
}
_MEDIA = {"media_id": ("image", "voice", "video"), "thumb_media_id": ("thumb", "image")}


def send_customer_message(box: Box, request: Request) -> Response:
    """POST /cgi-bin/message/custom/send within the fan's windows; 45015 when none is open, 45047 when
    spent."""
    account = access.who_calls(box, request)
    asked = asked_json(request)
    openid, kind = asked.get("touser"), asked.get("msgtype")
    person = people.by_openid(box, account.appid, openid) if isinstance(openid, str) else None
    if person is None:
        raise Refusal(40003)
    needs = _MP_MESSAGES if account.appid == box.credentials.mp.appid else _MESSAGES
    if not isinstance(kind, str) or kind not in needs:
        raise Refusal(40008)
    content = asked.get(kind)
    if not isinstance(content, dict) or any(not content.get(name) for name in needs[kind]):
        raise Refusal(44004 if kind == "text" else 40097)
    text = _shown(kind, content)
    _check_parts(box, account, kind, content)
    extra = {"appid": account.appid, "content": content}
    with box.store.write():
        errcode = people.use_window(box, str(openid))
        if errcode == 0:
            people.note(box, person["id"], "account", kind, text, via="customer", extra=extra)
    if errcode != 0:
        raise Refusal(errcode)
    return done()


def _check_parts(box: Box, account: Account, kind: str, content: dict[str, Any]) -> None:
    """Raises Refusal 40007 for media that is gone or another account's, 40013 for a mini-program that is not
    linked."""
    for name, types in _MEDIA.items():
        if content.get(name) and kind not in ("mpnews",):
            wanted = (kind,) if name == "media_id" and kind in types else types
            if media.find(box, account.appid, str(content[name]), types=wanted) is None:
                raise Refusal(40007)
    if (
        kind == "miniprogrampage"
        and content.get("appid", box.credentials.mp.appid) != box.credentials.mp.appid
    ):
        raise Refusal(40013)


def _shown(kind: str, content: dict[str, Any]) -> str:
    if kind == "text":
        text = content["content"]
        if not isinstance(text, str):
            raise Refusal(47001)
        if len(text.encode()) > _TEXT_BYTES:
            raise Refusal(45002)
        return text
    if kind == "news":
        articles = content["articles"]
        if not isinstance(articles, list) or not all(isinstance(one, dict) for one in articles):
            raise Refusal(47001)
        if len(articles) > 1:
            raise Refusal(45008)
        return str(articles[0].get("title", ""))
    if kind == "msgmenu":
        if not isinstance(content["list"], list):
            raise Refusal(47001)
        items = [str(one.get("content", "")) for one in content["list"] if isinstance(one, dict)]
        around = (str(content.get("head_content", "")), str(content.get("tail_content", "")))
        return "\n".join(line for line in (around[0], *items, around[1]) if line)
    return str(content.get("title") or f"[{kind}]")


def typing(box: Box, request: Request) -> Response:
    """POST /cgi-bin/message/custom/typing (mini-program: .../custom/business/typing) {touser, command}: 45072
    for another command, 45080 without an open window, 45081 twice, as the chat shows "typing"."""
    account = access.who_calls(box, request)
    asked = asked_json(request)
    openid, command = asked.get("touser"), asked.get("command")
    if not isinstance(openid, str) or people.by_openid(box, account.appid, openid) is None:
        raise Refusal(40003)
    if command not in ("Typing", "CancelTyping"):
        raise Refusal(45072)
    if not people.has_window(box, openid):
        raise Refusal(45080)
    with box.store.write():
        until = box.store.kept(f"life:typing:{openid}") or 0
        if command == "Typing" and until > box.now():
            raise Refusal(45081)
        box.store.keep(f"life:typing:{openid}", box.now() + 15 if command == "Typing" else 0)
    return done()
