"""Template and subscribe messages, as a program sends them (WECHAT.md 7.2, 7.3, 7.4)."""

import sqlite3
from typing import Any

from flask import Request, Response

from wechat.box import people, pushing, templates
from wechat.box.account_api import mini_program, official
from wechat.box.answers import Refusal, asked_json, done, said
from wechat.box.inside import Box
from wechat.box.users_api import fan

_GONE = ("first", "remark")  # dropped silently since 2023-05-04
_STATES = ("developer", "trial", "formal")
_LANGS = ("zh_CN", "en_US", "zh_HK", "zh_TW")


def _link(box: Box, asked: dict[str, Any]) -> dict[str, Any]:
    """Where a tap on the message leads: the mini-program wins over the url."""
    linked = asked.get("miniprogram")
    if isinstance(linked, dict) and linked.get("appid"):
        if linked["appid"] != box.credentials.mp.appid:
            raise Refusal(40013)
        templates.check_page(box, linked.get("pagepath"))
        return {"miniprogram": {"appid": linked["appid"], "pagepath": linked.get("pagepath", "")}}
    return {"url": asked["url"]} if asked.get("url") else {}


def _note(
    box: Box,
    person: sqlite3.Row,
    kind: str,
    asked: dict[str, Any],
    values: dict[str, str],
    link: dict[str, Any],
) -> None:
    text = "\n".join(f"{keyword}: {value}" for keyword, value in values.items())
    extra = {"template_id": asked["template_id"], "data": values} | link
    people.note(box, person["id"], "account", kind, text, via="template", extra=extra)


def send_template(box: Box, request: Request) -> Response:
    """POST /cgi-bin/message/template/send: only to fans (43004); what became of it is pushed as
    TEMPLATESENDJOBFINISH. The same client_msg_id is one message."""
    account = official(box, request)
    asked = asked_json(request)
    person = fan(box, asked.get("touser"))
    keywords = templates.check_template(box, asked.get("template_id"))
    if not person["subscribed"]:
        raise Refusal(43004)
    data = asked.get("data")
    if isinstance(data, dict):
        data = {name: value for name, value in data.items() if name not in _GONE} or data
    values, link = templates.check_data(data, keywords), _link(box, asked)
    with box.store.write() as db:
        own = str(asked.get("client_msg_id") or "")
        known = box.store.row(
            "SELECT msgid FROM client_messages WHERE appid = ? AND client_msg_id = ?", account.appid, own
        )
        if known is not None:
            return said({"errcode": 0, "errmsg": "ok", "msgid": known["msgid"]})
        msgid = pushing.next_message_id(box)
        if own:
            db.execute("INSERT INTO client_messages VALUES (?, ?, ?)", (account.appid, own, msgid))
        _note(box, person, "template", asked, values, link)
    openid = person["oa_openid"]
    pushing.platform_event(box, account, openid, "TEMPLATESENDJOBFINISH", MsgID=msgid, Status="success")
    return said({"errcode": 0, "errmsg": "ok", "msgid": msgid})


def send_subscribe(box: Box, request: Request) -> Response:
    """POST /cgi-bin/message/subscribe/send (mini-program): uses up one grant, else 43101."""
    account = mini_program(box, request)
    asked = asked_json(request)
    openid = asked.get("touser")
    person = people.by_openid(box, account.appid, openid) if isinstance(openid, str) else None
    if person is None:
        raise Refusal(40003)
    if asked.get("miniprogram_state", "formal") not in _STATES or asked.get("lang", "zh_CN") not in _LANGS:
        raise Refusal(40097)
    keywords = templates.check_template(box, asked.get("template_id"))
    values = templates.check_data(asked.get("data"), keywords)
    templates.check_page(box, asked.get("page"))
    with box.store.write():
        templates.use_grant(box, str(openid), asked["template_id"])
        _note(box, person, "subscribe", asked, values, {"page": asked.get("page", "")})
    msgid = pushing.next_message_id(box)
    _sent(box, person, asked["template_id"], msgid, mp=True)
    return said({"errcode": 0, "errmsg": "ok", "msgid": msgid})


def send_biz_subscribe(box: Box, request: Request) -> Response:
    """POST /cgi-bin/message/subscribe/bizsend (official account): uses up one grant, else 43101."""
    official(box, request)
    asked = asked_json(request)
    person = fan(box, asked.get("touser"))
    keywords = templates.check_template(box, asked.get("template_id"))
    values, link = templates.check_data(asked.get("data"), keywords), _link(box, asked)
    with box.store.write():
        templates.use_grant(box, person["oa_openid"], asked["template_id"])
        _note(box, person, "subscribe", asked, values, link | {"page": asked.get("page", "")})
    _sent(box, person, asked["template_id"], pushing.next_message_id(box), mp=False)
    return done()


def _sent(box: Box, person: sqlite3.Row, template_id: str, msgid: int, *, mp: bool) -> None:
    account = box.credentials.mp if mp else box.credentials.oa
    openid = person["mp_openid" if mp else "oa_openid"]
    told = {"TemplateId": template_id, "MsgID": str(msgid), "ErrorCode": "0", "ErrorStatus": "success"}
    pushing.platform_event(
        box, account, openid, "subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": [told]}
    )


def _listed(box: Box, id_field: str) -> list[dict[str, Any]]:
    return [
        {
            id_field: template_id,
            "title": template_id,
            "content": "\n".join(f"{word}:{{{{{word}.DATA}}}}" for word in keywords),
            "example": "",
        }
        for template_id, keywords in (box.settings()["templates"] or {}).items()
    ]


def list_templates(box: Box, request: Request) -> Response:
    """GET /cgi-bin/template/get_all_private_template: those of the setting ``templates``."""
    official(box, request)
    return said({"template_list": _listed(box, "template_id")})


def list_subscribe_templates(box: Box, request: Request) -> Response:
    """GET /wxaapi/newtmpl/gettemplate: those of the setting ``templates``."""
    mini_program(box, request)
    told = [one | {"type": 2} for one in _listed(box, "priTmplId")]
    return said({"errcode": 0, "errmsg": "ok", "data": told})
