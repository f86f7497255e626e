"""Double entry and what each party earns.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of this room."""
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint("name", name=op.f("uq_ledger_account_name")),
    )
    op.create_table(
        "ledger_transfer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.TEXT(), nullable=False),
        sa.Column("kind", sa.TEXT(), nullable=False),
        sa.Column("cause", sa.TEXT(), nullable=False),
        sa.Column("debit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_ledger_transfer_amount")),
        sa.CheckConstraint(
            "debit_account_id <> credit_account_id", name=op.f("ck_ledger_transfer_two_accounts")
        ),
        sa.ForeignKeyConstraint(
            ["credit_account_id"], ["ledger_account.id"], name=op.f("fk_ledger_transfer_credit_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["debit_account_id"], ["ledger_account.id"], name=op.f("fk_ledger_transfer_debit_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transfer")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_transfer_key")),
    )
    op.create_index("ix_ledger_transfer_cause", "ledger_transfer", ["cause"], unique=False)
    op.create_index("ix_ledger_transfer_credit", "ledger_transfer", ["credit_account_id", "id"], unique=False)
    op.create_index("ix_ledger_transfer_debit", "ledger_transfer", ["debit_account_id", "id"], unique=False)
    op.create_table(
        "commission_line",
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.TEXT(), nullable=False),
        sa.Column("sku_code", sa.TEXT(), nullable=False),
        sa.Column("goods", sa.TEXT(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("selling_entity", sa.TEXT(), nullable=False),
        sa.Column("aftersale_days", sa.BigInteger(), nullable=False),
        sa.Column("settle_delay_days", sa.BigInteger(), nullable=False),
        sa.Column("base_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_base_fen", sa.BigInteger(), nullable=False),
        sa.Column("pool_bp", sa.BigInteger(), nullable=False),
        sa.Column("pool_fen", sa.BigInteger(), nullable=False),
        sa.Column("reversed_fen", sa.BigInteger(), nullable=False),
        sa.Column("accrued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("releasable_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "pool_fen >= 0 and reversed_fen between 0 and pool_fen", name=op.f("ck_commission_line_pool")
        ),
        sa.CheckConstraint("refunded_base_fen between 0 and base_fen", name=op.f("ck_commission_line_base")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_commission_line_order_id")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_commission_line_order_line_id")
        ),
        sa.PrimaryKeyConstraint("order_line_id", name=op.f("pk_commission_line")),
    )
    op.create_index(
        "ix_commission_line_due",
        "commission_line",
        ["releasable_at"],
        unique=False,
        postgresql_where="released_at is null",
    )
    op.create_index(op.f("ix_commission_line_order_id"), "commission_line", ["order_id"], unique=False)
    op.create_table(
        "commission_share",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "ACQ_CLERK",
                "ACQ_STORE",
                "SVC_CLERK",
                "SELL_CLERK",
                "FULFIL_STORE",
                "HQ",
                name="ck_commission_share_role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "party_kind",
            sa.Enum(
                "CLERK",
                "STORE",
                "ENTITY",
                name="ck_commission_share_partykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("party", sa.TEXT(), nullable=False),
        sa.Column("accrued_fen", sa.BigInteger(), nullable=False),
        sa.Column("reversed_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "FROZEN",
                "RELEASABLE",
                "IN_BATCH",
                "SETTLED",
                "HELD",
                "REVERSED",
                name="ck_commission_share_sharestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("earned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "accrued_fen >= 0 and reversed_fen between 0 and accrued_fen",
            name=op.f("ck_commission_share_reversed"),
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"],
            ["commission_line.order_line_id"],
            name=op.f("fk_commission_share_order_line_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_share")),
        sa.UniqueConstraint(
            "order_line_id", "role", "party", name=op.f("uq_commission_share_order_line_id_role_party")
        ),
    )
    op.create_index(
        "ix_commission_share_party", "commission_share", ["party", "earned_at", "id"], unique=False
    )
    op.create_table(
        "commission_reversal",
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("base_fen", sa.BigInteger(), nullable=False),
        sa.Column("pool_fen", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("base_fen > 0 and pool_fen >= 0", name=op.f("ck_commission_reversal_amounts")),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_commission_reversal_refund_id")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_commission_reversal_order_line_id")
        ),
        sa.PrimaryKeyConstraint("refund_id", "order_line_id", name=op.f("pk_commission_reversal")),
    )
    op.create_index("ix_commission_reversal_line", "commission_reversal", ["order_line_id"], unique=False)
    op.create_table(
        "commission_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("share_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "ACCRUE",
                "REVERSE",
                "RELEASE",
                name="ck_commission_entry_entrykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'REVERSE') = (amount_fen < 0)", name=op.f("ck_commission_entry_sign")),
        sa.CheckConstraint(
            "(kind = 'REVERSE') = (refund_id is not null)", name=op.f("ck_commission_entry_refund")
        ),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_commission_entry_refund_id")),
        sa.ForeignKeyConstraint(
            ["share_id"], ["commission_share.id"], name=op.f("fk_commission_entry_share_id")
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["ledger_transfer.id"], name=op.f("fk_commission_entry_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_entry")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_commission_entry_transfer_id")),
    )
    op.create_index("ix_commission_entry_share", "commission_entry", ["share_id"], unique=False)
    op.create_index(
        "uq_commission_entry_accrue",
        "commission_entry",
        ["share_id"],
        unique=True,
        postgresql_where="kind = 'ACCRUE'",
    )
    op.create_index(
        "uq_commission_entry_reverse",
        "commission_entry",
        ["share_id", "refund_id"],
        unique=True,
        postgresql_where="kind = 'REVERSE'",
    )
    op.execute(
        "create trigger ledger_transfer_append_only before update or delete on ledger_transfer"
        " for each row execute function refuse_change()"
    )
    op.execute(
        "create trigger commission_entry_append_only before update or delete on commission_entry"
        " for each row execute function refuse_change()"
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
