"""Codes, users and customer messages, through wechatpy's own client."""

import io
import json

import pytest
from PIL import Image
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.wechat.box.world import RunningBox


@pytest.mark.parametrize(
    ("action", "scene", "life_s"),
    [
        ("QR_SCENE", {"scene_id": 4294967295}, 2592000),
        ("QR_STR_SCENE", {"scene_str": "s:店员-1"}, 60),
        ("QR_LIMIT_SCENE", {"scene_id": 100000}, None),
        ("QR_LIMIT_STR_SCENE", {"scene_str": "x" * 64}, None),
    ],
)
def test_four_kinds_of_code(
    sandbox: RunningBox, client: WeChatClient, action: str, scene: dict[str, object], life_s: int | None
) -> None:
    asked: dict[str, object] = {"action_name": action, "action_info": {"scene": scene}}
    if life_s is not None:
        asked["expire_seconds"] = life_s
    made = client.qrcode.create(asked)
    assert made["url"].startswith("http://weixin.qq.com/q/")
    assert made["ticket"].endswith("==")
    assert made.get("expire_seconds") == life_s
    shown = sandbox.http.get(
        f"{sandbox.base}/cgi-bin/showqrcode", params={"ticket": made["ticket"]}, timeout=5
    )
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert Image.open(io.BytesIO(shown.content)).size == (430, 430)


def test_permanent_scene_is_one_code(client: WeChatClient) -> None:
    asked = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "s:1"}}}
    assert client.qrcode.create(asked) == client.qrcode.create(asked)


@pytest.mark.parametrize(
    ("asked", "errcode"),
    [
        ({"action_name": "QR_SCENE", "action_info": {"scene": {"scene_id": 0}}, "expire_seconds": 60}, 40053),
        ({"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": 100001}}}, 40053),
        ({"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "x" * 65}}}, 40053),
        ({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": ""}}}, 40053),
        ({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_id": 5}}}, 40053),
        ({"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": True}}}, 40053),
        ({"action_name": "QR_WHAT", "action_info": {"scene": {"scene_id": 5}}}, 40053),
        ({"action_name": "QR_STR_SCENE"}, 40053),
        (
            {
                "action_name": "QR_STR_SCENE",
                "action_info": {"scene": {"scene_str": "a"}},
                "expire_seconds": 2592001,
            },
            40097,
        ),
    ],
)
def test_code_refusals(client: WeChatClient, asked: dict[str, object], errcode: int) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.qrcode.create(asked)
    assert refused.value.errcode == errcode


def test_permanent_codes_are_counted_known_ones_are_not_new(
    sandbox: RunningBox, client: WeChatClient
) -> None:
    sandbox.post("/settings", most_permanent_codes=2)

    def create(action: str, **scene: object) -> str:
        asked = {"action_name": action, "action_info": {"scene": scene}, "expire_seconds": 60}
        return str(client.qrcode.create(asked)["ticket"])

    first = create("QR_LIMIT_STR_SCENE", scene_str="s:1")
    create("QR_LIMIT_SCENE", scene_id=1)
    with pytest.raises(WeChatClientException) as refused:
        create("QR_LIMIT_SCENE", scene_id=2)
    assert refused.value.errcode == 40053
    assert create("QR_LIMIT_STR_SCENE", scene_str="s:1") == first
    assert create("QR_SCENE", scene_id=2) != first


def test_unknown_ticket_is_404(sandbox: RunningBox) -> None:
    shown = sandbox.http.get(f"{sandbox.base}/cgi-bin/showqrcode", params={"ticket": "gQnone=="}, timeout=5)
    assert shown.status_code == 404


def test_user_info_of_a_follower_and_of_a_stranger(sandbox: RunningBox, client: WeChatClient) -> None:
    person = sandbox.person()
    openid = person["oa_openid"]
    assert client.user.get(openid) == {"subscribe": 0, "openid": openid, "tagid_list": []}
    sandbox.post(f"/persons/{person['id']}/follow", scene="s:7")
    known = client.user.get(openid)
    assert known["subscribe"] == 1
    assert known["unionid"] == person["unionid"]
    assert known["subscribe_scene"] == "ADD_SCENE_QR_CODE"
    assert (known["qr_scene"], known["qr_scene_str"]) == (0, "s:7")
    assert "nickname" not in known
    sandbox.post(f"/persons/{person['id']}/unfollow")
    assert client.user.get(openid)["subscribe"] == 0


@pytest.mark.parametrize(
    ("app", "field", "errcode"), [("oa", "mp_openid", 40003), ("mp", "oa_openid", 48001)]
)
def test_user_info_knows_only_its_own_openids(
    sandbox: RunningBox, app: str, field: str, errcode: int
) -> None:
    openid = sandbox.person()[field]
    assert sandbox.call("/cgi-bin/user/info", app=app, openid=openid).json()["errcode"] == errcode


def _send(client: WeChatClient, openid: str, text: str = "你好") -> int:
    try:
        client.message.send_text(openid, text)
    except WeChatClientException as refused:
        return int(refused.errcode)
    return 0


def test_customer_messages_need_an_open_window(sandbox: RunningBox, client: WeChatClient) -> None:
    person = sandbox.person()
    openid = person["oa_openid"]
    assert _send(client, openid) == 45015
    sandbox.post(f"/persons/{person['id']}/follow")
    assert [_send(client, openid, f"第{n}条") for n in range(4)] == [0, 0, 0, 45047]
    lines = [
        line for line in sandbox.get(f"/persons/{person['id']}/chat")["messages"] if line["from"] == "account"
    ]
    assert [line["text"] for line in lines] == ["第0条", "第1条", "第2条"]
    assert {line["via"] for line in lines} == {"customer"}
    sandbox.post("/clock", offset_s=61)
    assert _send(client, openid) == 45015
    sandbox.post(f"/persons/{person['id']}/say", text="在吗")
    assert [_send(client, openid) for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    sandbox.post("/clock", offset_s=61 + 48 * 3600 - 5)
    assert _send(client, openid) == 45047
    sandbox.post("/clock", offset_s=61 + 48 * 3600 + 5)
    assert _send(client, openid) == 45015
    sandbox.post(f"/persons/{person['id']}/click", key="K")
    assert [_send(client, openid) for _ in range(4)] == [0, 0, 0, 45047]
    sandbox.post(f"/persons/{person['id']}/unfollow")
    assert _send(client, openid) == 45015


def test_customer_message_refusals(sandbox: RunningBox) -> None:
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    openid = person["oa_openid"]
    cases: list[tuple[object, int]] = [
        (b"", 44002),
        (b"{", 47001),
        ([1], 47001),
        ({"touser": "o", "msgtype": "text", "text": {"content": "a"}}, 40003),
        ({"touser": openid, "msgtype": "smoke", "smoke": {}}, 40008),
        ({"touser": openid, "msgtype": "text", "text": {"content": ""}}, 44004),
        ({"touser": openid, "msgtype": "text", "text": {"content": "兰" * 683}}, 45002),
        (
            {"touser": openid, "msgtype": "news", "news": {"articles": [{"title": "1"}, {"title": "2"}]}},
            45008,
        ),
        (b'{"touser":"' + openid.encode() + b'","msgtype":"text","text":{"content":"\\ud800"}}', 47001),
    ]
    for asked, errcode in cases:
        answer = sandbox.call("/cgi-bin/message/custom/send", asked)
        assert (answer.status_code, answer.json()["errcode"]) == (200, errcode), asked
    exact = {"touser": openid, "msgtype": "text", "text": {"content": "兰" * 682 + "ab"}}
    assert sandbox.call("/cgi-bin/message/custom/send", exact).json() == {"errcode": 0, "errmsg": "ok"}


def test_body_is_json_whatever_its_content_type_says(sandbox: RunningBox) -> None:
    asked = {"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": 1}}}
    for label in ("text/plain; charset=ISO-8859-1", "application/x-www-form-urlencoded"):
        answer = sandbox.http.post(
            f"{sandbox.base}/cgi-bin/qrcode/create",
            params={"access_token": sandbox.token(), "extra": "1"},
            data=json.dumps(asked),
            headers={"Content-Type": label},
            timeout=5,
        )
        assert "ticket" in answer.json()
