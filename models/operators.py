"""Who works in the back office: operators, their logins, wrong tries and recovery codes."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class OperatorRole(StrEnum):
    OWNER = "OWNER"  # head office, everything, operators too
    FINANCE = "FINANCE"  # head office, books and settlement
    MARKETING = "MARKETING"  # head office, policies, codes, campaigns
    SERVICE = "SERVICE"  # head office, customers' questions
    STORE_MANAGER = "STORE_MANAGER"  # one store
    FRANCHISEE = "FRANCHISEE"  # one legal entity


class OperatorStatus(StrEnum):
    ACTIVE = "ACTIVE"  # may log in
    DISABLED = "DISABLED"  # nobody gets in; the row stays for the audit log


class Operator(Base):
    """后台人员. The password is kept as Argon2id, the secret of the authenticator sealed."""

    __tablename__ = "operator"
    __table_args__ = (
        CheckConstraint(
            "(store_id is not null) = (role = 'STORE_MANAGER')"
            " and (entity_id is not null) = (role = 'FRANCHISEE')",
            name="scope",
        ),
        CheckConstraint("totp_confirmed_at is null or totp_sealed is not null", name="totp"),
    )

    id: Mapped[RowId]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[OperatorRole] = mapped_column(choice(OperatorRole))
    entity_id: Mapped[int | None] = mapped_column(ForeignKey("legal_entity.id"))
    store_id: Mapped[int | None] = mapped_column(ForeignKey("store.id"))
    status: Mapped[OperatorStatus] = mapped_column(choice(OperatorStatus))
    password_hash: Mapped[str]
    # Somebody else chose it: it opens nothing but the door where it is changed.
    password_is_initial: Mapped[bool]
    totp_sealed: Mapped[str | None]
    totp_confirmed_at: Mapped[datetime | None]
    # The time step of the last code taken: that code and older ones are spent (RFC 6238, 5.2).
    totp_step: Mapped[int | None]
    created_at: Mapped[RecordedAt]
    updated_at: Mapped[RecordedAt]


class OperatorLogin(Base):
    """An opaque token, kept as its SHA-256. It ends by logging out, by idleness and at ``expires_at``."""

    __tablename__ = "operator_login"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"), index=True)
    created_at: Mapped[RecordedAt]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class OperatorTry(Base):
    """Tries to log in under a code since the last success, whether or not there is such an operator."""

    __tablename__ = "operator_try"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    tried_at: Mapped[datetime] = mapped_column(index=True)
    locked_until: Mapped[datetime | None]


class OperatorRecoveryCode(Base):
    """Stands in for the authenticator once, by keyed hash."""

    __tablename__ = "operator_recovery_code"
    __table_args__ = (Index("ix_operator_recovery_code_operator", "operator_id"),)

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    operator_id: Mapped[int] = mapped_column(ForeignKey("operator.id"))
    used_at: Mapped[datetime | None]
