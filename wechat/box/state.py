"""What the box remembers: one SQLite file that survives restarts and kill -9."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS persons (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, phone TEXT, oa_openid TEXT NOT NULL UNIQUE, mp_openid TEXT NOT NULL UNIQUE,
  unionid TEXT NOT NULL UNIQUE, session_key TEXT NOT NULL, subscribed INTEGER NOT NULL DEFAULT 0, subscribe_at INTEGER,
  subscribe_scene TEXT, qr_scene INTEGER NOT NULL DEFAULT 0, qr_scene_str TEXT NOT NULL DEFAULT '', pending_ticket TEXT,
  created_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS chats (
  id INTEGER PRIMARY KEY, person TEXT NOT NULL, sender TEXT NOT NULL, type TEXT NOT NULL, text TEXT NOT NULL,
  via TEXT, extra TEXT NOT NULL DEFAULT '{}', at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS chats_person ON chats (person, id);
CREATE TABLE IF NOT EXISTS windows (
  openid TEXT NOT NULL, opened_by TEXT NOT NULL, until REAL NOT NULL, left INTEGER NOT NULL,
  PRIMARY KEY (openid, opened_by));
CREATE TABLE IF NOT EXISTS tokens (
  token TEXT PRIMARY KEY, appid TEXT NOT NULL, family TEXT NOT NULL, forced INTEGER NOT NULL DEFAULT 0,
  issued_at REAL NOT NULL, expires_at REAL NOT NULL, dead_at REAL);
CREATE INDEX IF NOT EXISTS tokens_app ON tokens (appid, family, issued_at);
CREATE TABLE IF NOT EXISTS codes (
  ticket TEXT PRIMARY KEY, url TEXT NOT NULL UNIQUE, action TEXT NOT NULL, scene_id INTEGER, scene_str TEXT,
  expires_at REAL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS pictures (digest TEXT PRIMARY KEY, shows TEXT NOT NULL, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mp_codes (
  scene TEXT NOT NULL, page TEXT NOT NULL, env_version TEXT NOT NULL, created_at REAL NOT NULL,
  PRIMARY KEY (scene, page, env_version));
CREATE TABLE IF NOT EXISTS once_codes (
  code TEXT PRIMARY KEY, opens TEXT NOT NULL, appid TEXT NOT NULL, person TEXT NOT NULL, created_at REAL NOT NULL,
  used_at REAL);
CREATE TABLE IF NOT EXISTS orders (
  out_trade_no TEXT PRIMARY KEY, asked TEXT NOT NULL, appid TEXT NOT NULL, openid TEXT NOT NULL,
  total_fen INTEGER NOT NULL, state TEXT NOT NULL, transaction_id TEXT UNIQUE, notify_url TEXT NOT NULL,
  created_at REAL NOT NULL, expires_at REAL NOT NULL, success_at INTEGER);
CREATE TABLE IF NOT EXISTS prepays (prepay_id TEXT PRIMARY KEY, out_trade_no TEXT NOT NULL, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refunds (
  out_refund_no TEXT PRIMARY KEY, refund_id TEXT NOT NULL UNIQUE, out_trade_no TEXT NOT NULL, asked TEXT NOT NULL,
  refund_fen INTEGER NOT NULL, status TEXT NOT NULL, notify_url TEXT, created_at INTEGER NOT NULL, due_at REAL NOT NULL,
  success_at INTEGER);
CREATE INDEX IF NOT EXISTS refunds_order ON refunds (out_trade_no);
CREATE INDEX IF NOT EXISTS refunds_due ON refunds (status, due_at);
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, what TEXT NOT NULL, person TEXT, url TEXT NOT NULL, payload TEXT NOT NULL,
  state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_at REAL, created_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, next_at);
CREATE TABLE IF NOT EXISTS attempts (
  id INTEGER PRIMARY KEY, delivery INTEGER NOT NULL, at REAL NOT NULL, status INTEGER, answer TEXT NOT NULL,
  verdict TEXT NOT NULL, took_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_delivery ON attempts (delivery, id);
"""
_LIVED = (
    "persons", "chats", "windows", "tokens", "codes", "pictures", "mp_codes", "once_codes", "orders", "prepays",
    "refunds", "deliveries", "attempts",
)  # fmt: skip


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
        # WAL with NORMAL loses nothing when the process is killed; only a power cut could cost the last commits.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)

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
        self.run("INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, text)

    def next_number(self, name: str) -> int:
        """1, 2, 3 ... per name, never twice, also after a restart."""
        with self.write():
            number = int(self.kept(f"number:{name}") or 0) + 1
            self.keep(f"number:{name}", number)
            return number

    def forget_lives(self) -> None:
        """Forget people, codes, orders and deliveries; keep credentials, settings and the running numbers."""
        with self.write() as db:
            for table in _LIVED:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are the constants above

    def close(self) -> None:
        """Close the file; waits for the writer whose turn it is."""
        with self._turn:
            self._db.close()
