"""Disputes, findings of the fraud detectors with their first thresholds, and the indexes that detectors ask.

Revision ID: 0028
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KINDS = ("CREDIT", "BINDING", "AMOUNT")
ROLES = ("ACQ_CLERK", "ACQ_STORE", "SVC_CLERK", "SELL_CLERK", "FULFIL_STORE", "HQ")
STATES = ("OPEN", "EVIDENCE", "DECIDED", "APPLIED")
OUTCOMES = ("UPHOLD", "CHANGE", "SPLIT")
STEPS = ("OPENED", "HEARING", "SAID", "HEARD", "DECIDED", "APPLIED")
RULES = ("SCANS", "FANS", "UNFOLLOWS", "PAYER", "REBIND", "REFUNDS")
FINDINGS = ("OPEN", "CONFIRMED", "FALSE_ALARM")
APPEND_ONLY = ("dispute_step", "dispute_share", "risk_threshold", "risk_item")
THRESHOLDS = (
    ("SCANS", '{"clerks": 5, "hours": 24}'),
    ("FANS", '{"per_hour": 60, "per_day": 200}'),
    ("UNFOLLOWS", '{"limit_bp": 4000, "least": 10, "hours": 24}'),
    ("PAYER", '{"orders": 3, "hours": 24}'),
    ("REBIND", '{"minutes": 10, "amount_fen": 100000}'),
    ("REFUNDS", '{"limit_bp": 3000, "least": 10, "days": 30}'),
)


def _choice(values: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    """Create the tables, the first thresholds and the indexes."""
    _disputes()
    _findings()
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete on {table}"
            " for each row execute function refuse_change()"
        )
    for rule, params in THRESHOLDS:
        op.execute(
            sa.text(
                "insert into risk_threshold (rule, effective_from, params, created_by)"
                " values (:rule, '2000-01-01', cast(:params as jsonb), 'default')"
            ).bindparams(rule=rule, params=params)
        )
    _for_detectors()


def _disputes() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("kind", _choice(KINDS, "ck_dispute_disputekind"), nullable=False),
        sa.Column("role", _choice(ROLES, "ck_dispute_role"), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("order_number", sa.TEXT(), nullable=False),
        sa.Column("claimant", sa.TEXT(), nullable=False),
        sa.Column("raised_by", sa.TEXT(), nullable=False),
        sa.Column("state", _choice(STATES, "ck_dispute_disputestate"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", _choice(OUTCOMES, "ck_dispute_disputeoutcome"), nullable=True),
        sa.Column("heirs", postgresql.JSONB(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.TEXT(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state in ('DECIDED', 'APPLIED')) = (outcome is not null)", name=op.f("ck_dispute_outcome")
        ),
        sa.CheckConstraint("(outcome is null) = (decided_at is null)", name=op.f("ck_dispute_decided")),
        sa.CheckConstraint("state = 'OPEN' or evidence_until is not null", name=op.f("ck_dispute_evidence")),
        sa.CheckConstraint("(state = 'APPLIED') = (applied_at is not null)", name=op.f("ck_dispute_applied")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_dispute_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("number", name=op.f("uq_dispute_number")),
        sa.UniqueConstraint("order_id", "role", "claimant", name=op.f("uq_dispute_order_id_role_claimant")),
    )
    op.create_index("ix_dispute_claimant", "dispute", ["claimant", "id"])
    op.create_index(
        "ix_dispute_due", "dispute", ["state", "evidence_until"], postgresql_where="state <> 'APPLIED'"
    )
    op.create_table(
        "dispute_share",
        sa.Column("dispute_id", sa.BigInteger(), nullable=False),
        sa.Column("share_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.TEXT(), nullable=False),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_dispute_share_dispute_id")),
        sa.ForeignKeyConstraint(
            ["share_id"], ["commission_share.id"], name=op.f("fk_dispute_share_share_id")
        ),
        sa.PrimaryKeyConstraint("dispute_id", "share_id", name=op.f("pk_dispute_share")),
    )
    op.create_index("ix_dispute_share_party", "dispute_share", ["party"])
    op.create_table(
        "dispute_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dispute_id", sa.BigInteger(), nullable=False),
        sa.Column("nr", sa.BigInteger(), nullable=False),
        sa.Column("kind", _choice(STEPS, "ck_dispute_step_stepkind"), nullable=False),
        sa.Column("actor", sa.TEXT(), nullable=False),
        sa.Column("said", sa.TEXT(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["dispute_id"], ["dispute.id"], name=op.f("fk_dispute_step_dispute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_step")),
        sa.UniqueConstraint("dispute_id", "nr", name=op.f("uq_dispute_step_dispute_id_nr")),
    )


def _findings() -> None:
    op.create_table(
        "risk_threshold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("rule", _choice(RULES, "ck_risk_threshold_riskrule"), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("params", postgresql.JSONB(), nullable=False),
        sa.Column("created_by", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_threshold")),
        sa.UniqueConstraint("rule", "effective_from", name=op.f("uq_risk_threshold_rule_effective_from")),
    )
    op.create_table(
        "risk_finding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("rule", _choice(RULES, "ck_risk_finding_riskrule"), nullable=False),
        sa.Column("subject", sa.TEXT(), nullable=False),
        sa.Column("clerk_id", sa.BigInteger(), nullable=True),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        sa.Column("threshold_id", sa.BigInteger(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("state", _choice(FINDINGS, "ck_risk_finding_findingstate"), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.TEXT(), nullable=True),
        sa.Column("why", sa.TEXT(), nullable=True),
        sa.CheckConstraint(
            "(decided_at is null) = (decided_by is null)", name=op.f("ck_risk_finding_reviewer")
        ),
        sa.CheckConstraint("(state = 'OPEN') = (decided_at is null)", name=op.f("ck_risk_finding_decided")),
        sa.ForeignKeyConstraint(["clerk_id"], ["clerk.id"], name=op.f("fk_risk_finding_clerk_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_risk_finding_member_id")),
        sa.ForeignKeyConstraint(
            ["threshold_id"], ["risk_threshold.id"], name=op.f("fk_risk_finding_threshold_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_finding")),
        sa.UniqueConstraint("number", name=op.f("uq_risk_finding_number")),
    )
    op.create_index(
        "uq_risk_finding_open",
        "risk_finding",
        ["rule", "subject"],
        unique=True,
        postgresql_where="state = 'OPEN'",
    )
    op.create_index("ix_risk_finding_state", "risk_finding", ["state", "id"])
    op.create_index(
        "ix_risk_finding_member", "risk_finding", ["member_id"], postgresql_where="state = 'OPEN'"
    )
    op.create_index("ix_risk_finding_clerk", "risk_finding", ["clerk_id", "id"])
    op.create_table(
        "risk_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("finding_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", _choice(RULES, "ck_risk_item_riskrule"), nullable=False),
        sa.Column("subject", sa.TEXT(), nullable=False),
        sa.Column("kind", sa.TEXT(), nullable=False),
        sa.Column("ref", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind in ('TOUCH', 'ORDER')", name=op.f("ck_risk_item_kind")),
        sa.ForeignKeyConstraint(["finding_id"], ["risk_finding.id"], name=op.f("fk_risk_item_finding_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_item")),
        sa.UniqueConstraint(
            "rule", "subject", "kind", "ref", name=op.f("uq_risk_item_rule_subject_kind_ref")
        ),
    )
    op.create_index("ix_risk_item_finding", "risk_item", ["finding_id"])


def _for_detectors() -> None:
    op.add_column(
        "kpi_sale",
        sa.Column("booked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.create_index("ix_kpi_sale_booked", "kpi_sale", ["booked_at"])
    op.create_index(
        "ix_kpi_clerk_credit_back",
        "kpi_clerk_credit",
        ["day", "clerk_id"],
        postgresql_where="refund_id is not null",
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
