"""Notices of WeChat Pay: proven over the raw body, opened, named; anything else is BadSignature or
Malformed."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wechat.merchant import (
    APPID,
    FAN,
    KEY_ID,
    MCHID,
    NOW,
    SECONDS,
    TRADE,
    a_config,
    a_notice,
    signed_headers,
)
from tests.wechat.pay_verbs import COMBINED, TRANSACTION, TRANSFER, TRANSFERRED
from wechat.errors import BadSignature, Malformed
from wechat.http import Http
from wechat.pay import (
    CombinedPaid,
    OtherNotice,
    Paid,
    Pay,
    ReceiverKind,
    Refunded,
    RefundStatus,
    ShareReceived,
    Trade,
    TradeState,
    Transfer,
    Transferred,
    TransferState,
)

PAY = Pay(a_config(), Http())
REFUND = {
    "mchid": MCHID,
    "transaction_id": "4200000000202601010000000001",
    "out_trade_no": "ORDER_20260101_0001",
    "refund_id": "50000000382019052709732678859",
    "out_refund_no": "REFUND_1",
    "refund_status": "SUCCESS",
    "success_time": "2026-01-01T08:02:00+08:00",
    "user_received_account": "招商银行信用卡0403",
    "amount": {"total": 100, "refund": 30, "payer_total": 90, "payer_refund": 27},
}


def opened(body: bytes, **changes: str) -> object:
    return PAY.open_notice(signed_headers(body, seconds=SECONDS, **changes), body, now=NOW)


def test_a_payment() -> None:
    notice = opened(a_notice(TRADE))
    assert isinstance(notice, Paid)
    trade = notice.trade
    assert (notice.notice_id, notice.event_type, trade.state) == (
        "EV-1",
        "TRANSACTION.SUCCESS",
        TradeState.SUCCESS,
    )
    assert (trade.appid, trade.mchid, trade.out_trade_no) == (APPID, MCHID, "ORDER_20260101_0001")
    assert (trade.amount_fen, trade.currency, trade.payer_openid) == (1, "CNY", FAN)
    assert trade.success_at == datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    assert FAN not in repr(notice)


@pytest.mark.parametrize("status", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_a_refund(status: str) -> None:
    data = REFUND | {"refund_status": status}
    if status != "SUCCESS":
        data.pop("success_time")
    assert opened(a_notice(data, f"REFUND.{status}", "refund")) == Refunded(
        MCHID,
        "ORDER_20260101_0001",
        "REFUND_1",
        "50000000382019052709732678859",
        RefundStatus(status),
        30,
        100,
        datetime(2026, 1, 1, 0, 2, tzinfo=UTC) if status == "SUCCESS" else None,
        "EV-1",
        f"REFUND.{status}",
    )


@pytest.mark.parametrize(
    ("event", "original", "data"),
    [
        ("MCHTRANSFER.BATCH.FINISHED", "mch_payment", {"out_batch_no": "B1"}),
        ("MCHTRANSFER.AUTHORIZATION.CONFIRMED", "mch_payment", {"out_authorization_no": "A1"}),
        ("PAYSCORE.USER_OPEN_SERVICE", "payscore", {}),
    ],
)
def test_other_notices_are_kept(event: str, original: str, data: dict[str, object]) -> None:
    assert opened(a_notice(data, event, original)) == OtherNotice(event, original, data)


def test_a_combined_payment() -> None:
    notice = opened(a_notice(COMBINED))
    assert isinstance(notice, CombinedPaid)
    whole = notice.combined
    assert (whole.appid, whole.mchid, whole.combine_out_trade_no) == (APPID, MCHID, "COMBINED_1")
    at = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    first, second = TRANSACTION, "4200000000202601010000000002"
    assert whole.trades == (
        Trade(APPID, MCHID, "ORDER_1", first, TradeState.SUCCESS, 100, "CNY", FAN, at),
        Trade(APPID, "1900000002", "ORDER_2", second, TradeState.SUCCESS, 5, "CNY", FAN, at),
    )
    assert FAN not in repr(notice)


@pytest.mark.parametrize("name", ["mchid", "mch_id"])
@pytest.mark.parametrize(
    ("state", "reason"), [("SUCCESS", None), ("FAIL", "OVERDUE_CLOSE"), ("CANCELLED", None)]
)
@pytest.mark.parametrize("original", ["mch_payment", ""])
def test_a_transfer_under_either_spelling_of_the_merchant(
    name: str, state: str, reason: str | None, original: str
) -> None:
    data = {key: value for key, value in TRANSFERRED.items() if key not in ("mch_id", "appid", "fail_reason")}
    data |= {name: MCHID, "state": state, "payment_method_type": "CFT"}
    notice = opened(
        a_notice(data | ({"fail_reason": reason} if reason else {}), "MCHTRANSFER.BILL.FINISHED", original)
    )
    assert notice == Transferred(
        Transfer(
            "BILL0001",
            "1330000071100999991182020050700019480001",
            TransferState(state),
            mchid=MCHID,
            fail_reason=reason,
            amount_fen=1234,
            openid=FAN,
            created_at=datetime(2026, 1, 1, 0, 6, tzinfo=UTC),
            updated_at=datetime(2026, 1, 2, 0, 6, tzinfo=UTC),
        ),
        "EV-1",
        "MCHTRANSFER.BILL.FINISHED",
    )
    assert FAN not in repr(notice)


SHARED = {
    "mchid": "1900000109",
    "transaction_id": TRANSACTION,
    "order_id": "3008450740201411110007820472",
    "out_order_no": "SHARE_1",
    "receiver": {"type": "MERCHANT_ID", "account": "1900000109", "amount": 10, "description": "门店"},
    "success_time": "2026-01-01T08:03:00+08:00",
}


@pytest.mark.parametrize(
    ("event", "original", "summary", "is_return"),
    [
        ("TRANSACTION.SUCCESS", "profitsharing", "分账", False),
        ("PROFITSHARING", "profitsharing", "", False),
        ("PROFITSHARING.RETURN", "profitsharing", "", True),
        ("PROFITSHARING_RETURN", "profitsharing", "", True),
        ("TRANSACTION.SUCCESS", "profitsharing", "分账回退", True),
    ],
)
def test_a_share_under_any_spelling(event: str, original: str, summary: str, is_return: bool) -> None:
    notice = opened(a_notice(SHARED, event, original, summary=summary))
    assert notice == ShareReceived(
        "1900000109",
        TRANSACTION,
        "3008450740201411110007820472",
        "SHARE_1",
        ReceiverKind.MERCHANT_ID,
        "1900000109",
        10,
        datetime(2026, 1, 1, 0, 3, tzinfo=UTC),
        is_return,
        "EV-1",
        event,
    )


def test_header_names_in_any_case_and_without_a_signature_type() -> None:
    body = a_notice(TRADE)
    headers = {name.upper(): value for name, value in signed_headers(body, seconds=SECONDS).items()}
    del headers["WECHATPAY-SIGNATURE-TYPE"]
    assert isinstance(PAY.open_notice(headers, body, now=NOW), Paid)


@pytest.mark.parametrize("seconds", [-299.9, 0, 299.9])
def test_within_five_minutes(seconds: float) -> None:
    body = a_notice(TRADE)
    headers = signed_headers(body, seconds=SECONDS)
    assert isinstance(PAY.open_notice(headers, body, now=NOW + timedelta(seconds=seconds)), Paid)


@pytest.mark.parametrize("seconds", [-300, 300, 86400])
def test_outside_five_minutes(seconds: float) -> None:
    body = a_notice(TRADE)
    with pytest.raises(BadSignature):
        PAY.open_notice(signed_headers(body, seconds=SECONDS), body, now=NOW + timedelta(seconds=seconds))


def test_a_probe_is_a_bad_signature() -> None:
    with pytest.raises(BadSignature) as caught:
        opened(a_notice(TRADE), **{"Wechatpay-Signature": "WECHATPAY/SIGNTEST/5Eo2Cdm0Vd6dFT"})
    assert caught.value.reason == "signature probe"


@pytest.mark.parametrize("name", ["Timestamp", "Nonce", "Serial", "Signature"])
@pytest.mark.parametrize("value", [None, "", "x", "é", "\ud800", "9" * 30, "-1", "x" * 5000, 5, ["a"]])
def test_bad_headers_are_a_bad_signature(name: str, value: object) -> None:
    body = a_notice(TRADE)
    headers: dict[str, object] = dict(signed_headers(body, seconds=SECONDS))
    headers[f"Wechatpay-{name}"] = value
    with pytest.raises(BadSignature):
        PAY.open_notice(headers, body, now=NOW)  # type: ignore[arg-type]  # what a server may hand us
    del headers[f"Wechatpay-{name}"]
    with pytest.raises(BadSignature):
        PAY.open_notice(headers, body, now=NOW)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    "serial", [KEY_ID.lower(), KEY_ID + "0", KEY_ID[:-1], f" {KEY_ID}", "5F1C72E2A8931B72"]
)
def test_the_serial_is_compared_exactly(serial: str) -> None:
    with pytest.raises(BadSignature):
        opened(a_notice(TRADE), **{"Wechatpay-Serial": serial})


def test_one_changed_byte_is_a_bad_signature() -> None:
    body = a_notice(TRADE)
    headers = signed_headers(body, seconds=SECONDS)
    for position in (0, len(body) // 2, len(body) - 1):
        changed = bytearray(body)
        changed[position] ^= 1
        with pytest.raises(BadSignature):
            PAY.open_notice(headers, bytes(changed), now=NOW)
    with pytest.raises(BadSignature):
        PAY.open_notice(headers, body + b"\n", now=NOW)


def without(name: str) -> bytes:
    return a_notice({key: value for key, value in TRADE.items() if key != name})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b"[" * 5000,
        b'{"resource":5,"id":"x","event_type":"y"}',
        b'{"resource":{"algorithm":"AES","nonce":"n","ciphertext":"c"}}',
        b"x" * (256 * 1024 + 1),
        a_notice(TRADE).replace(b"a1b2c3d4e5f6", b"b1b2c3d4e5f6"),
        a_notice(TRADE).replace(b"a1b2c3d4e5f6", b"a"),
        a_notice(TRADE).replace(b'"associated_data": "transaction"', b'"associated_data": "other"'),
        a_notice(TRADE).replace(b"AEAD_AES_256_GCM", b"AEAD_SM4_GCM"),
        a_notice(TRADE).replace(b'"ciphertext": "', b'"ciphertext": "!'),
        a_notice(b"not json"),
        a_notice(b"[1]"),
        without("trade_state"),
        without("appid"),
        without("mchid"),
        a_notice(TRADE | {"success_time": "yesterday"}),
        a_notice(TRADE | {"success_time": "2026-01-01T08:00:30"}),
        a_notice(TRADE | {"amount": {"total": 1.5}}),
        a_notice(TRADE | {"amount": {"total": True}}),
        a_notice(TRADE | {"amount": {"total": -1}}),
        a_notice(TRADE | {"amount": 1}),
        a_notice(REFUND | {"amount": {}}, "REFUND.SUCCESS", "refund"),
        a_notice({}, "REFUND.SUCCESS", "refund"),
        a_notice({}),
        a_notice({"combine_out_trade_no": "C1", "sub_orders": []}),
        a_notice(COMBINED | {"sub_orders": [1]}),
        a_notice(COMBINED | {"sub_orders": {"mchid": MCHID}}),
        a_notice({"out_bill_no": "B1"}, "MCHTRANSFER.BILL.FINISHED", "mch_payment"),
        a_notice(TRANSFER | {"package_info": 5}, "MCHTRANSFER.BILL.FINISHED", "mch_payment"),
        a_notice(TRANSFER, "MCHTRANSFER.BILL.FINISHED", "mch_payment"),
        a_notice({"out_trade_no": "x"}, "TRANSACTION.SUCCESS", "profitsharing"),
        a_notice(SHARED | {"receiver": []}, "PROFITSHARING", "profitsharing"),
    ],
)
def test_signed_but_not_understood_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        opened(body)


def only_ours(headers: dict[str, object], body: bytes) -> None:
    said = ""
    try:
        PAY.open_notice(headers, body, now=NOW)  # type: ignore[arg-type]  # hostile on purpose
    except (BadSignature, Malformed) as error:
        said = str(error)
    assert FAN not in said


names = st.sampled_from(
    [f"Wechatpay-{n}" for n in ("Timestamp", "Nonce", "Serial", "Signature", "Signature-Type")]
)
junk = st.one_of(st.none(), st.text(max_size=40), st.integers(), st.sampled_from([str(SECONDS), KEY_ID]))


@settings(deadline=None)
@given(st.dictionaries(names, junk), st.binary(max_size=200))
def test_any_headers_and_any_bytes(headers: dict[str, object], body: bytes) -> None:
    only_ours(headers, body)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=9)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


EVENTS = {
    "transaction": ("TRANSACTION.SUCCESS", TRADE | REFUND),
    "refund": ("REFUND.SUCCESS", TRADE | REFUND),
    "combined": ("TRANSACTION.SUCCESS", COMBINED),
    "mch_payment": ("MCHTRANSFER.BILL.FINISHED", TRANSFERRED),
    "profitsharing": ("PROFITSHARING", SHARED),
    "x": ("x", TRADE),
}


@settings(deadline=None)
@given(st.data(), json_values, st.sampled_from(list(EVENTS)))
def test_any_value_in_any_place_of_a_sealed_notice(data: st.DataObject, value: object, kind: str) -> None:
    event, content = EVENTS[kind]
    name = data.draw(st.sampled_from(list(content)))
    body = a_notice({**content, name: value}, event, "transaction" if kind == "combined" else kind)
    only_ours(dict(signed_headers(body, seconds=SECONDS)), body)


@settings(deadline=None)
@given(json_values, st.sampled_from(["mchid", "trade_state", "amount", "success_time"]))
def test_any_value_in_any_place_of_an_order_of_a_combined_payment(value: object, name: str) -> None:
    first = COMBINED["sub_orders"][0]  # type: ignore[index]  # a list, as written there
    body = a_notice(COMBINED | {"sub_orders": [first | {name: value}]})
    only_ours(dict(signed_headers(body, seconds=SECONDS)), body)


@settings(deadline=None)
@given(json_values, st.sampled_from(["id", "event_type", "resource"]))
def test_any_value_in_any_place_of_the_envelope(value: object, name: str) -> None:
    body = json.dumps(json.loads(a_notice(TRADE)) | {name: value}).encode()
    only_ours(dict(signed_headers(body, seconds=SECONDS)), body)
