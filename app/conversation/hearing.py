"""Hearing a fan: one push of the official account, understood, acted on and answered in one transaction."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.attribution.touches import NewTouch, record
from app.base import inbox, queue
from app.base.db import Stroke
from app.conversation import words
from app.conversation.answers import answer, answer_place, ready
from app.conversation.intent import intent_of, intent_of_click
from app.conversation.known import Known
from app.members.meeting import Met, heard_again, lost_follower, meet
from models.attribution import TouchKind
from models.members import AppKind
from wechat.events import (
    Clicked,
    Event,
    ImageSent,
    LinkSent,
    Located,
    Nothing,
    PageSent,
    Reply,
    Said,
    Scanned,
    Subscribed,
    TextReply,
    ThingScanned,
    UnknownPush,
    Unsubscribed,
    VideoSent,
    VoiceSent,
)

SOURCE = "wechat.oa"
_MESSAGES = (Said, Located, ImageSent, VoiceSent, VideoSent, LinkSent, PageSent)


def hear(
    session: Session,
    event: Event,
    *,
    brand: str,
    now: datetime,
    received_at: datetime | None = None,
    known: Known | None = None,
) -> Reply:
    """Act on a push once and say what to answer; the same push again gets the same answer (TCH-2).

    ``received_at``: when it was taken in, for a push that is heard later than it came; None = now.
    ``known`` remembers answers that do not depend on who asks.
    """
    if isinstance(event, Said | Clicked | Located):
        return _asked(session, event, now, known)
    if not inbox.claim(session, SOURCE, event.dedupe_key, kind=_kind(event)):
        return _said_before(session, event)
    said = _react(session, event, brand, now, received_at)
    if said is None:
        return Nothing()
    inbox.keep_answer(session, SOURCE, event.dedupe_key, said)
    return TextReply(said)


def hear_quickly(stroke: Stroke, event: Event, *, now: datetime, known: Known) -> Reply | None:
    """Answer a question of somebody we know in one statement, when the words are at hand without a look-up.

    None, and nothing was said or kept, in every other case, a repeat among them: then ``hear`` is right.
    """
    if not isinstance(event, Said | Clicked):
        return None
    intent = intent_of(event.text) if isinstance(event, Said) else intent_of_click(event.key)
    said = ready(intent, known, now=now)
    if said is None:
        return None
    arrival = inbox.Arrival(SOURCE, event.dedupe_key, _kind(event), said)
    spoke = isinstance(event, _MESSAGES)
    taken = heard_again(
        stroke, appid=event.account, openid=event.openid, spoke=spoke, arrival=arrival, now=now
    )
    return TextReply(said) if taken else None


def put_off(session: Session, event: Said | Clicked, *, now: datetime) -> Reply:
    """Take in a question whose answer was not ready in time; the answer follows as a message of its own.

    Nothing is answered now. The same push again gets the answer that was kept, or nothing.
    """
    met = _met(session, event, now, followed=None)
    if not inbox.claim(session, SOURCE, event.dedupe_key, kind=_kind(event)):
        return _said_before(session, event)
    intent = intent_of(event.text) if isinstance(event, Said) else intent_of_click(event.key)
    queue.defer(
        session,
        "answer_late",
        identity_id=met.identity_id,
        key=event.dedupe_key,
        wish=intent.wish.value,
        about=intent.about,
    )
    return Nothing()


def _said_before(session: Session, event: Event) -> Reply:
    kept = inbox.recall_answer(session, SOURCE, event.dedupe_key)
    return TextReply(kept) if kept else Nothing()


def _asked(session: Session, event: Said | Clicked | Located, now: datetime, known: Known | None) -> Reply:
    # A question changes nothing but when the person was last heard. So its answer is found first and enters
    # the inbox together with the question; of two copies at once, the second waits for the person's row.
    met = _met(session, event, now, followed=None)
    match event:
        case Said():
            said = answer(session, intent_of(event.text), member_id=met.member_id, now=now, known=known)
        case Clicked():
            said = answer(session, intent_of_click(event.key), member_id=met.member_id, now=now, known=known)
        case Located():
            said = answer_place(session, lat=event.lat, lng=event.lng, now=now)
    if inbox.claim(session, SOURCE, event.dedupe_key, kind=_kind(event), answer=said):
        return TextReply(said)
    return _said_before(session, event)


def _react(
    session: Session, event: Event, brand: str, now: datetime, received_at: datetime | None
) -> str | None:
    match event:
        case Unsubscribed():
            lost_follower(session, appid=event.account, openid=event.openid, at=event.at)
        case Subscribed() | Scanned():
            return _came(session, event, brand, now, received_at)
        case ImageSent() | VoiceSent() | VideoSent() | LinkSent() | PageSent() | ThingScanned():
            # Nothing to say, yet from now on the person may be written to.
            _met(session, event, now, followed=None)
    return None


def _came(
    session: Session,
    event: Subscribed | Scanned,
    brand: str,
    now: datetime,
    received_at: datetime | None,
) -> str:
    met = _met(session, event, now, followed=True)
    if not event.scene:
        return words.plain_welcome(brand)
    touch = NewTouch(
        member_id=met.member_id,
        identity_id=met.identity_id,
        kind=TouchKind.SUBSCRIBE_SCAN if isinstance(event, Subscribed) else TouchKind.SCAN,
        occurred_at=event.at,
        raw_key=event.dedupe_key,
        scene=event.scene,
        received_at=received_at,
    )
    return words.welcome(brand, record(session, touch))


def _met(session: Session, event: Event, now: datetime, *, followed: bool | None) -> Met:
    met = meet(
        session,
        app=AppKind.OA,
        appid=event.account,
        openid=event.openid,
        followed=followed,
        at=event.at,
        spoke=isinstance(event, _MESSAGES),
        now=now,
    )
    if met.wants_unionid and (met.is_new or followed):
        queue.defer(session, "learn_fan", identity_id=met.identity_id)
    return met


def _kind(event: Event) -> str:
    return event.kind[:64] if isinstance(event, UnknownPush) else type(event).__name__
