"""Monthly settlement: batches, parties, tiers, portions, write-offs; what is published never changes.

Revision ID: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and let no tier of a published batch change."""
    op.create_index("ix_commission_reversal_at", "commission_reversal", ["at"])
    op.create_table(
        "settlement_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("month", sa.TEXT(), nullable=False),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "DRAFT",
                "REVIEW",
                "APPROVED",
                "PAYING",
                "PAID",
                "PARTIAL",
                "CLOSED",
                "REJECTED",
                name="ck_settlement_batch_batchstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "phase",
            sa.Enum(
                "PARTIES",
                "BALANCES",
                "BUILT",
                "HANDING",
                "HANDED",
                "FREEING",
                "FREED",
                name="ck_settlement_batch_phase",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("at_party", sa.TEXT(), nullable=False),
        sa.Column("rows_done", sa.BigInteger(), nullable=False),
        sa.Column("rows_expected", sa.BigInteger(), nullable=False),
        sa.Column("parties", sa.BigInteger(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("adjusted_fen", sa.BigInteger(), nullable=False),
        sa.Column("tier_fen", sa.BigInteger(), nullable=False),
        sa.Column("carried_in_fen", sa.BigInteger(), nullable=False),
        sa.Column("payable_fen", sa.BigInteger(), nullable=False),
        sa.Column("carried_out_fen", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.TEXT(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_by", sa.TEXT(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.TEXT(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rejected_by", sa.TEXT(), nullable=True),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.TEXT(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state in ('APPROVED', 'PAYING', 'PAID', 'PARTIAL', 'CLOSED')) = (approved_at is not null)",
            name=op.f("ck_settlement_batch_approved"),
        ),
        sa.CheckConstraint(
            "case state when 'DRAFT' then phase in ('PARTIES', 'BALANCES', 'BUILT')"
            " when 'REVIEW' then phase = 'BUILT' when 'APPROVED' then phase = 'HANDING'"
            " when 'REJECTED' then phase in ('FREEING', 'FREED') else phase = 'HANDED' end",
            name=op.f("ck_settlement_batch_stage"),
        ),
        sa.CheckConstraint(
            "approved_by not in (created_by, submitted_by)", name=op.f("ck_settlement_batch_two_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_batch")),
        sa.UniqueConstraint("number", name=op.f("uq_settlement_batch_number")),
    )
    op.create_index(
        "uq_settlement_batch_month",
        "settlement_batch",
        ["month"],
        unique=True,
        postgresql_where="state <> 'REJECTED'",
    )
    op.create_table(
        "settlement_party",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "party_kind",
            sa.Enum(
                "CLERK",
                "STORE",
                "ENTITY",
                name="ck_settlement_party_partykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("party", sa.TEXT(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "PLANNED",
                "REMOVED",
                "DUE",
                "PAID",
                "RETURNED",
                "CARRIED",
                name="ck_settlement_party_partystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("entity", sa.TEXT(), nullable=False),
        sa.Column("store", sa.TEXT(), nullable=True),
        sa.Column(
            "channel",
            sa.Enum(
                "PAYROLL",
                "TRANSFER",
                "ENTITY",
                name="ck_settlement_party_channel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("gross_fen", sa.BigInteger(), nullable=False),
        sa.Column("adjusted_fen", sa.BigInteger(), nullable=False),
        sa.Column("tier_fen", sa.BigInteger(), nullable=False),
        sa.Column("carried_in_fen", sa.BigInteger(), nullable=False),
        sa.Column("payable_fen", sa.BigInteger(), nullable=False),
        sa.Column("carried_out_fen", sa.BigInteger(), nullable=False),
        sa.Column("debt_left_fen", sa.BigInteger(), nullable=False),
        sa.Column("carried_cycles", sa.BigInteger(), nullable=False),
        sa.Column("tax_preview_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("returned_fen", sa.BigInteger(), nullable=False),
        sa.Column("written_off_fen", sa.BigInteger(), nullable=False),
        sa.Column("carried_to_id", sa.BigInteger(), nullable=True),
        sa.Column("rows_done", sa.Boolean(), nullable=False),
        sa.Column("why", sa.TEXT(), nullable=True),
        sa.CheckConstraint(
            "gross_fen + adjusted_fen + tier_fen + carried_in_fen = payable_fen + carried_out_fen",
            name=op.f("ck_settlement_party_balance"),
        ),
        sa.CheckConstraint(
            "paid_fen >= 0 and returned_fen >= 0 and paid_fen + returned_fen <= payable_fen",
            name=op.f("ck_settlement_party_paid"),
        ),
        sa.CheckConstraint(
            "payable_fen >= 0 and (payable_fen = 0 or carried_out_fen = 0)",
            name=op.f("ck_settlement_party_payable"),
        ),
        sa.CheckConstraint(
            "written_off_fen >= 0 and (written_off_fen = 0 or written_off_fen = -carried_out_fen)",
            name=op.f("ck_settlement_party_written_off"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["settlement_batch.id"], name=op.f("fk_settlement_party_batch_id")
        ),
        sa.ForeignKeyConstraint(
            ["carried_to_id"], ["settlement_party.id"], name=op.f("fk_settlement_party_carried_to_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_party")),
        sa.UniqueConstraint("batch_id", "party", name=op.f("uq_settlement_party_batch_id_party")),
    )
    op.create_index(
        "ix_settlement_party_carried",
        "settlement_party",
        ["party"],
        postgresql_where="carried_to_id is null and carried_out_fen + returned_fen + written_off_fen <> 0",
    )
    op.create_index(
        "ix_settlement_party_carried_to",
        "settlement_party",
        ["carried_to_id"],
        postgresql_where="carried_to_id is not null",
    )
    op.create_index("ix_settlement_party_of", "settlement_party", ["party", "batch_id"])
    op.create_index(
        "ix_settlement_party_open", "settlement_party", ["batch_id", "id"], postgresql_where="not rows_done"
    )
    op.create_table(
        "settlement_portion",
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("pay_on", sa.Date(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.TEXT(), nullable=True),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_settlement_portion_amount")),
        sa.ForeignKeyConstraint(
            ["party_id"], ["settlement_party.id"], name=op.f("fk_settlement_portion_party_id")
        ),
        sa.PrimaryKeyConstraint("party_id", "position", name=op.f("pk_settlement_portion")),
    )
    op.create_table(
        "settlement_tier",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("party_id", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.TEXT(), nullable=False),
        sa.Column("month", sa.TEXT(), nullable=False),
        sa.Column("target_fen", sa.BigInteger(), nullable=False),
        sa.Column("attained_fen", sa.BigInteger(), nullable=False),
        sa.Column("scale_version", sa.BigInteger(), nullable=False),
        sa.Column("multiplier_bp", sa.BigInteger(), nullable=False),
        sa.Column("rows_fen", sa.BigInteger(), nullable=False),
        sa.Column("earlier_rows_fen", sa.BigInteger(), nullable=False),
        sa.Column("earlier_tier_fen", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("target_fen > 0", name=op.f("ck_settlement_tier_target")),
        sa.ForeignKeyConstraint(
            ["party_id"], ["settlement_party.id"], name=op.f("fk_settlement_tier_party_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_tier")),
        sa.UniqueConstraint("party_id", "month", name=op.f("uq_settlement_tier_party_id_month")),
    )
    op.create_index("ix_settlement_tier_month", "settlement_tier", ["party", "month"])
    op.create_table(
        "settlement_write_off",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("number", sa.TEXT(), nullable=False),
        sa.Column("party", sa.TEXT(), nullable=False),
        sa.Column("share_ids", postgresql.JSONB(), nullable=False),
        sa.Column("balance_party_id", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "ASKED",
                "WRITTEN_OFF",
                "REFUSED",
                name="ck_settlement_write_off_writeoffstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("asked_by", sa.TEXT(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.TEXT(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.TEXT(), nullable=False),
        sa.CheckConstraint(
            "(state = 'ASKED') = (decided_by is null)", name=op.f("ck_settlement_write_off_decided")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_settlement_write_off_amount")),
        sa.CheckConstraint("decided_by <> asked_by", name=op.f("ck_settlement_write_off_two_people")),
        sa.ForeignKeyConstraint(
            ["balance_party_id"],
            ["settlement_party.id"],
            name=op.f("fk_settlement_write_off_balance_party_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_write_off")),
        sa.UniqueConstraint("number", name=op.f("uq_settlement_write_off_number")),
    )
    op.create_index(
        "uq_settlement_write_off_asked",
        "settlement_write_off",
        ["party"],
        unique=True,
        postgresql_where="state = 'ASKED'",
    )
    op.execute(
        """
        create function refuse_published_tier() returns trigger language plpgsql as $$
        begin
            if tg_op = 'UPDATE' or exists (
               select from settlement_party p join settlement_batch b on b.id = p.batch_id
                where p.id = old.party_id and b.published_at is not null) then
                raise exception '% of a published batch never change', tg_table_name;
            end if;
            return old;
        end $$
        """
    )
    op.execute(
        "create trigger settlement_tier_fixed before update or delete on settlement_tier"
        " for each row execute function refuse_published_tier()"
    )


def downgrade() -> None:
    """Forward only: restore a backup instead of losing rows."""
    raise RuntimeError("migrations go forward only")
