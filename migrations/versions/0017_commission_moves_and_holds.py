"""Shares that are moved, held or paused.

Revision ID: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

STATES = "'FROZEN', 'RELEASABLE', 'IN_BATCH', 'SETTLED', 'HELD', 'REVERSED', 'MOVED', 'WRITTEN_OFF'"
KINDS = "'ACCRUE', 'REVERSE', 'RELEASE', 'MOVE_OUT', 'MOVE_IN', 'SETTLE', 'WRITE_OFF'"
NEW = (
    ("commission_line", "moved_base_fen"),
    ("commission_line", "moved_pool_fen"),
    ("commission_share", "moved_fen"),
    ("commission_share", "settled_fen"),
    ("commission_share", "written_off_fen"),
)


def upgrade() -> None:
    """Let shares be handed on, held by several causes, and tell which account each entry changed."""
    for table, column in NEW:
        op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
        op.alter_column(table, column, server_default=None)
    op.add_column("commission_share", sa.Column("released_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("commission_share", sa.Column("move_id", sa.BigInteger(), nullable=True))
    _make_tables()
    _change_lines_and_shares()
    _change_entries()


def _make_tables() -> None:
    op.create_table(
        "commission_move",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("share_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.TEXT(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("because", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_commission_move_amount")),
        sa.ForeignKeyConstraint(
            ["share_id"], ["commission_share.id"], name=op.f("fk_commission_move_share_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_move")),
        sa.UniqueConstraint("share_id", "cause", name=op.f("uq_commission_move_share_id_cause")),
    )
    op.create_table(
        "commission_hold",
        sa.Column("share_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.TEXT(), nullable=False),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["share_id"], ["commission_share.id"], name=op.f("fk_commission_hold_share_id")
        ),
        sa.PrimaryKeyConstraint("share_id", "cause", name=op.f("pk_commission_hold")),
    )
    op.create_index(
        "ix_commission_hold_open", "commission_hold", ["share_id"], postgresql_where="lifted_at is null"
    )
    op.create_index("ix_commission_hold_cause", "commission_hold", ["cause"])
    op.create_table(
        "commission_pause",
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.TEXT(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["order_line_id"],
            ["commission_line.order_line_id"],
            name=op.f("fk_commission_pause_order_line_id"),
        ),
        sa.PrimaryKeyConstraint("order_line_id", "cause", name=op.f("pk_commission_pause")),
    )
    op.create_index(
        "ix_commission_pause_open", "commission_pause", ["order_line_id"], postgresql_where="ended_at is null"
    )
    op.create_index("ix_commission_pause_cause", "commission_pause", ["cause"])


def _change_lines_and_shares() -> None:
    for table, name in (
        ("commission_line", "pool"),
        ("commission_line", "base"),
        ("commission_share", "reversed"),
        ("commission_share", "sharestate"),
    ):
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    for table, name, sql in (
        ("commission_line", "amounts", "pool_fen >= 0 and reversed_fen >= 0 and moved_pool_fen >= 0"),
        ("commission_line", "pool", "reversed_fen + moved_pool_fen <= pool_fen"),
        ("commission_line", "parts", "refunded_base_fen >= 0 and moved_base_fen >= 0"),
        ("commission_line", "base", "refunded_base_fen + moved_base_fen <= base_fen"),
        ("commission_share", "parts", "reversed_fen >= 0 and moved_fen >= 0"),
        ("commission_share", "left", "reversed_fen + moved_fen <= accrued_fen"),
        ("commission_share", "settled", "settled_fen >= 0 and written_off_fen >= 0"),
        ("commission_share", "sharestate", f"state in ({STATES})"),
    ):
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, sql)
    op.drop_constraint(op.f("uq_commission_share_order_line_id_role_party"), "commission_share")
    op.create_unique_constraint(
        op.f("uq_commission_share_order_line_id_role_party_move_id"),
        "commission_share",
        ["order_line_id", "role", "party", "move_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_foreign_key(
        op.f("fk_commission_share_move_id"), "commission_share", "commission_move", ["move_id"], ["id"]
    )
    op.create_index(
        "ix_commission_share_due",
        "commission_share",
        ["party", "id"],
        postgresql_where="released_at is not null"
        " and accrued_fen - reversed_fen - moved_fen - settled_fen + written_off_fen <> 0",
    )
    op.execute(
        "update commission_share s set released_at = e.at from commission_entry e"
        " where e.share_id = s.id and e.kind = 'RELEASE'"
    )
    # A share of nothing has no entry; it was released with its line.
    op.execute(
        "update commission_share s set released_at = l.released_at from commission_line l"
        " where l.order_line_id = s.order_line_id and s.released_at is null and s.accrued_fen = 0"
    )


def _change_entries() -> None:
    op.add_column("commission_entry", sa.Column("party", sa.TEXT(), nullable=True))
    op.add_column("commission_entry", sa.Column("certain", sa.Boolean(), nullable=True))
    op.add_column("commission_entry", sa.Column("move_id", sa.BigInteger(), nullable=True))
    op.add_column("commission_entry", sa.Column("batch_id", sa.BigInteger(), nullable=True))
    op.execute("alter table commission_entry disable trigger commission_entry_append_only")
    op.execute(
        "update commission_entry e set party = s.party, certain = e.kind = 'RELEASE' or a.name like 'payable:%'"
        " from commission_share s, ledger_transfer t, ledger_account a"
        " where s.id = e.share_id and t.id = e.transfer_id and a.id = t.debit_account_id"
    )
    op.execute("alter table commission_entry enable trigger commission_entry_append_only")
    op.alter_column("commission_entry", "party", nullable=False)
    op.alter_column("commission_entry", "certain", nullable=False)
    op.create_foreign_key(
        op.f("fk_commission_entry_move_id"), "commission_entry", "commission_move", ["move_id"], ["id"]
    )
    op.drop_constraint(op.f("ck_commission_entry_entrykind"), "commission_entry")
    op.drop_constraint(op.f("ck_commission_entry_sign"), "commission_entry")
    for name, sql in (
        ("entrykind", f"kind in ({KINDS})"),
        (
            "sign",
            "case when kind in ('REVERSE', 'MOVE_OUT') then amount_fen < 0"
            " when kind = 'SETTLE' then amount_fen <> 0 else amount_fen > 0 end",
        ),
        ("move", "(kind in ('MOVE_OUT', 'MOVE_IN')) = (move_id is not null)"),
        ("batch", "(kind = 'SETTLE') = (batch_id is not null)"),
    ):
        op.create_check_constraint(op.f(f"ck_commission_entry_{name}"), "commission_entry", sql)
    op.create_index("ix_commission_entry_party", "commission_entry", ["party", "at", "id"])
    op.create_index(
        "uq_commission_entry_move",
        "commission_entry",
        ["share_id", "move_id"],
        unique=True,
        postgresql_where="kind in ('MOVE_OUT', 'MOVE_IN')",
    )
    op.create_index(
        "uq_commission_entry_settle",
        "commission_entry",
        ["share_id", "batch_id"],
        unique=True,
        postgresql_where="kind = 'SETTLE'",
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
