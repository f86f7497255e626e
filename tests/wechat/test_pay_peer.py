"""wechatpayv3 2.0.4 as an independent peer: it sends what we send, and reads the answers that we read.

What it cannot do, and why, so that it is not compared there:
- certificate mode: its constructor phones api.mch.weixin.qq.com, which is built in; and it drops the leading
  zero of a certificate's serial (`hex(serial)[2:]`);
- anything that has to be refused: it has no time window, verifies no error answer, raises bare Exception for
  SIGNTEST answers, and for unknown PUB_KEY_ID_ serials ValueError;
- a notice under an unknown serial: it fetches the certificates each time, without a bound;
- bills: it hands over packed bytes, checks no hash and reads no rows (it must be given a URL of its own gateway);
- a transfer without a notify_url: it sends null, which WeChat forbids; with a name below 0.30 yuan: it drops it;
- names in a list of shares: it encrypts them in the caller's own list, so a repeat encrypts them twice;
- typed answers: it hands over (status, text).
"""

import copy
import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import date

import pytest
from wechatpayv3 import WeChatPay

from tests.wechat.local import Call, Say, serving
from tests.wechat.merchant import (
    APPID,
    FAN,
    MCHID,
    NOW,
    PAY_BACK,
    SECONDS,
    a_config,
    a_notice,
    a_pay,
    answering,
    proven,
    signed_headers,
    unsealed,
)
from tests.wechat.pay_verbs import ALL, CARD, COMBINED, PAY_OUT, STORE, TRANSACTION, TRANSFERRED
from tests.wechat.test_pay_bills import bank, on_the_wire
from tests.wechat.test_pay_vectors import a_peer
from wechat.http import Http
from wechat.pay import CombinedPaid, Pay, Transferred

SEALED = {"name", "user_name", "bank_account", "real_name"}
REPORTS = [
    {"info_type": "岗位类型", "info_content": "导购"},
    {"info_type": "报酬说明", "info_content": "11月销售佣金"},
]
PEER: dict[str, Callable[[WeChatPay], object]] = {
    "query_transaction": lambda peer: peer.query(transaction_id=TRANSACTION),
    "refund": lambda peer: peer.refund(
        out_refund_no=PAY_BACK["out_refund_no"],
        amount={"refund": 30, "total": 100, "currency": "CNY"},
        out_trade_no=PAY_BACK["out_trade_no"],
        reason=PAY_BACK["reason"],
        notify_url=PAY_BACK["notify_url"],
    ),
    "query_refund": lambda peer: peer.query_refund("REFUND_1"),
    "redirect_refund": lambda peer: peer.abnormal_refund(
        "50000000382019", "REFUND_1", "USER_BANK_CARD", CARD.bank_type, CARD.account, CARD.name
    ),
    "prepay_combined": lambda peer: peer.combine_pay(
        combine_out_trade_no="COMBINED_1",
        sub_orders=[
            {
                "mchid": MCHID,
                "attach": "福田店",
                "amount": {"total_amount": 100, "currency": "CNY"},
                "out_trade_no": "ORDER_1",
                "description": "两件衬衫",
                "settle_info": {"profit_sharing": True},
            },
            {
                "mchid": "1900000002",
                "attach": "ORDER_2",
                "amount": {"total_amount": 5, "currency": "CNY"},
                "out_trade_no": "ORDER_2",
                "description": "一条领带",
            },
        ],
        combine_payer_info={"openid": FAN},
        notify_url="https://shop.example/callbacks/wechat/pay/paid",
    ),
    "query_combined": lambda peer: peer.combine_query("COMBINED_1"),
    "close_combined": lambda peer: peer.combine_close(
        "COMBINED_1",
        [{"mchid": MCHID, "out_trade_no": "ORDER_1"}, {"mchid": MCHID, "out_trade_no": "ORDER_2"}],
    ),
    "add_receiver": lambda peer: peer.profitsharing_add_receiver(
        "MERCHANT_ID", "1900000109", "STORE", name=STORE.name
    ),
    "remove_receiver": lambda peer: peer.profitsharing_delete_receiver("MERCHANT_ID", "1900000109"),
    "share": lambda peer: peer.profitsharing_order(
        TRANSACTION,
        "SHARE_1",
        [
            {
                "type": "PERSONAL_OPENID",
                "account": FAN,
                "amount": 20,
                "description": "佣金",
                "name": "林晓雨",
            },
            {"type": "MERCHANT_ID", "account": "1900000109", "amount": 10, "description": "门店"},
        ],
        True,
    ),
    "query_share": lambda peer: peer.profitsharing_order_query(TRANSACTION, "SHARE_1"),
    "unfreeze": lambda peer: peer.profitsharing_unfreeze(TRANSACTION, "SHARE_2", "解冻"),
    "return_share": lambda peer: peer.profitsharing_return(
        "RETURN_1", "1900000109", 10, "用户退款", out_order_no="SHARE_1"
    ),
    "unshared_fen": lambda peer: peer.profitsharing_amount_query(TRANSACTION),
    "transfer": lambda peer: peer.mch_transfer_bills(
        "BILL0001",
        "1005",
        FAN,
        1234,
        "11月佣金",
        user_name="林晓雨",
        transfer_scene_report_infos=REPORTS,
        notify_url=PAY_OUT["notify_url"],
    ),
    "query_transfer": lambda peer: peer.mch_transfer_bills_query(out_bill_no="BILL0001"),
    "query_transfer_bill": lambda peer: peer.mch_transfer_bills_query(
        transfer_bill_no="1330000071100999991182"
    ),
    "cancel_transfer": lambda peer: peer.mch_transfer_bills_cancel("BILL0001"),
}
"""By our name of the verb. `query_share_return` is not here: it puts `?&` into the target."""


def readable(fields: object) -> object:
    """What was sent, with sealed fields opened."""
    if isinstance(fields, list):
        return [readable(one) for one in fields]
    if isinstance(fields, dict):
        return {key: unsealed(one) if key in SEALED else readable(one) for key, one in fields.items()}
    return fields


@pytest.mark.parametrize("name", PEER)
def test_wechatpayv3_sends_what_we_send_and_reads_what_we_read(name: str) -> None:
    act, answer = ALL[name]
    with serving(answering(answer)) as line, a_peer(line.base) as peer:
        status, text = PEER[name](peer)  # type: ignore[misc]  # they all answer a pair
        act(a_pay(line))
    theirs, ours = line.calls
    assert (theirs.method, theirs.target) == (ours.method, ours.target)
    assert readable(json.loads(theirs.body or b"{}")) == readable(json.loads(ours.body or b"{}"))
    assert theirs.headers["wechatpay-serial"] == ours.headers["wechatpay-serial"]
    assert (status, json.loads(text) if text else None) == (204 if answer is None else 200, answer)


@pytest.mark.parametrize(("kind", "path"), [("trade", "tradebill"), ("flow", "fundflowbill")])
def test_wechatpayv3_asks_for_the_same_bills(kind: str, path: str) -> None:
    plain = on_the_wire("x")
    day = date(2026, 1, 1)

    def download(call: Call, count: int) -> Say:
        # It reads no file without a type: it looks for application/json in the header.
        return Say(200, gzip.compress(plain), {"Content-Type": "application/octet-stream"})

    with serving(bank(plain, download=download)) as line, a_peer(line.base) as peer:
        status, text = peer.trade_bill("2026-01-01") if kind == "trade" else peer.fundflow_bill("2026-01-01")
        assert status == 200
        found = json.loads(text)
        url = found["download_url"].replace("https://api.mch.weixin.qq.com", line.base)
        status, packed = peer.download_bill(url)
        assert (status, hashlib.sha1(gzip.decompress(packed)).hexdigest()) == (200, found["hash_value"])
        pay = a_pay(line)
        with pay.trade_bill(day) if kind == "trade" else pay.fund_flow_bill(day):
            pass
    theirs, ours = line.calls[:2], line.calls[2:]
    assert [call.target for call in theirs] == [call.target for call in ours]
    assert theirs[0].target.startswith(f"/v3/bill/{path}?bill_date=2026-01-01&")
    assert proven(ours[1])["mchid"] == MCHID


@pytest.mark.parametrize(
    ("event", "original", "data"),
    [
        ("TRANSACTION.SUCCESS", "transaction", COMBINED),
        ("MCHTRANSFER.BILL.FINISHED", "mch_payment", TRANSFERRED),
    ],
)
def test_wechatpayv3_opens_the_notices_that_we_open(
    event: str, original: str, data: dict[str, object]
) -> None:
    body = a_notice(data, event, original)
    headers = signed_headers(body, seconds=SECONDS)
    with a_peer() as peer:
        theirs = peer.callback(copy.copy(headers), body.decode())
    assert theirs["resource"] == data
    ours = Pay(a_config(), Http()).open_notice(headers, body, now=NOW)
    assert isinstance(ours, CombinedPaid | Transferred)
    assert (ours.event_type, APPID in str(theirs)) == (theirs["event_type"], True)
