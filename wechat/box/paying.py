"""What the shopper's phone does with a prepay_id: it pays the order, or all parts of a combined one, once."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from wechat.box import combined, notices, orders, people, purse, trade_kinds
from wechat.box.inside import Box, digits
from wechat.box.orders import OrderState
from wechat.box.pay_signing import is_signed

_PREPAY_LIFE_S = 2 * 3600
OF_APPS = "Sign=WXPay"
_OF_PAGES = ("timeStamp", "nonceStr", "package", "signType", "paySign")


class CannotPay(Exception):
    """The shopper's phone refuses to pay: ``code`` for programs, the sentence as the phone would show it."""

    def __init__(self, code: str, sentence: str) -> None:
        """Refuse with a code and a sentence."""
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class PaidNow:
    """What was just paid, and the notice that is on its way. ``number`` is the order's or the combined one's;
    ``orders`` are its parts, or the one order itself."""

    number: str
    orders: list[sqlite3.Row]
    delivery: int


@dataclass(frozen=True)
class Bill:
    """What a phone shows before it pays: a combined payment, or the one order itself."""

    number: str
    appid: str
    openid: str
    whole: sqlite3.Row | None
    orders: list[sqlite3.Row]
    asked_s: float


def pay(box: Box, person: sqlite3.Row, given: dict[str, Any]) -> PaidNow:
    """The shopper confirms: every order of it becomes SUCCESS once, its notice is on the way. ``given`` is
    {prepay_id}, {code_url}, {h5_url}, what wx.requestPayment got, or what an app handed to WeChat's SDK (then the
    signature is verified). Raises CannotPay, as her phone would."""
    with box.store.write():
        bill = look(box, given)
        if "package" in given and "prepay_id" not in given:
            _check_signature(box, bill.appid, given)
        _check_open(box, person, bill)
        payer = people.openid_under(box, person, bill.appid)
        for order in bill.orders:
            box.store.run(
                "UPDATE orders SET state = ?, transaction_id = ?, success_at = ?, openid = ? WHERE out_trade_no = ?",
                OrderState.SUCCESS,
                "42000" + digits(23),
                int(box.now()),
                payer,
                order["out_trade_no"],
            )
            purse.paid(box, _order(box, order["out_trade_no"]))
        paid = [_order(box, order["out_trade_no"]) for order in bill.orders]
        return PaidNow(bill.number, paid, _announce(box, bill, paid[0], person["id"]))


def look(box: Box, given: dict[str, Any]) -> Bill:
    """What is to be paid, by any of the ways of ``pay``. Raises CannotPay."""
    bill = _bill(box, _prepay_id(box, given))
    if bill is None:
        raise CannotPay("PREPAY_UNKNOWN", "商户订单信息不存在（prepay_id无效）")
    return bill


def bill_as_json(bill: Bill) -> dict[str, Any]:
    """A bill as the control API shows it."""
    return {
        "out_trade_no": bill.number,
        "description": "；".join(orders.description(order) for order in bill.orders),
        "total_fen": sum(order["total_fen"] for order in bill.orders),
        "state": bill.orders[0]["state"],
    }


def _announce(box: Box, bill: Bill, order: sqlite3.Row, person: str) -> int:
    if bill.whole is not None:
        told = combined.as_json(box, bill.whole)
        return notices.announce_paid(box, told, bill.whole["notify_url"], person)
    return notices.announce_paid(box, orders.as_transaction(box, order), order["notify_url"], person)


def _order(box: Box, out_trade_no: str) -> sqlite3.Row:
    order = orders.find(box, out_trade_no)
    assert order is not None
    return order


def _bill(box: Box, prepay_id: str) -> Bill | None:
    prepay = box.store.row("SELECT * FROM prepays WHERE prepay_id = ?", prepay_id)
    if prepay is not None:
        order = _order(box, prepay["out_trade_no"])
        number, asked_s = order["out_trade_no"], prepay["created_at"]
        return Bill(number, order["appid"], order["openid"], None, [order], asked_s)
    prepay = box.store.row("SELECT * FROM combined_prepays WHERE prepay_id = ?", prepay_id)
    if prepay is None:
        return None
    whole = combined.find(box, prepay["combine_out_trade_no"])
    assert whole is not None
    number = whole["combine_out_trade_no"]
    of_it = combined.parts(box, number)
    return Bill(number, whole["appid"], whole["openid"], whole, of_it, prepay["created_at"])


def _check_open(box: Box, person: sqlite3.Row, bill: Bill) -> None:
    named = trade_kinds.of(box, bill.number) is trade_kinds.TradeKind.JSAPI
    if named and people.openid_under(box, person, bill.appid) != bill.openid:
        raise CannotPay("PAYER_MISMATCH", "下单账号与支付账号不一致，请核实后再支付")
    states = {order["state"] for order in bill.orders}
    if states & {OrderState.SUCCESS, OrderState.REFUND}:
        raise CannotPay("ORDER_PAID", "该订单已支付，请勿重复支付")
    if OrderState.CLOSED in states:
        raise CannotPay("ORDER_CLOSED", "订单已关闭")
    if bill.asked_s + _PREPAY_LIFE_S <= box.now():
        raise CannotPay("PREPAY_EXPIRED", "prepay_id已过期，请重新下单")


def _prepay_id(box: Box, given: dict[str, Any]) -> str:
    if "prepay_id" in given:
        return str(given["prepay_id"])
    address = given.get("code_url", given.get("h5_url"))
    if address is not None:
        found = trade_kinds.behind(box, str(address))
        if found is None:
            raise CannotPay("PREPAY_UNKNOWN", "商户订单信息不存在（支付链接无效）")
        if found["until"] is not None and found["until"] <= box.now():
            raise CannotPay("PREPAY_EXPIRED", "支付链接已过期，请重新下单")
        return str(found["prepay_id"])
    package = given.get("package")
    if package == OF_APPS:
        return str(given.get("prepayid"))
    if not isinstance(package, str) or not package.startswith("prepay_id="):
        raise CannotPay("PARAM_ERROR", "缺少参数 package（prepay_id=…）")
    return package.removeprefix("prepay_id=")


def _check_signature(box: Box, appid: str, given: dict[str, Any]) -> None:
    """Of wx.requestPayment, or of an app (whose names and last line differ, WECHAT_PAY.md 4)."""
    of_app = given["package"] == OF_APPS
    names = ("appid", "partnerid", "prepayid", "noncestr", "timestamp", "sign") if of_app else _OF_PAGES
    for name in names:
        if not isinstance(given.get(name), str) or not given[name]:
            raise CannotPay("PARAM_ERROR", f"缺少参数 {name}，或它不是字符串")
    if not of_app and given["signType"] != "RSA":
        raise CannotPay("PARAM_ERROR", "signType 应为 RSA")
    if given.get("appid" if of_app else "appId", appid) != appid:
        raise CannotPay("PARAM_ERROR", "商户传入的appid参数不正确，请联系商户处理")
    if of_app and given["partnerid"] != box.credentials.pay.mchid:
        raise CannotPay("PARAM_ERROR", "商户传入的partnerid参数不正确，请联系商户处理")
    parts = ("timestamp", "noncestr", "prepayid") if of_app else ("timeStamp", "nonceStr", "package")
    message = "".join(f"{line}\n" for line in (appid, *(given[name] for name in parts))).encode()
    if not is_signed(box.credentials.pay, message, given["sign" if of_app else "paySign"]):
        raise CannotPay("SIGN_ERROR", "支付验证签名失败")


def waiting_for(box: Box, person: sqlite3.Row) -> list[dict[str, Any]]:
    """This person's orders, combined ones as one, youngest first, as her phone shows them, with a prepay_id to
    pay with."""
    openids = (person["oa_openid"], person["mp_openid"])
    single = box.store.rows(
        "SELECT out_trade_no AS number, created_at, 0 AS whole FROM orders WHERE openid IN (?, ?)"
        " AND out_trade_no NOT IN (SELECT out_trade_no FROM combined_parts)"
        " UNION ALL SELECT combine_out_trade_no, created_at, 1 FROM combined WHERE openid IN (?, ?)"
        " ORDER BY created_at DESC LIMIT 50",
        *openids,
        *openids,
    )
    return [_shown(box, row["number"], whole=bool(row["whole"])) for row in single]


def _shown(box: Box, number: str, *, whole: bool) -> dict[str, Any]:
    table, column = ("combined_prepays", "combine_out_trade_no") if whole else ("prepays", "out_trade_no")
    prepay = box.store.row(
        f"SELECT prepay_id FROM {table} WHERE {column} = ? ORDER BY created_at DESC LIMIT 1", number
    )
    of_it = combined.parts(box, number) if whole else [_order(box, number)]
    assert prepay is not None
    return {
        "out_trade_no": number,
        "description": "；".join(orders.description(order) for order in of_it),
        "total_fen": sum(order["total_fen"] for order in of_it),
        "state": of_it[0]["state"],
        "transaction_id": of_it[0]["transaction_id"],
        "prepay_id": prepay["prepay_id"],
    }
