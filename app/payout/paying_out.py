"""The payout run: whatever settlements owe and nobody has to decide on goes out, again and again, until it has."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import text

from app.base.db import Tx
from app.payout import papers, transferring
from app.payout.transferring import Purse
from wechat.pay import Pay

# One query on the table of the room below, which names no function for it.
_PAYING = text("select number from settlement_batch where state = 'PAYING' order by id")


def run(tx: Tx, pay: Pay, purse: Purse, *, now: Callable[[], datetime]) -> int:
    """Open what is due today and handle every transfer that is due; answers how many steps were taken.

    Killed at any line, the next run goes on: what is written down is not opened again, and what WeChat may
    have heard is asked about first.
    """
    with tx() as session:
        batches = list(session.execute(_PAYING).scalars())
    for batch in batches:
        papers.settle_own(tx, batch=batch, now=now())
        transferring.open_transfers(tx, purse, batch=batch, now=now())
    steps = 0
    while handled := transferring.work(tx, pay, purse, now=now()):
        steps += handled
    return steps
