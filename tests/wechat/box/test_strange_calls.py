"""Calls that no honest client makes: every address answers each of them with an errcode, never with a crash."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.wechat.box.world import RunningBox
from wechat.box import open_doors
from wechat.box.control_open import DOORS as CONTROL

_SOURCES = Path(open_doors.__file__).parent
_NAMES = sorted(
    {
        name
        for path in _SOURCES.glob("*.py")
        for name in re.findall(
            r'(?:\.get\(|asked\[|given\[|, )"([a-z_]{2,24})"', path.read_text(encoding="utf-8")
        )
    }
)
_JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    "a",
    "1",
    "²",
    "\x00",
    "兰" * 40,
    [],
    [None],
    [{}],
    [[]],
    {},
    {"value": None},
    {"List": []},
]


def _bodies(known: list[str], seed: str, count: int) -> list[Any]:
    chance = random.Random(seed)
    bodies: list[Any] = [[], "a", 5, None]
    for _ in range(count):
        names = chance.sample(_NAMES, 12)
        body = {name: chance.choice(_JUNK) for name in names}
        for name in chance.sample(known, min(len(known), 6)):
            inner = {other: chance.choice(_JUNK) for other in chance.sample(known, min(len(known), 4))}
            body[name] = chance.choice([*_JUNK, inner, [inner]])
        bodies.append(body)
    return bodies


def _names_in(view: Any) -> list[str]:
    path = Path(view.__code__.co_filename)
    texts = [path.read_text(encoding="utf-8")]
    beside = path.with_name(path.name.replace("_api", ""))
    rules = path.with_name(path.name.replace("_api", "_rules"))
    texts += [one.read_text(encoding="utf-8") for one in (beside, rules) if one.exists()]
    return sorted({name for text in texts for name in re.findall(r'"([a-z_]{2,24})"', text)})


@pytest.mark.parametrize("door", open_doors.DOORS, ids=lambda door: door[1])
def test_strange_bodies_and_queries(sandbox: RunningBox, door: tuple[str, str, Any]) -> None:
    verb, path, view = door
    person = sandbox.person()
    known = _names_in(view)
    tokens = {app: sandbox.token(app) for app in ("oa", "mp")}
    for number, body in enumerate(_bodies(known, path, 12)):
        app = "mp" if number % 2 else "oa"
        query = {"access_token": tokens[app]}
        if isinstance(body, dict):
            body |= (
                {"openid": person[f"{app}_openid"], "touser": person[f"{app}_openid"]} if number % 3 else {}
            )
        if verb == "GET":
            query |= {} if not isinstance(body, dict) else {name: str(one) for name, one in body.items()}
            query["access_token"] = tokens[app]
            answer = sandbox.http.get(sandbox.base + path, params=query, allow_redirects=False, timeout=5)
        else:
            data = json.dumps(body).encode()
            answer = sandbox.http.post(sandbox.base + path, params=query, data=data, timeout=5)
        assert answer.status_code < 500, (body, answer.text)


@pytest.mark.parametrize("door", CONTROL, ids=lambda door: f"{door[0]} {door[1]}")
def test_strange_steering(sandbox: RunningBox, door: tuple[str, str, Any]) -> None:
    verb, path, view = door
    person = sandbox.person()
    sandbox.post(f"/persons/{person['id']}/follow")
    url = f"{sandbox.base}/box{path}".replace("<key>", person["id"]).replace("<int:rule>", "1")
    for body in _bodies(_names_in(view), path, 8):
        answer = sandbox.http.request(verb, url, json=body, timeout=30)
        assert answer.status_code < 500, (body, answer.text)
        sandbox.http.delete(f"{sandbox.base}/box/faults", timeout=5)
