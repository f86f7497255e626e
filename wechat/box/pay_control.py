"""The pay half of the control API under /box: pay, list every order and every fen, bring money to its end."""

from collections.abc import Callable

from flask import Request

from wechat.box import courier, outbox, paying, people
from wechat.box.control import Answer, asked
from wechat.box.inside import Box


def list_orders(box: Box, request: Request, key: str) -> Answer:
    """GET /box/persons/<p>/orders"""
    return 200, {"orders": paying.waiting_for(box, people.get(box, key))}


def pay(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/pay {prepay_id}, or everything that wx.requestPayment got (then paySign is
    verified)"""
    paid = paying.pay(box, people.get(box, key), asked(request))
    courier.carry_first(box, paid.delivery)
    row = outbox.get(box, paid.delivery)
    told = {
        "state": paid.orders[0]["state"],
        "transaction_id": paid.orders[0]["transaction_id"],
        "out_trade_no": paid.number,
        "total_fen": sum(order["total_fen"] for order in paid.orders),
        "delivery": None if row is None else outbox.as_json(box, row),
    }
    if len(paid.orders) > 1:
        told["sub_orders"] = [
            {name: order[name] for name in ("out_trade_no", "transaction_id", "state", "total_fen")}
            for order in paid.orders
        ]
    return 200, told


DOORS: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "/persons/<key>/orders", list_orders),
    ("POST", "/persons/<key>/pay", pay),
]
