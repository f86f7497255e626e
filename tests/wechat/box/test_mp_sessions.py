"""The session_key: when it changes, how it is proved, what it seals. Opened by wechatpy."""

import hashlib
import hmac
from typing import Any

import pytest
from wechatpy.client import WeChatClient
from wechatpy.crypto import WeChatWxaCrypto
from wechatpy.utils import check_wxa_signature

from tests.wechat.box.world import RunningBox


def _log_in(sandbox: RunningBox, mp_client: WeChatClient, person: dict[str, str]) -> str:
    code = sandbox.post(f"/persons/{person['id']}/mp/login")["code"]
    return str(mp_client.wxa.code_to_session(code)["session_key"])


def _signed(key: str) -> str:
    return hmac.new(key.encode(), b"", hashlib.sha256).hexdigest()


def _check(sandbox: RunningBox, call: str, **query: str) -> dict[str, Any]:
    given = {"sig_method": "hmac_sha256"} | query
    told: dict[str, Any] = sandbox.call(f"/wxa/{call}", app="mp", **given).json()
    return told


def test_every_third_login_brings_another_key(sandbox: RunningBox, mp_client: WeChatClient) -> None:
    person = sandbox.person()
    keys = [_log_in(sandbox, mp_client, person) for _ in range(7)]
    assert [key == keys[0] for key in keys] == [True] * 3 + [False] * 4
    assert keys[3] == keys[4] == keys[5] != keys[6]
    sandbox.post("/settings", session_key_every=0)
    assert {_log_in(sandbox, mp_client, person) for _ in range(4)} == {keys[6]}


def test_a_key_is_proved_and_renewed(sandbox: RunningBox, mp_client: WeChatClient) -> None:
    person = sandbox.person()
    openid, key = person["mp_openid"], _log_in(sandbox, mp_client, person)
    assert _check(sandbox, "checksession", openid=openid, signature=_signed(key)) == {
        "errcode": 0,
        "errmsg": "ok",
    }
    assert _check(sandbox, "checksession", openid=openid, signature=_signed(key).upper())["errcode"] == 0
    told = _check(sandbox, "resetusersessionkey", openid=openid, signature=_signed(key))
    assert told["openid"] == openid
    assert told["session_key"] != key
    assert _check(sandbox, "checksession", openid=openid, signature=_signed(key))["errcode"] == 87009
    assert (
        _check(sandbox, "checksession", openid=openid, signature=_signed(told["session_key"]))["errcode"] == 0
    )
    asked = {"openid": openid, "signature": _signed(told["session_key"]), "sig_method": "hmac_sha256"}
    assert sandbox.call("/wxa/checksession", asked, app="mp").json()["errcode"] == 0


@pytest.mark.parametrize(
    ("query", "errcode"),
    [({"sig_method": "md5"}, 87008), ({"openid": "nobody"}, 40003), ({"signature": "0"}, 87009)],
)
def test_check_refusals(
    sandbox: RunningBox, mp_client: WeChatClient, query: dict[str, str], errcode: int
) -> None:
    person = sandbox.person()
    right = {"openid": person["mp_openid"], "signature": _signed(_log_in(sandbox, mp_client, person))}
    assert _check(sandbox, "checksession", **(right | query))["errcode"] == errcode


def test_sealed_user_data(sandbox: RunningBox, mp_client: WeChatClient) -> None:
    person = sandbox.person()
    key = _log_in(sandbox, mp_client, person)
    sealed = sandbox.post(f"/persons/{person['id']}/mp/data")
    crypto = WeChatWxaCrypto(key, sealed["iv"], sandbox.told["mp"]["appid"])
    opened = crypto.decrypt_message(sealed["encryptedData"])
    assert (opened["openId"], opened["unionId"]) == (person["mp_openid"], person["unionid"])
    assert opened["watermark"]["appid"] == sandbox.told["mp"]["appid"]
    check_wxa_signature(key, sealed["rawData"], sealed["signature"])
    own = sandbox.post(f"/persons/{person['id']}/mp/data", stepInfoList=[{"timestamp": 1, "step": 100}])
    crypto = WeChatWxaCrypto(key, own["iv"], sandbox.told["mp"]["appid"])
    assert crypto.decrypt_message(own["encryptedData"])["stepInfoList"] == [{"timestamp": 1, "step": 100}]
    digest = hashlib.sha256(sealed["encryptedData"].encode()).hexdigest()
    told = sandbox.call("/wxa/business/checkencryptedmsg", {"encrypted_msg_hash": digest}, app="mp").json()
    assert (told["errcode"], told["vaild"]) == (0, True)
    told = sandbox.call("/wxa/business/checkencryptedmsg", {"encrypted_msg_hash": "0"}, app="mp").json()
    assert told["vaild"] is False


def test_risky_users_are_refused(sandbox: RunningBox) -> None:
    person = sandbox.person()
    code = sandbox.post(f"/persons/{person['id']}/mp/login", risky=True)["code"]
    account = sandbox.told["mp"]
    query = {"appid": account["appid"], "secret": account["secret"], "grant_type": "authorization_code"}
    told = sandbox.http.get(f"{sandbox.base}/sns/jscode2session", params=query | {"js_code": code}, timeout=5)
    assert told.json()["errcode"] == 40226
