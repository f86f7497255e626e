"""The mini-program's pushes from the box, in both forms and modes, through our own client."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.wechat.box.world import Ear, Heard, RunningBox, wait_until
from wechat import events as e
from wechat.http import Http
from wechat.mini_program import MediaType, MiniProgram, MiniProgramConfig, Place
from wechat.platform import stable_token
from wechat.replies import Nothing, Reply, TransferToStaff
from wechat.tokens import MemoryTokenStore, Tokens


def a_program(sandbox: RunningBox, *, safe: bool) -> MiniProgram:
    account, http = sandbox.told["mp"], Http()
    config = MiniProgramConfig(
        account["appid"],
        account["secret"],
        sandbox.base,
        token=account["token"],
        aes_keys=(account["aes_key"],),
        safe=safe,
    )
    fetch = stable_token(http, sandbox.base)
    return MiniProgram(config, http, Tokens(account["appid"], account["secret"], MemoryTokenStore(), fetch))


def answering(mp: MiniProgram, events: list[e.Event], reply: Reply) -> Callable[[Heard], tuple[int, bytes]]:
    """Opens each push, keeps its event, answers a message with `reply` and everything else with success."""
    pushes = mp.pushes
    assert pushes is not None

    def answer(heard: Heard) -> tuple[int, bytes]:
        push = pushes.open(heard.query, heard.body)
        events.append(push.event)
        said = reply if isinstance(push.event, e.Said) else Nothing()
        return 200, pushes.answer(push, said, now=datetime.now(UTC))

    return answer


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_what_happens_to_a_mini_program(sandbox: RunningBox, ear: Ear, form: str, mode: str) -> None:
    mp = a_program(sandbox, safe=mode == "safe")
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp", mp_push_mode=mode, mp_push_format=form)
    ear.heard.clear()
    events: list[e.Event] = []
    ear.answer = answering(mp, events, TransferToStaff())
    person = sandbox.person()
    named = f"/persons/{person['id']}"
    openid = mp.login(sandbox.post(f"{named}/mp/login")["code"]).openid
    sandbox.post(f"{named}/mp/contact", session_from="order:1")
    told = sandbox.post(f"{named}/mp/say", text="在吗 ]]> <b>")
    assert told["delivery"]["verdict"] == ("encrypted reply" if mode == "safe" else "reply")
    sandbox.post(f"{named}/subscribe", template_id="t1")
    wait_until(lambda: len(events) == 3)
    trace = mp.check_media("https://a.example/1.jpg", MediaType.IMAGE, openid=openid, place=Place.COMMENT)
    wait_until(lambda: len(events) == 4)
    entered, said, answered, checked = events
    assert isinstance(entered, e.ChatEntered)
    assert isinstance(said, e.Said)
    assert isinstance(answered, e.SubscriptionsAnswered)
    assert isinstance(checked, e.MediaChecked)
    assert (entered.session_from, said.text, said.message_id) == (
        "order:1",
        "在吗 ]]> <b>",
        told["message_id"],
    )
    assert answered.answers == (e.Subscription("t1", True, "0"),)
    assert (checked.trace_id, checked.error_code) == (trace, 0)
    assert {event.openid for event in events[:3]} == {openid}
