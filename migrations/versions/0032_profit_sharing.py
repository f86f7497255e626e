"""Profit sharing: payments that are opened for it, who receives, what was shared.

Revision ID: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    """Add the column and create the tables."""
    op.add_column(
        "payment", sa.Column("profit_sharing", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_index(
        "ix_payment_sharing",
        "payment",
        ["id"],
        postgresql_where=sa.text("profit_sharing and state = 'SUCCESS'"),
    )
    _receivers()
    _orders()


def _receivers() -> None:
    op.create_table(
        "sharing_receiver",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("entity", sa.TEXT(), nullable=False),
        sa.Column("mchid", sa.TEXT(), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column(
            "relation",
            _choice(
                "ck_sharing_receiver_receiverrelation",
                "STORE",
                "PARTNER",
                "HEADQUARTER",
                "BRAND",
                "DISTRIBUTOR",
                "SUPPLIER",
                "SERVICE_PROVIDER",
            ),
            nullable=False,
        ),
        sa.Column("made_by", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.TEXT(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_receiver")),
    )
    for column in ("entity", "mchid"):
        op.create_index(
            f"uq_sharing_receiver_{column}",
            "sharing_receiver",
            [column],
            unique=True,
            postgresql_where=sa.text("ended_at is null"),
        )


def _orders() -> None:
    op.create_table(
        "sharing_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("kind", _choice("ck_sharing_order_sharingkind", "SHARE", "UNFREEZE"), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.TEXT(), nullable=False),
        sa.Column("transaction_id", sa.TEXT(), nullable=False),
        sa.Column("appid", sa.TEXT(), nullable=False),
        sa.Column("mchid", sa.TEXT(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            _choice("ck_sharing_order_sharingstate", "READY", "ASKED", "DONE", "FAILED"),
            nullable=False,
        ),
        sa.Column("problem", sa.TEXT(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checks", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'SHARE') = (amount_fen > 0) and amount_fen >= 0", name=op.f("ck_sharing_order_amount")
        ),
        sa.CheckConstraint(
            "(state in ('DONE', 'FAILED')) = (ended_at is not null)", name=op.f("ck_sharing_order_ended")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_sharing_order_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_order")),
        sa.UniqueConstraint("number", name=op.f("uq_sharing_order_number")),
        sa.UniqueConstraint("payment_id", "kind", name=op.f("uq_sharing_order_payment_id_kind")),
    )
    op.create_index(
        "ix_sharing_order_due",
        "sharing_order",
        ["next_at"],
        postgresql_where=sa.text("state in ('READY', 'ASKED')"),
    )
    op.create_table(
        "sharing_part",
        sa.Column("sharing_id", sa.BigInteger(), nullable=False),
        sa.Column("entity", sa.TEXT(), nullable=False),
        sa.Column("account", sa.TEXT(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("result", _choice("ck_sharing_part_partresult", "SUCCESS", "CLOSED"), nullable=True),
        sa.Column("fail_reason", sa.TEXT(), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_sharing_part_amount")),
        sa.ForeignKeyConstraint(
            ["sharing_id"], ["sharing_order.id"], name=op.f("fk_sharing_part_sharing_id")
        ),
        sa.PrimaryKeyConstraint("sharing_id", "entity", name=op.f("pk_sharing_part")),
        sa.UniqueConstraint("sharing_id", "account", name=op.f("uq_sharing_part_sharing_id_account")),
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
