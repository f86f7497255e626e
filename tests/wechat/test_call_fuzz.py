"""Whatever stands in an answer or a push, a call ends in a value or in an error of ours, and an event is made
or refused; nothing else is ever raised."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wechat.apps import FAN, a_program, an_account
from tests.wechat.local import Call, Line, Say, serving
from tests.wechat.test_mp_calls import CASES as MP_CASES
from tests.wechat.test_oa_calls import CASES as OA_CASES
from tests.wechat.test_push_kinds import COMMON, EVENTS, MESSAGES
from wechat.errors import Malformed, WeChatError
from wechat.events import Event
from wechat.naming import event_of

JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**63, 10**30, 1.5, "", "x", "-", "１", "9" * 40, "1e999", "-0"),
    *([], {}, [[]], [{}], [None], [1], ["a", 1], {"a": 1}, {"openid": [1]}, {"item": [{}]}),
]
junk = st.sampled_from(JUNK) | st.text(max_size=5) | st.integers() | st.floats(allow_nan=False)


def bent(value: Any) -> st.SearchStrategy[Any]:
    """The value with some of its parts replaced or left out."""
    if isinstance(value, dict):
        return st.fixed_dictionaries(
            {}, optional={name: st.one_of(bent(part), junk) for name, part in value.items()}
        )
    if isinstance(value, list) and value:
        return st.lists(st.one_of(bent(value[0]), junk), max_size=3)
    return st.just(value)


def answers(said: bytes | Say) -> st.SearchStrategy[bytes]:
    body = said.body if isinstance(said, Say) else said
    try:
        true = json.loads(body)
    except ValueError:
        return st.one_of(st.binary(max_size=30), junk.map(lambda x: json.dumps(x).encode()))
    return st.one_of(bent(true), junk).map(lambda x: json.dumps(x).encode())


class Changing:
    """A server whose answer the test changes."""

    def __init__(self) -> None:
        self.body = b"{}"

    def __call__(self, call: Call) -> Say:
        return Say(body=self.body)


@pytest.fixture(scope="module")
def line() -> Iterator[tuple[Line, Changing]]:
    changing = Changing()
    with serving(changing) as line:
        yield line, changing


ALL = [("oa", name) for name in OA_CASES] + [("mp", name) for name in MP_CASES]


@pytest.mark.parametrize(("app", "name"), ALL)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_answer(app: str, name: str, line: tuple[Line, Changing], data: st.DataObject) -> None:
    case = OA_CASES[name] if app == "oa" else MP_CASES[name]
    server, changing = line
    server.calls.clear()
    changing.body = data.draw(answers(case.said))
    make: Callable[[Line], object] = an_account if app == "oa" else a_program
    said = ""
    try:
        case.act(make(server))
    except WeChatError as error:
        said = str(error)
    assert FAN not in said


PUSHES = [{"MsgType": "event", "Event": name} | fields for name, fields, _, _ in EVENTS]
PUSHES += [fields for fields, _, _ in MESSAGES]


@given(st.sampled_from(PUSHES).flatmap(lambda fields: bent(COMMON | fields)))
@settings(max_examples=400)
def test_any_push(fields: dict[str, Any]) -> None:
    try:
        event = event_of("wx1", fields)
    except Malformed:
        return
    assert isinstance(event, Event)
    assert len(event.dedupe_key) <= 64
