"""WeRoBot as the other end of pushes: it verifies, opens and answers what the box says.

What WeRoBot 1.13 cannot do because of its own faults, so that it is not asked here: it checks `signature` but
never that a safe-mode robot got an encrypted body; it knows no JSON pushes (mini-programs) and none of the
subscribe_msg_* and trade_manage_* events (they reach `unknown_event`); its client fetches tokens without a lock.
"""

from collections.abc import Callable
from typing import Any

import pytest
from werobot import WeRoBot

from tests.wechat.box.world import Ear, Heard, RunningBox


def _robot(sandbox: RunningBox, *, safe: bool) -> WeRoBot:
    account = sandbox.told["oa"]
    robot = WeRoBot(token=account["token"], SESSION_STORAGE=False)
    if safe:
        robot.config.update(APP_ID=account["appid"], ENCODING_AES_KEY=account["aes_key"])
    robot.subscribe(lambda message: f"欢迎, 来自 {message.key}" if message.key else "欢迎")
    robot.scan(lambda message: f"又见 {message.key}")
    robot.click(lambda message: f"点了 {message.key}")
    robot.text(lambda message: f"收到 {message.content}")
    robot.location(lambda message: f"位置 {message.location[0]}")
    robot.unsubscribe(lambda message: "")
    return robot


def _answering(robot: WeRoBot, heard_types: list[str]) -> Callable[[Heard], tuple[int, bytes]]:
    def answer(heard: Heard) -> tuple[int, bytes]:
        query = heard.query
        if not robot.check_signature(query["timestamp"], query["nonce"], query["signature"]):
            return 403, b""
        if heard.method == "GET":
            return 200, query["echostr"].encode()
        message: Any = robot.parse_message(
            heard.body, query["timestamp"], query["nonce"], query.get("msg_signature", "")
        )
        heard_types.append(message.type)
        return 200, robot.get_encrypted_reply(message).encode()

    return answer


@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_a_fan_talks_to_werobot(sandbox: RunningBox, ear: Ear, mode: str) -> None:
    types: list[str] = []
    ear.answer = _answering(_robot(sandbox, safe=mode == "safe"), types)
    check = sandbox.post("/settings", push_mode=mode, callback_url=ear.url + "/werobot")["callback_check"]
    assert check["ok"] is True
    named = f"/persons/{sandbox.person()['id']}"
    verdicts = [
        sandbox.post(f"{named}/{act}", **asked)["delivery"]["verdict"]
        for act, asked in (
            ("follow", {"scene": "s:1"}),
            ("scan", {"scene": "s:2"}),
            ("click", {"key": "门店"}),
            ("say", {"text": "在吗 <b>"}),
            ("locate", {"lat": 22.5, "lng": 114.1}),
            ("unfollow", {}),
        )
    ]
    word = "encrypted reply" if mode == "safe" else "reply"
    assert verdicts == [word] * 5 + ["empty"]
    assert types == [
        *("subscribe_event", "scan_event", "click_event", "text", "location"),
        "unsubscribe_event",
    ]
    lines = sandbox.get(f"{named}/chat")["messages"]
    assert [line["text"] for line in lines if line["from"] == "account"] == [
        "欢迎, 来自 qrscene_s:1",
        "又见 s:2",
        "点了 门店",
        "收到 在吗 <b>",
        "位置 22.5",
    ]


def test_werobot_refuses_a_wrong_signature_and_takes_the_next(sandbox: RunningBox, ear: Ear) -> None:
    types: list[str] = []
    ear.answer = _answering(_robot(sandbox, safe=True), types)
    sandbox.post("/faults", 201, kind="wrong_signature", what="subscribe", count=1)
    sandbox.post(f"/persons/{sandbox.person()['id']}/follow")
    ear.wait_for(2)
    assert types == ["subscribe_event"]
