"""Each push becomes one of our words, with a key that a second delivery shares and another event does not."""

from datetime import UTC, datetime
from hashlib import sha1

import pytest

from tests.wechat.pushes import APPID, FAN, an_account, opened, plain_query
from wechat import events
from wechat.official_account import Push

AT = datetime(2024, 4, 26, 6, 20, 45, tzinfo=UTC)


def the_key(*parts: str) -> str:
    return sha1("|".join((APPID, FAN, "1714112445", *parts)).encode()).hexdigest()


def test_a_follow_through_a_code() -> None:
    push = opened(MsgType="event", Event="subscribe", EventKey="qrscene_s:42", Ticket="TICKET")
    head = (APPID, FAN, AT, the_key("subscribe", "qrscene_s:42", "TICKET"))
    assert push == Push(events.Subscribed(*head, scene="s:42", ticket="TICKET"), "gh_0123456789ab", FAN)


@pytest.mark.parametrize(
    ("key", "trade"), [("", None), ("qrscene_", None), ("last_trade_no_4200000000", "4200000000")]
)
def test_a_follow_without_a_scene(key: str, trade: str | None) -> None:
    event = opened(MsgType="event", Event="subscribe", EventKey=key).event
    head = (APPID, FAN, AT, the_key("subscribe", key, ""))
    assert event == events.Subscribed(*head, after_payment=trade)


def test_a_scan_a_click_a_view_a_farewell() -> None:
    scan = opened(MsgType="event", Event="SCAN", EventKey="qrscene_odd", Ticket="T").event
    assert scan == events.Scanned(APPID, FAN, AT, the_key("SCAN", "qrscene_odd", "T"), "qrscene_odd", "T")
    click = opened(MsgType="event", Event="CLICK", EventKey="STORES").event
    assert click == events.Clicked(APPID, FAN, AT, the_key("CLICK", "STORES", ""), "STORES")
    url = "https://a.example/b"
    view = opened(MsgType="event", Event="VIEW", EventKey=url, MenuId="4").event
    assert view == events.Viewed(APPID, FAN, AT, the_key("VIEW", url, ""), url, "4")
    farewell = opened(MsgType="event", Event="unsubscribe", EventKey="").event
    assert farewell == events.Unsubscribed(APPID, FAN, AT, the_key("unsubscribe", "", ""))


def test_a_text_keeps_its_64_bit_number() -> None:
    event = opened(MsgType="text", Content=" 门店 <b>&amp;", MsgId=3717005636572528642).event
    assert isinstance(event, events.Said)
    assert (event.text, event.message_id) == (" 门店 <b>&amp;", "3717005636572528642")
    assert event.dedupe_key.startswith("3717005636572528642.")
    assert FAN not in event.dedupe_key


def test_a_place() -> None:
    event = opened(MsgType="location", Location_X="23.1349", Location_Y="113.35", Label="广州", MsgId=7).event
    assert isinstance(event, events.Located)
    assert (event.lat, event.lng, event.label, event.message_id) == (23.1349, 113.35, "广州", "7")


@pytest.mark.parametrize("x", ["", "nan", "inf", "91", "north", "1e400"])
def test_a_place_that_is_nowhere_is_kept_raw(x: str) -> None:
    event = opened(MsgType="location", Location_X=x, Location_Y="113.35", MsgId=7).event
    assert isinstance(event, events.UnknownPush)
    assert (event.kind, event.raw["Location_Y"]) == ("location", "113.35")


UNKNOWN = ["something_new", "event.PUBLISHJOBFINISH", "event.user_get_card", "event.naming_verify_fail"]


@pytest.mark.parametrize("kind", UNKNOWN)
def test_what_we_have_no_word_for_is_kept_raw(kind: str) -> None:
    named = {"MsgType": "event", "Event": kind[6:]} if kind.startswith("event.") else {"MsgType": kind}
    event = opened(**named, MsgId=8, MediaId="m").event
    assert isinstance(event, events.UnknownPush)
    assert (event.kind, event.raw["MediaId"]) == (kind, "m")


def test_nested_and_repeated_elements_are_kept() -> None:
    raw = (
        "<SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum>a</PicMd5Sum></item>"
        "<item><PicMd5Sum>b</PicMd5Sum></item></PicList></SendPicsInfo>"
    )
    event = opened(MsgType="event", Event="pic_new", EventKey="k", _raw=raw).event
    assert isinstance(event, events.UnknownPush)
    assert event.raw["SendPicsInfo"] == {
        "Count": "2",
        "PicList": {"item": [{"PicMd5Sum": "a"}, {"PicMd5Sum": "b"}]},
    }


def test_a_json_push_says_the_same() -> None:
    body = (
        f'{{"ToUserName":"gh_1","FromUserName":"{FAN}","CreateTime":1714112445,"MsgType":"event",'
        '"Event":"CLICK","EventKey":"STORES"}'
    ).encode()
    event = an_account(safe=False).open(plain_query(), body).event
    assert event == opened(MsgType="event", Event="CLICK", EventKey="STORES").event


def sent(template: str, number: str) -> str:
    row = f"<List><TemplateId>{template}</TemplateId><MsgID>{number}</MsgID></List>"
    return f"<SubscribeMsgSentEvent>{row}</SubscribeMsgSentEvent>"


def test_TCH_2_a_repeat_has_the_same_key_and_another_event_has_not() -> None:
    scan = {"MsgType": "event", "Event": "SCAN", "EventKey": "s:1", "Ticket": "t1"}
    pushes = [
        scan,
        scan | {"EventKey": "s:2"},  # two clerks scanned within one second
        scan | {"Ticket": "t2"},
        scan | {"CreateTime": "1714112446"},
        scan | {"FromUserName": "oOTHER"},
        scan | {"Event": "subscribe"},
        {"MsgType": "event", "Event": "LOCATION"},
        {"MsgType": "event", "Event": "wxa_media_check", "trace_id": "1"},
        {"MsgType": "event", "Event": "wxa_media_check", "trace_id": "2"},
        {"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", "MsgID": "1"},
        {"MsgType": "event", "Event": "TEMPLATESENDJOBFINISH", "MsgID": "2"},
        {"MsgType": "event", "Event": "trade_manage_order_settlement", "transaction_id": "42"},
        {"MsgType": "event", "Event": "trade_manage_order_settlement", "transaction_id": "42"}
        | {"settlement_time": "1714112445"},
        {"MsgType": "event", "Event": "subscribe_msg_sent_event", "_raw": sent("A", "1")},
        {"MsgType": "event", "Event": "subscribe_msg_sent_event", "_raw": sent("A", "2")},
        {"MsgType": "text", "Content": "a", "MsgId": "1"},
        {"MsgType": "text", "Content": "a", "MsgId": "2"},
        {"MsgType": "text", "Content": "a", "MsgId": "1", "FromUserName": "oOTHER"},
        {"MsgType": "text", "Content": "a", "MsgId": "0"},
        {"MsgType": "text", "Content": "b", "MsgId": "0"},
    ]
    keys = [opened(**push).event.dedupe_key for push in map(dict, pushes)]
    assert keys == [opened(**push).event.dedupe_key for push in map(dict, pushes)]
    assert len(set(keys)) == len(pushes)
    assert all(len(key) <= 64 and key.isascii() for key in keys)


def test_neither_event_nor_push_shows_the_openid() -> None:
    push = opened(MsgType="text", Content="hi", MsgId=1)
    assert FAN not in repr(push)
    assert FAN not in repr(opened(MsgType="event", Event="debug_demo"))
