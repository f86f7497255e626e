"""The process: its line, its memory over kill -9, its end."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.wechat.box.world import Ear, RunningBox, listening, wait_until


def test_state_survives_kill_9_and_deliveries_resume(tmp_path: Path) -> None:
    with listening() as ear:
        ear.answer = lambda heard: (500, b"")
        first = RunningBox(tmp_path, "--callback", ear.url + "/oa")
        first.post("/settings", push_retry_s=1)
        person = first.person()
        assert first.post(f"/persons/{person['id']}/follow")["delivery"]["state"] == "due"
        first.stop(kill=True)
        ear.answer = lambda heard: (200, b"")
        second = RunningBox(tmp_path)
        assert {name: second.told[name] for name in ("oa", "mp", "pay")} == {
            name: first.told[name] for name in ("oa", "mp", "pay")
        }
        ear.wait_for(2)
        wait_until(lambda: second.get("/deliveries")["deliveries"][0]["state"] == "done")
        assert second.get("/persons")["persons"][0]["subscribed"] is True
        assert second.stop() == 0


def test_delivery_under_way_at_kill_9_goes_out_again(tmp_path: Path) -> None:
    with listening() as ear:
        ear.answer = lambda heard: (time.sleep(0.5), (200, b"success"))[1]
        first = RunningBox(tmp_path, "--callback", ear.url + "/oa")
        person = first.person()
        url = f"{first.base}/box/persons/{person['id']}/follow"

        def follow() -> None:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(requests.post, url, timeout=5).exception()

        caller = threading.Thread(target=follow)
        caller.start()
        ear.wait_for(1)
        first.stop(kill=True)
        caller.join()
        second = RunningBox(tmp_path)
        assert ear.wait_for(2)[0].query["openid"] == person["oa_openid"]
        second.stop()


def test_sigterm_and_sigint_end_it_at_once_even_during_a_delivery(tmp_path: Path) -> None:
    with listening() as ear:
        ear.answer = lambda heard: (time.sleep(2), (200, b""))[1]
        for sign in (signal.SIGTERM, signal.SIGINT):
            sandbox = RunningBox(tmp_path / sign.name, "--callback", ear.url + "/oa")
            began = time.monotonic()
            sandbox.process.send_signal(sign)
            assert sandbox.process.wait(5) == 0
            assert time.monotonic() - began < 1
            assert sandbox.process.stdout is not None
            sandbox.process.stdout.close()
            sandbox.http.close()


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time\n"
        "box = subprocess.Popen([sys.executable, '-m', 'wechat.box', 'serve', '--state', sys.argv[1],"
        " '--exit-with-parent'], stdout=subprocess.PIPE)\n"
        "box.stdout.readline(); print(box.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not _alive(pid))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    # Nobody reaps an orphan in some containers: a zombie has ended, too.
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_taken_port_is_one_sentence_and_status_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "wechat.box", "serve", "--port", port, "--state", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert port in ended.stderr


def test_it_listens_on_loopback_only_and_keeps_its_state_private(sandbox: RunningBox, tmp_path: Path) -> None:
    assert sandbox.base.startswith("http://127.0.0.1:")
    other = RunningBox(tmp_path / "own")
    assert (tmp_path / "own").stat().st_mode & 0o077 == 0
    other.stop()


def test_many_threads_at_once(sandbox: RunningBox, ear: Ear) -> None:
    def live(number: int) -> str:
        with requests.Session() as session:

            def post(path: str, **content: object) -> dict[str, dict[str, str]]:
                answer = session.post(f"{sandbox.base}/box{path}", json=content, timeout=20)
                assert answer.ok, answer.text
                told: dict[str, dict[str, str]] = answer.json()
                return told

            person = post("/persons", name=f"人{number}")["person"]["id"]
            post(f"/persons/{person}/follow", scene=f"s:{number}")
            for line in range(5):
                post(f"/persons/{person}/say", text=f"第{line}句")
            return str(person)

    with ThreadPoolExecutor(8) as pool:
        persons = list(pool.map(live, range(16)))
    assert len(set(persons)) == 16
    assert len(ear.heard) == 16 * 6
    assert {one["state"] for one in sandbox.get("/deliveries", limit="1000")["deliveries"]} == {"done"}


def test_one_connection_carries_many_calls(sandbox: RunningBox) -> None:
    connection = http.client.HTTPConnection(sandbox.base.removeprefix("http://"), timeout=5)
    with contextlib.closing(connection):
        connection.connect()
        own = connection.sock.getsockname()
        for number in range(5):
            connection.request("POST", "/cgi-bin/token", b"x" * 5000, {"Content-Type": "text/plain"})
            answer = connection.getresponse()
            assert json.loads(answer.read())["errcode"] == 43001
            connection.request("POST", "/box/persons", iter([b'{"name":', b'"%d"}' % number]))
            assert connection.getresponse().read().startswith(b'{"person"')
            assert connection.sock.getsockname() == own
        connection.request("HEAD", "/cgi-bin/showqrcode")
        assert connection.getresponse().status == 404
        assert connection.sock.getsockname() == own


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /box/persons HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /box/persons HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n", b"413"),
        (b"POST /box/persons HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"NONSENSE\r\n\r\n", b"400"),
    ],
)
def test_broken_requests_are_answered_and_end_the_connection(
    sandbox: RunningBox, sent: bytes, status: bytes
) -> None:
    host, port = sandbox.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(sent)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert status in answer.split(b"\r\n")[0]


def test_body_that_waits_for_a_word_is_called_for_at_once(sandbox: RunningBox) -> None:
    host, port = sandbox.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        head = "POST /cgi-bin/token HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(b"{}")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
