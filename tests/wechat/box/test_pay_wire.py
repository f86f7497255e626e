"""The gateway's door: signatures over raw bytes, strict bodies, signed answers."""

import base64
import json
import re
import secrets
import time
from typing import Any

import pytest
import requests

from tests.wechat.box.wire import call, checked
from tests.wechat.box.world import RunningBox


def _order(sandbox: RunningBox, **changes: Any) -> dict[str, Any]:
    asked = {
        "appid": sandbox.told["mp"]["appid"],
        "mchid": sandbox.told["pay"]["mchid"],
        "description": "澜序 外套",
        "out_trade_no": "L" + secrets.token_hex(8),
        "notify_url": "http://127.0.0.1:9/paid",
        "amount": {"total": 100, "currency": "CNY"},
        "payer": {"openid": sandbox.person()["mp_openid"]},
    } | changes
    return {name: value for name, value in asked.items() if value is not None}


def _prepay(sandbox: RunningBox, asked: Any, **more: Any) -> requests.Response:
    body = asked if isinstance(asked, bytes) else json.dumps(asked, ensure_ascii=False).encode()
    return call(sandbox, "POST", "/v3/pay/transactions/jsapi", body, **more)


def test_prepay_answer_is_signed(sandbox: RunningBox) -> None:
    answer = _prepay(sandbox, _order(sandbox))
    content = checked(sandbox, answer)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Request-ID"].endswith("-0")
    assert content.keys() == {"prepay_id"}
    assert re.fullmatch(r"wx\d{34}", content["prepay_id"])


def test_credentials_have_the_shapes_of_real_ones(sandbox: RunningBox) -> None:
    pay = sandbox.told["pay"]
    assert re.fullmatch(r"0[0-9A-F]{39}", pay["merchant_serial"])
    assert re.fullmatch(r"PUB_KEY_ID_\d{34}", pay["platform_public_key_id"])
    assert re.fullmatch(r"\d{10}", pay["mchid"])
    assert re.fullmatch(r"[0-9A-Za-z]{32}", pay["apiv3_key"])
    for app in ("oa", "mp"):
        assert re.fullmatch(r"[0-9A-Za-z]{43}", sandbox.told[app]["aes_key"])
        assert len(base64.b64decode(sandbox.told[app]["aes_key"] + "=", validate=True)) == 32


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scheme": "WECHATPAY2-SM2-WITH-SM3"}, "Http头Authorization认证类型不正确"),
        ({"mchid": "1600000000"}, "Http头Authorization中的mchid不存在"),
        ({"serial_no": "7" * 40}, "商户证书序列号有误。"),
        ({"signature": "AAAA"}, "签名错误，请检查后再试"),
        ({"signature": "not base64!"}, "签名错误，请检查后再试"),
        ({"nonce_str": "other"}, "签名错误，请检查后再试"),
        ({"signed_target": "/v3/pay/transactions/jsapi?"}, "签名错误，请检查后再试"),
        (
            {"signed_timestamp": str(int(time.time()) - 1000)},
            "Http头Authorization值中的timestamp与发起请求的时间不得超过5分钟",
        ),
        ({"timestamp": "x"}, "Http头Authorization值中的timestamp与发起请求的时间不得超过5分钟"),
    ],
)
def test_wrong_signatures_are_401(sandbox: RunningBox, changes: dict[str, str], message: str) -> None:
    answer = _prepay(sandbox, _order(sandbox), **changes)
    content = checked(sandbox, answer)
    assert (answer.status_code, content["code"], content["message"]) == (401, "SIGN_ERROR", message)
    assert answer.headers["Request-ID"].endswith("-268443699")


def test_missing_authorization_accept_and_user_agent(sandbox: RunningBox) -> None:
    bare = requests.get(f"{sandbox.base}/v3/certificates", headers={"User-Agent": "x"}, timeout=5)
    assert (bare.status_code, bare.json()["code"]) == (401, "SIGN_ERROR")
    silent = call(sandbox, "GET", "/v3/certificates", headers={"Accept": ""})
    assert (silent.status_code, silent.json()["message"]) == (400, "Http头缺少Accept或User-Agent")


def test_signature_covers_the_raw_target(sandbox: RunningBox) -> None:
    asked = _order(sandbox, out_trade_no="a|b*c_d-e")
    assert _prepay(sandbox, asked).status_code == 200
    mchid = sandbox.told["pay"]["mchid"]
    for written in ("a|b*c_d-e", "a%7Cb*c_d-e", "a%7Cb%2Ac%5Fd-e"):
        target = f"/v3/pay/transactions/out-trade-no/{written}?mchid={mchid}"
        answer = call(sandbox, "GET", target)
        assert checked(sandbox, answer)["out_trade_no"] == "a|b*c_d-e"
    answer = call(sandbox, "GET", target, signed_target=target.replace("%2A", "*"))
    assert answer.json()["code"] == "SIGN_ERROR"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"surprise": 1}, "/surprise"),
        ({"amount": {"total": 100, "note": "x"}}, "/amount/note"),
        ({"amount": {"total": 0}}, "/amount/total"),
        ({"amount": {"total": 1.5}}, "/amount/total"),
        ({"amount": {"total": 100.0}}, "/amount/total"),
        ({"amount": {"total": "100"}}, "/amount/total"),
        ({"amount": {"total": True}}, "/amount/total"),
        ({"amount": {"total": 100, "currency": "USD"}}, "/amount/currency"),
        ({"amount": 100}, "/amount"),
        ({"payer": None}, "/payer"),
        ({"payer": {}}, "/payer/openid"),
        ({"description": ""}, "/description"),
        ({"description": "长" * 128}, "/description"),
        ({"description": "😀"}, "/description"),
        ({"attach": {"a": 1}}, "/attach"),
        ({"out_trade_no": "short"}, "/out_trade_no"),
        ({"out_trade_no": "x" * 33}, "/out_trade_no"),
        ({"out_trade_no": "has space"}, "/out_trade_no"),
        ({"notify_url": "http://shop.example/a?b=1"}, "/notify_url"),
        ({"notify_url": "shop.example/a"}, "/notify_url"),
        ({"notify_url": None}, "/notify_url"),
        ({"time_expire": "2030-01-01 00:00:00"}, "/time_expire"),
        ({"time_expire": "2030-13-01T00:00:00+08:00"}, "/time_expire"),
        ({"settle_info": {"profit_sharing": "true"}}, "/settle_info/profit_sharing"),
        ({"detail": {"goods_detail": [{"merchant_goods_id": "1"}]}}, "/detail/goods_detail/0/quantity"),
    ],
)
def test_prepay_body_is_strict(sandbox: RunningBox, changes: dict[str, Any], field: str) -> None:
    answer = _prepay(sandbox, _order(sandbox, **changes))
    content = checked(sandbox, answer)
    assert (answer.status_code, content["code"]) == (400, "PARAM_ERROR")
    assert (content["detail"]["field"], content["detail"]["location"]) == (field, "body")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"a":1,"a":1}', b'{"a":NaN}', b"\xff"])
def test_body_that_is_no_object(sandbox: RunningBox, body: bytes) -> None:
    answer = _prepay(sandbox, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


def test_null_is_refused_and_full_order_is_accepted(sandbox: RunningBox) -> None:
    asked = _order(
        sandbox,
        time_expire="2030-01-01T00:00:00.123456789Z",
        attach="店员7",
        goods_tag="",
        support_fapiao=False,
        settle_info={"profit_sharing": True},
        scene_info={"payer_client_ip": "127.0.0.1", "store_info": {"id": "1"}},
        detail={"goods_detail": [{"merchant_goods_id": "1", "quantity": 1, "unit_price": 100}]},
    )
    assert _prepay(sandbox, asked).status_code == 200
    assert _prepay(sandbox, asked | {"goods_tag": None}).json()["detail"]["field"] == "/goods_tag"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"mchid": "1600000000"}, "PARAM_ERROR"),
        ({"appid": "wx0123456789abcdef"}, "APPID_MCHID_NOT_MATCH"),
        ({"payer": {"openid": "o-stranger"}}, "INVALID_REQUEST"),
    ],
)
def test_prepay_for_others_is_refused(sandbox: RunningBox, changes: dict[str, Any], code: str) -> None:
    answer = _prepay(sandbox, _order(sandbox, **changes))
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_close_is_a_signed_empty_204(sandbox: RunningBox) -> None:
    asked = _order(sandbox)
    _prepay(sandbox, asked)
    path = f"/v3/pay/transactions/out-trade-no/{asked['out_trade_no']}/close"
    body = json.dumps({"mchid": asked["mchid"]}).encode()
    for _ in range(2):
        answer = call(sandbox, "POST", path, body)
        assert (answer.status_code, answer.content, checked(sandbox, answer)) == (204, b"", None)
    again = _prepay(sandbox, asked)
    assert (again.json()["code"], again.json()["message"]) == ("INVALID_REQUEST", "该订单已失效")


def test_unknown_addresses_and_verbs(sandbox: RunningBox) -> None:
    nowhere = checked(sandbox, call(sandbox, "GET", "/v3/nowhere"))
    assert nowhere == {"code": "NOT_FOUND", "message": "请求的接口不存在"}
    assert call(sandbox, "GET", "/v3/refund/domestic/refunds").status_code == 405
    missing = call(sandbox, "GET", "/v3/certificates")
    assert (missing.status_code, missing.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")
    assert missing.json()["message"].startswith("无可用的平台证书")


def test_faults_of_the_gateway(sandbox: RunningBox) -> None:
    asked = _order(sandbox)
    sandbox.post("/settings", faults={"unavailable": {"path": "/v3/pay", "count": 1}})
    assert (_prepay(sandbox, asked).status_code, _prepay(sandbox, asked).status_code) == (500, 200)
    sandbox.post("/settings", faults={"unavailable_after": 1})
    path = f"/v3/pay/transactions/out-trade-no/{asked['out_trade_no']}"
    body = json.dumps({"mchid": asked["mchid"]}).encode()
    lost = call(sandbox, "POST", path + "/close", body)
    assert (lost.status_code, lost.json()["code"]) == (500, "SYSTEM_ERROR")
    assert call(sandbox, "GET", f"{path}?mchid={asked['mchid']}").json()["trade_state"] == "CLOSED"
    sandbox.post("/settings", faults={"unavailable": True})
    assert sandbox.http.get(f"{sandbox.base}/cgi-bin/token", timeout=5).status_code == 502
