"""Who a person is: members, WeChat identities, logins, used codes."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class AppKind(StrEnum):
    OA = "OA"  # official account 公众号
    MP = "MP"  # mini-program 小程序


class Audience(StrEnum):
    SHOPPER = "SHOPPER"  # may act on the member's own things
    CLERK = "CLERK"  # may act for the linked clerk, at that clerk's store


class Purpose(StrEnum):
    SERVICE = "SERVICE"  # orders, after-sales, questions
    MARKETING_MSG = "MARKETING_MSG"  # messages nobody asked for
    PERSONALISE = "PERSONALISE"  # scores and recommendations
    LOCATION_ONCE = "LOCATION_ONCE"  # a place, for one answer
    CLERK_CONTACT = "CLERK_CONTACT"  # the member's clerk may see the phone and get in touch
    SHARE_WITH_FRANCHISEE = "SHARE_WITH_FRANCHISEE"  # a franchisee is another controller of the data


class Member(Base):
    """One person of the brand (MRG-1). A merged member keeps its row and points to the survivor."""

    __tablename__ = "member"
    __table_args__ = (
        Index(
            "uq_member_phone",
            "phone_hash",
            unique=True,
            postgresql_where="phone_hash is not null and alias_of is null",
        ),
        CheckConstraint("alias_of is null or alias_of <> id", name="alias"),
    )

    id: Mapped[RowId]
    number: Mapped[str] = mapped_column(unique=True)
    alias_of: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    phone_sealed: Mapped[str | None]
    phone_hash: Mapped[str | None]
    phone_verified_at: Mapped[datetime | None]
    # A legacy card or an earlier purchase: such a member is never "acquired" again (BND-1).
    customer_since: Mapped[datetime | None]
    created_at: Mapped[RecordedAt]


class Identity(Base):
    """(appid, openid) of a member; unionid when WeChat told it, maybe later (MRG-5)."""

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("appid", "openid"),
        Index("ix_identity_unionid", "unionid", postgresql_where="unionid is not null"),
        # One unionid, one member (MRG-1). Deferred: a merge moves the identities of a member one by one.
        ExcludeConstraint(
            ("unionid", "="),
            ("member_id", "<>"),
            using="gist",
            name="ex_identity_unionid_member",
            where=text("unionid is not null"),
            deferrable=True,
            initially="DEFERRED",
        ),
    )

    id: Mapped[RowId]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    app: Mapped[AppKind] = mapped_column(choice(AppKind))
    appid: Mapped[str]
    openid: Mapped[str]
    unionid: Mapped[str | None]
    followed: Mapped[bool]
    follow_changed_at: Mapped[datetime | None]
    last_heard_at: Mapped[datetime | None]
    # The last message of the person's own: it lets us write for 48 h, other signs only for a minute.
    spoke_at: Mapped[datetime | None]
    created_at: Mapped[RecordedAt]


class Login(Base):
    """An opaque token, kept as its SHA-256; logging out or expiry ends it."""

    __tablename__ = "login"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    audience: Mapped[Audience] = mapped_column(choice(Audience))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"))
    clerk_id: Mapped[int | None] = mapped_column(ForeignKey("clerk.id"), index=True)
    created_at: Mapped[RecordedAt]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class UsedCode(Base):
    """A login or phone code that was spent here, by keyed hash: a replay is refused without asking WeChat."""

    __tablename__ = "used_code"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[RecordedAt] = mapped_column(index=True)


class MemberMerge(Base):
    """Which member became an alias of which, when and why (MRG-2); the log an undo would read (MRG-6)."""

    __tablename__ = "member_merge"

    id: Mapped[RowId]
    survivor_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    loser_id: Mapped[int] = mapped_column(ForeignKey("member.id"), unique=True)
    reason: Mapped[str]
    merged_at: Mapped[datetime]


class Consent(Base):
    """CNS-1: what a member agreed to, to which text, and until when. No row = no."""

    __tablename__ = "consent"
    __table_args__ = (
        Index(
            "uq_consent_given",
            "member_id",
            "purpose",
            unique=True,
            postgresql_where="withdrawn_at is null",
        ),
        CheckConstraint("withdrawn_at is null or withdrawn_at >= given_at", name="interval"),
    )

    id: Mapped[RowId]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose))
    doc_version: Mapped[str]
    channel: Mapped[str]
    given_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
