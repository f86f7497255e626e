"""Combined orders through wechatpayv3: paid and closed all or none, refunded one by one."""

import json
from typing import Any

import pytest

from tests.wechat.box.shop import Shop, refused, told
from tests.wechat.box.wire import post
from tests.wechat.box.world import Ear, RunningBox

PATH = "/v3/combine-transactions/jsapi"


def parts(sandbox: RunningBox, *totals: int, first: int = 1) -> list[dict[str, Any]]:
    """Sub-orders PART-1, PART-2 ... over these totals."""
    return [
        {
            "mchid": sandbox.told["pay"]["mchid"],
            "attach": f"店{number}",
            "amount": {"total_amount": total, "currency": "CNY"},
            "out_trade_no": f"PART-{number}",
            "description": f"货{number}",
        }
        for number, total in enumerate(totals, first)
    ]


def combine(shop: Shop, number: str, subs: list[dict[str, Any]], **more: Any) -> tuple[int, Any]:
    """A combined prepay for the shopper."""
    answer: tuple[int, Any] = shop.peer.combine_pay(
        combine_out_trade_no=number,
        sub_orders=subs,
        combine_payer_info={"openid": shop.shopper["mp_openid"]},
        notify_url=shop.ear.url + "/combined",
        **more,
    )
    return answer


def test_both_parts_are_paid_together_and_told_by_one_notice(
    shop: Shop, sandbox: RunningBox, ear: Ear
) -> None:
    prepay_id = told(combine(shop, "WHOLE-1", parts(sandbox, 300, 201)))["prepay_id"]
    waiting = told(shop.peer.combine_query("WHOLE-1"))
    pay = sandbox.told["pay"]
    assert waiting == {
        "combine_appid": sandbox.told["mp"]["appid"],
        "combine_mchid": pay["mchid"],
        "combine_out_trade_no": "WHOLE-1",
        "combine_payer_info": {"openid": shop.shopper["mp_openid"]},
        "sub_orders": [
            {
                "mchid": pay["mchid"],
                "trade_state": "NOTPAY",
                "out_trade_no": f"PART-{number}",
                "amount": {"total_amount": total, "currency": "CNY"},
            }
            for number, total in ((1, 300), (2, 201))
        ],
    }
    shown = sandbox.get(f"/persons/{shop.shopper['id']}/orders")["orders"]
    assert [(one["out_trade_no"], one["total_fen"], one["prepay_id"]) for one in shown] == [
        ("WHOLE-1", 501, prepay_id)
    ]
    paid = shop.pay(prepay_id)
    assert (paid["out_trade_no"], paid["total_fen"], len(paid["sub_orders"])) == ("WHOLE-1", 501, 2)
    [heard] = ear.heard
    notice = shop.read(heard)
    assert (heard.path, notice["event_type"]) == ("/combined", "TRANSACTION.SUCCESS")
    assert notice["resource"] == told(shop.peer.combine_query("WHOLE-1"))
    first, second = notice["resource"]["sub_orders"]
    assert (first["attach"], first["trade_state"], first["trade_type"]) == ("店1", "SUCCESS", "JSAPI")
    assert first["amount"] == {
        "total_amount": 300,
        "payer_amount": 300,
        "currency": "CNY",
        "payer_currency": "CNY",
    }
    assert first["transaction_id"] == paid["sub_orders"][0]["transaction_id"] != second["transaction_id"]
    assert shop.pay(prepay_id, 409)["error"]["code"] == "ORDER_PAID"
    refused(combine(shop, "WHOLE-1", parts(sandbox, 300, 201)), 400, "INVALID_REQUEST", "该订单已支付")


def test_a_part_is_refunded_alone_and_unknown_to_the_single_calls(shop: Shop, sandbox: RunningBox) -> None:
    shop.pay(told(combine(shop, "WHOLE-1", parts(sandbox, 300, 201)))["prepay_id"])
    assert shop.refund("PART-2", "R-1", 201, 201)[0] == 200
    states = [one["trade_state"] for one in told(shop.peer.combine_query("WHOLE-1"))["sub_orders"]]
    assert states == ["SUCCESS", "REFUND"]
    part = told(shop.peer.combine_query("WHOLE-1"))["sub_orders"][0]
    refused(shop.peer.query(out_trade_no="PART-1"), 404, "ORDER_NOT_EXIST")
    refused(shop.peer.query(transaction_id=part["transaction_id"]), 404, "ORDER_NOT_EXIST")
    refused(shop.peer.close("PART-1"), 404, "ORDER_NOT_EXIST")
    refused(shop.peer.query(out_trade_no="WHOLE-1"), 404, "ORDER_NOT_EXIST")
    refused(shop.peer.combine_query("WHOLE-2"), 404, "ORDER_NOT_EXIST")


def test_close_names_exactly_the_parts(shop: Shop, sandbox: RunningBox) -> None:
    subs = parts(sandbox, 300, 201)
    prepay_id = told(combine(shop, "WHOLE-1", subs))["prepay_id"]
    named = [{"mchid": one["mchid"], "out_trade_no": one["out_trade_no"]} for one in subs]
    other = [*named[:1], {"mchid": named[1]["mchid"], "out_trade_no": "PART-9"}]
    refused(shop.peer.combine_close("WHOLE-1", other), 400, "PARAM_ERROR")
    refused(shop.peer.combine_close("WHOLE-9", named), 404, "ORDER_NOT_EXIST")
    for _ in range(2):
        assert shop.peer.combine_close("WHOLE-1", named[::-1])[0] == 204
    assert shop.pay(prepay_id, 409)["error"]["code"] == "ORDER_CLOSED"
    shop.pay(told(combine(shop, "WHOLE-2", parts(sandbox, 5, 6, first=3)))["prepay_id"])
    paid = [{"mchid": named[0]["mchid"], "out_trade_no": f"PART-{number}"} for number in (3, 4)]
    refused(shop.peer.combine_close("WHOLE-2", paid), 400, "ORDER_PAID")


def test_numbers_are_unique_across_single_and_combined_orders(shop: Shop, sandbox: RunningBox) -> None:
    shop.prepay("PART-2")
    refused(combine(shop, "WHOLE-1", parts(sandbox, 1, 2)), 403, "OUT_TRADE_NO_USED")
    first = told(combine(shop, "WHOLE-2", parts(sandbox, 1, 2, first=3)))["prepay_id"]
    assert told(combine(shop, "WHOLE-2", parts(sandbox, 1, 2, first=3)))["prepay_id"] != first
    changed = combine(shop, "WHOLE-2", parts(sandbox, 1, 3, first=3))
    refused(changed, 400, "INVALID_REQUEST", "请求重入时")
    refused(combine(shop, "WHOLE-3", parts(sandbox, 1, 2, first=3)), 403, "OUT_TRADE_NO_USED")
    status, content = shop.prepay("PART-3")
    assert (status, content["code"]) == (403, "OUT_TRADE_NO_USED")
    twins = [parts(sandbox, 1, first=7)[0], parts(sandbox, 1, first=7)[0]]
    refused(combine(shop, "WHOLE-7", twins), 400, "PARAM_ERROR")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sub_orders": []}, "/sub_orders"),
        ({"combine_out_trade_no": "short"}, "/combine_out_trade_no"),
        ({"combine_payer_info": {}}, "/combine_payer_info/openid"),
        ({"scene_info": {"payer_client_ip": "1.2.3.4", "device_id": "x" * 17}}, "/scene_info/device_id"),
        ({"payer": {"openid": "x"}}, "/payer"),
    ],
)
def test_body_is_strict(shop: Shop, sandbox: RunningBox, changes: dict[str, Any], field: str) -> None:
    body = {
        "combine_appid": sandbox.told["mp"]["appid"],
        "combine_mchid": sandbox.told["pay"]["mchid"],
        "combine_out_trade_no": "WHOLE-1",
        "sub_orders": parts(sandbox, 1, 2),
        "combine_payer_info": {"openid": shop.shopper["mp_openid"]},
        "notify_url": "http://127.0.0.1:9/paid",
    } | changes
    answer = post(sandbox, PATH, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["field"] == field


def test_two_to_ten_parts(shop: Shop, sandbox: RunningBox) -> None:
    refused(combine(shop, "WHOLE-1", parts(sandbox, 1)), 400, "PARAM_ERROR")
    refused(combine(shop, "WHOLE-1", parts(sandbox, *[1] * 11)), 400, "PARAM_ERROR")
    assert combine(shop, "WHOLE-1", parts(sandbox, *[1] * 10))[0] == 200
    strange = parts(sandbox, 1, 2, first=20)
    strange[1]["mchid"] = "1600000000"
    refused(combine(shop, "WHOLE-2", strange), 400, "PARAM_ERROR", "mchid不匹配")


def test_parts_expire_together(shop: Shop, sandbox: RunningBox) -> None:
    prepay_id = told(combine(shop, "WHOLE-1", parts(sandbox, 1, 2), time_expire="2020-01-01T00:00:00+08:00"))
    sandbox.post("/clock", offset_s=61)
    states = [one["trade_state"] for one in told(shop.peer.combine_query("WHOLE-1"))["sub_orders"]]
    assert states == ["CLOSED", "CLOSED"]
    assert shop.pay(prepay_id["prepay_id"], 409)["error"]["code"] == "ORDER_CLOSED"
    assert json.dumps(sandbox.get("/pay")["counts"]["combined"]) == "1"
