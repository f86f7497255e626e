"""Bringing categories, products, SKUs and prices to what a brand's files say, by business code."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from app.base.clock import start_of_day
from app.base.freshness import CATALOG, touch
from app.base.upsert import Changes, Tally, ids_by_code, upsert
from app.catalog.rows import CategoryRow, ProductRow, SkuRow
from app.catalog.search import terms
from models.catalog import Category, PriceChange, Product, Sku

# The lowest price that is sold; of a product that sells nothing, the lowest of all.
_FROM_FEN = text(
    "update product p set from_fen = m.fen, updated_at = :now from ("
    "  select product_id, coalesce(min(price_fen) filter (where status = 'ON'), min(price_fen)) as fen"
    "  from sku group by product_id) m"
    " where p.id = m.product_id and p.from_fen <> m.fen returning p.code"
)


def load(
    session: Session,
    categories: Sequence[CategoryRow],
    products: Sequence[ProductRow],
    skus: Sequence[SkuRow],
    *,
    now: datetime,
) -> dict[str, Tally]:
    """Make or change what differs; goods that are not named stay as they are. Answers the counts by kind.

    The rows must refer to each other only. Every new or changed price is kept in ``price_change`` (PRC-1).
    Tells every process when anything changed.
    """
    shelves = upsert(
        session,
        Category,
        [
            {"code": row.code, "name": row.name, "name_en": row.name_en, "position": position}
            for position, row in enumerate(categories, start=1)
        ],
    )
    goods = _products(session, products, now)
    variants = _skus(session, skus, now)
    goods.note(session.execute(_FROM_FEN, {"now": now}).scalars().all())
    if any(one.new or one.changed for one in (shelves, goods, variants)):
        touch(session, CATALOG)
    return {
        "categories": shelves.tally(len(categories)),
        "products": goods.tally(len(products)),
        "skus": variants.tally(len(skus)),
    }


def _products(session: Session, products: Sequence[ProductRow], now: datetime) -> Changes:
    category_ids = ids_by_code(session, Category)
    known = session.execute(select(Product.code, Product.listed_at))
    listed_at: dict[str, datetime] = {row.code: row.listed_at for row in known}
    values: list[dict[str, Any]] = [
        {
            "code": row.code,
            "category_id": category_ids[row.category],
            "name": row.name,
            "name_en": row.name_en,
            "description": row.description,
            "handling": list(row.handling),
            "min_age": row.min_age,
            "exemption": row.exemption,
            "status": row.status,
            "from_fen": 0,
            "search_terms": terms(f"{row.name} {row.name_en} {row.code}"),
            "listed_at": start_of_day(row.listed_on) if row.listed_on else listed_at.get(row.code, now),
        }
        for row in products
    ]
    return upsert(session, Product, values, on_change={"updated_at": now}, keep={"from_fen"})


def _skus(session: Session, skus: Sequence[SkuRow], now: datetime) -> Changes:
    product_ids = ids_by_code(session, Product)
    before = {
        code: (price, list_price)
        for code, price, list_price in session.execute(select(Sku.code, Sku.price_fen, Sku.list_fen))
    }
    place: Counter[str] = Counter()
    values = []
    for row in skus:
        place[row.product] += 1
        values.append(
            {
                "code": row.code,
                "product_id": product_ids[row.product],
                "spec": row.spec,
                "price_fen": row.price_fen,
                "list_fen": row.list_fen,
                "status": row.status,
                "position": place[row.product],
            }
        )
    changes = upsert(session, Sku, values)
    sku_ids = ids_by_code(session, Sku)
    prices = [
        {"sku_id": sku_ids[row.code], "price_fen": row.price_fen, "list_fen": row.list_fen}
        | {"changed_at": now, "actor": "import"}
        for row in skus
        if before.get(row.code) != (row.price_fen, row.list_fen)
    ]
    if prices:
        session.execute(insert(PriceChange), prices)
    return changes
