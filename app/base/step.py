"""Sessions and connections with a short way to psycopg for plain SQL, which is nearly all we send.

SQLAlchemy's own way costs more CPU per statement than psycopg and the network together; a hot request has
ten of them. The answers, the errors and what happens to a broken connection are the same.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Self

import psycopg
from sqlalchemy import Connection, Engine, TextClause, make_url, text
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction

_DIALECT = make_url("postgresql+psycopg://").get_dialect()()
# Statements are constants of modules, a few are put together from a handful of pieces.
MOST_STATEMENTS = 2000


class _Form:
    """A statement as psycopg takes it, and, from its first answer on, the names of its columns."""

    def __init__(self, sql: str) -> None:
        self.sql = str(text(sql).compile(dialect=_DIALECT))
        self.columns: SimpleResultMetaData | None = None
        self.has_rows = False


@lru_cache(MOST_STATEMENTS)
def _form(sql: str) -> _Form:
    return _Form(sql)


_NOTHING = _form("select")


class Answer(IteratorResult[Any]):
    """The rows of a statement; ``rowcount`` is how many it found or changed."""

    def __init__(self, columns: SimpleResultMetaData, rows: Iterable[tuple[Any, ...]], rowcount: int) -> None:
        super().__init__(columns, iter(rows))
        self.rowcount = rowcount


class Step(Session):
    """A session that sends ``text(...)`` with named values straight to psycopg; the rest goes the usual way.

    Who listens to statements (a test, a tracer) hears nothing of them and takes a plain Session instead.
    """

    _hand: tuple[SessionTransaction, Connection] | None = None

    def execute(self, statement: Any, params: Any = None, **more: Any) -> Any:
        """The answer to one statement. Raises what SQLAlchemy raises."""
        if _is_plain(statement, params, more):
            return _answer(self._at_hand(), _form(statement.text), params)
        return super().execute(statement, params, **more)

    def _at_hand(self) -> Connection:
        # It stays the same while a transaction or savepoint lasts; asking the session for it each time costs
        # as much as psycopg. Asking is also what sends the SAVEPOINT.
        current = self.get_nested_transaction() or self.get_transaction()
        if self._hand is not None and self._hand[0] is current and current.is_active:
            return self._hand[1]
        connection = self.connection()
        begun = self.get_nested_transaction() or self.get_transaction()
        self._hand = (begun, connection) if begun is not None else None
        return connection


class Reader(Connection):
    """The same for a connection that only reads."""

    def execute(self, statement: Any, parameters: Any = None, **more: Any) -> Any:
        """The answer to one statement. Raises what SQLAlchemy raises."""
        if _is_plain(statement, parameters, more):
            return _answer(self, _form(statement.text), parameters)
        return super().execute(statement, parameters, **more)


def _is_plain(statement: Any, params: Any, more: dict[str, Any]) -> bool:
    return type(statement) is TextClause and not more and not isinstance(params, list | tuple)


class Alone:
    """A connection of the pool for one statement that commits by itself; ``raw`` is psycopg's.

    Around SQLAlchemy's Connection, which would cost as much again as the statement itself.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> Self:
        try:
            self._fairy = self._engine.raw_connection()
        except psycopg.Error as error:
            raise _translated(self._engine, _NOTHING, {}, error, lost=False) from error
        self.raw: psycopg.Connection[Any] = self._fairy.driver_connection  # type: ignore[assignment]  # psycopg's
        return self

    def __exit__(self, *told: object) -> None:
        if self.raw.closed:
            self._fairy.invalidate()
            # Most likely PostgreSQL was restarted. Else each idle connection would fail somebody once.
            self._engine.dispose()
        else:
            self.raw.autocommit = False
        self._fairy.close()

    def execute(self, statement: TextClause, values: dict[str, Any]) -> Answer:
        """The answer to the statement. Raises what SQLAlchemy raises."""
        form = _form(statement.text)
        try:
            self.raw.autocommit = True
            return _asked(self.raw, form, values)
        except psycopg.Error as error:
            raise _translated(self._engine, form, values, error, lost=self.raw.closed) from error


def driver_of(connection: Connection) -> "psycopg.Connection[Any]":
    """psycopg's connection under one of SQLAlchemy's."""
    return connection.connection.driver_connection  # type: ignore[return-value]  # psycopg's


def _answer(connection: Connection, form: _Form, params: dict[str, Any] | None) -> Answer:
    raw = driver_of(connection)
    try:
        # Never None: psycopg would then leave the doubled percent signs of the form as they are.
        return _asked(raw, form, params or {})
    except psycopg.Error as error:
        raise _told(connection, form, params, error, lost=raw.closed) from error


def _asked(raw: "psycopg.Connection[Any]", form: _Form, params: dict[str, Any]) -> Answer:
    cursor = raw.execute(form.sql, params)
    if form.columns is None:
        names = [one.name for one in cursor.description or ()]
        form.has_rows, form.columns = bool(names), SimpleResultMetaData(names)
    rows = cursor.fetchall() if form.has_rows else []
    return Answer(form.columns, rows, cursor.rowcount)


def _told(
    connection: Connection, form: _Form, params: dict[str, Any] | None, error: psycopg.Error, *, lost: bool
) -> BaseException:
    """The error as SQLAlchemy tells it; a lost connection is given up, and the idle ones of the pool with it."""
    if lost:
        connection.invalidate(error)
        # Most likely PostgreSQL was restarted. Else each of them would fail somebody once.
        connection.engine.dispose()
    return _translated(connection.engine, form, params, error, lost=lost)


def _translated(
    engine: Engine, form: _Form, params: dict[str, Any] | None, error: psycopg.Error, *, lost: bool
) -> BaseException:
    return DBAPIError.instance(
        form.sql,
        params,
        error,
        psycopg.Error,
        hide_parameters=engine.hide_parameters,
        connection_invalidated=lost,
        dialect=engine.dialect,
    )
