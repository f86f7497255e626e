"""The load: keep-alive connections that ask as fast as they are answered, in a process of its own.

`python -m scripts.bench_load PLAN` reads the plan (JSON), plays it and prints one JSON object. Cheap enough
not to be the bottleneck: one thread, raw sockets, requests prepared as bytes beforehand. Standard library
only.
"""

import contextlib
import json
import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_S = 10.0
READ_BYTES = 262_144
SHOWN_BYTES = 400


@dataclass(frozen=True)
class Plan:
    """What to send: `requests` are whole HTTP requests (latin-1 text). `endless` starts over at the end.

    Without `endless` it ends when all are answered or `seconds` are over, whichever comes first.
    """

    port: int
    seconds: float
    connections: int
    endless: bool
    expect: int
    requests: list[str] = field(repr=False)


@dataclass(frozen=True)
class Played:
    """What came back. `wall_s` runs from the first request to the last answer; times are in milliseconds."""

    requests: int
    wall_s: float
    statuses: dict[str, int]
    p50_ms: float
    p99_ms: float
    wrong: str


class Broken(Exception):
    """The server hung up or fell silent."""


class Line:
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = 0.0
        self._heard = b""

    def send(self, request: bytes) -> None:
        """Ask; the answer is for `hear`."""
        self._heard = b""
        self.sent = time.perf_counter()
        self.socket.sendall(request)

    def hear(self) -> tuple[int, bytes] | None:
        """Read what is there; (status, whole answer) when it is complete. Raises Broken."""
        part = self.socket.recv(READ_BYTES)
        if not part:
            raise Broken("the server closed a connection before it had answered")
        self._heard = heard = self._heard + part if self._heard else part
        head = heard.find(b"\r\n\r\n")
        if head < 0:
            return None
        status = int(heard[9:12])
        size = 0 if status in (204, 304) else _length(heard[:head])
        return (status, heard) if len(heard) >= head + 4 + size else None


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        raise Broken("an answer does not say how long it is")
    end = lower.find(b"\r\n", at + 2)
    return int(lower[at + 17 : end if end >= 0 else None])


class _Round:
    """One playing of a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.requests = [text.encode("latin-1") for text in plan.requests]
        self.next = 0
        self.times: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.wrong = ""

    def play(self) -> Played:
        with contextlib.ExitStack() as open_ones:
            lines = [Line(self.plan.port) for _ in range(self.plan.connections)]
            ready = open_ones.enter_context(selectors.DefaultSelector())
            for line in lines:
                open_ones.enter_context(line.socket)
                ready.register(line.socket, selectors.EVENT_READ, line)
            started = time.perf_counter()
            until = started + self.plan.seconds
            busy = sum(self._ask(line) for line in lines)
            while busy:
                busy -= self._answers(ready, until)
            wall_s = time.perf_counter() - started
        return self._told(wall_s)

    def _answers(self, ready: selectors.BaseSelector, until: float) -> int:
        """Take what has arrived, ask on; answer how many connections have nothing more to do."""
        events = ready.select(PATIENCE_S)
        if not events:
            raise Broken(f"no answer for {PATIENCE_S:g} s")
        resting = 0
        for key, _ in events:
            line: Line = key.data
            heard = line.hear()
            if heard is None:
                continue
            now = time.perf_counter()
            self.times.append(now - line.sent)
            self.statuses[heard[0]] += 1
            if heard[0] != self.plan.expect and not self.wrong:
                self.wrong = heard[1][-SHOWN_BYTES:].decode(errors="replace")
            if now >= until or not self._ask(line):
                resting += 1
        return resting

    def _ask(self, line: Line) -> bool:
        if self.next == len(self.requests):
            if not self.plan.endless:
                return False
            self.next = 0
        line.send(self.requests[self.next])
        self.next += 1
        return True

    def _told(self, wall_s: float) -> Played:
        ordered = sorted(self.times)
        return Played(
            requests=len(ordered),
            wall_s=wall_s,
            statuses={str(status): count for status, count in self.statuses.items()},
            p50_ms=percentile(ordered, 50) * 1000,
            p99_ms=percentile(ordered, 99) * 1000,
            wrong=self.wrong,
        )


def percentile(ordered: list[float], percent: int) -> float:
    """The value that `percent` of an ascending list do not exceed (nearest rank); 0.0 of nothing."""
    if not ordered:
        return 0.0
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def play(plan: Plan) -> Played:
    """Play a plan and say what came back. Raises Broken, or OSError when nobody listens."""
    return _Round(plan).play()


def main(arguments: list[str]) -> int:
    """Play the plan in a file; 1 and one sentence when the server broke off."""
    facts: dict[str, Any] = json.loads(Path(arguments[0]).read_text())
    try:
        played = play(Plan(**facts))
    except (Broken, OSError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(played)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
