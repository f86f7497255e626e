"""Access tokens: two families, lifetimes, one-time refreshes."""

import pytest
import requests
from wechatpy.client import WeChatClient

from tests.wechat.box.world import RunningBox


def _ask(sandbox: RunningBox, **changes: object) -> dict[str, object]:
    account = sandbox.told["oa"]
    asked = {
        "grant_type": "client_credential",
        "appid": account["appid"],
        "secret": account["secret"],
    } | changes
    answer = requests.post(f"{sandbox.base}/cgi-bin/stable_token", json=asked, timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; encoding=utf-8"
    content: dict[str, object] = answer.json()
    return content


def _user(sandbox: RunningBox, token: str) -> dict[str, object]:
    openid = sandbox.person()["oa_openid"]
    content: dict[str, object] = sandbox.call("/cgi-bin/user/info", access_token=token, openid=openid).json()
    return content


def test_stable_token_is_the_same_with_what_is_left_of_its_life(sandbox: RunningBox) -> None:
    first = _ask(sandbox)
    assert first.keys() == {"access_token", "expires_in"}
    assert first["expires_in"] == 7200
    sandbox.post("/clock", offset_s=1000)
    second = _ask(sandbox, force_refresh=False)
    assert second["access_token"] == first["access_token"]
    assert second["expires_in"] in (6199, 6200)


def test_stable_token_rotates_in_its_last_five_minutes_and_the_old_one_lives_on(sandbox: RunningBox) -> None:
    old = str(_ask(sandbox)["access_token"])
    sandbox.post("/clock", offset_s=6910)
    new = _ask(sandbox)
    assert new["access_token"] != old
    assert new["expires_in"] == 7200
    assert _user(sandbox, old)["subscribe"] == 0
    sandbox.post("/clock", offset_s=7201)
    assert _user(sandbox, old)["errcode"] == 42001


def test_forced_refresh_kills_the_old_token_and_is_limited(sandbox: RunningBox) -> None:
    old = str(_ask(sandbox)["access_token"])
    new = str(_ask(sandbox, force_refresh=True)["access_token"])
    assert new != old
    assert _user(sandbox, old)["errcode"] == 40001
    assert _ask(sandbox, force_refresh=True)["errcode"] == 45011
    for times in range(1, 20):
        sandbox.post("/clock", offset_s=31 * times)
        assert "access_token" in _ask(sandbox, force_refresh=True)
    sandbox.post("/clock", offset_s=31 * 20)
    assert _ask(sandbox, force_refresh=True)["errcode"] == 45009


def test_classic_token_by_wechatpy_leaves_its_predecessor_five_minutes(sandbox: RunningBox) -> None:
    account = sandbox.told["oa"]
    client = WeChatClient(account["appid"], account["secret"])
    client.API_BASE_URL = sandbox.base + "/cgi-bin/"
    query = {"grant_type": "client_credential", "appid": account["appid"], "secret": account["secret"]}
    tokens = [
        requests.get(f"{sandbox.base}/cgi-bin/token", params=query, timeout=5).json()["access_token"]
        for _ in range(2)
    ]
    assert tokens[0] != tokens[1]
    assert _user(sandbox, tokens[0])["subscribe"] == 0
    sandbox.post("/clock", offset_s=301)
    assert _user(sandbox, tokens[0])["errcode"] == 40001
    assert _user(sandbox, tokens[1])["subscribe"] == 0


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"grant_type": "x"}, 40002),
        ({"appid": ""}, 41002),
        ({"appid": "wx0"}, 40013),
        ({"secret": ""}, 41004),
        ({"secret": "0"}, 40125),
        ({"force_refresh": "yes"}, 40097),
    ],
)
def test_token_refusals(sandbox: RunningBox, changes: dict[str, object], errcode: int) -> None:
    refused = _ask(sandbox, **changes)
    assert refused["errcode"] == errcode


def test_error_texts_end_with_a_rid_and_come_as_200(sandbox: RunningBox) -> None:
    answer = sandbox.call("/cgi-bin/user/info", access_token="never-issued", openid="o")
    assert answer.status_code == 200
    text = answer.json()["errmsg"]
    assert text.startswith(
        "invalid credential, access_token is invalid or not latest, could get access_token by"
    )
    rid = text.rpartition(" rid: ")[2].split("-")
    assert [len(part) for part in rid] == [8, 8, 8]


def test_verbs_and_addresses_that_do_not_exist(sandbox: RunningBox) -> None:
    get = requests.get(f"{sandbox.base}/cgi-bin/stable_token", timeout=5).json()
    assert get["errcode"] == 43002
    post = requests.post(f"{sandbox.base}/cgi-bin/user/info", data=b"{}", timeout=5).json()
    assert post["errcode"] == 43001
    for path in ("/cgi-bin/nowhere", "/customservice/kfaccount/add", "/card/create"):
        for asked in (
            requests.get(sandbox.base + path, timeout=5),
            requests.post(sandbox.base + path, timeout=5),
        ):
            assert (asked.status_code, asked.json()["errcode"]) == (200, 40066)
    assert sandbox.http.get(f"{sandbox.base}/cgi-bin/user/info", timeout=5).json()["errcode"] == 41001


def test_all_tokens_can_be_killed(sandbox: RunningBox) -> None:
    token = sandbox.token()
    assert sandbox.post("/tokens/kill") == {"killed": 1}
    assert _user(sandbox, token)["errcode"] == 40001
    assert sandbox.token() != token
