"""Check the books: `python scripts/check_books.py [--database-url URL]`, else DATABASE_URL.

Runs every invariant (scripts/books) at one moment of the database and prints the rows that break one. Ends
with 0 when all hold, 1 when one does not, 2 when the database cannot be asked. Changes nothing.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

if __package__ in (None, ""):
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from app.base.clock import utc_now
from app.base.db import open_engine
from scripts.books import (
    credit,
    goods,
    kpi,
    money,
    payout,
    relations,
    review,
    rights,
    settlement,
    sharing,
    tills,
)
from scripts.books.check import Broken, Check

_BOOKS = (goods, money, credit, kpi, relations, review, rights, settlement, payout, sharing, tills)
ALL: tuple[Check, ...] = tuple(
    sorted(
        (check for book in _BOOKS for check in book.CHECKS),
        key=lambda check: (check.id[0] != "I", check.id),
    )
)
# Rows shown of one broken invariant.
SHOWN = 20
STATEMENT_TIMEOUT_S = 600


def broken(connection: Connection, *, watch: bool = False, at: datetime | None = None) -> list[Broken]:
    """The invariants that do not hold now, none when the books are right.

    ``watch``: also those that say that nothing is late, judged ``at`` a moment (now, if none is given).
    Reads only; to see one moment, call it in a REPEATABLE READ transaction.
    """
    found: list[Broken] = []
    for check in ALL:
        if check.watch and not watch:
            continue
        facts = {"at": at or utc_now()} if ":at" in check.sql else {}
        rows = connection.execute(text(check.sql), facts).mappings().fetchmany(SHOWN + 1)
        if rows:
            shown = [dict(row) for row in rows[:SHOWN]]
            found.append(Broken(check.id, check.meaning, shown, len(rows) > SHOWN))
    return found


def report(found: Sequence[Broken]) -> str:
    """The text for people: each broken invariant with its rows, or one sentence when all hold."""
    if not found:
        return f"The books are right: {len(ALL)} invariants hold."
    parts: list[str] = []
    for one in found:
        parts.append(f"{one.id} is broken: {one.meaning}")
        parts += ["  " + "  ".join(f"{name}={value}" for name, value in row.items()) for row in one.rows]
        parts += ["  ... and more"] if one.more else []
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Run the command and answer its exit code."""
    parser = argparse.ArgumentParser(description="Check every invariant of the books.")
    parser.add_argument("--database-url", default=os.environ.get("DATABASE_URL"))
    given = parser.parse_args(arguments)
    if not given.database_url:
        print("DATABASE_URL is not set.", file=sys.stderr)
        return 2
    try:
        engine = open_engine(given.database_url, pool_size=1, statement_s=STATEMENT_TIMEOUT_S)
        snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
        with snapshot.connect() as connection:
            found = broken(connection, watch=True)
        engine.dispose()
    except (SQLAlchemyError, ValueError) as why:
        print(f"The database could not be asked: {type(why).__name__}.", file=sys.stderr)
        return 2
    print(report(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
