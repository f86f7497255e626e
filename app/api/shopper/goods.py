"""What a shopper's phone asks about goods: shelves, lists, one product with what every store has of it."""

import base64
import binascii
from typing import Annotated, Any

import orjson
from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field
from sqlalchemy import Connection

from app.api.errors import problems
from app.api.guard import parts
from app.api.schema import ApiModel, Code, Fen, PageQuery, Text, answer, language
from app.api.shelf import ALONE_S, keep
from app.base.errors import Invalid
from app.base.freshness import CATALOG, STORES
from app.catalog.badges import return_words
from app.catalog.detail import Product, Variant, get_product
from app.catalog.finding import Sort
from app.catalog.listing import Mark, list_categories, list_products
from app.stock.availability import MAX_LOCATIONS, Availability, Level, availability
from app.stores.directory import StoreLabel, labels, labels_of_city
from models.catalog import Exemption

bp = APIBlueprint(
    "goods",
    __name__,
    url_prefix="/api/shopper",
    abp_tags=[Tag(name="Shopper: goods", description="Shelves, lists, one product")],
)

KEEP_S = 30.0


class ProductsQuery(PageQuery):
    """Which products, in which order."""

    category: Annotated[Code | None, Field(default=None)]
    q: Annotated[Text | None, Field(default=None, min_length=1, max_length=64, description="such as 衬衫")]
    sort: Annotated[Sort, Field(default=Sort.NEWEST)]


class ProductPath(ApiModel):
    """Which product."""

    code: Code


class ProductQuery(ApiModel):
    """Which stores to show: one, or those of a city; else the first hundred that carry the product."""

    city: Annotated[Text | None, Field(default=None, min_length=1, max_length=32)]
    store: Annotated[Code | None, Field(default=None)]


class CategoryOut(ApiModel):
    """One shelf."""

    code: str
    name: str
    parent: str | None


class CategoriesOut(ApiModel):
    """All shelves in their order."""

    items: list[CategoryOut]


class CardOut(ApiModel):
    """One product in a list."""

    code: Annotated[str, Field(examples=["AP-1002"])]
    name: str
    category: str
    from_fen: Fen
    list_fen: Annotated[int, Field(description="Undiscounted price in fen", examples=[39900])]
    badges: Annotated[list[str], Field(examples=[["SALE"]])]


class ProductsOut(ApiModel):
    """One page of products."""

    items: list[CardOut]
    next: str | None


class ReturnsOut(ApiModel):
    """Whether the goods may come back without a reason, and the sentence the page must show."""

    exemption: Exemption
    text: str


class SkuOut(ApiModel):
    """One variant. ``availability`` is by store code; ``warehouse`` is what can be shipped to you."""

    code: str
    spec: str
    price_fen: Fen
    list_fen: Fen
    availability: dict[str, Level]
    warehouse: Level


class CarrierOut(ApiModel):
    """A store named in ``availability``; ``pickup``: whether an order may be collected there."""

    code: str
    name: str
    city: str | None
    status: str
    pickup: bool


class ProductOut(CardOut):
    """One product with its variants and where they are."""

    description: str
    handling: list[str]
    min_age: int | None
    returns: ReturnsOut
    skus: list[SkuOut]
    stores: list[CarrierOut]


@bp.get("/categories", responses={"200": CategoriesOut})
def categories() -> Response:
    """The shelves of the shop."""
    keep(CATALOG, for_s=KEEP_S)
    with parts().read() as connection:
        shelves = list_categories(connection)
    spoken = language()
    return answer(
        {
            "items": [
                {"code": one.code, "name": _say(one.name, one.name_en, spoken), "parent": one.parent}
                for one in shelves
            ]
        }
    )


@bp.get("/products", responses={"200": ProductsOut, **problems(422)})
def products(query: ProductsQuery) -> Response:
    """Products on sale, page by page; ``q`` searches names in Chinese and English."""
    keep(CATALOG, for_s=KEEP_S)
    after = read_cursor(query.cursor, query.sort) if query.cursor is not None else None
    with parts().read() as connection:
        cards, mark = list_products(
            connection, category=query.category, q=query.q, sort=query.sort, after=after, limit=query.limit
        )
    spoken = language()
    items = [
        {
            "code": card.code,
            "name": _say(card.name, card.name_en, spoken),
            "category": card.category,
            "from_fen": card.from_fen,
            "list_fen": card.list_fen,
            "badges": card.badges,
        }
        for card in cards
    ]
    return answer({"items": items, "next": write_cursor(query.sort, mark) if mark else None})


@bp.get("/products/<code>", responses={"200": ProductOut, **problems(404, 422)})
def product(path: ProductPath, query: ProductQuery) -> Response:
    """One product: variants, prices, and per store IN_STOCK, LOW or NONE (STK-9)."""
    # Orders change stock all the time and tell nobody: remembered for less than a second.
    keep(CATALOG, STORES, for_s=ALONE_S)
    with parts().read() as connection:
        found = get_product(connection, path.code)
        carriers, levels = _where(connection, found, query)
    spoken = language()
    return answer(
        {
            **_page(found, spoken),
            "skus": _skus(found.variants, carriers, levels),
            "stores": _carriers(carriers, spoken),
        }
    )


def write_cursor(sort: Sort, mark: Mark) -> str:
    """Where the next page begins, as an opaque word. Holds nothing that the page did not show."""
    return base64.urlsafe_b64encode(orjson.dumps([sort, mark.value, mark.code])).decode().rstrip("=")


def read_cursor(cursor: str, sort: Sort) -> Mark:
    """The mark in a cursor that ``write_cursor`` made for the same order. Refuses any other (Invalid)."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        made_for, value, code = orjson.loads(raw)
    except (binascii.Error, ValueError, TypeError):
        raise _bad_cursor() from None
    if made_for != sort or type(value) is not int or not 0 <= value < 1 << 52 or type(code) is not str:
        raise _bad_cursor()
    if not code or len(code) > 32 or "\x00" in code:
        raise _bad_cursor()
    return Mark(value, code)


def _bad_cursor() -> Invalid:
    return Invalid(
        "Pass `next` of the last page, with the same sort.", fields={"cursor": "not a cursor of this list"}
    )


def _where(
    connection: Connection, found: Product, query: ProductQuery
) -> tuple[list[StoreLabel], Availability]:
    skus = [variant.id for variant in found.variants]
    if query.store is None and query.city is None:
        levels = availability(connection, skus)
        return labels(connection, levels.stores), levels
    carriers = labels(connection, [query.store]) if query.store else []
    if query.city is not None and query.store is None:
        carriers = labels_of_city(connection, query.city, limit=MAX_LOCATIONS)
    return carriers, availability(connection, skus, store_ids=[store.id for store in carriers])


def _page(found: Product, spoken: str) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": _say(found.name, found.name_en, spoken),
        "category": found.category,
        "from_fen": found.from_fen,
        "list_fen": found.list_fen,
        "badges": found.badges,
        "description": found.description,
        "handling": found.handling,
        "min_age": found.min_age,
        "returns": {"exemption": found.exemption, "text": return_words(found.exemption, spoken)},
    }


def _skus(variants: list[Variant], carriers: list[StoreLabel], levels: Availability) -> list[dict[str, Any]]:
    return [
        {
            "code": variant.code,
            "spec": variant.spec,
            "price_fen": variant.price_fen,
            "list_fen": variant.list_fen,
            "availability": {
                store.code: levels.stores.get(store.code, {}).get(variant.id, Level.NONE)
                for store in carriers
            },
            "warehouse": levels.warehouse.get(variant.id, Level.NONE),
        }
        for variant in variants
    ]


def _carriers(carriers: list[StoreLabel], spoken: str) -> list[dict[str, Any]]:
    return [
        {
            "code": store.code,
            "name": _say(store.name, store.name_en, spoken),
            "city": store.city,
            "status": store.status,
            "pickup": store.takes_pickups,
        }
        for store in carriers
    ]


def _say(zh: str, en: str, spoken: str) -> str:
    return (en or zh) if spoken == "en" else zh
