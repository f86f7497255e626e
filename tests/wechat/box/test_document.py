"""The document about the box is true: its table names every call, its examples work, its faults exist."""

import json
import re
import shlex
from pathlib import Path

from tests.wechat.box.world import RunningBox
from wechat.box import fault_rules, web

DOCUMENT = (Path(__file__).parents[3] / "docs/wechat-in-a-box.md").read_text(encoding="utf-8")
CURLS = re.findall(r"^curl .+$", DOCUMENT, re.MULTILINE)


def _part(heading: str) -> str:
    return DOCUMENT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_the_table_names_every_call_of_the_control_api() -> None:
    told = re.findall(r"^\| `(GET|POST|DELETE) /box(\S+)` \|", _part("The control API"), re.MULTILINE)
    names = {"<p>": "<key>", "<id>": "<int:delivery>", "<rule>": "<int:rule>"}
    paths = [(verb, re.sub(r"<\w+>", lambda name: names.get(name[0], name[0]), path)) for verb, path in told]
    assert len(paths) == len(set(paths))
    # The page's own two doors answer pictures and a file, not the JSON of the control API.
    pages = {("GET", "/qr"), ("GET", "/bills/<kind>")}
    assert set(paths) == {(verb, path) for verb, path, _ in web.CONTROL} | pages


def test_the_examples_work_in_their_order(sandbox: RunningBox) -> None:
    assert len(CURLS) == 16
    for line in CURLS:
        words = shlex.split(line.replace("$BOX", sandbox.base))
        url = next(word for word in words if word.startswith("http"))
        data = words[words.index("-d") + 1] if "-d" in words else None
        verb = words[words.index("-X") + 1] if "-X" in words else "GET" if data is None else "POST"
        answer = sandbox.http.request(verb, url, data=data and data.encode(), timeout=10)
        assert answer.status_code in (200, 201), (line, answer.text)
        json.loads(answer.text)
    assert sandbox.get("/faults") == {"rules": []}


def test_every_kind_of_fault_is_told() -> None:
    part = _part("Inject a fault")
    kinds = {
        kind for kind in fault_rules.CALL_KINDS | fault_rules.DELIVERY_KINDS if not re.match(r"-?\d+$", kind)
    }
    assert {kind for kind in kinds if f"`{kind}`" not in part} == set()


def test_every_setting_that_is_told_exists(sandbox: RunningBox) -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", _part("Settings"), re.MULTILINE)
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(told) > 15
    assert set(told) - sandbox.get("/settings").keys() == set()
