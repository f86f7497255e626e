"""Goods: categories, products (SPU), SKUs with their prices."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class SaleStatus(StrEnum):
    ON = "ON"  # shown and sold
    OFF = "OFF"  # neither


class Exemption(StrEnum):
    NONE = "NONE"  # seven-day return applies
    STATUTORY = "STATUTORY"  # custom-made, perishable, ...: clear page mark needed
    BY_NATURE = "BY_NATURE"  # only with the buyer's own tick before payment (AFT-2)


class Category(Base):
    """A shelf. Pool rates are not here: they belong to versioned attribution policies."""

    __tablename__ = "category"

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_en: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    position: Mapped[int]


class Product(Base):
    """SPU. ``search_terms`` are single characters and bigrams (facts: two-character Chinese words)."""

    __tablename__ = "product"
    __table_args__ = (
        Index("ix_product_search", "search_terms", postgresql_using="gin"),
        Index("ix_product_newest", "listed_at", "id"),
        Index("ix_product_price", "from_fen", "id"),
        Index("ix_product_category_newest", "category_id", "listed_at", "id"),
        Index("ix_product_category_price", "category_id", "from_fen", "id"),
        CheckConstraint("from_fen >= 0", name="from_fen"),
    )

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"))
    name: Mapped[str]
    name_en: Mapped[str]
    description: Mapped[str]
    handling: Mapped[list[str]]
    min_age: Mapped[int | None]
    exemption: Mapped[Exemption] = mapped_column(choice(Exemption))
    status: Mapped[SaleStatus] = mapped_column(choice(SaleStatus))
    # Lowest SKU price, kept beside the product so that lists sort by an index; written with the prices only.
    from_fen: Mapped[int]
    search_terms: Mapped[list[str]]
    listed_at: Mapped[datetime]
    created_at: Mapped[RecordedAt]
    updated_at: Mapped[RecordedAt]


class Sku(Base):
    """One sellable variant. ``list_fen`` is the undiscounted price that SPL-8 measures against."""

    __tablename__ = "sku"
    __table_args__ = (
        CheckConstraint("price_fen > 0", name="price_fen"),
        CheckConstraint("list_fen >= price_fen", name="list_fen"),
    )

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    spec: Mapped[str]
    price_fen: Mapped[int]
    list_fen: Mapped[int]
    status: Mapped[SaleStatus] = mapped_column(choice(SaleStatus))
    position: Mapped[int]


class PriceChange(Base):
    """Every price a SKU ever had; append-only. Reference prices are computed from here (PRC-1)."""

    __tablename__ = "price_change"
    __table_args__ = (Index("ix_price_change_sku", "sku_id", "changed_at"),)

    id: Mapped[RowId]
    sku_id: Mapped[int] = mapped_column(ForeignKey("sku.id"))
    price_fen: Mapped[int]
    list_fen: Mapped[int]
    changed_at: Mapped[datetime]
    actor: Mapped[str]
