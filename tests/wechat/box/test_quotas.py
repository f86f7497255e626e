"""Quotas by day and by minute, their resets, and the rest of what an account asks about itself."""

import hashlib

import pytest
from wechatpy.client import WeChatClient
from wechatpy.exceptions import APILimitedException

from tests.wechat.box.world import Ear, Heard, RunningBox


def _errcodes(sandbox: RunningBox, path: str, times: int) -> list[int]:
    return [int(sandbox.call(path).json().get("errcode", 0)) for _ in range(times)]


def _quota(sandbox: RunningBox, path: str) -> dict[str, object]:
    told: dict[str, object] = sandbox.call("/cgi-bin/openapi/quota/get", {"cgi_path": path}).json()
    return told


def test_a_day_is_used_up_and_a_new_one_begins_at_midnight_in_china(
    sandbox: RunningBox, client: WeChatClient
) -> None:
    sandbox.post("/settings", daily_limits={"/cgi-bin/user/get": 2})
    client.user.get_followers()
    client.user.get_followers()
    with pytest.raises(APILimitedException) as refused:
        client.user.get_followers()
    assert refused.value.errcode == 45009
    assert _quota(sandbox, "/cgi-bin/user/get")["quota"] == {"daily_limit": 2, "used": 2, "remain": 0}
    assert client.tag.get()
    sandbox.post("/clock", offset_s=86400)
    assert _errcodes(sandbox, "/cgi-bin/user/get", 3) == [0, 0, 45009]


def test_a_minute_is_used_up(sandbox: RunningBox) -> None:
    sandbox.post("/settings", minute_limits={"/cgi-bin/tags/get": 2})
    sandbox.token()
    told = _quota(sandbox, "/cgi-bin/tags/get")
    assert told["rate_limit"] == {"call_count": 2, "refresh_second": 60}
    assert told["quota"] == {"daily_limit": 1_000_000, "used": 0, "remain": 1_000_000}
    codes = _errcodes(sandbox, "/cgi-bin/tags/get", 5)
    assert codes.count(45011) in (1, 3)
    sandbox.post("/clock", offset_s=60)
    assert _errcodes(sandbox, "/cgi-bin/tags/get", 1) == [0]


def test_quotas_are_cleared_ten_times_a_month(sandbox: RunningBox) -> None:
    sandbox.post("/settings", daily_limits={"/cgi-bin/tags/get": 1})
    account = sandbox.told["oa"]
    own, secret = {"appid": account["appid"]}, {"appid": account["appid"], "appsecret": account["secret"]}
    for number in range(10):
        assert _errcodes(sandbox, "/cgi-bin/tags/get", 2) == [0, 45009]
        if number % 2:
            told = sandbox.http.post(f"{sandbox.base}/cgi-bin/clear_quota/v2", params=secret, timeout=5)
        else:
            told = sandbox.call("/cgi-bin/clear_quota", own)
        assert told.json() == {"errcode": 0, "errmsg": "ok"}
    assert sandbox.call("/cgi-bin/clear_quota", own).json()["errcode"] == 48006
    v2 = sandbox.http.post(f"{sandbox.base}/cgi-bin/clear_quota/v2", json=secret, timeout=5).json()
    assert v2["errcode"] == 48006
    sandbox.post("/clock", offset_s=31 * 86400)
    assert sandbox.call("/cgi-bin/clear_quota", own).json()["errcode"] == 0


def test_one_quota_is_cleared_alone(sandbox: RunningBox) -> None:
    sandbox.post("/settings", daily_limits={"/cgi-bin/tags/get": 1, "/cgi-bin/user/get": 1})
    for path in ("/cgi-bin/tags/get", "/cgi-bin/user/get"):
        _errcodes(sandbox, path, 1)
    told = sandbox.call("/cgi-bin/openapi/quota/clear", {"cgi_path": "/cgi-bin/tags/get"}).json()
    assert told["errcode"] == 0
    assert _errcodes(sandbox, "/cgi-bin/tags/get", 1) == [0]
    assert _errcodes(sandbox, "/cgi-bin/user/get", 1) == [45009]


@pytest.mark.parametrize(
    ("path", "asked", "errcode"),
    [
        ("/cgi-bin/openapi/quota/get", {"cgi_path": "/sns/jscode2session"}, 76022),
        ("/cgi-bin/openapi/quota/get", {"cgi_path": "cgi-bin/x"}, 76021),
        ("/cgi-bin/openapi/quota/get", {}, 76021),
        ("/cgi-bin/clear_quota", {"appid": "wx0"}, 40013),
        ("/cgi-bin/clear_quota/v2", {"appid": "wx0", "appsecret": "x"}, 40013),
        ("/cgi-bin/clear_quota/v2", {"appid": "<oa>", "appsecret": "x"}, 40125),
    ],
)
def test_quota_refusals(sandbox: RunningBox, path: str, asked: dict[str, str], errcode: int) -> None:
    if asked.get("appid") == "<oa>":
        asked = asked | {"appid": sandbox.told["oa"]["appid"]}
    assert sandbox.call(path, asked).json()["errcode"] == errcode


def test_a_ticket_for_pages_is_the_same_until_it_ends(sandbox: RunningBox, client: WeChatClient) -> None:
    first = client.jsapi.get_ticket()
    assert first.keys() == {"errcode", "errmsg", "ticket", "expires_in"}
    assert len(first["ticket"]) == 86
    sandbox.post("/clock", offset_s=1000)
    second = client.jsapi.get_ticket()
    assert second["ticket"] == first["ticket"]
    assert second["expires_in"] in (6199, 6200)
    sandbox.post("/clock", offset_s=6901)
    assert client.jsapi.get_ticket()["ticket"] != first["ticket"]
    assert client.jsapi.get_ticket("wx_card")["ticket"] != client.jsapi.get_ticket()["ticket"]
    url = "https://shop.example/?a=1"
    signed = client.jsapi.get_jsapi_signature("n", first["ticket"], 1700000000, url)
    text = f"jsapi_ticket={first['ticket']}&noncestr=n&timestamp=1700000000&url={url}"
    assert signed == hashlib.sha1(text.encode()).hexdigest()


def test_addresses_and_the_callback(sandbox: RunningBox, ear: Ear, client: WeChatClient) -> None:
    assert client.misc.get_wechat_ips() == ["127.0.0.1", "127.0.0.0/8"]
    ear.answer = lambda heard: (200, _echo(heard))
    asked = {"action": "all", "check_operator": "DEFAULT"}
    told = sandbox.call("/cgi-bin/callback/check", asked).json()
    assert told["ping"][0]["package_loss"] == "0%"
    assert sandbox.call("/cgi-bin/callback/check", asked | {"action": "x"}).json()["errcode"] == 40202
    assert sandbox.call("/cgi-bin/callback/check", asked | {"check_operator": ""}).json()["errcode"] == 40203
    assert sandbox.call("/cgi-bin/callback/check", asked, app="mp").json()["errcode"] == 40201


def _echo(heard: Heard) -> bytes:
    return heard.query["echostr"].encode()
