"""Orders as WeChat Pay keeps them: NOTPAY -> SUCCESS -> REFUND, or CLOSED (WECHAT_PAY.md 5.4)."""

import json
import sqlite3
from enum import StrEnum
from typing import Any

from wechat.box import notices, people
from wechat.box.inside import Box, digits, rfc3339
from wechat.box.pay_shapes import moment
from wechat.box.pay_signing import PayRefusal, is_signed

_LIFE_WHEN_SILENT_S = 7 * 86400
_SHORTEST_LIFE_S = 60
_LONGEST_LIFE_S = 90 * 86400
_PREPAY_LIFE_S = 2 * 3600


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


class CannotPay(Exception):
    """The shopper's phone refuses to pay: ``code`` for programs, the sentence as the phone would show it."""

    def __init__(self, code: str, sentence: str) -> None:
        """Refuse with a code and a sentence."""
        super().__init__(sentence)
        self.code = code


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


def place(box: Box, asked: dict[str, Any]) -> str:
    """A prepay_id for a checked JSAPI body. The same number comes again only with the very same body; not for
    an order that is paid or closed. Raises PayRefusal INVALID_REQUEST."""
    with box.store.write() as db:
        number = asked["out_trade_no"]
        order = find(box, number)
        if order is None:
            db.execute(
                "INSERT INTO orders (out_trade_no, asked, appid, openid, total_fen, state, notify_url,"
                " created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    _canonical(asked),
                    asked["appid"],
                    asked["payer"]["openid"],
                    asked["amount"]["total"],
                    OrderState.NOTPAY,
                    asked["notify_url"],
                    box.now(),
                    _expiry(box, asked),
                ),
            )
        else:
            _check_again(order, asked)
        prepay_id = "wx" + rfc3339(box.now()).translate({45: None, 58: None, 84: None})[:14] + digits(20)
        db.execute("INSERT INTO prepays VALUES (?, ?, ?)", (prepay_id, number, box.now()))
        return prepay_id


def _check_again(order: sqlite3.Row, asked: dict[str, Any]) -> None:
    if order["state"] in (OrderState.SUCCESS, OrderState.REFUND):
        raise PayRefusal(400, "INVALID_REQUEST", "该订单已支付")
    if order["state"] == OrderState.CLOSED:
        raise PayRefusal(400, "INVALID_REQUEST", "该订单已失效")
    if order["asked"] != _canonical(asked):
        raise PayRefusal(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")


def _canonical(asked: dict[str, Any]) -> str:
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
        "trade_type": "JSAPI",
        "bank_type": "OTHERS",
        "success_time": rfc3339(order["success_at"]),
        "payer": {"openid": order["openid"]},
        "amount": {"total": total, "payer_total": total, "currency": "CNY", "payer_currency": "CNY"},
    }


def waiting_for(box: Box, person: sqlite3.Row) -> list[dict[str, Any]]:
    """This person's orders, youngest first, as her phone shows them, with a prepay_id to pay with."""
    orders = box.store.rows(
        "SELECT out_trade_no FROM orders WHERE openid IN (?, ?) ORDER BY created_at DESC LIMIT 50",
        person["oa_openid"],
        person["mp_openid"],
    )
    shown = []
    for number in [order["out_trade_no"] for order in orders]:
        order = find(box, number)
        prepay = box.store.row(
            "SELECT prepay_id FROM prepays WHERE out_trade_no = ? ORDER BY created_at DESC LIMIT 1", number
        )
        assert order is not None
        assert prepay is not None
        shown.append(
            {
                "out_trade_no": number,
                "description": json.loads(order["asked"])["description"],
                "total_fen": order["total_fen"],
                "state": order["state"],
                "transaction_id": order["transaction_id"],
                "prepay_id": prepay["prepay_id"],
            }
        )
    return shown


def pay(box: Box, person: sqlite3.Row, given: dict[str, Any]) -> tuple[sqlite3.Row, int]:
    """The shopper confirms: the order becomes SUCCESS once, its notice is on the way. Answers the order and
    the delivery's id. ``given`` is {prepay_id}, or what wx.requestPayment got (then paySign is verified).
    Raises CannotPay, as her phone would."""
    prepay_id = _prepay_id(given)
    with box.store.write() as db:
        prepay = box.store.row("SELECT * FROM prepays WHERE prepay_id = ?", prepay_id)
        if prepay is None:
            raise CannotPay("PREPAY_UNKNOWN", "商户订单信息不存在（prepay_id无效）")
        order = find(box, prepay["out_trade_no"])
        assert order is not None
        if "prepay_id" not in given:
            _check_pay_sign(box, order["appid"], given)
        if people.openid_under(box, person, order["appid"]) != order["openid"]:
            raise CannotPay("PAYER_MISMATCH", "下单账号与支付账号不一致，请核实后再支付")
        if order["state"] in (OrderState.SUCCESS, OrderState.REFUND):
            raise CannotPay("ORDER_PAID", "该订单已支付，请勿重复支付")
        if order["state"] == OrderState.CLOSED:
            raise CannotPay("ORDER_CLOSED", "订单已关闭")
        if prepay["created_at"] + _PREPAY_LIFE_S <= box.now():
            raise CannotPay("PREPAY_EXPIRED", "prepay_id已过期，请重新下单")
        db.execute(
            "UPDATE orders SET state = ?, transaction_id = ?, success_at = ? WHERE out_trade_no = ?",
            (OrderState.SUCCESS, "42000" + digits(23), int(box.now()), order["out_trade_no"]),
        )
        paid = find(box, order["out_trade_no"])
        assert paid is not None
        return paid, notices.announce_paid(box, as_transaction(box, paid), paid["notify_url"], person["id"])


def _prepay_id(given: dict[str, Any]) -> str:
    if "prepay_id" in given:
        return str(given["prepay_id"])
    package = given.get("package")
    if not isinstance(package, str) or not package.startswith("prepay_id="):
        raise CannotPay("PARAM_ERROR", "缺少参数 package（prepay_id=…）")
    return package.removeprefix("prepay_id=")


def _check_pay_sign(box: Box, appid: str, given: dict[str, Any]) -> None:
    for name in ("timeStamp", "nonceStr", "package", "signType", "paySign"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise CannotPay("PARAM_ERROR", f"缺少参数 {name}，或它不是字符串")
    if given["signType"] != "RSA":
        raise CannotPay("PARAM_ERROR", "signType 应为 RSA")
    if given.get("appId", appid) != appid:
        raise CannotPay("PARAM_ERROR", "商户传入的appid参数不正确，请联系商户处理")
    message = f"{appid}\n{given['timeStamp']}\n{given['nonceStr']}\n{given['package']}\n".encode()
    if not is_signed(box.credentials.pay, message, given["paySign"]):
        raise CannotPay("SIGN_ERROR", "支付验证签名失败")
