"""One product with its SKUs, as everybody may see it."""

from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.catalog.badges import badges
from models.catalog import Exemption

_PRODUCT = text(
    "select p.code, p.name, p.name_en, p.description, p.handling, p.exemption, p.min_age, p.from_fen,"
    " c.code as category, k.id as sku_id, k.code as sku_code, k.spec, k.price_fen, k.list_fen"
    " from product p join category c on c.id = p.category_id"
    " left join sku k on k.product_id = p.id and k.status = 'ON'"
    " where p.code = :code and p.status = 'ON' order by k.position, k.id"
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One SKU on sale. ``id`` is for the rooms; nobody outside sees it."""

    id: int
    code: str
    spec: str
    price_fen: int
    list_fen: int


@dataclass(frozen=True, slots=True)
class Product:
    """A product page without its availability, which is the room ``stock``'s."""

    code: str
    name: str
    name_en: str
    description: str
    category: str
    handling: list[str]
    exemption: Exemption
    min_age: int | None
    from_fen: int
    list_fen: int
    badges: list[str]
    variants: list[Variant]


def get_product(session: Session | Connection, code: str) -> Product:
    """The product of a code with its SKUs on sale, in their order. One query.

    Raises NotFound for unknown products and for those off sale.
    """
    rows = session.execute(_PRODUCT, {"code": code}).all()
    if not rows:
        raise NotFound("NOT_FOUND", f"no product {code}")
    first = rows[0]
    variants = [
        Variant(row.sku_id, row.sku_code, row.spec, row.price_fen, row.list_fen)
        for row in rows
        if row.sku_id is not None
    ]
    cheapest = min(variants, key=lambda variant: (variant.price_fen, variant.id), default=None)
    list_fen = max(cheapest.list_fen if cheapest else 0, first.from_fen)
    exemption = Exemption(first.exemption)
    shown = badges(
        handling=first.handling,
        exemption=exemption,
        min_age=first.min_age,
        price_fen=first.from_fen,
        list_fen=list_fen,
    )
    return Product(
        code=first.code,
        name=first.name,
        name_en=first.name_en,
        description=first.description,
        category=first.category,
        handling=list(first.handling),
        exemption=exemption,
        min_age=first.min_age,
        from_fen=first.from_fen,
        list_fen=list_fen,
        badges=shown,
        variants=variants,
    )
