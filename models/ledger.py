"""Double entry: accounts and transfers. Append-only; a correction is another transfer."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId


class LedgerAccount(Base):
    """A named pot, e.g. ``payable:clerk:C-SZFT-01``. Its balance is the sum of its transfers, never stored."""

    __tablename__ = "ledger_account"

    id: Mapped[RowId]
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[RecordedAt]


class LedgerTransfer(Base):
    """An amount from one account to another: debit and credit in one row, so it always balances (I17)."""

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("debit_account_id <> credit_account_id", name="two_accounts"),
        Index("ix_ledger_transfer_debit", "debit_account_id", "id"),
        Index("ix_ledger_transfer_credit", "credit_account_id", "id"),
        Index("ix_ledger_transfer_cause", "cause"),
    )

    id: Mapped[RowId]
    # Names what happened once, e.g. ``accrue:<share id>``: the same cause posts once (I21).
    key: Mapped[str]
    kind: Mapped[str]
    cause: Mapped[str]
    debit_account_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    credit_account_id: Mapped[int] = mapped_column(ForeignKey("ledger_account.id"))
    amount_fen: Mapped[int]
    happened_at: Mapped[datetime]
    recorded_at: Mapped[RecordedAt]
