"""Orders, their lines, every change of state, pick-up codes, and the answers to idempotent requests."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class OrderState(StrEnum):
    CREATED = "CREATED"  # waits for money, stock is held
    PAID = "PAID"  # money is here
    ALLOCATED = "ALLOCATED"  # goods are assigned to a place that will hand them over
    FULFILLING = "FULFILLING"  # being picked, packed or carried
    COMPLETED = "COMPLETED"  # handed over; the after-sale window runs
    CLOSED = "CLOSED"  # after-sale window is over
    CANCELLED = "CANCELLED"  # nothing will be handed over; money, if any, goes back


class OrderOrigin(StrEnum):
    ONLINE = "ONLINE"  # made in the mini-program or the official account
    STORE = "STORE"  # made with a clerk in a store (cloud shelf, assisted order)
    POS = "POS"  # reported by a till


class FulfilmentType(StrEnum):
    PICKUP = "PICKUP"  # 门店自提
    EXPRESS = "EXPRESS"  # carrier
    STORE_DELIVERY = "STORE_DELIVERY"  # the store's own people carry it
    CARRY_OUT = "CARRY_OUT"  # taken along at the till


class FulfilmentState(StrEnum):
    WAITING = "WAITING"  # not paid yet
    READY = "READY"  # pick-up: the goods wait in the store
    PICKED_UP = "PICKED_UP"  # handed over, at the counter or the till
    STOPPED = "STOPPED"  # cancelled before hand-over


class Order(Base):
    """One purchase. Origin, selling entity and place of hand-over are separate facts (STK-6)."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("amount_fen = goods_fen - discount_fen + freight_fen", name="amount"),
        CheckConstraint("amount_fen > 0", name="positive"),
        CheckConstraint("refunded_fen between 0 and paid_fen", name="refunded"),
        CheckConstraint(
            "origin = 'POS' or (member_id is not null and identity_id is not null)", name="buyer"
        ),
        Index("ix_orders_member", "member_id", "id"),
        Index("ix_orders_pickup_store", "pickup_store_id", "id"),
        # Where a period begins and ends among millions of orders, for nearly nothing per order.
        Index("ix_orders_created", "created_at", postgresql_using="brin"),
        Index("ix_orders_unpaid", "expires_at", postgresql_where="state = 'CREATED'"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    # NULL when a till sold to somebody who did not say who it was.
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    # The app in which the order was made; a till has none.
    identity_id: Mapped[int | None] = mapped_column(ForeignKey("identity.id"))
    state: Mapped[OrderState] = mapped_column(choice(OrderState))
    version: Mapped[int]
    origin: Mapped[OrderOrigin] = mapped_column(choice(OrderOrigin))
    selling_entity_id: Mapped[int] = mapped_column(ForeignKey("legal_entity.id"))
    selling_store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))
    fulfilment: Mapped[FulfilmentType] = mapped_column(choice(FulfilmentType))
    fulfilment_state: Mapped[FulfilmentState] = mapped_column(choice(FulfilmentState))
    pickup_store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))
    location_id: Mapped[int] = mapped_column(ForeignKey("stock_location.id"))
    goods_fen: Mapped[int]
    discount_fen: Mapped[int]
    freight_fen: Mapped[int]
    amount_fen: Mapped[int]
    paid_fen: Mapped[int]
    refunded_fen: Mapped[int]
    note: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]


class OrderLine(Base):
    """What was sold, at the words, price and rules of that moment; later edits never change it (POL-2)."""

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "line_no"),
        CheckConstraint("qty > 0", name="qty"),
        CheckConstraint("amount_fen = qty * unit_price_fen - discount_fen", name="amount"),
        CheckConstraint("discount_fen >= 0 and amount_fen >= 0", name="discount"),
        CheckConstraint("refunded_fen between 0 and amount_fen", name="refunded"),
        CheckConstraint("refunded_qty between 0 and qty", name="refunded_qty"),
    )

    id: Mapped[RowId]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    line_no: Mapped[int]
    sku_id: Mapped[int] = mapped_column(ForeignKey("sku.id"))
    sku_code: Mapped[str]
    name: Mapped[str]
    spec: Mapped[str]
    category_code: Mapped[str]
    exemption: Mapped[str]
    min_age: Mapped[int | None]
    qty: Mapped[int]
    unit_price_fen: Mapped[int]
    unit_list_fen: Mapped[int]
    discount_fen: Mapped[int]
    amount_fen: Mapped[int]
    refunded_fen: Mapped[int]
    refunded_qty: Mapped[int]
    # SPL-1: what commission is computed from; equals amount_fen until gift balances exist.
    base_fen: Mapped[int]
    pool_bp: Mapped[int]
    # POL-2: policy version, parties, weights, evidence, frozen when the order is placed.
    credit_snapshot: Mapped[dict[str, Any]]


class SharedSale(Base):
    """SPL-6: several clerks served; how they divide what the sale brings the selling clerk. Once per order."""

    __tablename__ = "shared_sale"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    # [{"clerk": code, "name": name, "part_bp": 6000}, ...] that make 10000.
    parts: Mapped[list[Any]]
    declared_by: Mapped[str]
    declared_at: Mapped[datetime]


class OrderEvent(Base):
    """Every transition of an order with who and when; append-only (I08, I09)."""

    __tablename__ = "order_event"
    __table_args__ = (UniqueConstraint("order_id", "version"),)

    id: Mapped[RowId]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    version: Mapped[int]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    fulfilment_state: Mapped[str]
    at: Mapped[RecordedAt]
    actor: Mapped[str]
    reason: Mapped[str]


class PickupCode(Base):
    """PCK-1: the code is kept as a keyed hash; it is derived again, not read, when its owner asks."""

    __tablename__ = "pickup_code"
    __table_args__ = (
        Index(
            "uq_pickup_code_active",
            "store_id",
            "code_hash",
            unique=True,
            postgresql_where="used_at is null and void_at is null",
        ),
        Index("ix_pickup_code_used", "used_by_clerk_id", "used_at", postgresql_where="used_at is not null"),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    draw: Mapped[int]
    code_hash: Mapped[str]
    created_at: Mapped[RecordedAt]
    used_at: Mapped[datetime | None]
    used_by_clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"))
    void_at: Mapped[datetime | None]


class PickupAttempt(Base):
    """Wrong tries of a clerk; five within fifteen minutes lock the clerk out (PCK-1)."""

    __tablename__ = "pickup_attempt"
    __table_args__ = (Index("ix_pickup_attempt_clerk", "clerk_id", "at"),)

    id: Mapped[RowId]
    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerk.id"))
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    reason: Mapped[str]
    at: Mapped[RecordedAt]


class IdempotentAnswer(Base):
    """The stored answer to one Idempotency-Key of one caller, written in the transaction it answers for."""

    __tablename__ = "idempotent_answer"

    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str]
    input_hash: Mapped[str]
    status: Mapped[int]
    body: Mapped[bytes]
    created_at: Mapped[RecordedAt] = mapped_column(index=True)
