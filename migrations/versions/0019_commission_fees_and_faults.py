"""The platform fee of a line, who is paid for a share, and refunds by the seller's fault.

Revision ID: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

CAUSES = "'AFTER_SALE', 'DEFECT', 'CANCEL', 'EXCESS'"
NUMBERS = (
    ("commission_line", "protected_fen"),
    ("commission_line", "fee_bp"),
    ("commission_line", "fee_fen"),
    ("commission_line", "fee_reversed_fen"),
    ("commission_share", "protected_fen"),
)


def upgrade() -> None:
    """Add the columns; what was accrued before has no fee and nothing protected."""
    for table, column in NUMBERS:
        op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
        op.alter_column(table, column, server_default=None)
    for table, column in (("commission_line", "defect_protect"), ("commission_reversal", "defect")):
        op.add_column(table, sa.Column(column, sa.Boolean(), nullable=False, server_default="false"))
        op.alter_column(table, column, server_default=None)
    op.add_column("commission_share", sa.Column("payee", sa.TEXT(), nullable=True))
    op.create_check_constraint(
        op.f("ck_commission_line_fee"),
        "commission_line",
        "fee_fen >= 0 and fee_reversed_fen between 0 and fee_fen",
    )
    op.create_check_constraint(
        op.f("ck_commission_share_protected"),
        "commission_share",
        "protected_fen between 0 and accrued_fen - reversed_fen - moved_fen",
    )
    op.drop_constraint(op.f("ck_refund_refundcause"), "refund")
    op.create_check_constraint(op.f("ck_refund_refundcause"), "refund", f"cause in ({CAUSES})")


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
