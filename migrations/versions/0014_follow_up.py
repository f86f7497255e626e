"""Bounties, follow-up tasks, and where a member lands (BND-11, BND-12).

Revision ID: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and indexes."""
    op.create_table(
        "bounty",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("clerk_id", sa.BigInteger(), nullable=False),
        sa.Column("touch_id", sa.BigInteger(), nullable=False),
        sa.Column("acquired_on", sa.Date(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "DROPPED",
                "FROZEN",
                "PAYABLE",
                "TAKEN_BACK",
                name="ck_bounty_bountystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.TEXT(), nullable=True),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("releasable_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'DROPPED') = (amount_fen = 0)", name=op.f("ck_bounty_amount")),
        sa.CheckConstraint("(state = 'DROPPED') = (place is null)", name=op.f("ck_bounty_place")),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_bounty_clerk_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_bounty_member_id")),
        sa.ForeignKeyConstraint(["touch_id"], ["touch.id"], name=op.f("fk_bounty_touch_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_bounty")),
        sa.UniqueConstraint(
            "clerk_id", "acquired_on", "place", name=op.f("uq_bounty_clerk_id_acquired_on_place")
        ),
    )
    op.create_index(
        "ix_bounty_due", "bounty", ["releasable_at"], unique=False, postgresql_where="state = 'FROZEN'"
    )
    op.create_table(
        "clerk_task",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("clerk_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "GREET",
                "KEEP",
                "PICKUP",
                name="ck_clerk_task_taskkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("occasion", sa.TEXT(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.TEXT(), nullable=True),
        sa.Column("moot_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_clerk_task_clerk_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_clerk_task_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clerk_task")),
        sa.UniqueConstraint("number", name=op.f("uq_clerk_task_number")),
        sa.UniqueConstraint("occasion", name=op.f("uq_clerk_task_occasion")),
    )
    op.create_index(
        "ix_clerk_task_open",
        "clerk_task",
        ["clerk_id", "id"],
        unique=False,
        postgresql_where="done_at is null and moot_at is null",
    )
    op.create_index(
        "ix_clerk_task_waiting",
        "clerk_task",
        ["id"],
        unique=False,
        postgresql_where="done_at is null and moot_at is null",
    )
    op.create_table(
        "store_choice",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_store_choice_member_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_store_choice_store_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_store_choice")),
    )
    op.create_table(
        "landing_guest",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.TEXT(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_landing_guest_member_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_landing_guest_store_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_landing_guest")),
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
