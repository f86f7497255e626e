"""What else a fan does under the chat of the official account: taps the menu, sends pictures, accepts messages."""

import sqlite3
from typing import Any

from wechat.box import acts, menus, people, pushing, templates
from wechat.box.acts import Impossible
from wechat.box.answers import Refusal
from wechat.box.inside import Box, letters

_OPENING = ("click", "scancode_push", "scancode_waitmsg")
_MEDIA: dict[str, tuple[str, ...]] = {
    "image": ("PicUrl", "MediaId"),
    "voice": ("MediaId", "Format"),
    "video": ("MediaId", "ThumbMediaId"),
    "shortvideo": ("MediaId", "ThumbMediaId"),
    "link": ("Title", "Description", "Url"),
}


def menu_of(box: Box, person: sqlite3.Row) -> list[dict[str, Any]]:
    """The buttons that she sees; none without a menu, or before she follows."""
    try:
        return menus.seen_by(box, person["oa_openid"]) if person["subscribed"] else []
    except Refusal:
        return []


def tap(box: Box, person: sqlite3.Row, name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """She taps the button of this name (or key): the event of its type. ``fields`` are what the telephone adds:
    scan_result for a scan button, lat and lng for a place, count for pictures."""
    flat = [one for button in menu_of(box, person) for one in button.get("sub_button") or [button]]
    button = next((one for one in flat if name in (one.get("name"), one.get("key"))), None)
    if button is None:
        raise Impossible("NO_SUCH_BUTTON", f"菜单里没有: {name}")
    kind = button["type"]
    if kind == "click":
        return acts.click(box, person, button["key"])
    if kind == "view":
        return acts.view(box, person, button["url"])
    told = _event_of(button, fields)
    if told is None:
        return {"delivery": None, "shows": button.get("media_id") or button.get("article_id")}
    event, extra = told
    with box.store.write():
        if kind in _OPENING:
            people.open_window(box, person["oa_openid"], "click")
        delivery = pushing.event(box, person, event, **extra)
    return acts.carried(box, delivery)


def _event_of(button: dict[str, Any], fields: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    kind, key = button["type"], button.get("key", "")
    if kind == "miniprogram":
        return "view_miniprogram", {"EventKey": button["pagepath"], "MenuId": "425000002"}
    if kind.startswith("scancode"):
        scanned = {"ScanType": "qrcode", "ScanResult": str(fields.get("scan_result", ""))}
        return kind, {"EventKey": key, "ScanCodeInfo": scanned}
    if kind.startswith("pic_"):
        count = int(fields.get("count", 1))
        items = [{"PicMd5Sum": letters(32)} for _ in range(count)]
        return kind, {"EventKey": key, "SendPicsInfo": {"Count": count, "PicList": {"item": items}}}
    if kind == "location_select":
        place = {"Location_X": str(fields.get("lat", 22.5)), "Location_Y": str(fields.get("lng", 114.0))}
        place |= {"Scale": "16", "Label": str(fields.get("label", "")), "Poiname": ""}
        return kind, {"EventKey": key, "SendLocationInfo": place}
    return None


def send_media(box: Box, person: sqlite3.Row, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """She sends a picture, a voice, a film or a link."""
    if kind not in _MEDIA:
        raise Impossible("NO_SUCH_TYPE", f"不能发送: {kind}")
    defaults = {"MediaId": letters(64), "ThumbMediaId": letters(64), "Format": "amr"}
    defaults |= {"PicUrl": "http://mmbiz.qpic.cn/mmbiz_jpg/box/0", "Url": "https://mp.weixin.qq.com/s/box"}
    fields = {name: str(given.get(name, defaults.get(name, ""))) for name in _MEDIA[kind]}
    if kind == "voice" and given.get("Recognition"):
        fields["Recognition"] = str(given["Recognition"])
    return acts.send(box, person, kind, f"[{kind}]", fields)


def decide(box: Box, person: sqlite3.Row, template_id: str, *, app: str, accepts: bool) -> dict[str, Any]:
    """She accepts or rejects one subscribe message of the official account ("oa") or the mini-program ("mp"); to
    accept grants exactly one. The account hears subscribe_msg_popup_event."""
    openid = person["oa_openid" if app == "oa" else "mp_openid"]
    status = "accept" if accepts else "reject"
    told = {
        "TemplateId": template_id,
        "SubscribeStatusString": status,
        "PopupScene": "1" if app == "oa" else "0",
    }
    fields = {
        "MsgType": "event",
        "Event": "subscribe_msg_popup_event",
        "SubscribeMsgPopupEvent": {"List": [told]},
    }
    with box.store.write():
        if accepts:
            templates.grant(box, openid, template_id)
        delivery = (pushing.push if app == "oa" else pushing.push_mp)(box, person, fields)
    return acts.carried(box, delivery)
