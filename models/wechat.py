"""What came from WeChat (the inbox), and the shared access tokens."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class MessageState(StrEnum):
    SENDING = "SENDING"  # counted; WeChat is being asked, or we died while asking
    SENT = "SENT"  # WeChat took it
    REFUSED = "REFUSED"  # WeChat did not take it; does not count
    UNKNOWN = "UNKNOWN"  # WeChat may have shown it: counts, and is never sent again


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


class CustomerMessage(Base):
    """A message to a person outside a push's answer, counted against WeChat's window. Its words stay unwritten."""

    __tablename__ = "customer_message"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_customer_message_identity", "identity_id", "claimed_at"),
        Index("ix_customer_message_claimed", "claimed_at"),
    )

    id: Mapped[RowId]
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"))
    key: Mapped[str]
    claimed_at: Mapped[datetime]
    state: Mapped[MessageState] = mapped_column(choice(MessageState))
    code: Mapped[str | None]


class SharedToken(Base):
    """The access token of an app for all processes; refreshed under an advisory lock."""

    __tablename__ = "shared_token"

    appid: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    expires_at: Mapped[datetime]
    # When a rejected token last made a process fetch: the pause that keeps a storm from rising.
    renewed_at: Mapped[datetime | None]
    refreshed_at: Mapped[datetime]
