"""Menus, through wechatpy's own client, and what a fan sees and taps."""

import pytest
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.wechat.box.test_pushes import opened
from tests.wechat.box.world import Ear, RunningBox

MENU = {
    "button": [
        {"type": "click", "name": "门店", "key": "stores"},
        {
            "name": "更多",
            "sub_button": [
                {"type": "view", "name": "官网", "url": "https://lanxu.example/"},
                {"type": "scancode_waitmsg", "name": "扫一扫", "key": "scan"},
                {"type": "pic_weixin", "name": "晒单", "key": "show"},
                {"type": "location_select", "name": "位置", "key": "place"},
            ],
        },
    ]
}
GOLD = [{"type": "click", "name": "金卡", "key": "gold"}]


def _errcode(sandbox: RunningBox, path: str, asked: object) -> int:
    return int(sandbox.call(f"/cgi-bin/menu/{path}", asked).json()["errcode"])


def test_a_menu_lives(client: WeChatClient) -> None:
    assert client.menu.get() is None
    assert client.menu.get_menu_info() == {"is_menu_open": 0}
    assert client.menu.create(MENU)["errcode"] == 0
    shown = client.menu.get()["menu"]
    assert [button["name"] for button in shown["button"]] == ["门店", "更多"]
    assert shown["button"][0] == {"type": "click", "name": "门店", "key": "stores", "sub_button": []}
    assert "menuid" not in shown
    info = client.menu.get_menu_info()
    assert info["selfmenu_info"]["button"][1]["sub_button"]["list"][0]["url"] == "https://lanxu.example/"
    client.menu.delete()
    assert client.menu.get() is None


def test_conditional_menus_match_the_last_tag_the_youngest_first(
    sandbox: RunningBox, client: WeChatClient
) -> None:
    person = sandbox.person()
    openid = person["oa_openid"]
    sandbox.post(f"/persons/{person['id']}/follow")
    with pytest.raises(WeChatClientException) as refused:
        client.menu.add_conditional({"button": GOLD, "matchrule": {"tag_id": "2"}})
    assert refused.value.errcode == 65303
    client.menu.create(MENU)
    gold, silver = (client.tag.create(name)["id"] for name in ("金卡", "银卡"))
    older = client.menu.add_conditional({"button": GOLD, "matchrule": {"tag_id": str(gold)}})["menuid"]
    assert older.isdigit()
    assert client.menu.try_match(openid)["button"] == MENU["button"]
    client.tag.tag_user(gold, openid)
    assert client.menu.try_match(openid)["button"] == GOLD
    client.tag.tag_user(silver, openid)
    assert client.menu.try_match(openid)["button"] == MENU["button"]
    client.tag.untag_user(silver, openid)
    other = [{"type": "click", "name": "安卓", "key": "android"}]
    rule = {"tag_id": str(gold), "client_platform_type": "2"}
    younger = client.menu.add_conditional({"button": other, "matchrule": rule})["menuid"]
    assert client.menu.try_match(openid)["button"] == other
    told = client.menu.get()
    assert [menu["menuid"] for menu in told["conditionalmenu"]] == [int(younger), int(older)]
    assert told["conditionalmenu"][0]["matchrule"] == rule
    client.menu.del_conditional(younger)
    assert client.menu.try_match(openid)["button"] == GOLD
    client.menu.delete()
    with pytest.raises(WeChatClientException) as refused:
        client.menu.try_match(openid)
    assert refused.value.errcode == 46003


@pytest.mark.parametrize(
    ("button", "errcode"),
    [
        ([], 40016),
        ([GOLD[0]] * 4, 40016),
        ([{"type": "smoke", "name": "a", "key": "k"}], 40017),
        ([{"type": "click", "name": "门店门店门店", "key": "k"}], 40018),
        ([{"type": "click", "name": "a", "key": "k" * 129}], 40019),
        ([{"type": "click", "name": "a"}], 40019),
        ([{"type": "view", "name": "a", "url": "https://" + "x" * 1024}], 40020),
        ([{"type": "view", "name": "a", "url": "lanxu.example"}], 40055),
        ([{"name": "a", "sub_button": [GOLD[0]] * 6}], 40023),
        ([{"name": "a", "sub_button": [{"type": "x", "name": "b"}]}], 40024),
        ([{"name": "a", "sub_button": [{"type": "click", "name": "长" * 21, "key": "k"}]}], 40025),
        (
            [{"type": "miniprogram", "name": "a", "appid": "wx0", "pagepath": "p", "url": "https://a.cn"}],
            45064,
        ),
    ],
)
def test_menu_refusals(sandbox: RunningBox, button: object, errcode: int) -> None:
    assert _errcode(sandbox, "create", {"button": button}) == errcode


@pytest.mark.parametrize(
    ("rule", "errcode"),
    [
        ({}, 65304),
        ({"sex": "1"}, 65320),
        ({"tag_id": "2", "language": "zh_CN"}, 65320),
        ({"tag_id": "77"}, 45159),
        ({"client_platform_type": "4"}, 40097),
    ],
)
def test_match_rule_refusals(sandbox: RunningBox, rule: object, errcode: int) -> None:
    _errcode(sandbox, "create", MENU)
    assert _errcode(sandbox, "addconditional", {"button": GOLD, "matchrule": rule}) == errcode
    assert _errcode(sandbox, "delconditional", {"menuid": "1"}) == 65301
    assert _errcode(sandbox, "trymatch", {"user_id": "nobody"}) == 46004


def test_conditional_menus_lead_to_three_domains(sandbox: RunningBox) -> None:
    _errcode(sandbox, "create", MENU)
    told = []
    for number in range(4):
        button = [{"type": "view", "name": "a", "url": f"https://d{number}.example/"}]
        asked = {"button": button, "matchrule": {"tag_id": "2"}}
        told.append(sandbox.call("/cgi-bin/menu/addconditional", asked).json().get("errcode", 0))
    assert told == [0, 0, 0, 65316]


def test_tapping_a_button_pushes_the_event_of_its_type(sandbox: RunningBox, ear: Ear) -> None:
    person = sandbox.person()
    _errcode(sandbox, "create", MENU)
    named = f"/persons/{person['id']}"
    assert sandbox.get(f"{named}/menu") == {"button": []}
    sandbox.post(f"{named}/follow")
    assert sandbox.get(f"{named}/menu") == {"button": MENU["button"]}
    sandbox.post(f"{named}/tap", name="门店")
    sandbox.post(f"{named}/tap", name="官网")
    sandbox.post(f"{named}/tap", name="scan", scan_result="6901234567892")
    sandbox.post(f"{named}/tap", name="晒单", count=2)
    sandbox.post(f"{named}/tap", name="位置", lat=22.5, lng=114.1, label="福田")
    events = [opened(sandbox, heard) for heard in ear.heard[1:]]
    assert [(event["Event"], event["EventKey"]) for event in events] == [
        ("CLICK", "stores"),
        ("VIEW", "https://lanxu.example/"),
        ("scancode_waitmsg", "scan"),
        ("pic_weixin", "show"),
        ("location_select", "place"),
    ]
    assert events[2]["ScanCodeInfo"] == {"ScanType": "qrcode", "ScanResult": "6901234567892"}
    pictures = events[3]["SendPicsInfo"]
    assert isinstance(pictures, dict)
    assert (pictures["Count"], len(pictures["PicList"]["item"])) == ("2", 2)
    place = events[4]["SendLocationInfo"]
    assert isinstance(place, dict)
    assert (place["Location_X"], place["Location_Y"], place["Label"]) == ("22.5", "114.1", "福田")
    assert sandbox.post(f"{named}/tap", 409, name="没有")["error"]["code"] == "NO_SUCH_BUTTON"
