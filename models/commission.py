"""What each party earns on each order line, and every change of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, choice


class Role(StrEnum):
    ACQ_CLERK = "ACQ_CLERK"  # brought the customer
    ACQ_STORE = "ACQ_STORE"  # the store where the customer was brought
    SVC_CLERK = "SVC_CLERK"  # serves the customer
    SELL_CLERK = "SELL_CLERK"  # sold this order
    FULFIL_STORE = "FULFIL_STORE"  # handed the goods over
    HQ = "HQ"  # what nobody else earned (SPL-5)


class PartyKind(StrEnum):
    CLERK = "CLERK"  # a person
    STORE = "STORE"  # a store; money goes to its legal entity
    ENTITY = "ENTITY"  # a legal entity, head office among them


class ShareState(StrEnum):
    FROZEN = "FROZEN"  # earned but not yet certain (FRZ-1)
    RELEASABLE = "RELEASABLE"  # the after-sale window is over; may enter a settlement batch
    IN_BATCH = "IN_BATCH"  # part of a settlement under review
    SETTLED = "SETTLED"  # paid out
    HELD = "HELD"  # dispute or risk review
    REVERSED = "REVERSED"  # taken back in full


class EntryKind(StrEnum):
    ACCRUE = "ACCRUE"  # earned with the payment (ACC-1)
    REVERSE = "REVERSE"  # taken back with a refund (CLW-1)
    RELEASE = "RELEASE"  # freeze is over, amount unchanged (FRZ-2)


class CommissionLine(Base):
    """The pool of one order line (SPL-3) and the date on which its shares become certain (FRZ-2)."""

    __tablename__ = "commission_line"
    __table_args__ = (
        CheckConstraint("pool_fen >= 0 and reversed_fen between 0 and pool_fen", name="pool"),
        CheckConstraint("refunded_base_fen between 0 and base_fen", name="base"),
        Index("ix_commission_line_due", "releasable_at", postgresql_where="released_at is null"),
        Index("ix_commission_line_uncounted", "order_line_id", postgresql_where="counted_at is null"),
    )

    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    # What a statement names, copied at accrual: this room never reads the orders' tables for it (SET-5).
    order_number: Mapped[str]
    sku_code: Mapped[str]
    goods: Mapped[str]
    qty: Mapped[int]
    # Code of the legal entity that bears the cost (SPL-10).
    selling_entity: Mapped[str]
    aftersale_days: Mapped[int]
    settle_delay_days: Mapped[int]
    base_fen: Mapped[int]
    refunded_base_fen: Mapped[int]
    pool_bp: Mapped[int]
    pool_fen: Mapped[int]
    reversed_fen: Mapped[int]
    accrued_at: Mapped[datetime]
    releasable_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    # When the KPI book took this line in; written by ``app/kpi`` alone.
    counted_at: Mapped[datetime | None]


class CommissionShare(Base):
    """One role's part of one line's pool. accrued - reversed is what the party still has."""

    __tablename__ = "commission_share"
    __table_args__ = (
        UniqueConstraint("order_line_id", "role", "party"),
        CheckConstraint("accrued_fen >= 0 and reversed_fen between 0 and accrued_fen", name="reversed"),
        Index("ix_commission_share_party", "party", "earned_at", "id"),
    )

    id: Mapped[RowId]
    order_line_id: Mapped[int] = mapped_column(ForeignKey("commission_line.order_line_id"))
    position: Mapped[int]
    role: Mapped[Role] = mapped_column(choice(Role))
    party_kind: Mapped[PartyKind] = mapped_column(choice(PartyKind))
    # ``clerk:C-SZFT-01``, ``store:SZ-FT``, ``entity:E-HQ``: the last part of its ledger accounts.
    party: Mapped[str]
    accrued_fen: Mapped[int]
    reversed_fen: Mapped[int]
    state: Mapped[ShareState] = mapped_column(choice(ShareState))
    # Why, as facts (policy, touch, binding): put into words for the reader's language (SET-5).
    reason: Mapped[dict[str, Any]]
    earned_at: Mapped[datetime]


class CommissionReversal(Base):
    """What one refund took from one line, once. ``pool_fen`` NULL = it came before the accrual and waits."""

    __tablename__ = "commission_reversal"
    __table_args__ = (
        CheckConstraint("base_fen > 0 and pool_fen >= 0", name="amounts"),
        Index("ix_commission_reversal_line", "order_line_id"),
        Index(
            "ix_commission_reversal_uncounted",
            "refund_id",
            "order_line_id",
            postgresql_where="counted_at is null",
        ),
    )

    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    base_fen: Mapped[int]
    pool_fen: Mapped[int | None]
    at: Mapped[datetime]
    # When the KPI book took this refund in; written by ``app/kpi`` alone.
    counted_at: Mapped[datetime | None]


class CommissionEntry(Base):
    """Every change of a share, append-only, each with its ledger transfer (C-4, I22-I24)."""

    __tablename__ = "commission_entry"
    __table_args__ = (
        Index("ix_commission_entry_share", "share_id"),
        Index("uq_commission_entry_accrue", "share_id", unique=True, postgresql_where="kind = 'ACCRUE'"),
        Index(
            "uq_commission_entry_reverse",
            "share_id",
            "refund_id",
            unique=True,
            postgresql_where="kind = 'REVERSE'",
        ),
        CheckConstraint("(kind = 'REVERSE') = (amount_fen < 0)", name="sign"),
        CheckConstraint("(kind = 'REVERSE') = (refund_id is not null)", name="refund"),
    )

    id: Mapped[RowId]
    share_id: Mapped[int] = mapped_column(ForeignKey("commission_share.id"))
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind))
    amount_fen: Mapped[int]
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"))
    transfer_id: Mapped[int] = mapped_column(ForeignKey("ledger_transfer.id"), unique=True)
    at: Mapped[datetime]
