"""The house as real processes for tests that race or kill: gunicorn and a worker on the test's own
database, beside the box.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from scripts import house
from scripts.supervise import Family

# Two of each, as in production: what two processes can do to each other has to show.
PROCESSES = {"WEB_WORKERS": "2", "WEB_THREADS": "8"}


class Live:
    """A running web server and worker. They are started again when killed, as the starter does it, while
    a test waits.
    """

    def __init__(self, family: Family, env: Mapping[str, str], url: str, logs: Path) -> None:
        self.url = url
        self.logs = logs
        self.family = family
        self.session = requests.Session()
        self.session.trust_env = False
        self._env = {**env, **PROCESSES, "WEB_BIND": url.removeprefix("http://")}

    def start(self) -> None:
        """Start web and worker and wait until requests are answered."""
        house.start_worker(self.family, self._env, self.logs / "worker.log")
        house.start_web(self.family, self._env, self.logs / "web.log")
        house.wait_until_ready(self.family, self.url, timeout_s=30)

    def kill(self, name: str) -> None:
        """kill -9 of "web" (the master and every process under it) or "worker". It stays dead until a
        `wait_...`.
        """
        pid = self.family.pid(name)
        # The master first: it would start another worker in the moment after one has gone.
        for one in [pid, *_children(pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)

    def wait_until_ready(self, *, timeout_s: float = 30) -> None:
        """Let whoever was killed be started again, until the web server answers."""
        self.wait_for(lambda: house.answers_200(f"{self.url}/readyz"), timeout_s=timeout_s)

    def wait_for(self, done: Callable[[], bool], *, timeout_s: float = 30) -> None:
        """Wait for `done()` while the processes are kept running; AssertionError when it does not come."""
        until = time.monotonic() + timeout_s
        while not done():
            assert time.monotonic() < until, f"not within {timeout_s:g} s; logs in {self.logs}"
            self.family.tick()
            time.sleep(0.02)

    def stop(self) -> None:
        """End both at once: what a test leaves behind needs no good-bye (tests/machinery tries SIGTERM)."""
        self.session.close()
        for name in ("web", "worker"):
            self.kill(name)
            self.family.stop(name)


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(path.parent.name))
    return found
