"""kill -9 in the middle of building, handing over and freeing a batch: nothing is lost, nothing is doubled."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.settlement import batches, working
from tests.make import count
from tests.rooms.paid import LIN
from tests.rooms.settled import APRIL_10, DECIDER, MAKER, SENDER, WHY, batch_row, certain, figures

pytestmark = pytest.mark.usefixtures("right_books")

ROOT = Path(__file__).resolve().parents[2]
ORDERS, LINES = 6, 10
# The worker's own loop, in pieces so small that there is time to kill it.
WORKER = """
import sys
from datetime import datetime
from app.base.db import open_engine, open_tx
from app.settlement import working
tx = open_tx(open_engine(sys.argv[1], pool_size=2))
print("ready", flush=True)
working.drive(tx, number=sys.argv[2], now=datetime.fromisoformat(sys.argv[3]), chunk=3)
"""


@pytest.fixture
def books(tx: Tx) -> None:
    """300 shares of four parties."""
    for number in range(ORDERS):
        certain(tx, f"A260302TEST{number:04}", *[29900] * LINES)


def killed_and_resumed(tx: Tx, database_url: str, number: str, moved: str) -> int:
    """Start the work in a process, kill it when rows have moved, and so on until it ends; how many kills."""
    kills, most = 0, ORDERS * LINES * 5
    command = [sys.executable, "-c", WORKER, database_url, number, APRIL_10.isoformat()]
    while kills < 3:
        before = rows(tx, moved)
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            until = time.monotonic() + 60
            while process.poll() is None and rows(tx, moved) < min(before + 15, most):
                assert time.monotonic() < until
                time.sleep(0.01)
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                kills += 1
            process.wait()
        assert rows(tx, moved) < most, "it was through before it was killed: the test did not test"
    working.drive(tx, number=number, now=APRIL_10)
    return kills


def rows(tx: Tx, state: str) -> int:
    with tx() as session:
        return count(session, "commission_batch_row", f"state = '{state}'")


@pytest.mark.usefixtures("books")
def test_set1_killing_the_builder_the_hander_and_the_freer(tx: Tx, database_url: str) -> None:
    whole = ORDERS * LINES
    with tx() as session:
        number = batches.create(session, month="2026-04", by=MAKER, why=WHY, at=APRIL_10)
    assert killed_and_resumed(tx, database_url, number, "OPEN") == 3
    assert figures(tx, number, LIN)[0] == whole * 748
    with tx() as session:
        batches.reject(session, number=number, by=DECIDER, why="again", at=APRIL_10)
    assert killed_and_resumed(tx, database_url, number, "RETURNED") == 3
    assert rows(tx, "OPEN") == 0
    with tx() as session:
        number = batches.create(session, month="2026-04", by=MAKER, why=WHY, at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10)
    with tx() as session:
        batches.submit(session, number=number, by=SENDER, why=WHY, at=APRIL_10)
    with tx() as session:
        batches.approve(session, number=number, by=DECIDER, why=WHY, at=APRIL_10)
    assert killed_and_resumed(tx, database_url, number, "SETTLED") == 3
    assert batch_row(tx, number)["state"] == "PAYING"
    assert batch_row(tx, number)["payable_fen"] == whole * 1495
    with tx() as session:
        moved = "select sum(amount_fen) from ledger_transfer where kind = 'COMMISSION_SETTLE'"
        assert session.execute(text(moved)).scalar_one() == whole * 1495
