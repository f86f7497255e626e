"""Running a dry run that was asked for, as a job: once, with its progress in its row."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import orjson
from sqlalchemy import Connection, text

from app.base.db import Tx
from app.base.errors import Refusal
from app.dry_run.replaying import DraftRef, replay

# A new moment of the database, that can be read and not written.
Snapshot = Callable[[], AbstractContextManager[Connection]]
TELL_EVERY_S = 1.0

_BEGIN = text(
    """
    update dry_run set state = 'RUNNING', started_at = :now, orders_done = 0, orders_total = 0
    where number = :number and state in ('WAITING', 'RUNNING')
    returning policy_code, policy_version, since, until
    """
)
_TELL = text("update dry_run set orders_done = :done, orders_total = :total where number = :number")
_DONE = text(
    """
    update dry_run set state = 'DONE', result = cast(:result as jsonb), finished_at = :now,
                       orders_done = :orders, orders_total = :orders
    where number = :number and state = 'RUNNING'
    """
)
_FAILED = text(
    "update dry_run set state = 'FAILED', problem = :problem, finished_at = :now"
    " where number = :number and state = 'RUNNING'"
)
_ALONE = text("select pg_try_advisory_xact_lock(hashtextextended('dry run ' || :number, 0))")


def run(tx: Tx, snapshot: Snapshot, *, number: str, now: Callable[[], datetime]) -> None:
    """Replay what the run ``number`` asks for and keep the result in its row.

    Done already: nothing. A worker that died leaves the run to the next one, which begins anew; two at
    once: the second leaves it to the first. What cannot be done is FAILED, with its reason.
    """
    with snapshot() as reader:
        if not reader.execute(_ALONE, {"number": number}).scalar():
            return
        with tx() as session:
            asked = session.execute(_BEGIN, {"number": number, "now": now()}).first()
        if asked is None:
            return
        try:
            found = replay(
                reader,
                policy=DraftRef(asked.policy_code, asked.policy_version),
                since=asked.since,
                until=asked.until,
                progress=_teller(tx, number),
            )
        except Refusal as refusal:
            with tx() as session:
                session.execute(_FAILED, {"number": number, "problem": str(refusal), "now": now()})
            return
    result = orjson.dumps(found.told()).decode()
    with tx() as session:
        session.execute(_DONE, {"number": number, "result": result, "orders": found.orders, "now": now()})


def _teller(tx: Tx, number: str) -> Callable[[int, int], None]:
    told_s = float("-inf")

    def tell(done: int, total: int) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= TELL_EVERY_S:
            with tx() as session:
                session.execute(_TELL, {"number": number, "done": done, "total": total})
            told_s = time.monotonic()

    return tell
