"""How far the work on a party's rows is, so that each row is looked at once.

Revision ID: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; work that is going on begins anew, which changes nothing of what it did."""
    op.add_column(
        "settlement_party", sa.Column("at_share", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.alter_column("settlement_party", "at_share", server_default=None)


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
