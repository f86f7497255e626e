"""What WeChat tells the mini-program: recorded once, and handed to people where it is a person who speaks.

Nothing here changes an order or a payment: those follow WeChat Pay, whose word is proven for itself.
"""

from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any

import orjson
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base import inbox
from wechat.events import (
    ChatEntered,
    ConsoleTested,
    Event,
    ImageSent,
    LinkSent,
    Located,
    MediaChecked,
    Nothing,
    PageSent,
    PersonalDataChanged,
    Reply,
    Said,
    ServiceCardFailed,
    Settlement,
    ShippingUnused,
    ShippingWanted,
    SubscriptionsAnswered,
    SubscriptionsChanged,
    SubscriptionsDelivered,
    TradeControlled,
    UnknownPush,
    VideoSent,
    VoiceSent,
)
from wechat.replies import TransferToStaff

log = structlog.get_logger()
SOURCE = "wechat.mp"
MOST_RAW_BYTES = 8 * 1024

# A person wrote in the customer chat: the desk answers. Their words are kept by WeChat, not here.
_SPOKEN = (Said, ImageSent, VoiceSent, VideoSent, LinkSent, PageSent, Located)
# Kept with what they say: no text of a person is among it, and nothing that is marked as personal.
_TOLD = (
    *(Settlement, ShippingWanted, ShippingUnused, TradeControlled, MediaChecked, ServiceCardFailed),
    *(
        SubscriptionsAnswered,
        SubscriptionsChanged,
        SubscriptionsDelivered,
        PersonalDataChanged,
        ConsoleTested,
    ),
)
# Somebody has to do something, or WeChat holds back money or shuts the shop.
_URGENT = (ShippingWanted, ShippingUnused, TradeControlled)
_PERSONAL = ("openid", "openpid", "fromusername", "unionid", "phone")
_HEAD = frozenset({"account", "openid", "at", "dedupe_key"})
_WHOSE = text("select id from identity where appid = :appid and openid = :openid")


def overhear(session: Session, event: Event) -> Reply:
    """Record a push once and say what to answer; the same push again gets the same answer (TCH-2).

    Settlements, shipping reminders, verdicts of checks, withdrawn consent and answers about subscribe
    messages are kept with what they say, unknown pushes as they came but for what is personal. A person is
    named by the identity's row, never by openid.
    """
    reply = TransferToStaff() if isinstance(event, _SPOKEN) else Nothing()
    detail = orjson.dumps(_detail(session, event)).decode()
    kind = event.kind[:64] if isinstance(event, UnknownPush) else type(event).__name__
    if inbox.claim(session, SOURCE, event.dedupe_key, kind=kind, detail=detail) and isinstance(
        event, _URGENT
    ):
        log.warning("mini_program_push", kind=kind)
    return reply


def _detail(session: Session, event: Event) -> dict[str, Any]:
    if isinstance(event, UnknownPush):
        raw = _impersonal(event.raw)
        return {"raw": raw if len(orjson.dumps(raw)) <= MOST_RAW_BYTES else "too large"}
    if isinstance(event, ChatEntered):
        return {"session_from": event.session_from[:200]}
    if not isinstance(event, _TOLD):
        return {}
    told = {one.name: _plain(getattr(event, one.name)) for one in fields(event) if _may_be_kept(one)}
    person = event.subject if isinstance(event, PersonalDataChanged | ServiceCardFailed) else event.openid
    return told | {"identity_id": _whose(session, event.account, person)}


def _may_be_kept(one: Any) -> bool:
    return one.repr and one.name not in _HEAD


def _whose(session: Session, appid: str, openid: str) -> int | None:
    found: int | None = session.execute(_WHOSE, {"appid": appid, "openid": openid}).scalar()
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "__dataclass_fields__"):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value) if one.repr}
    return value


def _impersonal(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {
            name: one for name, one in value.items() if not any(word in name.lower() for word in _PERSONAL)
        }
        return {name: _impersonal(one) for name, one in kept.items()}
    if isinstance(value, list):
        return [_impersonal(one) for one in value]
    return value
