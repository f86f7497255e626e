"""The quick reader of flat pushes says what expat says, or says nothing; expat decides everything else."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wechat import push_xml
from wechat.errors import Malformed

NAMES = st.sampled_from(["ToUserName", "A", "_b", "C1", "1x", "a-b", "店"])
PLAIN_TEXTS = st.text(st.sampled_from("ab 店\n\t\r]>&;<\x00\x7f\x80\u2028\ufffe\uffff\U0001f600"), max_size=8)
CDATA = PLAIN_TEXTS.map(lambda text: f"<![CDATA[{text}]]>")
VALUES = st.one_of(PLAIN_TEXTS, CDATA, st.sampled_from(["&amp;", "<b>1</b>", "<b/>", "<!--c-->", "<?p?>"]))
ELEMENT = st.builds(lambda name, value, gap: f"<{name}>{value}</{name}>{gap}", NAMES, VALUES, PLAIN_TEXTS)
BODIES = st.builds(
    lambda before, root, inside, after: f"{before}<{root}>{''.join(inside)}</{root}>{after}",
    st.sampled_from(["", " ", "\n", "\ufeff", '<?xml version="1.0"?>']),
    st.sampled_from(["xml", "xml", "xml", "foo", "xml a='1'"]),
    st.lists(ELEMENT, max_size=4),
    st.sampled_from(["", "\n", " x", "<a/>"]),
)


def by_expat(body: bytes) -> dict[str, object] | None:
    try:
        return push_xml._read_any(body)
    except Malformed:
        return None


@given(BODIES)
@example("<xml><A><![CDATA[a]]]]></A></xml>")
@example("<xml><A>1</A><A>2</A></xml>")
@example("<xml>\n<A><![CDATA[]]></A>\n<B></B>\n</xml>\n")
@example("<xml><A><![CDATA[\uffff]]></A></xml>")
def test_both_readers_agree(text: str) -> None:
    body = text.encode()
    quick = push_xml._read_flat(body)
    assert quick is None or quick == by_expat(body)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_both_readers_agree_about_any_bytes(before: bytes, inside: bytes) -> None:
    for body in (
        before,
        b"<xml><A>" + inside + b"</A></xml>",
        b"<xml><A><![CDATA[" + inside + b"]]></A></xml>",
    ):
        quick = push_xml._read_flat(body)
        assert quick is None or quick == by_expat(body)


def test_what_wechat_sends_is_read_the_quick_way() -> None:
    body = (
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>\n<FromUserName><![CDATA[o1]]></FromUserName>\n"
        "<CreateTime>1714112445</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n"
        "<Content><![CDATA[附近 <b> & ]] 门店]]></Content>\n<MsgId>1</MsgId>\n</xml>"
    )
    quick = push_xml._read_flat(body.encode())
    assert quick == (by_expat(body.encode()) if push_xml.QUICK else None)
    assert push_xml.read(body.encode())["Content"] == "附近 <b> & ]] 门店"


@pytest.mark.parametrize(
    "body",
    [
        b"<xml>" + b"<a>" * 9000,
        b"<xml>" + b"<a></a>" * 9000 + b"<",
        b"<xml><a><![CDATA[" + b"]" * 60000,
        b"<xml><a><![CDATA[" + b"]]" * 30000 + b"></a></xml",
        b"<xml>" + b" " * 60000 + b"x",
        b"<xml><a>" + b"x" * 60000,
        b"<xml><" + b"a" * 60000,
        b"<xml>" + b"<a> </a> " * 7000 + b"</yml>",
    ],
)
def test_no_body_takes_long(body: bytes) -> None:
    started = time.perf_counter()
    assert push_xml._read_flat(body) is None
    assert time.perf_counter() - started < 0.25
