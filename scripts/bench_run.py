"""What scripts/bench.py does once .venv is there: pairs of hello and case, in an order that is drawn anew
each time, then the books, then the cases within one process, then the figures.
"""

import json
import random
import signal
import sys
import time
from argparse import Namespace
from types import FrameType

from scripts import bench_inside
from scripts.bench import CASES, IN_PROCESS, parse
from scripts.bench_cases import Case, Details, Lists, Nearby, Notices, Orders, Pushes, get
from scripts.bench_cast import gather
from scripts.bench_figures import Pair, Round, Slice, inside_table, summary, table
from scripts.bench_stage import HELLO, Stage, Wrong, raised
from scripts.check_books import broken, report
from scripts.supervise import StartFailed

HELLO_REQUEST = get("/")


def make_cases(stage: Stage) -> dict[str, Case]:
    """All cases by name; they share the members, and the notices pay what the orders placed."""
    cast = gather(stage.engine, stage.credentials)
    orders = Orders(stage, cast)
    made: tuple[Case, ...] = (
        *(Lists(stage), Details(stage), Nearby(stage)),
        *(Pushes(stage, cast), orders, Notices(stage, orders)),
    )
    return dict(zip(CASES, made, strict=True))


def measure(stage: Stage, cases: dict[str, Case], options: Namespace) -> dict[str, list[Pair]]:
    """Take the pairs. The first round is thrown away: connections are opened, statements prepared."""
    names = [name for name in CASES if not options.only or name in options.only]
    pairs: dict[str, list[Pair]] = {name: [] for name in names}
    for number in range(options.pairs + 1):
        for name in random.sample(names, len(names)):
            pair = _pair(stage, cases[name], options.seconds)
            if number:
                pairs[name].append(pair)
        say(f"round {number} of {options.pairs} is done" if number else "warm")
    return pairs


def _pair(stage: Stage, case: Case, seconds: float) -> Pair:
    if random.random() < 0.5:
        hello = _hello(stage, seconds)
        return Pair(hello, case.slice(seconds))
    measured = case.slice(seconds)
    return Pair(_hello(stage, seconds), measured)


def _hello(stage: Stage, seconds: float) -> Slice:
    return stage.load(HELLO, [HELLO_REQUEST], expect=200, seconds=seconds, endless=True)


def check(stage: Stage, cases: dict[str, Case]) -> None:
    """Raise Wrong unless everything that was answered is in the books, and the books are right."""
    for case in cases.values():
        case.check()
    with stage.engine.connect() as connection:
        found = broken(connection)
    if found:
        raise Wrong(report(found))


def over_http(options: Namespace) -> dict[str, list[Pair]]:
    """Bring the servers up, measure, and see that the books hold; nothing is started when no case is asked."""
    if options.only and not set(options.only) & set(CASES):
        return {}
    began = time.monotonic()
    say("bringing up PostgreSQL, Valkey, the house and hello ...")
    with raised(say) as stage:
        cases = make_cases(stage)
        say(f"ready after {time.monotonic() - began:.0f} s")
        pairs = measure(stage, cases, options)
        check(stage, cases)
    return pairs


def in_process(options: Namespace) -> dict[str, list[Round]]:
    """Measure what needs no server, when the machine has nothing else of ours to do."""
    # The object that --json prints is promised as it is; who names these cases asks for more.
    unasked = [] if options.json else list(IN_PROCESS)
    names = [name for name in IN_PROCESS if name in options.only] if options.only else unasked
    if not names:
        return {}
    duels = bench_inside.make_duels(bench_inside.credentials(), names)
    return bench_inside.measure(duels, options.pairs, say)


def run(options: Namespace) -> int:
    """One whole measurement; 0 when every answer was the expected one and the books hold."""
    began = time.monotonic()
    pairs = over_http(options)
    inside = in_process(options)
    say(f"done after {time.monotonic() - began:.0f} s")
    tables = ([table(pairs)] if pairs else []) + ([inside_table(inside)] if inside else [])
    print(json.dumps(summary(pairs, inside)) if options.json else "\n\n".join(tables), flush=True)
    return 0


def say(text: str) -> None:
    """Tell how far it is; standard output is for the figures."""
    print(text, file=sys.stderr, flush=True)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Measure; 1 and a sentence when the house answered wrongly, 2 when it could not be brought up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        return run(parse(arguments))
    except Wrong as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except StartFailed as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nbench: interrupted.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
