"""What the box remembers: one SQLite file that survives restarts and kill -9."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TABLES = Path(__file__).parent


class Store:
    """The box's memory. Every method may be called from any thread; writers take turns."""

    def __init__(self, folder: Path) -> None:
        """Open (or make) the file in ``folder``; raises OSError or sqlite3.Error when that is impossible."""
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._turn = threading.RLock()
        self._depth = 0
        self._db = sqlite3.connect(folder / "box.sqlite3", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # WAL with NORMAL loses nothing to kill -9; only a power cut could cost the last commits.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        for tables in sorted(_TABLES.glob("tables*.sql")):
            self._db.executescript(tables.read_text(encoding="utf-8"))

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all or nothing. A ``write`` inside another joins it. Never phone inside."""
        with self._turn:
            outermost = self._depth == 0
            if outermost:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._db
            except BaseException:
                if outermost:
                    self._db.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._db.execute("COMMIT")
            finally:
                self._depth -= 1

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._turn:
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with self._turn:
            found: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
            return found

    def run(self, sql: str, *values: object) -> int:
        """Run one statement in a transaction of its own (or the open one); answers the rows it changed."""
        with self.write() as db:
            return db.execute(sql, values).rowcount

    def kept(self, name: str) -> Any:
        """The JSON value kept under ``name``, or None."""
        found = self.row("SELECT value FROM kept WHERE name = ?", name)
        return None if found is None else json.loads(found["value"])

    def keep(self, name: str, value: Any) -> None:
        """Keep a JSON value under ``name``."""
        text = json.dumps(value, ensure_ascii=False)
        self.run(
            "INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            name,
            text,
        )

    def next_number(self, name: str) -> int:
        """1, 2, 3 ... per name, never twice, also after a restart."""
        with self.write():
            number = int(self.kept(f"number:{name}") or 0) + 1
            self.keep(f"number:{name}", number)
            return number

    def forget_lives(self) -> None:
        """Forget all that was lived: every table, and of ``kept`` all but credentials, settings and running
        numbers (what belongs to a life is named ``life:...``)."""
        with self.write() as db:
            tables = self.rows(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name != 'kept'"
            )
            for table in tables:
                db.execute(f"DELETE FROM {table['name']}")
            db.execute("DELETE FROM kept WHERE name LIKE 'life:%'")

    def close(self) -> None:
        """Close the file; waits for the writer whose turn it is."""
        with self._turn:
            self._db.close()
