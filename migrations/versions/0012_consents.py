"""What members agreed to (CNS-1).

Revision ID: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and indexes."""
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "SERVICE",
                "MARKETING_MSG",
                "PERSONALISE",
                "LOCATION_ONCE",
                "CLERK_CONTACT",
                "SHARE_WITH_FRANCHISEE",
                name="ck_consent_purpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("doc_version", sa.TEXT(), nullable=False),
        sa.Column("channel", sa.TEXT(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "withdrawn_at is null or withdrawn_at >= given_at", name=op.f("ck_consent_interval")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_consent_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_member_id"), "consent", ["member_id"], unique=False)
    op.create_index(
        "uq_consent_given",
        "consent",
        ["member_id", "purpose"],
        unique=True,
        postgresql_where="withdrawn_at is null",
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
