"""Pushes of the mini-program: JSON and XML, plain and safe; opened by wechatpy."""

import json
from typing import Any

import pytest
import xmltodict
from wechatpy.crypto import PrpCrypto, WeChatCrypto
from wechatpy.utils import WeChatSigner, check_signature

from tests.wechat.box.world import Ear, Heard, RunningBox


def _crypto(sandbox: RunningBox) -> WeChatCrypto:
    account = sandbox.told["mp"]
    return WeChatCrypto(account["token"], account["aes_key"], account["appid"])


def opened_mp(sandbox: RunningBox, heard: Heard) -> dict[str, Any]:
    """The push as a dict, verified and decrypted by wechatpy."""
    query, account = heard.query, sandbox.told["mp"]
    check_signature(account["token"], query["signature"], query["timestamp"], query["nonce"])
    form = heard.headers["Content-Type"]
    text: Any = heard.body
    if query.get("encrypt_type") == "aes":
        outer = json.loads(text) if form == "application/json" else text
        text = _crypto(sandbox).decrypt_message(
            outer, query["msg_signature"], query["timestamp"], query["nonce"]
        )
    message: dict[str, Any] = json.loads(text) if form == "application/json" else xmltodict.parse(text)["xml"]
    assert message["ToUserName"] == account["original_id"]
    return message


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_both_forms_in_every_mode(sandbox: RunningBox, ear: Ear, form: str, mode: str) -> None:
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp", mp_push_mode=mode, mp_push_format=form)
    person = sandbox.person()
    ear.heard.clear()
    sandbox.post(f"/persons/{person['id']}/mp/contact", session_from="order:1")
    told = sandbox.post(f"/persons/{person['id']}/mp/say", text="在吗 ]]> <b>")
    assert told["delivery"]["verdict"] == "success"
    assert [heard.path for heard in ear.heard] == ["/mp", "/mp"]
    event, message = (opened_mp(sandbox, heard) for heard in ear.heard)
    assert (event["Event"], event["SessionFrom"]) == ("user_enter_tempsession", "order:1")
    assert (message["MsgType"], message["Content"]) == ("text", "在吗 ]]> <b>")
    assert str(message["MsgId"]) == told["message_id"]
    assert isinstance(message["CreateTime"], int if form == "json" else str)
    assert message["FromUserName"] == person["mp_openid"] == ear.heard[1].query["openid"]


def test_subscribe_events_lose_their_wrapper_in_json_only(sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp", mp_push_mode="plain")
    person = sandbox.person()
    ear.heard.clear()
    decide = f"/persons/{person['id']}/subscribe"
    sandbox.post(decide, template_id="t1")
    sandbox.post("/settings", mp_push_format="xml")
    sandbox.post(decide, template_id="t1", accept=False)
    one = {"TemplateId": "t1", "SubscribeStatusString": "accept", "PopupScene": "0"}
    told = [opened_mp(sandbox, heard) for heard in ear.heard]
    assert told[0]["List"] == one
    assert "SubscribeMsgPopupEvent" not in told[0]
    assert told[1]["SubscribeMsgPopupEvent"] == {"List": one | {"SubscribeStatusString": "reject"}}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"success", "success"),
        (b"", "empty"),
        (b"<html>", "fault"),
        (b'{"MsgType":"text"}', "fault"),
    ],
)
def test_verdicts_in_safe_json(sandbox: RunningBox, ear: Ear, answer: bytes, verdict: str) -> None:
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp")
    person = sandbox.person()
    ear.answer = lambda heard: (200, answer)
    told = sandbox.post(f"/persons/{person['id']}/mp/say", text="在吗")["delivery"]
    assert told["verdict"] == verdict
    lines = sandbox.get(f"/persons/{person['id']}/chat")["messages"]
    shown = [line["text"] for line in lines if line["type"] == "fault"]
    assert shown == (["该小程序提供的服务出现故障，请稍后再试"] if verdict == "fault" else [])


@pytest.mark.parametrize(
    ("inside", "verdict"),
    [(b'{"demo_resp":"good luck"}', "encrypted reply"), (b"[1]", "fault"), (b"\xff", "fault")],
)
def test_encrypted_answers(sandbox: RunningBox, ear: Ear, inside: bytes, verdict: str) -> None:
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp")
    stamp, nonce = "1713424427", "415670741"
    crypto = _crypto(sandbox)
    locked = PrpCrypto(crypto.key).encrypt(inside, sandbox.told["mp"]["appid"]).decode()
    signer = WeChatSigner()
    signer.add_data(sandbox.told["mp"]["token"], stamp, nonce, locked)
    answer = {"Encrypt": locked, "MsgSignature": signer.signature, "TimeStamp": int(stamp), "Nonce": nonce}
    ear.answer = lambda heard: (200, json.dumps(answer).encode())
    told = sandbox.post(f"/persons/{sandbox.person()['id']}/mp/say", text="在吗")["delivery"]
    assert told["verdict"] == verdict


def test_saving_the_callback_greets_it(sandbox: RunningBox, ear: Ear) -> None:
    ear.answer = lambda heard: (200, heard.query["echostr"].encode())
    assert sandbox.post("/settings", mp_callback_url=ear.url + "/mp")["mp_callback_check"]["ok"] is True
    query = ear.heard[0].query
    check_signature(sandbox.told["mp"]["token"], query["signature"], query["timestamp"], query["nonce"])


def test_any_event_can_be_told(sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp")
    person = sandbox.person()
    ear.heard.clear()
    fields = {"OpenID": person["mp_openid"], "AppID": sandbox.told["mp"]["appid"], "RevokeInfo": "8"}
    sandbox.post("/events", app="mp", person=person["id"], event="user_authorization_revoke", fields=fields)
    event = opened_mp(sandbox, ear.wait_for(1)[0])
    assert {name: event[name] for name in fields} == fields
    assert sandbox.post("/events", 400, event="x", fields={"Event": "y"})["error"]["code"] == "BAD_CALL"


def test_without_a_callback_nothing_is_said(sandbox: RunningBox) -> None:
    told = sandbox.post("/events", app="mp", event="trade_manage_remind_access_api", fields={"msg": "a"})
    assert told == {"delivery": None}
    person = sandbox.person()
    said = sandbox.post(f"/persons/{person['id']}/mp/say", text="在吗")["delivery"]
    assert said["state"] == "no_callback"
