"""Our words for what WeChat pushes to us, each with the key that makes a repeated delivery harmless."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wechat.replies import Nothing, Reply, TextReply

__all__ = ["Nothing", "Reply", "TextReply"]  # answered to events, so told beside them


@dataclass(frozen=True)
class Event:
    """Something a person did, or WeChat tells. `account` is our appid, `openid` the person under that appid
    (for messages of the platform itself: whatever it names as the sender), `at` when (aware UTC, whole
    seconds). The same push delivered again has the same `dedupe_key` (at most 64 characters, no openid in
    it), within and across accounts."""

    account: str
    openid: str = field(repr=False)
    at: datetime
    dedupe_key: str


# ---- people and codes


@dataclass(frozen=True)
class Subscribed(Event):
    """Followed us; through a code of ours when `scene` is not None (without the `qrscene_` prefix), or after
    a payment: then `after_payment` is its transaction number."""

    scene: str | None = None
    ticket: str | None = None
    after_payment: str | None = None


@dataclass(frozen=True)
class Scanned(Event):
    """Scanned a code of ours while following us already."""

    scene: str = ""
    ticket: str = ""


@dataclass(frozen=True)
class Unsubscribed(Event):
    """Stopped following us. No answer reaches the person."""


# ---- messages


@dataclass(frozen=True)
class Said(Event):
    """Sent a text; `choice` is the id of the item when it was picked from a message menu. A message that came
    from under an article has that article's id in `article` (`MsgDataId_Idx`)."""

    text: str = ""
    message_id: str = ""
    choice: str = ""
    article: str = ""


@dataclass(frozen=True)
class Located(Event):
    """Sent a place from the chat: degrees (GCJ-02), and the label of the map."""

    lat: float = 0.0
    lng: float = 0.0
    label: str = ""
    message_id: str = ""


@dataclass(frozen=True)
class ImageSent(Event):
    """Sent a picture."""

    media_id: str = field(default="", repr=False)
    url: str = field(default="", repr=False)
    message_id: str = ""


@dataclass(frozen=True)
class VoiceSent(Event):
    """Spoke. `format` is amr or speex; `text` is what WeChat heard, when recognition is switched on."""

    media_id: str = field(default="", repr=False)
    format: str = ""
    text: str = ""
    message_id: str = ""


@dataclass(frozen=True)
class VideoSent(Event):
    """Sent a video, a short one (taken in the chat) or another."""

    media_id: str = field(default="", repr=False)
    thumb_media_id: str = field(default="", repr=False)
    short: bool = False
    message_id: str = ""


@dataclass(frozen=True)
class LinkSent(Event):
    """Sent a link."""

    title: str = ""
    description: str = ""
    url: str = ""
    message_id: str = ""


@dataclass(frozen=True)
class PageSent(Event):
    """Sent a card of a mini-program's page, from that mini-program's customer chat."""

    title: str = ""
    appid: str = ""
    page: str = ""
    thumb_url: str = field(default="", repr=False)
    thumb_media_id: str = field(default="", repr=False)
    message_id: str = ""


# ---- menus


@dataclass(frozen=True)
class Clicked(Event):
    """Tapped a menu button of type click."""

    key: str = ""


@dataclass(frozen=True)
class Viewed(Event):
    """Tapped a menu button that opens a web page."""

    url: str = ""
    menu_id: str = ""


@dataclass(frozen=True)
class PageOpened(Event):
    """Tapped a menu button that opens a mini-program's page."""

    page: str = ""
    menu_id: str = ""


@dataclass(frozen=True)
class ThingScanned(Event):
    """Scanned something through a menu button of ours. `waits`: the fan sees a spinner until we answer."""

    key: str = ""
    kind: str = ""
    result: str = ""
    waits: bool = False


@dataclass(frozen=True)
class PhotosSent(Event):
    """Sent pictures through a menu button; the pictures follow as ImageSent. `source`: pic_sysphoto,
    pic_photo_or_album or pic_weixin."""

    key: str = ""
    source: str = ""
    count: int = 0
    md5s: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlacePicked(Event):
    """Picked a place through a menu button: degrees (GCJ-02)."""

    key: str = ""
    lat: float = 0.0
    lng: float = 0.0
    label: str = ""
    name: str = ""


@dataclass(frozen=True)
class PositionReported(Event):
    """The phone's position: when a talk begins, or every 5 s, as the console says. Degrees and metres."""

    lat: float = 0.0
    lng: float = 0.0
    precision_m: float = 0.0


# ---- how our messages fared


@dataclass(frozen=True)
class TemplateDelivered(Event):
    """The end of a template message. `status`: `success`, `failed:user block` or `failed: system failed`."""

    message_id: str = ""
    status: str = ""


@dataclass(frozen=True)
class BroadcastDelivered(Event):
    """The end of a message to many."""

    message_id: str = ""
    status: str = ""
    total: int = 0
    filtered: int = 0
    sent: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Subscription:
    """One template in a person's answer. `accepted` False: refused, or switched off later. `where`: 0 a
    mini-program's page, 1 a web page, 2 an article; empty when not told."""

    template_id: str
    accepted: bool
    where: str = ""


@dataclass(frozen=True)
class SubscriptionsAnswered(Event):
    """Was asked whether we may send these subscribe messages, and answered."""

    answers: tuple[Subscription, ...] = ()


@dataclass(frozen=True)
class SubscriptionsChanged(Event):
    """Changed the settings for these subscribe messages."""

    answers: tuple[Subscription, ...] = ()


@dataclass(frozen=True)
class SubscriptionDelivery:
    """How one subscribe message fared; `error_code` 0 is success."""

    template_id: str
    message_id: str
    error_code: int
    status: str


@dataclass(frozen=True)
class SubscriptionsDelivered(Event):
    """The end of subscribe messages."""

    results: tuple[SubscriptionDelivery, ...] = ()


# ---- the customer-service desk


@dataclass(frozen=True)
class StaffTalkOpened(Event):
    """Somebody at the desk (name@account) took the talk."""

    staff: str = ""


@dataclass(frozen=True)
class StaffTalkClosed(Event):
    """Somebody at the desk ended the talk."""

    staff: str = ""


@dataclass(frozen=True)
class StaffTalkHandedOver(Event):
    """The talk went from one person at the desk to another."""

    giver: str = ""
    taker: str = ""


@dataclass(frozen=True)
class ChatEntered(Event):
    """Opened a mini-program's customer chat; `session_from` is what the button carried."""

    session_from: str = ""


# ---- personal data


@dataclass(frozen=True)
class PersonalDataChanged(Event):
    """Changed what a mini-program or account may know. `subject` is the person's openid under `appid`,
    `kinds` are WeChat's numbers of the kinds of data (8: phone number). Answer `success` at once."""

    subject: str = field(default="", repr=False)
    appid: str = ""
    kinds: tuple[str, ...] = ()
    plugin_id: str = ""
    open_pid: str = field(default="", repr=False)


@dataclass(frozen=True)
class DataModified(PersonalDataChanged):
    """The person's profile changed."""


@dataclass(frozen=True)
class ConsentRevoked(PersonalDataChanged):
    """Took consent back: what `kinds` lists has to be deleted."""


@dataclass(frozen=True)
class ConsentCancelled(PersonalDataChanged):
    """Deleted the account with us: all of the person's data has to be deleted."""


# ---- what the platform tells a mini-program


@dataclass(frozen=True)
class MediaChecked(Event):
    """The verdict of an asynchronous check. `suggest`: risky, pass or review; `label` 100 is fine;
    `error_code` other than 0: not checked (-1008: the file could not be fetched)."""

    trace_id: str = ""
    suggest: str = ""
    label: int = 0
    error_code: int = 0


@dataclass(frozen=True)
class ShippingUnused(Event):
    """WeChat asks for shipping information to be uploaded at all."""

    message: str = ""


@dataclass(frozen=True)
class ShippingWanted(Event):
    """A paid order is not shipped after 48 h."""

    transaction_id: str = ""
    mchid: str = ""
    out_trade_no: str = ""
    paid_at: datetime | None = None
    message: str = ""


@dataclass(frozen=True)
class Settlement(Event):
    """An order's money: told when shipping is complete (with `expected_at`), and again when it was settled
    (`settled_at`). `by_hand`: the shopper confirmed the receipt; None while it is open."""

    transaction_id: str = ""
    mchid: str = ""
    out_trade_no: str = ""
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    expected_at: datetime | None = None
    received_at: datetime | None = None
    settled_at: datetime | None = None
    by_hand: bool | None = None


@dataclass(frozen=True)
class TradeControlled(Event):
    """The mini-program has to join the management of shipping."""

    message: str = ""


@dataclass(frozen=True)
class ServiceCardFailed(Event):
    """A service card could not be shown to `subject` (an openid)."""

    subject: str = field(default="", repr=False)
    notify_code: str = ""
    notify_type: str = ""
    card_status: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class ConsoleTested(Event):
    """The console's button for a test push."""

    text: str = ""


@dataclass(frozen=True)
class UnknownPush(Event):
    """A push that we have no word for. `kind` is the MsgType, or `event.` and the Event as it was sent;
    `raw` holds every element (text, or a dict of elements, or a list of repeated ones)."""

    kind: str = ""
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
