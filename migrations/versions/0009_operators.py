"""People of the back office.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROLES = ("OWNER", "FINANCE", "MARKETING", "SERVICE", "STORE_MANAGER", "FRANCHISEE")


def upgrade() -> None:
    """Create the tables of this room."""
    op.create_table(
        "operator",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.TEXT(), nullable=False),
        sa.Column("name", sa.TEXT(), nullable=False),
        sa.Column("role", _choice("operatorrole", *ROLES), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("status", _choice("operatorstatus", "ACTIVE", "DISABLED"), nullable=False),
        sa.Column("password_hash", sa.TEXT(), nullable=False),
        sa.Column("password_is_initial", sa.Boolean(), nullable=False),
        sa.Column("totp_sealed", sa.TEXT(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(store_id is not null) = (role = 'STORE_MANAGER')"
            " and (entity_id is not null) = (role = 'FRANCHISEE')",
            name=op.f("ck_operator_scope"),
        ),
        sa.CheckConstraint(
            "totp_confirmed_at is null or totp_sealed is not null", name=op.f("ck_operator_totp")
        ),
        sa.ForeignKeyConstraint(["entity_id"], ["legal_entity.id"], name=op.f("fk_operator_entity_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_operator_store_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator")),
        sa.UniqueConstraint("code", name=op.f("uq_operator_code")),
    )
    op.create_table(
        "operator_login",
        sa.Column("token_hash", sa.TEXT(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_operator_login_operator_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_operator_login")),
    )
    op.create_index(op.f("ix_operator_login_expires_at"), "operator_login", ["expires_at"])
    op.create_index(op.f("ix_operator_login_operator_id"), "operator_login", ["operator_id"])
    op.create_table(
        "operator_try",
        sa.Column("code_hash", sa.TEXT(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_operator_try")),
    )
    op.create_index(op.f("ix_operator_try_tried_at"), "operator_try", ["tried_at"])
    op.create_table(
        "operator_recovery_code",
        sa.Column("code_hash", sa.TEXT(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operator.id"], name=op.f("fk_operator_recovery_code_operator_id")
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_operator_recovery_code")),
    )
    op.create_index("ix_operator_recovery_code_operator", "operator_recovery_code", ["operator_id"])


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=f"ck_operator_{name}", native_enum=False, create_constraint=True, length=32)
