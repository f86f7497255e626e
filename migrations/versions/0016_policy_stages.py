"""A policy is drafted, submitted and approved by two persons, and may be withdrawn before it begins.

Revision ID: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_OVERLAP = (
    "alter table attribution_policy add constraint ex_attribution_policy_overlap exclude using gist"
    " (scope with =, (coalesce(scope_ref, '')) with =, tstzrange(effective_from, effective_to) with &&)"
    " where (approved_at is not null and withdrawn_at is null)"
)
_CHECKS = {
    "two_persons": "approved_by <> created_by or created_by = 'import'",
    "approved": "(approved_by is null) = (approved_at is null)",
    "dated": "approved_at is null or effective_from is not null",
    "interval": "effective_to >= effective_from",
    "scope_ref": "(scope = 'BRAND') = (scope_ref is null)",
}


def upgrade() -> None:
    """Add who did what when, let a draft have no day yet, and keep two persons apart in the database too."""
    table = "attribution_policy"
    for name in ("submitted_by", "withdrawn_by"):
        op.add_column(table, sa.Column(name, sa.TEXT(), nullable=True))
    for name in ("submitted_at", "withdrawn_at", "drafted_to"):
        op.add_column(table, sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.alter_column(table, "effective_from", nullable=True)
    for name, sql in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, sql)
    op.drop_constraint("ex_attribution_policy_overlap", table)
    op.execute(_OVERLAP)


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
