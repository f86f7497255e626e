"""Sales that several clerks share.

Revision ID: 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; a move may take nothing along where an exchange divides a base."""
    op.create_table(
        "shared_sale",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("declared_by", sa.TEXT(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_shared_sale_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_shared_sale")),
    )
    op.drop_constraint(op.f("ck_commission_move_amount"), "commission_move")
    op.create_check_constraint(op.f("ck_commission_move_amount"), "commission_move", "amount_fen >= 0")


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
