"""The only door to PostgreSQL: engines with time limits, and ``tx``, the only place that commits."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from psycopg.types.numeric import Int8Dumper
from sqlalchemy import Connection, Engine, TextClause, create_engine, event
from sqlalchemy.orm import Session

from app.base.deadline import Deadline
from app.base.step import Alone, Answer, Reader, Step, driver_of

# Opens one transaction: ``with tx() as session``. Commits at the end, rolls back on any exception.
Tx = Callable[[], AbstractContextManager[Session]]

# Carries out one statement that commits by itself: ``stroke(text(...), {...})``.
Stroke = Callable[[TextClause, dict[str, Any]], Answer]


def open_engine(
    url: str, *, pool_size: int, statement_s: float = 5, lock_s: float = 3, pool_s: float = 5
) -> Engine:
    """An engine with a fixed pool and limits that keep one slow statement from holding the house up.

    READ COMMITTED. A statement is cut after ``statement_s``, a wait for a lock after ``lock_s``, for a
    connection after ``pool_s``, and an idle transaction after 10 s (RELIABILITY 6). Connections are not
    tested before use (a round trip each): after a restart of PostgreSQL the first error renews the pool.
    """
    limits = (
        f"-c statement_timeout={int(statement_s * 1000)} -c lock_timeout={int(lock_s * 1000)}"
        " -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
        # Short statements on tables that lie in memory or on flash: index look-ups, nothing compiled.
        " -c random_page_cost=1.1 -c jit=off"
    )
    engine = create_engine(
        _psycopg(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_s,
        pool_recycle=1800,
        connect_args={"options": limits, "prepare_threshold": 1, "connect_timeout": 3},
        pool_reset_on_return="rollback",
        hide_parameters=True,  # tokens and openids are values of statements, and errors would quote them
    )
    event.listen(engine, "connect", _send_bigints)
    return engine


def _send_bigints(connection: Any, record: object) -> None:
    # psycopg picks int2, int4 or int8 by the value of a number. Each mix of types is another statement to
    # prepare and to plan; ours are all bigint.
    connection.adapters.register_dumper(int, Int8Dumper)


def open_tx(engine: Engine, *, deadline_s: float | None = None, heard: bool = False) -> Tx:
    """Make the ``tx`` of an engine. A transaction that failed leaves nothing behind.

    With ``deadline_s`` it fails when it is not over by then, even if PostgreSQL itself stands still.
    With ``heard`` SQLAlchemy's events tell of every statement (see app.base.step), which costs time.
    """
    kind = Session if heard else Step
    deadline = Deadline(deadline_s) if deadline_s else None

    @contextmanager
    def tx() -> Iterator[Session]:
        began_s = time.monotonic()
        # Leaving without the commit rolls back; the commit itself is under the deadline too.
        with (
            kind(engine, expire_on_commit=False, autoflush=False) as session,
            deadline.over(driver_of(session.connection()), began_s=began_s) if deadline else nullcontext(),
        ):
            yield session
            session.commit()

    return tx


def open_stroke(engine: Engine, *, deadline_s: float) -> Stroke:
    """Make the ``stroke`` of an engine: one statement that is a transaction of its own.

    BEGIN and COMMIT would be two round trips more. Fails as ``tx`` does when it is not over within
    ``deadline_s``; then the statement may or may not have been carried out.
    """
    deadline = Deadline(deadline_s)

    def stroke(statement: TextClause, values: dict[str, Any]) -> Answer:
        began_s = time.monotonic()
        with Alone(engine) as line, deadline.over(line.raw, began_s=began_s):
            return line.execute(statement, values)

    return stroke


def open_read(engine: Engine, *, heard: bool = False) -> Callable[[], AbstractContextManager[Connection]]:
    """Make the reader of an engine: an AUTOCOMMIT connection, which saves BEGIN and ROLLBACK per query.

    For reads only; each statement sees its own moment. With ``heard`` SQLAlchemy's events tell of them.
    """
    kind = Connection if heard else Reader
    auto = engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def read() -> Iterator[Connection]:
        with kind(auto) as connection:
            yield connection

    return read


def open_snapshot(
    engine: Engine, *, statement_s: int = 60
) -> Callable[[], AbstractContextManager[Connection]]:
    """Make the snapshot of an engine: one moment of the database for as long as it is looked at.

    REPEATABLE READ and READ ONLY: PostgreSQL itself refuses every write (25006). For long reads that must
    agree with themselves; a statement may take ``statement_s``.
    """
    frozen = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def snapshot() -> Iterator[Connection]:
        with frozen.connect() as connection:
            connection.exec_driver_sql(f"set local statement_timeout = {statement_s * 1000}")
            yield connection

    return snapshot


def _psycopg(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ValueError("DATABASE_URL must begin with postgresql://")
    return f"postgresql+psycopg://{rest}"
