"""Places and the people who serve there: legal entities, stores, opening hours, clerks."""

from datetime import date, datetime, time
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class EntityKind(StrEnum):
    HQ = "HQ"  # the brand itself; party of every share that nobody else earns
    FRANCHISEE = "FRANCHISEE"  # an independent company: its own payee, issuer and data controller


class Ownership(StrEnum):
    DIRECT = "DIRECT"  # 直营
    FRANCHISE = "FRANCHISE"  # 加盟
    JOINT = "JOINT"  # 联营


class StoreStatus(StrEnum):
    OPEN = "OPEN"  # sells, hands over, acquires
    CLOSING = "CLOSING"  # BND-9: no new touches, no new pick-up
    CLOSED = "CLOSED"  # bindings have moved to the successor


class ClerkRole(StrEnum):
    CLERK = "CLERK"  # serves at one store
    MANAGER = "MANAGER"  # also runs the store's team
    TEAM = "TEAM"  # a shared account of head office


class ClerkStatus(StrEnum):
    ACTIVE = "ACTIVE"  # may acquire, serve, verify
    LEAVING = "LEAVING"  # still works until last_day; members are being handed over
    LEFT = "LEFT"  # codes are dead for the person, alive for the store (TCH-3)


class Employment(StrEnum):
    EMPLOYEE = "EMPLOYEE"  # commission is wages, paid with the payroll (SET-3)
    EXTERNAL = "EXTERNAL"  # not employed: paid by WeChat transfer, tax withheld (SET-4)


class LegalEntity(Base):
    """法人主体: payee of orders and issuer of invoices."""

    __tablename__ = "legal_entity"

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[EntityKind] = mapped_column(choice(EntityKind))
    # BND-9: after this day nothing more is earned for its closed stores; NULL = the contract goes on.
    contract_ends_on: Mapped[date | None]
    created_at: Mapped[RecordedAt]


class Store(Base):
    """门店 or 云店. Coordinates are GCJ-02 degrees, as WeChat maps use them."""

    __tablename__ = "store"
    __table_args__ = (
        CheckConstraint("lat between -90 and 90", name="lat"),
        CheckConstraint("lng between -180 and 180", name="lng"),
        CheckConstraint("(lat is null) = (lng is null)", name="point"),
        Index("ix_store_city", "city", "code"),
        Index(
            "uq_store_default_landing",
            "is_default_landing",
            unique=True,
            postgresql_where="is_default_landing",
        ),
    )

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    entity_id: Mapped[int] = mapped_column(ForeignKey("legal_entity.id"), index=True)
    name: Mapped[str]
    name_en: Mapped[str]
    ownership: Mapped[Ownership] = mapped_column(choice(Ownership))
    city: Mapped[str | None]
    address: Mapped[str | None]
    phone: Mapped[str | None]
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    services: Mapped[list[str]]
    delivery_radius_m: Mapped[int | None]
    status: Mapped[StoreStatus] = mapped_column(choice(StoreStatus))
    closing_on: Mapped[date | None]
    successor_store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))
    is_default_landing: Mapped[bool]
    created_at: Mapped[RecordedAt]
    updated_at: Mapped[RecordedAt]


class StoreHours(Base):
    """Opening hours of one weekday (1 = Monday), local time of Asia/Shanghai; no row = closed that day."""

    __tablename__ = "store_hours"
    __table_args__ = (CheckConstraint("weekday between 1 and 7", name="weekday"),)

    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), primary_key=True)
    weekday: Mapped[int] = mapped_column(primary_key=True)
    opens: Mapped[time]
    closes: Mapped[time]


class Clerk(Base):
    """导购 / 店长. A person's phone is kept only as a keyed hash: it proves who logs in, nothing reads it back."""

    __tablename__ = "clerk"
    __table_args__ = (UniqueConstraint("phone_hash"),)

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    store_id: Mapped[int] = mapped_column(ForeignKey("store.id"), index=True)
    role: Mapped[ClerkRole] = mapped_column(choice(ClerkRole))
    status: Mapped[ClerkStatus] = mapped_column(choice(ClerkStatus))
    employment: Mapped[Employment] = mapped_column(choice(Employment), server_default="EMPLOYEE")
    last_day: Mapped[date | None]
    phone_hash: Mapped[str | None]
    phone_tail: Mapped[str | None]
    # The clerk as a shopper: set at the first clerk login, read by SELF (TCH-3) and self-purchase (SPL-9).
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), unique=True)
    monthly_target_fen: Mapped[int | None]
    created_at: Mapped[RecordedAt]
    updated_at: Mapped[RecordedAt]


class ClerkLink(Base):
    """Which person acts for a clerk, proven by a login (``app/members``); an ended link lets nobody in."""

    __tablename__ = "clerk_link"
    __table_args__ = (
        Index("uq_clerk_link_active", "clerk_id", unique=True, postgresql_where="ended_at is null"),
    )

    id: Mapped[RowId]
    clerk_id: Mapped[int] = mapped_column(ForeignKey("clerk.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
