"""Fill an empty database with a brand at scale: `python scripts/make_scale.py --members 1000000`.

A small world is played through the rooms (members follow, order, pay, collect, send back), then copied until
there are as many members, with 5 clerks and 3,000 order lines to every 1,000 of them. Reads DATABASE_URL and
SECRET_KEY; the database has to be empty. Ends with 2 and a sentence when it is not.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from sqlalchemy import Engine, text

from app.base.clock import utc_now
from app.base.db import open_engine, open_tx
from app.base.vault import Vault
from scripts.brand_files import read_brand
from scripts.house import DEMO_BRAND
from scripts.import_brand import load_brand
from scripts.migrate import upgrade
from scripts.scale.copies import multiply
from scripts.scale.measure import paces, settle
from scripts.scale.world import Size, play

CLERKS = 18  # of the demo brand
MEMBERS_TO_A_CLERK = 200
LINES_TO_A_MEMBER = 3
WORLD = CLERKS * MEMBERS_TO_A_CLERK
Say = Callable[[str], None]


def fill(engine: Engine, vault: Vault, *, members: int, world: int, until: datetime, say: Say) -> int:
    """Make the small world of ``world`` members and copy it until there are ``members``; answers the copies."""
    with open_tx(engine)() as session:
        if session.execute(text("select exists (select from member)")).scalar():
            raise SystemExit("make_scale: the database has members already; give it an empty one.")
        brand = read_brand(DEMO_BRAND).brand
        assert brand is not None
        load_brand(session, brand, vault=vault)
    size = Size(members=world, orders=world * LINES_TO_A_MEMBER // 2)
    play(
        open_tx(engine),
        vault,
        size,
        until=until,
        tell=lambda done, all_: say(f"played {done} of {all_} orders"),
    )
    times = -(-members // world)
    began = time.monotonic()

    def tell(done: int, all_: int, rows: int) -> None:
        left = (time.monotonic() - began) / done * (all_ - 1 - done)
        say(f"copied {done} of {all_ - 1} times, {rows:,} rows, {left:.0f} s left")

    multiply(engine, times, tell=tell)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("set statement_timeout = 0")
        connection.exec_driver_sql("vacuum analyze")
    return times


def main() -> int:
    """Fill the database that DATABASE_URL names."""
    reader = argparse.ArgumentParser(description="Fill an empty database with a brand at scale.")
    reader.add_argument("--members", type=int, default=1_000_000)
    reader.add_argument("--measure", action="store_true", help="measure a database that is filled")
    asked = reader.parse_args()
    url, secret = os.environ.get("DATABASE_URL"), os.environ.get("SECRET_KEY")
    if not url or not secret:
        print("make_scale: DATABASE_URL and SECRET_KEY are needed.", file=sys.stderr)
        return 2
    upgrade(url)
    engine = open_engine(url, pool_size=2, statement_s=600)
    if asked.measure:
        return _measure(engine)
    try:
        world = min(WORLD, asked.members)
        times = fill(engine, Vault(secret), members=asked.members, world=world, until=utc_now(), say=_say)
    finally:
        engine.dispose()
    print(
        f"{times * world:,} members, {times * CLERKS:,} clerks, {times * world * LINES_TO_A_MEMBER:,} order lines"
    )
    return 0


def _measure(engine: Engine) -> int:
    now = utc_now()
    for pace in paces(engine, times=300, now=now):
        print(f"{pace.what:<20} p50 {pace.p50_ms:7.1f} ms   p99 {pace.p99_ms:7.1f} ms")
    told = settle(
        engine, now=now, tell=lambda rows, expected: _say(f"settling: {rows:,} of {expected:,} rows")
    )
    number, seconds, peak_mb = told
    print(f"\nsettlement {number}: {seconds:.0f} s, peak memory {peak_mb} MB")
    engine.dispose()
    return 0


def _say(text_: str) -> None:
    print(f"\r{text_:<70}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
