"""Lists of goods: by category, by words, in three orders, page by page on an index."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.orm import Session

from app.base.errors import Invalid
from app.catalog.marks import badges
from app.catalog.search import query_terms
from models.catalog import Exemption


class Sort(StrEnum):
    NEWEST = "newest"  # listed last first
    PRICE_ASC = "price_asc"  # cheapest first
    PRICE_DESC = "price_desc"  # dearest first


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


_ORDER = {
    Sort.NEWEST: ("p.listed_at desc, p.id desc", "(p.listed_at, p.id) < (:value,"),
    Sort.PRICE_ASC: ("p.from_fen, p.id", "(p.from_fen, p.id) > (:value,"),
    Sort.PRICE_DESC: ("p.from_fen desc, p.id desc", "(p.from_fen, p.id) < (:value,"),
}
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
) -> tuple[list[Card], Mark | None]:
    """One page of products on sale, and the mark to go on from (None at the end).

    ``category`` includes the categories below it. ``q`` finds products that have all its words; a
    ``q`` without a letter or digit finds nothing. Refuses an unknown category (Invalid).
    """
    facts: dict[str, Any] = {"limit": limit + 1}
    if category is not None:
        facts["family"] = _family(session, category)
    if q is not None:
        facts["terms"] = query_terms(q)
        if not facts["terms"]:
            return [], None
    if after is not None:
        facts["value"] = _EPOCH + timedelta(microseconds=after.value) if sort is Sort.NEWEST else after.value
        facts["after"] = after.code
    rows = session.execute(
        _statement(sort, _by_category(facts), q is not None, after is not None), facts
    ).all()
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


def _by_category(facts: dict[str, Any]) -> str:
    # One category is compared with =, so that its index also gives the order; several cannot be.
    family = facts.get("family")
    if family is None:
        return ""
    if len(family) > 1:
        return "p.category_id = any(:family)"
    facts["family"] = family[0]
    return "p.category_id = :family"


@lru_cache(maxsize=64)
def _statement(sort: Sort, by_category: str, by_words: bool, goes_on: bool) -> TextClause:
    order, beyond = _ORDER[sort]
    wanted = ["p.status = 'ON'"]
    if by_category:
        wanted.append(by_category)
    if by_words:
        wanted.append("p.search_terms @> cast(:terms as text[])")
    if goes_on:
        wanted.append(f"{beyond} (select id from product where code = :after))")
    return text(
        "select p.*, c.code as category, s.list_fen"
        " from (select p.id, p.code, p.name, p.name_en, p.category_id, p.from_fen,"
        " p.handling, p.exemption, p.min_age, p.listed_at"
        f" from product p where {' and '.join(wanted)} order by {order} limit :limit) p"
        " join category c on c.id = p.category_id"
        " left join lateral (select k.list_fen from sku k where k.product_id = p.id and k.status = 'ON'"
        f" order by k.price_fen, k.id limit 1) s on true order by {order}"
    )


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
