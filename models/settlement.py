"""Targets, tiers, and the monthly settlement of all parties.

The rows of a batch, one for each share, are those of ``commission_batch_row``; a tier is a row of its own here.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, choice
from models.commission import PartyKind


class BatchState(StrEnum):
    DRAFT = "DRAFT"  # being built, or built and not handed in yet
    REVIEW = "REVIEW"  # handed in; waits for somebody else's decision
    APPROVED = "APPROVED"  # decided; rows are being handed over to the payout
    PAYING = "PAYING"  # handed over, statements are published: payouts may be made
    PAID = "PAID"  # every party has got its money, or had nothing to get
    PARTIAL = "PARTIAL"  # all payouts are over, some came back to the party's balance
    CLOSED = "CLOSED"  # finance has filed it
    REJECTED = "REJECTED"  # refused in review; its shares are free again


class Phase(StrEnum):
    PARTIES = "PARTIES"  # going through the parties that are due something
    BALANCES = "BALANCES"  # finding parties with nothing but a balance from earlier batches
    BUILT = "BUILT"  # complete: may be handed in and decided
    HANDING = "HANDING"  # approved: handing each party's rows over to the payout
    HANDED = "HANDED"  # approved: complete, statements are published
    FREEING = "FREEING"  # rejected: giving shares back
    FREED = "FREED"  # rejected: every share is free again


class PartyState(StrEnum):
    PLANNED = "PLANNED"  # in a batch that is not approved
    REMOVED = "REMOVED"  # taken out before the approval, with a reason; its shares are free
    DUE = "DUE"  # approved: payable_fen is to be paid out
    PAID = "PAID"  # paid out in full
    RETURNED = "RETURNED"  # payouts are over; returned_fen came back and goes into a later batch
    CARRIED = "CARRIED"  # nothing to pay: below the minimum, or owing; goes into the next batch


class Channel(StrEnum):
    PAYROLL = "PAYROLL"  # an employee: gross, with the wages
    TRANSFER = "TRANSFER"  # an external clerk: WeChat transfer, confirmed by the clerk
    ENTITY = "ENTITY"  # a store or company: profit sharing or invoice


class WriteOffState(StrEnum):
    ASKED = "ASKED"  # one person wants to give the debt up
    WRITTEN_OFF = "WRITTEN_OFF"  # a second one has agreed; the seller bears it
    REFUSED = "REFUSED"  # a second one has not, or the debt has changed since


class ClerkTarget(Base):
    """What a clerk is to sell in a month; without a row the clerk's standing target counts (SET-2)."""

    __tablename__ = "clerk_target"
    __table_args__ = (
        CheckConstraint("target_fen > 0", name="target"),
        CheckConstraint("month ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$'", name="month"),
    )

    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerk.id"), primary_key=True)
    month: Mapped[str] = mapped_column(primary_key=True)
    target_fen: Mapped[int]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class TierScale(Base):
    """A version of the tiers (SET-2), in effect for sales paid from a month on; NULL approved_by = a draft."""

    __tablename__ = "tier_scale"
    __table_args__ = (
        CheckConstraint("(approved_by is null) = (approved_at is null)", name="approved"),
        CheckConstraint("approved_by <> created_by", name="two_people"),
        Index("uq_tier_scale_month", "from_month", unique=True, postgresql_where="approved_at is not null"),
    )

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    from_month: Mapped[str]
    # [[from_bp, multiplier_bp], ...]: from this attainment on, rows count times this.
    steps: Mapped[list[Any]]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]


class SettlementBatch(Base):
    """One month's settlement of all parties (SET-1)."""

    __tablename__ = "settlement_batch"
    __table_args__ = (
        Index("uq_settlement_batch_month", "month", unique=True, postgresql_where="state <> 'REJECTED'"),
        CheckConstraint("approved_by not in (created_by, submitted_by)", name="two_people"),
        CheckConstraint(
            "(state in ('APPROVED', 'PAYING', 'PAID', 'PARTIAL', 'CLOSED')) = (approved_at is not null)",
            name="approved",
        ),
        CheckConstraint(
            "case state when 'DRAFT' then phase in ('PARTIES', 'BALANCES', 'BUILT')"
            " when 'REVIEW' then phase = 'BUILT' when 'APPROVED' then phase = 'HANDING'"
            " when 'REJECTED' then phase in ('FREEING', 'FREED') else phase = 'HANDED' end",
            name="stage",
        ),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    month: Mapped[str]
    # Shares that became certain before this moment belong to it: 00:00 local of the month's first day.
    before: Mapped[datetime]
    state: Mapped[BatchState] = mapped_column(choice(BatchState))
    # Where the work stands; written with each piece of it, so that it goes on after a crash.
    phase: Mapped[Phase] = mapped_column(choice(Phase))
    at_party: Mapped[str]
    rows_done: Mapped[int]
    rows_expected: Mapped[int]
    # Sums over the parties, set when a phase is complete and with every change of a party.
    parties: Mapped[int]
    gross_fen: Mapped[int]
    adjusted_fen: Mapped[int]
    tier_fen: Mapped[int]
    carried_in_fen: Mapped[int]
    payable_fen: Mapped[int]
    carried_out_fen: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    submitted_by: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    # When its statements could be read: the time for disputes runs from here (DSP-1).
    published_at: Mapped[datetime | None]
    rejected_by: Mapped[str | None]
    rejected_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]


class SettlementParty(Base):
    """What one party gets of one batch; app/settlement/paying.py is how payouts read and mark it.

    gross + adjusted + tier + carried_in = payable + carried_out; at most one of these two is not zero and
    payable is never negative (CLW-3). ``paid_fen`` and ``returned_fen`` grow as payouts end.
    """

    __tablename__ = "settlement_party"
    __table_args__ = (
        UniqueConstraint("batch_id", "party"),
        CheckConstraint(
            "gross_fen + adjusted_fen + tier_fen + carried_in_fen = payable_fen + carried_out_fen",
            name="balance",
        ),
        CheckConstraint("payable_fen >= 0 and (payable_fen = 0 or carried_out_fen = 0)", name="payable"),
        CheckConstraint(
            "paid_fen >= 0 and returned_fen >= 0 and paid_fen + returned_fen <= payable_fen", name="paid"
        ),
        CheckConstraint(
            "written_off_fen >= 0 and (written_off_fen = 0 or written_off_fen = -carried_out_fen)",
            name="written_off",
        ),
        Index("ix_settlement_party_of", "party", "batch_id"),
        # Balances that no later batch has taken up yet.
        Index(
            "ix_settlement_party_carried",
            "party",
            postgresql_where="carried_to_id is null and carried_out_fen + returned_fen + written_off_fen <> 0",
        ),
        Index(
            "ix_settlement_party_carried_to", "carried_to_id", postgresql_where="carried_to_id is not null"
        ),
        Index("ix_settlement_party_open", "batch_id", "id", postgresql_where="not rows_done"),
    )

    id: Mapped[RowId]
    batch_id: Mapped[int] = mapped_column(ForeignKey("settlement_batch.id"))
    party_kind: Mapped[PartyKind] = mapped_column(choice(PartyKind))
    party: Mapped[str]
    state: Mapped[PartyState] = mapped_column(choice(PartyState))
    # As they were when the batch was built: who may read this, who is paid, and how.
    entity: Mapped[str]
    store: Mapped[str | None]
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    # Its rows (commission_batch_row): how many, the sum of those above zero and of those below.
    rows: Mapped[int]
    gross_fen: Mapped[int]
    adjusted_fen: Mapped[int]
    tier_fen: Mapped[int]
    carried_in_fen: Mapped[int]
    payable_fen: Mapped[int]
    carried_out_fen: Mapped[int]
    # What refunds took of paid shares and this batch could not net; it waits in the payable account (CLW-3).
    debt_left_fen: Mapped[int]
    # In how many batches in a row this party has ended below zero (CLW-3).
    carried_cycles: Mapped[int]
    # SET-4: withholding of an external clerk, for information; payouts are gross.
    tax_preview_fen: Mapped[int]
    paid_fen: Mapped[int]
    returned_fen: Mapped[int]
    written_off_fen: Mapped[int]
    # The line of the later batch that took up what this one carried out or got back.
    carried_to_id: Mapped[int | None] = mapped_column(ForeignKey("settlement_party.id"))
    # Whether what its state asks of its rows is done (taken, given back, handed over); done in pieces.
    rows_done: Mapped[bool]
    # The share up to which its rows are gone through: after a crash too none is looked at twice.
    at_share: Mapped[int]
    why: Mapped[str | None]


class SettlementTier(Base):
    """SET-2: what the tier of one month of sales adds to one clerk's batch, with all that it follows from."""

    __tablename__ = "settlement_tier"
    __table_args__ = (
        UniqueConstraint("party_id", "month"),
        CheckConstraint("target_fen > 0", name="target"),
        Index("ix_settlement_tier_month", "party", "month"),
    )

    id: Mapped[RowId]
    party_id: Mapped[int] = mapped_column(ForeignKey("settlement_party.id"))
    party: Mapped[str]
    month: Mapped[str]
    target_fen: Mapped[int]
    attained_fen: Mapped[int]
    scale_version: Mapped[int]
    multiplier_bp: Mapped[int]
    # SELL and SVC rows of that month: in this batch, and in the approved ones before it.
    rows_fen: Mapped[int]
    earlier_rows_fen: Mapped[int]
    earlier_tier_fen: Mapped[int]
    amount_fen: Mapped[int]


class SettlementPortion(Base):
    """A payable amount as it is to be paid: one portion, or several on days in a row (SET-3's daily limit)."""

    __tablename__ = "settlement_portion"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"),)

    party_id: Mapped[int] = mapped_column(ForeignKey("settlement_party.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    # Not before this local day.
    pay_on: Mapped[date]
    amount_fen: Mapped[int]
    paid_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    why: Mapped[str | None]


class SettlementWriteOff(Base):
    """CLW-3: a debt that was carried six times is given up; one person asks, another one approves."""

    __tablename__ = "settlement_write_off"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("decided_by <> asked_by", name="two_people"),
        CheckConstraint("(state = 'ASKED') = (decided_by is null)", name="decided"),
        Index("uq_settlement_write_off_asked", "party", unique=True, postgresql_where="state = 'ASKED'"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    party: Mapped[str]
    # Debts of single shares (app/commission/writing_off.py), and the part that lies in the party's balance.
    share_ids: Mapped[list[Any]]
    balance_party_id: Mapped[int | None] = mapped_column(ForeignKey("settlement_party.id"))
    amount_fen: Mapped[int]
    state: Mapped[WriteOffState] = mapped_column(choice(WriteOffState))
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    why: Mapped[str]
