"""Strangers at the box's door: pages under a name of their own, numbers that are none, a second box."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.wechat.box.world import RunningBox


@pytest.mark.parametrize("path", ["/", "/box/", "/box/about", "/box/persons", "/box/house/api/x"])
def test_a_page_that_points_its_own_name_at_this_machine_gets_nothing(sandbox: RunningBox, path: str) -> None:
    port = sandbox.control.rpartition(":")[2]
    for host in (f"evil.example:{port}", f"127.0.0.1.evil.example:{port}", f"localhost.evil.example:{port}"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        answer = requests.get(sandbox.control + path, headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FOREIGN_HOST")
    for host in (
        f"127.0.0.1:{port}",
        f"localhost:{port}",
        f"[::1]:{port}",
        "api.weixin.qq.com",
        "wechat-box",
    ):
        answer = requests.get(sandbox.control + path, headers={"Host": host}, timeout=5)
        assert "FOREIGN_HOST" not in answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/clock", '{"offset_s": NaN}'),
        ("/settings", '{"push_timeout_s": Infinity}'),
        ("/settings", '{"push_retries": 1e308}'),
        ("/settings", '{"callback_url": "http://["}'),
        ("/settings", '{"callback_url": "http://x:99999/"}'),
        ("/settings", '{"callback_url": "http://x/\\r\\ny"}'),
        ("/settings", '{"faults": {"delay_notices_s": 1e999}}'),
        ("/faults", '{"kind": "slow", "value": Infinity}'),
    ],
)
def test_a_value_that_would_stop_the_box_is_refused(sandbox: RunningBox, path: str, body: str) -> None:
    answer = requests.post(f"{sandbox.control}/box{path}", data=body, timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_CALL")


def test_a_second_box_on_the_same_folder_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    first = RunningBox(tmp_path)
    command = [sys.executable, "-m", "wechat.box", "serve", "--state", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "another box" in ended.stderr
    assert "Traceback" not in ended.stderr
    first.stop(kill=True)
    again = RunningBox(tmp_path)
    assert json.dumps(again.told["oa"]) == json.dumps(first.told["oa"])
    again.stop()
