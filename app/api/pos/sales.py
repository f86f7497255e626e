"""Receipts of a till: what it sold, and what it took back."""

from enum import StrEnum
from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import parts
from app.api.pos.signed import NEEDS_SIGNATURE, MemberIn, Moment, ReceiptNo, till, tills_only
from app.api.schema import ApiModel, Code, Fen, Int, Text, answer
from app.orders.pricing import MAX_AMOUNT_FEN, MAX_LINES, MAX_QTY
from app.orders.till import TillLine
from app.payments.till import Back, Return, Sale, take_return, take_sale

bp = APIBlueprint(
    "pos_sales",
    __name__,
    url_prefix="/api/pos",
    abp_tags=[Tag(name="POS: receipts", description="What a till sold and took back")],
    abp_security=NEEDS_SIGNATURE,
    abp_responses=problems(401, 404, 409, 413, 422),
)
bp.before_request(tills_only)


class SaleLineIn(ApiModel):
    """One line: `paid_fen` is what was paid for all `qty` units, after every discount."""

    sku: Annotated[Code, Field(examples=["AP-1002-M"])]
    qty: Annotated[Int, Field(ge=1, le=MAX_QTY)]
    paid_fen: Annotated[Int, Field(ge=0, le=MAX_AMOUNT_FEN, examples=[29900])]


class SaleBody(ApiModel):
    """A receipt. The money was taken at the till; without `member` the buyer stays unknown."""

    receipt: ReceiptNo
    sold_at: Moment
    lines: Annotated[list[SaleLineIn], Field(min_length=1, max_length=MAX_LINES)]
    member: Annotated[MemberIn | None, Field(default=None)]
    clerk: Annotated[Code | None, Field(default=None, description="Who sold; a clerk of this store")]
    promised_goods_remain: Annotated[
        bool,
        Field(default=False, strict=True, description="Goods promised to orders are still here (STK-8)"),
    ]


class SaleOut(ApiModel):
    """The order that the receipt became. `again`: it had been told before; nothing happened now."""

    order: Annotated[str, Field(examples=["A260709K7M2QX9P"])]
    amount_fen: Fen
    again: bool
    counts_corrected: Annotated[
        list[str], Field(description="SKUs of which the books had fewer than you sold")
    ]


class Condition(StrEnum):
    """What may happen to goods that came back."""

    GOOD = "GOOD"  # on the shelf again
    BAD = "BAD"  # written off


class ReturnLineIn(ApiModel):
    """Part of one line: units handed in (0 = money only) and the money given back for them."""

    line_no: Annotated[Int, Field(ge=1, le=MAX_LINES, description="Position in the sale's receipt, from 1")]
    qty: Annotated[Int, Field(ge=0, le=MAX_QTY)]
    refund_fen: Annotated[Int, Field(ge=1, le=MAX_AMOUNT_FEN)]
    condition: Annotated[Condition, Field(default=Condition.GOOD)]


class ReturnBody(ApiModel):
    """A return receipt, of one earlier sale of this store. The money was given back at the till."""

    receipt: ReceiptNo
    of_receipt: ReceiptNo
    returned_at: Moment
    lines: Annotated[list[ReturnLineIn], Field(min_length=1, max_length=MAX_LINES)]
    reason: Annotated[Text, Field(min_length=1, max_length=80, examples=["尺码不合适"])]


class ReturnOut(ApiModel):
    """The refund that the return became. `again`: it had been told before; nothing happened now."""

    order: str
    refund: str
    amount_fen: Fen
    again: bool


@bp.post("/sales", responses={"200": SaleOut})
def tell_sale(body: SaleBody) -> Response:
    """Tell a sale, at most a week late. The same receipt again answers the first result, so repeat at will."""
    caller, p = till(), parts()
    sale = Sale(
        receipt=body.receipt,
        sold_at=body.sold_at,
        lines=tuple(TillLine(line.sku, line.qty, line.paid_fen) for line in body.lines),
        member=body.member.named() if body.member else None,
        clerk=body.clerk,
        promised_remain=body.promised_goods_remain,
    )
    with p.tx() as session:
        sold, again = take_sale(session, caller, sale, vault=p.vault, now=p.now())
    return answer(
        {
            "order": sold.number,
            "amount_fen": sold.amount_fen,
            "again": again,
            "counts_corrected": list(sold.corrected),
        }
    )


@bp.post("/returns", responses={"200": ReturnOut})
def tell_return(body: ReturnBody) -> Response:
    """Tell a return, whole or in part, at most a week late. Commission goes back to the fen (CLW-1)."""
    caller, p = till(), parts()
    back = Return(
        receipt=body.receipt,
        of_receipt=body.of_receipt,
        returned_at=body.returned_at,
        lines=tuple(
            Back(one.line_no, one.qty, one.refund_fen, one.condition is Condition.GOOD) for one in body.lines
        ),
        reason=body.reason,
    )
    with p.tx() as session:
        done = take_return(session, caller, back, now=p.now())
    return answer(
        {"order": done.order, "refund": done.refund, "amount_fen": done.amount_fen, "again": done.again}
    )
