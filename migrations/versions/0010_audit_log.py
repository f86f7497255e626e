"""The audit log, which refuses every change.

Revision ID: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and its guard."""
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("actor", sa.TEXT(), nullable=False),
        sa.Column("action", sa.TEXT(), nullable=False),
        sa.Column("subject", sa.TEXT(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("why", sa.TEXT(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "actor <> '' and action <> '' and subject <> '' and why <> ''", name=op.f("ck_audit_entry_said")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject", "happened_at", "id"])
    op.create_index("ix_audit_entry_actor", "audit_entry", ["actor", "happened_at", "id"])
    op.create_index("ix_audit_entry_happened", "audit_entry", ["happened_at", "id"])
    op.execute(
        "create trigger audit_entry_append_only before update or delete on audit_entry"
        " for each row execute function refuse_change()"
    )
    op.execute(
        "create trigger audit_entry_no_truncate before truncate on audit_entry"
        " for each statement execute function refuse_change()"
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
