"""How a process learns that something it remembers has changed: topics, versions, PostgreSQL NOTIFY.

A writer calls ``touch`` in its own transaction. PostgreSQL delivers the notice when, and only when,
that transaction commits, once per topic however often it was touched. One listening connection per
process turns notices into version numbers. Nothing here is needed for correctness of the books: a
process that cannot listen only has to remember for a shorter time (``live`` says so).

For what changes seldom (prices, texts, stores). A NOTIFY takes a lock of the whole server during
commit, so that orders and stock movements must not call ``touch``: what shows stock is remembered
for less than a second instead.
"""

import os
import select
import threading
import time
from typing import Any

import psycopg
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

CHANNEL = "lianke_fresh"
CATALOG = "catalog"  # products, SKUs, prices, categories
STORES = "stores"  # stores and their hours

# A ping this young proves that every notice committed before it has been counted.
TRUST_S = 0.9
PING_S = 0.4
_RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
# Under this name operators see the connection in pg_stat_activity.
NAME = "lianke freshness"
_LIMITS: dict[str, Any] = {
    "application_name": NAME,
    "connect_timeout": 3,
    "tcp_user_timeout": 2000,
    "options": "-c statement_timeout=2000",
}

_NOTIFY = text("select pg_notify(:channel, :topic)")


def touch(session: Session | Connection, topic: str) -> None:
    """Say, in the caller's transaction, that ``topic`` changes. Told to all processes at commit."""
    session.execute(_NOTIFY, {"channel": CHANNEL, "topic": topic})


class Freshness:
    """Version numbers of topics in this process, kept up by one listening thread and connection."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._versions: dict[str, int] = {}
        self._base = 0
        self._heard_at = float("-inf")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="freshness", daemon=True)
        self._thread.start()

    def versions(self, topics: tuple[str, ...]) -> tuple[int, ...]:
        """The present versions. Read them before reading the tables, compare them before using the result."""
        base = self._base
        return tuple(base + self._versions.get(topic, 0) for topic in topics)

    def live(self) -> bool:
        """Whether every change committed until a moment ago (``TRUST_S``) is counted in ``versions``."""
        return time.monotonic() - self._heard_at < TRUST_S

    def close(self) -> None:
        """Stop listening and give the connection back."""
        self._closing.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        failures = 0
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, **_LIMITS) as connection:
                    self._listen(connection)
            except psycopg.Error:
                # The server is away or restarting. ``live`` turns false by itself; nobody waits for us.
                self._heard_at = float("-inf")
                self._closing.wait(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1
            else:
                failures = 0

    def _listen(self, connection: psycopg.Connection) -> None:
        connection.add_notify_handler(self._count)
        connection.execute(f"listen {CHANNEL}")
        # What happened before we listened is unknown: everything counts as changed.
        self._base += 1
        while not self._closing.is_set():
            asked_at = time.monotonic()
            connection.execute("select 1")
            self._heard_at = asked_at
            select.select([connection.fileno()], [], [], PING_S)

    def _count(self, notice: psycopg.Notify) -> None:
        self._versions[notice.payload] = self._versions.get(notice.payload, 0) + 1


_listening: dict[tuple[int, str], Freshness] = {}
_lock = threading.Lock()


def listen(url: str) -> Freshness:
    """This process's listener on a database, started when first asked for: after a fork, never before."""
    key = (os.getpid(), url)
    found = _listening.get(key)
    if found is None:
        with _lock:
            found = _listening.get(key)
            if found is None:
                found = _listening[key] = Freshness(url)
    return found
