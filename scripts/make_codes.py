"""Make the codes of all clerks and stores: ``python scripts/make_codes.py [--entity E-WF1 | --store SZ-FT]``.

Shows how far it is. Stop it when you like: ``--batch`` goes on where it stopped, and so does the worker by itself.
Reads the settings of the environment. Ends with 0 when every code is made, 1 when some failed (each is named),
3 when WeChat's quota is used up until later.
"""

import argparse
import sys
import time
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from app.base.errors import Refusal
from app.base.scope import Scope
from app.codes import batch
from app.codes.batch import Batch
from app.codes.making import CodePage
from app.settings import settings_or_exit
from app.wiring import Parts, build
from models.codes import BatchState

WIDTH = 40
# Longer waits are left to the worker.
LONGEST_WAIT_S = 120


def main() -> int:
    """Make codes until nothing is left or WeChat's day is used up."""
    reader = argparse.ArgumentParser(description="Make the codes of all clerks and stores.")
    what = reader.add_mutually_exclusive_group()
    what.add_argument("--entity", help="only of one legal entity")
    what.add_argument("--store", help="only of one store")
    what.add_argument("--batch", help="number of a batch that was begun before")
    given = reader.parse_args()
    parts = build(settings_or_exit(), pool_size=2)
    try:
        return _make(parts, given.batch or _begin(parts, given.entity, given.store))
    except Refusal as refusal:
        print(f"make_codes: {refusal}", file=sys.stderr)
        return 1
    finally:
        parts.close()


def _begin(parts: Parts, entity: str | None, store: str | None) -> str:
    with parts.tx() as session:
        return batch.start(session, scope=Scope(entity, store), by="script:make_codes", now=parts.now())


def _make(parts: Parts, number: str) -> int:
    page = CodePage(parts.settings.mp_code_page, parts.settings.mp_env_version)
    while True:
        wechat = parts.wechat
        done = batch.run(parts.tx, wechat.oa, wechat.mp, number=number, page=page, clock=parts.now, most=10)
        print(f"\r{bar(done)}", end="", flush=True)
        if done.state in (BatchState.DONE, BatchState.STOPPED):
            return _told(parts, done)
        if done.wait_until is not None:
            wait_s = (done.wait_until - parts.now()).total_seconds()
            if wait_s > LONGEST_WAIT_S:
                print(
                    f"\nWeChat's quota is used up; the worker goes on at {done.wait_until:%Y-%m-%d %H:%M} UTC."
                )
                return 3
            time.sleep(max(0.0, wait_s))


def bar(one: Batch) -> str:
    """A batch as a line such as ``Q26…  [#####.....]  12 of 40, 1 failed``."""
    over = one.done + one.failed
    filled = WIDTH * over // one.total if one.total else WIDTH
    failed = f", {one.failed} failed" if one.failed else ""
    return f"{one.number} [{'#' * filled}{'.' * (WIDTH - filled)}] {over} of {one.total}{failed}"


def _told(parts: Parts, done: Batch) -> int:
    print()
    with parts.read() as connection:
        failures = batch.failures(connection, done)
    for failure in failures:
        print(f"  {failure.who} {failure.name}: {failure.reason}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
