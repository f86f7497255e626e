"""What a clerk earns: today, expected, certain, and why; the month against the ledger (SET-5)."""

from datetime import datetime
from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, parts
from app.api.schema import ApiModel, Fen, PageQuery, Text, answer, language
from app.base.clock import iso
from app.commission import statement, words
from app.commission.statement import StatementEntry, StatementRow

bp = APIBlueprint(
    "clerk_earnings",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: earnings", description="What I earn, when it is certain, and why")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(clerks_only)
LIST = "shares"
# Changes shown of one month; the totals always cover all of it.
MOST = 500


class EarningsOut(ApiModel):
    """All my shares so far, after refunds. ``today_*``: of orders paid today in Asia/Shanghai."""

    estimated_fen: Annotated[Fen, Field(description="Expected: a refund may still take it back")]
    held_fen: Annotated[Fen, Field(description="Under review")]
    releasable_fen: Annotated[Fen, Field(description="Certain, waits for settlement")]
    settled_fen: Annotated[Fen, Field(description="Paid out")]
    reversed_fen: Annotated[Fen, Field(description="Taken back with refunds")]
    today_fen: Fen
    today_orders: int


class ShareOut(ApiModel):
    """One share of one order line. ``certain_at`` is null until the goods are handed over."""

    order: str
    sku: str
    goods: str
    qty: int
    role: str
    role_name: str
    state: str
    state_name: str
    base_fen: Annotated[Fen, Field(description="What the commission is computed from")]
    pool_bp: Annotated[int, Field(description="Rate of the pool in 1/10000")]
    accrued_fen: Fen
    reversed_fen: Fen
    amount_fen: Annotated[Fen, Field(description="accrued_fen - reversed_fen")]
    earned_at: str
    certain_at: str | None
    when_certain: str
    reason: Annotated[str, Field(description="How it came about, in plain words")]


class SharesOut(ApiModel):
    """A page of shares, newest first."""

    items: list[ShareOut]
    next: str | None


class ChangeOut(ApiModel):
    """One change within the month; what was taken back is negative."""

    at: str
    kind: Annotated[str, Field(description="ACCRUE, REVERSE or RELEASE")]
    kind_name: str
    amount_fen: Fen
    share: ShareOut


class BalanceOut(ApiModel):
    """What is still frozen, and what is certain."""

    frozen_fen: Fen
    payable_fen: Fen


class MonthOut(ApiModel):
    """A month: opening + earned - taken back = closing, and closing = the ledger's own balances.

    ``left_out``: there were more changes than are listed; the totals count them all.
    """

    month: str
    opening: BalanceOut
    earned_fen: Fen
    reversed_fen: Fen
    released_fen: Fen
    closing: BalanceOut
    ledger: BalanceOut
    agrees: Annotated[bool, Field(description="closing equals ledger, to the fen")]
    changes: list[ChangeOut]
    left_out: bool


class MonthPath(ApiModel):
    """A calendar month in Asia/Shanghai."""

    month: Annotated[Text, Field(max_length=64, description="YYYY-MM, e.g. 2026-11")]


@bp.get("/earnings", responses={"200": EarningsOut})
def earnings() -> Response:
    """My totals by certainty."""
    party = _party()
    with parts().read() as connection:
        found = statement.clerk_summary(connection, party, now=parts().now())
    return answer(
        EarningsOut(
            estimated_fen=found.estimated_fen,
            held_fen=found.held_fen,
            releasable_fen=found.releasable_fen,
            settled_fen=found.settled_fen,
            reversed_fen=found.reversed_fen,
            today_fen=found.today_fen,
            today_orders=found.today_orders,
        )
    )


@bp.get("/earnings/rows", responses={"200": SharesOut})
def earning_rows(query: PageQuery) -> Response:
    """My shares, newest first, each with its reason."""
    party = _party()
    before_id = None if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as connection:
        found = statement.rows(connection, party, before_id=before_id, limit=query.limit + 1)
    shown = found[: query.limit]
    more = write_cursor(LIST, shown[-1].id) if len(found) > query.limit else None
    return answer(SharesOut(items=[_share(row, language()) for row in shown], next=more))


@bp.get("/statements/<month>", responses={"200": MonthOut})
def month_statement(path: MonthPath) -> Response:
    """My month with every change, proved against the ledger."""
    party = _party()
    with parts().read() as connection:
        found = statement.month(connection, party, month=path.month, limit=MOST + 1)
    return answer(
        MonthOut(
            month=found.month,
            opening=BalanceOut(frozen_fen=found.opening_frozen_fen, payable_fen=found.opening_payable_fen),
            earned_fen=found.earned_fen,
            reversed_fen=found.reversed_fen,
            released_fen=found.released_fen,
            closing=BalanceOut(frozen_fen=found.closing_frozen_fen, payable_fen=found.closing_payable_fen),
            ledger=BalanceOut(frozen_fen=found.ledger_frozen_fen, payable_fen=found.ledger_payable_fen),
            agrees=found.agrees,
            changes=[_change(entry, language()) for entry in found.entries[:MOST]],
            left_out=len(found.entries) > MOST,
        )
    )


def _party() -> str:
    return f"clerk:{clerk().clerk_code}"


def _change(entry: StatementEntry, lang: str) -> ChangeOut:
    return ChangeOut(
        at=iso(entry.at),
        kind=entry.kind.value,
        kind_name=words.entry(entry.kind, lang),
        amount_fen=entry.amount_fen,
        share=_share(entry.row, lang),
    )


def _share(row: StatementRow, lang: str) -> ShareOut:
    return ShareOut(
        order=row.order_number,
        sku=row.sku_code,
        goods=row.goods,
        qty=row.qty,
        role=row.role.value,
        role_name=words.role(row.role, lang),
        state=row.state.value,
        state_name=words.state(row.state, lang),
        base_fen=row.base_fen,
        pool_bp=row.pool_bp,
        accrued_fen=row.accrued_fen,
        reversed_fen=row.reversed_fen,
        amount_fen=row.amount_fen,
        earned_at=iso(row.earned_at),
        certain_at=_iso(row.certain_at),
        when_certain=words.when_certain(row, lang),
        reason=words.why(row, lang),
    )


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
