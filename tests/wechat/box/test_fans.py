"""Fans and their tags, through wechatpy's own client."""

import pytest
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.wechat.box.world import RunningBox


def _fans(sandbox: RunningBox, *names: str) -> list[str]:
    openids = []
    for second, name in enumerate(names):
        sandbox.post("/clock", offset_s=second)
        person = sandbox.person(name)
        sandbox.post(f"/persons/{person['id']}/follow")
        openids.append(str(person["oa_openid"]))
    return openids


def test_followers_page_names_its_last_openid_and_the_page_behind_has_no_data(
    sandbox: RunningBox, client: WeChatClient
) -> None:
    openids = _fans(sandbox, "甲", "乙", "丙")
    sandbox.person("路人")
    assert client.user.get_followers() == {
        "total": 3,
        "count": 3,
        "data": {"openid": openids},
        "next_openid": openids[2],
    }
    assert client.user.get_followers(openids[0])["data"] == {"openid": openids[1:]}
    assert client.user.get_followers(openids[2]) == {"total": 3, "count": 0, "next_openid": ""}
    assert list(client.user.iter_followers()) == openids
    with pytest.raises(WeChatClientException) as refused:
        client.user.get_followers("nobody")
    assert refused.value.errcode == 40003


def test_nobody_follows(client: WeChatClient) -> None:
    assert client.user.get_followers() == {"total": 0, "count": 0, "next_openid": ""}


def test_batch_of_users_and_remarks(sandbox: RunningBox, client: WeChatClient) -> None:
    first, second = _fans(sandbox, "甲", "乙")
    assert client.user.update_remark(first, "老顾客") == {"errcode": 0, "errmsg": "ok"}
    told = client.user.get_batch([first, second])
    assert [(one["openid"], one["remark"]) for one in told] == [(first, "老顾客"), (second, "")]
    for openids, errcode in (([first] * 101, 40032), (["nobody"], 40003)):
        with pytest.raises(WeChatClientException) as refused:
            client.user.get_batch(openids)
        assert refused.value.errcode == errcode
    with pytest.raises(WeChatClientException) as refused:
        client.user.update_remark(first, "好" * 30)
    assert refused.value.errcode == 40097


def test_a_tag_lives(sandbox: RunningBox, client: WeChatClient) -> None:
    first, second = _fans(sandbox, "甲", "乙")
    tag = client.tag.create("会员")
    assert tag == {"id": 100, "name": "会员"}
    assert client.tag.tag_user(100, [first, second])["errcode"] == 0
    assert client.tag.tag_user(100, first)["errcode"] == 0
    assert client.tag.get_user_tag(first) == [100]
    assert client.user.get(first)["tagid_list"] == [100]
    assert client.tag.get_tag_users(100) == {
        "count": 2,
        "data": {"openid": [first, second]},
        "next_openid": second,
    }
    assert client.tag.get_tag_users(100, second) == {"count": 0}
    assert list(client.tag.iter_tag_users(100)) == [first, second]
    assert client.tag.update(100, "金卡会员")["errcode"] == 0
    assert {"id": 100, "name": "金卡会员", "count": 2} in client.tag.get()
    client.tag.untag_user(100, first)
    assert client.user.get(first)["tagid_list"] == []
    client.tag.delete(100)
    assert [one["id"] for one in client.tag.get()] == [1, 2]
    assert client.user.get(second)["tagid_list"] == []


@pytest.mark.parametrize(
    ("path", "asked", "errcode"),
    [
        ("create", {"tag": {"name": ""}}, 45157),
        ("create", {"tag": {"name": "长" * 31}}, 45158),
        ("create", {"tag": {"name": "会员"}}, 45157),
        ("update", {"tag": {"id": 1, "name": "x"}}, 45058),
        ("update", {"tag": {"id": 999, "name": "x"}}, 45159),
        ("delete", {"tag": {"id": 0}}, 45058),
        ("members/batchtagging", {"openid_list": [], "tagid": 100}, 40032),
        ("members/batchtagging", {"openid_list": ["o"] * 51, "tagid": 100}, 40032),
        ("members/batchtagging", {"openid_list": ["nobody"], "tagid": 100}, 40003),
        ("members/batchtagging", {"openid_list": ["<oa>"], "tagid": 101}, 45159),
        ("members/batchtagging", {"openid_list": ["<mp>"], "tagid": 100}, 49003),
        ("getidlist", {"openid": "nobody"}, 40003),
    ],
)
def test_tag_refusals(sandbox: RunningBox, path: str, asked: dict[str, object], errcode: int) -> None:
    person = sandbox.person()
    sandbox.call("/cgi-bin/tags/create", {"tag": {"name": "会员"}})
    if "openid_list" in asked:
        real = {"<oa>": person["oa_openid"], "<mp>": person["mp_openid"]}
        openids = asked["openid_list"]
        assert isinstance(openids, list)
        asked = asked | {"openid_list": [real.get(one, one) for one in openids]}
    assert sandbox.call(f"/cgi-bin/tags/{path}", asked).json()["errcode"] == errcode


def test_a_fan_has_at_most_20_tags_and_the_account_100(sandbox: RunningBox) -> None:
    (openid,) = _fans(sandbox, "甲")

    def tag(number: int) -> int:
        asked = {"openid_list": [openid], "tagid": number}
        return int(sandbox.call("/cgi-bin/tags/members/batchtagging", asked).json()["errcode"])

    for number in range(100):
        made = sandbox.call("/cgi-bin/tags/create", {"tag": {"name": f"标签{number}"}}).json()
        assert made["tag"]["id"] == 100 + number
    assert sandbox.call("/cgi-bin/tags/create", {"tag": {"name": "多"}}).json()["errcode"] == 45056
    assert [tag(100 + number) for number in range(21)] == [0] * 20 + [45059]


def test_black_list(sandbox: RunningBox, client: WeChatClient) -> None:
    first, second = _fans(sandbox, "甲", "乙")
    sandbox.call("/cgi-bin/tags/members/batchblacklist", {"openid_list": [first]})
    told = sandbox.call("/cgi-bin/tags/members/getblacklist", {"begin_openid": ""}).json()
    assert told == {"total": 1, "count": 1, "data": {"openid": [first]}, "next_openid": first}
    sandbox.call("/cgi-bin/tags/members/batchunblacklist", {"openid_list": [first]})
    assert sandbox.call("/cgi-bin/tags/members/getblacklist", {}).json()["count"] == 0
    many = {"openid_list": [second] * 21}
    assert sandbox.call("/cgi-bin/tags/members/batchblacklist", many).json()["errcode"] == 40032
