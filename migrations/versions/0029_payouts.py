"""Payouts: WeChat transfers, and lists that people pay.

Revision ID: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def _choice(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "payout_transfer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("out_bill_no", sa.TEXT(), nullable=False),
        sa.Column("batch", sa.TEXT(), nullable=False),
        sa.Column("party", sa.TEXT(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("mchid", sa.TEXT(), nullable=False),
        sa.Column("appid", sa.TEXT(), nullable=False),
        sa.Column("openid", sa.TEXT(), nullable=False),
        sa.Column(
            "state",
            _choice(
                "ck_payout_transfer_payoutstate", "READY", "ASKED", "WAITING", "MOVING", "PAID", "RETURNED"
            ),
            nullable=False,
        ),
        sa.Column("transfer_bill_no", sa.TEXT(), nullable=True),
        sa.Column("package", sa.TEXT(), nullable=True),
        sa.Column("problem", sa.TEXT(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checks", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payout_transfer_amount")),
        sa.CheckConstraint(
            "(state in ('PAID', 'RETURNED')) = (ended_at is not null)", name=op.f("ck_payout_transfer_ended")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_transfer")),
        sa.UniqueConstraint(
            "batch", "party", "position", name=op.f("uq_payout_transfer_batch_party_position")
        ),
        sa.UniqueConstraint("out_bill_no", name=op.f("uq_payout_transfer_out_bill_no")),
    )
    op.create_index(
        "ix_payout_transfer_due",
        "payout_transfer",
        ["next_at"],
        postgresql_where=sa.text("state in ('READY', 'ASKED', 'WAITING', 'MOVING')"),
    )
    op.create_index("ix_payout_transfer_party", "payout_transfer", ["party", "id"])
    op.create_table(
        "payout_papers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("batch", sa.TEXT(), nullable=False),
        sa.Column("kind", _choice("ck_payout_papers_paperskind", "WAGES", "BILL"), nullable=False),
        sa.Column("entity", sa.TEXT(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("state", _choice("ck_payout_papers_papersstate", "OPEN", "PAID"), nullable=False),
        sa.Column("made_by", sa.TEXT(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.TEXT(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference", sa.TEXT(), nullable=True),
        sa.CheckConstraint("confirmed_by <> made_by", name=op.f("ck_payout_papers_two_people")),
        sa.CheckConstraint(
            "(state = 'PAID') = (confirmed_at is not null)", name=op.f("ck_payout_papers_confirmed")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_papers")),
        sa.UniqueConstraint("batch", "kind", "entity", name=op.f("uq_payout_papers_batch_kind_entity")),
        sa.UniqueConstraint("number", name=op.f("uq_payout_papers_number")),
    )
    op.create_table(
        "payout_row",
        sa.Column("papers_id", sa.BigInteger(), nullable=False),
        sa.Column("position_no", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.TEXT(), nullable=False),
        sa.Column("party", sa.TEXT(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_payout_row_amount")),
        sa.ForeignKeyConstraint(["papers_id"], ["payout_papers.id"], name=op.f("fk_payout_row_papers_id")),
        sa.PrimaryKeyConstraint("papers_id", "position_no", name=op.f("pk_payout_row")),
        sa.UniqueConstraint("batch", "party", "position", name=op.f("uq_payout_row_batch_party_position")),
    )
    op.create_index(
        "ix_payout_row_open",
        "payout_row",
        ["papers_id", "position_no"],
        postgresql_where=sa.text("paid_at is null"),
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
