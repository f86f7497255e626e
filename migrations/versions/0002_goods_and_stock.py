"""Catalogue, stock and its movements.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of this room."""
    op.create_table(
        "category",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column("name_en", sa.TEXT(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint("code", name=op.f("uq_category_code")),
    )
    op.create_table(
        "reservation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "ACTIVE",
                "CONSUMED",
                "RELEASED",
                "EXPIRED",
                name="ck_reservation_reservationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("qty > 0", name=op.f("ck_reservation_qty")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservation")),
    )
    op.create_index(op.f("ix_reservation_order_id"), "reservation", ["order_id"], unique=False)
    op.create_index(
        "uq_reservation_active_line",
        "reservation",
        ["order_line_id"],
        unique=True,
        postgresql_where="state = 'ACTIVE'",
    )
    op.create_table(
        "stock_movement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "RECEIPT",
                "SALE",
                "RETURN_GOOD",
                "RETURN_BAD",
                "TRANSFER_OUT",
                "TRANSFER_IN",
                "COUNT_ADJ",
                "RESERVE",
                "RELEASE",
                "EXPIRE",
                name="ck_stock_movement_movementkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("on_hand_delta", sa.BigInteger(), nullable=False),
        sa.Column("reserved_delta", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.TEXT(), nullable=False),
        sa.Column("actor", sa.TEXT(), nullable=False),
        sa.CheckConstraint("on_hand_delta <> 0 or reserved_delta <> 0", name=op.f("ck_stock_movement_moves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movement")),
        sa.UniqueConstraint(
            "kind", "ref", "sku_id", "location_id", name=op.f("uq_stock_movement_kind_ref_sku_id_location_id")
        ),
    )
    op.create_index("ix_stock_movement_sku", "stock_movement", ["sku_id", "location_id"], unique=False)
    op.create_table(
        "product",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column("name_en", sa.TEXT(), nullable=False),
        sa.Column("description", sa.TEXT(), nullable=False),
        sa.Column("handling", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("min_age", sa.BigInteger(), nullable=True),
        sa.Column(
            "exemption",
            sa.Enum(
                "NONE",
                "STATUTORY",
                "BY_NATURE",
                name="ck_product_exemption",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "ON",
                "OFF",
                name="ck_product_salestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("from_fen", sa.BigInteger(), nullable=False),
        sa.Column("search_terms", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("from_fen >= 0", name=op.f("ck_product_from_fen")),
        sa.ForeignKeyConstraint(["category_id"], ["category.id"], name=op.f("fk_product_category_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("code", name=op.f("uq_product_code")),
    )
    op.create_index("ix_product_category_newest", "product", ["category_id", "listed_at", "id"], unique=False)
    op.create_index("ix_product_category_price", "product", ["category_id", "from_fen", "id"], unique=False)
    op.create_index("ix_product_newest", "product", ["listed_at", "id"], unique=False)
    op.create_index("ix_product_price", "product", ["from_fen", "id"], unique=False)
    op.create_index("ix_product_search", "product", ["search_terms"], unique=False, postgresql_using="gin")
    op.create_table(
        "sku",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("spec", sa.TEXT(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("list_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "ON", "OFF", name="ck_sku_salestatus", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("list_fen >= price_fen", name=op.f("ck_sku_list_fen")),
        sa.CheckConstraint("price_fen > 0", name=op.f("ck_sku_price_fen")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_sku_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sku")),
        sa.UniqueConstraint("code", name=op.f("uq_sku_code")),
    )
    op.create_index(op.f("ix_sku_product_id"), "sku", ["product_id"], unique=False)
    op.create_table(
        "stock_location",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "STORE",
                "WAREHOUSE",
                name="ck_stock_location_locationkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lng", sa.Double(), nullable=True),
        sa.Column("daily_capacity", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_stock_location_entity_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_stock_location_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_location")),
        sa.UniqueConstraint("code", name=op.f("uq_stock_location_code")),
        sa.UniqueConstraint("store_id", name=op.f("uq_stock_location_store_id")),
    )
    op.create_table(
        "price_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("list_fen", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.TEXT(), nullable=False),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_price_change_sku_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_change")),
    )
    op.create_index("ix_price_change_sku", "price_change", ["sku_id", "changed_at"], unique=False)
    op.create_table(
        "stock",
        sa.Column("sku_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("safety", sa.BigInteger(), nullable=False),
        sa.Column("incoming", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_on_hand")),
        sa.CheckConstraint("reserved >= 0 and reserved <= on_hand", name=op.f("ck_stock_reserved")),
        sa.CheckConstraint("safety >= 0", name=op.f("ck_stock_safety")),
        sa.ForeignKeyConstraint(["location_id"], ["stock_location.id"], name=op.f("fk_stock_location_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["sku.id"], name=op.f("fk_stock_sku_id")),
        sa.PrimaryKeyConstraint("sku_id", "location_id", name=op.f("pk_stock")),
    )
    op.create_index("ix_stock_location", "stock", ["location_id", "sku_id"], unique=False)
    op.execute(
        """
        create function refuse_change() returns trigger language plpgsql as $$
        begin
            raise exception '% is append-only: % refused', tg_table_name, tg_op using errcode = 'restrict_violation';
        end $$
        """
    )
    op.execute(
        "create trigger stock_movement_append_only before update or delete on stock_movement"
        " for each row execute function refuse_change()"
    )
    op.execute(
        "create trigger price_change_append_only before update or delete on price_change"
        " for each row execute function refuse_change()"
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
