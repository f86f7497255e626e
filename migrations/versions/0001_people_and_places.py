"""Members, legal entities, stores and clerks.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of this room."""
    op.execute("create extension if not exists btree_gist")
    op.create_table(
        "legal_entity",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "HQ",
                "FRANCHISEE",
                name="ck_legal_entity_entitykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_entity")),
        sa.UniqueConstraint("code", name=op.f("uq_legal_entity_code")),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("alias_of", sa.BigInteger(), nullable=True),
        sa.Column("phone_sealed", sa.TEXT(), nullable=True),
        sa.Column("phone_hash", sa.TEXT(), nullable=True),
        sa.Column("phone_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("alias_of is null or alias_of <> id", name=op.f("ck_member_alias")),
        sa.ForeignKeyConstraint(["alias_of"], ["member.id"], name=op.f("fk_member_alias_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("number", name=op.f("uq_member_number")),
    )
    op.create_index(op.f("ix_member_alias_of"), "member", ["alias_of"], unique=False)
    op.create_index(
        "uq_member_phone",
        "member",
        ["phone_hash"],
        unique=True,
        postgresql_where="phone_hash is not null and alias_of is null",
    )
    op.create_table(
        "used_code",
        sa.Column("code_hash", sa.TEXT(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_used_code")),
    )
    op.create_index(op.f("ix_used_code_used_at"), "used_code", ["used_at"], unique=False)
    op.create_table(
        "identity",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "app",
            sa.Enum(
                "OA", "MP", name="ck_identity_appkind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("appid", sa.TEXT(), nullable=False),
        sa.Column("openid", sa.TEXT(), nullable=False),
        sa.Column("unionid", sa.TEXT(), nullable=True),
        sa.Column("followed", sa.Boolean(), nullable=False),
        sa.Column("follow_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("unionid"), "="),
            (sa.column("member_id"), "<>"),
            where=sa.text("unionid is not null"),
            using="gist",
            name="ex_identity_unionid_member",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_identity_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity")),
        sa.UniqueConstraint("appid", "openid", name=op.f("uq_identity_appid_openid")),
    )
    op.create_index(op.f("ix_identity_member_id"), "identity", ["member_id"], unique=False)
    op.create_index(
        "ix_identity_unionid", "identity", ["unionid"], unique=False, postgresql_where="unionid is not null"
    )
    op.create_table(
        "member_merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("survivor_id", sa.BigInteger(), nullable=False),
        sa.Column("loser_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.TEXT(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["loser_id"], ["member.id"], name=op.f("fk_member_merge_loser_id")),
        sa.ForeignKeyConstraint(["survivor_id"], ["member.id"], name=op.f("fk_member_merge_survivor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_merge")),
        sa.UniqueConstraint("loser_id", name=op.f("uq_member_merge_loser_id")),
    )
    op.create_index(op.f("ix_member_merge_survivor_id"), "member_merge", ["survivor_id"], unique=False)
    op.create_table(
        "store",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column("name_en", sa.TEXT(), nullable=False),
        sa.Column(
            "ownership",
            sa.Enum(
                "DIRECT",
                "FRANCHISE",
                "JOINT",
                name="ck_store_ownership",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("city", sa.TEXT(), nullable=True),
        sa.Column("address", sa.TEXT(), nullable=True),
        sa.Column("phone", sa.TEXT(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("lng", sa.Double(), nullable=True),
        sa.Column("services", postgresql.ARRAY(sa.TEXT()), nullable=False),
        sa.Column("delivery_radius_m", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "OPEN",
                "CLOSING",
                "CLOSED",
                name="ck_store_storestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("closing_on", sa.Date(), nullable=True),
        sa.Column("successor_store_id", sa.BigInteger(), nullable=True),
        sa.Column("is_default_landing", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(lat is null) = (lng is null)", name=op.f("ck_store_point")),
        sa.CheckConstraint("lat between -90 and 90", name=op.f("ck_store_lat")),
        sa.CheckConstraint("lng between -180 and 180", name=op.f("ck_store_lng")),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_store_entity_id")),
        sa.ForeignKeyConstraint(
            ["successor_store_id"], ["store.id"], name=op.f("fk_store_successor_store_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store")),
        sa.UniqueConstraint("code", name=op.f("uq_store_code")),
    )
    op.create_index("ix_store_city", "store", ["city", "code"], unique=False)
    op.create_index(op.f("ix_store_entity_id"), "store", ["entity_id"], unique=False)
    op.create_index(
        "uq_store_default_landing",
        "store",
        ["is_default_landing"],
        unique=True,
        postgresql_where="is_default_landing",
    )
    op.create_table(
        "clerk",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "CLERK",
                "MANAGER",
                "TEAM",
                name="ck_clerk_clerkrole",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "ACTIVE",
                "LEAVING",
                "LEFT",
                name="ck_clerk_clerkstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("phone_hash", sa.TEXT(), nullable=True),
        sa.Column("phone_tail", sa.TEXT(), nullable=True),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("monthly_target_fen", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_clerk_member_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_clerk_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clerk")),
        sa.UniqueConstraint("code", name=op.f("uq_clerk_code")),
        sa.UniqueConstraint("member_id", name=op.f("uq_clerk_member_id")),
        sa.UniqueConstraint("phone_hash", name=op.f("uq_clerk_phone_hash")),
    )
    op.create_index(op.f("ix_clerk_store_id"), "clerk", ["store_id"], unique=False)
    op.create_table(
        "store_hours",
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("weekday", sa.BigInteger(), nullable=False),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        sa.CheckConstraint("weekday between 1 and 7", name=op.f("ck_store_hours_weekday")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_store_hours_store_id")),
        sa.PrimaryKeyConstraint("store_id", "weekday", name=op.f("pk_store_hours")),
    )
    op.create_table(
        "clerk_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("clerk_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_clerk_link_clerk_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_clerk_link_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clerk_link")),
    )
    op.create_index(op.f("ix_clerk_link_member_id"), "clerk_link", ["member_id"], unique=False)
    op.create_index(
        "uq_clerk_link_active", "clerk_link", ["clerk_id"], unique=True, postgresql_where="ended_at is null"
    )
    op.create_table(
        "login",
        sa.Column("token_hash", sa.TEXT(), nullable=False),
        sa.Column(
            "audience",
            sa.Enum(
                "SHOPPER",
                "CLERK",
                name="ck_login_audience",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("identity_id", sa.BigInteger(), nullable=False),
        sa.Column("clerk_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_login_clerk_id")),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name=op.f("fk_login_identity_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_login_member_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_login")),
    )
    op.create_index(op.f("ix_login_clerk_id"), "login", ["clerk_id"], unique=False)
    op.create_index(op.f("ix_login_expires_at"), "login", ["expires_at"], unique=False)
    op.create_index(op.f("ix_login_member_id"), "login", ["member_id"], unique=False)


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
