"""A deadline that PostgreSQL cannot sleep through: its own limits end a slow statement, not a stopped server.

One thread per process looks at the transactions under way and cuts the connection of one that is
late; its thread then gets the error of a lost connection, and nothing was committed that was answered.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

LOOK_EVERY_S = 0.1


class Deadline:
    """Ends transactions ``seconds`` after they began. Thread-safe; the watching thread starts with the first."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._under_way: dict[int, tuple[float, int]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, connection: "psycopg.Connection[Any]", *, began_s: float) -> Iterator[None]:
        """Watch a connection for the rest of a transaction that began at ``began_s`` (monotonic)."""
        descriptor, key = connection.pgconn.socket, id(connection)
        with self._lock:
            self._under_way[key] = (began_s + self._seconds, descriptor)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadline", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            # Under the lock: the descriptor may belong to another connection the moment after.
            with self._lock:
                self._under_way.pop(key, None)

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_S)
            if not self._under_way:
                continue
            now = time.monotonic()
            with self._lock:
                late = [(key, end[1]) for key, end in self._under_way.items() if end[0] < now]
                for key, descriptor in late:
                    del self._under_way[key]
                    _cut(descriptor)


def _cut(descriptor: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as line:
        line.shutdown(socket.SHUT_RDWR)
