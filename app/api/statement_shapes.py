"""Statements as answers: page data, rows, and the two files. Shared by clerks, managers and the back office."""

import tempfile
from pathlib import Path
from typing import Annotated

from flask import Response, send_file
from pydantic import Field

from app.api.errors import Responses
from app.api.guard import parts
from app.api.schema import ApiModel, Fen, Text, language
from app.base.clock import iso
from app.statements import paper, reading, sheet
from app.statements.content import Line, TierLine
from app.statements.reading import Found

PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
A_PDF: Responses = {"200": {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}}
AN_XLSX: Responses = {"200": {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}}


class MonthPath(ApiModel):
    """A settlement month in Asia/Shanghai."""

    month: Annotated[Text, Field(max_length=64, description="YYYY-MM, e.g. 2026-04")]


class TierOut(ApiModel):
    """The tier of one month of sales (SET-2): rows count times ``multiplier_bp``, ``amount_fen`` is the difference."""

    month: Annotated[str, Field(examples=["2026-03"])]
    target_fen: Fen
    attained_fen: Fen
    attainment_bp: Annotated[int, Field(examples=[11800])]
    multiplier_bp: Annotated[int, Field(examples=[11000])]
    scale_version: int
    rows_fen: Annotated[int, Field(description="SELL and SVC rows of that month in this settlement")]
    amount_fen: Fen
    reason: str


class SettledOut(ApiModel):
    """One party's settlement of a month: gross + adjusted + tier + carried_in = payable + carried_out."""

    settlement: Annotated[str, Field(examples=["S2026-04-1"])]
    month: str
    party: Annotated[str, Field(examples=["clerk:C-SZFT-01"])]
    name: str
    entity: str
    entity_name: str
    store: str | None
    state: Annotated[str, Field(description="PLANNED, REMOVED, DUE, PAID, RETURNED or CARRIED")]
    state_name: str
    channel: Annotated[str, Field(description="PAYROLL, TRANSFER or ENTITY")]
    channel_name: str
    rows: int
    gross_fen: Annotated[Fen, Field(description="Shares")]
    adjusted_fen: Annotated[Fen, Field(description="Taken back from shares of earlier months; 0 or below")]
    tier_fen: Fen
    carried_in_fen: Fen
    payable_fen: Fen
    carried_out_fen: Annotated[Fen, Field(description="Carried to the next month, below zero when owed")]
    debt_left_fen: Annotated[Fen, Field(description="Taken back, not netted yet: later months take it")]
    paid_fen: Fen
    returned_fen: Fen
    tax_preview_fen: Annotated[Fen, Field(description="For external clerks, for information")]
    tiers: list[TierOut]
    published_at: str | None
    why: Annotated[str | None, Field(description="Why it was removed or changed")]
    agrees: Annotated[bool, Field(description="The rows make these sums, and the ledger has posted the same")]


class SettledRowOut(ApiModel):
    """One share in the settlement; a loss since an earlier settlement is below zero."""

    order: str
    goods: str
    sku: str
    qty: int
    role: str
    role_name: str
    kind: Annotated[str, Field(description="SHARE or ADJUST")]
    kind_name: str
    earned_at: str
    base_fen: Fen
    pool_bp: int
    amount_fen: Fen
    evidence: str
    policy: str
    policy_version: int | None
    bearer: Annotated[str, Field(description="The legal entity that sold", examples=["E-HQ"])]
    reason: Annotated[str, Field(description="How it came about, in plain words")]


class SettledRowsOut(ApiModel):
    """A page of rows."""

    items: list[SettledRowOut]
    next: str | None


def settled_out(found: Found) -> SettledOut:
    """The figures of a statement."""
    s = found.statement
    return SettledOut(
        settlement=s.number,
        month=s.month,
        party=s.party,
        name=s.party_name,
        entity=s.entity,
        entity_name=s.entity_name,
        store=s.store,
        state=s.state,
        state_name=s.state_name,
        channel=s.channel,
        channel_name=s.channel_name,
        rows=s.rows,
        gross_fen=s.gross_fen,
        adjusted_fen=s.adjusted_fen,
        tier_fen=s.tier_fen,
        carried_in_fen=s.carried_in_fen,
        payable_fen=s.payable_fen,
        carried_out_fen=s.carried_out_fen,
        debt_left_fen=s.debt_left_fen,
        paid_fen=s.paid_fen,
        returned_fen=s.returned_fen,
        tax_preview_fen=s.tax_preview_fen,
        tiers=[_tier(tier) for tier in s.tiers],
        published_at=iso(s.published_at) if s.published_at else None,
        why=s.why,
        agrees=s.agrees,
    )


def row_out(line: Line) -> SettledRowOut:
    """One row of a statement."""
    return SettledRowOut(
        order=line.order,
        goods=line.goods,
        sku=line.sku,
        qty=line.qty,
        role=line.role,
        role_name=line.role_name,
        kind=line.kind,
        kind_name=line.kind_name,
        earned_at=iso(line.earned_at),
        base_fen=line.base_fen,
        pool_bp=line.pool_bp,
        amount_fen=line.amount_fen,
        evidence=line.evidence,
        policy=line.policy,
        policy_version=line.policy_version,
        bearer=line.bearer,
        reason=line.reason,
    )


def pdf(found: Found) -> Response:
    """The statement as a PDF to download."""
    lang = language()
    with parts().read() as reader:
        content = paper.write(
            found.statement, lambda: reading.pages(reader, found, language=lang), language=lang
        )
    response = Response(content, content_type=PDF)
    response.headers["Content-Disposition"] = f'attachment; filename="{_file_name(found)}.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response


def xlsx(found: Found) -> Response:
    """The statement as a spreadsheet to download, streamed from a file that is gone when it is sent."""
    lang = language()
    with tempfile.TemporaryDirectory(prefix="lianke-") as place:
        path = Path(place) / "statement.xlsx"
        with parts().read() as reader:
            sheet.write(
                path, found.statement, lambda: reading.pages(reader, found, language=lang), language=lang
            )
        # Open, it outlives its folder until it is sent.
        file = path.open("rb")
    response = send_file(file, mimetype=XLSX, as_attachment=True, download_name=f"{_file_name(found)}.xlsx")
    response.headers["Cache-Control"] = "no-store"
    return response


def _file_name(found: Found) -> str:
    return f"{found.statement.number}-{found.statement.party.partition(':')[2]}"


def _tier(tier: TierLine) -> TierOut:
    return TierOut(
        month=tier.month,
        target_fen=tier.target_fen,
        attained_fen=tier.attained_fen,
        attainment_bp=tier.attainment_bp,
        multiplier_bp=tier.multiplier_bp,
        scale_version=tier.scale_version,
        rows_fen=tier.rows_fen,
        amount_fen=tier.amount_fen,
        reason=tier.words,
    )
