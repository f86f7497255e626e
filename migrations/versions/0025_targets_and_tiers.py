"""Monthly targets of clerks, and versions of the tiers.

Revision ID: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "tier_scale",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_month", sa.TEXT(), nullable=False),
        sa.Column("steps", postgresql.JSONB(), nullable=False),
        sa.Column("created_by", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.TEXT(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(approved_by is null) = (approved_at is null)", name=op.f("ck_tier_scale_approved")
        ),
        sa.CheckConstraint("approved_by <> created_by", name=op.f("ck_tier_scale_two_people")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_tier_scale")),
    )
    op.create_index(
        "uq_tier_scale_month",
        "tier_scale",
        ["from_month"],
        unique=True,
        postgresql_where="approved_at is not null",
    )
    op.create_table(
        "clerk_target",
        sa.Column("clerk_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.TEXT(), nullable=False),
        sa.Column("target_fen", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.TEXT(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("month ~ '^20[0-9]{2}-(0[1-9]|1[0-2])$'", name=op.f("ck_clerk_target_month")),
        sa.CheckConstraint("target_fen > 0", name=op.f("ck_clerk_target_target")),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_clerk_target_clerk_id")),
        sa.PrimaryKeyConstraint("clerk_id", "month", name=op.f("pk_clerk_target")),
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
