"""Who brought whom: codes, touches, acquisition, service binding."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class CodeKind(StrEnum):
    CLERK_OA = "CLERK_OA"  # permanent official-account code of a clerk
    CLERK_MP = "CLERK_MP"  # mini-program code of a clerk
    STORE_OA = "STORE_OA"  # permanent official-account code of a store, no clerk
    STORE_MP = "STORE_MP"  # mini-program code of a store, no clerk
    CAMPAIGN_OA = "CAMPAIGN_OA"  # official-account code of a store in a campaign; its ticket is renewed
    CAMPAIGN_MP = "CAMPAIGN_MP"  # mini-program code of a store in a campaign
    MATERIAL_OA = "MATERIAL_OA"  # permanent official-account code of one printed thing
    MATERIAL_MP = "MATERIAL_MP"  # mini-program code of one printed thing


class TouchKind(StrEnum):
    SUBSCRIBE_SCAN = "SUBSCRIBE_SCAN"  # followed by scanning a code
    SCAN = "SCAN"  # a follower scanned a code
    MP_SCENE = "MP_SCENE"  # opened the mini-program through a code
    SHARE_CLICK = "SHARE_CLICK"  # opened a page that a clerk shared
    COUPON_CLAIM = "COUPON_CLAIM"  # took a clerk's coupon
    CLERK_CODE = "CLERK_CODE"  # named the clerk's code while ordering
    ASSISTED_ORDER = "ASSISTED_ORDER"  # the clerk made the order with the customer
    POS_SALE = "POS_SALE"  # the clerk sold at the till
    CHAT = "CHAT"  # talked to the clerk
    PICKUP_VERIFY = "PICKUP_VERIFY"  # the clerk handed the goods over
    BOOKING = "BOOKING"  # booked a visit
    CONTENT_READ = "CONTENT_READ"  # read content; never binds (TCH-6)
    ARRIVE = "ARRIVE"  # came to the store; never binds
    LEAVE = "LEAVE"  # left the store; never binds


class TouchResult(StrEnum):
    ACQUIRED = "ACQUIRED"  # first valid touch: acquisition and service binding written
    REACTIVATED = "REACTIVATED"  # a known customer came back: service binding, no acquisition share
    REBOUND = "REBOUND"  # valid, and the clerk serves from now on: the one before was inactive (BND-4)
    RECORDED = "RECORDED"  # valid, nothing to change
    LOST_RACE = "LOST_RACE"  # valid, but another clerk was first within the same second (TCH-4)
    INVALID = "INVALID"  # stored as evidence; never binds, never earns (TCH-3)


class AcquisitionKind(StrEnum):
    ACQUISITION = "ACQUISITION"  # earns the acquisition shares
    REACTIVATION = "REACTIVATION"  # had a purchase or card before: no acquisition share


class BindingReason(StrEnum):
    ACQUIRED = "ACQUIRED"  # came with the acquisition (BND-2)
    CUSTOMER = "CUSTOMER"  # the member's own choice (BND-5)
    REBOUND = "REBOUND"  # new touch after protection and inactivity (BND-4)
    HANDOVER = "HANDOVER"  # the clerk leaves (BND-6)
    TRANSFER = "TRANSFER"  # staff moved the member (BND-7)
    MOVED = "MOVED"  # the clerk went to another store (BND-8)
    CLOSING = "CLOSING"  # the store closed (BND-9)
    REFUSED = "REFUSED"  # the member refused a hand-over and went to the store's pool (BND-6)
    MERGE = "MERGE"  # two members became one (MRG-4)


class QrCode(Base):
    """One code that a person or a place shows. ``scene`` fits both apps: 1..32 characters of [0-9a-z-]."""

    __tablename__ = "qr_code"
    __table_args__ = (
        Index(
            "uq_qr_code_clerk",
            "kind",
            "clerk_id",
            unique=True,
            postgresql_where="revoked_at is null and kind in ('CLERK_OA', 'CLERK_MP')",
        ),
        Index(
            "uq_qr_code_store",
            "kind",
            "store_id",
            unique=True,
            postgresql_where="revoked_at is null and kind in ('STORE_OA', 'STORE_MP')",
        ),
        Index(
            "uq_qr_code_campaign",
            "campaign_id",
            "kind",
            "store_id",
            unique=True,
            postgresql_where="revoked_at is null and campaign_id is not null",
        ),
        # The tickets that are to be renewed, and those that count against the account's permanent codes.
        Index("ix_qr_code_ticket", "ticket_expires_at", postgresql_where="ticket_expires_at is not null"),
        Index(
            "ix_qr_code_permanent",
            "id",
            postgresql_where="ticket is not null and kind in ('CLERK_OA', 'STORE_OA', 'MATERIAL_OA')",
        ),
        Index("ix_qr_code_place", "store_id", "id"),
        CheckConstraint("length(scene) between 1 and 32", name="scene"),
        CheckConstraint(
            "(campaign_id is not null) = (kind in ('CAMPAIGN_OA', 'CAMPAIGN_MP'))", name="campaign"
        ),
        CheckConstraint("(revoked_at is null) = (revoke_reason is null)", name="revoked"),
    )

    id: Mapped[RowId]
    scene: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[CodeKind] = mapped_column(choice(CodeKind))
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"))
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"))
    # What the code hangs on, in the words of whoever had it made: 橱窗海报.
    label: Mapped[str | None]
    # What WeChat answered; NULL until it did. The row is committed before WeChat is asked.
    ticket: Mapped[str | None]
    url: Mapped[str | None]
    image: Mapped[bytes | None]
    # When WeChat forgets a temporary ticket. The scene stays, so that a renewed ticket is the same code.
    ticket_expires_at: Mapped[datetime | None]
    created_at: Mapped[RecordedAt]
    # After this a scan does not count (CODE_EXPIRED): the end of the campaign.
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None]
    revoke_reason: Mapped[str | None]
    # When a later code took over its scene and its place among the permanent ones (docs/codes.md).
    recycled_at: Mapped[datetime | None]


class Touch(Base):
    """TCH-1: one contact as evidence; append-only. Order of touches: (occurred_at, received_at, id) (TCH-4)."""

    __tablename__ = "touch"
    __table_args__ = (
        UniqueConstraint("raw_key"),
        Index("ix_touch_member", "member_id", "occurred_at", "received_at", "id"),
        Index("ix_touch_clerk", "clerk_id", "occurred_at"),
        Index("ix_touch_code", "qr_code_id", "occurred_at", postgresql_where="qr_code_id is not null"),
        Index("ix_touch_occurred", "occurred_at", postgresql_using="brin"),
    )

    id: Mapped[RowId]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    identity_id: Mapped[int | None] = mapped_column(ForeignKey("identity.id"))
    kind: Mapped[TouchKind] = mapped_column(choice(TouchKind))
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"))
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))
    qr_code_id: Mapped[int | None] = mapped_column(ForeignKey("qr_code.id"))
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    raw_key: Mapped[str]
    valid: Mapped[bool]
    invalid_reason: Mapped[str | None]
    result: Mapped[TouchResult] = mapped_column(choice(TouchResult))


class TouchMonth(Base):
    """TCH-6: what is left of touches after 400 days: how many of a kind a member had in a month (local)."""

    __tablename__ = "touch_month"
    __table_args__ = (CheckConstraint("touches > 0 and valid between 0 and touches", name="count"),)

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[TouchKind] = mapped_column(choice(TouchKind), primary_key=True)
    touches: Mapped[int]
    valid: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]


class Acquisition(Base):
    """BND-1: 拉新, written once per member. Clerk NULL = a store's code brought the member."""

    __tablename__ = "acquisition"
    __table_args__ = (Index("ix_acquisition_at", "acquired_at"),)

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    kind: Mapped[AcquisitionKind] = mapped_column(choice(AcquisitionKind))
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"), index=True)
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    touch_id: Mapped[int] = mapped_column(ForeignKey("touch.id"), index=True)
    acquired_at: Mapped[datetime]


class ServiceBinding(Base):
    """BND-2: who serves the member, as intervals that never overlap. Clerk NULL = the store's pool."""

    __tablename__ = "service_binding"
    __table_args__ = (
        Index("uq_service_binding_active", "member_id", unique=True, postgresql_where="valid_to is null"),
        Index("ix_service_binding_clerk", "clerk_id", "id", postgresql_where="valid_to is null"),
        Index("ix_service_binding_store", "store_id", "member_id", postgresql_where="valid_to is null"),
        Index("ix_service_binding_started", "valid_from", postgresql_where="valid_to is null"),
        ExcludeConstraint(
            ("member_id", "="),
            (text("tstzrange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_service_binding_overlap",
        ),
        CheckConstraint("valid_to is null or valid_to >= valid_from", name="interval"),
    )

    id: Mapped[RowId]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"))
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"))
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    reason: Mapped[BindingReason] = mapped_column(choice(BindingReason))
    touch_id: Mapped[int | None] = mapped_column(ForeignKey("touch.id"), index=True)
    actor: Mapped[str]


class BindingTerms(Base):
    """How long a binding is protected and how it may change (BND-4..7, 11, 12), with its time of effect.

    Drafted by one person and approved by another; approved versions never overlap.
    """

    __tablename__ = "binding_terms"
    __table_args__ = (
        ExcludeConstraint(
            (text("tstzrange(effective_from, effective_to)"), "&&"),
            using="gist",
            name="ex_binding_terms_overlap",
            where=text("approved_at is not null"),
        ),
    )

    id: Mapped[RowId]
    version: Mapped[int] = mapped_column(unique=True)
    params: Mapped[dict[str, Any]]
    effective_from: Mapped[datetime]
    effective_to: Mapped[datetime | None]
    created_by: Mapped[str]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    created_at: Mapped[RecordedAt]
