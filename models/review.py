"""Second looks at credit: disputes (DSP-1), and findings of the fraud detectors (FRD-1, FRD-2)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice
from models.commission import Role


class DisputeKind(StrEnum):
    CREDIT = "CREDIT"  # somebody else should have earned
    BINDING = "BINDING"  # the relation behind it is wrong
    AMOUNT = "AMOUNT"  # the sum is wrong


class DisputeState(StrEnum):
    OPEN = "OPEN"  # raised; the rows are held
    EVIDENCE = "EVIDENCE"  # both sides are heard
    DECIDED = "DECIDED"  # somebody without interest has decided; not booked yet
    APPLIED = "APPLIED"  # booked; the rows go on


class DisputeOutcome(StrEnum):
    UPHOLD = "UPHOLD"  # the rows stay as they are
    CHANGE = "CHANGE"  # the rows go to somebody else
    SPLIT = "SPLIT"  # the rows are shared


class StepKind(StrEnum):
    OPENED = "OPENED"  # raised, with what the claimant says
    HEARING = "HEARING"  # evidence is taken until the deadline
    SAID = "SAID"  # one side added its evidence
    HEARD = "HEARD"  # the deadline has passed; waits for the decision
    DECIDED = "DECIDED"  # decided, with the reason
    APPLIED = "APPLIED"  # booked


class RiskRule(StrEnum):
    SCANS = "SCANS"  # one fan scanned many clerks
    FANS = "FANS"  # one clerk got more new fans than a person can greet
    UNFOLLOWS = "UNFOLLOWS"  # new fans of a day left at once
    PAYER = "PAYER"  # one payer behind orders of different members
    REBIND = "REBIND"  # the serving clerk changed just before a large order
    REFUNDS = "REFUNDS"  # many of a clerk's orders were refunded


class FindingState(StrEnum):
    OPEN = "OPEN"  # rows are held; waits for a reviewer
    CONFIRMED = "CONFIRMED"  # it was fraud: the rows went to head office
    FALSE_ALARM = "FALSE_ALARM"  # it was not: the rows go on with their original dates (FRD-2)


class Dispute(Base):
    """DSP-1: a claim on one role of one order. ``claimant`` is a party: ``clerk:C-SZFT-01``, ``store:SZ-FT``."""

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("order_id", "role", "claimant"),
        Index("ix_dispute_claimant", "claimant", "id"),
        Index("ix_dispute_due", "state", "evidence_until", postgresql_where="state <> 'APPLIED'"),
        CheckConstraint("(state in ('DECIDED', 'APPLIED')) = (outcome is not null)", name="outcome"),
        CheckConstraint("(outcome is null) = (decided_at is null)", name="decided"),
        CheckConstraint("(state = 'APPLIED') = (applied_at is not null)", name="applied"),
        CheckConstraint("state = 'OPEN' or evidence_until is not null", name="evidence"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[DisputeKind] = mapped_column(choice(DisputeKind))
    role: Mapped[Role] = mapped_column(choice(Role))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order_number: Mapped[str]
    claimant: Mapped[str]
    raised_by: Mapped[str]
    state: Mapped[DisputeState] = mapped_column(choice(DisputeState))
    opened_at: Mapped[datetime]
    evidence_until: Mapped[datetime | None]
    heard_at: Mapped[datetime | None]
    outcome: Mapped[DisputeOutcome | None] = mapped_column(choice(DisputeOutcome))
    # Who gets the rows: [["clerk:C-SZFT-01", 6000], ...]; empty when they stay.
    heirs: Mapped[list[Any]]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    applied_at: Mapped[datetime | None]


class DisputeShare(Base):
    """A row that a dispute is about, with who held it when it was raised."""

    __tablename__ = "dispute_share"

    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"), primary_key=True)
    share_id: Mapped[int] = mapped_column(ForeignKey("commission_share.id"), primary_key=True)
    party: Mapped[str] = mapped_column(index=True)


class DisputeStep(Base):
    """What happened in a dispute, in order; append-only, and told to the parties."""

    __tablename__ = "dispute_step"
    __table_args__ = (UniqueConstraint("dispute_id", "nr"),)

    id: Mapped[RowId]
    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"))
    nr: Mapped[int]
    kind: Mapped[StepKind] = mapped_column(choice(StepKind))
    # A party, an operator, or ``clock``.
    actor: Mapped[str]
    said: Mapped[str]
    at: Mapped[datetime]


class RiskThreshold(Base):
    """FRD-1: from when a detector calls, as data with a moment of effect; append-only."""

    __tablename__ = "risk_threshold"
    __table_args__ = (UniqueConstraint("rule", "effective_from"),)

    id: Mapped[RowId]
    rule: Mapped[RiskRule] = mapped_column(choice(RiskRule))
    effective_from: Mapped[datetime]
    params: Mapped[dict[str, Any]]
    created_by: Mapped[str]
    created_at: Mapped[RecordedAt]


class RiskFinding(Base):
    """FRD-2: what a detector found, until a reviewer decides. ``subject`` is whom the rule looked at."""

    __tablename__ = "risk_finding"
    __table_args__ = (
        Index("uq_risk_finding_open", "rule", "subject", unique=True, postgresql_where="state = 'OPEN'"),
        Index("ix_risk_finding_clerk", "clerk_id", "id"),
        Index("ix_risk_finding_member", "member_id", postgresql_where="state = 'OPEN'"),
        Index("ix_risk_finding_state", "state", "id"),
        CheckConstraint("(state = 'OPEN') = (decided_at is null)", name="decided"),
        CheckConstraint("(decided_at is null) = (decided_by is null)", name="reviewer"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    rule: Mapped[RiskRule] = mapped_column(choice(RiskRule))
    # ``clerk:<id>``, ``identity:<id>``, ``payer:<keyed hash>:<clerk id>``: never an openid in clear.
    subject: Mapped[str]
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"))
    # The fan, where one fan is the subject.
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    threshold_id: Mapped[int] = mapped_column(ForeignKey("risk_threshold.id"))
    # The figures that called: counts and times, no names.
    facts: Mapped[dict[str, Any]]
    state: Mapped[FindingState] = mapped_column(choice(FindingState))
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None]
    why: Mapped[str | None]


class RiskItem(Base):
    """One piece of evidence; it serves one finding of its rule and subject, ever. Append-only."""

    __tablename__ = "risk_item"
    __table_args__ = (
        UniqueConstraint("rule", "subject", "kind", "ref"),
        CheckConstraint("kind in ('TOUCH', 'ORDER')", name="kind"),
        Index("ix_risk_item_finding", "finding_id"),
    )

    id: Mapped[RowId]
    finding_id: Mapped[int] = mapped_column(ForeignKey("risk_finding.id"))
    rule: Mapped[RiskRule] = mapped_column(choice(RiskRule))
    subject: Mapped[str]
    kind: Mapped[str]
    ref: Mapped[int]
