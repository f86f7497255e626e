"""Who runs for a starter, written down so that anybody can stop them later: the starter, its watchman, or
the next start.

A process is known by its id and the moment it was born, so that an id the system gave to somebody else is
never signalled.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

POLL_S = 0.02


@dataclass(frozen=True)
class Child:
    """One process of a starter, with the signal that ends it politely and how long it may take (seconds)."""

    name: str
    pid: int
    born: str
    stop_signal: int
    grace_s: float


def born(pid: int) -> str | None:
    """Answer a mark of the running process `pid` that no later process with the same id shares; None when
    it is gone.

    A zombie counts as gone: it holds an id and nothing else, and in a container without an init it stays
    for ever.
    """
    return _born_linux(pid) if sys.platform.startswith("linux") else _born_posix(pid)


def _born_linux(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    # proc(5): field 3 is the state, field 22 the start time in ticks since boot.
    return None if fields[0] in ("Z", "X", "x") else f"{_boot()}:{fields[19]}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "-"


def _born_posix(pid: int) -> str | None:
    answer = subprocess.run(
        ["ps", "-o", "state=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return None if not answer or answer.startswith("Z") else answer.partition(" ")[2].strip()


def read_register(path: Path) -> list[Child]:
    """Read who was running; an absent or half-written register answers an empty list."""
    try:
        return [Child(**row) for row in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def write_register(path: Path, children: Iterable[Child]) -> None:
    """Replace the register in one step, so that a reader never sees half of it."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps([asdict(child) for child in children], indent=1) + "\n")
    fresh.replace(path)


def stop(child: Child, *, hurry: Callable[[], bool] = lambda: False) -> None:
    """Ask `child` to end, wait its grace, then kill it. `hurry` may cut the grace to one second. Safe to
    repeat.
    """
    if not _signal(child, child.stop_signal):
        return
    started = time.monotonic()
    while born(child.pid) == child.born:
        waited_s = time.monotonic() - started
        if waited_s > child.grace_s or (hurry() and waited_s > 1):
            _signal(child, signal.SIGKILL)
            _wait_gone(child, 5)
            return
        time.sleep(POLL_S)


def stop_all(children: Iterable[Child], *, hurry: Callable[[], bool] = lambda: False) -> None:
    """Stop the youngest first: the register is in the order of starting, and later ones lean on earlier
    ones.
    """
    for child in reversed(list(children)):
        stop(child, hurry=hurry)


def _signal(child: Child, number: int) -> bool:
    if born(child.pid) != child.born:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, number)
        return True
    return False


def _wait_gone(child: Child, seconds: float) -> None:
    until = time.monotonic() + seconds
    while born(child.pid) == child.born and time.monotonic() < until:
        time.sleep(POLL_S)
