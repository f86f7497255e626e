"""Tills: keys, used numbers, receipts, orders of unknown buyers, money that did not come through WeChat Pay.

Revision ID: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and widen orders and payments."""
    _tables()
    op.alter_column("orders", "member_id", nullable=True)
    op.alter_column("orders", "identity_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_orders_buyer"),
        "orders",
        "origin = 'POS' or (member_id is not null and identity_id is not null)",
    )
    op.drop_constraint(op.f("ck_orders_fulfilmenttype"), "orders")
    op.create_check_constraint(
        op.f("ck_orders_fulfilmenttype"),
        "orders",
        "fulfilment in ('PICKUP', 'EXPRESS', 'STORE_DELIVERY', 'CARRY_OUT')",
    )
    op.add_column(
        "payment",
        sa.Column(
            "channel",
            sa.Enum(
                "WECHAT",
                "POS",
                name="ck_payment_paymentchannel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="WECHAT",
            nullable=False,
        ),
    )
    for name in ("appid", "mchid", "payer_openid"):
        op.alter_column("payment", name, nullable=True)
    op.create_check_constraint(
        op.f("ck_payment_wechat"),
        "payment",
        "channel <> 'WECHAT' or (appid is not null and mchid is not null and payer_openid is not null)",
    )


def _tables() -> None:
    op.create_table(
        "pos_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.TEXT(), nullable=False),
        sa.Column("secret_sealed", sa.TEXT(), nullable=False),
        sa.Column("created_by", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.TEXT(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_pos_key_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pos_key")),
        sa.UniqueConstraint("code", name=op.f("uq_pos_key_code")),
    )
    op.create_index("ix_pos_key_store", "pos_key", ["store_id"])
    op.create_table(
        "pos_nonce",
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("nonce", sa.TEXT(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["pos_key.id"], name=op.f("fk_pos_nonce_key_id")),
        sa.PrimaryKeyConstraint("key_id", "nonce", name=op.f("pk_pos_nonce")),
    )
    op.create_index(op.f("ix_pos_nonce_seen_at"), "pos_nonce", ["seen_at"])
    op.create_table(
        "pos_receipt",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "SALE",
                "RETURN",
                name="ck_pos_receipt_receiptkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("input_hash", sa.TEXT(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(kind = 'RETURN') = (refund_id is not null)", name=op.f("ck_pos_receipt_refund")),
        sa.ForeignKeyConstraint(["key_id"], ["pos_key.id"], name=op.f("fk_pos_receipt_key_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_pos_receipt_order_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_pos_receipt_refund_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_pos_receipt_store_id")),
        sa.PrimaryKeyConstraint("store_id", "kind", "number", name=op.f("pk_pos_receipt")),
    )
    op.create_index("ix_pos_receipt_order", "pos_receipt", ["order_id"])


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
