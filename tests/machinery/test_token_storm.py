"""Eight real processes on one token, which PostgreSQL keeps: never more than one of them fetches."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.wechat.local import Line, serving
from tests.wechat.test_tokens import APPID, SECRET, WeChat, asked
from wechat.tokens import RENEW_GAP_S

PROCESSES = 8


@contextmanager
def processes(line: Line, database_url: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Eight processes, each ready after its first call."""
    command = [sys.executable, "-m", "tests.wechat.storm", APPID, SECRET, line.base, database_url]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def let_go(started: list[subprocess.Popen[str]], calls: int) -> Counter[str]:
    """Lets each of them make so many calls at once, and counts how they ended."""
    for process in started:
        assert process.stdin is not None
        process.stdin.write(f"{calls}\n")
        process.stdin.flush()
    ended: Counter[str] = Counter()
    for process in started:
        ended.update(json.loads(said(process)))
    return ended


def test_a_bad_token_makes_no_storm_among_processes(database_url: str) -> None:
    wechat = WeChat()
    with serving(wechat) as line, processes(line, database_url) as started:
        assert [said(process) for process in started] == ["ok"] * PROCESSES
        assert asked(line) == 1
        wechat.invalidate()
        assert let_go(started, 100) == {"ok": 800}
        assert asked(line) == 2
        # Now WeChat rejects what it hands out itself: nobody may ask more often than once in 10 s.
        wechat.stubborn = True
        wechat.invalidate()
        began = time.monotonic()
        assert let_go(started, 20) == {"40001": 160}
        assert asked(line) - 2 <= 1 + (time.monotonic() - began) // RENEW_GAP_S
