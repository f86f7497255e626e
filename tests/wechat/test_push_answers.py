"""What we answer to a push: the literal success, or XML that no text can break out of, sealed in safe
mode."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto

from tests.wechat.pushes import APPID, FAN, GH, KEY, OLD_KEY, TOKEN, an_account, plain_query, sealed, xml
from wechat import push_xml
from wechat.envelope import AesKey, signature
from wechat.replies import Nothing, TextReply

NOW = datetime(2024, 4, 26, 6, 20, 46, tzinfo=UTC)
PLAIN = an_account(safe=False)
TEXT = xml(MsgType="text", Content="hi", MsgId=1)
PUSH = PLAIN.open(plain_query(), TEXT)


def test_nothing_to_say_is_success_in_both_modes() -> None:
    safe = an_account()
    for account, push in ((PLAIN, PUSH), (safe, safe.open(*sealed(TEXT)))):
        assert account.answer(push, Nothing(), now=NOW) == b"success"
        for empty in ("", " \n", "\x00\x01"):
            assert account.answer(push, TextReply(empty), now=NOW) == b"success"


def test_a_plain_text_answer_exactly() -> None:
    assert PLAIN.answer(PUSH, TextReply("欢迎 <& ]]> 光临"), now=NOW).decode() == (
        f"<xml><ToUserName><![CDATA[{FAN}]]></ToUserName><FromUserName><![CDATA[{GH}]]></FromUserName>"
        "<CreateTime>1714112446</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        "<Content><![CDATA[欢迎 <& ]]]]><![CDATA[> 光临]]></Content></xml>"
    )


@pytest.mark.parametrize("key", [KEY, OLD_KEY])
def test_a_sealed_answer_opens_with_wechatpy_under_the_key_of_the_push(key: str) -> None:
    account = an_account(keys=(KEY, OLD_KEY))
    push = account.open(*sealed(TEXT, key=key))
    answer = account.answer(push, TextReply("你好"), now=NOW, nonce="abc")
    outside = push_xml.read(answer)
    assert set(outside) == {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}
    assert outside["MsgSignature"] == signature(TOKEN, "1714112446", "abc", outside["Encrypt"])
    inside = WeChatCrypto(TOKEN, key, APPID).decrypt_message(
        answer, outside["MsgSignature"], "1714112446", "abc"
    )
    assert parse_message(inside).content == "你好"


def test_each_sealed_answer_has_its_own_nonce_and_filler() -> None:
    account = an_account()
    push = account.open(*sealed(TEXT))
    answers = [push_xml.read(account.answer(push, TextReply("a"), now=NOW)) for _ in range(50)]
    assert len({a["Nonce"] for a in answers}) == len({a["Encrypt"] for a in answers}) == 50
    assert AesKey(KEY).encrypt(b"x", APPID) != AesKey(KEY).encrypt(b"x", APPID)


def test_a_long_text_is_cut_to_2048_bytes_at_a_character() -> None:
    content = push_xml.read(PLAIN.answer(PUSH, TextReply("好" * 700), now=NOW))["Content"]
    assert content == "好" * 682
    whole = "a" * 2045 + "好"
    assert push_xml.read(PLAIN.answer(PUSH, TextReply(whole), now=NOW))["Content"] == whole
    assert push_xml.fit("a" * 2046 + "好") == "a" * 2046


@given(st.text(max_size=900))
def test_any_text_comes_back_as_it_went(text: str) -> None:
    answer = PLAIN.answer(PUSH, TextReply(text), now=NOW)
    if answer == b"success":
        assert not push_xml.fit(text).strip()
        return
    fields = push_xml.read(answer)
    assert fields["Content"] == push_xml.fit(text).replace("\r\n", "\n").replace("\r", "\n")
    assert (fields["ToUserName"], fields["FromUserName"], len(fields)) == (FAN, GH, 5)
    assert len(fields["Content"].encode()) <= 2048
