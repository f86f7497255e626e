"""What a brand at scale has to answer quickly, and the settlement of its month, measured."""

import random
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles

from sqlalchemy import Connection, Engine, text

from app.base.clock import local_day
from app.base.db import open_read, open_tx
from app.commission import statement
from app.commission.explaining import explain_order
from app.settlement import batches, working

ACTOR = "operator:scale"
# What the clerk's door shows of a month, and one more (app/api/clerk/earnings.py).
MOST_CHANGES = 501
_ORDERS = text(
    "select order_number from commission_line where order_line_id >= :from_id order by order_line_id limit 1"
)
_LAST = text("select max(order_line_id) from commission_line")
_CLERKS = text("select 'clerk:' || code from clerk where status = 'ACTIVE' order by random() limit :n")


@dataclass(frozen=True)
class Pace:
    """How long one question took, in milliseconds, over many askings."""

    what: str
    p50_ms: float
    p99_ms: float


def paces(engine: Engine, *, times: int, now: datetime) -> list[Pace]:
    """Ask ``times`` times each: explain an order, a clerk's month, a clerk's summary; of others each time."""
    month = f"{local_day(now):%Y-%m}"
    with open_read(engine)() as reader:
        last = int(reader.execute(_LAST).scalar_one())
        chosen = [random.randint(1, last) for _ in range(times)]
        orders = [reader.execute(_ORDERS, {"from_id": one}).scalar_one() for one in chosen]
        clerks = list(reader.execute(_CLERKS, {"n": times}).scalars())
        return [
            _pace("explain an order", reader, orders, lambda number: explain_order(reader, number)),
            _pace(
                "a clerk's month",
                reader,
                clerks,
                lambda one: statement.month(reader, one, month=month, limit=MOST_CHANGES),
            ),
            _pace(
                "a clerk's summary", reader, clerks, lambda one: statement.clerk_summary(reader, one, now=now)
            ),
        ]


def settle(engine: Engine, *, now: datetime, tell: Callable[[int, int], None]) -> tuple[str, float, int]:
    """Build the settlement of the month of ``now``; answers its number, the seconds, and the peak memory in MB."""
    tx, began = open_tx(engine), time.monotonic()
    with tx() as session:
        number = batches.create(session, month=f"{local_day(now):%Y-%m}", by=ACTOR, why="scale", at=now)
    working.drive(tx, number=number, now=now, tell=lambda progress: tell(progress.rows, progress.expected))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return number, time.monotonic() - began, peak_mb


def _pace(what: str, reader: Connection, of: list[str], ask: Callable[[str], object]) -> Pace:
    taken = []
    for one in of:
        began = time.perf_counter()
        ask(one)
        taken.append((time.perf_counter() - began) * 1000)
    cuts = quantiles(taken, n=100)
    return Pace(what, cuts[49], cuts[98])
