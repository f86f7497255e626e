"""Combined orders: several orders under one number, paid and closed all or none (WECHAT_PAY.md 10.1)."""

import json
import sqlite3
from typing import Any

from wechat.box import orders
from wechat.box.inside import Box
from wechat.box.orders import OrderState
from wechat.box.pay_signing import PayRefusal

_NUMBER_USED = "商户订单号重复，请核实后更换订单号"


def find(box: Box, number: str) -> sqlite3.Row | None:
    """The combined order with this combine_out_trade_no, or None."""
    return box.store.row("SELECT * FROM combined WHERE combine_out_trade_no = ?", number)


def parts(box: Box, number: str) -> list[sqlite3.Row]:
    """Its sub-orders in their order, each closed first if its time is over."""
    rows = box.store.rows(
        "SELECT out_trade_no FROM combined_parts WHERE combine_out_trade_no = ? ORDER BY position", number
    )
    found = [orders.find(box, row["out_trade_no"]) for row in rows]
    return [one for one in found if one is not None]


def whole_of(box: Box, out_trade_no: str) -> str | None:
    """The combined order that this order is a part of, or None."""
    row = box.store.row("SELECT * FROM combined_parts WHERE out_trade_no = ?", out_trade_no)
    return None if row is None else str(row["combine_out_trade_no"])


def place(box: Box, asked: dict[str, Any]) -> str:
    """A prepay_id for a checked body; the same rules as for a single order, for all parts together. Raises
    PayRefusal 403 OUT_TRADE_NO_USED when a part's number belongs to another order."""
    number, numbers = asked["combine_out_trade_no"], [one["out_trade_no"] for one in asked["sub_orders"]]
    if len(set(numbers)) < len(numbers):
        raise PayRefusal(400, "PARAM_ERROR", "子单商户订单号重复")
    with box.store.write() as db:
        known = find(box, number)
        if known is None:
            if any(box.store.row("SELECT 1 FROM orders WHERE out_trade_no = ?", one) for one in numbers):
                raise PayRefusal(403, "OUT_TRADE_NO_USED", _NUMBER_USED)
            _insert(box, asked)
        else:
            for order in parts(box, number):
                orders.check_open(order)
            if known["asked"] != orders.canonical(asked):
                raise orders.other_parameters()
        prepay_id = orders.new_prepay_id(box)
        db.execute("INSERT INTO combined_prepays VALUES (?, ?, ?)", (prepay_id, number, box.now()))
        return prepay_id


def _insert(box: Box, asked: dict[str, Any]) -> None:
    number, openid = asked["combine_out_trade_no"], asked["combine_payer_info"]["openid"]
    box.store.run(
        "INSERT INTO combined VALUES (?, ?, ?, ?, ?, ?)",
        number,
        orders.canonical(asked),
        asked["combine_appid"],
        openid,
        asked["notify_url"],
        box.now(),
    )
    shared = {name: asked[name] for name in ("time_expire", "scene_info", "notify_url") if name in asked}
    for position, one in enumerate(asked["sub_orders"]):
        kept = {name: one[name] for name in ("attach", "goods_tag", "settle_info") if name in one}
        orders.insert(
            box,
            shared
            | kept
            | {
                "appid": asked["combine_appid"],
                "mchid": one["mchid"],
                "description": one["description"],
                "out_trade_no": one["out_trade_no"],
                "amount": {"total": one["amount"]["total_amount"], "currency": "CNY"},
                "payer": {"openid": openid},
            },
        )
        box.store.run("INSERT INTO combined_parts VALUES (?, ?, ?)", one["out_trade_no"], number, position)


def close(box: Box, number: str, asked: dict[str, Any]) -> None:
    """Close all parts of an unpaid combined order; the body must name exactly its parts. Raises PayRefusal."""
    with box.store.write():
        known = find(box, number)
        if known is None:
            raise PayRefusal(404, "ORDER_NOT_EXIST", "订单不存在")
        of_it = parts(box, number)
        named = sorted(one["out_trade_no"] for one in asked["sub_orders"])
        if known["appid"] != asked["combine_appid"] or named != sorted(one["out_trade_no"] for one in of_it):
            raise PayRefusal(400, "PARAM_ERROR", "子单与原合单订单不一致")
        for order in of_it:
            orders.close(box, order["out_trade_no"])


def as_json(box: Box, whole: sqlite3.Row) -> dict[str, Any]:
    """The object of a query or a notice: what is common, and ``sub_orders``."""
    asked, number = json.loads(whole["asked"]), whole["combine_out_trade_no"]
    content: dict[str, Any] = {
        "combine_appid": whole["appid"],
        "combine_mchid": box.credentials.pay.mchid,
        "combine_out_trade_no": number,
        "combine_payer_info": {"openid": whole["openid"]},
        "sub_orders": [_part(box, order) for order in parts(box, number)],
    }
    if "scene_info" in asked:
        content["scene_info"] = {"device_id": asked["scene_info"].get("device_id", "")}
    return content


def _part(box: Box, order: sqlite3.Row) -> dict[str, Any]:
    single = orders.as_transaction(box, order)
    told = ("mchid", "trade_type", "trade_state", "bank_type", "attach", "success_time", "transaction_id")
    content = {name: single[name] for name in (*told, "out_trade_no") if name in single}
    total = order["total_fen"]
    content["amount"] = {"total_amount": total, "currency": "CNY"}
    if order["state"] in (OrderState.SUCCESS, OrderState.REFUND):
        content["amount"] |= {"payer_amount": total, "payer_currency": "CNY"}
    return content
