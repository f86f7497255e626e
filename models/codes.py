"""Campaigns that have codes, and batches that make codes for many."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class Campaign(Base):
    """An action for a time, in one or more stores, each with its codes. Scans after its end do not count."""

    __tablename__ = "campaign"
    __table_args__ = (CheckConstraint("ends_at > starts_at", name="period"),)

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_by: Mapped[str]
    created_at: Mapped[RecordedAt]


class BatchState(StrEnum):
    RUNNING = "RUNNING"  # the worker is at it
    WAITING = "WAITING"  # WeChat's quota is used up; goes on by itself at wait_until
    DONE = "DONE"  # every item is made or has failed for good
    STOPPED = "STOPPED"  # somebody stopped it; what is made stays


class ItemState(StrEnum):
    OPEN = "OPEN"  # not made yet
    DONE = "DONE"  # both codes are there
    FAILED = "FAILED"  # will not be made; says why


class CodeBatch(Base):
    """Codes for many clerks and stores, made one by one within WeChat's quota; survives kill -9."""

    __tablename__ = "code_batch"
    __table_args__ = (
        CheckConstraint("done >= 0 and failed >= 0 and done + failed <= total", name="counts"),
        CheckConstraint("(state = 'WAITING') = (wait_until is not null)", name="waits"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    # What it was asked for: a whole brand (both NULL), one legal entity, or one store.
    entity_id: Mapped[int | None] = mapped_column(ForeignKey("legal_entity.id"))
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))
    state: Mapped[BatchState] = mapped_column(choice(BatchState))
    total: Mapped[int]
    done: Mapped[int]
    failed: Mapped[int]
    wait_until: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[RecordedAt]
    finished_at: Mapped[datetime | None]


class CodeBatchItem(Base):
    """One clerk, or one store, of a batch."""

    __tablename__ = "code_batch_item"
    __table_args__ = (
        Index("ix_code_batch_item_open", "batch_id", "position", postgresql_where="state = 'OPEN'"),
        CheckConstraint("(state = 'FAILED') = (reason is not null)", name="reason"),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("code_batch.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"))
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    state: Mapped[ItemState] = mapped_column(choice(ItemState))
    reason: Mapped[str | None]
