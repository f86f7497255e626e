"""What an import hands to this room: plain values, already checked for form, named by business codes."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """One shelf. ``pool_bp`` is not kept with it: it belongs to the attribution policy (SPL-3)."""

    code: str
    name: str
    name_en: str
    pool_bp: int


@dataclass(frozen=True, slots=True)
class ProductRow:
    """One product (SPU). ``handling`` holds flags such as ``fragile`` or ``presale_days:15``."""

    code: str
    category: str
    name: str
    name_en: str
    description: str
    handling: tuple[str, ...]
    exemption: str
    min_age: int | None
    listed_on: date | None
    status: str


@dataclass(frozen=True, slots=True)
class SkuRow:
    """One sellable variant; prices in fen, ``list_fen`` never below ``price_fen``."""

    code: str
    product: str
    spec: str
    price_fen: int
    list_fen: int
    status: str
