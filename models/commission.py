"""What each party earns on each order line, and every change of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
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
    MOVED = "MOVED"  # what refunds left of it is somebody else's now (DSP-1, MRG-4, CLW-5)
    WRITTEN_OFF = "WRITTEN_OFF"  # paid out, taken back later, and never netted: head office bears it (CLW-3)


class EntryKind(StrEnum):
    ACCRUE = "ACCRUE"  # earned with the payment (ACC-1)
    REVERSE = "REVERSE"  # taken back with a refund (CLW-1)
    RELEASE = "RELEASE"  # freeze is over, amount unchanged (FRZ-2)
    MOVE_OUT = "MOVE_OUT"  # handed to other shares; negative
    MOVE_IN = "MOVE_IN"  # came from another share
    SETTLE = "SETTLE"  # handed to the payout by a settlement batch; negative when a debt was netted (CLW-3)
    WRITE_OFF = "WRITE_OFF"  # a debt that no batch could net (CLW-3)


class BatchRowState(StrEnum):
    OPEN = "OPEN"  # in a batch that may still change
    FIXED = "FIXED"  # the batch is approved: money is on its way
    SETTLED = "SETTLED"  # done
    RETURNED = "RETURNED"  # left the batch, free for the next one


class CommissionLine(Base):
    """The pool of one order line (SPL-3) and the date on which its shares become certain (FRZ-2)."""

    __tablename__ = "commission_line"
    __table_args__ = (
        CheckConstraint("pool_fen >= 0 and reversed_fen >= 0 and moved_pool_fen >= 0", name="amounts"),
        CheckConstraint("reversed_fen + moved_pool_fen <= pool_fen", name="pool"),
        CheckConstraint("fee_fen >= 0 and fee_reversed_fen between 0 and fee_fen", name="fee"),
        CheckConstraint("refunded_base_fen >= 0 and moved_base_fen >= 0", name="parts"),
        CheckConstraint("refunded_base_fen + moved_base_fen <= base_fen", name="base"),
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
    # CLW-5: the part of base and pool that an exchange took along to another line.
    moved_base_fen: Mapped[int]
    moved_pool_fen: Mapped[int]
    # CLW-6: what personal shares kept although the seller's fault took the base back.
    protected_fen: Mapped[int]
    defect_protect: Mapped[bool]
    # SPL-10: what head office takes of another entity's sale, beside the pool.
    fee_bp: Mapped[int]
    fee_fen: Mapped[int]
    fee_reversed_fen: Mapped[int]
    accrued_at: Mapped[datetime]
    releasable_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    # When the KPI book took this line in; written by ``app/kpi`` alone.
    counted_at: Mapped[datetime | None]


class CommissionShare(Base):
    """One role's part of one line's pool.

    What the party still has: accrued - reversed - moved. What the next settlement owes it, or it owes
    (CLW-3): that, less what was settled, plus what was written off.
    """

    __tablename__ = "commission_share"
    __table_args__ = (
        UniqueConstraint("order_line_id", "role", "party", "move_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("reversed_fen >= 0 and moved_fen >= 0", name="parts"),
        CheckConstraint("reversed_fen + moved_fen <= accrued_fen", name="left"),
        CheckConstraint("settled_fen >= 0 and written_off_fen >= 0", name="settled"),
        CheckConstraint(
            "protected_fen between 0 and accrued_fen - reversed_fen - moved_fen", name="protected"
        ),
        Index("ix_commission_share_party", "party", "earned_at", "id"),
        Index(
            "ix_commission_share_due",
            "party",
            "id",
            postgresql_where="released_at is not null"
            " and accrued_fen - reversed_fen - moved_fen - settled_fen + written_off_fen <> 0",
        ),
    )

    id: Mapped[RowId]
    order_line_id: Mapped[int] = mapped_column(ForeignKey("commission_line.order_line_id"))
    position: Mapped[int]
    role: Mapped[Role] = mapped_column(choice(Role))
    party_kind: Mapped[PartyKind] = mapped_column(choice(PartyKind))
    # ``clerk:C-SZFT-01``, ``store:SZ-FT``, ``entity:E-HQ``: the last part of its ledger accounts.
    party: Mapped[str]
    # Code of the legal entity to which the money goes: the store's, the clerk's employer, itself (SPL-10).
    payee: Mapped[str | None]
    # By the payment, or by the move that made the share.
    accrued_fen: Mapped[int]
    reversed_fen: Mapped[int]
    moved_fen: Mapped[int]
    settled_fen: Mapped[int]
    written_off_fen: Mapped[int]
    # CLW-6: the part of what is left that no refund takes.
    protected_fen: Mapped[int]
    state: Mapped[ShareState] = mapped_column(choice(ShareState))
    # Why, as facts (policy, touch, binding): put into words for the reader's language (SET-5).
    reason: Mapped[dict[str, Any]]
    earned_at: Mapped[datetime]
    # When it moved from the party's frozen to its payable account; NULL while a refund may still come.
    released_at: Mapped[datetime | None]
    # The move that brought it; NULL = it came with the payment.
    move_id: Mapped[int | None] = mapped_column(ForeignKey("commission_move.id", use_alter=True))


class CommissionMove(Base):
    """One share handed to others, once per cause: a decided dispute, a merge, a shared sale, an exchange."""

    __tablename__ = "commission_move"
    __table_args__ = (
        UniqueConstraint("share_id", "cause"),
        CheckConstraint("amount_fen >= 0", name="amount"),
    )

    id: Mapped[RowId]
    share_id: Mapped[int] = mapped_column(ForeignKey("commission_share.id"))
    # The business key of what was decided, such as ``dispute:17`` or ``merge:M-0006``.
    cause: Mapped[str]
    amount_fen: Mapped[int]
    because: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class CommissionHold(Base):
    """A share under review for one cause (FRD-2); it is free when its last cause is lifted."""

    __tablename__ = "commission_hold"
    __table_args__ = (
        Index("ix_commission_hold_open", "share_id", postgresql_where="lifted_at is null"),
        Index("ix_commission_hold_cause", "cause"),
    )

    share_id: Mapped[int] = mapped_column(ForeignKey("commission_share.id"), primary_key=True)
    cause: Mapped[str] = mapped_column(primary_key=True)
    held_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]


class CommissionPause(Base):
    """FRZ-3: an after-sale is open on a line; nothing of it becomes certain or is settled until it ends."""

    __tablename__ = "commission_pause"
    __table_args__ = (
        Index("ix_commission_pause_open", "order_line_id", postgresql_where="ended_at is null"),
        Index("ix_commission_pause_cause", "cause"),
    )

    order_line_id: Mapped[int] = mapped_column(ForeignKey("commission_line.order_line_id"), primary_key=True)
    cause: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class CommissionBatchRow(Base):
    """One share in one settlement batch: what it settles, below zero when it nets a debt (SET-1, CLW-3)."""

    __tablename__ = "commission_batch_row"
    __table_args__ = (
        Index(
            "uq_commission_batch_row_open",
            "share_id",
            unique=True,
            postgresql_where="state in ('OPEN', 'FIXED')",
        ),
        Index("ix_commission_batch_row_party", "batch_id", "party", "share_id"),
        Index("ix_commission_batch_row_share", "share_id"),
        CheckConstraint("carried_fen >= 0", name="carried"),
        CheckConstraint("amount_fen <> 0 or carried_fen > 0", name="amount"),
    )

    batch_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    share_id: Mapped[int] = mapped_column(ForeignKey("commission_share.id"), primary_key=True)
    party: Mapped[str]
    amount_fen: Mapped[int]
    # The part of the share's debt that this batch could not net: it waits for the next cycle.
    carried_fen: Mapped[int]
    state: Mapped[BatchRowState] = mapped_column(choice(BatchRowState))
    taken_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


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
        Index("ix_commission_reversal_at", "at"),
    )

    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    base_fen: Mapped[int]
    pool_fen: Mapped[int | None]
    # CLW-6: the seller's fault, without goods coming back.
    defect: Mapped[bool]
    at: Mapped[datetime]
    # The order in which refunds were taken from a line; two of them may say the same moment.
    seq: Mapped[int] = mapped_column(Identity(always=True))
    # When the KPI book took this refund in; written by ``app/kpi`` alone.
    counted_at: Mapped[datetime | None]


class CommissionEntry(Base):
    """Every change of a share, append-only, each with its ledger transfer (C-4, I22-I24)."""

    __tablename__ = "commission_entry"
    __table_args__ = (
        Index("ix_commission_entry_share", "share_id"),
        Index("ix_commission_entry_party", "party", "at", "id"),
        Index("uq_commission_entry_accrue", "share_id", unique=True, postgresql_where="kind = 'ACCRUE'"),
        Index(
            "uq_commission_entry_reverse",
            "share_id",
            "refund_id",
            unique=True,
            postgresql_where="kind = 'REVERSE'",
        ),
        Index(
            "uq_commission_entry_move",
            "share_id",
            "move_id",
            unique=True,
            postgresql_where="kind in ('MOVE_OUT', 'MOVE_IN')",
        ),
        Index(
            "uq_commission_entry_settle",
            "share_id",
            "batch_id",
            unique=True,
            postgresql_where="kind = 'SETTLE'",
        ),
        CheckConstraint(
            "case when kind in ('REVERSE', 'MOVE_OUT') then amount_fen < 0"
            " when kind = 'SETTLE' then amount_fen <> 0 else amount_fen > 0 end",
            name="sign",
        ),
        CheckConstraint("(kind = 'REVERSE') = (refund_id is not null)", name="refund"),
        CheckConstraint("(kind in ('MOVE_OUT', 'MOVE_IN')) = (move_id is not null)", name="move"),
        CheckConstraint("(kind = 'SETTLE') = (batch_id is not null)", name="batch"),
    )

    id: Mapped[RowId]
    share_id: Mapped[int] = mapped_column(ForeignKey("commission_share.id"))
    # The share's party, so that a month of one party is one range of one index.
    party: Mapped[str]
    kind: Mapped[EntryKind] = mapped_column(choice(EntryKind))
    amount_fen: Mapped[int]
    # Whether it changed what is certain (the payable account) or what is frozen; RELEASE changes both.
    certain: Mapped[bool]
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"))
    move_id: Mapped[int | None] = mapped_column(ForeignKey("commission_move.id"))
    batch_id: Mapped[int | None]
    transfer_id: Mapped[int] = mapped_column(ForeignKey("ledger_transfer.id"), unique=True)
    # When it was booked, never earlier than an entry before it: a closed month stays as it is.
    at: Mapped[datetime]
