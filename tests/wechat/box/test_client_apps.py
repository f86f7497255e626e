"""Our client of both apps and the box, family by family: two readings of the same pages that must agree."""

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.wechat.box.test_client import Client
from tests.wechat.box.test_shipping import Order
from tests.wechat.box.world import Ear, RunningBox, wait_until
from wechat.customer import Article
from wechat.errors import Refused, Unavailable, Unknown
from wechat.media import MediaKind
from wechat.mini_program.safety import MediaType, Place
from wechat.mini_program.shipping import Logistics, PaidOrder, Parcel, Shipment, ShippingState
from wechat.official_account.menus import Button, ButtonKind, MatchRule

CHINA = timezone(timedelta(hours=8))
PICTURE = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
def client(sandbox: RunningBox) -> Client:
    """Our client, pointed at the box."""
    return Client(sandbox)


def _fan(sandbox: RunningBox, name: str = "小兰") -> dict[str, str]:
    person = sandbox.person(name)
    sandbox.post(f"/persons/{person['id']}/follow")
    return person


def _now() -> datetime:
    return datetime.now(UTC)


def _code_of(call: object, *given: object, **more: object) -> str:
    assert callable(call)
    with pytest.raises((Refused, Unavailable, Unknown)) as refused:
        call(*given, **more)
    return str(refused.value.code)


def test_fans_and_tags(sandbox: RunningBox, client: Client) -> None:
    first, second = _fan(sandbox, "甲"), _fan(sandbox, "乙")
    openids = [first["oa_openid"], second["oa_openid"]]
    assert list(client.oa.all_followers()) == openids
    assert client.oa.followers(openids[1]).openids == ()
    client.oa.remark(openids[0], "老顾客")
    assert [fan.openid for fan in client.oa.fans(openids)] == openids
    tag = client.oa.create_tag("会员")
    client.oa.tag_fans(tag.id, openids)
    assert client.oa.tags_of(openids[0]) == (tag.id,)
    assert client.oa.tagged(tag.id).openids == tuple(openids)
    client.oa.rename_tag(tag.id, "金卡")
    assert {one.name for one in client.oa.tags()} >= {"金卡"}
    client.oa.untag_fans(tag.id, openids[:1])
    client.oa.delete_tag(tag.id)
    assert client.oa.tags_of(openids[1]) == ()
    assert _code_of(client.oa.fan, "nobody") == "40003"


def test_menus(sandbox: RunningBox, client: Client) -> None:
    person = _fan(sandbox)
    assert client.oa.menus() == []
    page = Button("商城", ButtonKind.PAGE, "pages/a", client.appid, "https://a.example/")
    buttons = [Button("门店", ButtonKind.CLICK, "stores"), Button("更多", under=(page,))]
    client.oa.create_menu(buttons)
    assert client.oa.menu_of(person["oa_openid"]).buttons == tuple(buttons)
    gold = [Button("金卡", ButtonKind.CLICK, "gold")]
    tag = client.oa.create_tag("金卡").id
    menu_id = client.oa.add_conditional_menu(gold, MatchRule(tag_id=tag))
    client.oa.tag_fans(tag, [person["oa_openid"]])
    assert client.oa.menu_of(person["oa_openid"]).buttons == tuple(gold)
    told = client.oa.menus()
    assert [(menu.buttons, menu.rule) for menu in told] == [
        (tuple(buttons), None),
        (tuple(gold), MatchRule(tag_id=tag)),
    ]
    assert told[1].menu_id == menu_id
    client.oa.delete_conditional_menu(menu_id)
    client.oa.delete_menus()
    assert client.oa.menus() == []


def test_messages_and_media_of_the_official_account(sandbox: RunningBox, client: Client) -> None:
    person = _fan(sandbox)
    openid = person["oa_openid"]
    sandbox.post(f"/persons/{person['id']}/say", text="在吗")
    image = client.oa.upload_media(MediaKind.IMAGE, PICTURE, "jpg")
    assert client.oa.fetch_media(image).content == PICTURE
    client.oa.show_typing(openid)
    client.oa.send_image(openid, image)
    client.oa.send_article(openid, Article("新品", "秋装", "https://a.example/", "https://a.example/1.jpg"))
    client.oa.send_page(openid, appid=client.appid, page="pages/a", title="门店", thumb_media_id=image)
    client.oa.send_choices(openid, head="满意吗", choices=[("1", "满意")])
    assert client.oa.send_template(openid, "tpl", {"thing1": "外套"}, key="K1").isdigit()
    assert _code_of(client.oa.send_notice, openid, "tpl", {"thing1": "外套"}) == "43101"
    sandbox.post(f"/persons/{person['id']}/subscribe", template_id="tpl", app="oa")
    client.oa.send_notice(openid, "tpl", {"thing1": "外套"})
    lines = sandbox.get(f"/persons/{person['id']}/chat")["messages"]
    assert [line["type"] for line in lines if line["from"] == "account"] == [
        *("image", "news", "miniprogrampage", "msgmenu", "template", "subscribe"),
    ]


def test_web_login_and_pages(sandbox: RunningBox, client: Client) -> None:
    person = sandbox.person()
    url = client.oa.login_url("https://shop.example/wx", state="s1", profile=True)
    parts = urlsplit(url)
    asked = f"{sandbox.base}{parts.path}?{parts.query}&box_person={person['id']}"
    back = sandbox.http.get(asked, allow_redirects=False, timeout=5).headers["Location"]
    visitor = client.oa.visitor(parse_qs(urlsplit(back).query)["code"][0])
    assert (visitor.openid, visitor.unionid, visitor.snapshot) == (
        person["oa_openid"],
        person["unionid"],
        False,
    )
    assert client.oa.is_logged_in(visitor) is True
    assert client.oa.profile(visitor).nickname == person["name"]
    assert client.oa.refresh_visitor(visitor.refresh_token).openid == person["oa_openid"]
    snapshot = sandbox.post(f"/persons/{person['id']}/authorize", snapshot=True)["code"]
    assert client.oa.visitor(snapshot).snapshot is True
    signed = client.oa.sign_page("https://shop.example/?a=1#b", now=_now())
    assert len(signed.signature) == 40
    assert client.oa.callback_ips() == ("127.0.0.1", "127.0.0.0/8")


def test_quotas(sandbox: RunningBox, client: Client) -> None:
    sandbox.post("/settings", daily_limits={"/cgi-bin/user/get": 1})
    client.oa.followers()
    assert _code_of(client.oa.followers) == "45009"
    told = client.oa.quota("/cgi-bin/user/get")
    assert (told.daily_limit, told.used, told.remain) == (1, 1, 0)
    client.oa.clear_quota("/cgi-bin/user/get")
    client.oa.followers()
    client.oa.clear_quotas()
    client.oa.followers()


def test_the_mini_program(sandbox: RunningBox, client: Client) -> None:
    person = sandbox.person()
    session = client.mp.login(sandbox.post(f"/persons/{person['id']}/mp/login")["code"])
    assert client.mp.session_lives(session) is True
    sealed = sandbox.post(f"/persons/{person['id']}/mp/data")
    opened = client.mp.open_user_data(session.session_key, sealed["iv"], sealed["encryptedData"], now=_now())
    assert opened["openId"] == person["mp_openid"]
    assert _code_of(client.mp.send_notice, session.openid, "tpl", {"thing1": "外套"}) == "43101"
    sandbox.post(f"/persons/{person['id']}/subscribe", template_id="tpl")
    assert client.mp.send_notice(session.openid, "tpl", {"thing1": "外套"}, page="pages/a").isdigit()
    assert _code_of(client.mp.send_text, session.openid, "您好") == "45015"
    sandbox.post(f"/persons/{person['id']}/mp/contact")
    client.mp.send_text(session.openid, "您好")
    pictures = [
        client.mp.page_code("pages/a?x=1"),
        client.mp.square_code("pages/a?x=2"),
        client.mp.page_code("pages/a?x=1", clear=True),
    ]
    assert [picture[:4] for picture in pictures] == [b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe0", b"\x89PNG"]
    scheme, link = client.mp.scheme(path="pages/a", query="x=1", days=1), client.mp.url_link(path="pages/a")
    facts = client.mp.scheme_facts(scheme)
    assert (facts.path, facts.query, facts.env_version) == ("pages/a", "x=1", "release")
    assert client.mp.url_link_facts(link).path == "pages/a"
    assert client.mp.short_link("pages/a", title="门店").startswith("#小程序://门店/")
    assert _code_of(client.mp.scheme_facts, "weixin://dl/business/?t=none") == "85403"


def test_content_and_figures(sandbox: RunningBox, client: Client) -> None:
    person = sandbox.person()
    openid = person["mp_openid"]
    assert _code_of(client.mp.check_text, "你好", openid=openid, place=Place.COMMENT) == "61010"
    client.mp.login(sandbox.post(f"/persons/{person['id']}/mp/login")["code"])
    assert client.mp.check_text("你好", openid=openid, place=Place.COMMENT).passes
    assert not client.mp.check_text("特价代开发票", openid=openid, place=Place.COMMENT).passes
    url = "https://cdn.example/a.jpg"
    assert client.mp.check_media(url, MediaType.IMAGE, openid=openid, place=Place.PROFILE)
    sandbox.post("/clock", offset_s=86400)
    day = client.mp.day(datetime.now(CHINA).date())
    assert day is not None
    assert (day.known_people, day.people, day.new_people, day.sessions) == (1, 1, 1, 1)


def test_shipping(sandbox: RunningBox, ear: Ear, client: Client) -> None:
    order = Order(sandbox, ear)
    paid, openid = PaidOrder(transaction_id=order.transaction), order.person["mp_openid"]
    assert client.mp.shipping_order(paid).state is ShippingState.TO_SHIP
    first, second = Parcel("外套*1", "SF1", "STO"), Parcel("围巾*1", "SF2", "STO")
    express = Logistics.EXPRESS
    client.mp.upload_shipping(Shipment(paid, express, (first,), is_all=False), openid=openid, now=_now())
    later = _now() + timedelta(seconds=1)
    client.mp.upload_shipping(Shipment(paid, express, (first, second)), openid=openid, now=later)
    client.mp.upload_shipping(Shipment(paid, express, (first, second)), openid=openid, now=later)
    told = client.mp.shipping_order(paid)
    assert (told.state, told.parcels, told.uploads, told.paid_fen) == (
        ShippingState.SHIPPED,
        (first, second),
        1,
        1000,
    )
    client.mp.remind_of_receipt(paid, received_at=_now() + timedelta(seconds=1))
    sandbox.post(f"/persons/{order.person['id']}/mp/receive", order=order.number)
    wait_until(lambda: client.mp.shipping_order(paid).state is ShippingState.COMPLETED)
    page = client.mp.shipping_orders(state=ShippingState.COMPLETED, openid=openid)
    assert [one.transaction_id for one in page.orders] == [order.transaction]
    assert page.after is None
    by_number = PaidOrder(mchid=sandbox.told["pay"]["mchid"], out_trade_no=order.number)
    assert client.mp.shipping_order(by_number) == client.mp.shipping_order(paid)
    assert _code_of(client.mp.shipping_order, PaidOrder(transaction_id="4200")) == "10060001"
    assert client.mp.is_trade_managed() is True
    client.mp.set_message_page("pages/order/order")
    assert client.mp.delivery_companies()["STO"] == "申通快递"
