"""Pushes to a callback, opened and answered by wechatpy; retries, verdicts, and what the fan sees."""

import base64
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
import xmltodict
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import create_reply
from wechatpy.utils import check_signature

from tests.wechat.box.world import Ear, Heard, RunningBox, wait_until

OUT_OF_ORDER = "该公众号提供的服务出现故障，请稍后再试"


def _crypto(sandbox: RunningBox) -> WeChatCrypto:
    account = sandbox.told["oa"]
    return WeChatCrypto(account["token"], account["aes_key"], account["appid"])


def opened(sandbox: RunningBox, heard: Heard) -> dict[str, Any]:
    """The push's XML as a dict, verified and decrypted by wechatpy."""
    query, xml = heard.query, heard.body
    check_signature(sandbox.told["oa"]["token"], query["signature"], query["timestamp"], query["nonce"])
    assert abs(int(query["timestamp"]) - time.time()) < 10
    if query.get("encrypt_type") == "aes":
        xml = _crypto(sandbox).decrypt_message(
            heard.body, query["msg_signature"], query["timestamp"], query["nonce"]
        )
    message: dict[str, Any] = xmltodict.parse(xml)["xml"]
    assert message["ToUserName"] == sandbox.told["oa"]["original_id"]
    assert message["FromUserName"] == query["openid"]
    return message


def _replying(sandbox: RunningBox, text: str, *, encrypt: bool) -> Callable[[Heard], tuple[int, bytes]]:
    def answer(heard: Heard) -> tuple[int, bytes]:
        query, xml = heard.query, heard.body
        if encrypt:
            xml = _crypto(sandbox).decrypt_message(
                xml, query["msg_signature"], query["timestamp"], query["nonce"]
            )
        reply = create_reply(text, parse_message(xml)).render()
        if encrypt:
            reply = _crypto(sandbox).encrypt_message(reply, query["nonce"], query["timestamp"])
        return 200, reply.encode()

    return answer


def _chat(sandbox: RunningBox, person: dict[str, str]) -> list[tuple[str, str]]:
    lines = sandbox.get(f"/persons/{person['id']}/chat")["messages"]
    return [(line["from"], line["text"]) for line in lines if line["type"] != "event"]


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_follow_through_a_code_then_scan_then_leave(sandbox: RunningBox, ear: Ear, mode: str) -> None:
    sandbox.post("/settings", push_mode=mode)
    person = sandbox.person()
    asked = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "s:1"}}}
    ticket = sandbox.call("/cgi-bin/qrcode/create", asked).json()["ticket"]
    followed = sandbox.post(f"/persons/{person['id']}/follow", ticket=ticket)["delivery"]
    assert (followed["state"], followed["status"], followed["verdict"]) == ("done", 200, "success")
    sandbox.post(f"/persons/{person['id']}/scan", scene="s:1")
    sandbox.post(f"/persons/{person['id']}/click", key="门店")
    sandbox.post(f"/persons/{person['id']}/view", url="https://lanxu.example/a?b=1&c=2")
    sandbox.post(f"/persons/{person['id']}/unfollow")
    for heard in ear.heard:
        assert heard.path == "/callbacks/wechat/oa"
        assert heard.headers["Content-Type"] == "text/xml"
        assert heard.query.get("encrypt_type") == (None if mode == "plain" else "aes")
        assert (b"<Encrypt>" in heard.body) == (mode != "plain")
        assert (b"<EventKey>" in heard.body) == (mode != "safe")
    events = [opened(sandbox, heard) for heard in ear.heard]
    seen = [(event["Event"], event.get("EventKey"), event.get("Ticket")) for event in events]
    assert seen == [
        ("subscribe", "qrscene_s:1", ticket),
        ("SCAN", "s:1", ticket),
        ("CLICK", "门店", None),
        ("VIEW", "https://lanxu.example/a?b=1&c=2", None),
        ("unsubscribe", None, None),
    ]


def test_plain_follow_has_an_empty_event_key_and_no_ticket(sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post(f"/persons/{sandbox.person()['id']}/follow")
    event = opened(sandbox, ear.heard[0])
    assert event["EventKey"] is None
    assert "Ticket" not in event


def test_stranger_who_scans_is_silent_until_she_follows(sandbox: RunningBox, ear: Ear) -> None:
    person = sandbox.person()
    scanned = sandbox.post(f"/persons/{person['id']}/scan", scene="s:9")
    assert scanned == {"delivery": None, "shows": "card"}
    assert ear.heard == []
    sandbox.post(f"/persons/{person['id']}/follow")
    assert opened(sandbox, ear.heard[0])["EventKey"] == "qrscene_s:9"


def test_picture_of_a_code_can_be_scanned(sandbox: RunningBox, ear: Ear) -> None:
    person = sandbox.person()
    asked = {"action_name": "QR_SCENE", "action_info": {"scene": {"scene_id": 77}}, "expire_seconds": 60}
    ticket = sandbox.call("/cgi-bin/qrcode/create", asked).json()["ticket"]
    shown = sandbox.http.get(
        f"{sandbox.base}/cgi-bin/showqrcode", params={"ticket": ticket}, timeout=5
    ).content
    image = base64.b64encode(shown).decode()
    sandbox.post(f"/persons/{person['id']}/follow", image=image)
    assert opened(sandbox, ear.heard[0])["EventKey"] == "qrscene_77"
    sandbox.post("/clock", offset_s=61)
    gone = sandbox.post(f"/persons/{person['id']}/scan", 404, image=image)
    assert gone["error"]["code"] == "NO_SUCH_CODE"
    assert len(ear.heard) == 1


@pytest.mark.parametrize(("mode", "encrypt"), [("plain", False), ("safe", True)])
def test_reply_reaches_the_chat(sandbox: RunningBox, ear: Ear, mode: str, encrypt: bool) -> None:
    sandbox.post("/settings", push_mode=mode)
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    ear.answer = _replying(sandbox, "欢迎 <光临> & 您好", encrypt=encrypt)
    said = sandbox.post(f"/persons/{person['id']}/say", text="你好 ]]> <b>&")
    assert said["delivery"]["verdict"] == ("encrypted reply" if encrypt else "reply")
    assert _chat(sandbox, person) == [("fan", "你好 ]]> <b>&"), ("account", "欢迎 <光临> & 您好")]
    message = opened(sandbox, ear.heard[1])
    assert message["Content"] == "你好 ]]> <b>&"
    assert message["MsgId"] == said["message_id"]
    assert 2**53 < int(said["message_id"]) < 2**63


def test_location_message(sandbox: RunningBox, ear: Ear) -> None:
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    sandbox.post(f"/persons/{person['id']}/locate", lat=31.2304, lng=121.4737, label="人民广场")
    message = parse_message(
        _crypto(sandbox).decrypt_message(
            ear.heard[1].body,
            *(ear.heard[1].query[name] for name in ("msg_signature", "timestamp", "nonce")),
        )
    )
    assert message.type == "location"
    assert (message.location_x, message.location_y, message.label) == ("31.2304", "121.4737", "人民广场")


def test_retries_repeat_the_message_with_a_new_nonce_and_then_the_fan_sees_a_fault(
    sandbox: RunningBox, ear: Ear
) -> None:
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    ear.answer = lambda heard: (500, b"oops")
    first = sandbox.post(f"/persons/{person['id']}/say", text="在吗")["delivery"]
    assert (first["state"], first["status"], first["answer"], len(first["attempts"])) == (
        "due",
        500,
        "oops",
        1,
    )
    ear.wait_for(5)
    wait_until(lambda: sandbox.get("/deliveries")["deliveries"][0]["state"] == "failed")
    tries = [opened(sandbox, heard) for heard in ear.heard[1:]]
    assert len(tries) == 4
    assert len({(one["MsgId"], one["CreateTime"], one["Content"]) for one in tries}) == 1
    assert len({heard.query["nonce"] for heard in ear.heard[1:]}) == 4
    assert _chat(sandbox, person) == [("fan", "在吗"), ("wechat", OUT_OF_ORDER)]


def test_slow_callback_is_dropped_and_asked_again(sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", push_timeout_s=0.2)
    person = sandbox.person()
    slow = iter([True])

    def answer(heard: Heard) -> tuple[int, bytes]:
        if next(slow, False):
            time.sleep(0.4)
        return 200, b"success"

    ear.answer = answer
    first = sandbox.post(f"/persons/{person['id']}/follow")["delivery"]
    assert (first["verdict"], first["status"]) == ("no answer", None)
    wait_until(lambda: sandbox.get("/deliveries")["deliveries"][0]["state"] == "done")
    assert len(ear.heard) == 2


@pytest.mark.parametrize(
    ("body", "verdict", "shown"),
    [
        (b"success", "success", []),
        (b"", "empty", []),
        (b'{"ok":true}', "fault", [("wechat", OUT_OF_ORDER)]),
        (b'"success"', "fault", [("wechat", OUT_OF_ORDER)]),
        (b"<xml><MsgType>text</MsgType></xml>", "fault", [("wechat", OUT_OF_ORDER)]),
        (b"<html>", "fault", [("wechat", OUT_OF_ORDER)]),
        (b"<!DOCTYPE x><xml/>", "fault", [("wechat", OUT_OF_ORDER)]),
    ],
)
def test_verdicts_in_plain_mode(
    sandbox: RunningBox, ear: Ear, body: bytes, verdict: str, shown: list[tuple[str, str]]
) -> None:
    sandbox.post("/settings", push_mode="plain")
    person = sandbox.person()
    ear.answer = lambda heard: (200, body)
    delivery = sandbox.post(f"/persons/{person['id']}/follow")["delivery"]
    assert (delivery["verdict"], len(delivery["attempts"])) == (verdict, 1)
    assert _chat(sandbox, person) == shown


def test_safe_mode_wants_its_reply_encrypted(sandbox: RunningBox, ear: Ear) -> None:
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    plain = f"""<xml><ToUserName>{person["oa_openid"]}</ToUserName>
        <FromUserName>{sandbox.told["oa"]["original_id"]}</FromUserName><CreateTime>1</CreateTime>
        <MsgType>text</MsgType><Content>hi</Content></xml>"""
    ear.answer = lambda heard: (200, plain.encode())
    assert sandbox.post(f"/persons/{person['id']}/say", text="a")["delivery"]["verdict"] == "fault"
    sandbox.post("/settings", push_mode="plain")
    assert sandbox.post(f"/persons/{person['id']}/say", text="a")["delivery"]["verdict"] == "reply"


def test_duplicate_pushes_on_demand(sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", faults={"duplicate_pushes": 1})
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    ear.wait_for(2)
    assert opened(sandbox, ear.heard[0]) == opened(sandbox, ear.heard[1])
    sandbox.post(f"/persons/{person['id']}/say", text="a")
    time.sleep(0.1)
    assert len(ear.heard) == 3


def test_saving_a_callback_greets_it(sandbox: RunningBox, ear: Ear) -> None:
    ear.answer = lambda heard: (200, heard.query["echostr"].encode())
    check = sandbox.post("/settings", callback_url=ear.url + "/here?a=1")["callback_check"]
    assert check["ok"] is True
    query = ear.heard[0].query
    assert query["a"] == "1"
    check_signature(sandbox.told["oa"]["token"], query["signature"], query["timestamp"], query["nonce"])
    ear.answer = lambda heard: (200, b'"' + heard.query["echostr"].encode() + b'"')
    assert sandbox.post("/settings", callback_url=ear.url + "/here")["callback_check"]["ok"] is False


def test_delivery_can_be_sent_again(sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", callback_url=None)
    person = sandbox.person()
    delivery = sandbox.post(f"/persons/{person['id']}/follow")["delivery"]
    assert delivery["state"] == "no_callback"
    sandbox.post("/settings", callback_url=ear.url + "/late")
    ear.heard.clear()
    again = sandbox.post(f"/deliveries/{delivery['id']}/again")["delivery"]
    assert (again["state"], again["verdict"]) == ("done", "success")
    assert opened(sandbox, ear.heard[0])["Event"] == "subscribe"


def test_what_a_phone_refuses(sandbox: RunningBox) -> None:
    person = sandbox.person("小澜")
    named = f"/persons/{person['name']}"
    assert sandbox.post(f"{named}/say", 409, text="a")["error"]["code"] == "NOT_FOLLOWING"
    sandbox.post(f"{named}/follow")
    assert sandbox.post(f"{named}/follow", 409)["error"]["code"] == "ALREADY_FOLLOWING"
    assert sandbox.post("/persons/p0/say", 404, text="a")["error"]["code"] == "NO_SUCH_PERSON"
    assert sandbox.post(f"{named}/say", 400, text=" ")["error"]["code"] == "BAD_CALL"
    assert sandbox.post(f"{named}/follow", 404, ticket="x")["error"]["code"] == "NO_SUCH_CODE"
    assert sandbox.post("/settings", 400, speed=1)["error"]["code"] == "BAD_CALL"
    assert sandbox.post("/settings", 400, faults={"flood": 1})["error"]["code"] == "BAD_CALL"
    assert unquote(sandbox.get(named)["person"]["name"]) == "小澜"


def test_pages_of_other_origins_may_not_steer(sandbox: RunningBox) -> None:
    answer = sandbox.http.post(
        f"{sandbox.base}/box/persons",
        json={"name": "x"},
        headers={"Origin": "http://evil.example"},
        timeout=5,
    )
    assert answer.status_code == 403
    same = sandbox.http.post(
        f"{sandbox.base}/box/persons", json={"name": "x"}, headers={"Origin": sandbox.base}, timeout=5
    )
    assert same.status_code == 201
