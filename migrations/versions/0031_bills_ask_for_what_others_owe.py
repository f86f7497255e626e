"""A list says what of each portion it asks for.

Revision ID: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was listed before asked for the whole."""
    op.add_column("payout_row", sa.Column("owed_fen", sa.BigInteger(), nullable=True))
    op.execute("update payout_row set owed_fen = amount_fen")
    op.alter_column("payout_row", "owed_fen", nullable=False)
    op.create_check_constraint(
        op.f("ck_payout_row_owed"), "payout_row", "owed_fen > 0 and owed_fen <= amount_fen"
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
