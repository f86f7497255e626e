"""When a service binding may change, and by whom it was changed.

Revision ID: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and indexes."""
    _allow(
        "touch",
        "result",
        "touchresult",
        ("ACQUIRED", "REACTIVATED", "REBOUND", "RECORDED", "LOST_RACE", "INVALID"),
    )
    _allow(
        "service_binding",
        "reason",
        "bindingreason",
        (
            "ACQUIRED",
            "CUSTOMER",
            "REBOUND",
            "HANDOVER",
            "TRANSFER",
            "MOVED",
            "CLOSING",
            "REFUSED",
            "MERGE",
        ),
    )
    op.create_table(
        "binding_terms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.TEXT(), nullable=False),
        sa.Column("approved_by", sa.TEXT(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("tstzrange(effective_from, effective_to)"), "&&"),
            where=sa.text("approved_at is not null"),
            using="gist",
            name="ex_binding_terms_overlap",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binding_terms")),
        sa.UniqueConstraint("version", name=op.f("uq_binding_terms_version")),
    )
    op.drop_index(
        op.f("ix_service_binding_clerk"), table_name="service_binding", postgresql_where="(valid_to IS NULL)"
    )
    op.create_index(
        "ix_service_binding_clerk",
        "service_binding",
        ["clerk_id", "id"],
        unique=False,
        postgresql_where="valid_to is null",
    )
    op.create_index(
        "ix_service_binding_started",
        "service_binding",
        ["valid_from"],
        unique=False,
        postgresql_where="valid_to is null",
    )
    op.create_index(
        "ix_service_binding_store",
        "service_binding",
        ["store_id", "member_id"],
        unique=False,
        postgresql_where="valid_to is null",
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")


def _allow(table: str, column: str, kind: str, values: tuple[str, ...]) -> None:
    name = f"ck_{table}_{kind}"
    op.drop_constraint(op.f(name), table, type_="check")
    told = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(name), table, f"{column} in ({told})")
