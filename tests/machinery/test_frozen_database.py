"""PostgreSQL that stands still (not dead: stopped): callbacks still answer within WeChat's three seconds."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.base.db import Tx, open_engine, open_tx


@contextmanager
def _frozen(backend: int) -> Iterator[None]:
    """Stop one server process of PostgreSQL, as a stalled disk does, and let it go on afterwards."""
    os.kill(backend, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(backend, signal.SIGCONT)


def _backend(session: Session) -> int:
    return int(session.execute(text("select pg_backend_pid()")).scalar_one())


def _ask_a_frozen_server(tx: Tx) -> None:
    with tx() as session, _frozen(_backend(session)):
        session.execute(text("select 1"))


def _freeze_before_the_commit(tx: Tx, thawed: ExitStack) -> None:
    with tx() as session:
        thawed.enter_context(_frozen(_backend(session)))


def test_a_transaction_with_a_deadline_ends_though_its_server_stands_still(database_url: str) -> None:
    engine = open_engine(database_url, pool_size=1)
    tx = open_tx(engine, deadline_s=1.0)
    started = time.monotonic()
    with pytest.raises(OperationalError):
        _ask_a_frozen_server(tx)
    assert 0.9 < time.monotonic() - started < 2.5
    with tx() as session:
        assert session.execute(text("select 1")).scalar_one() == 1
    engine.dispose()


def test_the_commit_is_under_the_deadline_too(database_url: str) -> None:
    engine = open_engine(database_url, pool_size=1)
    tx = open_tx(engine, deadline_s=1.0)
    with ExitStack() as thawed, pytest.raises(OperationalError):
        _freeze_before_the_commit(tx, thawed)
    engine.dispose()


def test_a_transaction_in_time_is_left_alone_also_among_many(database_url: str) -> None:
    engine = open_engine(database_url, pool_size=8)
    tx = open_tx(engine, deadline_s=0.6)
    failed: list[Exception] = []

    def work() -> None:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            try:
                with tx() as session:
                    session.execute(text("select pg_sleep(0.02)"))
            except OperationalError as error:
                failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    engine.dispose()
