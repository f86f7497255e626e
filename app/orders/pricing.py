"""What an order costs, from prices alone; nothing the client sends decides an amount. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.base.money import largest_remainder

MAX_QTY = 999
MAX_LINES = 50
MAX_AMOUNT_FEN = 100_000_000


@dataclass(frozen=True)
class PricedLine:
    """One line: ``amount_fen = qty * unit_price_fen - discount_fen``."""

    sku_code: str
    qty: int
    unit_price_fen: int
    unit_list_fen: int
    discount_fen: int
    amount_fen: int


@dataclass(frozen=True)
class Quote:
    """All lines and their sums in fen; freight is 0 for pick-up."""

    lines: tuple[PricedLine, ...]
    goods_fen: int
    discount_fen: int
    freight_fen: int
    amount_fen: int


def quote(
    lines: Sequence[tuple[str, int, int, int]], *, order_discount_fen: int = 0, freight_fen: int = 0
) -> Quote:
    """Price ``(sku_code, qty, unit_price_fen, unit_list_fen)`` lines.

    An order discount is spread over the lines by largest remainder on the line amounts (SPL-2) and
    can never exceed the goods.
    """
    goods = [qty * price for _, qty, price, _ in lines]
    discount_fen = min(order_discount_fen, sum(goods))
    parts = largest_remainder(discount_fen, goods)
    priced = tuple(
        PricedLine(code, qty, price, list_fen, part, whole - part)
        for (code, qty, price, list_fen), whole, part in zip(lines, goods, parts, strict=True)
    )
    return Quote(priced, sum(goods), discount_fen, freight_fen, sum(goods) - discount_fen + freight_fen)


def pool_bp_after_floor(line: PricedLine, pool_bp: int, floor_discount_bp: int) -> int:
    """SPL-8: a line sold below ``floor_discount_bp`` of its list price feeds no pool."""
    if line.amount_fen * 10000 < line.unit_list_fen * line.qty * floor_discount_bp:
        return 0
    return pool_bp
