"""What scripts/test.py runs inside .venv: lint, format, types, import rules and pytest, all of them, then
a table.

With arguments only pytest runs, with these arguments: `python3 scripts/test.py tests/rules -k split`.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from types import FrameType

# Two processes, because half of a test's time is spent waiting for the database; a quicker worker takes
# from a slower one.
PYTEST = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "worksteal"]
LINT_IMPORTS = "import sys; from importlinter import cli; sys.exit(cli.lint_imports())"
STEPS = (
    ("lint", [sys.executable, "-m", "ruff", "check", "."]),
    ("format", [sys.executable, "-m", "ruff", "format", "--check", "."]),
    ("types", [sys.executable, "-m", "mypy"]),
    ("import rules", [sys.executable, "-c", LINT_IMPORTS]),
    ("tests", PYTEST),
)
NO_TESTS = 5


@dataclass(frozen=True)
class Outcome:
    """How one step ended: its exit code and how long it took (seconds)."""

    name: str
    code: int
    seconds: float


def run(name: str, command: list[str]) -> Outcome:
    """Run one step with its output going straight to the terminal."""
    print(f"\n== {name}: {' '.join(command[2:])}", flush=True)
    began = time.monotonic()
    code = subprocess.run(command, check=False).returncode
    return Outcome(name, code, time.monotonic() - began)


def table(outcomes: list[Outcome]) -> str:
    """Say in one line per step how it ended."""
    lines = [f"{one.name:<14}{_verdict(one):<26}{one.seconds:7.1f} s" for one in outcomes]
    return "\n".join([*lines, f"{'together':<40}{sum(one.seconds for one in outcomes):7.1f} s"])


def _verdict(outcome: Outcome) -> str:
    if outcome.code == 0:
        return "held"
    return "FAILED (no test ran)" if outcome.name == "tests" and outcome.code == NO_TESTS else "FAILED"


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Run every step even if an earlier one failed; 0 when all held, else 1."""
    signal.signal(signal.SIGTERM, _end)
    os.environ["PYTHONUNBUFFERED"] = "1"
    steps = (("tests", [*PYTEST, *arguments]),) if arguments else STEPS
    try:
        outcomes = [run(name, list(command)) for name, command in steps]
    except KeyboardInterrupt:
        print("\ninterrupted.", file=sys.stderr)
        return 130
    print(f"\n{table(outcomes)}", flush=True)
    return 0 if all(one.code == 0 for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
