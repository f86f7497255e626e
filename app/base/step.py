"""Sessions and connections with a short way to psycopg for plain SQL, which is nearly all we send.

SQLAlchemy's own way costs more CPU per statement than psycopg and the network together; a hot request has
ten of them. The answers, the errors and what happens to a broken connection are the same.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import Connection, TextClause, make_url, text
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.orm import Session

_DIALECT = make_url("postgresql+psycopg://").get_dialect()()
# Statements are constants of modules, a few are put together from a handful of pieces.
MOST_STATEMENTS = 2000


class _Form:
    """A statement as psycopg takes it, and, from its first answer on, the names of its columns."""

    def __init__(self, sql: str) -> None:
        self.sql = str(text(sql).compile(dialect=_DIALECT))
        self.columns: SimpleResultMetaData | None = None


@lru_cache(MOST_STATEMENTS)
def _form(sql: str) -> _Form:
    return _Form(sql)


class Answer(IteratorResult[Any]):
    """The rows of a statement; ``rowcount`` is how many it found or changed."""

    def __init__(self, columns: SimpleResultMetaData, rows: Iterable[tuple[Any, ...]], rowcount: int) -> None:
        super().__init__(columns, iter(rows))
        self.rowcount = rowcount


class Step(Session):
    """A session that sends ``text(...)`` with named values straight to psycopg; the rest goes the usual way."""

    def execute(self, statement: Any, params: Any = None, **more: Any) -> Any:
        """The answer to one statement. Raises what SQLAlchemy raises."""
        if _is_plain(statement, params, more):
            connection = self.connection()
            if not _is_listened_to(connection):
                return _answer(connection, _form(statement.text), params)
        return super().execute(statement, params, **more)


class Reader(Connection):
    """The same for a connection that only reads."""

    def execute(self, statement: Any, parameters: Any = None, **more: Any) -> Any:
        """The answer to one statement. Raises what SQLAlchemy raises."""
        if _is_plain(statement, parameters, more) and not _is_listened_to(self):
            return _answer(self, _form(statement.text), parameters)
        return super().execute(statement, parameters, **more)


def _is_plain(statement: Any, params: Any, more: dict[str, Any]) -> bool:
    return type(statement) is TextClause and not more and not isinstance(params, list | tuple)


def _is_listened_to(connection: Connection) -> bool:
    # A test or a tracer wants to hear of statements: the usual way tells it.
    return bool(connection._has_events or connection.engine._has_events)


def _answer(connection: Connection, form: _Form, params: dict[str, Any] | None) -> Answer:
    raw: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]  # psycopg's
    try:
        # Never None: psycopg would then leave the doubled percent signs of the form as they are.
        cursor = raw.execute(form.sql, params or {})
        rows = cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        # SQLAlchemy wraps the error and gives up a connection that is broken; it has no public name for that.
        connection._handle_dbapi_exception(error, form.sql, params, None, None)
    columns = form.columns
    if columns is None:
        columns = form.columns = SimpleResultMetaData([one.name for one in cursor.description or ()])
    return Answer(columns, rows, cursor.rowcount)
