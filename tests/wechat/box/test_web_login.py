"""Web login: the authorize page, its codes, tokens of one user, snapshot visitors. Through wechatpy's WeChatOAuth."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from wechatpy.oauth import WeChatOAuth, WeChatOAuthException

from tests.wechat.box.world import Rerouted, RunningBox

BACK = "https://shop.example/wx?from=menu"


@pytest.fixture
def oauth(sandbox: RunningBox) -> Iterator[WeChatOAuth]:
    """wechatpy's web login with the scope of a full profile."""
    account = sandbox.told["oa"]
    oauth = WeChatOAuth(account["appid"], account["secret"], BACK, "snsapi_userinfo", "s1")
    oauth._http.mount("https://api.weixin.qq.com/", Rerouted(sandbox.base))
    yield oauth
    oauth._http.close()


def _visit(sandbox: RunningBox, url: str) -> str:
    parts = urlsplit(url)
    answer = sandbox.http.get(f"{sandbox.base}{parts.path}?{parts.query}", allow_redirects=False, timeout=5)
    return answer.headers.get("Location") or answer.text


def test_a_visitor_comes_back_with_a_code(sandbox: RunningBox, oauth: WeChatOAuth) -> None:
    person = sandbox.person("小 <兰>")
    page = _visit(sandbox, oauth.authorize_url.replace("#", "&box_person=nobody#"))
    assert "小 &lt;兰&gt;" in page
    back = urlsplit(_visit(sandbox, oauth.authorize_url.replace("#", f"&box_person={person['id']}#")))
    query = parse_qs(back.query)
    assert (back.netloc, query["from"], query["state"]) == ("shop.example", ["menu"], ["s1"])
    code = query["code"][0]
    told = oauth.fetch_access_token(code)
    assert told.keys() == {"access_token", "expires_in", "refresh_token", "openid", "scope", "unionid"}
    assert (told["openid"], told["unionid"]) == (person["oa_openid"], person["unionid"])
    assert oauth.check_access_token() is True
    info = oauth.get_user_info()
    assert (info["nickname"], info["sex"], info["city"], info["privilege"]) == ("小 <兰>", 0, "", [])
    with pytest.raises(WeChatOAuthException) as refused:
        oauth.fetch_access_token(code)
    assert refused.value.errcode == 40163


def test_tokens_of_users_end_and_are_renewed(sandbox: RunningBox, oauth: WeChatOAuth) -> None:
    person = sandbox.person()
    code = sandbox.post(f"/persons/{person['id']}/authorize", scope="snsapi_userinfo")["code"]
    first = oauth.fetch_access_token(code)
    sandbox.post("/clock", offset_s=7201)
    with pytest.raises(WeChatOAuthException) as refused:
        oauth.get_user_info()
    assert refused.value.errcode == 42001
    second = oauth.refresh_access_token(first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    assert oauth.get_user_info()["openid"] == person["oa_openid"]
    sandbox.post("/clock", offset_s=30 * 86400 + 1)
    for token, errcode in ((first["refresh_token"], 42002), ("x", 40030)):
        with pytest.raises(WeChatOAuthException) as refused:
            oauth.refresh_access_token(token)
        assert refused.value.errcode == errcode


def test_scope_base_has_no_unionid_and_no_profile(sandbox: RunningBox, oauth: WeChatOAuth) -> None:
    person = sandbox.person()
    told = oauth.fetch_access_token(sandbox.post(f"/persons/{person['id']}/authorize")["code"])
    assert "unionid" not in told
    with pytest.raises(WeChatOAuthException) as refused:
        oauth.get_user_info()
    assert refused.value.errcode == 48001
    with pytest.raises(WeChatOAuthException) as refused:
        oauth.get_user_info("another")
    assert refused.value.errcode == 40003


def test_snapshot_visitors_are_nobody(sandbox: RunningBox, oauth: WeChatOAuth) -> None:
    person = sandbox.person()
    ask = f"/persons/{person['id']}/authorize"
    told = [
        oauth.fetch_access_token(sandbox.post(ask, scope="snsapi_userinfo", snapshot=True)["code"])
        for _ in range(2)
    ]
    assert [one["is_snapshotuser"] for one in told] == [1, 1]
    assert len({told[0]["openid"], told[1]["openid"], person["oa_openid"]}) == 3
    assert told[0]["unionid"] != person["unionid"]
    assert oauth.get_user_info()["nickname"] == "微信用户"


def test_codes_live_five_minutes(sandbox: RunningBox, oauth: WeChatOAuth) -> None:
    code = sandbox.post(f"/persons/{sandbox.person()['id']}/authorize")["code"]
    sandbox.post("/clock", offset_s=300)
    for tried, errcode in ((code, 42003), ("never", 40029)):
        with pytest.raises(WeChatOAuthException) as refused:
            oauth.fetch_access_token(tried)
        assert refused.value.errcode == errcode


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"scope": ""}, "10010"),
        ({"redirect_uri": ""}, "10011"),
        ({"appid": ""}, "10012"),
        ({"redirect_uri": "shop.example"}, "10003"),
        ({"redirect_uri": "http://[x"}, "10003"),
        ({"scope": "snsapi_login"}, "10005"),
        ({"appid": "wx0"}, "40013"),
    ],
)
def test_authorize_page_refusals(sandbox: RunningBox, changes: dict[str, str], number: str) -> None:
    query = {
        "appid": sandbox.told["oa"]["appid"],
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "snsapi_base",
    }
    page = sandbox.http.get(f"{sandbox.base}/connect/oauth2/authorize", params=query | changes, timeout=5)
    assert f"（{number}）" in page.text
