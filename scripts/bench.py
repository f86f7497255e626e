"""`python3 scripts/bench.py`: how fast the house is, as ratios to a bare Flask hello in the same run, and to
other ways of doing the same within one process.

It brings up what it needs on data of its own and stops it. Standard library only, and it must parse on
Python 3.6 (see bootstrap.py). The work is done by scripts/bench_run.py inside .venv.
"""

import argparse
import contextlib
import os
import sys

if __package__ in (None, ""):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from scripts import bootstrap

CASES = ("list", "detail", "nearby", "push", "place_order", "pay_notice")
IN_PROCESS = ("push_open_answer", "pay_notice_open", "clerk_code_png", "poster")


def parse(arguments: "list[str]") -> argparse.Namespace:
    """Read the command line; argparse ends the program with 2 and a sentence when it cannot."""
    reader = argparse.ArgumentParser(
        prog="scripts/bench.py",
        description="Measure the house beside a bare Flask hello under the same gunicorn settings.",
    )
    reader.add_argument(
        "--pairs", type=_count, default=5, help="pairs of hello and case; the figures are medians (default 5)"
    )
    reader.add_argument(
        "--seconds", type=_seconds, default=1.5, help="how long one slice of load lasts (default 1.5)"
    )
    reader.add_argument(
        "--only",
        choices=CASES + IN_PROCESS,
        action="append",
        metavar="CASE",
        help=f"only this case; may be repeated. Over HTTP: {', '.join(CASES)}. In process: {', '.join(IN_PROCESS)}",
    )
    reader.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object instead of the tables; cases in process are in it when --only names them",
    )
    return reader.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not a number of pairs (1 to 1000)")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 60:
        raise argparse.ArgumentTypeError(f"{text} is not a length in seconds (0.1 to 60)")
    return seconds


def main() -> int:
    """Install what is missing and hand over; 2 with one sentence when that cannot be done."""
    try:
        bootstrap.refuse_old_python()
        bootstrap.listen_to_signals()
        parse(sys.argv[1:])
        # Standard output is for the figures.
        with contextlib.redirect_stdout(sys.stderr):
            bootstrap.ensure("requirements.txt")
    except bootstrap.CannotStart as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, bootstrap.Terminated):
        print("\nbench: interrupted; starting again goes on from here.", file=sys.stderr)
        return 130
    bootstrap.hand_over("scripts.bench_run", sys.argv[1:])
    return 2


if __name__ == "__main__":
    sys.exit(main())
