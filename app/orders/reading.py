"""Orders as their owner sees them: one, or a page of them, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound


@dataclass(frozen=True)
class LineView:
    """One line. ``amount_fen`` is what it cost after discounts, ``refunded_fen`` what came back."""

    line_no: int
    sku: str
    name: str
    spec: str
    qty: int
    unit_price_fen: int
    discount_fen: int
    amount_fen: int
    refunded_fen: int
    refunded_qty: int


@dataclass(frozen=True)
class RefundView:
    """One refund of an order."""

    number: str
    state: str
    cause: str
    amount_fen: int
    created_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True)
class OrderView:
    """An order with its lines and refunds."""

    row_id: int
    number: str
    state: str
    fulfilment: str
    fulfilment_state: str
    store: str
    store_name: str
    store_name_en: str
    goods_fen: int
    discount_fen: int
    freight_fen: int
    amount_fen: int
    paid_fen: int
    refunded_fen: int
    note: str | None
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    completed_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    lines: tuple[LineView, ...]
    refunds: tuple[RefundView, ...]


_COLUMNS = """
    select o.id as row_id, o.number, o.state, o.fulfilment, o.fulfilment_state, s.code as store, s.name as store_name,
           s.name_en as store_name_en, o.goods_fen, o.discount_fen, o.freight_fen, o.amount_fen, o.paid_fen,
           o.refunded_fen, o.note, o.created_at, o.expires_at, o.paid_at, o.completed_at, o.cancelled_at,
           o.cancel_reason
    from orders o join store s on s.id = o.pickup_store_id
"""
_MINE = " o.member_id in (select id from member where id = :member_id or alias_of = :member_id)"
_PAGE = text(f"{_COLUMNS} where {_MINE} and o.id < :before order by o.id desc limit :most")
_ONE = text(f"{_COLUMNS} where o.number = :number and {_MINE}")
_LINES = text(
    """
    select order_id, line_no, sku_code as sku, name, spec, qty, unit_price_fen, discount_fen, amount_fen,
           refunded_fen, refunded_qty
    from order_line where order_id = any(:ids) order by order_id, line_no
    """
)
_REFUNDS = text(
    """
    select order_id, out_refund_no as number, state, cause, amount_fen, created_at, settled_at
    from refund where order_id = any(:ids) order by order_id, id
    """
)


def page(session: Session | Connection, *, member_id: int, before: int, limit: int) -> list[OrderView]:
    """At most ``limit`` orders of a member (its aliases' too) older than row ``before``, newest first."""
    facts = {"member_id": member_id, "before": before, "most": limit}
    return _whole(session, session.execute(_PAGE, facts).all())


def get_order(session: Session | Connection, number: str, *, member_id: int) -> OrderView:
    """One order of this member; NotFound for everybody else's, in the same words."""
    rows = session.execute(_ONE, {"number": number, "member_id": member_id}).all()
    if not rows:
        raise NotFound("NOT_FOUND", "No such order.")
    return _whole(session, rows)[0]


def _whole(session: Session | Connection, rows: Sequence[Row[Any]]) -> list[OrderView]:
    ids = [row.row_id for row in rows]
    lines: dict[int, list[LineView]] = {order_id: [] for order_id in ids}
    refunds: dict[int, list[RefundView]] = {order_id: [] for order_id in ids}
    for row in session.execute(_LINES, {"ids": ids}) if ids else ():
        facts = dict(row._mapping)
        lines[facts.pop("order_id")].append(LineView(**facts))
    for row in session.execute(_REFUNDS, {"ids": ids}) if ids else ():
        facts = dict(row._mapping)
        refunds[facts.pop("order_id")].append(RefundView(**facts))
    return [
        OrderView(**row._mapping, lines=tuple(lines[row.row_id]), refunds=tuple(refunds[row.row_id]))
        for row in rows
    ]
