"""Content security, version 2; wechatpy knows only version 1, which is frozen and refused."""

import pytest
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.wechat.box.test_mp_pushes import opened_mp
from tests.wechat.box.world import Ear, RunningBox


def _visitor(sandbox: RunningBox, mp_client: WeChatClient) -> dict[str, str]:
    person = sandbox.person()
    mp_client.wxa.code_to_session(sandbox.post(f"/persons/{person['id']}/mp/login")["code"])
    return person


@pytest.mark.parametrize(
    ("content", "suggest", "label"),
    [("这件外套很暖和", "pass", 100), ("特价代开发票", "risky", 20008), ("好物加微信", "review", 10001)],
)
def test_texts(sandbox: RunningBox, mp_client: WeChatClient, content: str, suggest: str, label: int) -> None:
    person = _visitor(sandbox, mp_client)
    asked = {"content": content, "version": 2, "scene": 2, "openid": person["mp_openid"]}
    told = sandbox.call("/wxa/msg_sec_check", asked, app="mp").json()
    assert told.keys() == {"errcode", "errmsg", "detail", "trace_id", "result"}
    assert (told["errcode"], told["result"]) == (0, {"suggest": suggest, "label": label})
    assert [part["strategy"] for part in told["detail"]] == ["content_model", "keyword"]


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"content": ""}, 44002),
        ({"content": "字" * 2501}, 45002),
        ({"version": 1}, 40097),
        ({"scene": 5}, 40129),
        ({"openid": "nobody"}, 43104),
        ({"openid": "<away>"}, 61010),
    ],
)
def test_refusals(
    sandbox: RunningBox, mp_client: WeChatClient, changes: dict[str, object], errcode: int
) -> None:
    person = _visitor(sandbox, mp_client)
    if changes.get("openid") == "<away>":
        changes = {"openid": sandbox.person("不在")["mp_openid"]}
    asked = {"content": "a", "version": 2, "scene": 1, "openid": person["mp_openid"]} | changes
    assert sandbox.call("/wxa/msg_sec_check", asked, app="mp").json()["errcode"] == errcode


def test_the_frozen_version_of_wechatpy(sandbox: RunningBox, mp_client: WeChatClient) -> None:
    with pytest.raises(WeChatClientException) as refused:
        mp_client.wxa.check_text_security("a")
    assert refused.value.errcode == 40097


def test_media_results_are_pushed(sandbox: RunningBox, ear: Ear, mp_client: WeChatClient) -> None:
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp")
    ear.heard.clear()
    person = _visitor(sandbox, mp_client)
    asked = {"media_type": 2, "version": 2, "scene": 1, "openid": person["mp_openid"]}
    traces = []
    for url in ("https://cdn.example/a.jpg", "https://cdn.example/risky.jpg"):
        told = sandbox.call("/wxa/media_check_async", asked | {"media_url": url}, app="mp").json()
        assert told.keys() == {"errcode", "errmsg", "trace_id"}
        traces.append(told["trace_id"])
    events = {
        event["trace_id"]: event["result"]
        for event in (opened_mp(sandbox, heard) for heard in ear.wait_for(2))
        if event["Event"] == "wxa_media_check"
    }
    assert events == {
        traces[0]: {"suggest": "pass", "label": 100},
        traces[1]: {"suggest": "risky", "label": 20002},
    }


def test_one_medium_is_checked_once_at_a_time(sandbox: RunningBox, mp_client: WeChatClient) -> None:
    sandbox.post("/settings", media_check_delay_s=60)
    person = _visitor(sandbox, mp_client)
    asked = {
        "media_url": "https://cdn.example/a.jpg",
        "media_type": 2,
        "version": 2,
        "scene": 1,
        "openid": person["mp_openid"],
    }
    told = [sandbox.call("/wxa/media_check_async", asked, app="mp").json()["errcode"] for _ in range(2)]
    assert told == [0, 87020]
