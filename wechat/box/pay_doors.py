"""The doors of api.mch.weixin.qq.com: which address is answered by what, each call verified, each answer
signed."""

from collections.abc import Callable

from flask import Request, Response, request

from wechat.box import bill_api, pay_api, pay_due, pay_keys, pay_signing, sharing_api, transfer_api
from wechat.box.inside import Box
from wechat.box.pay_signing import PayRefusal

_TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"
Door = tuple[str, str, Callable[..., pay_api.Answer]]
DOORS: list[Door] = [
    ("POST", "/v3/pay/transactions/jsapi", pay_api.prepay),
    ("POST", "/v3/pay/transactions/native", pay_api.prepay_native),
    ("POST", "/v3/pay/transactions/h5", pay_api.prepay_h5),
    ("POST", "/v3/pay/transactions/app", pay_api.prepay_app),
    ("GET", "/v3/pay/transactions/out-trade-no/<out_trade_no>", pay_api.query),
    ("GET", "/v3/pay/transactions/id/<transaction_id>", pay_api.query_paid),
    ("POST", "/v3/pay/transactions/out-trade-no/<out_trade_no>/close", pay_api.close),
    ("POST", "/v3/refund/domestic/refunds", pay_api.refund),
    ("GET", "/v3/refund/domestic/refunds/<out_refund_no>", pay_api.query_refund),
    ("POST", "/v3/refund/domestic/refunds/<refund_id>/apply-abnormal-refund", pay_api.abnormal_refund),
    ("POST", "/v3/combine-transactions/jsapi", pay_api.combine),
    ("GET", "/v3/combine-transactions/out-trade-no/<number>", pay_api.query_combined),
    ("POST", "/v3/combine-transactions/out-trade-no/<number>/close", pay_api.close_combined),
    ("GET", "/v3/bill/tradebill", bill_api.trade),
    ("GET", "/v3/bill/fundflowbill", bill_api.fund_flow),
    ("GET", "/v3/profitsharing/bills", bill_api.sharing),
    ("GET", "/v3/billdownload/file", bill_api.download),
    ("POST", "/v3/profitsharing/receivers/add", sharing_api.add_receiver),
    ("POST", "/v3/profitsharing/receivers/delete", sharing_api.delete_receiver),
    ("POST", "/v3/profitsharing/orders", sharing_api.split),
    ("GET", "/v3/profitsharing/orders/<out_order_no>", sharing_api.query_split),
    ("POST", "/v3/profitsharing/orders/unfreeze", sharing_api.unfreeze),
    ("POST", "/v3/profitsharing/return-orders", sharing_api.give_back),
    ("GET", "/v3/profitsharing/return-orders/<out_return_no>", sharing_api.query_return),
    ("GET", "/v3/profitsharing/transactions/<transaction_id>/amounts", sharing_api.remaining),
    ("GET", "/v3/profitsharing/merchant-configs/<sub_mchid>", sharing_api.ratio),
    ("POST", _TRANSFERS, transfer_api.transfer),
    ("GET", _TRANSFERS + "/out-bill-no/<number>", transfer_api.query),
    ("GET", _TRANSFERS + "/transfer-bill-no/<number>", transfer_api.query_by_id),
    ("POST", _TRANSFERS + "/out-bill-no/<number>/cancel", transfer_api.cancel),
    ("POST", "/v3/transfer/batches", transfer_api.old_batch),
    ("GET", "/v3/certificates", pay_api.certificates),
    ("POST", "/v3/security/echo", pay_api.echo),
]


def pay_view(box: Box, view: Callable[..., pay_api.Answer], **numbers: str) -> Response:
    """One call: verified first; what is due on the box's clock happens before it; every answer signed, but a
    file's."""
    signer = pay_keys.for_answer(box, request)
    try:
        if box.fault("unavailable", request.path):
            raise PayRefusal(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
        pay_signing.check_request(box.credentials.pay, request)
        pay_due.settle(box)
        answered = view(box, request, **numbers)
        if box.fault("unavailable_after", request.path):
            raise PayRefusal(500, "SYSTEM_ERROR", "系统异常，请稍后重试")
    except PayRefusal as problem:
        return pay_signing.refused(signer, problem)
    if isinstance(answered, Response):
        return answered
    status, content = answered
    return pay_signing.answer(signer, status, content)


_NOBODY = {404: ("NOT_FOUND", "请求的接口不存在"), 405: ("METHOD_NOT_ALLOWED", "接口不支持此请求方法")}


def nobody(box: Box, request: Request, status: int) -> Response:
    """No such address under /v3, or the wrong verb: signed like every answer."""
    code, sentence = _NOBODY.get(status, ("SYSTEM_ERROR", "系统异常，请稍后重试"))
    return pay_signing.refused(pay_keys.for_answer(box, request), PayRefusal(status, code, sentence))
