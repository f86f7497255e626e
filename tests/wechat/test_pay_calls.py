"""What our calls to WeChat Pay put on the wire, and what their answers become, on a real local gateway that
verifies every raw request and signs every answer."""

import json
from datetime import UTC, datetime

import pytest

from tests.wechat.local import serving
from tests.wechat.merchant import (
    APPID,
    FAN,
    KEY_ID,
    MCHID,
    NO,
    ORDER,
    PAY_BACK,
    REFUND,
    TRADE,
    a_pay,
    answering,
)
from wechat.errors import Refused
from wechat.pay import RefundState, RefundStatus, Trade, TradeState


def test_prepay_sends_exactly_what_is_documented() -> None:
    with serving(answering({"prepay_id": "wx26112221580621e9b071c00d9e093b0000"})) as line:
        expires_at = datetime(2026, 1, 1, 16, 15, 0, 999, tzinfo=UTC)
        prepay_id = a_pay(line).prepay(**ORDER | {"expires_at": expires_at, "profit_sharing": True})
    assert prepay_id == "wx26112221580621e9b071c00d9e093b0000"
    (call,) = line.calls
    assert (call.method, call.target) == ("POST", "/v3/pay/transactions/jsapi")
    assert json.loads(call.body) == {
        "appid": APPID,
        "mchid": MCHID,
        "description": "两件衬衫",
        "out_trade_no": NO,
        "notify_url": "https://shop.example/callbacks/wechat/pay/paid",
        "amount": {"total": 100, "currency": "CNY"},
        "payer": {"openid": FAN},
        "time_expire": "2026-01-02T00:15:00+08:00",
        "settle_info": {"profit_sharing": True},
    }
    wanted = {"accept": "application/json", "content-type": "application/json", "wechatpay-serial": KEY_ID}
    assert {name: call.headers[name] for name in wanted} == wanted
    assert call.headers["user-agent"].startswith("lianke/")


def test_a_plain_prepay_has_no_optional_members() -> None:
    with serving(answering({"prepay_id": "wx1"})) as line:
        a_pay(line).prepay(**ORDER)
    assert {"time_expire", "settle_info"}.isdisjoint(json.loads(line.calls[0].body))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("连衣裙👗 x1", "连衣裙 x1"),
        ("👨‍👩‍👧 a\n\tb", "a b"),
        ("好" * 60, "好" * 42),
        ("a" * 126 + "好", "a" * 126),
    ],
)
def test_the_description_loses_emoji_and_is_cut_to_127_bytes(given: str, sent: str) -> None:
    with serving(answering({"prepay_id": "wx1"})) as line:
        a_pay(line).prepay(**ORDER | {"description": given})
    assert json.loads(line.calls[0].body)["description"] == sent
    assert b"\\u" not in line.calls[0].body


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "ORDER|1"},
        {"out_trade_no": "ORDER*1"},
        {"out_trade_no": "ORDER/../1"},
        {"out_trade_no": "订单订单订单"},
        {"out_trade_no": "ORDER_1\n"},
        {"amount_fen": 0},
        {"amount_fen": -1},
        {"amount_fen": 1.5},
        {"amount_fen": True},
        {"description": "👗"},
        {"openid": ""},
        {"notify_url": "https://shop.example/paid?x=1"},
        {"notify_url": "https://shop.example"},
        {"notify_url": "ftp://shop.example/paid"},
        {"expires_at": datetime(2026, 1, 1)},  # noqa: DTZ001  # a naive time is what is refused
    ],
)
def test_what_wechat_would_refuse_is_refused_without_a_call(changes: dict[str, object]) -> None:
    with serving(answering({"prepay_id": "wx1"})) as line, pytest.raises(Refused) as caught:
        a_pay(line).prepay(**ORDER | changes)
    assert (caught.value.code, line.calls) == ("PARAM_ERROR", [])


@pytest.mark.parametrize("changes", [{"refund_fen": 101}, {"refund_fen": 0}, {"out_refund_no": "x" * 65}])
def test_an_impossible_refund_is_refused_without_a_call(changes: dict[str, object]) -> None:
    with serving(answering(REFUND)) as line, pytest.raises(Refused) as caught:
        a_pay(line).refund(**PAY_BACK | changes)
    assert (caught.value.code, line.calls) == ("PARAM_ERROR", [])


def test_query_reads_a_paid_order() -> None:
    with serving(answering(TRADE)) as line:
        trade = a_pay(line).query(NO)
    assert trade == Trade(
        APPID,
        MCHID,
        NO,
        "4200000000202601010000000001",
        TradeState.SUCCESS,
        1,
        "CNY",
        FAN,
        datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC),
    )
    assert FAN not in repr(trade)
    assert line.calls[0].target == f"/v3/pay/transactions/out-trade-no/{NO}?mchid={MCHID}"
    assert (line.calls[0].body, line.calls[0].headers["wechatpay-serial"]) == (b"", KEY_ID)


def test_query_reads_an_unpaid_order_in_which_most_is_absent() -> None:
    bare = {
        "appid": APPID,
        "mchid": MCHID,
        "out_trade_no": NO,
        "trade_state": "NOTPAY",
        "trade_state_desc": "x",
    }
    for extra, state in (({}, TradeState.NOTPAY), ({"trade_state": "SOMETHING_NEW"}, TradeState.OTHER)):
        with serving(answering(bare | extra)) as line:
            assert a_pay(line).query(NO) == Trade(APPID, MCHID, NO, None, state, None, None, None, None)


def test_close_is_answered_with_a_signed_204() -> None:
    with serving(answering(None)) as line:
        a_pay(line).close(NO)
    assert (line.calls[0].target, json.loads(line.calls[0].body)) == (
        f"/v3/pay/transactions/out-trade-no/{NO}/close",
        {"mchid": MCHID},
    )


def test_refund_and_its_query() -> None:
    done = REFUND | {"status": "SUCCESS", "success_time": "2026-01-01T08:02:00.123456789+08:00"}
    with serving(answering(REFUND, done)) as line:
        pay = a_pay(line)
        state = RefundState("REFUND_1", "50000000382019052709732678859", RefundStatus.PROCESSING, 30, None)
        assert pay.refund(**PAY_BACK) == state
        ended = pay.query_refund("REFUND_1")
    assert (ended.status, ended.success_at) == (
        RefundStatus.SUCCESS,
        datetime(2026, 1, 1, 0, 2, 0, 123456, tzinfo=UTC),
    )
    assert json.loads(line.calls[0].body) == {
        "out_trade_no": NO,
        "out_refund_no": "REFUND_1",
        "amount": {"refund": 30, "total": 100, "currency": "CNY"},
        "reason": "尺码不合适",
        "notify_url": "https://shop.example/callbacks/wechat/pay/refunded",
    }
    assert [call.target for call in line.calls] == [
        "/v3/refund/domestic/refunds",
        "/v3/refund/domestic/refunds/REFUND_1",
    ]
