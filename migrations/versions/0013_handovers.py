"""Members handed over from a clerk or a store to others, and when a franchise contract ends (BND-6..9).

Revision ID: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and indexes."""
    op.create_table(
        "handover",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "LEAVER",
                "CLERK_MOVE",
                "STORE_CLOSING",
                "TRANSFER",
                name="ck_handover_handoverkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "mode",
            sa.Enum(
                "EVEN_SPLIT",
                "ASSIGN",
                "CUSTOM",
                name="ck_handover_handovermode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("from_clerk_id", sa.BigInteger(), nullable=True),
        sa.Column("from_store_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "RUNNING",
                "DONE",
                name="ck_handover_handoverstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor", sa.TEXT(), nullable=False),
        sa.Column("why", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["from_clerk_id"], ["clerk.id"], name=op.f("fk_handover_from_clerk_id")),
        sa.ForeignKeyConstraint(["from_store_id"], ["store.id"], name=op.f("fk_handover_from_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
        sa.UniqueConstraint("number", name=op.f("uq_handover_number")),
    )
    op.create_index("ix_handover_from_clerk", "handover", ["from_clerk_id", "id"], unique=False)
    op.create_index("ix_handover_from_store", "handover", ["from_store_id", "id"], unique=False)
    op.create_index(
        "ix_handover_running", "handover", ["id"], unique=False, postgresql_where="state = 'RUNNING'"
    )
    op.create_table(
        "handover_move",
        sa.Column("handover_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("from_binding_id", sa.BigInteger(), nullable=False),
        sa.Column("to_clerk_id", sa.BigInteger(), nullable=True),
        sa.Column("to_store_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "PLANNED",
                "MOVED",
                "SKIPPED",
                "REFUSED",
                name="ck_handover_move_movestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("to_binding_id", sa.BigInteger(), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["from_binding_id"], ["service_binding.id"], name=op.f("fk_handover_move_from_binding_id")
        ),
        sa.ForeignKeyConstraint(["handover_id"], ["handover.id"], name=op.f("fk_handover_move_handover_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_handover_move_member_id")),
        sa.ForeignKeyConstraint(
            ["to_binding_id"], ["service_binding.id"], name=op.f("fk_handover_move_to_binding_id")
        ),
        sa.ForeignKeyConstraint(["to_clerk_id"], ["clerk.id"], name=op.f("fk_handover_move_to_clerk_id")),
        sa.ForeignKeyConstraint(["to_store_id"], ["store.id"], name=op.f("fk_handover_move_to_store_id")),
        sa.PrimaryKeyConstraint("handover_id", "member_id", name=op.f("pk_handover_move")),
    )
    op.create_index("ix_handover_move_member", "handover_move", ["member_id", "handover_id"], unique=False)
    op.create_index(
        "ix_handover_move_planned",
        "handover_move",
        ["handover_id", "member_id"],
        unique=False,
        postgresql_where="state = 'PLANNED'",
    )
    op.add_column("legal_entity", sa.Column("contract_ends_on", sa.Date(), nullable=True))


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
