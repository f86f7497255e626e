"""Companies that are paid out of an order's own payment by WeChat's profit sharing (FRZ-4)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class ReceiverRelation(StrEnum):
    """What the receiving company is to the merchant, in WeChat's words."""

    STORE = "STORE"  # a shop of it
    PARTNER = "PARTNER"  # works together with it
    HEADQUARTER = "HEADQUARTER"  # its head office
    BRAND = "BRAND"  # its brand
    DISTRIBUTOR = "DISTRIBUTOR"  # sells its goods
    SUPPLIER = "SUPPLIER"  # delivers to it
    SERVICE_PROVIDER = "SERVICE_PROVIDER"  # is served by it


class SharingKind(StrEnum):
    SHARE = "SHARE"  # pays the parts, and frees what is left of the payment
    UNFREEZE = "UNFREEZE"  # pays nobody, and frees what is left


class SharingState(StrEnum):
    READY = "READY"  # written down; WeChat has not been asked
    ASKED = "ASKED"  # WeChat is being asked, is at it, or its answer is unknown: query before anything else
    DONE = "DONE"  # finished there; each part says what became of it
    FAILED = "FAILED"  # WeChat never took it; nobody was paid by it


class PartResult(StrEnum):
    SUCCESS = "SUCCESS"  # the company has it
    CLOSED = "CLOSED"  # it does not: the next settlement owes it


class SharingReceiver(Base):
    """The merchant number under which a company receives shares; one at a time."""

    __tablename__ = "sharing_receiver"
    __table_args__ = (
        Index("uq_sharing_receiver_entity", "entity", unique=True, postgresql_where="ended_at is null"),
        Index("uq_sharing_receiver_mchid", "mchid", unique=True, postgresql_where="ended_at is null"),
    )

    id: Mapped[RowId]
    entity: Mapped[str]
    mchid: Mapped[str]
    # The merchant's full name as WeChat knows it, which it compares.
    name: Mapped[str]
    relation: Mapped[ReceiverRelation] = mapped_column(choice(ReceiverRelation))
    made_by: Mapped[str]
    created_at: Mapped[RecordedAt]
    # When WeChat agreed; before that nothing is shared with it.
    added_at: Mapped[datetime | None]
    # WeChat's word for what is wrong.
    problem: Mapped[str | None]
    ended_at: Mapped[datetime | None]


class SharingOrder(Base):
    """One request at WeChat about the frozen money of one payment; its number is never replaced.

    The commission rows of a SHARE are those of the batch ``-payment_id`` (``app/commission/sharing_out.py``).
    """

    __tablename__ = "sharing_order"
    __table_args__ = (
        UniqueConstraint("payment_id", "kind"),
        CheckConstraint("(kind = 'SHARE') = (amount_fen > 0) and amount_fen >= 0", name="amount"),
        CheckConstraint("(state in ('DONE', 'FAILED')) = (ended_at is not null)", name="ended"),
        Index("ix_sharing_order_due", "next_at", postgresql_where="state in ('READY', 'ASKED')"),
    )

    id: Mapped[RowId]
    # 1..64 letters and digits, given to WeChat; committed before the first call.
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[SharingKind] = mapped_column(choice(SharingKind))
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"))
    order_number: Mapped[str]
    transaction_id: Mapped[str]
    appid: Mapped[str]
    mchid: Mapped[str]
    paid_at: Mapped[datetime]
    # The sum of its parts.
    amount_fen: Mapped[int]
    state: Mapped[SharingState] = mapped_column(choice(SharingState))
    # WeChat's word for what went wrong, or ours.
    problem: Mapped[str | None]
    created_at: Mapped[RecordedAt]
    # When it was last sent.
    asked_at: Mapped[datetime | None]
    next_at: Mapped[datetime]
    checks: Mapped[int]
    ended_at: Mapped[datetime | None]


class SharingPart(Base):
    """What one company gets of one sharing, frozen when it was written down."""

    __tablename__ = "sharing_part"
    __table_args__ = (
        UniqueConstraint("sharing_id", "account"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )

    sharing_id: Mapped[int] = mapped_column(ForeignKey("sharing_order.id"), primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    # The receiving merchant's number.
    account: Mapped[str]
    amount_fen: Mapped[int]
    result: Mapped[PartResult | None] = mapped_column(choice(PartResult))
    fail_reason: Mapped[str | None]
