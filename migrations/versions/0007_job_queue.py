"""The job queue: procrastinate's own schema, as its pinned version ships it.

Revision ID: 0007
"""

from alembic import op
from procrastinate import schema

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the schema; a later version of procrastinate brings its own revision here."""
    op.get_bind().exec_driver_sql(schema.SchemaManager.get_schema().replace("%", "%%"))


def downgrade() -> None:
    """Forward only: restore a backup instead of losing jobs."""
    raise RuntimeError("migrations go forward only")
