"""Every verb of the merchant's client, each with a fitting answer of WeChat's: what all of them have in common
is tested over all of them."""

from collections.abc import Callable

from tests.wechat.merchant import APPID, FAN, MCHID, NO, ORDER, PAY_BACK, REFUND, TRADE
from wechat.pay import (
    COMMISSION,
    BankCard,
    Pay,
    Receiver,
    ReceiverKind,
    Relation,
    Share,
    SubOrder,
)

TRANSACTION = "4200000000202601010000000001"
COMBINED: dict[str, object] = {
    "combine_appid": APPID,
    "combine_mchid": MCHID,
    "combine_out_trade_no": "COMBINED_1",
    "combine_payer_info": {"openid": FAN},
    "sub_orders": [
        {
            "mchid": MCHID,
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "bank_type": "OTHERS",
            "attach": "福田店",
            "success_time": "2026-01-01T08:00:30+08:00",
            "transaction_id": TRANSACTION,
            "out_trade_no": "ORDER_1",
            "amount": {"total_amount": 100, "payer_amount": 90, "currency": "CNY", "payer_currency": "CNY"},
        },
        {
            "mchid": "1900000002",
            "trade_state": "SUCCESS",
            "transaction_id": "4200000000202601010000000002",
            "out_trade_no": "ORDER_2",
            "success_time": "2026-01-01T08:00:30+08:00",
            "amount": {"total_amount": 5, "currency": "CNY"},
        },
    ],
}
COMBINE: dict[str, object] = {
    "appid": APPID,
    "combine_out_trade_no": "COMBINED_1",
    "orders": [
        SubOrder(MCHID, "ORDER_1", "两件衬衫", 100, attach="福田店", profit_sharing=True),
        SubOrder("1900000002", "ORDER_2", "一条领带👔", 5),
    ],
    "openid": FAN,
    "notify_url": "https://shop.example/callbacks/wechat/pay/paid",
    "expires_at": None,
}
SHARING: dict[str, object] = {
    "transaction_id": TRANSACTION,
    "out_order_no": "SHARE_1",
    "order_id": "3008450740201411110007820472",
    "state": "FINISHED",
    "receivers": [
        {
            "type": "PERSONAL_OPENID",
            "account": FAN,
            "amount": 20,
            "description": "佣金",
            "result": "SUCCESS",
            "detail_id": "36011111111111111111111",
            "create_time": "2026-01-01T08:02:00+08:00",
            "finish_time": "2026-01-01T08:03:00+08:00",
        },
        {
            "type": "MERCHANT_ID",
            "account": "1900000109",
            "amount": 10,
            "description": "门店",
            "result": "CLOSED",
            "fail_reason": "NO_RELATION",
            "detail_id": "36011111111111111111112",
            "create_time": "2026-01-01T08:02:00+08:00",
            "finish_time": "2026-01-01T08:03:00+08:00",
        },
    ],
}
SHARE: dict[str, object] = {
    "appid": APPID,
    "transaction_id": TRANSACTION,
    "out_order_no": "SHARE_1",
    "shares": [
        Share(ReceiverKind.PERSONAL_OPENID, FAN, 20, "佣金", name="林晓雨"),
        Share(ReceiverKind.MERCHANT_ID, "1900000109", 10, "门店"),
    ],
    "unfreeze_rest": True,
}
RETURNED: dict[str, object] = {
    "order_id": "3008450740201411110007820472",
    "out_order_no": "SHARE_1",
    "out_return_no": "RETURN_1",
    "return_id": "3008450740201411110007820473",
    "return_mchid": "1900000109",
    "amount": 10,
    "description": "用户退款",
    "result": "SUCCESS",
    "create_time": "2026-01-01T08:04:00+08:00",
    "finish_time": "2026-01-01T08:05:00+08:00",
}
RETURN: dict[str, object] = {
    "out_order_no": "SHARE_1",
    "out_return_no": "RETURN_1",
    "return_mchid": "1900000109",
    "amount_fen": 10,
    "description": "用户退款",
}
STORE = Receiver(ReceiverKind.MERCHANT_ID, "1900000109", Relation.STORE, name="深圳市连客商贸有限公司")
STORE_ANSWER: dict[str, object] = {"type": "MERCHANT_ID", "account": "1900000109", "relation_type": "STORE"}
TRANSFER: dict[str, object] = {
    "out_bill_no": "BILL0001",
    "transfer_bill_no": "1330000071100999991182020050700019480001",
    "create_time": "2026-01-01T08:06:00+08:00",
    "state": "WAIT_USER_CONFIRM",
    "package_info": "affffddafdfafddffda==",
}
TRANSFERRED: dict[str, object] = {
    "mch_id": MCHID,
    "out_bill_no": "BILL0001",
    "transfer_bill_no": "1330000071100999991182020050700019480001",
    "appid": APPID,
    "state": "FAIL",
    "transfer_amount": 1234,
    "transfer_remark": "11月佣金",
    "fail_reason": "OVERDUE_CLOSE",
    "openid": FAN,
    "create_time": "2026-01-01T08:06:00+08:00",
    "update_time": "2026-01-02T08:06:00+08:00",
}
CANCELLED: dict[str, object] = {
    "out_bill_no": "BILL0001",
    "transfer_bill_no": "1330000071100999991182020050700019480001",
    "state": "CANCELING",
    "update_time": "2026-01-01T08:07:00+08:00",
}
PAY_OUT: dict[str, object] = {
    "appid": APPID,
    "out_bill_no": "BILL0001",
    "scene_id": COMMISSION,
    "openid": FAN,
    "amount_fen": 1234,
    "remark": "11月佣金",
    "reports": {"报酬说明": "11月销售佣金", "岗位类型": "导购"},
    "user_name": "林晓雨",
    "notify_url": "https://shop.example/callbacks/wechat/pay/transferred",
}
CARD = BankCard("CMB_DEBIT", "6225750000000000", "林晓雨")

Verb = tuple[Callable[[Pay], object], dict[str, object] | None]
WRITES: dict[str, Verb] = {
    "prepay": (lambda pay: pay.prepay(**ORDER), {"prepay_id": "wx1"}),
    "close": (lambda pay: pay.close(NO), None),
    "refund": (lambda pay: pay.refund(**PAY_BACK), REFUND),
    "redirect_refund": (
        lambda pay: pay.redirect_refund(refund_id="50000000382019", out_refund_no="REFUND_1", card=CARD),
        REFUND,
    ),
    "prepay_combined": (lambda pay: pay.prepay_combined(**COMBINE), {"prepay_id": "wx2"}),
    "close_combined": (
        lambda pay: pay.close_combined(
            appid=APPID, combine_out_trade_no="COMBINED_1", orders=[(MCHID, "ORDER_1"), (MCHID, "ORDER_2")]
        ),
        None,
    ),
    "add_receiver": (lambda pay: pay.add_receiver(appid=APPID, receiver=STORE), STORE_ANSWER),
    "remove_receiver": (
        lambda pay: pay.remove_receiver(appid=APPID, kind=ReceiverKind.MERCHANT_ID, account="1900000109"),
        STORE_ANSWER,
    ),
    "share": (lambda pay: pay.share(**SHARE), SHARING),
    "unfreeze": (
        lambda pay: pay.unfreeze(transaction_id=TRANSACTION, out_order_no="SHARE_2", description="解冻"),
        SHARING,
    ),
    "return_share": (lambda pay: pay.return_share(**RETURN), RETURNED),
    "transfer": (lambda pay: pay.transfer(**PAY_OUT), TRANSFER),
    "cancel_transfer": (lambda pay: pay.cancel_transfer("BILL0001"), CANCELLED),
}
READS: dict[str, Verb] = {
    "query": (lambda pay: pay.query(NO), TRADE),
    "query_transaction": (lambda pay: pay.query_transaction(TRANSACTION), TRADE),
    "query_refund": (lambda pay: pay.query_refund("REFUND_1"), REFUND),
    "query_combined": (lambda pay: pay.query_combined("COMBINED_1"), COMBINED),
    "query_share": (
        lambda pay: pay.query_share(transaction_id=TRANSACTION, out_order_no="SHARE_1"),
        SHARING,
    ),
    "query_share_return": (
        lambda pay: pay.query_share_return(out_return_no="RETURN_1", out_order_no="SHARE_1"),
        RETURNED,
    ),
    "unshared_fen": (
        lambda pay: pay.unshared_fen(TRANSACTION),
        {"transaction_id": TRANSACTION, "unsplit_amount": 70},
    ),
    "query_transfer": (lambda pay: pay.query_transfer("BILL0001"), TRANSFERRED),
    "query_transfer_bill": (lambda pay: pay.query_transfer_bill("1330000071100999991182"), TRANSFERRED),
}
ALL = WRITES | READS
ANSWERED = [name for name, verb in ALL.items() if verb[1]]
BASIC = ["prepay", "close", "refund", "transfer", "query", "query_transfer"]
