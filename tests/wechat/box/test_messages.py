"""Customer, template and subscribe messages, through wechatpy's own client."""

import pytest
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.wechat.box.test_pushes import opened
from tests.wechat.box.world import Ear, RunningBox

TEMPLATE = "tpl-order-paid"


def _fan(sandbox: RunningBox) -> dict[str, str]:
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    return person


def _lines(sandbox: RunningBox, person: dict[str, str], sender: str = "account") -> list[dict[str, object]]:
    lines = sandbox.get(f"/persons/{person['id']}/chat")["messages"]
    return [line for line in lines if line["from"] == sender]


def test_every_type_of_customer_message(sandbox: RunningBox, client: WeChatClient) -> None:
    person = _fan(sandbox)
    openid = person["oa_openid"]
    image = client.media.upload("image", ("a.jpg", b"\xff\xd8", "image/jpeg"))["media_id"]
    voice = client.media.upload("voice", ("a.mp3", b"ID3", "audio/mpeg"))["media_id"]
    video = client.media.upload("video", ("a.mp4", b"ftyp", "video/mp4"))["media_id"]
    thumb = client.media.upload("thumb", ("t.jpg", b"\xff\xd8", "image/jpeg"))["thumb_media_id"]
    article = {
        "title": "新品",
        "description": "秋装",
        "url": "https://a.example/",
        "image": "https://a.example/1",
    }
    page = {
        "title": "门店",
        "appid": sandbox.told["mp"]["appid"],
        "pagepath": "pages/a",
        "thumb_media_id": thumb,
    }
    menu = {"head_content": "满意吗", "list": [{"id": "1", "content": "满意"}], "tail_content": "谢谢"}
    message = client.message
    sends = [
        lambda: message.send_text(openid, "您好"),
        lambda: message.send_image(openid, image),
        lambda: message.send_voice(openid, voice),
        lambda: message.send_video(openid, video, "片名", "说明"),
        lambda: message.send_music(openid, "http://a/1.mp3", "http://a/2.mp3", thumb, "曲", "词"),
        lambda: message.send_articles(openid, [article]),
        lambda: message.send_articles(openid, "an-mpnews-id"),
        lambda: message.send_card(openid, "card-1"),
        lambda: message.send_mini_program_page(openid, page),
        lambda: message.send_msg_menu(openid, menu),
    ]
    for send in sends:
        sandbox.post(f"/persons/{person['id']}/say", text="在吗")
        assert send()["errmsg"] == "ok"
    shown = [(line["type"], line["text"]) for line in _lines(sandbox, person)]
    assert shown == [
        ("text", "您好"),
        ("image", "[image]"),
        ("voice", "[voice]"),
        ("video", "片名"),
        ("music", "曲"),
        ("news", "新品"),
        ("mpnews", "[mpnews]"),
        ("wxcard", "[wxcard]"),
        ("miniprogrampage", "门店"),
        ("msgmenu", "满意吗\n满意\n谢谢"),
    ]


def test_media_and_mini_programs_of_others_are_refused(sandbox: RunningBox, client: WeChatClient) -> None:
    person = _fan(sandbox)
    image = client.media.upload("image", ("a.jpg", b"\xff\xd8", "image/jpeg"))["media_id"]

    def send(kind: str, **content: str) -> int:
        asked = {"touser": person["oa_openid"], "msgtype": kind, kind: content}
        return int(sandbox.call("/cgi-bin/message/custom/send", asked).json()["errcode"])

    assert send("image", media_id="unknown") == 40007
    assert send("voice", media_id=image) == 40007
    page = {"title": "a", "appid": "wx0", "pagepath": "p", "thumb_media_id": image}
    assert send("miniprogrampage", **page) == 40013
    sandbox.post("/clock", offset_s=3 * 86400 + 1)
    sandbox.post(f"/persons/{person['id']}/say", text="在吗")
    assert send("image", media_id=image) == 40007


def test_mini_program_customer_service(sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp")
    person = sandbox.person()
    asked = {"touser": person["mp_openid"], "msgtype": "text", "text": {"content": "您好"}}

    def send() -> int:
        return int(sandbox.call("/cgi-bin/message/custom/send", asked, app="mp").json()["errcode"])

    assert send() == 45015
    sandbox.post(f"/persons/{person['id']}/mp/contact", session_from="order:1")
    assert [send() for _ in range(3)] == [0, 0, 45047]
    sandbox.post(f"/persons/{person['id']}/mp/say", text="在吗")
    assert [send() for _ in range(6)] == [0] * 5 + [45047]
    assert {line["appid"] for line in _lines(sandbox, person)} == {sandbox.told["mp"]["appid"]}
    news = {"touser": person["mp_openid"], "msgtype": "news", "news": {"articles": [{"title": "a"}]}}
    assert sandbox.call("/cgi-bin/message/custom/send", news, app="mp").json()["errcode"] == 40008


def test_typing(sandbox: RunningBox) -> None:
    person = sandbox.person()

    def typing(command: str) -> int:
        asked = {"touser": person["oa_openid"], "command": command}
        return int(sandbox.call("/cgi-bin/message/custom/typing", asked).json()["errcode"])

    assert typing("Typing") == 45080
    sandbox.post(f"/persons/{person['id']}/follow")
    told = [typing(one) for one in ("Typing", "Typing", "CancelTyping", "Typing", "Dance")]
    assert told == [0, 45081, 0, 0, 45072]


def test_template_message_and_its_result_push(sandbox: RunningBox, ear: Ear, client: WeChatClient) -> None:
    person = _fan(sandbox)
    data = {"thing1": {"value": "羊毛外套"}, "amount2": {"value": "¥1299.00"}, "remark": {"value": "谢谢"}}
    link = {"appid": sandbox.told["mp"]["appid"], "pagepath": "pages/order?no=1"}
    told = client.message.send_template(person["oa_openid"], TEMPLATE, data, "https://a.example", link)
    assert told.keys() == {"errcode", "errmsg", "msgid"}
    assert told["msgid"] > 2**53
    (line,) = _lines(sandbox, person)
    assert (line["type"], line["via"], line["text"]) == (
        "template",
        "template",
        "thing1: 羊毛外套\namount2: ¥1299.00",
    )
    assert line["miniprogram"] == link
    assert "url" not in line
    event = opened(sandbox, ear.wait_for(2)[1])
    assert (event["Event"], event["MsgID"], event["Status"]) == (
        "TEMPLATESENDJOBFINISH",
        str(told["msgid"]),
        "success",
    )


def test_the_same_client_msg_id_is_one_message(sandbox: RunningBox) -> None:
    person = _fan(sandbox)
    asked = {
        "touser": person["oa_openid"],
        "template_id": TEMPLATE,
        "data": {"thing1": {"value": "a"}},
        "client_msg_id": "M1",
    }
    told = [sandbox.call("/cgi-bin/message/template/send", asked).json() for _ in range(2)]
    assert told[0] == told[1]
    assert len(_lines(sandbox, person)) == 1


@pytest.mark.parametrize(
    ("keyword", "value", "errcode"),
    [
        ("thing1", "二" * 20, 0),
        ("thing1", "二" * 21, 47003),
        ("amount2", "99.90元", 0),
        ("amount2", "很多钱", 47003),
        ("phrase3", "已支付", 0),
        ("phrase3", "已经支付完成", 47003),
        ("character_string4", "L20261121001", 0),
        ("character_string4", "订单", 47003),
        ("phone_number5", "1" * 18, 47003),
        ("name6", "十" * 11, 47003),
        ("name6", "x" * 20, 0),
        ("date7", "今天", 47003),
        ("date7", "2026年11月21日", 0),
        ("thing1", "", 47003),
    ],
)
def test_values_fit_their_keywords(sandbox: RunningBox, keyword: str, value: str, errcode: int) -> None:
    person = _fan(sandbox)
    asked = {"touser": person["oa_openid"], "template_id": TEMPLATE, "data": {keyword: {"value": value}}}
    told = sandbox.call("/cgi-bin/message/template/send", asked).json()
    assert told["errcode"] == errcode
    if errcode:
        assert told["errmsg"].startswith(f"argument invalid! data.{keyword}.value invalid rid: ")


def test_templates_of_the_setting_are_the_only_ones(sandbox: RunningBox, client: WeChatClient) -> None:
    sandbox.post("/settings", templates={TEMPLATE: ["thing1", "time2"]})
    person = _fan(sandbox)

    def send(template_id: str, **values: str) -> int:
        data = {name: {"value": value} for name, value in values.items()}
        asked = {"touser": person["oa_openid"], "template_id": template_id, "data": data}
        return int(sandbox.call("/cgi-bin/message/template/send", asked).json()["errcode"])

    assert send("another", thing1="a", time2="12:00") == 40037
    assert send(TEMPLATE, thing1="a") == 47003
    assert send(TEMPLATE, thing1="a", time2="12:00", thing3="b") == 47003
    assert send(TEMPLATE, thing1="a", time2="12:00") == 0
    told = sandbox.call("/cgi-bin/template/get_all_private_template").json()["template_list"]
    assert [(one["template_id"], one["content"]) for one in told] == [
        (TEMPLATE, "thing1:{{thing1.DATA}}\ntime2:{{time2.DATA}}")
    ]


def test_template_messages_only_to_fans(sandbox: RunningBox, client: WeChatClient) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.message.send_template(sandbox.person()["oa_openid"], TEMPLATE, {"thing1": {"value": "a"}})
    assert refused.value.errcode == 43004


@pytest.mark.parametrize("app", ["oa", "mp"])
def test_a_subscribe_message_uses_up_one_grant(
    sandbox: RunningBox, ear: Ear, client: WeChatClient, mp_client: WeChatClient, app: str
) -> None:
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp")
    person = sandbox.person()
    data = {"thing1": {"value": "羊毛外套"}}

    def send() -> int:
        try:
            if app == "mp":
                told = mp_client.wxa.send_subscribe_message(person["mp_openid"], TEMPLATE, data, "pages/a")
                assert told["msgid"] > 2**53
            else:
                client.message.send_subscribe_message(person["oa_openid"], TEMPLATE, data)
        except WeChatClientException as refused:
            return int(refused.errcode)
        return 0

    decide = f"/persons/{person['id']}/subscribe"
    assert send() == 43101
    sandbox.post(decide, template_id=TEMPLATE, app=app, accept=False)
    assert send() == 43101
    for _ in range(2):
        sandbox.post(decide, template_id=TEMPLATE, app=app)
    openid = person["oa_openid" if app == "oa" else "mp_openid"]
    assert sandbox.get(f"/persons/{person['id']}/grants") == {
        "grants": [{"openid": openid, "template_id": TEMPLATE, "left": 2}]
    }
    assert [send() for _ in range(3)] == [0, 0, 43101]
    assert [line["type"] for line in _lines(sandbox, person)] == ["subscribe", "subscribe"]
    kinds = [one["what"] for one in sandbox.get("/deliveries")["deliveries"]]
    assert sorted(kinds) == ["subscribe_msg_popup_event"] * 3 + ["subscribe_msg_sent_event"] * 2


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"touser": "nobody"}, 40003),
        ({"template_id": ""}, 40037),
        ({"data": {}}, 47001),
        ({"miniprogram_state": "beta"}, 40097),
        ({"page": "pages/absent"}, 41030),
    ],
)
def test_subscribe_refusals(sandbox: RunningBox, changes: dict[str, object], errcode: int) -> None:
    sandbox.post("/settings", mp_pages=["pages/a"])
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/subscribe", template_id=TEMPLATE)
    asked = {"touser": person["mp_openid"], "template_id": TEMPLATE, "data": {"thing1": {"value": "a"}}}
    told = sandbox.call("/cgi-bin/message/subscribe/send", asked | changes, app="mp").json()
    assert told["errcode"] == errcode
    assert sandbox.get(f"/persons/{person['id']}/grants")["grants"][0]["left"] == 1


def test_windows_that_are_open_together_are_not_added_up(sandbox: RunningBox) -> None:
    person = _fan(sandbox)

    def send() -> int:
        asked = {"touser": person["oa_openid"], "msgtype": "text", "text": {"content": "您好"}}
        return int(sandbox.call("/cgi-bin/message/custom/send", asked).json()["errcode"])

    sandbox.post(f"/persons/{person['id']}/say", text="在吗")  # 3 by the follow, 5 by the message: 5
    assert [send() for _ in range(6)] == [0] * 5 + [45047]
    sandbox.post(f"/persons/{person['id']}/scan", scene="s:1")  # anew, up to what a scan allows
    assert [send() for _ in range(4)] == [0] * 3 + [45047]
    sandbox.post(f"/persons/{person['id']}/say", text="在吗")
    assert [send() for _ in range(2)] == [0, 0]
    sandbox.post(
        f"/persons/{person['id']}/scan", scene="s:1"
    )  # 3 are left of the message, and 3 of the scan: 3
    assert [send() for _ in range(4)] == [0] * 3 + [45047]
