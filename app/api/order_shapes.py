"""The shapes of orders on the wire, whoever's door they pass."""

from typing import Annotated, Any

from pydantic import Field

from app.api.schema import ApiModel, Code, Fen, Int, Text
from app.base.clock import iso
from app.orders.pricing import MAX_LINES, MAX_QTY
from app.orders.reading import OrderView

OrderNumber = Annotated[
    Text,
    Field(
        min_length=8,
        max_length=32,
        pattern=r"^[A-Z0-9]+$",
        description="Business number of an order, e.g. A261121K7M2QX9P",
    ),
]


class OrderPath(ApiModel):
    """An order by its number."""

    number: OrderNumber


class BasketLine(ApiModel):
    """How many of what. The price is the shop's, never the caller's."""

    sku: Code
    qty: Annotated[Int, Field(ge=1, le=MAX_QTY)]


class BasketBody(ApiModel):
    """Goods to be picked up at one store."""

    store: Code = Field(examples=["SZ-FT"])
    lines: Annotated[list[BasketLine], Field(min_length=1, max_length=MAX_LINES)]
    note: Annotated[Text | None, Field(default=None, max_length=200)]


class QuotedLine(ApiModel):
    """One priced line."""

    sku: str
    qty: int
    unit_price_fen: Fen
    discount_fen: Fen
    amount_fen: Fen


class QuoteOut(ApiModel):
    """What a basket costs now."""

    store: str
    lines: list[QuotedLine]
    goods_fen: Fen
    discount_fen: Fen
    freight_fen: Fen
    amount_fen: Fen


class PlacedOut(QuoteOut):
    """A new order: its goods are held until ``expires_at``."""

    number: str
    state: str
    expires_at: str


class LineOut(ApiModel):
    """One line of an order."""

    line_no: int
    sku: str
    name: str
    spec: str
    qty: int
    unit_price_fen: Fen
    discount_fen: Fen
    amount_fen: Fen
    refunded_fen: Fen
    refunded_qty: int


class RefundOut(ApiModel):
    """One refund: REQUESTED or PROCESSING is on its way, SUCCESS is back with the payer."""

    number: str
    state: str
    cause: str
    amount_fen: Fen
    created_at: str
    settled_at: str | None


class OrderOut(ApiModel):
    """An order as its owner sees it."""

    number: str
    state: str
    fulfilment: str
    fulfilment_state: str
    store: str
    store_name: str
    goods_fen: Fen
    discount_fen: Fen
    freight_fen: Fen
    amount_fen: Fen
    paid_fen: Fen
    refunded_fen: Fen
    note: str | None
    created_at: str
    expires_at: str
    paid_at: str | None
    completed_at: str | None
    cancelled_at: str | None
    cancel_reason: str | None
    lines: list[LineOut]
    refunds: list[RefundOut]


class OrdersOut(ApiModel):
    """A page of orders, newest first."""

    items: list[OrderOut]
    next: str | None


def order_out(order: OrderView, language: str) -> dict[str, Any]:
    """An order as JSON values, times in the shop's time zone."""
    facts: dict[str, Any] = {name: _plain(value) for name, value in vars(order).items() if name != "row_id"}
    facts["store_name"] = facts.pop("store_name_en") if language == "en" else order.store_name
    facts.pop("store_name_en", None)
    facts["lines"] = [{name: _plain(value) for name, value in vars(line).items()} for line in order.lines]
    facts["refunds"] = [
        {name: _plain(value) for name, value in vars(refund).items()} for refund in order.refunds
    ]
    return facts


def _plain(value: Any) -> Any:
    return iso(value) if hasattr(value, "astimezone") else value
