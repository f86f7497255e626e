"""Which share is in which settlement batch, and for how much.

Revision ID: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "commission_batch_row",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("share_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.TEXT(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("carried_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "OPEN",
                "FIXED",
                "SETTLED",
                "RETURNED",
                name="ck_commission_batch_row_batchrowstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("carried_fen >= 0", name=op.f("ck_commission_batch_row_carried")),
        sa.CheckConstraint("amount_fen <> 0 or carried_fen > 0", name=op.f("ck_commission_batch_row_amount")),
        sa.ForeignKeyConstraint(
            ["share_id"], ["commission_share.id"], name=op.f("fk_commission_batch_row_share_id")
        ),
        sa.PrimaryKeyConstraint("batch_id", "share_id", name=op.f("pk_commission_batch_row")),
    )
    op.create_index(
        "uq_commission_batch_row_open",
        "commission_batch_row",
        ["share_id"],
        unique=True,
        postgresql_where="state in ('OPEN', 'FIXED')",
    )
    op.create_index(
        "ix_commission_batch_row_party", "commission_batch_row", ["batch_id", "party", "share_id"]
    )
    op.create_index("ix_commission_batch_row_share", "commission_batch_row", ["share_id"])


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
