"""An explained order as JSON, for the back office and for clerks."""

from typing import Annotated

from pydantic import Field

from app.api.schema import ApiModel, Fen
from app.base.clock import iso
from app.commission import telling, words
from app.commission.explaining import Event, Line, OrderExplained, Share


class SharePartOut(ApiModel):
    """What one party has of one line. ``party`` is null for "another party": all of whom the caller may not know."""

    party: str | None
    party_name: str
    role: str | None
    role_name: str
    payee: Annotated[str | None, Field(description="Legal entity to which the money goes (SPL-10)")]
    state: str | None
    state_name: str | None
    held_for: Annotated[list[str], Field(description="Why it is under review")]
    accrued_fen: Fen
    reversed_fen: Fen
    moved_fen: Annotated[Fen, Field(description="Handed to others")]
    settled_fen: Fen
    written_off_fen: Fen
    amount_fen: Annotated[Fen, Field(description="accrued - reversed - moved")]
    evidence: Annotated[str | None, Field(description="Kind of the touch behind it")]
    evidence_at: str | None
    reason: Annotated[str, Field(description="Which rule and how the amount came about, in plain words")]


class CreditEventOut(ApiModel):
    """One dated change; what was taken or handed on is negative."""

    at: str
    kind: str
    what: str
    party: str | None
    amount_fen: Fen
    cause: Annotated[str | None, Field(description="The refund, decision or batch behind it")]


class CreditLineOut(ApiModel):
    """One order line. pool = base x rate; what is left = pool of what is left of the base."""

    sku: str
    goods: str
    qty: int
    base_fen: Fen
    refunded_base_fen: Fen
    exchanged_base_fen: Fen
    pool_bp: int
    pool_fen: Fen
    reversed_fen: Fen
    exchanged_pool_fen: Fen
    protected_fen: Annotated[
        Fen, Field(description="Kept by persons although the seller was at fault (CLW-6)")
    ]
    left_fen: Annotated[Fen, Field(description="pool - reversed - exchanged = sum of the shares")]
    platform_fee_bp: int
    platform_fee_fen: Annotated[Fen, Field(description="Head office's fee after refunds (SPL-10)")]
    policy: str
    policy_version: int
    mode: str
    certain_at: str | None
    shares: list[SharePartOut]
    story: list[CreditEventOut]
    proved: Annotated[bool, Field(description="The figures of this line add up, to the fen")]


class CreditOut(ApiModel):
    """Every fen of an order's commission."""

    order: str
    selling_entity: str
    selling_store: str | None
    paid_at: str
    resolved_at: Annotated[str | None, Field(description="The moment whose facts decided (POL-2)")]
    lines: list[CreditLineOut]
    proved: bool


def credit_out(explained: OrderExplained, language: str, *, about_me: bool = False) -> CreditOut:
    """An order as the caller may see it. ``about_me``: the words speak to the caller, whose shares these are."""
    return CreditOut(
        order=explained.order_number,
        selling_entity=explained.selling_entity,
        selling_store=explained.selling_store,
        paid_at=iso(explained.paid_at),
        resolved_at=explained.resolved_at,
        lines=[_line(line, language, about_me) for line in explained.lines],
        proved=explained.proved,
    )


def _line(line: Line, language: str, about_me: bool) -> CreditLineOut:
    return CreditLineOut(
        sku=line.sku_code,
        goods=line.goods,
        qty=line.qty,
        base_fen=line.base_fen,
        refunded_base_fen=line.refunded_base_fen,
        exchanged_base_fen=line.moved_base_fen,
        pool_bp=line.pool_bp,
        pool_fen=line.pool_fen,
        reversed_fen=line.reversed_fen,
        exchanged_pool_fen=line.moved_pool_fen,
        protected_fen=line.protected_fen,
        left_fen=line.left_fen,
        platform_fee_bp=line.fee_bp,
        platform_fee_fen=line.fee_fen - line.fee_reversed_fen,
        policy=line.policy,
        policy_version=line.version,
        mode=line.mode,
        certain_at=iso(line.certain_at) if line.certain_at else None,
        shares=[_share(share, language, about_me) for share in line.shares],
        story=[_event(event, language) for event in line.events],
        proved=line.proved,
    )


def _share(share: Share, language: str, about_me: bool) -> SharePartOut:
    row, veiled = share.row, not share.party
    return SharePartOut(
        party=share.party or None,
        party_name=share.party_name or telling.nobody(language),
        role=None if veiled else row.role.value,
        role_name=telling.role(row.role, language, veiled=veiled),
        payee=share.payee,
        state=None if veiled else row.state.value,
        state_name=None if veiled else words.state(row.state, language),
        held_for=list(share.held_for),
        accrued_fen=row.accrued_fen,
        reversed_fen=row.reversed_fen,
        moved_fen=row.moved_fen,
        settled_fen=share.settled_fen,
        written_off_fen=share.written_off_fen,
        amount_fen=row.amount_fen,
        evidence=share.evidence_kind,
        evidence_at=share.evidence_at,
        reason=words.why(row, language) if about_me else telling.why(row, language),
    )


def _event(event: Event, language: str) -> CreditEventOut:
    return CreditEventOut(
        at=iso(event.at),
        kind=event.kind.value,
        what=telling.event(event, language),
        party=event.party or None,
        amount_fen=event.amount_fen,
        cause=event.cause,
    )
