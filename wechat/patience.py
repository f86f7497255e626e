"""How long one answer is listened to, in all: a server that drips a byte a second passes every read time-out
and would hold a thread for hours."""

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_this_thread = threading.local()


@contextmanager
def listening(seconds: float) -> Iterator[None]:
    """Answers that begin inside, in this thread, must have been read to their end after `seconds`; what comes
    later is a time-out, wherever it is read."""
    _this_thread.until_s = time.monotonic() + seconds
    try:
        yield
    finally:
        _this_thread.until_s = None


class TimedResponse(http.client.HTTPResponse):
    """An HTTP response whose status line, headers and body are read within the time set by `listening`."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        until_s = getattr(_this_thread, "until_s", None)
        if until_s is not None:
            self.fp = io.BufferedReader(_Timed(sock, self.fp.detach(), until_s))


class _Timed(io.RawIOBase):
    def __init__(self, sock: socket.socket, raw: io.RawIOBase, until_s: float) -> None:
        self._sock, self._raw, self._until_s = sock, raw, until_s
        self._patience_s = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until_s - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long in all")
        self._sock.settimeout(left if self._patience_s is None else min(left, self._patience_s))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
