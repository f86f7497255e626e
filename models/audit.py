"""What people and rules decided, for good: the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from models.base import Base, RecordedAt, RowId


class AuditEntry(Base):
    """One decision: who, what, about what, before and after, why. A trigger refuses every change."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        CheckConstraint("actor <> '' and action <> '' and subject <> '' and why <> ''", name="said"),
        Index("ix_audit_entry_subject", "subject", "happened_at", "id"),
        Index("ix_audit_entry_actor", "actor", "happened_at", "id"),
        Index("ix_audit_entry_happened", "happened_at", "id"),
    )

    id: Mapped[RowId]
    # As the ledger names people: "operator:O-1", "clerk:C-SZFT-03", "rule:BND-4".
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    why: Mapped[str]
    happened_at: Mapped[datetime]
    recorded_at: Mapped[RecordedAt]
