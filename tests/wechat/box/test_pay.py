"""Orders, payments, refunds and their notices, through wechatpayv3."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.wechat.box.shop import Shop
from tests.wechat.box.world import Ear, RunningBox, wait_until


def test_order_is_paid_once_and_told_by_a_sealed_notice(shop: Shop, ear: Ear) -> None:
    status, content = shop.prepay("ORDER-1", attach="店员7")
    assert status == 200
    assert shop.query("ORDER-1")[1] == {
        "appid": shop.box.told["mp"]["appid"],
        "mchid": shop.box.told["pay"]["mchid"],
        "out_trade_no": "ORDER-1",
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
        "promotion_detail": [],
        "amount": {"payer_currency": "CNY", "total": 100},
    }
    paid = shop.pay(content["prepay_id"])
    assert paid["state"] == "SUCCESS"
    assert (paid["delivery"]["state"], paid["delivery"]["status"]) == ("done", 204)
    assert len(paid["transaction_id"]) == 28
    [heard] = ear.heard
    assert heard.path == "/paid"
    notice = shop.read(heard)
    assert (notice["event_type"], notice["resource_type"]) == ("TRANSACTION.SUCCESS", "encrypt-resource")
    told = notice["resource"]
    assert told == shop.query("ORDER-1")[1]
    assert told["trade_state"] == "SUCCESS"
    assert told["attach"] == "店员7"
    assert told["payer"] == {"openid": shop.shopper["mp_openid"]}
    assert told["amount"] == {"total": 100, "payer_total": 100, "currency": "CNY", "payer_currency": "CNY"}
    assert told["transaction_id"] == paid["transaction_id"]
    assert json.loads(shop.peer.query(transaction_id=paid["transaction_id"])[1]) == told
    assert datetime.fromisoformat(told["success_time"]).utcoffset() == timedelta(hours=8)
    assert shop.pay(content["prepay_id"], 409)["error"]["code"] == "ORDER_PAID"


def test_notice_has_the_headers_and_envelope_of_a_real_one(shop: Shop, ear: Ear) -> None:
    shop.paid("ORDER-1")
    headers, envelope = ear.heard[0].headers, json.loads(ear.heard[0].body)
    assert headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    assert headers["Wechatpay-Serial"] == shop.box.told["pay"]["platform_public_key_id"]
    assert (headers["User-Agent"], headers["Content-Type"]) == ("Mozilla/4.0", "application/json")
    assert set(envelope) == {"id", "create_time", "event_type", "resource_type", "summary", "resource"}
    resource = envelope["resource"]
    assert (resource["original_type"], resource["associated_data"]) == ("transaction", "transaction")
    assert (resource["algorithm"], len(resource["nonce"])) == ("AEAD_AES_256_GCM", 12)
    assert len(base64.b64decode(resource["ciphertext"])) > 100


def test_same_number_again(shop: Shop) -> None:
    first = shop.prepay("ORDER-1")[1]["prepay_id"]
    second = shop.prepay("ORDER-1")[1]["prepay_id"]
    assert first != second
    status, content = shop.prepay("ORDER-1", total=101)
    assert (status, content["code"]) == (400, "INVALID_REQUEST")
    assert content["message"] == "请求重入时，参数与首次请求时不一致"
    shop.pay(first)
    assert shop.pay(second, 409)["error"]["code"] == "ORDER_PAID"
    assert shop.prepay("ORDER-1")[1]["message"] == "该订单已支付"


def test_request_payment_dict_must_be_signed_for_this_app(shop: Shop, sandbox: RunningBox) -> None:
    prepay_id = shop.prepay("ORDER-1")[1]["prepay_id"]
    appid, stamp, package = sandbox.told["mp"]["appid"], str(int(time.time())), f"prepay_id={prepay_id}"
    given = {"timeStamp": stamp, "nonceStr": "n0nce", "package": package, "signType": "RSA"}
    sign = shop.peer.sign([appid, stamp, "n0nce", package])
    path = f"/persons/{shop.shopper['id']}/pay"
    refusals: list[tuple[dict[str, object], str]] = [
        (
            given | {"paySign": shop.peer.sign([sandbox.told["oa"]["appid"], stamp, "n0nce", package])},
            "SIGN_ERROR",
        ),
        (given | {"paySign": sign, "nonceStr": "other"}, "SIGN_ERROR"),
        (given | {"paySign": sign, "signType": "MD5"}, "PARAM_ERROR"),
        (given | {"paySign": sign, "timeStamp": int(stamp)}, "PARAM_ERROR"),
        (given, "PARAM_ERROR"),
        ({}, "PARAM_ERROR"),
        ({"prepay_id": "wx0"}, "PREPAY_UNKNOWN"),
    ]
    for wrong, code in refusals:
        assert sandbox.post(path, 409, **wrong)["error"]["code"] == code
    assert sandbox.post(path, **given, paySign=sign)["state"] == "SUCCESS"


def test_only_the_payer_may_pay_and_only_for_two_hours(shop: Shop, sandbox: RunningBox) -> None:
    prepay_id = shop.prepay("ORDER-1")[1]["prepay_id"]
    other = sandbox.person("别人")
    refused = sandbox.post(f"/persons/{other['id']}/pay", 409, prepay_id=prepay_id)
    assert refused["error"]["code"] == "PAYER_MISMATCH"
    sandbox.post("/clock", offset_s=7201)
    assert shop.pay(prepay_id, 409)["error"]["code"] == "PREPAY_EXPIRED"


def test_order_closes_by_time_and_by_hand(shop: Shop, sandbox: RunningBox) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=15)).isoformat(timespec="seconds")
    prepay_id = shop.prepay("ORDER-1", time_expire=soon)[1]["prepay_id"]
    past = shop.prepay("ORDER-2", time_expire="2020-01-01T00:00:00+08:00")[1]["prepay_id"]
    for_ever = shop.prepay("ORDER-3")[1]["prepay_id"]
    sandbox.post("/clock", offset_s=55)
    assert shop.query("ORDER-2")[1]["trade_state"] == "NOTPAY"
    sandbox.post("/clock", offset_s=61)
    assert shop.query("ORDER-2")[1]["trade_state"] == "CLOSED"
    assert shop.pay(past, 409)["error"]["code"] == "ORDER_CLOSED"
    sandbox.post("/clock", offset_s=901)
    assert shop.query("ORDER-1")[1]["trade_state"] == "CLOSED"
    assert shop.pay(prepay_id, 409)["error"]["code"] == "ORDER_CLOSED"
    assert shop.query("ORDER-3")[1]["trade_state"] == "NOTPAY"
    assert shop.peer.close("ORDER-3")[0] == 204
    assert shop.query("ORDER-3")[1]["trade_state_desc"] == "订单已关闭"
    assert shop.pay(for_ever, 409)["error"]["code"] == "ORDER_CLOSED"


def test_paid_order_cannot_be_closed_and_an_unknown_one_does_not_exist(shop: Shop) -> None:
    shop.paid("ORDER-1")
    status, text = shop.peer.close("ORDER-1")
    assert (status, json.loads(text)["code"]) == (400, "ORDER_PAID")
    assert shop.query("ORDER-9") == (404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"})
    assert shop.peer.close("ORDER-9")[0] == 404


def test_refunds_in_parts(shop: Shop, ear: Ear) -> None:
    transaction = shop.paid("ORDER-1")
    status, asked = shop.refund("ORDER-1", "R-1", 33, reason="尺码")
    assert (status, asked["status"], asked["amount"]["refund"]) == (200, "PROCESSING", 33)
    assert "success_time" not in asked
    assert (asked["channel"], asked["transaction_id"]) == ("ORIGINAL", transaction)
    assert len(asked["refund_id"]) == 29
    assert shop.query("ORDER-1")[1]["trade_state"] == "REFUND"
    notice = shop.read(ear.wait_for(2)[1])
    assert (notice["event_type"], ear.heard[1].path) == ("REFUND.SUCCESS", "/refunded")
    told = notice["resource"]
    assert set(told) == {
        *("mchid", "transaction_id", "out_trade_no", "refund_id", "out_refund_no", "refund_status"),
        *("success_time", "user_received_account", "amount"),
    }
    assert told["refund_status"] == "SUCCESS"
    assert told["amount"] == {"total": 100, "refund": 33, "payer_total": 100, "payer_refund": 33}
    known = json.loads(shop.peer.query_refund("R-1")[1])
    assert (known["status"], known["success_time"]) == ("SUCCESS", told["success_time"])
    assert shop.refund("ORDER-1", "R-1", 33, reason="尺码") == (200, known)
    assert shop.refund("ORDER-1", "R-2", 67)[0] == 200
    ear.wait_for(3)
    status, refused = shop.refund("ORDER-1", "R-3", 1)
    assert (status, refused["code"]) == (400, "INVALID_REQUEST")


def test_refund_refusals(shop: Shop, sandbox: RunningBox) -> None:
    shop.paid("ORDER-1")
    shop.prepay("ORDER-2")
    shop.refund("ORDER-1", "R-1", 40)
    cases = [
        (shop.refund("ORDER-1", "R-1", 41), 400, "INVALID_REQUEST"),
        (shop.refund("ORDER-1", "R-2", 61), 400, "INVALID_REQUEST"),
        (shop.refund("ORDER-1", "R-2", 10, total=99), 400, "INVALID_REQUEST"),
        (shop.refund("ORDER-1", "R-2", 0), 400, "PARAM_ERROR"),
        (shop.refund("ORDER-1", "R 2", 10), 400, "PARAM_ERROR"),
        (shop.refund("ORDER-2", "R-2", 10), 400, "INVALID_REQUEST"),
        (shop.refund("ORDER-9", "R-2", 10), 404, "RESOURCE_NOT_EXISTS"),
    ]
    for (status, content), wanted, code in cases:
        assert (status, content["code"]) == (wanted, code)
    assert shop.peer.query_refund("R-2")[0] == 404
    sandbox.post("/settings", refund_interval_s=60)
    assert shop.refund("ORDER-1", "R-2", 10)[0] == 429
    sandbox.post("/clock", offset_s=61)
    assert shop.refund("ORDER-1", "R-2", 10)[0] == 200
    sandbox.post("/clock", offset_s=366 * 86400)
    assert shop.refund("ORDER-1", "R-3", 10)[0] == 400


@pytest.mark.parametrize("result", ["ABNORMAL", "CLOSED"])
def test_refund_that_does_not_succeed(shop: Shop, sandbox: RunningBox, ear: Ear, result: str) -> None:
    shop.paid("ORDER-1")
    sandbox.post("/settings", faults={"refund_result": result})
    shop.refund("ORDER-1", "R-1", 100)
    notice = shop.read(ear.wait_for(2)[1])
    assert notice["event_type"] == f"REFUND.{result}"
    assert notice["resource"]["refund_status"] == result
    assert "success_time" not in notice["resource"]
    sandbox.post("/settings", faults={})
    # Money that went back to the merchant can be refunded under a new number; money that hangs cannot.
    assert shop.refund("ORDER-1", "R-2", 100)[0] == (200 if result == "CLOSED" else 400)


def test_notice_is_repeated_until_it_is_taken(shop: Shop, ear: Ear) -> None:
    answers = iter([(500, b"{}"), (200, b"")])
    ear.answer = lambda heard: next(answers)
    paid = shop.pay(shop.prepay("ORDER-1")[1]["prepay_id"])
    assert (paid["delivery"]["state"], paid["delivery"]["verdict"]) == ("due", "refused")
    first, second = ear.wait_for(2)
    assert shop.read(first)["resource"] == shop.read(second)["resource"]
    assert json.loads(first.body)["id"] == json.loads(second.body)["id"]
    assert first.headers["Wechatpay-Nonce"] != second.headers["Wechatpay-Nonce"]
    assert json.loads(first.body)["resource"]["nonce"] != json.loads(second.body)["resource"]["nonce"]
    wait_until(lambda: shop.box.get("/deliveries")["deliveries"][0]["state"] == "done")


def test_signtest_probe_comes_first_and_wants_to_be_refused(
    shop: Shop, sandbox: RunningBox, ear: Ear
) -> None:
    sandbox.post("/settings", faults={"signtest_probe": 1})
    ear.answer = lambda heard: (401 if "SIGNTEST" in heard.headers["Wechatpay-Signature"] else 200, b"")
    delivery = shop.pay(shop.prepay("ORDER-1")[1]["prepay_id"])["delivery"]
    assert [one["verdict"] for one in delivery["attempts"]] == ["probe refused", "accepted"]
    assert ear.heard[0].headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    assert shop.read(ear.heard[1])["event_type"] == "TRANSACTION.SUCCESS"


def test_faults_of_notices(shop: Shop, sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", faults={"drop_notices": 1})
    delivery = shop.pay(shop.prepay("ORDER-1")[1]["prepay_id"])["delivery"]
    assert (delivery["state"], delivery["attempts"], ear.heard) == ("dropped", [], [])
    sandbox.post(f"/deliveries/{delivery['id']}/again")
    assert len(ear.heard) == 1
    sandbox.post("/settings", faults={"delay_notices_s": 3600, "wrong_amount": 1, "foreign_appid": 1})
    shop.paid("ORDER-2")
    assert len(ear.heard) == 1
    sandbox.post("/clock", offset_s=3601)
    told = shop.read(ear.wait_for(2)[1])["resource"]
    assert (told["amount"]["total"], told["appid"]) == (101, "wx0000000000000000")
    sandbox.post("/settings", faults={"duplicate_notices": True})
    shop.paid("ORDER-3")
    ear.wait_for(4)
    sandbox.post("/settings", faults={"wrong_signature": True})
    shop.paid("ORDER-4")
    assert shop.read(ear.heard[-1]) is None


def test_orders_of_a_person(shop: Shop, sandbox: RunningBox) -> None:
    shop.paid("ORDER-1")
    prepay_id = shop.prepay("ORDER-2", total=250)[1]["prepay_id"]
    orders = sandbox.get(f"/persons/{shop.shopper['id']}/orders")["orders"]
    assert [(one["out_trade_no"], one["state"], one["total_fen"]) for one in orders] == [
        ("ORDER-2", "NOTPAY", 250),
        ("ORDER-1", "SUCCESS", 100),
    ]
    assert orders[0]["prepay_id"] == prepay_id
