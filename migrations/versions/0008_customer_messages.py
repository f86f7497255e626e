"""Messages outside a push's answer, counted against WeChat's windows.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and note when a person last spoke."""
    op.add_column("identity", sa.Column("spoke_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "customer_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("identity_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.TEXT(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "SENDING",
                "SENT",
                "REFUSED",
                "UNKNOWN",
                name="ck_customer_message_messagestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.TEXT(), nullable=True),
        sa.ForeignKeyConstraint(
            ["identity_id"], ["identity.id"], name=op.f("fk_customer_message_identity_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_message")),
        sa.UniqueConstraint("key", name=op.f("uq_customer_message_key")),
    )
    op.create_index("ix_customer_message_identity", "customer_message", ["identity_id", "claimed_at"])
    op.create_index("ix_customer_message_claimed", "customer_message", ["claimed_at"])


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
