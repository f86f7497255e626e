"""What a program calls on api.mch.weixin.qq.com: prepay, query, close, refund, certificates (WECHAT_PAY.md 3,
5, 6)."""

from typing import Any

from flask import Request, Response

from wechat.box import combined, orders, pay_keys, people, refunds, trade_kinds
from wechat.box.inside import Box
from wechat.box.money_shapes import ABNORMAL_REFUND, COMBINE, COMBINE_CLOSE
from wechat.box.pay_shapes import APP, CLOSE, ECHO, H5, JSAPI, NATIVE, REFUND, Members, read
from wechat.box.pay_signing import PayRefusal
from wechat.box.trade_kinds import TradeKind

_OTHER_MERCHANT = 268447843
Answer = tuple[int, dict[str, Any] | None] | Response


def prepay(box: Box, request: Request) -> Answer:
    """POST /v3/pay/transactions/jsapi (JSAPI and mini-program alike)."""
    asked = read(request.get_data(), request.content_type or "", JSAPI)
    check_mchid(box, asked["mchid"])
    check_appid(box, asked["appid"])
    check_openid(box, asked["appid"], asked["payer"]["openid"])
    return 200, {"prepay_id": orders.place(box, asked)}


def prepay_native(box: Box, request: Request) -> Answer:
    """POST /v3/pay/transactions/native: a code_url to be shown as a QR code."""
    prepay_id = _prepay_elsewhere(box, request, NATIVE, TradeKind.NATIVE)
    return 200, {"code_url": trade_kinds.new_address(box, TradeKind.NATIVE, prepay_id)}


def prepay_h5(box: Box, request: Request) -> Answer:
    """POST /v3/pay/transactions/h5: an h5_url, good for five minutes."""
    prepay_id = _prepay_elsewhere(box, request, H5, TradeKind.MWEB)
    return 200, {"h5_url": trade_kinds.new_address(box, TradeKind.MWEB, prepay_id)}


def prepay_app(box: Box, request: Request) -> Answer:
    """POST /v3/pay/transactions/app: a prepay_id for WeChat's SDK in an app of one's own. (The box has no mobile
    app: either of its two stands in for one.)"""
    return 200, {"prepay_id": _prepay_elsewhere(box, request, APP, TradeKind.APP)}


def _prepay_elsewhere(box: Box, request: Request, shape: Members, kind: TradeKind) -> str:
    asked = read(request.get_data(), request.content_type or "", shape)
    check_mchid(box, asked["mchid"])
    check_appid(box, asked["appid"])
    return orders.place(box, asked, kind)


def check_mchid(box: Box, mchid: object) -> None:
    """Raises PayRefusal unless this is the merchant that has signed."""
    if mchid != box.credentials.pay.mchid:
        raise PayRefusal(400, "PARAM_ERROR", "mchid不匹配", number=_OTHER_MERCHANT)


def check_appid(box: Box, appid: str) -> None:
    """Raises PayRefusal unless this app is bound to the merchant."""
    if box.account(appid) is None:
        raise PayRefusal(400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配，请检查后再试")


def check_openid(box: Box, appid: str, openid: str) -> None:
    """Raises PayRefusal unless this app knows somebody by this openid."""
    if people.by_openid(box, appid, openid) is None:
        raise PayRefusal(400, "INVALID_REQUEST", "appid和openid不匹配")


def query(box: Box, request: Request, out_trade_no: str) -> Answer:
    """GET /v3/pay/transactions/out-trade-no/{out_trade_no}?mchid="""
    _check_query(box, request)
    order = orders.find(box, out_trade_no)
    if order is None or combined.whole_of(box, out_trade_no) is not None:
        raise PayRefusal(404, "ORDER_NOT_EXIST", "订单不存在")
    return 200, orders.as_transaction(box, order)


def query_paid(box: Box, request: Request, transaction_id: str) -> Answer:
    """GET /v3/pay/transactions/id/{transaction_id}?mchid="""
    _check_query(box, request)
    order = orders.find_paid(box, transaction_id)
    if order is None or combined.whole_of(box, order["out_trade_no"]) is not None:
        raise PayRefusal(404, "ORDER_NOT_EXIST", "订单不存在")
    return 200, orders.as_transaction(box, order)


def _check_query(box: Box, request: Request) -> None:
    if "mchid" not in request.args:
        raise PayRefusal(400, "PARAM_ERROR", "缺少必填参数mchid")
    check_mchid(box, request.args["mchid"])


def close(box: Box, request: Request, out_trade_no: str) -> Answer:
    """POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close: 204, signed and empty."""
    asked = read(request.get_data(), request.content_type or "", CLOSE)
    check_mchid(box, asked["mchid"])
    if combined.whole_of(box, out_trade_no) is not None:
        raise PayRefusal(404, "ORDER_NOT_EXIST", "订单不存在")
    orders.close(box, out_trade_no)
    return 204, None


def refund(box: Box, request: Request) -> Answer:
    """POST /v3/refund/domestic/refunds: PROCESSING is accepted, not refunded."""
    asked = read(request.get_data(), request.content_type or "", REFUND)
    return 200, refunds.as_refund(box, refunds.ask(box, asked))


def query_refund(box: Box, request: Request, out_refund_no: str) -> Answer:
    """GET /v3/refund/domestic/refunds/{out_refund_no}"""
    found = refunds.find(box, out_refund_no)
    if found is None:
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return 200, refunds.as_refund(box, found)


def abnormal_refund(box: Box, request: Request, refund_id: str) -> Answer:
    """POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund"""
    asked = read(request.get_data(), request.content_type or "", ABNORMAL_REFUND)
    sealed = ("bank_account", "real_name")
    if asked["type"] == "USER_BANK_CARD":
        for name in ("bank_type", *sealed):
            if name not in asked:
                raise PayRefusal(400, "PARAM_ERROR", f"退款至用户银行卡时，{name}必填")
    for name in sealed:
        if name in asked:
            asked[name] = pay_keys.opened(box, request, f"/{name}", asked[name])
    if not asked.get("bank_account", "0").isdigit():
        raise PayRefusal(400, "PARAM_ERROR", "银行卡号格式不正确")
    found = refunds.find(box, asked["out_refund_no"])
    if found is None or found["refund_id"] != refund_id:
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return 200, refunds.as_refund(box, refunds.try_again(box, found, asked))


def combine(box: Box, request: Request) -> Answer:
    """POST /v3/combine-transactions/jsapi"""
    asked = read(request.get_data(), request.content_type or "", COMBINE)
    check_mchid(box, asked["combine_mchid"])
    for one in asked["sub_orders"]:
        check_mchid(box, one["mchid"])
    check_appid(box, asked["combine_appid"])
    check_openid(box, asked["combine_appid"], asked["combine_payer_info"]["openid"])
    return 200, {"prepay_id": combined.place(box, asked)}


def query_combined(box: Box, request: Request, number: str) -> Answer:
    """GET /v3/combine-transactions/out-trade-no/{combine_out_trade_no}"""
    found = combined.find(box, number)
    if found is None:
        raise PayRefusal(404, "ORDER_NOT_EXIST", "订单不存在")
    with box.store.write():  # its parts change together: no half of a payment may show
        return 200, combined.as_json(box, found)


def close_combined(box: Box, request: Request, number: str) -> Answer:
    """POST /v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close: 204, signed and empty."""
    asked = read(request.get_data(), request.content_type or "", COMBINE_CLOSE)
    for one in asked["sub_orders"]:
        check_mchid(box, one["mchid"])
    combined.close(box, number, asked)
    return 204, None


def certificates(box: Box, request: Request) -> Answer:
    """GET /v3/certificates?algorithm_type=: sealed; a merchant in public-key mode has none (WECHAT_PAY.md
    3.1)."""
    if request.args.get("algorithm_type", "RSA") not in ("RSA", "ALL"):
        raise PayRefusal(400, "PARAM_ERROR", "algorithm_type不正确")
    return 200, pay_keys.listed(box)


def echo(box: Box, request: Request) -> Answer:
    """POST /v3/security/echo: both messages back, the sealed one sealed for the merchant. The published pages
    do not say what reaches ``notify_url``: nothing does."""
    asked = read(request.get_data(), request.content_type or "", ECHO)
    told = {"echo_message": asked["echo_message"]}
    if "encrypted_echo_message" in asked:
        plain = pay_keys.opened(box, request, "/encrypted_echo_message", asked["encrypted_echo_message"])
        told["encrypted_echo_message"] = pay_keys.sealed_for_merchant(box, plain)
    return 200, told
