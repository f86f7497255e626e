"""Codes, touches, acquisition, service binding, policies.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of this room."""
    op.execute("create extension if not exists btree_gist")
    op.create_table(
        "attribution_policy",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column(
            "scope",
            sa.Enum(
                "BRAND",
                "ENTITY",
                "STORE_TYPE",
                "CATEGORY",
                name="ck_attribution_policy_policyscope",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("scope_ref", sa.TEXT(), nullable=True),
        sa.Column(
            "mode",
            sa.Enum(
                "ROLE_SPLIT",
                "FIRST_TOUCH_LIFETIME",
                "LAST_TOUCH",
                "PROTECT_THEN_OPEN",
                "LINEAR",
                "POSITION",
                name="ck_attribution_policy_policymode",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.TEXT(), nullable=False),
        sa.Column("approved_by", sa.TEXT(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("scope"), "="),
            (sa.text("(coalesce(scope_ref, ''))"), "="),
            (sa.text("tstzrange(effective_from, effective_to)"), "&&"),
            where=sa.text("approved_at is not null"),
            using="gist",
            name="ex_attribution_policy_overlap",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attribution_policy")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_attribution_policy_code_version")),
    )
    op.create_table(
        "qr_code",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scene", sa.TEXT(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "CLERK_OA",
                "CLERK_MP",
                "STORE_OA",
                "STORE_MP",
                name="ck_qr_code_codekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("clerk_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket", sa.TEXT(), nullable=True),
        sa.Column("url", sa.TEXT(), nullable=True),
        sa.Column("image", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(scene) between 1 and 32", name=op.f("ck_qr_code_scene")),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_qr_code_clerk_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_qr_code_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qr_code")),
        sa.UniqueConstraint("scene", name=op.f("uq_qr_code_scene")),
    )
    op.create_index(
        "uq_qr_code_clerk",
        "qr_code",
        ["kind", "clerk_id"],
        unique=True,
        postgresql_where="revoked_at is null and clerk_id is not null",
    )
    op.create_index(
        "uq_qr_code_store",
        "qr_code",
        ["kind", "store_id"],
        unique=True,
        postgresql_where="revoked_at is null and clerk_id is null",
    )
    op.create_table(
        "touch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("identity_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "SUBSCRIBE_SCAN",
                "SCAN",
                "MP_SCENE",
                "SHARE_CLICK",
                "COUPON_CLAIM",
                "CLERK_CODE",
                "ASSISTED_ORDER",
                "POS_SALE",
                "CHAT",
                "PICKUP_VERIFY",
                "BOOKING",
                "CONTENT_READ",
                "ARRIVE",
                "LEAVE",
                name="ck_touch_touchkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("clerk_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("qr_code_id", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raw_key", sa.TEXT(), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("invalid_reason", sa.TEXT(), nullable=True),
        sa.Column(
            "result",
            sa.Enum(
                "ACQUIRED",
                "REACTIVATED",
                "RECORDED",
                "LOST_RACE",
                "INVALID",
                name="ck_touch_touchresult",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_touch_clerk_id")),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"], name=op.f("fk_touch_identity_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_touch_member_id")),
        sa.ForeignKeyConstraint(["qr_code_id"], ["qr_code.id"], name=op.f("fk_touch_qr_code_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_touch_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_touch")),
        sa.UniqueConstraint("raw_key", name=op.f("uq_touch_raw_key")),
    )
    op.create_index("ix_touch_clerk", "touch", ["clerk_id", "occurred_at"], unique=False)
    op.create_index(
        "ix_touch_member", "touch", ["member_id", "occurred_at", "received_at", "id"], unique=False
    )
    op.create_table(
        "acquisition",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "ACQUISITION",
                "REACTIVATION",
                name="ck_acquisition_acquisitionkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("clerk_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("touch_id", sa.BigInteger(), nullable=False),
        sa.Column("acquired_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_acquisition_clerk_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_acquisition_member_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_acquisition_store_id")),
        sa.ForeignKeyConstraint(["touch_id"], ["touch.id"], name=op.f("fk_acquisition_touch_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_acquisition")),
    )
    op.create_index(op.f("ix_acquisition_clerk_id"), "acquisition", ["clerk_id"], unique=False)
    op.create_table(
        "service_binding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("clerk_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "reason",
            sa.Enum(
                "ACQUIRED",
                "CUSTOMER",
                "REBOUND",
                "HANDOVER",
                "MERGE",
                name="ck_service_binding_bindingreason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("touch_id", sa.BigInteger(), nullable=True),
        sa.Column("actor", sa.TEXT(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("member_id"), "="),
            (sa.text("tstzrange(valid_from, valid_to)"), "&&"),
            using="gist",
            name="ex_service_binding_overlap",
        ),
        sa.CheckConstraint(
            "valid_to is null or valid_to >= valid_from", name=op.f("ck_service_binding_interval")
        ),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_service_binding_clerk_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_service_binding_member_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_service_binding_store_id")),
        sa.ForeignKeyConstraint(["touch_id"], ["touch.id"], name=op.f("fk_service_binding_touch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_binding")),
    )
    op.create_index(
        "ix_service_binding_clerk",
        "service_binding",
        ["clerk_id"],
        unique=False,
        postgresql_where="valid_to is null",
    )
    op.create_index(
        "uq_service_binding_active",
        "service_binding",
        ["member_id"],
        unique=True,
        postgresql_where="valid_to is null",
    )
    op.execute(
        "create trigger touch_append_only before update or delete on touch"
        " for each row execute function refuse_change()"
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
