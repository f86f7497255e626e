"""Replays of a past period under a policy: what was asked for, how far it is, what came out."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RowId, choice


class DryRunState(StrEnum):
    WAITING = "WAITING"  # asked for, no worker has begun
    RUNNING = "RUNNING"  # a worker reads the orders of the period
    DONE = "DONE"  # the result is there
    FAILED = "FAILED"  # cannot be done; ``problem`` says why


class DryRun(Base):
    """A past period replayed under a policy: who would have earned more and who less. Decides nothing."""

    __tablename__ = "dry_run"
    __table_args__ = (
        CheckConstraint("until > since", name="period"),
        ForeignKeyConstraint(
            ("policy_code", "policy_version"), ("attribution_policy.code", "attribution_policy.version")
        ),
        CheckConstraint("(state = 'DONE') = (result is not null)", name="result"),
        CheckConstraint("orders_done between 0 and orders_total", name="progress"),
        Index("ix_dry_run_policy", "policy_code", "policy_version", "id"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    policy_code: Mapped[str]
    policy_version: Mapped[int]
    since: Mapped[datetime]
    until: Mapped[datetime]
    state: Mapped[DryRunState] = mapped_column(choice(DryRunState))
    orders_done: Mapped[int]
    orders_total: Mapped[int]
    problem: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
