"""On hand and reserved per SKU and location, the movements behind them, reservations of orders."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class LocationKind(StrEnum):
    STORE = "STORE"  # the sales floor of a store
    WAREHOUSE = "WAREHOUSE"  # a distribution centre


class MovementKind(StrEnum):
    RECEIPT = "RECEIPT"  # goods came in
    SALE = "SALE"  # goods were handed over; on hand and reserved fall together
    RETURN_GOOD = "RETURN_GOOD"  # came back, sellable
    RETURN_BAD = "RETURN_BAD"  # came back, written apart
    TRANSFER_OUT = "TRANSFER_OUT"  # left for another location
    TRANSFER_IN = "TRANSFER_IN"  # arrived from another location
    COUNT_ADJ = "COUNT_ADJ"  # difference found by a stock-take
    RESERVE = "RESERVE"  # promised to an order
    RELEASE = "RELEASE"  # promise given back by a cancel or refund
    EXPIRE = "EXPIRE"  # promise given back by time-out


class ReservationState(StrEnum):
    ACTIVE = "ACTIVE"  # counts in reserved
    CONSUMED = "CONSUMED"  # handed over or shipped
    RELEASED = "RELEASED"  # given back by cancel or refund
    EXPIRED = "EXPIRED"  # given back because nobody paid in time


class StockLocation(Base):
    """库存点: where goods lie. A store has one of the same code; a warehouse belongs to no store."""

    __tablename__ = "stock_location"

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[LocationKind] = mapped_column(choice(LocationKind))
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"), unique=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("legal_entity.id"))
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    daily_capacity: Mapped[int | None]


class Stock(Base):
    """STK-1: available-to-promise = on_hand - reserved - safety. Changed only together with a movement."""

    __tablename__ = "stock"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0 and reserved <= on_hand", name="reserved"),
        CheckConstraint("safety >= 0", name="safety"),
        Index("ix_stock_location", "location_id", "sku_id"),
    )

    sku_id: Mapped[int] = mapped_column(ForeignKey("sku.id"), primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("stock_location.id"), primary_key=True)
    on_hand: Mapped[int]
    reserved: Mapped[int]
    safety: Mapped[int]
    incoming: Mapped[int]


class StockMovement(Base):
    """STK-7: the only reason a number of ``stock`` changes. Append-only; a cause moves a SKU once."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        UniqueConstraint("kind", "ref", "sku_id", "location_id"),
        Index("ix_stock_movement_sku", "sku_id", "location_id"),
        CheckConstraint("on_hand_delta <> 0 or reserved_delta <> 0", name="moves"),
    )

    id: Mapped[RowId]
    moved_at: Mapped[RecordedAt]
    sku_id: Mapped[int]
    location_id: Mapped[int]
    kind: Mapped[MovementKind] = mapped_column(choice(MovementKind))
    on_hand_delta: Mapped[int]
    reserved_delta: Mapped[int]
    ref: Mapped[str]
    actor: Mapped[str]


class Reservation(Base):
    """STK-2: goods promised to one order line. ``expires_at`` NULL = paid, held until handed over."""

    __tablename__ = "reservation"
    __table_args__ = (
        CheckConstraint("qty > 0", name="qty"),
        Index(
            "uq_reservation_active_line", "order_line_id", unique=True, postgresql_where="state = 'ACTIVE'"
        ),
    )

    id: Mapped[RowId]
    order_id: Mapped[int] = mapped_column(index=True)
    order_line_id: Mapped[int]
    sku_id: Mapped[int]
    location_id: Mapped[int]
    qty: Mapped[int]
    state: Mapped[ReservationState] = mapped_column(choice(ReservationState))
    expires_at: Mapped[datetime | None]
    created_at: Mapped[RecordedAt]
    settled_at: Mapped[datetime | None]
