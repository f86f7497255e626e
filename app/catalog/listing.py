"""Lists of goods: by category, by words, in three orders, page by page on an index."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import Invalid
from app.catalog.badges import badges
from app.catalog.finding import LOOK_AHEAD, Sort, statement
from app.catalog.search import query_terms
from models.catalog import Exemption


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page ended: its last product's sort value (fen, or microseconds of listed_at) and code."""

    value: int
    code: str


@dataclass(frozen=True, slots=True)
class Card:
    """One product in a list. ``list_fen`` is the undiscounted price of the SKU behind ``from_fen``."""

    code: str
    name: str
    name_en: str
    category: str
    from_fen: int
    list_fen: int
    badges: list[str]


@dataclass(frozen=True, slots=True)
class Shelf:
    """One category."""

    code: str
    name: str
    name_en: str
    parent: str | None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FAMILY = text(
    "with recursive family as (select id from category where code = :code"
    " union select c.id from category c join family f on c.parent_id = f.id) select id from family"
)
_SHELVES = text(
    "select c.code, c.name, c.name_en, p.code as parent"
    " from category c left join category p on p.id = c.parent_id order by c.position, c.id"
)


def list_products(
    session: Session | Connection,
    *,
    category: str | None = None,
    q: str | None = None,
    sort: Sort = Sort.NEWEST,
    after: Mark | None = None,
    limit: int = 20,
    look_ahead: int = LOOK_AHEAD,
) -> tuple[list[Card], Mark | None]:
    """One page of products on sale, and the mark to go on from (None at the end).

    ``category`` includes the categories below it. ``q`` finds products that have all its words; a
    ``q`` without a letter or digit finds nothing. Refuses an unknown category (Invalid).
    """
    facts: dict[str, Any] = {"limit": limit + 1}
    if category is not None:
        facts["family"] = _family(session, category)
    if q is not None:
        facts |= {"terms": query_terms(q), "look_ahead": look_ahead}
        if not facts["terms"]:
            return [], None
    if after is not None:
        facts["value"] = _EPOCH + timedelta(microseconds=after.value) if sort is Sort.NEWEST else after.value
        facts["after"] = after.code
    family = facts.get("family", ())
    if len(family) == 1:
        facts["family"] = family[0]
    asked = statement(sort, categories=min(len(family), 2), by_words=q is not None, goes_on=after is not None)
    rows = session.execute(asked, facts).all()
    mark = _mark(rows[limit - 1], sort) if len(rows) > limit else None
    return [_card(row) for row in rows[:limit]], mark


def list_categories(session: Session | Connection) -> list[Shelf]:
    """All categories in the order of their position."""
    return [Shelf(*row) for row in session.execute(_SHELVES)]


def _family(session: Session | Connection, code: str) -> list[int]:
    ids = list(session.execute(_FAMILY, {"code": code}).scalars())
    if not ids:
        raise Invalid("There is no such category.", fields={"category": "unknown"})
    return ids


def _mark(row: Any, sort: Sort) -> Mark:
    value = (row.listed_at - _EPOCH) // timedelta(microseconds=1) if sort is Sort.NEWEST else row.from_fen
    return Mark(value, row.code)


def _card(row: Any) -> Card:
    list_fen = max(row.list_fen or row.from_fen, row.from_fen)
    shown = badges(
        handling=row.handling,
        exemption=Exemption(row.exemption),
        min_age=row.min_age,
        price_fen=row.from_fen,
        list_fen=list_fen,
    )
    return Card(row.code, row.name, row.name_en, row.category, row.from_fen, list_fen, shown)
