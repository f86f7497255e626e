"""From counted requests and CPU seconds to ratios: pure arithmetic, and how it is shown."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Slice:
    """One stretch of load on one server: answers, seconds, and CPU seconds of all processes behind it."""

    requests: int
    wall_s: float
    cpu_s: float
    p50_ms: float
    p99_ms: float

    @property
    def rps(self) -> float:
        """Answers per second."""
        return self.requests / self.wall_s

    @property
    def cpu_us(self) -> float:
        """CPU microseconds per answer; never zero, because the system counts in ticks."""
        return max(self.cpu_s, 0.5 / TICKS_PER_S) / self.requests * 1e6


@dataclass(frozen=True)
class Pair:
    """A slice of hello and a slice of a case, one right after the other."""

    hello: Slice
    case: Slice


@dataclass(frozen=True)
class Round:
    """CPU microseconds per call of one job within one process: our way, and the peer's way right beside it."""

    ours_us: float
    peer_us: float


@dataclass(frozen=True)
class Beside:
    """Whom a job within one process is measured beside, and the ratio that it is to reach, if any is set."""

    peer: str
    goal: float | None


BESIDE = {
    "push_open_answer": Beside("wechatpy", 2.5),
    "pay_notice_open": Beside("bare cryptography", 0.85),
    "clerk_code_png": Beside("qrcode's default", 3.0),
    "poster": Beside("nothing cached", None),
}


def of_case(pairs: Sequence[Pair]) -> dict[str, float]:
    """The figures of a case. A ratio of 0.5 means half as fast as hello, or twice its CPU per request."""
    return {
        "ratio_rps": round(median(pair.case.rps / pair.hello.rps for pair in pairs), 3),
        "ratio_cpu": round(median(pair.hello.cpu_us / pair.case.cpu_us for pair in pairs), 3),
        "p50_ms": round(median(pair.case.p50_ms for pair in pairs), 2),
        "p99_ms": round(median(pair.case.p99_ms for pair in pairs), 2),
    }


def of_server(slices: Sequence[Slice]) -> dict[str, float]:
    """Absolute figures: good for one machine and one moment, never to compare two runs by."""
    return {
        "rps": round(median(one.rps for one in slices), 1),
        "cpu_us": round(median(one.cpu_us for one in slices), 1),
        "p50_ms": round(median(one.p50_ms for one in slices), 2),
        "p99_ms": round(median(one.p99_ms for one in slices), 2),
    }


def of_duel(rounds: Sequence[Round]) -> dict[str, float]:
    """The figures of a job within one process. A ratio of 2 means half of the peer's CPU time."""
    return {
        "ratio_cpu": round(median(one.peer_us / one.ours_us for one in rounds), 3),
        "ours_us": round(median(one.ours_us for one in rounds), 1),
        "peer_us": round(median(one.peer_us for one in rounds), 1),
    }


def summary(
    cases: Mapping[str, Sequence[Pair]], inside: Mapping[str, Sequence[Round]] | None = None
) -> dict[str, Any]:
    """The object that `--json` prints; `in_process` is in it when there are such figures, and `hello` is empty
    when nothing was asked over HTTP."""
    hello = [pair.hello for pairs in cases.values() for pair in pairs]
    told: dict[str, Any] = {
        "hello": of_server(hello) if hello else {},
        "cases": {name: of_case(pairs) for name, pairs in cases.items()},
    }
    if inside:
        told["in_process"] = {name: of_duel(rounds) for name, rounds in inside.items()}
    return told


def table(cases: Mapping[str, Sequence[Pair]]) -> str:
    """The same for people, with the absolute figures beside the ratios."""
    told = summary(cases)
    lines = [f"{'':<12}{'by rps':>9}{'by CPU':>9}{'req/s':>9}{'CPU us':>9}{'p50 ms':>9}{'p99 ms':>9}"]
    lines.append(_row("hello", 1, 1, told["hello"]))
    for name, figures in told["cases"].items():
        absolute = of_server([pair.case for pair in cases[name]])
        lines.append(_row(name, figures["ratio_rps"], figures["ratio_cpu"], absolute))
    return "\n".join(lines)


def inside_table(inside: Mapping[str, Sequence[Round]]) -> str:
    """The jobs within one process, for people."""
    lines = [f"{'in process':<18}{'by CPU':>9}{'goal':>9}{'our us':>10}{'their us':>10}  beside"]
    for name, rounds in inside.items():
        figures, beside = of_duel(rounds), BESIDE[name]
        goal = "-" if beside.goal is None else f"{beside.goal:.2f}"
        told = f"{name:<18}{figures['ratio_cpu']:>9.2f}{goal:>9}"
        lines.append(f"{told}{figures['ours_us']:>10.1f}{figures['peer_us']:>10.1f}  {beside.peer}")
    return "\n".join(lines)


def _row(name: str, by_rps: float, by_cpu: float, absolute: Mapping[str, float]) -> str:
    told = f"{name:<12}{by_rps:>9.2f}{by_cpu:>9.2f}{absolute['rps']:>9.0f}{absolute['cpu_us']:>9.0f}"
    return f"{told}{absolute['p50_ms']:>9.1f}{absolute['p99_ms']:>9.1f}"


def cpu_s(roots: Sequence[int]) -> float:
    """CPU seconds that these processes and all below them have used so far, from /proc (Linux).

    Processes that ended meanwhile count through the parent that reaped them.
    """
    known = _processes()
    total, below = 0, list(roots)
    while below:
        pid = below.pop()
        if pid in known:
            total += known[pid][1]
            below += [child for child, (parent, _) in known.items() if parent == pid]
    return total / TICKS_PER_S


def _processes() -> dict[int, tuple[int, int]]:
    """(parent, CPU ticks with those of reaped children) of every process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        # proc(5), counted from field 3: parent is 4; utime, stime, cutime, cstime are 14 to 17.
        found[int(path.parent.name)] = (int(fields[1]), sum(int(value) for value in fields[11:15]))
    return found
