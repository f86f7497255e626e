"""Tills: the keys that sign for a store, the numbers they have used, and the receipts they told."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class PosKey(Base):
    """A secret with which the tills of one store sign. Sealed, because signatures are checked with it."""

    __tablename__ = "pos_key"
    __table_args__ = (Index("ix_pos_key_store", "store_id"),)

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    label: Mapped[str]
    secret_sealed: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[RecordedAt]
    # Set when a younger key replaces it: both are good until then.
    ends_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]


class PosNonce(Base):
    """A number that a key has used: the same request again is refused. Forgotten with its time window."""

    __tablename__ = "pos_nonce"

    key_id: Mapped[int] = mapped_column(ForeignKey("pos_key.id"), primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[RecordedAt] = mapped_column(index=True)


class ReceiptKind(StrEnum):
    SALE = "SALE"  # goods against money
    RETURN = "RETURN"  # goods, money or both back


class PosReceipt(Base):
    """A receipt of a till, once per store, kind and number; it leads to the order, and to the refund."""

    __tablename__ = "pos_receipt"
    __table_args__ = (
        CheckConstraint("(kind = 'RETURN') = (refund_id is not null)", name="refund"),
        Index("ix_pos_receipt_order", "order_id"),
    )

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), primary_key=True)
    kind: Mapped[ReceiptKind] = mapped_column(choice(ReceiptKind), primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    input_hash: Mapped[str]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refund.id"))
    key_id: Mapped[int] = mapped_column(ForeignKey("pos_key.id"))
    happened_at: Mapped[datetime]
    received_at: Mapped[RecordedAt]
