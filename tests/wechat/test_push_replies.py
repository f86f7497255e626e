"""Every kind of reply: its exact XML, read back by wechatpy, sealed and escaped."""

from datetime import UTC, datetime

import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st
from wechatpy import parse_message, replies
from wechatpy.crypto import WeChatCrypto

from tests.wechat.pushes import APPID, FAN, GH, KEY, TOKEN, an_account, plain_query, sealed, xml
from wechat import push_xml
from wechat.replies import (
    ArticleReply,
    ImageReply,
    MusicReply,
    Reply,
    TextReply,
    TransferToStaff,
    VideoReply,
    VoiceReply,
)

NOW = datetime(2024, 4, 26, 6, 20, 46, tzinfo=UTC)
PLAIN = an_account(safe=False)
BODY = xml(MsgType="text", Content="hi", MsgId=1)
PUSH = PLAIN.open(plain_query(), BODY)
HEAD = (
    f"<xml><ToUserName><![CDATA[{FAN}]]></ToUserName><FromUserName><![CDATA[{GH}]]></FromUserName>"
    "<CreateTime>1714112446</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>"
)
MUSIC = MusicReply("m", "歌", "d", "http://l", "http://h")

REPLIES: list[tuple[Reply, str, str]] = [
    (TextReply("好"), "text", "<Content><![CDATA[好]]></Content>"),
    (ImageReply("m"), "image", "<Image><MediaId><![CDATA[m]]></MediaId></Image>"),
    (VoiceReply("m"), "voice", "<Voice><MediaId><![CDATA[m]]></MediaId></Voice>"),
    (
        VideoReply("m", "题", "d"),
        "video",
        "<Video><MediaId><![CDATA[m]]></MediaId><Title><![CDATA[题]]></Title>"
        "<Description><![CDATA[d]]></Description></Video>",
    ),
    (VideoReply("m"), "video", "<Video><MediaId><![CDATA[m]]></MediaId></Video>"),
    (
        MUSIC,
        "music",
        "<Music><Title><![CDATA[歌]]></Title><Description><![CDATA[d]]></Description>"
        "<MusicUrl><![CDATA[http://l]]></MusicUrl><HQMusicUrl><![CDATA[http://h]]></HQMusicUrl>"
        "<ThumbMediaId><![CDATA[m]]></ThumbMediaId></Music>",
    ),
    (
        ArticleReply("题", "d]]>", "http://u?a=1&b=2", "http://p"),
        "news",
        "<ArticleCount>1</ArticleCount><Articles><item><Title><![CDATA[题]]></Title>"
        "<Description><![CDATA[d]]]]><![CDATA[>]]></Description><PicUrl><![CDATA[http://p]]></PicUrl>"
        "<Url><![CDATA[http://u?a=1&b=2]]></Url></item></Articles>",
    ),
    (TransferToStaff(), "transfer_customer_service", ""),
    (
        TransferToStaff("a@x"),
        "transfer_customer_service",
        "<TransInfo><KfAccount><![CDATA[a@x]]></KfAccount></TransInfo>",
    ),
]


@pytest.mark.parametrize(("reply", "kind", "inside"), REPLIES)
def test_a_reply_exactly(reply: Reply, kind: str, inside: str) -> None:
    answer = PLAIN.answer(PUSH, reply, now=NOW).decode()
    assert answer == HEAD.format(kind=kind) + inside + "</xml>"


@pytest.mark.parametrize(("reply", "kind", "inside"), REPLIES)
def test_a_sealed_reply_opens_with_wechatpy(reply: Reply, kind: str, inside: str) -> None:
    account = an_account()
    answer = account.answer(account.open(*sealed(BODY)), reply, now=NOW, nonce="n1")
    signed = push_xml.read(answer)["MsgSignature"]
    opened = WeChatCrypto(TOKEN, KEY, APPID).decrypt_message(answer, signed, "1714112446", "n1")
    assert opened == HEAD.format(kind=kind) + inside + "</xml>"


@pytest.mark.parametrize(
    "reply",
    [ImageReply(""), VoiceReply(" "), VideoReply("", "t"), MusicReply("", "t"), ArticleReply("", "d", "u")],
)
def test_a_reply_without_what_it_shows_is_success(reply: Reply) -> None:
    assert PLAIN.answer(PUSH, reply, now=NOW) == b"success"


def test_we_say_the_same_as_wechatpy() -> None:
    message = parse_message(BODY)
    theirs = [
        replies.TextReply(message=message, content="好"),
        replies.ImageReply(message=message, media_id="m"),
        replies.VoiceReply(message=message, media_id="m"),
        replies.VideoReply(message=message, media_id="m", title="题", description="d"),
        replies.TransferCustomerServiceReply(message=message),
    ]
    ours = [TextReply("好"), ImageReply("m"), VoiceReply("m"), VideoReply("m", "题", "d"), TransferToStaff()]
    for their, our in zip(theirs, ours, strict=True):
        expected = xmltodict.parse(their.render())["xml"]
        made = xmltodict.parse(PLAIN.answer(PUSH, our, now=NOW))["xml"]
        assert {**made, "CreateTime": ""} == {**expected, "CreateTime": ""}


texts = st.text(max_size=60) | st.lists(st.sampled_from(["]]>", "]]", ">", "<![CDATA[", "</xml>", "a"])).map(
    "".join
)


@given(texts, texts, texts)
def test_no_text_breaks_out_of_its_element(title: str, description: str, url: str) -> None:
    answer = PLAIN.answer(PUSH, ArticleReply("题" + title, description, url), now=NOW)
    fields = push_xml.read(answer)
    item = fields["Articles"]["item"]
    assert set(fields) == {"ToUserName", "FromUserName", "CreateTime", "MsgType", "ArticleCount", "Articles"}
    assert set(item) <= {"Title", "Description", "Url"}
    assert item["Title"] == push_xml.fit("题" + title).replace("\r\n", "\n").replace("\r", "\n")
