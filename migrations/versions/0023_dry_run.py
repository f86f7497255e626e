"""Dry runs of policies, and where a period lies among the orders.

Revision ID: 0023
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_STATES = ("WAITING", "RUNNING", "DONE", "FAILED")


def upgrade() -> None:
    """Create the table of reports and the index of the orders' moments."""
    op.create_table(
        "dry_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("policy_code", sa.TEXT(), nullable=False),
        sa.Column("policy_version", sa.BigInteger(), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                *_STATES, name="ck_dry_run_dryrunstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("orders_done", sa.BigInteger(), nullable=False),
        sa.Column("orders_total", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.TEXT(), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("created_by", sa.TEXT(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=True),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.CheckConstraint("until > since", name=op.f("ck_dry_run_period")),
        sa.CheckConstraint("(state = 'DONE') = (result is not null)", name=op.f("ck_dry_run_result")),
        sa.CheckConstraint("orders_done between 0 and orders_total", name=op.f("ck_dry_run_progress")),
        sa.ForeignKeyConstraint(
            ["policy_code", "policy_version"],
            ["attribution_policy.code", "attribution_policy.version"],
            name=op.f("fk_dry_run_policy_code_policy_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dry_run")),
        sa.UniqueConstraint("number", name=op.f("uq_dry_run_number")),
    )
    op.create_index("ix_dry_run_policy", "dry_run", ["policy_code", "policy_version", "id"])
    op.create_index("ix_orders_created", "orders", ["created_at"], postgresql_using="brin")


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
