"""A second checkout to start, break and kill, with the packages of this one."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.children import born

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("app", "migrations", "models", "scripts", "wechat", "wsgi.py", "gunicorn.conf.py", "pyproject.toml")
PARTS += ("requirements.txt", "requirements-dev.txt")


@contextlib.contextmanager
def open_directory() -> Iterator[Path]:
    """A directory that a server's account can pass through, unlike pytest's own; gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="lianke-test-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


def copy_checkout(target: Path, *, with_packages: bool = True) -> Path:
    """Copy the code to `target`, without anything that was made by running it."""
    target.mkdir()
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)
    if with_packages:
        (target / ".venv").symlink_to(Path(sys.prefix))
    return target


def command(checkout: Path, *arguments: str, name: str = "start.py") -> list[str]:
    """Answer the command line of one of the two commands, as the README has it."""
    return [sys.executable, str(checkout / "scripts" / name), *arguments]


def clean_environment(**more: str) -> dict[str, str]:
    """Answer this process's environment without what test runs put there."""
    return {**{key: value for key, value in os.environ.items() if not key.startswith("TEST_")}, **more}


def run(
    checkout: Path, *arguments: str, name: str = "start.py", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end with no terminal and nothing to read."""
    return subprocess.run(
        command(checkout, *arguments, name=name),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=clean_environment(**env),
        timeout=120,
    )


def family(checkout: Path) -> dict[str, int]:
    """Answer the processes that a running start has entered, by name."""
    found: dict[str, int] = {}
    for register in (checkout / "var").glob("children-*.json"):
        found |= {row["name"]: row["pid"] for row in json.loads(register.read_text())}
    return found


def wait_for(done: Callable[[], bool], what: str, *, timeout_s: float = 30) -> None:
    """Wait until `done()`; AssertionError naming `what` when it does not come."""
    until = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < until, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.02)


def alive(pids: list[int]) -> list[int]:
    """Answer those of `pids` that still run."""
    return [pid for pid in pids if born(pid) is not None]
