"""How a clerk is employed decides how commission is paid.

Revision ID: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; everybody is an employee until somebody says otherwise."""
    op.add_column(
        "clerk",
        sa.Column(
            "employment",
            sa.Enum(
                "EMPLOYEE",
                "EXTERNAL",
                name="ck_clerk_employment",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="EMPLOYEE",
            nullable=False,
        ),
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
