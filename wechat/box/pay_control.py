"""The pay half of the control API under /box: pay, confirm a transfer, see every order and every fen, bring money
to its end by hand."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from flask import Request

from wechat.box import (
    courier,
    outbox,
    pay_due,
    pay_lists,
    paying,
    people,
    purse,
    receivers,
    refunds,
    transfers,
)
from wechat.box.acts import Impossible
from wechat.box.control import Answer, BadCall, asked
from wechat.box.inside import Box
from wechat.box.purse import Kind
from wechat.box.refunds import RefundState
from wechat.box.transfers import CannotConfirm, TransferState

_MOST_FEN = 10**12
_State = TypeVar("_State", bound=StrEnum)


def list_orders(box: Box, request: Request, key: str) -> Answer:
    """GET /box/persons/<p>/orders"""
    return 200, {"orders": paying.waiting_for(box, people.get(box, key))}


def pay(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/pay {prepay_id | code_url | h5_url}, or everything that wx.requestPayment or an app's
    SDK got (then the signature is verified)"""
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


def look(box: Box, request: Request) -> Answer:
    """POST /box/pay/look {code_url | h5_url | prepay_id}: what her phone would show before she pays"""
    return 200, {"bill": paying.bill_as_json(paying.look(box, asked(request)))}


def list_transfers(box: Box, request: Request, key: str) -> Answer:
    """GET /box/persons/<p>/transfers: what merchants want to pay her, youngest first"""
    pay_due.settle(box)
    return 200, {"transfers": pay_lists.transfers_for(box, people.get(box, key))}


def confirm(box: Box, request: Request, key: str) -> Answer:
    """POST /box/persons/<p>/transfers/confirm {package | out_bill_no}, or all that wx.requestMerchantTransfer
    got"""
    pay_due.settle(box)
    given = asked(request)
    named = given.get("package", given.get("out_bill_no"))
    if not isinstance(named, str):
        raise BadCall("say which: package (the package_info) or out_bill_no")
    try:
        confirmed = transfers.confirm(box, people.get(box, key), named)
    except CannotConfirm as problem:
        raise Impossible(problem.code, str(problem)) from None
    return 200, {"transfer": transfers.as_json(box, confirmed)}


def purse_now(box: Box, request: Request) -> Answer:
    """GET /box/pay: the merchant's balance, what of it is frozen, and how much there is of everything"""
    pay_due.settle(box)
    return 200, {
        "balance_fen": purse.balance_fen(box),
        "frozen_fen": purse.frozen_fen(box),
        "available_fen": purse.available_fen(box),
        "counts": pay_lists.counts(box),
    }


def everything(box: Box, request: Request, what: str) -> Answer:
    """GET /box/pay/<orders | combined | refunds | receivers | splits | returns | transfers | funds>?limit=:
    youngest first"""
    pay_due.settle(box)
    limit = request.args.get("limit", "100")
    found = pay_lists.rows(box, what, min(int(limit), 1000) if limit.isdigit() else 100)
    if found is None:
        raise BadCall(f"there is {', '.join(pay_lists.TABLES)}")
    return 200, {what: found}


def _state(given: dict[str, Any], name: str, states: tuple[_State, ...]) -> _State:
    found = next((state for state in states if state == given.get(name)), None)
    if found is None:
        raise BadCall(f"{name} is one of {', '.join(states)}")
    return found


def end_refund(box: Box, request: Request, number: str) -> Answer:
    """POST /box/pay/refunds/<out_refund_no> {status: SUCCESS | ABNORMAL | CLOSED}: now, not when it is due"""
    ends = (RefundState.SUCCESS, RefundState.ABNORMAL, RefundState.CLOSED)
    if not refunds.end(box, number, _state(asked(request), "status", ends)):
        raise Impossible("NOT_UNDER_WAY", "没有这笔处理中的退款")
    found = refunds.find(box, number)
    assert found is not None
    return 200, {"refund": refunds.as_refund(box, found)}


def end_transfer(box: Box, request: Request, number: str) -> Answer:
    """POST /box/pay/transfers/<out_bill_no> {state: SUCCESS | FAIL | CANCELLED, fail_reason?}: now"""
    given = asked(request)
    state, reason = _state(given, "state", transfers.FINAL), given.get("fail_reason")
    if reason is not None and not isinstance(reason, str):
        raise BadCall("fail_reason is a text")
    if state == TransferState.FAIL and reason is None:
        reason = "MERCHANT_REJECT"
    if not transfers.end(box, number, state, reason):
        raise Impossible("NOT_UNDER_WAY", "没有这笔处理中的转账")
    found = transfers.find(box, number)
    assert found is not None
    return 200, {"transfer": transfers.as_json(box, found)}


def let_fail(box: Box, request: Request, account: str) -> Answer:
    """POST /box/pay/receivers/<account> {split_fails?, return_fails?}: why parts for this receiver, and returns
    from it, fail from now on (a fail_reason; STUCK keeps a return for five days); null lets them succeed"""
    given = asked(request)
    reasons = [given.get("split_fails"), given.get("return_fails")]
    if any(reason is not None and not isinstance(reason, str) for reason in reasons):
        raise BadCall("split_fails and return_fails are texts or null")
    if not receivers.let_fail(box, account, reasons[0], reasons[1]):
        raise Impossible("NO_SUCH_RECEIVER", "没有这个分账接收方")
    return 200, {"account": account, "split_fails": reasons[0], "return_fails": reasons[1]}


def fill(box: Box, request: Request) -> Answer:
    """POST /box/pay/balance {add_fen}: the merchant puts money in, or takes it out (less than 0)"""
    fen = asked(request).get("add_fen")
    if type(fen) is not int or not 0 < abs(fen) <= _MOST_FEN:
        raise BadCall("add_fen is a whole number of fen, not 0")
    if -fen > purse.available_fen(box):
        raise Impossible("NOT_ENOUGH", "可用余额不足")
    purse.book(box, Kind.BY_HAND, fen, "10000" + str(box.store.next_number("by hand")))
    return purse_now(box, request)


DOORS: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", "/persons/<key>/orders", list_orders),
    ("POST", "/persons/<key>/pay", pay),
    ("GET", "/persons/<key>/transfers", list_transfers),
    ("POST", "/persons/<key>/transfers/confirm", confirm),
    ("POST", "/pay/look", look),
    ("GET", "/pay", purse_now),
    ("GET", "/pay/<what>", everything),
    ("POST", "/pay/refunds/<number>", end_refund),
    ("POST", "/pay/transfers/<number>", end_transfer),
    ("POST", "/pay/receivers/<account>", let_fail),
    ("POST", "/pay/balance", fill),
]
