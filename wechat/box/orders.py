"""Orders as WeChat Pay keeps them: NOTPAY -> SUCCESS -> REFUND, or CLOSED (WECHAT_PAY.md 5.4)."""

import json
import sqlite3
from enum import StrEnum
from typing import Any

from wechat.box import trade_kinds
from wechat.box.inside import Box, digits, rfc3339
from wechat.box.pay_shapes import moment
from wechat.box.pay_signing import PayRefusal
from wechat.box.trade_kinds import TradeKind

_LIFE_WHEN_SILENT_S = 7 * 86400
_SHORTEST_LIFE_S = 60
_LONGEST_LIFE_S = 90 * 86400
_ORDER_PAID, _ORDER_INVALID, _OTHER_PARAMETERS = 268449538, 268447914, 268498688


class OrderState(StrEnum):
    """``trade_state`` of an order."""

    NOTPAY = "NOTPAY"  # waiting for the shopper
    SUCCESS = "SUCCESS"  # paid
    REFUND = "REFUND"  # paid, and at least one refund was accepted; for ever
    CLOSED = "CLOSED"  # closed by the merchant or by time; can never be paid


_DESCRIBED = {
    OrderState.NOTPAY: "订单未支付",
    OrderState.SUCCESS: "支付成功",
    OrderState.REFUND: "订单发生过退款",
    OrderState.CLOSED: "订单已关闭",
}


def find(box: Box, out_trade_no: str) -> sqlite3.Row | None:
    """The order, closed first if its time is over; None when WeChat has never heard of the number."""
    return _aged(box, box.store.row("SELECT * FROM orders WHERE out_trade_no = ?", out_trade_no))


def find_paid(box: Box, transaction_id: str) -> sqlite3.Row | None:
    """The paid order with this transaction_id, or None."""
    return box.store.row("SELECT * FROM orders WHERE transaction_id = ?", transaction_id)


def _aged(box: Box, order: sqlite3.Row | None) -> sqlite3.Row | None:
    if order is None or order["state"] != OrderState.NOTPAY or order["expires_at"] > box.now():
        return order
    _move(box, order["out_trade_no"], OrderState.CLOSED)
    return box.store.row("SELECT * FROM orders WHERE out_trade_no = ?", order["out_trade_no"])


def _move(box: Box, out_trade_no: str, state: OrderState) -> None:
    box.store.run("UPDATE orders SET state = ? WHERE out_trade_no = ?", state, out_trade_no)


def place(box: Box, asked: dict[str, Any], kind: TradeKind = TradeKind.JSAPI) -> str:
    """A prepay_id for a checked body. The same number comes again only with the very same body; not for
    an order that is paid or closed. Raises PayRefusal INVALID_REQUEST, or 403 OUT_TRADE_NO_USED for a number that
    a combined order has."""
    with box.store.write() as db:
        number = asked["out_trade_no"]
        order = find(box, number)
        if box.store.row("SELECT 1 FROM combined_parts WHERE out_trade_no = ?", number) is not None:
            raise PayRefusal(403, "OUT_TRADE_NO_USED", "商户订单号重复，请核实后更换订单号")
        if order is None:
            insert(box, asked)
            if kind is not TradeKind.JSAPI:
                trade_kinds.remember(box, number, kind)
        else:
            check_open(order)
            if order["asked"] != canonical(asked) or trade_kinds.of(box, number) is not kind:
                raise other_parameters()
        prepay_id = new_prepay_id(box)
        db.execute("INSERT INTO prepays VALUES (?, ?, ?)", (prepay_id, number, box.now()))
        return prepay_id


def insert(box: Box, asked: dict[str, Any]) -> None:
    """Write down a new order that waits for its money."""
    box.store.run(
        "INSERT INTO orders (out_trade_no, asked, appid, openid, total_fen, state, notify_url,"
        " created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        asked["out_trade_no"],
        canonical(asked),
        asked["appid"],
        asked.get("payer", {}).get("openid", ""),  # who pays by a code shows only when paying
        asked["amount"]["total"],
        OrderState.NOTPAY,
        asked["notify_url"],
        box.now(),
        _expiry(box, asked),
    )


def new_prepay_id(box: Box) -> str:
    """``wx``, the time, and digits."""
    return "wx" + rfc3339(box.now()).translate({45: None, 58: None, 84: None})[:14] + digits(20)


def check_open(order: sqlite3.Row) -> None:
    """May this order still be paid? Raises PayRefusal INVALID_REQUEST: paid already, or closed."""
    if order["state"] in (OrderState.SUCCESS, OrderState.REFUND):
        raise PayRefusal(400, "INVALID_REQUEST", "该订单已支付", number=_ORDER_PAID)
    if order["state"] == OrderState.CLOSED:
        raise PayRefusal(400, "INVALID_REQUEST", "该订单已失效", number=_ORDER_INVALID)


def other_parameters() -> PayRefusal:
    """The refusal of a known number with other parameters."""
    return PayRefusal(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致", number=_OTHER_PARAMETERS)


def description(order: sqlite3.Row) -> str:
    """What the shopper sees that she pays for."""
    return str(json.loads(order["asked"])["description"])


def canonical(asked: dict[str, Any]) -> str:
    """The same text for the same parameters, whatever their order."""
    return json.dumps(asked, ensure_ascii=False, sort_keys=True)


def _expiry(box: Box, asked: dict[str, Any]) -> float:
    now = box.now()
    if "time_expire" not in asked:
        return now + _LIFE_WHEN_SILENT_S
    wished = moment(asked["time_expire"], "/time_expire")
    return min(max(wished, now + _SHORTEST_LIFE_S), now + _LONGEST_LIFE_S)


def close(box: Box, out_trade_no: str) -> None:
    """Close an unpaid order; again and again is the same. Raises PayRefusal ORDER_NOT_EXIST or ORDER_PAID."""
    with box.store.write():
        order = find(box, out_trade_no)
        if order is None:
            raise PayRefusal(404, "ORDER_NOT_EXIST", "订单不存在")
        if order["state"] in (OrderState.SUCCESS, OrderState.REFUND):
            raise PayRefusal(400, "ORDER_PAID", "该订单已支付")
        _move(box, out_trade_no, OrderState.CLOSED)


def as_transaction(box: Box, order: sqlite3.Row) -> dict[str, Any]:
    """The Transaction object of a query or notice; before payment most of it is absent (WECHAT_PAY.md
    5.2)."""
    asked, state = json.loads(order["asked"]), OrderState(order["state"])
    content: dict[str, Any] = {
        "appid": order["appid"],
        "mchid": box.credentials.pay.mchid,
        "out_trade_no": order["out_trade_no"],
        "trade_state": state,
        "trade_state_desc": _DESCRIBED[state],
        "promotion_detail": [],
    }
    if state in (OrderState.NOTPAY, OrderState.CLOSED):
        return content | {"amount": {"payer_currency": "CNY", "total": order["total_fen"]}}
    total = order["total_fen"]
    if "attach" in asked:
        content["attach"] = asked["attach"]
    if "scene_info" in asked:
        content["scene_info"] = {"device_id": asked["scene_info"].get("device_id", "")}
    return content | {
        "transaction_id": order["transaction_id"],
        "trade_type": trade_kinds.of(box, order["out_trade_no"]),
        "bank_type": "OTHERS",
        "success_time": rfc3339(order["success_at"]),
        "payer": {"openid": order["openid"]},
        "amount": {"total": total, "payer_total": total, "currency": "CNY", "payer_currency": "CNY"},
    }
