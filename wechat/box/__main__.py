"""``python -m wechat.box serve --port N --state DIR [--callback URL] [--mp-callback URL] [--tls]``"""

import argparse
import sqlite3
import sys
from pathlib import Path

from wechat.box.inside import Unknown
from wechat.box.serve import Wishes, serve


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 after an orderly stop, 2 with one sentence when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m wechat.box", description="WeChat in a box")
    commands = parser.add_subparsers(dest="command", required=True)
    asked = commands.add_parser("serve", help="serve on 127.0.0.1 until SIGTERM; prints one JSON line first")
    asked.add_argument(
        "--port", type=int, default=0, help="0 (default) picks a free port; the JSON line tells it"
    )
    asked.add_argument(
        "--state", type=Path, required=True, help="folder that keeps credentials, people and orders"
    )
    asked.add_argument("--callback", help="where message pushes go; payment notices go to their notify_url")
    asked.add_argument("--mp-callback", help="where message pushes of the mini-program go")
    asked.add_argument("--exit-with-parent", action="store_true", help="stop when the starting process dies")
    asked.add_argument("--tls", action="store_true", help="HTTPS under WeChat's names, by its own authority")
    asked.add_argument(
        "--control-port", type=int, default=0, help="with --tls: the port of the plain control API"
    )
    asked.add_argument(
        "--zero-serial", action="store_true", help="the platform certificate's serial begins with a zero"
    )
    given = parser.parse_args(arguments)
    for port in (given.port, given.control_port):
        if not 0 <= port <= 65535:
            parser.error("a port is 0 to 65535")
    try:
        serve(
            Wishes(
                port=given.port,
                state=given.state,
                callback=given.callback,
                mp_callback=given.mp_callback,
                tls=given.tls,
                control_port=given.control_port,
                zero_serial=given.zero_serial,
                exit_with_parent=given.exit_with_parent,
            )
        )
    except (OSError, sqlite3.Error, Unknown) as problem:
        print(f"The box cannot start on port {given.port} with {given.state}: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
