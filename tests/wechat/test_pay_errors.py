"""What each failure of a call to WeChat Pay becomes, and what is repeated, on real local gateways."""

import json
import logging
import socket
import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest

from tests.wechat import vectors as v
from tests.wechat.local import Call, Line, Say, quick, serving
from tests.wechat.merchant import (
    APPID,
    FAN,
    KEY_ID,
    MERCHANT_PEM,
    NO,
    SERIAL,
    TRADE,
    a_config,
    a_pay,
    answering,
    failing,
    signed_headers,
)
from tests.wechat.pay_verbs import ALL, ANSWERED, BASIC, CARD, WRITES
from tests.wechat.test_calls import whole_chain
from wechat.errors import Refused, Unavailable, Unknown, WeChatError
from wechat.http import Http
from wechat.pay import Pay

MEANINGS = [
    (Refused, 400, "PARAM_ERROR"),
    (Refused, 400, "INVALID_REQUEST"),
    (Refused, 400, "APPID_MCHID_NOT_MATCH"),
    (Refused, 400, "MCH_NOT_EXISTS"),
    (Refused, 401, "SIGN_ERROR"),
    (Refused, 403, "NO_AUTH"),
    (Refused, 403, "OUT_TRADE_NO_USED"),
    (Unavailable, 403, "NOT_ENOUGH"),
    (Unavailable, 403, "BIZERR_NEED_RETRY"),
    (Refused, 403, "USER_ACCOUNT_ABNORMAL"),
    (Refused, 403, "RULE_LIMIT"),
    (Refused, 404, "ORDER_NOT_EXIST"),
    (Refused, 404, "RESOURCE_NOT_EXISTS"),
    (Refused, 404, "NOT_FOUND"),
    (Refused, 400, "SOMETHING_NEW"),
    (Refused, 500, "OPENID_MISMATCH"),
]


@pytest.mark.parametrize("old_spelling", [False, True])
@pytest.mark.parametrize(("kind", "status", "code"), MEANINGS)
def test_what_a_definitive_code_means(
    kind: type[WeChatError], status: int, code: str, old_spelling: bool
) -> None:
    spelled = code.replace("_", "") if old_spelling else code
    for name in ("prepay", "query"):
        with serving(answering(failing(status, spelled))) as line, pytest.raises(WeChatError) as caught:
            ALL[name][0](a_pay(line))
        assert (type(caught.value), len(line.calls)) == (kind, 1)
        assert caught.value.code == (spelled if code == "SOMETHING_NEW" else code)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("268449538", "ORDER_PAID"),
        ("268498689", "ORDER_PAID"),
        ("268447914", "ORDER_CLOSED"),
        ("268498688", "INVALID_REQUEST"),
        ("x", "INVALID_REQUEST"),
    ],
)
def test_the_number_in_request_id_says_more_than_invalid_request(number: str, code: str) -> None:
    said = failing(400, "INVALID_REQUEST", number=number)
    with serving(answering(said)) as line, pytest.raises(Refused) as caught:
        a_pay(line).close(NO)
    assert caught.value.code == code


@pytest.mark.parametrize("name", BASIC)
@pytest.mark.parametrize("code", ["FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "RATELIMIT_EXCEED", "NEW_LIMIT"])
def test_too_often_is_unavailable_after_bounded_repeats(name: str, code: str) -> None:
    with serving(answering(failing(429, code))) as line, pytest.raises(Unavailable) as caught:
        ALL[name][0](a_pay(line))
    assert (caught.value.code, len(line.calls)) == (code, 3)
    assert len({call.body for call in line.calls}) == 1


WRONGLY_SIGNED = {
    "another body": lambda body: signed_headers(body + b" "),
    "a probe": lambda body: signed_headers(body, **{"Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc"}),
    "no signature": lambda body: {},
    "stale": lambda body: signed_headers(body, seconds=int(time.time()) - 400),
    "from the future": lambda body: signed_headers(body, seconds=int(time.time()) + 400),
    "another serial": lambda body: signed_headers(body, **{"Wechatpay-Serial": KEY_ID.lower()}),
    "another scheme": lambda body: signed_headers(body, **{"Wechatpay-Signature-Type": "SM2"}),
}


def doubtful(name: str, doubt: str) -> Say:
    answer = ALL[name][1]
    body = b"" if answer is None else json.dumps(answer).encode()
    if doubt in WRONGLY_SIGNED:
        return Say(204 if answer is None else 200, body, WRONGLY_SIGNED[doubt](body))
    return {
        "500": failing(500, "SYSTEM_ERROR"),
        "500 old": failing(500, "SYSTEMERROR"),
        "502": Say(502, b"<html>"),
        "503": failing(503, "SERVICE_UNAVAILABLE"),
        "202": failing(202, "USERPAYING"),
        "cut": Say(cut=True),
    }[doubt]


def everywhere(doubts: list[str], also: list[str]) -> list[tuple[str, str]]:
    """Each doubt with the basic verbs, and every verb with some: they share one way out."""
    pairs = [(name, doubt) for name in BASIC for doubt in doubts]
    return pairs + [(name, doubt) for name in ALL if name not in BASIC for doubt in also]


@pytest.mark.parametrize(
    ("name", "doubt"),
    everywhere([*WRONGLY_SIGNED, "500", "500 old", "502", "503", "202", "cut"], ["a probe", "502", "cut"]),
)
def test_doubt_is_unknown_for_a_write_and_unavailable_for_a_read(name: str, doubt: str) -> None:
    with serving(answering(doubtful(name, doubt))) as line, pytest.raises(WeChatError) as caught:
        ALL[name][0](a_pay(line))
    assert type(caught.value) is (Unknown if name in WRITES else Unavailable)
    assert len(line.calls) == 3
    assert len({(call.target, call.body) for call in line.calls}) == 1  # the same number, the same content


@pytest.mark.parametrize(
    ("name", "doubt"), everywhere(["a probe", "stale", "500", "502", "503", "202", "cut"], ["a probe"])
)
def test_a_passing_trouble_is_repeated_unchanged_and_heals(name: str, doubt: str) -> None:
    act, answer = ALL[name]
    with serving(answering(doubtful(name, doubt), answer)) as line:
        act(a_pay(line))
    assert len(line.calls) == 2


@pytest.mark.parametrize("name", ALL)
def test_a_4xx_that_is_not_the_apis_proves_nothing(name: str) -> None:
    with serving(answering(Say(404, b"<html>not here</html>"))) as line, pytest.raises(WeChatError) as caught:
        ALL[name][0](a_pay(line))
    assert (type(caught.value), caught.value.code, len(line.calls)) == (
        Unknown if name in WRITES else Unavailable,
        "HTTP_404",
        1,
    )


@pytest.mark.parametrize("answer", [{}, {"status": 5, "trade_state": None, "amount": [], "state": 1}])
@pytest.mark.parametrize("name", ANSWERED)
def test_a_signed_answer_without_what_it_must_have(name: str, answer: dict[str, object]) -> None:
    with serving(answering(answer)) as line, pytest.raises(WeChatError) as caught:
        ALL[name][0](a_pay(line))
    assert type(caught.value) is (Unknown if name in WRITES else Unavailable)


@pytest.mark.parametrize("name", BASIC)
def test_a_read_timeout_is_not_repeated(name: str) -> None:
    over = threading.Event()

    def silent(call: Call) -> Say:
        over.wait(10)
        return Say(cut=True)

    with serving(silent) as line:
        with pytest.raises(WeChatError) as caught:
            ALL[name][0](a_pay(line, http=Http(read_s=0.1)))
        over.set()
    kind = Unknown if name in WRITES else Unavailable
    assert (type(caught.value), caught.value.code, len(line.calls)) == (kind, "TIMEOUT", 1)


def nobody() -> Line:
    """An address where no one listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return Line(f"http://127.0.0.1:{server.getsockname()[1]}")


@pytest.mark.parametrize("name", BASIC)
def test_the_second_host_takes_over_when_the_first_is_not_there(name: str) -> None:
    act, answer = ALL[name]
    with serving(answering(answer)) as line:
        pay = a_pay(nobody(), backup=line)
        act(pay)
        act(pay)
    assert len(line.calls) == 2


@pytest.mark.parametrize("name", BASIC)
def test_the_second_host_gets_the_same_content_when_the_first_hangs_up(name: str) -> None:
    act, answer = ALL[name]
    with serving(answering(Say(cut=True))) as first, serving(answering(answer)) as second:
        act(a_pay(first, backup=second))
        assert len(first.calls) == len(second.calls) == 1
    assert (first.calls[0].target, first.calls[0].body) == (second.calls[0].target, second.calls[0].body)


@pytest.mark.parametrize("name", BASIC)
def test_no_host_at_all_is_unavailable_for_nothing_was_sent(name: str) -> None:
    with pytest.raises(Unavailable) as caught:
        ALL[name][0](a_pay(nobody(), backup=nobody()))
    assert caught.value.code == "CONNECTION"


@pytest.mark.parametrize("name", ["prepay", "transfer"])
def test_doubt_stays_when_the_repeat_is_never_sent(name: str) -> None:
    with serving(answering(Say(cut=True))) as line, pytest.raises(Unknown):
        WRITES[name][0](a_pay(line, backup=nobody(), http=quick(attempts=2)))


@pytest.mark.parametrize("refusal", [failing(403, "NO_AUTH"), failing(400, "INVALID_REQUEST")])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, Unknown) for name in ("refund", "redirect_refund", "transfer", "share", "return_share")),
        *((name, Refused) for name in ("prepay", "close", "cancel_transfer", "query")),
    ],
)
def test_a_refused_repeat_of_a_payout_leaves_the_first_attempt_in_doubt(
    name: str, kind: type[WeChatError], refusal: Say
) -> None:
    with serving(answering(Say(cut=True), refusal)) as line, pytest.raises(WeChatError) as caught:
        ALL[name][0](a_pay(line))
    assert (type(caught.value), len(line.calls)) == (kind, 2)


def test_connections_are_kept() -> None:
    with serving(answering(TRADE)) as line:
        pay = a_pay(line)
        for _ in range(5):
            pay.query(NO)
    assert line.connections == 1


@pytest.mark.parametrize(("name", "doubt"), everywhere(["no signature", "500", "cut", "400"], ["400"]))
def test_no_error_or_log_tells_a_key_or_an_openid(
    name: str, doubt: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    detail = {"field": "/payer/openid", "value": FAN, "issue": f"{FAN} is not of {APPID}"}
    said = failing(400, "PARAM_ERROR", f"无效的openid {FAN}", detail=detail)
    said = said if doubt == "400" else doubtful(name, doubt)
    with serving(answering(said)) as line, pytest.raises(WeChatError) as caught:
        ALL[name][0](a_pay(line))
    shown = whole_chain(caught.value) + caplog.text
    secrets = (FAN, v.DERIVED_APIV3_KEY, "PRIVATE KEY", CARD.account, CARD.name)
    assert [word for word in secrets if word in shown] == []
    if doubt == "400":
        assert "/payer/openid" in caught.value.detail


def test_neither_pay_nor_its_configuration_shows_a_key() -> None:
    pay = Pay(a_config(), Http())
    shown = repr(pay) + str(pay) + repr(pay.config) + repr(vars(pay))
    assert [word for word in (v.DERIVED_APIV3_KEY, "PRIVATE KEY", "BEGIN PUBLIC") if word in shown] == []
    assert SERIAL in repr(pay.config)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("apiv3_key", "0123456789abcdef"),
        ("merchant_private_key_pem", "no key 0123456789abcdef"),
        ("merchant_private_key_pem", a_config().public_key_pem),
        ("public_key_pem", "no key 0123456789abcdef"),
        ("public_key_pem", MERCHANT_PEM),
    ],
)
def test_an_unusable_key_is_named_but_not_quoted(field: str, value: str) -> None:
    with pytest.raises(ValueError, match="key") as caught:
        Pay(replace(a_config(), **{field: value}), Http())
    assert [value in str(caught.value), "0123456789abcdef" in whole_chain(caught.value)] == [False, False]
