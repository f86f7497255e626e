"""Every call of the mini-program: exact bytes out, typed answers in, limits refused before the call."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from tests.wechat.apps import APPID, FAN, JPEG, OK, SECRET, Case, a_program, check, saying
from tests.wechat.local import Say, serving
from wechat.customer import Article
from wechat.errors import Refused, Unavailable, Unknown
from wechat.mini_program import (
    Day,
    LinkFacts,
    Logistics,
    MediaType,
    MiniProgram,
    MpSession,
    PaidOrder,
    Parcel,
    Place,
    Shipment,
    ShippingOrder,
    ShippingPage,
    ShippingState,
    Verdict,
)

Act = Callable[[MiniProgram], object]
NOW = datetime(2022, 12, 15, 5, 29, 35, 120000, tzinfo=UTC)
PAID = PaidOrder("42000020212023112332159214xx")
OURS = PaidOrder(mchid="1900000001", out_trade_no="N1")
SHOES = Parcel("鞋 1 双", "SF100", "SF", receiver="189****1234")
SESSION = MpSession(FAN, None, "HyVFkGl5F5OQWJZZaNzBBg==")
SIGNED = "252b75c92698025afe925b29cca5517fdf9ee67aae072cf3225ebf3a53783058"
TOLD = f'"upload_time": "2022-12-15T13:29:35.120+08:00", "payer": {{"openid": "{FAN}"}}'
KNOWN = ShippingOrder(
    transaction_id="4200",
    mchid="1900",
    out_trade_no="N1",
    paid_fen=19900,
    openid=FAN,
    paid_at=datetime.fromtimestamp(1671082175, UTC),
    state=ShippingState.SHIPPED,
    in_complaint=False,
    logistics=1,
    is_all=True,
    uploads=1,
    parcels=(Parcel("鞋 1 双", "SF100", "SF", receiver="189****1234"),),
)
KNOWN_JSON = (
    '{"transaction_id":"4200","merchant_id":"1900","sub_merchant_id":"","merchant_trade_no":"N1",'
    f'"description":"d","paid_amount":19900,"openid":"{FAN}","trade_create_time":1671082170,'
    '"pay_time":1671082175,"order_state":2,"in_complaint":false,"shipping":{"delivery_mode":1,'
    '"logistics_type":1,"finish_shipping":true,"finish_shipping_count":1,"goods_desc":"g","shipping_list":'
    '[{"tracking_no":"SF100","express_company":"SF","goods_desc":"鞋 1 双","upload_time":1671082175,'
    '"contact":{"receiver_contact":"189****1234"}}]}}'
)
PICTURE = Say(body=JPEG, headers={"Content-Type": "image/jpeg"})

CASES = {
    "session lives": Case(
        lambda mp: mp.session_lives(SESSION),
        f"GET /wxa/checksession?openid={FAN}&signature={SIGNED}&sig_method=hmac_sha256&{{token}}",
        "",
        OK,
        True,
    ),
    "session is dead": Case(
        lambda mp: mp.session_lives(SESSION),
        f"GET /wxa/checksession?openid={FAN}&signature={SIGNED}&sig_method=hmac_sha256&{{token}}",
        "",
        b'{"errcode":87009,"errmsg":"invalid signature"}',
        False,
    ),
    "page code": Case(
        lambda mp: mp.page_code("p/i?a=店", width=280, clear=True),
        "POST /wxa/getwxacode?{token}",
        '{"path": "p/i?a=店", "width": 280, "is_hyaline": true, "env_version": "release"}',
        PICTURE,
        JPEG,
    ),
    "square code": Case(
        lambda mp: mp.square_code("p/i"),
        "POST /cgi-bin/wxaapp/createwxaqrcode?{token}",
        '{"path": "p/i", "width": 430}',
        PICTURE,
        JPEG,
    ),
    "scheme": Case(
        lambda mp: mp.scheme(path="/p/i", query="a=1", days=7),
        "POST /wxa/generatescheme?{token}",
        '{"jump_wxa": {"path": "/p/i", "query": "a=1", "env_version": "release"}, "is_expire": true, '
        '"expire_type": 1, "expire_interval": 7}',
        b'{"errcode":0,"errmsg":"ok","openlink":"weixin://dl/business/?t=T"}',
        "weixin://dl/business/?t=T",
    ),
    "url link": Case(
        lambda mp: mp.url_link(path="/p/i", query="a=1", env_version="trial"),
        "POST /wxa/generate_urllink?{token}",
        '{"path": "/p/i", "query": "a=1", "expire_type": 1, "expire_interval": 30, "env_version": "trial"}',
        b'{"errcode":0,"errmsg":"ok","url_link":"https://wxaurl.cn/T"}',
        "https://wxaurl.cn/T",
    ),
    "short link": Case(
        lambda mp: mp.short_link("p/i?a=1", title="店"),
        "POST /wxa/genwxashortlink?{token}",
        '{"page_url": "p/i?a=1", "page_title": "店", "is_permanent": false}',
        '{"errcode":0,"errmsg":"ok","link":"#小程序://店/T"}'.encode(),
        "#小程序://店/T",
    ),
    "scheme facts": Case(
        lambda mp: mp.scheme_facts("weixin://dl/business/?t=T"),
        "POST /wxa/queryscheme?{token}",
        '{"scheme": "weixin://dl/business/?t=T", "query_type": 0}',
        b'{"errcode":0,"scheme_info":{"appid":"w","path":"/p","query":"a=1","create_time":1671082175,'
        b'"expire_time":0,"env_version":"release"}}',
        LinkFacts("/p", "a=1", "release", datetime.fromtimestamp(1671082175, UTC), None),
    ),
    "url link facts": Case(
        lambda mp: mp.url_link_facts("https://wxaurl.cn/T"),
        "POST /wxa/query_urllink?{token}",
        '{"url_link": "https://wxaurl.cn/T", "query_type": 0}',
        b'{"errcode":0,"url_link_info":{"path":"/p","query":"","env_version":"release"}}',
        LinkFacts("/p", "", "release", None, None),
    ),
    "notice": Case(
        lambda mp: mp.send_notice(FAN, "T1", {"thing1": "好"}, page="p/i"),
        "POST /cgi-bin/message/subscribe/send?{token}",
        f'{{"touser": "{FAN}", "template_id": "T1", "data": {{"thing1": {{"value": "好"}}}}, '
        '"miniprogram_state": "formal", "lang": "zh_CN", "page": "p/i"}',
        b'{"errcode":0,"errmsg":"ok","msgid":2294440909021790210}',
        "2294440909021790210",
    ),
    "customer link": Case(
        lambda mp: mp.send_link(FAN, Article("t", "d", "http://u", "http://p")),
        "POST /cgi-bin/message/custom/send?{token}",
        f'{{"touser": "{FAN}", "msgtype": "link", "link": {{"title": "t", "description": "d", '
        '"url": "http://u", "thumb_url": "http://p"}}',
        OK,
        None,
    ),
    "customer page": Case(
        lambda mp: mp.send_page(FAN, page="p/i", title="店", thumb_media_id="m"),
        "POST /cgi-bin/message/custom/send?{token}",
        f'{{"touser": "{FAN}", "msgtype": "miniprogrampage", "miniprogrampage": {{"title": "店", '
        '"pagepath": "p/i", "thumb_media_id": "m"}}',
        OK,
        None,
    ),
    "text": Case(
        lambda mp: mp.check_text("好\n", openid=FAN, place=Place.COMMENT, title="标题"),
        "POST /wxa/msg_sec_check?{token}",
        f'{{"content": "好\\n", "version": 2, "scene": 2, "openid": "{FAN}", "title": "标题"}}',
        b'{"errcode":0,"errmsg":"ok","result":{"suggest":"risky","label":20001},"detail":[],"trace_id":"t"}',
        Verdict("risky", 20001, "t"),
    ),
    "media": Case(
        lambda mp: mp.check_media("http://i", MediaType.IMAGE, openid=FAN, place=Place.PROFILE),
        "POST /wxa/media_check_async?{token}",
        f'{{"media_url": "http://i", "media_type": 2, "version": 2, "scene": 1, "openid": "{FAN}"}}',
        b'{"errcode":0,"errmsg":"ok","trace_id":"t"}',
        "t",
    ),
    "upload": Case(
        lambda mp: mp.upload_shipping(Shipment(PAID, Logistics.EXPRESS, (SHOES,)), openid=FAN, now=NOW),
        "POST /wxa/sec/order/upload_shipping_info?{token}",
        '{"order_key": {"order_number_type": 2, "transaction_id": "42000020212023112332159214xx"}, '
        '"logistics_type": 1, "delivery_mode": 1, "shipping_list": [{"item_desc": "鞋 1 双", "tracking_no": '
        '"SF100", "express_company": "SF", "contact": {"receiver_contact": "189****1234"}}], ' + TOLD + "}",
        OK,
        None,
    ),
    "pickup, told again": Case(
        lambda mp: mp.upload_shipping(Shipment(OURS, Logistics.PICKUP, (Parcel("鞋"),)), openid=FAN, now=NOW),
        "POST /wxa/sec/order/upload_shipping_info?{token}",
        '{"order_key": {"order_number_type": 1, "mchid": "1900000001", "out_trade_no": "N1"}, '
        '"logistics_type": 4, "delivery_mode": 1, "shipping_list": [{"item_desc": "鞋"}], ' + TOLD + "}",
        b'{"errcode":10060023,"errmsg":"nothing changed"}',
        None,
    ),
    "combined": Case(
        lambda mp: mp.upload_combined_shipping(
            PAID, [Shipment(OURS, Logistics.EXPRESS, (SHOES,), is_all=False)], openid=FAN, now=NOW
        ),
        "POST /wxa/sec/order/upload_combined_shipping_info?{token}",
        '{"order_key": {"order_number_type": 2, "transaction_id": "42000020212023112332159214xx"}, '
        '"sub_orders": [{"order_key": {"order_number_type": 1, "mchid": "1900000001", "out_trade_no": "N1"}, '
        '"logistics_type": 1, "delivery_mode": 2, "shipping_list": [{"item_desc": "鞋 1 双", "tracking_no": '
        '"SF100", "express_company": "SF", "contact": {"receiver_contact": "189****1234"}}], '
        '"is_all_delivered": false}], ' + TOLD + "}",
        OK,
        None,
    ),
    "order": Case(
        lambda mp: mp.shipping_order(OURS),
        "POST /wxa/sec/order/get_order?{token}",
        '{"merchant_id": "1900000001", "merchant_trade_no": "N1"}',
        f'{{"errcode":0,"errmsg":"ok","order":{KNOWN_JSON}}}'.encode(),
        KNOWN,
    ),
    "orders": Case(
        lambda mp: mp.shipping_orders(
            state=ShippingState.TO_SHIP, paid_from=NOW, paid_until=NOW, openid=FAN, after="i1"
        ),
        "POST /wxa/sec/order/get_order_list?{token}",
        '{"pay_time_range": {"begin_time": 1671082175, "end_time": 1671082175}, "order_state": 1, '
        f'"openid": "{FAN}", "last_index": "i1", "page_size": 100}}',
        f'{{"errcode":0,"last_index":"i2","has_more":true,"order_list":[{KNOWN_JSON}]}}'.encode(),
        ShippingPage((KNOWN,), "i2"),
    ),
    "all orders": Case(
        lambda mp: mp.shipping_orders(),
        "POST /wxa/sec/order/get_order_list?{token}",
        '{"page_size": 100}',
        b'{"errcode":0,"last_index":"i2","has_more":false,"order_list":[]}',
        ShippingPage((), None),
    ),
    "reminder": Case(
        lambda mp: mp.remind_of_receipt(PAID, received_at=NOW),
        "POST /wxa/sec/order/notify_confirm_receive?{token}",
        '{"transaction_id": "42000020212023112332159214xx", "received_time": 1671082175}',
        OK,
        None,
    ),
    "managed": Case(
        lambda mp: mp.is_trade_managed(),
        "POST /wxa/sec/order/is_trade_managed?{token}",
        f'{{"appid": "{APPID}"}}',
        b'{"errcode":0,"errmsg":"ok","is_trade_managed":true}',
        True,
    ),
    "message page": Case(
        lambda mp: mp.set_message_page("p/order"),
        "POST /wxa/sec/order/set_msg_jump_path?{token}",
        '{"path": "p/order"}',
        OK,
        None,
    ),
    "carriers": Case(
        lambda mp: mp.delivery_companies(),
        "POST /cgi-bin/express/delivery/open_msg/get_delivery_list?{token}",
        "{}",
        '{"errcode":0,"delivery_list":[{"delivery_id":"SF","delivery_name":"顺丰"}],"count":1}'.encode(),
        {"SF": "顺丰"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_call(name: str) -> None:
    check(CASES[name], a_program)


LONG = Parcel("x" * 121)
LIMITS: list[tuple[Act, str]] = [
    (lambda mp: mp.page_code(""), "40159"),
    (lambda mp: mp.page_code("x" * 1025), "40159"),
    (lambda mp: mp.page_code("p?scancode_time=1"), "85096"),
    (lambda mp: mp.page_code("p", width=1281), "40097"),
    (lambda mp: mp.square_code("x" * 129), "40159"),
    (lambda mp: mp.square_code("x", width=279), "40097"),
    (lambda mp: mp.scheme(days=31), "85401"),
    (lambda mp: mp.url_link(days=0), "85401"),
    (lambda mp: mp.url_link(query="x" * 1025), "40212"),
    (lambda mp: mp.short_link(""), "40225"),
    (lambda mp: mp.check_text("", openid=FAN, place=Place.FORUM), "44004"),
    (lambda mp: mp.check_text("x" * 2501, openid=FAN, place=Place.FORUM), "45002"),
    (lambda mp: ship(mp, Logistics.PICKUP, SHOES, SHOES), "10060006"),
    (lambda mp: ship(mp, Logistics.EXPRESS), "10060024"),
    (lambda mp: ship(mp, Logistics.EXPRESS, *[SHOES] * 16), "10060024"),
    (lambda mp: ship(mp, Logistics.EXPRESS, Parcel("鞋", company="SF")), "268485226"),
    (lambda mp: ship(mp, Logistics.EXPRESS, Parcel("鞋", number="1")), "268485227"),
    (lambda mp: ship(mp, Logistics.EXPRESS, Parcel("鞋", "1" * 129, "SF")), "10060026"),
    (lambda mp: ship(mp, Logistics.PICKUP, Parcel("")), "10060008"),
    (lambda mp: ship(mp, Logistics.PICKUP, LONG), "10060009"),
    (lambda mp: mp.shipping_order(PaidOrder(mchid="1")), "268485195"),
]


def ship(program: MiniProgram, logistics: Logistics, *parcels: Parcel) -> None:
    program.upload_shipping(Shipment(PAID, logistics, parcels), openid=FAN, now=NOW)


@pytest.mark.parametrize(("act", "code"), LIMITS)
def test_a_call_beyond_the_limits_is_refused_without_a_call(act: Act, code: str) -> None:
    with serving(saying(OK)) as line, pytest.raises(Refused) as caught:
        act(a_program(line))
    assert (caught.value.code, line.calls) == (code, [])


@pytest.mark.parametrize(
    "act",
    [
        lambda mp: mp.scheme(),
        lambda mp: mp.short_link("p"),
        lambda mp: mp.check_text("x", openid=FAN, place=Place.FORUM),
        lambda mp: mp.check_media("http://i", MediaType.AUDIO, openid=FAN, place=Place.FORUM),
        lambda mp: mp.page_code("p"),
    ],
)
def test_an_answer_without_what_was_asked_is_unavailable(act: Act) -> None:
    with serving(saying(OK)) as line, pytest.raises(Unavailable) as caught:
        act(a_program(line))
    assert caught.value.code == "ANSWER"


def test_several_parcels_are_a_split_delivery() -> None:
    with serving(saying(OK)) as line:
        ship(a_program(line), Logistics.EXPRESS, SHOES, Parcel("包", "SF101", "SF", sender="189****9999"))
    sent = json.loads(line.calls[0].body)
    assert (sent["delivery_mode"], sent["is_all_delivered"], len(sent["shipping_list"])) == (2, True, 2)
    assert sent["shipping_list"][1]["contact"] == {"consignor_contact": "189****9999"}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b'{"errcode":10060001,"errmsg":"no such order yet"}', Unavailable),
        (b'{"errcode":10060012,"errmsg":"system error"}', Unknown),
        (b'{"errcode":10060003,"errmsg":"used up"}', Refused),
        (Say(cut=True), Unknown),
    ],
)
def test_how_an_upload_may_fail(said: bytes | Say, kind: type[Exception]) -> None:
    with serving(saying(said)) as line, pytest.raises(kind):
        ship(a_program(line), Logistics.PICKUP, Parcel("鞋"))
    assert len(line.calls) == 1


def test_an_order_before_shipping_and_in_a_state_that_is_new() -> None:
    said = (
        b'{"errcode":0,"order":{"transaction_id":"4200","order_state":9,"in_complaint":true,"shipping":{}}}'
    )
    with serving(saying(said)) as line:
        order = a_program(line).shipping_order(PAID)
    assert (order.state, order.in_complaint, order.parcels, order.paid_at) == (
        ShippingState.UNKNOWN,
        True,
        (),
        None,
    )


def test_only_a_pass_passes() -> None:
    assert [Verdict(word, 100, "t").passes for word in ("pass", "review", "risky", "")] == [
        *(True, False, False, False)
    ]


def test_a_day_of_figures_is_read_from_two_tables() -> None:
    trend = {"ref_date": "20221215", "session_cnt": 7, "visit_pv": 30, "visit_uv": 5, "visit_uv_new": 2}
    summary = {"ref_date": "20221215", "visit_total": 99, "share_pv": 4, "share_uv": 3}
    bodies = [json.dumps({"list": [row]}).encode() for row in (summary, trend)]
    day = date(2022, 12, 15)
    with serving(saying(*bodies)) as line:
        assert a_program(line).day(day) == Day(day, 99, 5, 2, 7, 30, 4, 3)
    assert [call.target.partition("?")[0] for call in line.calls] == [
        "/datacube/getweanalysisappiddailysummarytrend",
        "/datacube/getweanalysisappiddailyvisittrend",
    ]
    assert {call.body for call in line.calls} == {b'{"begin_date": "20221215", "end_date": "20221215"}'}
    with serving(saying(b'{"list":[]}')) as line:
        assert a_program(line).day(day) is None


def test_no_answer_shows_an_openid_or_a_secret() -> None:
    shown = repr([SESSION, KNOWN, SHOES, PAID])
    assert [word for word in (FAN, SECRET, "189****1234", SESSION.session_key) if word in shown] == []
