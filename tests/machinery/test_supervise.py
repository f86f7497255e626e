"""Supervision: who dies comes back, who was started is stopped, and nobody survives a starter, however it
ends.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.children import Child, born, read_register, stop
from scripts.supervise import ROOT, Family, Spec, StartFailed
from tests.machinery.checkouts import alive, wait_for

SLEEP = ["sleep", "600"]
# Says its name into a file when it is asked to end; "deaf" says it and stays.
TELLS = """
import signal, sys, time
name, place = sys.argv[1:]
def asked(*_):
    with open(place, "a") as file:
        file.write(name + "\\n")
    if name != "deaf":
        sys.exit(0)
signal.signal(signal.SIGTERM, asked)
open(place + "." + name, "w").close()
time.sleep(600)
"""
# A starter of two processes, one of which does not listen to polite requests.
STARTER = """
import sys, time
from pathlib import Path
from scripts.supervise import Family, Spec
home = Path(sys.argv[1])
with Family(home, remove=[home / "scratch"]) as family:
    (home / "scratch").mkdir()
    family.start(Spec("plain", ["sleep", "600"], None, grace_s=1))
    family.start(Spec("deaf", ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], None, grace_s=1))
    print("up", flush=True)
    time.sleep(600)
"""


def _tells(name: str, place: Path, **more: float) -> Spec:
    return Spec(name, [sys.executable, "-c", TELLS, name, str(place)], None, **more)  # type: ignore[arg-type]  # grace_s


def _start_starter(home: Path) -> tuple[subprocess.Popen[str], list[int]]:
    argv = [sys.executable, "-c", STARTER, str(home)]
    starter = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert starter.stdout is not None
    assert starter.stdout.readline() == "up\n"
    (register,) = home.glob("children-*.json")
    children = read_register(register)
    assert [child.name for child in children] == ["plain", "deaf"]
    return starter, [child.pid for child in children]


def test_who_dies_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    with Family(tmp_path, say=said.append) as family:
        family.start(Spec("sleeper", SLEEP, tmp_path / "sleeper.log"))
        first = family.pid("sleeper")
        os.kill(first, signal.SIGKILL)
        family_lives = lambda: family.tick() or family.pid("sleeper") != first  # noqa: E731 - ticks while it waits
        wait_for(family_lives, "a new process")
        assert born(family.pid("sleeper")) is not None
    assert said == [f"sleeper ended (signal 9); starting it again in 0.5 s (log: {tmp_path}/sleeper.log)"]


def test_the_pauses_grow(tmp_path: Path) -> None:
    said: list[str] = []
    with Family(tmp_path, say=said.append) as family:
        family.start(Spec("weak", ["false"], tmp_path / "weak.log"))
        wait_for(lambda: family.tick() or len(said) == 3, "three deaths")
    assert [re.findall(r"in ([\d.]+) s ", line) for line in said] == [["0.5"], ["1"], ["2"]]


def test_the_youngest_is_stopped_first(tmp_path: Path) -> None:
    place = tmp_path / "ends"
    with Family(tmp_path) as family:
        for name in ("first", "second", "third"):
            family.start(_tells(name, place))
            wait_for(Path(f"{place}.{name}").exists, name)
    assert place.read_text() == "third\nsecond\nfirst\n"


def test_a_second_request_shortens_the_waiting(tmp_path: Path) -> None:
    place = tmp_path / "ends"
    with Family(tmp_path) as family:
        family.start(_tells("deaf", place, grace_s=600))
        wait_for(Path(f"{place}.deaf").exists, "deaf")
        pid = family.pid("deaf")
        family.hurried = True
        began = time.monotonic()
    assert 1 <= time.monotonic() - began < 5
    assert alive([pid]) == []


def test_who_cannot_start_says_why(tmp_path: Path) -> None:
    with Family(tmp_path) as family:
        argv = ["sh", "-c", "echo no such book >&2; exit 3"]
        family.start(Spec("reader", argv, tmp_path / "reader.log"))
        with pytest.raises(StartFailed, match=r"^reader did not start: no such book \(log: .*reader\.log\)$"):
            family.wait("reader", lambda: False, timeout_s=10)


def test_a_task_is_run_to_its_end_and_not_again(tmp_path: Path) -> None:
    with Family(tmp_path) as family:
        assert family.run(Spec("task", ["sh", "-c", "exit 4"], tmp_path / "task.log")) == 4
        assert next(tmp_path.glob("children-*.json")).read_text() == "[]\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_nobody_survives_the_starter(tmp_path: Path, number: int) -> None:
    starter, pids = _start_starter(tmp_path)
    starter.send_signal(number)
    _reap(starter)
    wait_for(lambda: alive(pids) == [], "both are gone")
    wait_for(lambda: not list(tmp_path.iterdir()), "register and scratch are gone")


def test_the_next_start_ends_whom_starter_and_watchman_left(tmp_path: Path) -> None:
    starter, pids = _start_starter(tmp_path)
    for pid in (*_watchmen(tmp_path), starter.pid):
        os.kill(pid, signal.SIGKILL)
    _reap(starter)
    time.sleep(0.2)
    assert len(alive(pids)) == 2
    with Family(tmp_path):
        assert alive(pids) == []


def test_an_id_that_belongs_to_somebody_else_now_is_left_alone() -> None:
    with subprocess.Popen(SLEEP) as stranger:
        stop(Child("gone", stranger.pid, "another time", signal.SIGKILL, 1))
        assert stranger.poll() is None
        stranger.kill()


def _reap(starter: subprocess.Popen[str]) -> None:
    starter.wait()
    assert starter.stdout is not None
    starter.stdout.close()


def _watchmen(home: Path) -> list[int]:
    listed = subprocess.run(
        ["pgrep", "-f", f"scripts.watchman {home}"], capture_output=True, text=True, check=True
    )
    return [int(line) for line in listed.stdout.split()]
