"""What came from WeChat (the inbox), and the shared access tokens."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt


class Inbox(Base):
    """Everything WeChat sends, once: a second delivery finds the first one's answer (TCH-2, I32)."""

    __tablename__ = "inbox"
    __table_args__ = (Index("ix_inbox_received", "received_at"),)

    source: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    received_at: Mapped[RecordedAt]
    answer: Mapped[str | None]
    detail: Mapped[dict[str, Any]]


class SharedToken(Base):
    """The access token of an app for all processes; refreshed under an advisory lock."""

    __tablename__ = "shared_token"

    appid: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    expires_at: Mapped[datetime]
    # When a rejected token last made a process fetch: the pause that keeps a storm from rising.
    renewed_at: Mapped[datetime | None]
    refreshed_at: Mapped[datetime]
