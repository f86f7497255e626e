"""Who serves whom, and its changes: hand-overs, bounties, follow-up tasks, chosen stores."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class HandoverKind(StrEnum):
    LEAVER = "LEAVER"  # the clerk leaves (BND-6)
    CLERK_MOVE = "CLERK_MOVE"  # the clerk goes to another store (BND-8)
    STORE_CLOSING = "STORE_CLOSING"  # the store closes (BND-9)
    TRANSFER = "TRANSFER"  # one member, moved by staff (BND-7)


class HandoverMode(StrEnum):
    EVEN_SPLIT = "EVEN_SPLIT"  # dealt to the store's other clerks
    ASSIGN = "ASSIGN"  # all to one clerk or to one pool
    CUSTOM = "CUSTOM"  # each named member to the named clerk


class HandoverState(StrEnum):
    RUNNING = "RUNNING"  # members are still to be moved
    DONE = "DONE"  # every member was moved or had gone elsewhere


class MoveState(StrEnum):
    PLANNED = "PLANNED"  # still with the one before
    MOVED = "MOVED"  # served by the new one
    SKIPPED = "SKIPPED"  # had gone elsewhere before it was this member's turn
    REFUSED = "REFUSED"  # the member refused within 24 hours and went to the store's pool


class Handover(Base):
    """One decision to move members from a clerk or a store to others, and how far it has got."""

    __tablename__ = "handover"
    __table_args__ = (
        Index("ix_handover_from_clerk", "from_clerk_id", "id"),
        Index("ix_handover_from_store", "from_store_id", "id"),
        Index("ix_handover_running", "id", postgresql_where="state = 'RUNNING'"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[HandoverKind] = mapped_column(choice(HandoverKind))
    mode: Mapped[HandoverMode] = mapped_column(choice(HandoverMode))
    from_clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"))
    from_store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    state: Mapped[HandoverState] = mapped_column(choice(HandoverState))
    actor: Mapped[str]
    why: Mapped[str]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class HandoverMove(Base):
    """One member of a hand-over. ``to_clerk_id`` NULL = the pool of ``to_store_id``."""

    __tablename__ = "handover_move"
    __table_args__ = (
        Index(
            "ix_handover_move_planned",
            "handover_id",
            "member_id",
            postgresql_where="state = 'PLANNED'",
        ),
        Index("ix_handover_move_member", "member_id", "handover_id"),
    )

    handover_id: Mapped[int] = mapped_column(ForeignKey("handover.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    # The binding that this move ends; another one in force means that the member has gone elsewhere.
    from_binding_id: Mapped[int] = mapped_column(ForeignKey("service_binding.id"))
    to_clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"))
    to_store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    state: Mapped[MoveState] = mapped_column(choice(MoveState))
    to_binding_id: Mapped[int | None] = mapped_column(ForeignKey("service_binding.id"))
    moved_at: Mapped[datetime | None]


class BountyState(StrEnum):
    DROPPED = "DROPPED"  # not qualified, or over the day's limit: nothing was ever posted
    FROZEN = "FROZEN"  # earned, not yet certain
    PAYABLE = "PAYABLE"  # certain
    TAKEN_BACK = "TAKEN_BACK"  # the acquisition was decided otherwise before it was certain


class Bounty(Base):
    """BND-11: what a clerk gets for one qualified new member, once per member; never paid to the fan."""

    __tablename__ = "bounty"
    __table_args__ = (
        UniqueConstraint("clerk_id", "acquired_on", "place"),
        CheckConstraint("(state = 'DROPPED') = (amount_fen = 0)", name="amount"),
        CheckConstraint("(state = 'DROPPED') = (place is null)", name="place"),
        Index("ix_bounty_due", "releasable_at", postgresql_where="state = 'FROZEN'"),
    )

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerk.id"))
    touch_id: Mapped[int] = mapped_column(ForeignKey("touch.id"))
    acquired_on: Mapped[date]
    # 1, 2, 3 ... among the clerk's qualified members of that day: the limit per day counts it.
    place: Mapped[int | None]
    amount_fen: Mapped[int]
    state: Mapped[BountyState] = mapped_column(choice(BountyState))
    reason: Mapped[str | None]
    judged_at: Mapped[datetime]
    releasable_at: Mapped[datetime | None]


class TaskKind(StrEnum):
    GREET = "GREET"  # a new customer who has not been greeted
    KEEP = "KEEP"  # will soon count as inactive, and then another clerk may take over (BND-4)
    PICKUP = "PICKUP"  # goods wait in the store


class ClerkTask(Base):
    """Something for a clerk to follow up with a member; made once per occasion."""

    __tablename__ = "clerk_task"
    __table_args__ = (
        UniqueConstraint("occasion"),
        Index("ix_clerk_task_open", "clerk_id", "id", postgresql_where="done_at is null and moot_at is null"),
        Index("ix_clerk_task_waiting", "id", postgresql_where="done_at is null and moot_at is null"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerk.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    kind: Mapped[TaskKind] = mapped_column(choice(TaskKind))
    # Names why it was made, e.g. ``greet:<binding>``: a second run makes nothing.
    occasion: Mapped[str]
    facts: Mapped[dict[str, Any]]
    due_on: Mapped[date]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    note: Mapped[str | None]
    # Nothing is left to do: the goods were collected, or somebody else serves the member.
    moot_at: Mapped[datetime | None]


class StoreChoice(Base):
    """The store a member chose last (BND-12)."""

    __tablename__ = "store_choice"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    chosen_at: Mapped[RecordedAt]


class LandingGuest(Base):
    """A member on a store's allow-list: lands there before anything but a code decides (BND-12)."""

    __tablename__ = "landing_guest"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    actor: Mapped[str]
    added_at: Mapped[RecordedAt]
