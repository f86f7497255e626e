"""Builders: stores, goods and stock as rows, with the demo brand's numbers as defaults (DOMAIN F)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.catalog.search import terms

LISTED_AT = datetime(2026, 1, 5, tzinfo=UTC)
# code, name, entity, city, lat, lng, services
STORES: tuple[tuple[str, str, str, str, float, float, list[str]], ...] = (
    ("SZ-FT", "福田购物公园店", "E-HQ", "深圳", 22.5336, 114.0552, ["pickup", "fitting", "jewellery_clean"]),
    ("SZ-NS", "南山海岸店", "E-HQ", "深圳", 22.5172, 113.9353, ["pickup", "store_delivery"]),
    ("SZ-LH", "罗湖店", "E-HQ", "深圳", 22.5388, 114.1108, ["pickup"]),
    ("SZ-LHU", "龙华店", "E-GZ2", "深圳", 22.6560, 114.0250, ["pickup"]),
    ("GZ-PY", "番禺店", "E-GZ2", "广州", 22.9927, 113.3452, ["pickup", "store_delivery"]),
    ("WF-GX", "高新店", "E-WF1", "潍坊", 36.7086, 119.1829, ["showroom"]),
)
_ENTITY = text(
    "insert into legal_entity (code, name, kind) values (:code, :code,"
    " case when :code = 'E-HQ' then 'HQ' else 'FRANCHISEE' end) on conflict do nothing"
)
_STORE = text(
    "insert into store (code, entity_id, name, name_en, ownership, city, address, phone, lat, lng, services,"
    " status, is_default_landing) select :code, e.id, :name, :name_en, :ownership, :city, :address, :phone,"
    " :lat, :lng, :services, :status, false from legal_entity e where e.code = :entity returning id"
)
_HOURS = text(
    "insert into store_hours (store_id, weekday, opens, closes) values (:id, :weekday, :opens, :closes)"
)
_LOCATION = text(
    "insert into stock_location (code, name, kind, store_id, entity_id)"
    " select :code, :code, :kind, cast(:store as bigint), e.id from legal_entity e where e.code = :entity"
)
_CATEGORY = text(
    "insert into category (code, name, name_en, parent_id, position) values (:code, :name, :name_en,"
    " (select id from category where code = :parent), :position) on conflict do nothing"
)
_PRODUCT = text(
    "insert into product (code, category_id, name, name_en, description, handling, min_age, exemption,"
    " status, from_fen, search_terms, listed_at) select :code, c.id, :name, :name_en, :description,"
    " :handling, :min_age, :exemption, :status, :from_fen, :terms, :listed_at from category c"
    " where c.code = :category returning id"
)
_SKU = text(
    "insert into sku (code, product_id, spec, price_fen, list_fen, status, position)"
    " values (:code, :product, :spec, :price_fen, :list_fen, :status, :position)"
)
_STOCK = text(
    "insert into stock (sku_id, location_id, on_hand, reserved, safety, incoming)"
    " select k.id, l.id, :on_hand, :reserved, :safety, 0 from sku k, stock_location l"
    " where k.code = :sku and l.code = :location"
)


def a_store(session: Session, code: str = "SZ-FT", **given: Any) -> int:
    """One store with its stock location, open 10:00-22:00 every day unless ``hours`` says otherwise."""
    facts: dict[str, Any] = {
        "name": f"店 {code}",
        "name_en": f"Store {code}",
        "entity": "E-HQ",
        "city": "深圳",
        "address": "福华三路",
        "phone": "0755-00010001",
        "lat": 22.5336,
        "lng": 114.0552,
        "services": ["pickup"],
        "status": "OPEN",
        "hours": [(day, "10:00", "22:00") for day in range(1, 8)],
    } | given
    hours = facts.pop("hours")
    facts |= {"code": code, "ownership": "DIRECT" if facts["entity"] == "E-HQ" else "FRANCHISE"}
    session.execute(_ENTITY, {"code": facts["entity"]})
    store_id = int(session.execute(_STORE, facts).scalar_one())
    for weekday, opens, closes in hours:
        session.execute(_HOURS, {"id": store_id, "weekday": weekday, "opens": opens, "closes": closes})
    session.execute(_LOCATION, {"code": code, "kind": "STORE", "store": store_id, "entity": facts["entity"]})
    return store_id


def demo_stores(session: Session) -> None:
    """The stores of DOMAIN F that the distance check names, and WF-GX; SZ-LH is closing."""
    for code, name, entity, city, lat, lng, services in STORES:
        status = "CLOSING" if code == "SZ-LH" else "OPEN"
        a_store(
            session,
            code,
            name=name,
            entity=entity,
            city=city,
            lat=lat,
            lng=lng,
            services=services,
            status=status,
        )


def a_warehouse(session: Session, code: str = "DC-DG") -> None:
    """A warehouse of head office."""
    session.execute(_ENTITY, {"code": "E-HQ"})
    session.execute(_LOCATION, {"code": code, "kind": "WAREHOUSE", "store": None, "entity": "E-HQ"})


def a_category(
    session: Session, code: str = "apparel", *, parent: str | None = None, position: int = 1
) -> None:
    """One shelf; the same code again changes nothing."""
    facts = {
        "code": code,
        "name": f"架 {code}",
        "name_en": code.title(),
        "parent": parent,
        "position": position,
    }
    session.execute(_CATEGORY, facts)


def a_product(
    session: Session,
    code: str = "AP-1002",
    *,
    skus: Sequence[tuple[str, int, int]] | None = None,
    **given: Any,
) -> int:
    """One product and its shelf. ``skus`` are (suffix, price_fen, list_fen); one by default."""
    facts: dict[str, Any] = {
        "category": "apparel",
        "name": "真丝衬衫",
        "name_en": "Silk shirt",
        "description": "19 姆米桑蚕丝缎面",
        "handling": [],
        "min_age": None,
        "exemption": "NONE",
        "status": "ON",
        "listed_at": LISTED_AT,
    } | given
    variants = [("M", 29900, 39900)] if skus is None else skus
    facts |= {"code": code, "terms": terms(f"{code} {facts['name']} {facts['name_en']}")}
    facts.setdefault("from_fen", min((price for _, price, _ in variants), default=0))
    a_category(session, facts["category"])
    product_id = int(session.execute(_PRODUCT, facts).scalar_one())
    for position, (suffix, price_fen, list_fen) in enumerate(variants):
        sku = {"code": f"{code}-{suffix}", "product": product_id, "spec": suffix, "status": "ON"}
        session.execute(_SKU, {**sku, "price_fen": price_fen, "list_fen": list_fen, "position": position})
    return product_id


def some_stock(
    session: Session, sku: str, location: str, on_hand: int, *, safety: int = 0, reserved: int = 0
) -> None:
    """One stock row, without the movements behind it."""
    facts = {"sku": sku, "location": location, "on_hand": on_hand, "safety": safety, "reserved": reserved}
    session.execute(_STOCK, facts)
