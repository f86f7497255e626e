"""Names one push: its elements become one of our events, or `UnknownPush` with everything kept."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from wechat import events as e
from wechat.errors import Malformed
from wechat.fields import (
    count_of,
    decimal_of,
    moment_of,
    number_of,
    part_of,
    parts_of,
    place_of,
    text_of,
    texts_of,
)

Fields = Mapping[str, Any]
Head = tuple[str, str, datetime, str]
"""account, openid, at, dedupe_key"""


def event_of(account: str, fields: Fields) -> e.Event:
    """Names one push. Raises Malformed when it lacks what every push has: FromUserName, CreateTime,
    MsgType."""
    openid, kind = text_of(fields, "FromUserName"), text_of(fields, "MsgType")
    if not openid or not kind:
        raise Malformed("push without FromUserName or MsgType")
    seconds = text_of(fields, "CreateTime")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 10):
        raise Malformed("CreateTime")
    at = moment_of(fields, "CreateTime") or _EPOCH
    if kind.lower() == "event":
        name = text_of(fields, "Event")
        head = (account, openid, at, _event_key(account, openid, seconds, name, fields))
        make, unknown = _EVENTS.get(name.lower()), f"event.{name}"
    else:
        head = (account, openid, at, _message_key(account, openid, seconds, kind, fields))
        make, unknown = _MESSAGES.get(kind.lower()), kind
    named = make(head, fields) if make else None
    return named or e.UnknownPush(*head, kind=unknown, raw=dict(fields))


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_TELLING = (
    *("MsgID", "trace_id", "transaction_id", "TemplateId", "settlement_time", "RevokeInfo", "KfAccount"),
    *("merchant_trade_no", "notify_code"),
)
"""What tells two events of one second apart, where it is there."""


def _event_key(account: str, openid: str, seconds: str, name: str, fields: Fields) -> str:
    parts = [account, openid, seconds, name, text_of(fields, "EventKey"), text_of(fields, "Ticket")]
    # Several of these may carry the same second and no EventKey (media checks, sent templates).
    for word in _TELLING:
        if word in fields:
            parts.append(text_of(fields, word))
    for one in _listed(fields):
        parts += [text_of(one, "TemplateId"), text_of(one, "MsgID")]
    return _digest([*parts[:6], *filter(None, parts[6:])])


def _message_key(account: str, openid: str, seconds: str, kind: str, fields: Fields) -> str:
    number = text_of(fields, "MsgId")
    if number.isascii() and number.isdigit() and 0 < len(number) <= 20 and int(number):
        # MsgId alone has been seen to collide between two people, so the person is in the key.
        return f"{number}.{_digest([account, openid])[:16]}"
    return _digest([account, openid, seconds, kind, text_of(fields, "Content")])


def _digest(parts: list[str]) -> str:
    return hashlib.sha1("|".join(parts).encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _listed(fields: Fields) -> list[dict[str, Any]]:
    """The templates of a subscribe event. XML wraps them, in the wrapper of another event at times; JSON does
    not, and gives an object instead of a list of one."""
    wrapped = [one for name in _WRAPPERS if name in fields for one in parts_of(part_of(fields, name), "List")]
    return wrapped or parts_of(fields, "List")


_WRAPPERS = ("SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent")


def _subscribed(head: Head, fields: Fields) -> e.Event:
    key = text_of(fields, "EventKey")
    return e.Subscribed(
        *head,
        scene=(key.removeprefix("qrscene_") if key.startswith("qrscene_") else "") or None,
        ticket=text_of(fields, "Ticket") or None,
        after_payment=(key.removeprefix("last_trade_no_") if key.startswith("last_trade_no_") else "")
        or None,
    )


def _scanned(head: Head, fields: Fields) -> e.Event:
    return e.Scanned(*head, scene=text_of(fields, "EventKey"), ticket=text_of(fields, "Ticket"))


def _said(head: Head, fields: Fields) -> e.Event:
    article = text_of(fields, "MsgDataId")
    if article and (place := text_of(fields, "Idx")):
        article = f"{article}_{place}"
    choice = text_of(fields, "bizmsgmenuid")
    return e.Said(*head, text_of(fields, "Content"), text_of(fields, "MsgId"), choice, article)


def _located(head: Head, fields: Fields) -> e.Event | None:
    place = place_of(fields, "Location_X", "Location_Y")
    if place is None:
        return None
    return e.Located(*head, *place, text_of(fields, "Label"), text_of(fields, "MsgId"))


def _video(short: bool) -> "Namer":
    def make(head: Head, fields: Fields) -> e.Event:
        media, thumb = text_of(fields, "MediaId"), text_of(fields, "ThumbMediaId")
        return e.VideoSent(*head, media, thumb, short, text_of(fields, "MsgId"))

    return make


def _thing_scanned(waits: bool) -> "Namer":
    def make(head: Head, fields: Fields) -> e.Event:
        scan = part_of(fields, "ScanCodeInfo")
        found = text_of(scan, "ScanType"), text_of(scan, "ScanResult")
        return e.ThingScanned(*head, text_of(fields, "EventKey"), *found, waits)

    return make


def _photos(head: Head, fields: Fields) -> e.Event:
    info = part_of(fields, "SendPicsInfo")
    # JSON may leave the level of `item` out.
    items = parts_of(part_of(info, "PicList"), "item") or parts_of(info, "PicList")
    md5s = tuple(text_of(item, "PicMd5Sum") for item in items if text_of(item, "PicMd5Sum"))
    source = text_of(fields, "Event").lower()
    return e.PhotosSent(*head, text_of(fields, "EventKey"), source, count_of(info, "Count"), md5s)


def _place_picked(head: Head, fields: Fields) -> e.Event | None:
    info = part_of(fields, "SendLocationInfo")
    place = place_of(info, "Location_X", "Location_Y")
    if place is None:
        return None
    words = text_of(info, "Label"), text_of(info, "Poiname")
    return e.PlacePicked(*head, text_of(fields, "EventKey"), *place, *words)


def _position(head: Head, fields: Fields) -> e.Event | None:
    place = place_of(fields, "Latitude", "Longitude")
    return e.PositionReported(*head, *place, decimal_of(fields, "Precision") or 0.0) if place else None


def _broadcast(head: Head, fields: Fields) -> e.Event:
    counts = (count_of(fields, word) for word in ("TotalCount", "FilterCount", "SentCount", "ErrorCount"))
    return e.BroadcastDelivered(*head, text_of(fields, "MsgID"), text_of(fields, "Status"), *counts)


def _answers(kind: type[e.SubscriptionsAnswered] | type[e.SubscriptionsChanged]) -> "Namer":
    def make(head: Head, fields: Fields) -> e.Event:
        answers = (
            e.Subscription(
                template_id=text_of(one, "TemplateId"),
                accepted=text_of(one, "SubscribeStatusString") == "accept",
                where=text_of(one, "PopupScene"),
            )
            for one in _listed(fields)
        )
        return kind(*head, tuple(answers))

    return make


def _subscriptions_delivered(head: Head, fields: Fields) -> e.Event:
    results = (
        e.SubscriptionDelivery(
            template_id=text_of(one, "TemplateId"),
            message_id=text_of(one, "MsgID"),
            error_code=count_of(one, "ErrorCode"),
            status=text_of(one, "ErrorStatus"),
        )
        for one in _listed(fields)
    )
    return e.SubscriptionsDelivered(*head, tuple(results))


def _personal(kind: type[e.PersonalDataChanged]) -> "Namer":
    def make(head: Head, fields: Fields) -> e.Event:
        several = texts_of(fields, "RevokeInfo") or (text_of(fields, "RevokeInfo"),)
        kinds = tuple(word.strip() for text in several for word in text.split(",") if word.strip())
        plugin = text_of(fields, "PluginID"), text_of(fields, "OpenPID")
        return kind(*head, text_of(fields, "OpenID"), text_of(fields, "AppID"), kinds, *plugin)

    return make


def _media_checked(head: Head, fields: Fields) -> e.Event:
    result = part_of(fields, "result")
    verdict = text_of(result, "suggest"), count_of(result, "label"), count_of(fields, "errcode")
    return e.MediaChecked(*head, text_of(fields, "trace_id"), *verdict)


def _shipping_wanted(head: Head, fields: Fields) -> e.Event:
    return e.ShippingWanted(*head, *_trade(fields), moment_of(fields, "pay_time"), text_of(fields, "msg"))


def _settlement(head: Head, fields: Fields) -> e.Event:
    way = number_of(fields, "confirm_receive_method")
    return e.Settlement(
        *head,
        *_trade(fields),
        paid_at=moment_of(fields, "pay_time"),
        shipped_at=moment_of(fields, "shipped_time"),
        expected_at=moment_of(fields, "estimated_settlement_time"),
        received_at=moment_of(fields, "confirm_receive_time"),
        settled_at=moment_of(fields, "settlement_time"),
        by_hand=None if way not in (1, 2) else way == 1,
    )


def _trade(fields: Fields) -> tuple[str, str, str]:
    return (
        text_of(fields, "transaction_id"),
        text_of(fields, "merchant_id"),
        text_of(fields, "merchant_trade_no"),
    )


Namer = Callable[[Head, Fields], e.Event | None]
"""Makes the event, or None when what it needs is not there."""


def _texts(kind: Callable[..., e.Event], **names: str) -> Namer:
    """An event whose fields are elements taken as texts: field of ours = element of theirs."""
    pairs = tuple(names.items())

    def make(head: Head, fields: Fields) -> e.Event:
        return kind(*head, **{ours: text_of(fields, theirs) for ours, theirs in pairs})

    return make


_MESSAGES: dict[str, Namer] = {
    "text": _said,
    "location": _located,
    "image": _texts(e.ImageSent, media_id="MediaId", url="PicUrl", message_id="MsgId"),
    "voice": _texts(e.VoiceSent, media_id="MediaId", format="Format", text="Recognition", message_id="MsgId"),
    "video": _video(False),
    "shortvideo": _video(True),
    "link": _texts(e.LinkSent, title="Title", description="Description", url="Url", message_id="MsgId"),
    "miniprogrampage": _texts(
        e.PageSent,
        title="Title",
        appid="AppId",
        page="PagePath",
        thumb_url="ThumbUrl",
        thumb_media_id="ThumbMediaId",
        message_id="MsgId",
    ),
}

_EVENTS: dict[str, Namer] = {
    "subscribe": _subscribed,
    "scan": _scanned,
    "unsubscribe": _texts(e.Unsubscribed),
    "click": _texts(e.Clicked, key="EventKey"),
    "view": _texts(e.Viewed, url="EventKey", menu_id="MenuId"),
    "view_miniprogram": _texts(e.PageOpened, page="EventKey", menu_id="MenuId"),
    "scancode_push": _thing_scanned(False),
    "scancode_waitmsg": _thing_scanned(True),
    "pic_sysphoto": _photos,
    "pic_photo_or_album": _photos,
    "pic_weixin": _photos,
    "location_select": _place_picked,
    "location": _position,
    "templatesendjobfinish": _texts(e.TemplateDelivered, message_id="MsgID", status="Status"),
    "masssendjobfinish": _broadcast,
    "subscribe_msg_popup_event": _answers(e.SubscriptionsAnswered),
    "subscribe_msg_change_event": _answers(e.SubscriptionsChanged),
    "subscribe_msg_sent_event": _subscriptions_delivered,
    "user_info_modified": _personal(e.DataModified),
    "user_authorization_revoke": _personal(e.ConsentRevoked),
    "user_authorization_cancellation": _personal(e.ConsentCancelled),
    "kf_create_session": _texts(e.StaffTalkOpened, staff="KfAccount"),
    "kf_close_session": _texts(e.StaffTalkClosed, staff="KfAccount"),
    "kf_switch_session": _texts(e.StaffTalkHandedOver, giver="FromKfAccount", taker="ToKfAccount"),
    "user_enter_tempsession": _texts(e.ChatEntered, session_from="SessionFrom"),
    "wxa_media_check": _media_checked,
    "trade_manage_remind_access_api": _texts(e.ShippingUnused, message="msg"),
    "trade_manage_remind_shipping": _shipping_wanted,
    "trade_manage_order_settlement": _settlement,
    "wxa_trade_controlled": _texts(e.TradeControlled, message="msg"),
    "notify_service_msg_send_result": _texts(
        e.ServiceCardFailed,
        subject="openid",
        notify_code="notify_code",
        notify_type="notify_type",
        card_status="card_status",
        code="fail_ret",
        message="fail_msg",
    ),
    "debug_demo": _texts(e.ConsoleTested, text="debug_str"),
}
