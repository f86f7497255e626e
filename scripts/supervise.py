"""Keeps the processes of one starter alive and ends them with it.

Every process is entered in the register before it may begin (it waits for one line on its standard input),
so there is no moment in which a kill -9 of the starter leaves somebody behind: the watchman, or the next
start, reads the register.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from scripts.children import Child, born, read_register, stop, stop_all, write_register
from scripts.removing import forget

ROOT = Path(__file__).resolve().parents[1]
REGISTER = "children-"
LONGEST_PAUSE_S = 30.0
LONGEST_LOG_BYTES = 20_000_000
STEADY_AFTER_S = 60.0
WAIT_FOR_GO = 'read -r go && exec "$@" </dev/null'


class StartFailed(Exception):
    """Something needed could not be started; the text is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class User:
    """The unprivileged account a server runs under when the starter is root."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Spec:
    """How to run one process. Output goes to `log` (None: where the starter's goes), standard output
    to `answer` when that is given."""

    name: str
    argv: Sequence[str]
    log: Path | None
    env: Mapping[str, str] | None = None
    cwd: Path = ROOT
    user: User | None = None
    stop_signal: int = signal.SIGTERM
    grace_s: float = 10.0
    answer: Path | None = None


@dataclass
class _Kept:
    spec: Spec
    process: subprocess.Popen[bytes]
    child: Child
    log_from: int
    started: float = field(default_factory=time.monotonic)
    deaths: int = 0
    again_after: float | None = None


class Family:
    """The processes of one starter. A context manager: entering clears what a dead starter left, leaving
    stops everybody.

    Its register lies in `home`, which belongs to one family at a time. `remove` names directories that go
    away with it. Not thread-safe: one thread starts, ticks and stops.
    """

    def __init__(
        self, home: Path, *, remove: Sequence[Path] = (), say: Callable[[str], None] = print
    ) -> None:
        self._home = home
        # One register per starter: the watchman of a dead one must never read whom its successor keeps.
        self._register = home / f"{REGISTER}{os.getpid()}.json"
        self._remove = remove
        self._say = say
        self._kept: dict[str, _Kept] = {}
        self._watchman: subprocess.Popen[bytes] | None = None
        self.hurried = False

    def __enter__(self) -> "Family":
        self._home.mkdir(parents=True, exist_ok=True)
        stop_leftovers(self._home)
        write_register(self._register, [])
        self._watchman = subprocess.Popen(
            [sys.executable, "-S", "-m", "scripts.watchman", str(self._register), *map(str, self._remove)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, spec: Spec) -> None:
        """Start `spec` and keep it running: when it dies, `tick` starts it again after a growing pause."""
        log_from = _begin_log(spec.log) if spec.log else 0
        process, child = self._spawn(spec)
        self._kept[spec.name] = _Kept(spec, process, child, log_from)
        self._enter(process)

    def _spawn(self, spec: Spec) -> tuple[subprocess.Popen[bytes], Child]:
        with contextlib.ExitStack() as files:
            log = files.enter_context(spec.log.open("ab")) if spec.log else None
            answer = files.enter_context(_private(spec.answer)) if spec.answer else log
            process = subprocess.Popen(
                ["/bin/sh", "-c", WAIT_FOR_GO, spec.name, *spec.argv],
                stdin=subprocess.PIPE,
                stdout=answer,
                stderr=log,
                env=None if spec.env is None else dict(spec.env),
                cwd=spec.cwd,
                start_new_session=True,
                user=spec.user.uid if spec.user else None,
                group=spec.user.gid if spec.user else None,
                extra_groups=[] if spec.user else None,
            )
        mark = born(process.pid) or "gone"
        return process, Child(spec.name, process.pid, mark, spec.stop_signal, spec.grace_s)

    def _enter(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            self._write()
            process.stdin.write(b"go\n")

    def _write(self) -> None:
        write_register(self._register, [kept.child for kept in self._kept.values()])

    def tick(self, *, but: str = "") -> None:
        """Reap who died and start again whoever's pause is over, `but` not this one. Call it a few times a
        second.
        """
        for kept in [kept for name, kept in self._kept.items() if name != but]:
            if kept.again_after is not None:
                if time.monotonic() >= kept.again_after:
                    self._restart(kept)
            elif (code := kept.process.poll()) is not None:
                self._note_death(kept, code)

    def _note_death(self, kept: _Kept, code: int) -> None:
        now = time.monotonic()
        kept.deaths = 1 if now - kept.started > STEADY_AFTER_S else kept.deaths + 1
        pause_s = min(0.5 * 2 ** (kept.deaths - 1), LONGEST_PAUSE_S)
        kept.again_after = now + pause_s
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        log = _shown(kept.spec.log)
        self._say(f"{kept.spec.name} ended ({how}); starting it again in {pause_s:g} s (log: {log})")

    def _restart(self, kept: _Kept) -> None:
        try:
            kept.process, kept.child = self._spawn(kept.spec)
            kept.started, kept.again_after = time.monotonic(), None
            self._enter(kept.process)
        except (
            OSError
        ) as error:  # a full disk, most likely: the others go on, and this one is tried again later
            kept.again_after = time.monotonic() + LONGEST_PAUSE_S
            self._say(f"{kept.spec.name} could not be started again ({error.strerror}); trying later")

    def wait(self, name: str, ready: Callable[[], bool], *, timeout_s: float, deaths: int = 1) -> None:
        """Wait until `ready()`; StartFailed when `name` dies `deaths` times first or `timeout_s` passes."""
        kept, until = self._kept[name], time.monotonic() + timeout_s
        while not ready():
            self.tick()
            if kept.deaths >= deaths:
                raise StartFailed(f"{name} did not start: {_last_line(kept.spec.log, kept.log_from)}")
            if time.monotonic() > until:
                raise StartFailed(f"{name} was not ready after {timeout_s:g} s; see {_shown(kept.spec.log)}.")
            time.sleep(0.01)

    def run(self, spec: Spec) -> int:
        """Run `spec` to its end beside the others and answer its exit code; it is stopped with the family
        too.
        """
        self.start(spec)
        kept = self._kept[spec.name]
        try:
            while (code := kept.process.poll()) is None:
                self.tick(but=spec.name)
                time.sleep(0.02)
            return code
        finally:
            self.stop(spec.name)

    def pid(self, name: str) -> int:
        """Answer the process id under which `name` runs now."""
        return self._kept[name].process.pid

    def stop(self, name: str) -> None:
        """Stop `name` and forget it; the others go on."""
        kept = self._kept[name]
        stop(kept.child, hurry=lambda: self.hurried)
        kept.process.wait()
        del self._kept[name]
        self._write()

    def close(self) -> None:
        """Stop everybody, the youngest first, then let the watchman go. Safe to call twice."""
        for name in reversed(list(self._kept)):
            self.stop(name)
        if self._watchman and self._watchman.stdin:
            self._watchman.stdin.close()
            self._watchman.wait()
            self._watchman = None
        self._register.unlink(missing_ok=True)
        for directory in self._remove:
            forget(directory)


def _private(path: Path) -> BinaryIO:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    return os.fdopen(handle, "wb")


def _begin_log(log: Path) -> int:
    """Put an overlong log aside and answer where the new process's lines will begin (bytes)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LONGEST_LOG_BYTES:
        log.replace(log.with_name(log.name + ".1"))
    return log.stat().st_size if log.exists() else 0


def stop_leftovers(home: Path) -> None:
    """Stop whoever a dead starter left running, by the registers it kept in `home`. Nobody else may use
    `home`.
    """
    for register in home.glob(f"{REGISTER}*.json"):
        stop_all(read_register(register))
        register.unlink(missing_ok=True)


def _last_line(log: Path | None, offset: int) -> str:
    """Answer the line after `offset` that says best what went wrong: a full disk if one names it, else the
    last.
    """
    if log is None:
        return "see above."
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(offset)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        if any("No space left on device" in line for line in lines):
            return f"the disk is full (log: {_shown(log)})."
        if lines:
            return f"{lines[-1]} (log: {_shown(log)})"
    return f"it said nothing (log: {_shown(log)})"


def _shown(log: Path | None) -> str:
    """Answer `log` as a person in the checkout would type it."""
    return str(log.relative_to(ROOT)) if log and log.is_relative_to(ROOT) else str(log or "none")
