"""Answers to what a fan asks: stores, goods, a person."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.attribution.serving import find_service
from app.base.freshness import CATALOG, STORES
from app.catalog.listing import list_products
from app.conversation import words
from app.conversation.intent import Intent, Wish
from app.conversation.known import Known
from app.stores.closest import closest
from app.stores.directory import list_stores

MOST_STORES = 8
MOST_NEAR = 3
MOST_GOODS = 5


def answer(
    session: Session, intent: Intent, *, member_id: int, now: datetime, known: Known | None = None
) -> str:
    """The words for an intent. Only reads. ``known`` remembers what does not depend on the member."""
    about = intent.about
    match intent.wish:
        case Wish.STORES if known:
            return known.tell(STORES, about, lambda: _stores(session, about, now), now=now)
        case Wish.STORES:
            return _stores(session, about, now)
        case Wish.SERVICE:
            return words.service(find_service(session, member_id=member_id))
        case Wish.GOODS if known:
            return known.tell(CATALOG, about, lambda: _goods(session, about), now=now)
        case Wish.GOODS:
            return _goods(session, about)
    return words.default()


def ready(intent: Intent, known: Known, *, now: datetime) -> str | None:
    """The words for an intent when nothing has to be looked up for them, the same that ``answer`` finds; else
    None."""
    match intent.wish:
        case Wish.STORES:
            return known.recall(STORES, intent.about, now=now)
        case Wish.GOODS:
            return known.recall(CATALOG, intent.about, now=now) if intent.about else words.ask_for_goods()
        case Wish.NOTHING:
            return words.default()
    return None


def answer_place(session: Session, *, lat: float, lng: float, now: datetime) -> str:
    """The nearest stores. The place is used here and written nowhere (CNS-3)."""
    return words.near(closest(session, lat=lat, lng=lng, limit=MOST_NEAR, now=now))


def _stores(session: Session, city: str, now: datetime) -> str:
    pages = list_stores(session, city=city, after="", limit=MOST_STORES + 1, now=now) if city else []
    if not pages:
        pages = list_stores(session, city=None, after="", limit=MOST_STORES + 1, now=now)
    return words.stores(pages[:MOST_STORES], more=len(pages) > MOST_STORES)


def _goods(session: Session, name: str) -> str:
    if not name:
        return words.ask_for_goods()
    cards, _ = list_products(session, q=name, limit=MOST_GOODS)
    return words.goods(cards) if cards else words.default()
