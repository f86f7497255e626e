"""Whatever is sent to the callback ends in BadSignature or Malformed, and no sender chooses the mode."""

import base64
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wechat.pushes import APPID, FAN, KEY, OLD_KEY, TOKEN, an_account, plain_query, sealed, xml
from wechat.envelope import AesKey, Envelope, signature
from wechat.errors import BadSignature, Malformed
from wechat.events import Said, Scanned
from wechat.official_account import OfficialAccount

PLAIN, SAFE = an_account(safe=False), an_account()
TEXT = xml(MsgType="text", Content="你好", MsgId=3717005636572528642)


def signed(encrypt: str) -> tuple[dict[str, object], bytes]:
    given = signature(TOKEN, "1714112445", "n0nce", encrypt)
    return plain_query(msg_signature=given), f"<xml><Encrypt>{encrypt}</Encrypt></xml>".encode()


@pytest.mark.parametrize("value", [None, "", ["a"], 5, b"x", "x" * 300, "\ud800", "f" * 40])
@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce"])
def test_bad_query_values_are_a_bad_signature_in_plain_mode(name: str, value: object) -> None:
    with pytest.raises(BadSignature):
        PLAIN.open(plain_query(**{name: value}), TEXT)
    with pytest.raises(BadSignature):
        PLAIN.verify_url(plain_query(echostr="1", **{name: value}))


@pytest.mark.parametrize("value", [None, "", ["a"], 5, "x" * 300, "\ud800", "f" * 40])
@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_bad_query_values_are_a_bad_signature_in_safe_mode(name: str, value: object) -> None:
    query, body = sealed(TEXT)
    with pytest.raises(BadSignature):
        SAFE.open(query | {name: value}, body)
    query.pop(name)
    with pytest.raises(BadSignature):
        SAFE.open(query, body)


def test_a_plain_push_is_refused_in_safe_mode_and_a_sealed_one_in_plain_mode() -> None:
    with pytest.raises(BadSignature):
        SAFE.open(plain_query(msg_signature=signature(TOKEN, "1714112445", "n0nce")), TEXT)
    query, body = sealed(TEXT)
    with pytest.raises(Malformed):
        PLAIN.open(query, body)


def test_safe_mode_is_proven_by_msg_signature_alone() -> None:
    query, body = sealed(TEXT)
    other, _ = sealed(xml(MsgType="text", Content="x", MsgId=1))
    with pytest.raises(BadSignature):
        SAFE.open(query | {"msg_signature": other["msg_signature"]}, body)
    with pytest.raises(BadSignature):
        SAFE.open(query | {"msg_signature": query["signature"]}, body)


def test_in_compatible_mode_the_plain_fields_beside_encrypt_are_not_believed() -> None:
    query, body = sealed(TEXT)
    forged = body.replace(b"<xml>", b"<xml><Content>forged</Content>")
    event = SAFE.open(query, forged).event
    assert isinstance(event, Said)
    assert event.text == "你好"


def test_the_previous_key_opens_during_a_change_and_seals_the_answer() -> None:
    account = an_account(keys=(KEY, OLD_KEY))
    for key, number in ((KEY, 0), (OLD_KEY, 1)):
        query, body = sealed(xml(MsgType="event", Event="SCAN", EventKey="s:7", Ticket="t"), key=key)
        push = account.open(query, body)
        assert isinstance(push.event, Scanned)
        assert push.key_number == number
    with pytest.raises(Malformed):
        SAFE.open(*sealed(TEXT, key=OLD_KEY))


def test_a_push_for_another_app_is_refused() -> None:
    for appid in ("wx2222222222222222", "", APPID + "x", APPID[:-1]):
        with pytest.raises(BadSignature):
            SAFE.open(*sealed(TEXT, appid=appid))


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"<xml>",
        b"<foo/>",
        b"<xml></xml>",
        b"<xml/>",
        b"<xml>text</xml>",
        b"<html><body>x</body></html>",
        b"[1,2]",
        b"{",
        b"{}",
        b'{"a":' * 2000,
        b"<xml>" + b"<a/>" * 16000 + b"</xml>",
        b"\xff\xfe<\x00x\x00m\x00l\x00",
        b"<xml><FromUserName>\xff</FromUserName></xml>",
        b'<?xml version="1.0" encoding="utf-16"?><xml><A>1</A></xml>',
        b"<!DOCTYPE xml><xml><A>1</A></xml>",
        b'<!DOCTYPE xml SYSTEM "http://127.0.0.1:9/x"><xml><A>1</A></xml>',
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><A>&a;</A></xml>',
        b"<xml><A>&undefined;</A></xml>",
        b"<xml>" + b"<a>" * 20 + b"</a>" * 20 + b"</xml>",
        b"<xml><A>" + b"x" * 66000 + b"</A></xml>",
        b"\x00",
        b"<xml>\x00</xml>",
    ],
)
def test_hostile_bodies_are_malformed_in_both_modes(message: bytes) -> None:
    with pytest.raises(Malformed):
        PLAIN.open(plain_query(), message)
    with pytest.raises((Malformed, BadSignature)):
        SAFE.open(plain_query(msg_signature="f" * 40), message)
    with pytest.raises(Malformed):
        SAFE.open(*sealed(message))


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_json_that_is_nested_too_deep_is_malformed_even_where_it_is_not_looked_at(opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    common = (
        b'{"ToUserName":"gh_1","FromUserName":"o","CreateTime":1714112445,"MsgType":"event","Event":"x","x":'
    )
    message = common + opening * 300 + b"1" + closing * 300 + b"}"
    with pytest.raises(Malformed, match="deep"):
        PLAIN.open(plain_query(), message)


@pytest.mark.parametrize(
    "encrypt",
    [
        "AAAA",
        "!!!!",
        "é" * 44,
        base64.b64encode(b"x" * 63).decode(),
        base64.b64encode(b"x" * 64).decode(),
        "=" * 88,
    ],
)
def test_signed_but_unopenable_is_malformed(encrypt: str) -> None:
    with pytest.raises(Malformed):
        SAFE.open(*signed(encrypt))


@pytest.mark.parametrize(
    "changes",
    [
        {"FromUserName": ""},
        {"ToUserName": ""},
        {"MsgType": ""},
        {"CreateTime": ""},
        {"CreateTime": "-1"},
        {"CreateTime": "9" * 30},
        {"CreateTime": "１７１４１１２４４５"},
        {"CreateTime": "1.5"},
        {"_raw": "<FromUserName>second</FromUserName>"},
    ],
)
def test_a_push_without_what_every_push_has_is_malformed(changes: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        PLAIN.open(plain_query(), xml(**({"MsgType": "text", "MsgId": 1} | changes)))


def only_ours(account: OfficialAccount, query: Mapping[str, object], body: bytes) -> None:
    said = ""
    try:
        account.open(query, body)
    except (BadSignature, Malformed) as error:
        said = str(error)
    assert FAN not in said
    assert TOKEN not in said


junk = st.one_of(st.none(), st.text(max_size=50), st.binary(max_size=9), st.integers(), st.lists(st.text()))
names = st.sampled_from(["signature", "timestamp", "nonce", "msg_signature", "encrypt_type", "openid", "x"])


@given(st.dictionaries(names, junk), st.binary(max_size=400))
def test_any_query_and_any_bytes(query: dict[str, object], body: bytes) -> None:
    only_ours(PLAIN, query, body)
    only_ours(SAFE, query, body)


@given(
    st.one_of(
        st.binary(max_size=400),
        st.text(max_size=200).map(lambda t: f"<xml>{t}</xml>".encode("utf-8", "replace")),
    )
)
def test_any_bytes_under_a_good_signature(message: bytes) -> None:
    only_ours(PLAIN, plain_query(), message)
    only_ours(SAFE, *sealed(message))
    only_ours(SAFE, *signed(base64.b64encode(message).decode()))


NAMES = (
    "ToUserName FromUserName CreateTime MsgType Event EventKey Ticket MsgId Content Encrypt"
    " Location_X Location_Y"
)
WORDS = ["event", "text", "location", "SCAN", "subscribe", "CLICK", "1714112445", "nan", "qrscene_"]
elements = st.dictionaries(
    st.sampled_from(NAMES.split()),
    st.one_of(
        st.sampled_from(WORDS), st.text(st.characters(codec="utf-8", exclude_characters="]"), max_size=20)
    ),
)


@given(elements)
def test_any_elements_of_a_push(fields: dict[str, str]) -> None:
    inside = "".join(f"<{k}><![CDATA[{x}]]></{k}>" for k, x in fields.items())
    only_ours(PLAIN, plain_query(), f"<xml>{inside}</xml>".encode())


@given(st.binary(max_size=3000), st.text(st.characters(codec="ascii"), min_size=1, max_size=20))
def test_what_is_sealed_opens(message: bytes, appid: str) -> None:
    encrypt = AesKey(KEY).encrypt(message, appid)
    assert AesKey(KEY).decrypt(base64.b64decode(encrypt)) == (message, appid.encode())


def test_an_unusable_key_or_missing_token_is_refused_without_quoting_it() -> None:
    for bad in ("short", "é" * 43, "A" * 44, "!" * 43):
        with pytest.raises(
            ValueError, match=re.escape("an EncodingAESKey is 43 letters and digits")
        ) as caught:
            AesKey(bad)
        assert bad not in str(caught.value)
    with pytest.raises(ValueError, match="a push needs a token"):
        Envelope(appid=APPID, token=TOKEN, aes_keys=(), safe=True)
