"""What becomes of a paid mini-program order: shipped, received, settled, each at its time (WECHAT.md 8)."""

import json
import sqlite3
from enum import IntEnum
from typing import Any

from wechat.box import people, pushing
from wechat.box.inside import Box, iso_utc

EXPRESS = 1
_DAY_S = 86400
_AUTO_S = {EXPRESS: 10 * _DAY_S}
_AUTO_ELSE_S = 2 * _DAY_S
_REMIND_S = 48 * 3600


class ShippingState(IntEnum):
    """``order_state`` of get_order."""

    TO_SHIP = 1  # paid; nothing, or not everything, is on its way
    SHIPPED = 2  # on its way; the shopper has not confirmed
    RECEIVED = 3  # confirmed by her or by time; the money moves next
    COMPLETED = 4  # the merchant has the money
    REFUNDED = 5  # all of it went back to the shopper
    PENDING = 6  # confirmed, but a complaint holds the money


def find_order(box: Box, *, transaction_id: object = None, out_trade_no: object = None) -> sqlite3.Row | None:
    """The paid order of the mini-program with one of these numbers, or None."""
    return box.store.row(
        "SELECT * FROM orders WHERE (transaction_id = ? OR out_trade_no = ?) AND appid = ?"
        " AND state IN ('SUCCESS', 'REFUND')",
        transaction_id,
        out_trade_no,
        box.credentials.mp.appid,
    )


def of(box: Box, transaction_id: str) -> sqlite3.Row | None:
    """What was uploaded for this order, or None."""
    return box.store.row("SELECT * FROM shippings WHERE transaction_id = ?", transaction_id)


def has_complaint(box: Box, transaction_id: str) -> bool:
    """Whether the shopper's complaint is open."""
    found = box.store.row("SELECT 1 FROM complaints WHERE transaction_id = ?", transaction_id)
    return found is not None


def state(box: Box, order: sqlite3.Row) -> ShippingState:
    """Where the order stands now."""
    back = box.store.row(
        "SELECT coalesce(sum(refund_fen), 0) AS fen FROM refunds WHERE out_trade_no = ? AND status = 'SUCCESS'",
        order["out_trade_no"],
    )
    if back is not None and back["fen"] >= order["total_fen"]:
        return ShippingState.REFUNDED
    sent = of(box, order["transaction_id"])
    if sent is None or sent["shipped_at"] is None:
        return ShippingState.TO_SHIP
    if sent["received_at"] is None:
        return ShippingState.SHIPPED
    if sent["settled_at"] is not None:
        return ShippingState.COMPLETED
    held = has_complaint(box, order["transaction_id"])
    return ShippingState.PENDING if held else ShippingState.RECEIVED


def keep(
    box: Box, order: sqlite3.Row, upload: dict[str, Any], packages: list[dict[str, Any]], *, finish: bool
) -> None:
    """Keep an upload; ``finish`` means that everything is on its way, which the shopper and the merchant are
    told."""
    now, transaction_id = box.now(), order["transaction_id"]
    kind, mode = upload["logistics_type"], upload["delivery_mode"]
    with box.store.write() as db:
        db.execute(
            "INSERT INTO shippings (transaction_id, logistics_type, delivery_mode, packages, upload_time, uploaded_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (transaction_id) DO UPDATE SET"
            " logistics_type = excluded.logistics_type, delivery_mode = excluded.delivery_mode,"
            " packages = excluded.packages, upload_time = excluded.upload_time, uploaded_at = excluded.uploaded_at",
            (
                transaction_id,
                kind,
                mode,
                json.dumps(packages, ensure_ascii=False),
                upload["upload_time"],
                now,
            ),
        )
        if finish:
            db.execute(
                "UPDATE shippings SET finish_count = finish_count + 1, shipped_at = ? WHERE transaction_id = ?",
                (now, transaction_id),
            )
            goods = ", ".join(one["item_desc"] for one in packages)
            _tell_shopper(box, order, "shipped", f"订单已发货: {goods}")
            _push_settlement(box, order, estimated_settlement_time=int(now + _auto_s(kind)))
    box.wake.set()


def _auto_s(kind: int) -> int:
    return _AUTO_S.get(kind, _AUTO_ELSE_S)


def _tell_shopper(box: Box, order: sqlite3.Row, kind: str, text: str) -> None:
    person = people.by_openid(box, order["appid"], order["openid"])
    if person is not None:
        extra = {"appid": order["appid"], "transaction_id": order["transaction_id"]}
        people.note(box, person["id"], "wechat", kind, text, extra=extra)


def _push_settlement(box: Box, order: sqlite3.Row, **fields: int) -> None:
    sent = of(box, order["transaction_id"])
    assert sent is not None
    shipped = {"shipped_time": int(sent["shipped_at"])}
    _push(box, order, "trade_manage_order_settlement", **shipped, **fields)


def _push(box: Box, order: sqlite3.Row, name: str, **fields: Any) -> None:
    pushing.platform_event(
        box,
        box.credentials.mp,
        order["openid"],
        name,
        transaction_id=order["transaction_id"],
        merchant_id=box.credentials.pay.mchid,
        sub_merchant_id="",
        merchant_trade_no=order["out_trade_no"],
        pay_time=int(order["success_at"]),
        **fields,
    )


def confirm(box: Box, order: sqlite3.Row, method: int) -> bool:
    """The shopper (method 1) or time (2) confirms the receipt; False when the order is not on its way."""
    with box.store.write() as db:
        if state(box, order) != ShippingState.SHIPPED:
            return False
        db.execute(
            "UPDATE shippings SET received_at = ?, confirm_method = ? WHERE transaction_id = ?",
            (box.now(), method, order["transaction_id"]),
        )
        _tell_shopper(box, order, "received", "已确认收货" if method == 1 else "超时未确认, 已自动确认收货")
    box.wake.set()
    return True


def complain(box: Box, order: sqlite3.Row, *, begins: bool) -> None:
    """A complaint begins or ends; an open one holds the settlement."""
    if begins:
        box.store.run("INSERT OR IGNORE INTO complaints VALUES (?, ?)", order["transaction_id"], box.now())
    else:
        box.store.run("DELETE FROM complaints WHERE transaction_id = ?", order["transaction_id"])
    box.wake.set()


def settle_due(box: Box) -> None:
    """Confirm by time, settle, remind: whatever is due on the box's clock."""
    told = box.settings()["mp_callback_url"] is not None
    if not told and box.store.row("SELECT 1 FROM shippings WHERE settled_at IS NULL") is None:
        return
    with box.store.write():
        for sent in box.store.rows(
            "SELECT * FROM shippings WHERE received_at IS NULL AND shipped_at IS NOT NULL"
        ):
            order = find_order(box, transaction_id=sent["transaction_id"])
            if order is not None and sent["shipped_at"] + _auto_s(sent["logistics_type"]) <= box.now():
                confirm(box, order, 2)
        delay_s = box.settings()["settlement_delay_s"]
        for sent in box.store.rows(
            "SELECT * FROM shippings WHERE settled_at IS NULL AND received_at + ? <= ?", delay_s, box.now()
        ):
            order = find_order(box, transaction_id=sent["transaction_id"])
            if order is not None and state(box, order) == ShippingState.RECEIVED:
                _settle(box, order, sent)
        if told:
            _remind(box)


def _settle(box: Box, order: sqlite3.Row, sent: sqlite3.Row) -> None:
    now = box.now()
    box.store.run("UPDATE shippings SET settled_at = ? WHERE transaction_id = ?", now, sent["transaction_id"])
    _push_settlement(
        box,
        order,
        confirm_receive_method=sent["confirm_method"],
        confirm_receive_time=int(sent["received_at"]),
        settlement_time=int(now),
    )


def _remind(box: Box) -> None:
    """48 hours after the payment, once; a pre-sale has until its own day, a test order for ever."""
    late = box.store.rows(
        "SELECT * FROM orders WHERE success_at <= ? AND appid = ? AND state IN ('SUCCESS', 'REFUND')"
        " AND transaction_id NOT IN (SELECT transaction_id FROM ship_reminders)",
        box.now() - _REMIND_S,
        box.credentials.mp.appid,
    )
    for order in late:
        special = box.store.row(
            "SELECT * FROM special_orders WHERE transaction_id = ?", order["transaction_id"]
        )
        if special is not None and (special["type"] == 2 or special["delay_to"] > box.now()):
            continue
        box.store.run("INSERT INTO ship_reminders VALUES (?, ?)", order["transaction_id"], box.now())
        if state(box, order) == ShippingState.TO_SHIP:
            _push(box, order, "trade_manage_remind_shipping", msg="订单已超过48小时未发货，请尽快发货")


def next_due(box: Box) -> float | None:
    """When the next settlement is due, or None; what takes days is found within a second anyway."""
    found = box.store.row("SELECT min(received_at) AS at FROM shippings WHERE settled_at IS NULL")
    if found is None or found["at"] is None:
        return None
    due = float(found["at"]) + float(box.settings()["settlement_delay_s"])
    return due if due > box.now() else None


def as_json(box: Box, order: sqlite3.Row) -> dict[str, Any]:
    """The order as get_order tells it."""
    asked, sent = json.loads(order["asked"]), of(box, order["transaction_id"])
    return {
        "transaction_id": order["transaction_id"],
        "merchant_id": box.credentials.pay.mchid,
        "sub_merchant_id": "",
        "merchant_trade_no": order["out_trade_no"],
        "description": asked.get("description", ""),
        "paid_amount": order["total_fen"],
        "openid": order["openid"],
        "trade_create_time": int(order["created_at"]),
        "pay_time": int(order["success_at"]),
        "order_state": int(state(box, order)),
        "in_complaint": has_complaint(box, order["transaction_id"]),
        "shipping": {} if sent is None else _shipping_json(sent),
    }


def _shipping_json(sent: sqlite3.Row) -> dict[str, Any]:
    packages = json.loads(sent["packages"])
    return {
        "delivery_mode": sent["delivery_mode"],
        "logistics_type": sent["logistics_type"],
        "finish_shipping": sent["shipped_at"] is not None,
        "finish_shipping_count": sent["finish_count"],
        "goods_desc": ", ".join(one["item_desc"] for one in packages),
        "shipping_list": [
            {
                "tracking_no": one.get("tracking_no", ""),
                "express_company": one.get("express_company", ""),
                "goods_desc": one["item_desc"],
                "upload_time": int(sent["uploaded_at"]),
                "contact": one.get("contact", {}),
            }
            for one in packages
        ],
    }


def as_told(box: Box, order: sqlite3.Row) -> dict[str, Any]:
    """The order's delivery as the control API tells it."""
    sent = of(box, order["transaction_id"])
    at = {
        name: None if sent is None or sent[name] is None else iso_utc(sent[name])
        for name in ("shipped_at", "received_at", "settled_at")
    }
    return {"transaction_id": order["transaction_id"], "order_state": int(state(box, order)), **at}
