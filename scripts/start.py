"""`python3 scripts/start.py`: everything on this machine, ready to look at, with nothing installed before
but Python.

Standard library only, and it must parse on Python 3.6 (see bootstrap.py). The work is done by
scripts/stage.py inside .venv.
"""

import argparse
import os
import sys

if __package__ in (None, ""):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from scripts import bootstrap


def parse(arguments: "list[str]") -> argparse.Namespace:
    """Read the command line; argparse ends the program with 2 and a sentence when it cannot."""
    reader = argparse.ArgumentParser(
        prog="scripts/start.py",
        description="Start Lianke with WeChat in a box, play the tour, and stay up until Ctrl-C.",
    )
    reader.add_argument(
        "--port", type=_port, default=8000, help="where the web server listens (default 8000)"
    )
    reader.add_argument(
        "--exit-after-tour", action="store_true", help="end with 0 if every step held, else 1"
    )
    reader.add_argument("--no-tour", action="store_true", help="start without playing the tour")
    reader.add_argument("--reset", action="store_true", help="delete all data under var/ first, after asking")
    reader.add_argument("--yes", action="store_true", help="answer yes to the question of --reset")
    return reader.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port number (1 to 65535)")
    return int(text)


def main() -> int:
    """Install what is missing and hand over; 2 with one sentence when that cannot be done."""
    try:
        bootstrap.refuse_old_python()
        bootstrap.listen_to_signals()
        parse(sys.argv[1:])
        bootstrap.ensure("requirements.txt")
    except bootstrap.CannotStart as error:
        print(f"start: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, bootstrap.Terminated):
        print("\nstart: interrupted; starting again goes on from here.", file=sys.stderr)
        return 130
    bootstrap.hand_over("scripts.stage", sys.argv[1:])
    return 2


if __name__ == "__main__":
    sys.exit(main())
