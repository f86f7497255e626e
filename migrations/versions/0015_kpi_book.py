"""The KPI book and its first weights (KPI-1), and what its sweep needs to find uncounted rows.

Revision ID: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

SCENARIOS = ("ONLINE_DC", "ONLINE_STORE", "SHELF_DC", "SHELF_STORE", "POS")
ROLES = ("ONLINE", "SELL_STORE", "ACQ_STORE", "FULFIL_STORE")
APPEND_ONLY = ("kpi_weight", "kpi_sale", "kpi_return", "kpi_credit", "kpi_clerk_credit", "kpi_follow")


def _choice(values: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create the tables, the first weights, and the marks that the sweep sets."""
    _weights()
    _lines()
    _credit()
    _clerks()
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete on {table}"
            " for each row execute function refuse_change()"
        )
    _marks()


def _weights() -> None:
    op.create_table(
        "kpi_weight",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scenario", _choice(SCENARIOS, "ck_kpi_weight_scenario"), nullable=False),
        _moment("effective_from"),
        sa.Column("online_bp", sa.BigInteger(), nullable=False),
        sa.Column("sell_bp", sa.BigInteger(), nullable=False),
        sa.Column("acq_bp", sa.BigInteger(), nullable=False),
        sa.Column("fulfil_bp", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "online_bp + sell_bp + acq_bp + fulfil_bp = 10000", name=op.f("ck_kpi_weight_whole")
        ),
        sa.CheckConstraint(
            "least(online_bp, sell_bp, acq_bp, fulfil_bp) >= 0", name=op.f("ck_kpi_weight_positive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kpi_weight")),
        sa.UniqueConstraint("scenario", "effective_from", name=op.f("uq_kpi_weight_scenario_effective_from")),
    )
    op.execute(
        "insert into kpi_weight (scenario, effective_from, online_bp, sell_bp, acq_bp, fulfil_bp, created_by)"
        " values ('ONLINE_DC', '2000-01-01', 7000, 0, 3000, 0, 'default'),"
        " ('ONLINE_STORE', '2000-01-01', 4000, 0, 2000, 4000, 'default'),"
        " ('SHELF_DC', '2000-01-01', 2000, 8000, 0, 0, 'default'),"
        " ('SHELF_STORE', '2000-01-01', 1500, 6000, 0, 2500, 'default'),"
        " ('POS', '2000-01-01', 0, 10000, 0, 0, 'default')"
    )


def _lines() -> None:
    op.create_table(
        "kpi_sale",
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("scenario", _choice(SCENARIOS, "ck_kpi_sale_scenario"), nullable=False),
        sa.Column("weight_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_kpi_sale_order_line_id")),
        sa.ForeignKeyConstraint(["weight_id"], ["kpi_weight.id"], name=op.f("fk_kpi_sale_weight_id")),
        sa.PrimaryKeyConstraint("order_line_id", name=op.f("pk_kpi_sale")),
    )
    op.create_table(
        "kpi_return",
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_kpi_return_amount")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["kpi_sale.order_line_id"], name=op.f("fk_kpi_return_order_line_id")
        ),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_kpi_return_refund_id")),
        sa.PrimaryKeyConstraint("refund_id", "order_line_id", name=op.f("pk_kpi_return")),
    )
    op.create_index(op.f("ix_kpi_return_order_line_id"), "kpi_return", ["order_line_id"])


def _credit() -> None:
    op.create_table(
        "kpi_credit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("role", _choice(ROLES, "ck_kpi_credit_kpirole"), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(refund_id is null and amount_fen >= 0) or amount_fen <= 0", name=op.f("ck_kpi_credit_sign")
        ),
        sa.CheckConstraint("(role = 'ONLINE') = (store_id is null)", name=op.f("ck_kpi_credit_party")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["kpi_sale.order_line_id"], name=op.f("fk_kpi_credit_order_line_id")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_kpi_credit_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kpi_credit")),
    )
    _once("kpi_credit", "role")
    op.create_index(
        "ix_kpi_credit_store", "kpi_credit", ["store_id", "day"], postgresql_include=["amount_fen"]
    )


def _clerks() -> None:
    op.create_table(
        "kpi_clerk_credit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), nullable=True),
        sa.Column("clerk_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(refund_id is null and amount_fen >= 0 and qty > 0) or (amount_fen <= 0 and qty <= 0)",
            name=op.f("ck_kpi_clerk_credit_sign"),
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["kpi_sale.order_line_id"], name=op.f("fk_kpi_clerk_credit_order_line_id")
        ),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_kpi_clerk_credit_clerk_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kpi_clerk_credit")),
    )
    _once("kpi_clerk_credit", "clerk_id")
    op.create_index(
        "ix_kpi_clerk_credit_clerk",
        "kpi_clerk_credit",
        ["clerk_id", "day"],
        postgresql_include=["amount_fen", "qty", "order_id", "member_id"],
    )
    op.create_table(
        "kpi_follow",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        _moment("measured_at"),
        sa.CheckConstraint("days in (7, 30)", name=op.f("ck_kpi_follow_days")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_kpi_follow_member_id")),
        sa.PrimaryKeyConstraint("member_id", "days", name=op.f("pk_kpi_follow")),
    )


def _once(table: str, party: str) -> None:
    op.create_index(
        f"uq_{table}_sale",
        table,
        ["order_line_id", party],
        unique=True,
        postgresql_where="refund_id is null",
    )
    op.create_index(
        f"uq_{table}_return",
        table,
        ["order_line_id", "refund_id", party],
        unique=True,
        postgresql_where="refund_id is not null",
    )


def _marks() -> None:
    op.add_column("commission_line", _moment("counted_at", nullable=True))
    op.add_column("commission_reversal", _moment("counted_at", nullable=True))
    op.create_index(
        "ix_commission_line_uncounted",
        "commission_line",
        ["order_line_id"],
        postgresql_where="counted_at is null",
    )
    op.create_index(
        "ix_commission_reversal_uncounted",
        "commission_reversal",
        ["refund_id", "order_line_id"],
        postgresql_where="counted_at is null",
    )
    op.create_index("ix_acquisition_at", "acquisition", ["acquired_at"])
    op.create_index(
        "ix_pickup_code_used",
        "pickup_code",
        ["used_by_clerk_id", "used_at"],
        postgresql_where="used_at is not null",
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
