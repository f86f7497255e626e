"""The rules of earning as versions, each with its scope and its time of effect."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, RecordedAt, RowId, choice


class PolicyScope(StrEnum):
    BRAND = "BRAND"  # everything
    ENTITY = "ENTITY"  # one legal entity
    STORE_TYPE = "STORE_TYPE"  # one kind of ownership
    CATEGORY = "CATEGORY"  # one shelf; the most specific


class PolicyMode(StrEnum):
    ROLE_SPLIT = "ROLE_SPLIT"  # fixed weights per role (SPL-4); the default
    FIRST_TOUCH_LIFETIME = "FIRST_TOUCH_LIFETIME"  # all to whoever brought the customer, for ever
    LAST_TOUCH = "LAST_TOUCH"  # all to the last clerk within the window
    PROTECT_THEN_OPEN = "PROTECT_THEN_OPEN"  # first clerk while protected, then open
    LINEAR = "LINEAR"  # evenly over touches of the window
    POSITION = "POSITION"  # first, middle and last weigh differently


class AttributionPolicy(Base):
    """POL-1: a version of the rules with its time of effect. Versions of one scope never overlap.

    Where it stands follows from its moments: drafted, submitted, approved, withdrawn, and by
    ``effective_from`` and ``effective_to`` waiting, active or ended. Its content never changes.
    """

    __tablename__ = "attribution_policy"
    __table_args__ = (
        UniqueConstraint("code", "version"),
        ExcludeConstraint(
            ("scope", "="),
            (text("(coalesce(scope_ref, ''))"), "="),
            (text("tstzrange(effective_from, effective_to)"), "&&"),
            using="gist",
            name="ex_attribution_policy_overlap",
            where=text("approved_at is not null and withdrawn_at is null"),
        ),
        # Two persons put a policy in effect; the list that a brand is loaded from speaks for itself.
        CheckConstraint("approved_by <> created_by or created_by = 'import'", name="two_persons"),
        CheckConstraint("(approved_by is null) = (approved_at is null)", name="approved"),
        CheckConstraint("approved_at is null or effective_from is not null", name="dated"),
        CheckConstraint("effective_to >= effective_from", name="interval"),
        CheckConstraint("(scope = 'BRAND') = (scope_ref is null)", name="scope_ref"),
    )

    id: Mapped[RowId]
    code: Mapped[str]
    version: Mapped[int]
    scope: Mapped[PolicyScope] = mapped_column(choice(PolicyScope))
    scope_ref: Mapped[str | None]
    mode: Mapped[PolicyMode] = mapped_column(choice(PolicyMode))
    params: Mapped[dict[str, Any]]
    # NULL until approved = the midnight after the approval.
    effective_from: Mapped[datetime | None]
    # When it ends; ``drafted_to`` is the end that it was drafted with, before a later version ended it sooner.
    effective_to: Mapped[datetime | None]
    drafted_to: Mapped[datetime | None]
    created_by: Mapped[str]
    submitted_by: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    created_at: Mapped[RecordedAt]
