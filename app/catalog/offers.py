"""What an order needs to know of its SKUs: names and prices as they stand here, never from the client."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, text
from sqlalchemy.orm import Session

from models.catalog import Exemption

_OFFERS = text(
    "select k.id as sku_id, k.code as sku_code, p.code as product_code, p.name, p.name_en, k.spec,"
    " c.code as category_code, k.price_fen, k.list_fen, p.exemption, p.min_age, p.handling,"
    " k.status = 'ON' and p.status = 'ON' as on_sale"
    " from sku k join product p on p.id = k.product_id join category c on c.id = p.category_id"
    # Through a sub-select, so that the plan does not depend on how many codes there are and is made once.
    " where k.code = any(array(select unnest(cast(:codes as text[]))))"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """One SKU as it may be ordered now. ``on_sale``: both the SKU and its product are on."""

    sku_id: int
    sku_code: str
    product_code: str
    name: str
    name_en: str
    spec: str
    category_code: str
    price_fen: int
    list_fen: int
    exemption: Exemption
    min_age: int | None
    handling: tuple[str, ...]
    on_sale: bool


def offers(session: Session | Connection, sku_codes: Collection[str]) -> dict[str, Offer]:
    """The offers of these SKU codes by code, on sale or not; unknown codes are missing. One query."""
    if not sku_codes:
        return {}
    rows = session.execute(_OFFERS, {"codes": sorted(set(sku_codes))})
    return {row.sku_code: _offer(row._mapping) for row in rows}


def _offer(row: RowMapping) -> Offer:
    return Offer(**{**row, "exemption": Exemption(row["exemption"]), "handling": tuple(row["handling"])})
