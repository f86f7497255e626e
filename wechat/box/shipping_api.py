"""Order delivery management, as a program calls it (WECHAT.md 8.2, 8.3)."""

import sqlite3
from typing import Any

from flask import Request, Response

from wechat.box import people, shipping, shipping_rules
from wechat.box.account_api import mini_program
from wechat.box.answers import Refusal, asked_json, done, said
from wechat.box.inside import Box
from wechat.box.shipping import EXPRESS, ShippingState

_DAY_S = 86400
_PAGE = 100
_CARRIERS = {
    "SF": "顺丰速运",
    "STO": "申通快递",
    "YD": "韵达速递",
    "ZTO": "中通快递",
    "YTO": "圆通速递",
    "JTSD": "极兔速递",
    "JD": "京东物流",
    "EMS": "中国邮政速递物流",
    "DBL": "德邦快递",
}


def upload(box: Box, request: Request) -> Response:
    """POST /wxa/sec/order/upload_shipping_info: one upload, and one chance to ship again."""
    mini_program(box, request)
    asked = asked_json(request)
    order = shipping_rules.order_of(box, asked.get("order_key"))
    shipping_rules.check_payer(asked, order)
    shipping_rules.accept(box, order, asked, asked.get("upload_time"))
    return done()


def upload_combined(box: Box, request: Request) -> Response:
    """POST /wxa/sec/order/upload_combined_shipping_info: every sub order, or none."""
    mini_program(box, request)
    asked = asked_json(request)
    key, subs = asked.get("order_key"), asked.get("sub_orders")
    if not isinstance(key, dict) or not isinstance(subs, list) or not 1 <= len(subs) <= 50:
        raise Refusal(10060014)
    with box.store.write():
        for sub in subs:
            own = sub.get("order_key") if isinstance(sub, dict) else None
            if not isinstance(own, dict) or own.get("order_number_type") != key.get("order_number_type"):
                raise Refusal(268485194)
            order = shipping_rules.order_of(box, own)
            shipping_rules.check_payer(asked, order)
            shipping_rules.accept(box, order, sub, asked.get("upload_time"))
    return done()


def _order(box: Box, asked: dict[str, Any]) -> sqlite3.Row:
    """The order by transaction_id, or by merchant_id and merchant_trade_no (other names than in uploads)."""
    if asked.get("transaction_id"):
        order = shipping.find_order(box, transaction_id=str(asked["transaction_id"]))
    elif asked.get("merchant_id") and asked.get("merchant_trade_no"):
        ours = asked["merchant_id"] == box.credentials.pay.mchid
        order = shipping.find_order(box, out_trade_no=str(asked["merchant_trade_no"])) if ours else None
    else:
        raise Refusal(10060014)
    if order is None:
        raise Refusal(10060001)
    return order


def get_order(box: Box, request: Request) -> Response:
    """POST /wxa/sec/order/get_order"""
    mini_program(box, request)
    order = _order(box, asked_json(request))
    return said({"errcode": 0, "errmsg": "ok", "order": shipping.as_json(box, order)})


def list_orders(box: Box, request: Request) -> Response:
    """POST /wxa/sec/order/get_order_list {pay_time_range, order_state, openid, last_index, page_size}"""
    account = mini_program(box, request)
    asked = asked_json(request)
    span, after = asked.get("pay_time_range") or {}, asked.get("last_index") or "0"
    size = asked.get("page_size", _PAGE)
    if not isinstance(span, dict) or type(size) is not int or not 1 <= size <= _PAGE:
        raise Refusal(10060014)
    if not isinstance(after, str) or not (after.isascii() and after.isdigit() and len(after) < 19):
        raise Refusal(10060011)
    begin, end, openid = span.get("begin_time", 0), span.get("end_time", 2**40), asked.get("openid")
    whole = all(type(one) is int and abs(one) <= 2**40 for one in (begin, end))
    if not whole or not isinstance(openid, str | None):
        raise Refusal(10060014)
    rows = box.store.rows(
        "SELECT rowid AS number, * FROM orders WHERE rowid > ? AND appid = ? AND state IN ('SUCCESS', 'REFUND')"
        " AND success_at BETWEEN ? AND ? AND (? IS NULL OR openid = ?) ORDER BY rowid",
        int(after),
        account.appid,
        begin,
        end,
        openid,
        openid,
    )
    wanted = asked.get("order_state")
    fitting = [row for row in rows if wanted is None or shipping.state(box, row) == wanted]
    page = fitting[:size]
    return said(
        {
            "errcode": 0,
            "errmsg": "ok",
            "last_index": str(page[-1]["number"]) if page else after,
            "has_more": len(fitting) > len(page),
            "order_list": [shipping.as_json(box, row) for row in page],
        }
    )


def notify_receipt(box: Box, request: Request) -> Response:
    """POST /wxa/sec/order/notify_confirm_receive {..., received_time}: the shopper is asked to confirm, once."""
    mini_program(box, request)
    asked = asked_json(request)
    order, moment = _order(box, asked), asked.get("received_time")
    sent = shipping.of(box, order["transaction_id"])
    if sent is None or shipping.state(box, order) != ShippingState.SHIPPED:
        raise Refusal(10060028)
    if sent["logistics_type"] != EXPRESS:
        raise Refusal(10060032)
    if type(moment) is not int or not int(sent["shipped_at"]) <= moment <= box.now() + 60:
        raise Refusal(10060029)
    if sent["notified"]:
        raise Refusal(10060030)
    person = people.by_openid(box, order["appid"], order["openid"])
    with box.store.write() as db:
        db.execute("UPDATE shippings SET notified = 1 WHERE transaction_id = ?", (order["transaction_id"],))
        if person is not None:
            extra = {"appid": order["appid"], "transaction_id": order["transaction_id"]}
            people.note(box, person["id"], "wechat", "confirm", "商品已送达, 请确认收货", extra=extra)
    return done()


def set_jump_path(box: Box, request: Request) -> Response:
    """POST /wxa/sec/order/set_msg_jump_path {path}"""
    mini_program(box, request)
    path = asked_json(request).get("path", "")
    if not isinstance(path, str):
        raise Refusal(10060014)
    box.store.keep("life:jump_path", path)
    return done()


def special_order(box: Box, request: Request) -> Response:
    """POST /wxa/sec/order/opspecialorder {order_id, type: 1 pre-sale | 2 test, delay_to}"""
    mini_program(box, request)
    asked = asked_json(request)
    number = str(asked.get("order_id"))
    order = shipping.find_order(box, transaction_id=number, out_trade_no=number)
    kind, until = asked.get("type"), asked.get("delay_to")
    if order is None or kind not in (1, 2):
        raise Refusal(268546000)
    if shipping.state(box, order) != ShippingState.TO_SHIP:
        raise Refusal(268546001)
    if kind == 1:
        begin, end = order["success_at"] + 15 * _DAY_S, order["success_at"] + 330 * _DAY_S
        if type(until) is not int or not begin < until <= end:
            raise Refusal(268546002)
    box.store.run(
        "INSERT OR REPLACE INTO special_orders VALUES (?, ?, ?)", order["transaction_id"], kind, until
    )
    return done()


def _check_appid(box: Box, request: Request) -> None:
    account = mini_program(box, request)
    if asked_json(request).get("appid") != account.appid:
        raise Refusal(40013)


def is_managed(box: Box, request: Request) -> Response:
    """POST /wxa/sec/order/is_trade_managed {appid}"""
    _check_appid(box, request)
    return said({"errcode": 0, "errmsg": "ok", "is_trade_managed": True})


def is_confirmed(box: Box, request: Request) -> Response:
    """POST /wxa/sec/order/is_trade_management_confirmation_completed {appid}"""
    _check_appid(box, request)
    return said({"errcode": 0, "errmsg": "ok", "completed": True})


def carriers(box: Box, request: Request) -> Response:
    """POST /cgi-bin/express/delivery/open_msg/get_delivery_list: a few of the thousand and more."""
    mini_program(box, request)
    told = [{"delivery_id": one, "delivery_name": name} for one, name in _CARRIERS.items()]
    return said({"errcode": 0, "errmsg": "ok", "delivery_list": told, "count": len(told)})
