"""The KPI book (KPI-1 to KPI-3): who is credited with which part of a sale. Beside commission, never summed with it."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class Scenario(StrEnum):
    ONLINE_DC = "ONLINE_DC"  # ordered online, shipped from a warehouse
    ONLINE_STORE = "ONLINE_STORE"  # ordered online, handed over by a store (pick-up or its own parcel)
    SHELF_DC = "SHELF_DC"  # cloud shelf: ordered in a store, shipped from a warehouse
    SHELF_STORE = "SHELF_STORE"  # cloud shelf: ordered in a store, handed over by a store
    POS = "POS"  # sold at the till


class KpiRole(StrEnum):
    ONLINE = "ONLINE"  # the online shop; takes the weight of whoever is missing
    SELL_STORE = "SELL_STORE"  # the store that sold
    ACQ_STORE = "ACQ_STORE"  # the store that brought the customer
    FULFIL_STORE = "FULFIL_STORE"  # the store that handed the goods over


class KpiWeight(Base):
    """KPI-1: the weights of one scenario from a moment on, until a later row of it begins; append-only."""

    __tablename__ = "kpi_weight"
    __table_args__ = (
        UniqueConstraint("scenario", "effective_from"),
        CheckConstraint("online_bp + sell_bp + acq_bp + fulfil_bp = 10000", name="whole"),
        CheckConstraint("least(online_bp, sell_bp, acq_bp, fulfil_bp) >= 0", name="positive"),
    )

    id: Mapped[RowId]
    scenario: Mapped[Scenario] = mapped_column(choice(Scenario))
    effective_from: Mapped[datetime]
    online_bp: Mapped[int]
    sell_bp: Mapped[int]
    acq_bp: Mapped[int]
    fulfil_bp: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[RecordedAt]


class KpiSale(Base):
    """A paid order line as the book took it in, once; append-only."""

    __tablename__ = "kpi_sale"
    __table_args__ = (Index("ix_kpi_sale_booked", "booked_at"),)

    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    order_id: Mapped[int]
    scenario: Mapped[Scenario] = mapped_column(choice(Scenario))
    weight_id: Mapped[int] = mapped_column(ForeignKey("kpi_weight.id"))
    day: Mapped[date]
    amount_fen: Mapped[int]
    # What was taken in lately is what a detector asks for (FRD-1): off the paying path.
    booked_at: Mapped[RecordedAt]


class KpiReturn(Base):
    """What one refund took from one booked line, once; append-only."""

    __tablename__ = "kpi_return"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"),)

    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(
        ForeignKey("kpi_sale.order_line_id"), primary_key=True, index=True
    )
    day: Mapped[date]
    amount_fen: Mapped[int]


class KpiCredit(Base):
    """KPI-1: a role's part of a line's net amount; negative with a refund. Store NULL = the online shop."""

    __tablename__ = "kpi_credit"
    __table_args__ = (
        Index(
            "uq_kpi_credit_sale", "order_line_id", "role", unique=True, postgresql_where="refund_id is null"
        ),
        Index(
            "uq_kpi_credit_return",
            "order_line_id",
            "refund_id",
            "role",
            unique=True,
            postgresql_where="refund_id is not null",
        ),
        Index("ix_kpi_credit_store", "store_id", "day", postgresql_include=["amount_fen"]),
        CheckConstraint("(refund_id is null and amount_fen >= 0) or amount_fen <= 0", name="sign"),
        CheckConstraint("(role = 'ONLINE') = (store_id is null)", name="party"),
    )

    id: Mapped[RowId]
    order_line_id: Mapped[int] = mapped_column(ForeignKey("kpi_sale.order_line_id"))
    refund_id: Mapped[int | None]
    role: Mapped[KpiRole] = mapped_column(choice(KpiRole))
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))
    day: Mapped[date]
    amount_fen: Mapped[int]


class KpiClerkCredit(Base):
    """KPI-3: the net amount of a line for whoever sold it, as another view of the same money. ``qty`` is units."""

    __tablename__ = "kpi_clerk_credit"
    __table_args__ = (
        Index(
            "uq_kpi_clerk_credit_sale",
            "order_line_id",
            "clerk_id",
            unique=True,
            postgresql_where="refund_id is null",
        ),
        Index(
            "uq_kpi_clerk_credit_return",
            "order_line_id",
            "refund_id",
            "clerk_id",
            unique=True,
            postgresql_where="refund_id is not null",
        ),
        Index(
            "ix_kpi_clerk_credit_clerk",
            "clerk_id",
            "day",
            postgresql_include=["amount_fen", "qty", "order_id", "member_id"],
        ),
        Index("ix_kpi_clerk_credit_back", "day", "clerk_id", postgresql_where="refund_id is not null"),
        CheckConstraint(
            "(refund_id is null and amount_fen >= 0 and qty > 0) or (amount_fen <= 0 and qty <= 0)",
            name="sign",
        ),
    )

    id: Mapped[RowId]
    order_line_id: Mapped[int] = mapped_column(ForeignKey("kpi_sale.order_line_id"))
    refund_id: Mapped[int | None]
    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerk.id"))
    order_id: Mapped[int]
    member_id: Mapped[int]
    day: Mapped[date]
    amount_fen: Mapped[int]
    qty: Mapped[int]


class KpiFollow(Base):
    """Whether an acquired member still followed N days later, measured on that day and kept (KPI-3, BND-11)."""

    __tablename__ = "kpi_follow"
    __table_args__ = (CheckConstraint("days in (7, 30)", name="days"),)

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    kept: Mapped[bool]
    measured_at: Mapped[datetime]
