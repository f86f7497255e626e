"""Money on its way to those who earned it: WeChat transfers, wages, bills between companies (SET-3)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class PayoutState(StrEnum):
    READY = "READY"  # written down; WeChat has not been asked
    ASKED = "ASKED"  # WeChat is being asked, or its answer is unknown: query before anything else
    WAITING = "WAITING"  # the person has 24 hours to confirm
    MOVING = "MOVING"  # WeChat is at it; nothing to do but ask
    PAID = "PAID"  # arrived
    RETURNED = "RETURNED"  # will not arrive: expired, cancelled or refused; the money is the party's balance


class PayoutTransfer(Base):
    """One WeChat transfer for one portion of a settlement; its number is never replaced by another one."""

    __tablename__ = "payout_transfer"
    __table_args__ = (
        UniqueConstraint("batch", "party", "position"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("(state in ('PAID', 'RETURNED')) = (ended_at is not null)", name="ended"),
        Index(
            "ix_payout_transfer_due",
            "next_at",
            postgresql_where="state in ('READY', 'ASKED', 'WAITING', 'MOVING')",
        ),
        Index("ix_payout_transfer_party", "party", "id"),
    )

    id: Mapped[RowId]
    # 1..32 letters and digits, given to WeChat; committed before the first call.
    out_bill_no: Mapped[str] = mapped_column(unique=True)
    # The settlement's number, its party, and which portion of the party's amount this pays.
    batch: Mapped[str]
    party: Mapped[str]
    position: Mapped[int]
    amount_fen: Mapped[int]
    mchid: Mapped[str]
    appid: Mapped[str]
    openid: Mapped[str]
    state: Mapped[PayoutState] = mapped_column(choice(PayoutState))
    transfer_bill_no: Mapped[str | None]
    # What the person's phone confirms with; only while it is waiting.
    package: Mapped[str | None]
    # WeChat's word for what went wrong, or ours.
    problem: Mapped[str | None]
    created_at: Mapped[RecordedAt]
    asked_at: Mapped[datetime | None]
    next_at: Mapped[datetime]
    checks: Mapped[int]
    ended_at: Mapped[datetime | None]


class PapersKind(StrEnum):
    WAGES = "WAGES"  # a list for the payroll of one company
    BILL = "BILL"  # what companies owe a company for its stores' shares: invoiced, paid by bank


class PapersState(StrEnum):
    OPEN = "OPEN"  # handed to people; not paid as far as we know
    PAID = "PAID"  # a second person has confirmed it


class PayoutPapers(Base):
    """A list that people pay outside WeChat: one company's wages or claims of one settlement, confirmed once."""

    __tablename__ = "payout_papers"
    __table_args__ = (
        UniqueConstraint("batch", "kind", "entity"),
        CheckConstraint("confirmed_by <> made_by", name="two_people"),
        CheckConstraint("(state = 'PAID') = (confirmed_at is not null)", name="confirmed"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    batch: Mapped[str]
    kind: Mapped[PapersKind] = mapped_column(choice(PapersKind))
    entity: Mapped[str]
    rows: Mapped[int]
    total_fen: Mapped[int]
    state: Mapped[PapersState] = mapped_column(choice(PapersState))
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    # The bank's or the payroll's own reference.
    reference: Mapped[str | None]


class PayoutRow(Base):
    """One portion on such a list, frozen when the list was made; ``paid_at`` when its money was booked out."""

    __tablename__ = "payout_row"
    __table_args__ = (
        UniqueConstraint("batch", "party", "position"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("owed_fen > 0 and owed_fen <= amount_fen", name="owed"),
        Index("ix_payout_row_open", "papers_id", "position_no", postgresql_where="paid_at is null"),
    )

    papers_id: Mapped[int] = mapped_column(ForeignKey("payout_papers.id"), primary_key=True)
    position_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    batch: Mapped[str]
    party: Mapped[str]
    position: Mapped[int]
    # The whole portion, and what of it the list asks for: a company does not bill what it owes its own store.
    amount_fen: Mapped[int]
    owed_fen: Mapped[int]
    paid_at: Mapped[datetime | None]
