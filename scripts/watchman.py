"""Outlives a starter by a moment: when the pipe from the starter closes, for whatever reason, it stops whom
the starter left.

Run as `python -m scripts.watchman REGISTER [DIR-TO-REMOVE ...]`; a kill -9 of the starter closes the pipe
as surely as a return.
"""

import signal
import sys
from pathlib import Path

from scripts.children import read_register, stop_all
from scripts.removing import forget


def main(arguments: list[str]) -> None:
    """Wait for the end of standard input, stop everybody in the register, remove the directories that were
    named.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(1):
        continue
    register = Path(arguments[0])
    stop_all(read_register(register))
    register.unlink(missing_ok=True)
    for directory in arguments[1:]:
        forget(Path(directory))


if __name__ == "__main__":
    main(sys.argv[1:])
