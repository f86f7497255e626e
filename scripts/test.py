"""`python3 scripts/test.py`: lint, types, import rules and all tests; with arguments, pytest alone with
these arguments.

Standard library only, and it must parse on Python 3.6 (see bootstrap.py). The work is done by
scripts/checks.py inside .venv.
"""

import os
import sys

if __package__ in (None, ""):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from scripts import bootstrap


def main() -> int:
    """Install what is missing and hand over; 2 with one sentence when that cannot be done."""
    try:
        bootstrap.refuse_old_python()
        bootstrap.listen_to_signals()
        bootstrap.ensure("requirements-dev.txt")
    except bootstrap.CannotStart as error:
        print(f"test: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, bootstrap.Terminated):
        print("\ntest: interrupted; starting again goes on from here.", file=sys.stderr)
        return 130
    bootstrap.hand_over("scripts.checks", sys.argv[1:])
    return 2


if __name__ == "__main__":
    sys.exit(main())
