"""Orders, pick-up, payments and refunds.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of this room."""
    op.create_table(
        "idempotent_answer",
        sa.Column("caller", sa.TEXT(), nullable=False),
        sa.Column("key", sa.TEXT(), nullable=False),
        sa.Column("operation", sa.TEXT(), nullable=False),
        sa.Column("input_hash", sa.TEXT(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotent_answer")),
    )
    op.create_index(
        op.f("ix_idempotent_answer_created_at"), "idempotent_answer", ["created_at"], unique=False
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("identity_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "CREATED",
                "PAID",
                "ALLOCATED",
                "FULFILLING",
                "COMPLETED",
                "CLOSED",
                "CANCELLED",
                name="ck_orders_orderstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum(
                "ONLINE",
                "STORE",
                "POS",
                name="ck_orders_orderorigin",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("selling_entity_id", sa.BigInteger(), nullable=False),
        sa.Column("selling_store_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "fulfilment",
            sa.Enum(
                "PICKUP",
                "EXPRESS",
                "STORE_DELIVERY",
                name="ck_orders_fulfilmenttype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "fulfilment_state",
            sa.Enum(
                "WAITING",
                "READY",
                "PICKED_UP",
                "STOPPED",
                name="ck_orders_fulfilmentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("pickup_store_id", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("goods_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("freight_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.TEXT(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.TEXT(), nullable=True),
        sa.CheckConstraint(
            "amount_fen = goods_fen - discount_fen + freight_fen", name=op.f("ck_orders_amount")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_orders_positive")),
        sa.CheckConstraint("refunded_fen between 0 and paid_fen", name=op.f("ck_orders_refunded")),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name=op.f("fk_orders_identity_id")),
        sa.ForeignKeyConstraint(["location_id"], ["stock_location.id"], name=op.f("fk_orders_location_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_orders_member_id")),
        sa.ForeignKeyConstraint(["pickup_store_id"], ["store.id"], name=op.f("fk_orders_pickup_store_id")),
        sa.ForeignKeyConstraint(
            ["selling_entity_id"], ["legal_entity.id"], name=op.f("fk_orders_selling_entity_id")
        ),
        sa.ForeignKeyConstraint(["selling_store_id"], ["store.id"], name=op.f("fk_orders_selling_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index("ix_orders_member", "orders", ["member_id", "id"], unique=False)
    op.create_index("ix_orders_pickup_store", "orders", ["pickup_store_id", "id"], unique=False)
    op.create_index(
        "ix_orders_unpaid", "orders", ["expires_at"], unique=False, postgresql_where="state = 'CREATED'"
    )
    op.create_table(
        "pickup_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("clerk_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.TEXT(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_pickup_attempt_clerk_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_pickup_attempt_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pickup_attempt")),
    )
    op.create_index("ix_pickup_attempt_clerk", "pickup_attempt", ["clerk_id", "at"], unique=False)
    op.create_table(
        "order_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.TEXT(), nullable=True),
        sa.Column("to_state", sa.TEXT(), nullable=False),
        sa.Column("fulfilment_state", sa.TEXT(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.TEXT(), nullable=False),
        sa.Column("reason", sa.TEXT(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_event_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_event")),
        sa.UniqueConstraint("order_id", "version", name=op.f("uq_order_event_order_id_version")),
    )
    op.create_table(
        "order_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("sku_code", sa.TEXT(), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column("spec", sa.TEXT(), nullable=False),
        sa.Column("category_code", sa.TEXT(), nullable=False),
        sa.Column("exemption", sa.TEXT(), nullable=False),
        sa.Column("min_age", sa.BigInteger(), nullable=True),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("unit_price_fen", sa.BigInteger(), nullable=False),
        sa.Column("unit_list_fen", sa.BigInteger(), nullable=False),
        sa.Column("discount_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_qty", sa.BigInteger(), nullable=False),
        sa.Column("base_fen", sa.BigInteger(), nullable=False),
        sa.Column("pool_bp", sa.BigInteger(), nullable=False),
        sa.Column("credit_snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "amount_fen = qty * unit_price_fen - discount_fen", name=op.f("ck_order_line_amount")
        ),
        sa.CheckConstraint("discount_fen >= 0 and amount_fen >= 0", name=op.f("ck_order_line_discount")),
        sa.CheckConstraint("qty > 0", name=op.f("ck_order_line_qty")),
        sa.CheckConstraint("refunded_fen between 0 and amount_fen", name=op.f("ck_order_line_refunded")),
        sa.CheckConstraint("refunded_qty between 0 and qty", name=op.f("ck_order_line_refunded_qty")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_line_order_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_order_line_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "line_no", name=op.f("uq_order_line_order_id_line_no")),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("out_trade_no", sa.TEXT(), nullable=False),
        sa.Column("transaction_id", sa.TEXT(), nullable=True),
        sa.Column("appid", sa.TEXT(), nullable=False),
        sa.Column("mchid", sa.TEXT(), nullable=False),
        sa.Column("payer_openid", sa.TEXT(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "PREPARED",
                "SUCCESS",
                "EXCESS",
                "CLOSED",
                "MISMATCH",
                name="ck_payment_paymentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("prepay_id", sa.TEXT(), nullable=True),
        sa.Column("prepay_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.TEXT(), nullable=True),
        sa.CheckConstraint(
            "(state in ('SUCCESS', 'EXCESS')) <= (transaction_id is not null)",
            name=op.f("ck_payment_transaction"),
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payment_amount")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payment_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_payment_out_trade_no")),
        sa.UniqueConstraint("transaction_id", name=op.f("uq_payment_transaction_id")),
    )
    op.create_index(
        "ix_payment_open", "payment", ["next_check_at"], unique=False, postgresql_where="state = 'PREPARED'"
    )
    op.create_index("ix_payment_order", "payment", ["order_id"], unique=False)
    op.create_index(
        "uq_payment_success", "payment", ["order_id"], unique=True, postgresql_where="state = 'SUCCESS'"
    )
    op.create_table(
        "pickup_code",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("draw", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_by_clerk_id", sa.BigInteger(), nullable=True),
        sa.Column("void_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_pickup_code_order_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_pickup_code_store_id")),
        sa.ForeignKeyConstraint(
            ["used_by_clerk_id"], ["clerk.id"], name=op.f("fk_pickup_code_used_by_clerk_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_pickup_code")),
    )
    op.create_index(
        "uq_pickup_code_active",
        "pickup_code",
        ["store_id", "code_hash"],
        unique=True,
        postgresql_where="used_at is null and void_at is null",
    )
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("out_refund_no", sa.TEXT(), nullable=False),
        sa.Column("refund_id", sa.TEXT(), nullable=True),
        sa.Column(
            "cause",
            sa.Enum(
                "AFTER_SALE",
                "CANCEL",
                "EXCESS",
                name="ck_refund_refundcause",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.TEXT(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "REQUESTED",
                "PROCESSING",
                "SUCCESS",
                "ABNORMAL",
                "CLOSED",
                "REFUSED",
                name="ck_refund_refundstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.TEXT(), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_refund_amount")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refund_order_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_refund_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("out_refund_no", name=op.f("uq_refund_out_refund_no")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_refund_refund_id")),
    )
    op.create_index(
        "ix_refund_open",
        "refund",
        ["next_check_at"],
        unique=False,
        postgresql_where="state in ('REQUESTED', 'PROCESSING')",
    )
    op.create_index("ix_refund_order", "refund", ["order_id"], unique=False)
    op.create_index("ix_refund_payment", "refund", ["payment_id"], unique=False)
    op.create_index(
        "uq_refund_excess", "refund", ["payment_id"], unique=True, postgresql_where="cause = 'EXCESS'"
    )
    op.create_table(
        "refund_line",
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0 and qty >= 0", name=op.f("ck_refund_line_amount")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_refund_line_order_line_id")
        ),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_refund_line_refund_id")),
        sa.PrimaryKeyConstraint("refund_id", "order_line_id", name=op.f("pk_refund_line")),
    )
    op.create_index(op.f("ix_refund_line_order_line_id"), "refund_line", ["order_line_id"], unique=False)
    op.execute(
        "create trigger order_event_append_only before update or delete on order_event"
        " for each row execute function refuse_change()"
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
