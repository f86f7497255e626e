"""Whatever a signed call holds, the gateway answers in its own words, signed, and never breaks."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wechat.box.shop import Shop
from tests.wechat.box.wire import call, checked
from tests.wechat.box.world import RunningBox
from wechat.box.pay_doors import DOORS

BODIES = [
    b"",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{}",
    b'{"mchid":',
    b"\xff\xfe{}",
    b'{"mchid":"1","mchid":"1"}',
    b'{"amount":NaN}',
    b'{"amount":{"total":1e999}}',
    b'{"description":"\\ud83d"}',
    b"[" * 100_000,
    b'{"amount":{"total":' + b"9" * 5000 + b"}}",
]
NUMBERS = ["%00", "%FF%FE", "%F0%9F%98%80", "a%2Fb", "'%20OR%201=1--", "x" * 3000, "..", "%"]
POSTS = sorted({path for verb, path, _ in DOORS if verb == "POST"})
GETS = sorted({path for verb, path, _ in DOORS if verb == "GET"})


def answered(sandbox: RunningBox, verb: str, target: str, body: bytes = b"") -> Any:
    answer = call(sandbox, verb, target, body, headers={"Wechatpay-Serial": "PUB_KEY_ID_0"})
    content = checked(sandbox, answer)
    assert 400 <= answer.status_code < 500, (verb, target[:80], body[:80], content)
    assert content.keys() <= {"code", "message", "detail"}
    return content


@pytest.mark.parametrize("path", POSTS)
def test_strange_bodies(sandbox: RunningBox, path: str) -> None:
    target = re.sub(r"<\w+>", "NUMBER-1", path)
    for body in BODIES:
        answered(sandbox, "POST", target, body)


@pytest.mark.parametrize("path", [path for path in GETS if "<" in path])
def test_strange_numbers(sandbox: RunningBox, path: str) -> None:
    mchid = sandbox.told["pay"]["mchid"]
    for number in NUMBERS:
        answered(sandbox, "GET", re.sub(r"<\w+>", number.replace("\\", "/"), path) + f"?mchid={mchid}")


@pytest.mark.parametrize(
    "query", ["", "?", "?bill_date", "?bill_date=2026-02-30", "?bill_date=%FF", "?token=%00"]
)
@pytest.mark.parametrize("path", [path for path in GETS if "bill" in path])
def test_strange_questions(sandbox: RunningBox, path: str, query: str) -> None:
    answered(sandbox, "GET", path + query)


WORDS = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)
JSON = st.recursive(
    WORDS, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=8), some, max_size=3)
)
BODY_OF: dict[str, dict[str, Any]] = {
    "/v3/combine-transactions/jsapi": {
        "combine_appid": "a",
        "combine_mchid": "m",
        "combine_out_trade_no": "WHOLE-1",
        "sub_orders": [],
        "combine_payer_info": {"openid": "o"},
        "notify_url": "http://127.0.0.1:9/x",
    },
    "/v3/profitsharing/orders": {
        "appid": "a",
        "transaction_id": "t",
        "out_order_no": "S-1",
        "receivers": [{"type": "MERCHANT_ID", "account": "1", "amount": 1, "description": "d"}],
        "unfreeze_unsplit": False,
    },
    "/v3/fund-app/mch-transfer/transfer-bills": {
        "appid": "a",
        "out_bill_no": "T1",
        "transfer_scene_id": "1005",
        "openid": "o",
        "transfer_amount": 100,
        "transfer_remark": "r",
    },
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_in_any_place(shop: Shop, sandbox: RunningBox, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(BODY_OF)))
    body = dict(BODY_OF[path])
    if "appid" in body:
        body["appid"] = sandbox.told["mp"]["appid"]
    name = data.draw(st.sampled_from([*sorted(body), "surprise"]))
    body[name] = data.draw(JSON)
    answered(sandbox, "POST", path, json.dumps(body).encode())
