"""Platform certificates: fetched when they are needed, at most hourly, by one thread; both kinds of key during
a migration; serials with leading zeros."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wechat import vectors as v
from tests.wechat.local import Call, Line, Say, quick, serving
from tests.wechat.merchant import (
    KEY_ID,
    NO,
    NOW,
    PLATFORM_KEY,
    SECONDS,
    TRADE,
    a_config,
    a_notice,
    failing,
    signed_headers,
    unsealed,
)
from tests.wechat.pay_verbs import STORE, STORE_ANSWER
from tests.wechat.platform import (
    LEADING_ZERO,
    OTHER_KEY,
    Issued,
    handing_out,
    issued,
    listed,
    signed_by,
    utc,
)
from tests.wechat.test_calls import whole_chain
from wechat.errors import BadSignature, Refused, Unavailable, WeChatError
from wechat.pay import Paid, Pay, PayConfig
from wechat.pay.platform_keys import PlatformKeys, certificate_of, same_serial

FIRST = issued()
SECOND = issued("5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC", OTHER_KEY, from_at=NOW - timedelta(days=1))
NOT_FOUND = failing(
    404, "RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。"
)


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = float(SECONDS)

    def __call__(self) -> float:
        return self.seconds


def without_public_key(base: str = "http://127.0.0.1:9") -> PayConfig:
    return replace(a_config(base), public_key_id="", public_key_pem="")


def a_pay_on(config: PayConfig, clock: Callable[[], float]) -> Pay:
    return Pay(config, quick(), clock=clock)


def told(pay: Pay, signer: Issued, clock: Clock, **changes: str) -> object:
    body = a_notice(TRADE)
    seconds = int(clock.seconds)
    changes = {"Wechatpay-Serial": signer.serial} | changes
    headers = signed_headers(body, seconds=seconds, key=signer.key, **changes)
    return pay.open_notice(headers, body, now=utc(clock.seconds))


def always(said: Say) -> Callable[[Call], Say]:
    return lambda call: said


def asked(line: Line) -> int:
    return sum(call.target == "/v3/certificates" for call in line.calls)


@pytest.mark.parametrize(
    "serial", [LEADING_ZERO, LEADING_ZERO.lower(), LEADING_ZERO[1:], "00" + LEADING_ZERO]
)
def test_certificate_serials_are_the_same_in_any_case_and_with_any_zeros(serial: str) -> None:
    assert same_serial(serial) == LEADING_ZERO
    clock = Clock()
    config = replace(without_public_key(), platform_certificates_pem=(FIRST.pem,))
    assert isinstance(told(a_pay_on(config, clock), FIRST, clock, **{"Wechatpay-Serial": serial}), Paid)


def test_certificate_mode_starts_with_nothing_but_the_apiv3_key() -> None:
    clock = Clock()
    with serving(
        handing_out(lambda: listed([FIRST]), FIRST, signed_by(FIRST, TRADE, seconds=SECONDS), SECONDS)
    ) as line:
        pay = a_pay_on(without_public_key(line.base), clock)
        assert pay.query(NO).amount_fen == pay.query(NO).amount_fen == 1
        assert isinstance(told(pay, FIRST, clock), Paid)
    assert [call.target.partition("?")[0] for call in line.calls] == [
        "/v3/certificates",
        f"/v3/pay/transactions/out-trade-no/{NO}",
        f"/v3/pay/transactions/out-trade-no/{NO}",
    ]
    assert "wechatpay-serial" not in line.calls[0].headers
    assert [call.headers["wechatpay-serial"] for call in line.calls[1:]] == [LEADING_ZERO, LEADING_ZERO]


@pytest.mark.parametrize("mode", ["public key too", "certificates only"])
def test_a_migration_takes_notices_under_either_key(mode: str) -> None:
    clock = Clock()
    with serving(handing_out(lambda: listed([FIRST]), FIRST, TRADE, SECONDS)) as line:
        config = a_config(line.base) if mode == "public key too" else without_public_key(line.base)
        pay = a_pay_on(config, clock)
        assert isinstance(told(pay, FIRST, clock), Paid)
        by_public_key = Issued(KEY_ID, "", PLATFORM_KEY)
        if mode == "public key too":
            assert isinstance(told(pay, by_public_key, clock), Paid)
        else:
            with pytest.raises(BadSignature):
                told(pay, by_public_key, clock)
        assert isinstance(told(pay, FIRST, clock), Paid)
        assert asked(line) == 1


def test_a_migration_takes_an_answer_under_the_certificate_although_the_key_was_named() -> None:
    with serving(handing_out(lambda: listed([FIRST]), FIRST, TRADE)) as line:
        assert Pay(a_config(line.base), quick()).query(NO).amount_fen == 1
    assert {call.headers["wechatpay-serial"] for call in line.calls} == {KEY_ID}


@pytest.mark.parametrize(
    ("gone", "rest_s"),
    [(NOT_FOUND, 3600), (failing(404, "NOT_FOUND"), 3600), (failing(500, "SYSTEM_ERROR"), 60)],
)
def test_a_merchant_without_certificates_is_asked_once_an_hour_at_most(gone: Say, rest_s: int) -> None:
    clock = Clock()
    with serving(always(gone)) as line:
        pay = a_pay_on(a_config(line.base), clock)
        for number in range(20):
            with pytest.raises(BadSignature):
                told(pay, Issued(f"{number:040X}", "", OTHER_KEY), clock)
        assert asked(line) == 1
        clock.seconds += rest_s - 1
        with pytest.raises(BadSignature):
            told(pay, SECOND, clock)
        assert asked(line) == 1
        clock.seconds += 1
        with pytest.raises(BadSignature):
            told(pay, SECOND, clock)
        assert asked(line) == 2


@pytest.mark.parametrize("body", [b"1", b"[]", b'"data"', b"null"])
def test_an_answer_that_is_no_object_is_no_list_of_certificates(body: bytes) -> None:
    clock = Clock()
    with serving(always(Say(200, body))) as line:
        pay = a_pay_on(a_config(line.base), clock)
        with pytest.raises(BadSignature):
            told(pay, SECOND, clock)
        with pytest.raises(Unavailable) as error:
            pay.fetch_certificates()
        assert (error.value.code, asked(line)) == ("SIGNATURE", 2)


@pytest.mark.parametrize("serial", ["PUB_KEY_ID_0119999999", "nothing", "-1"])
def test_a_serial_that_is_no_certificates_is_never_looked_up(serial: str) -> None:
    clock = Clock()
    with serving(always(NOT_FOUND)) as line, pytest.raises(BadSignature):
        told(a_pay_on(a_config(line.base), clock), Issued(serial, "", OTHER_KEY), clock)
    assert line.calls == []


def test_a_stale_or_probing_notice_is_never_looked_up() -> None:
    clock = Clock()
    with serving(always(NOT_FOUND)) as line:
        pay = a_pay_on(a_config(line.base), clock)
        for changes in (
            {"Wechatpay-Timestamp": str(SECONDS - 400)},
            {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/x"},
        ):
            with pytest.raises(BadSignature):
                told(pay, SECOND, clock, **changes)
    assert line.calls == []


def test_many_threads_fetch_once_and_all_of_them_go_on() -> None:
    clock, gate = Clock(), threading.Barrier(8)
    with serving(handing_out(lambda: listed([FIRST, SECOND]), SECOND, TRADE, SECONDS)) as line:
        pay = a_pay_on(a_config(line.base), clock)

        def tell(_: int) -> object:
            gate.wait(5)
            return told(pay, FIRST, clock)

        with ThreadPoolExecutor(8) as pool:
            assert all(isinstance(one, Paid) for one in pool.map(tell, range(8)))
    assert asked(line) == 1


FORGED = {
    "sealed with another key": signed_by(FIRST, listed([FIRST], "f" * 32), seconds=SECONDS),
    "signed with another key": signed_by(FIRST._replace(key=OTHER_KEY), listed([FIRST]), seconds=SECONDS),
    "under another serial": signed_by(FIRST, listed([FIRST._replace(serial="AA")]), seconds=SECONDS),
    "not signed": Say(200, b'{"data":[]}'),
    "stale": signed_by(FIRST, listed([FIRST]), seconds=SECONDS - 300),
    "no list": signed_by(FIRST, {"data": "x"}, seconds=SECONDS),
    "not JSON": Say(200, b"<html>"),
    "no certificate in it": signed_by(FIRST, listed([FIRST._replace(pem="x")]), seconds=SECONDS),
    "missing parts": signed_by(FIRST, {"data": [{"serial_no": FIRST.serial}]}, seconds=SECONDS),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_list_teaches_nothing(name: str) -> None:
    clock = Clock()
    with serving(always(FORGED[name])) as line:
        pay = a_pay_on(without_public_key(line.base), clock)
        with pytest.raises(Unavailable) as caught:
            pay.fetch_certificates()
        with pytest.raises(BadSignature):
            told(pay, FIRST, clock)
    assert caught.value.code == "SIGNATURE"


def test_the_public_key_may_sign_the_list_too() -> None:
    clock = Clock()
    with serving(
        always(signed_by(Issued(KEY_ID, "", PLATFORM_KEY), listed([FIRST]), seconds=SECONDS))
    ) as line:
        pay = a_pay_on(a_config(line.base), clock)
        assert pay.fetch_certificates() == 1
        assert isinstance(told(pay, FIRST, clock), Paid)


def test_a_certificate_that_is_no_longer_listed_no_longer_counts() -> None:
    clock, lists = Clock(), [listed([FIRST]), listed([SECOND])]

    def answer(call: Call) -> Say:
        now = int(clock.seconds)
        return signed_by(FIRST if len(lists) == 2 else SECOND, lists.pop(0), seconds=now)

    with serving(answer) as line:
        pay = a_pay_on(a_config(line.base), clock)
        assert isinstance(told(pay, FIRST, clock), Paid)
        clock.seconds += 3600
        assert isinstance(told(pay, SECOND, clock), Paid)
        with pytest.raises(BadSignature):
            told(pay, FIRST, clock)


def test_an_expired_certificate_no_longer_counts() -> None:
    clock = Clock()
    ending = issued(until_at=NOW + timedelta(hours=1))
    config = replace(
        without_public_key(), platform_certificates_pem=(ending.pem,), download_certificates=False
    )
    pay = a_pay_on(config, clock)
    assert isinstance(told(pay, ending, clock), Paid)
    clock.seconds += 3600
    with pytest.raises(BadSignature) as caught:
        told(pay, ending, clock)
    assert "expired" in caught.value.reason


def test_sensitive_fields_are_sealed_for_the_newest_certificate_that_counts() -> None:
    old, new = certificate_of(FIRST.pem), certificate_of(SECOND.pem)
    coming = certificate_of(issued("AB" * 20, from_at=NOW + timedelta(days=1)).pem)
    over = certificate_of(issued("CD" * 20, until_at=NOW).pem)
    sealer = PlatformKeys({}, [new, old, coming, over]).sealer(seconds=SECONDS)
    assert sealer is not None
    assert sealer.serial == SECOND.serial
    assert unsealed(sealer.seal("林晓雨"), OTHER_KEY) == "林晓雨"
    assert PlatformKeys({}, [coming, over]).sealer(seconds=SECONDS) is None


def test_a_sealed_call_names_the_certificate_that_sealed_it() -> None:
    with serving(handing_out(lambda: listed([FIRST]), FIRST, STORE_ANSWER)) as line:
        Pay(without_public_key(line.base), quick()).add_receiver(appid="wx1", receiver=STORE)
    assert line.calls[-1].headers["wechatpay-serial"] == LEADING_ZERO


def test_without_any_certificate_nothing_can_be_sealed_or_believed() -> None:
    with serving(always(failing(500, "SYSTEM_ERROR"))) as line:
        pay = Pay(without_public_key(line.base), quick())
        with pytest.raises(Unavailable) as caught:
            pay.add_receiver(appid="wx1", receiver=STORE)
        assert caught.value.code == "CERTIFICATE"
        with pytest.raises(Unavailable) as caught:  # and a write is not sent out to an unknown end
            pay.close(NO)
        assert caught.value.code == "CERTIFICATE"
    assert asked(line) == len(line.calls) == 1


def test_certificate_mode_recovers_soon_when_its_first_fetch_failed() -> None:
    clock, lists = Clock(), [failing(500, "SYSTEM_ERROR")]
    with serving(
        handing_out(lambda: lists.pop() if lists else listed([FIRST]), FIRST, STORE_ANSWER, SECONDS)
    ) as line:
        pay = a_pay_on(without_public_key(line.base), clock)
        with pytest.raises(BadSignature):
            told(pay, FIRST, clock)
        with pytest.raises(BadSignature):
            told(pay, FIRST, clock)
        assert asked(line) == 1
        clock.seconds += 60
        assert isinstance(told(pay, FIRST, clock), Paid)


def test_certificate_mode_looks_again_after_half_a_day() -> None:
    clock = Clock()

    def answer(call: Call) -> Say:
        found = listed([FIRST]) if call.target == "/v3/certificates" else TRADE
        return signed_by(FIRST, found, seconds=int(clock.seconds))

    with serving(answer) as line:
        pay = a_pay_on(without_public_key(line.base), clock)
        for _ in range(3):
            pay.query(NO)
        clock.seconds += 12 * 3600
        for _ in range(3):
            pay.query(NO)
    assert asked(line) == 2


def test_fetching_tells_what_is_wrong_with_the_settings() -> None:
    with serving(always(failing(401, "SIGN_ERROR"))) as line, pytest.raises(Refused) as caught:
        Pay(a_config(line.base), quick()).fetch_certificates()
    assert caught.value.code == "SIGN_ERROR"
    with serving(always(NOT_FOUND)) as line:
        assert Pay(a_config(line.base), quick()).fetch_certificates() == 0


def test_nothing_is_fetched_when_that_is_switched_off() -> None:
    clock = Clock()
    with serving(always(NOT_FOUND)) as line:
        pay = a_pay_on(replace(a_config(line.base), download_certificates=False), clock)
        with pytest.raises(BadSignature):
            told(pay, FIRST, clock)
    assert line.calls == []


@pytest.mark.parametrize(
    "changes",
    [
        {"public_key_id": ""},
        {"public_key_pem": ""},
        {"public_key_id": "", "public_key_pem": "", "download_certificates": False},
        {"platform_certificates_pem": ("no certificate",)},
        {"platform_certificates_pem": (a_config().public_key_pem,)},
    ],
)
def test_half_a_configuration_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"WeChat Pay public key|platform certificate"):
        Pay(replace(a_config(), **changes), quick())


def test_no_error_of_a_fetch_tells_the_key() -> None:
    with serving(always(FORGED["sealed with another key"])) as line, pytest.raises(WeChatError) as caught:
        Pay(without_public_key(line.base), quick()).fetch_certificates()
    assert v.DERIVED_APIV3_KEY not in whole_chain(caught.value)


json_values = st.one_of(
    st.none(), st.integers(), st.text(max_size=20), st.lists(st.none(), max_size=2), st.just({"nonce": 1})
)


def test_any_value_in_any_place_of_a_list() -> None:
    clock, now = Clock(), [signed_by(FIRST, {}, seconds=SECONDS)]
    with serving(lambda call: now[0]) as line:
        pay = a_pay_on(a_config(line.base), clock)

        @settings(deadline=None, max_examples=60)
        @given(
            st.sampled_from(["data", "serial_no", "encrypt_certificate", "nonce", "ciphertext", "pem"]),
            json_values,
        )
        def any_value(name: str, value: object) -> None:
            one = FIRST._replace(pem=str(value)) if name == "pem" else FIRST
            answer: dict[str, Any] = listed([one])
            first = answer["data"][0]
            for holder in (answer, first, first["encrypt_certificate"]):
                if name in holder:
                    holder[name] = value
            by_public_key = Issued(KEY_ID, "", PLATFORM_KEY)
            now[0] = signed_by(by_public_key, answer, seconds=SECONDS)
            if name == "data" and value in (None, []):
                assert pay.fetch_certificates() == 0
            else:
                with pytest.raises(Unavailable):
                    pay.fetch_certificates()

        any_value()
