"""In which order refunds were taken from a commission line.

Revision ID: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Number what is there already, in no order in particular, and everything to come."""
    op.add_column(
        "commission_reversal", sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False)
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
