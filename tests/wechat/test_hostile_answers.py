"""A server that means ill: answers that unpack to too much, nest too deep, or hide what no log may hold."""

import gzip
import json
from collections.abc import Callable

import pytest

from tests.wechat.apps import FAN, a_program, an_account, saying
from tests.wechat.local import Line, Say, serving
from tests.wechat.merchant import a_pay
from wechat import http
from wechat.errors import Refused, Unavailable, Unknown, WeChatError, clean

CALLS: dict[str, tuple[Callable[[Line], object], type[WeChatError]]] = {
    "through wechatpy": (lambda line: an_account(line).fan(FAN), Unavailable),
    "of a message": (lambda line: an_account(line).send_text(FAN, "您好"), Unknown),
    "without a token": (lambda line: a_program(line).login("code"), Unavailable),
    "to Pay": (lambda line: a_pay(line).query("A2611223ENKMH87"), Unavailable),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_that_unpacks_to_too_much_is_put_down(name: str) -> None:
    act, kind = CALLS[name]
    bomb = gzip.compress(b'{"openid":"' + b" " * (2 * http.MOST_BYTES) + b'"}', 9)
    assert len(bomb) < 64 * 1024
    said = Say(body=bomb, headers={"Content-Encoding": "gzip"})
    with serving(saying(said)) as line, pytest.raises(kind) as caught:
        act(line)
    assert caught.value.code == "CONNECTION"


def test_an_answer_as_long_as_the_biggest_media_is_taken() -> None:
    picture = b"\xff\xd8\xff" + b"x" * (10 << 20)
    with serving(saying(Say(body=picture, headers={"Content-Type": "image/jpeg"}))) as line:
        assert an_account(line).fetch_media("M1").content == picture


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_an_answer_that_is_nested_too_deep(opening: bytes, name: str) -> None:
    act, kind = CALLS[name]
    with serving(saying(opening * 100_000)) as line, pytest.raises(kind):
        act(line)


@pytest.mark.parametrize("code", [FAN, {"openid": FAN}, [FAN], f"no such user {FAN}"])
def test_an_errcode_that_is_none_tells_nobody(code: object) -> None:
    said = json.dumps({"errcode": code, "errmsg": "x"}).encode()
    with serving(saying(said)) as line, pytest.raises(Refused) as caught:
        a_program(line).login("code")
    assert FAN not in repr(caught.value)
    assert len(caught.value.code) <= 64


@pytest.mark.parametrize(
    "phone", ["13800138000", "138 0013 8000", "138-0013-8000", "+8613800138000", "+86 138 0013 8000"]
)
def test_a_phone_number_is_masked_however_it_is_written(phone: str) -> None:
    assert not set("0138") & set(clean(f"user {phone} is unknown"))


def test_a_number_on_the_edge_of_what_is_kept_is_masked_whole() -> None:
    for place in range(760, 800):
        assert FAN[:3] not in clean("z" * place + " " + FAN + " " + FAN)


def test_an_error_text_is_one_line_of_valid_characters() -> None:
    text = clean("a\ud800b\u2028c\x9b31md\x85e\r\nf")
    assert text == "a b c 31md e f"
