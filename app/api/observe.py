"""Around every request, below nothing: a request id, one JSON log line, metrics. Cheap, because it is always on.

The query string is never written: it may hold a location (CNS-3) or a search for something personal.
"""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from prometheus_client import Counter, Histogram

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

REQUESTS = Counter("lianke_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "lianke_request_seconds",
    "Time to the answer's first byte",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
# At least one letter: eleven digits could be a phone number, and ids are logged.
_GIVEN_ID = re.compile(r"(?=[0-9-]*[A-Za-z])[A-Za-z0-9-]{8,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observed:
    """The outermost WSGI layer. Puts ``lianke.request_id`` into the environ and X-Request-Id into the answer.

    Layers below set ``lianke.route`` (the rule, never the raw path), so that labels stay few.
    """

    def __init__(self, inner: WsgiApp, *, log_requests: bool = True) -> None:
        self._inner = inner
        self._log = log_requests
        self._children: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Pass the request on and account for the answer when its status is known."""
        started = time.perf_counter()
        request_id = new_request_id(environ)
        environ["lianke.request_id"] = request_id

        def observed_start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers.append(("X-Request-Id", request_id))
            self._account(environ, status[:3], time.perf_counter() - started, request_id)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return self._inner(environ, observed_start)

    def _account(self, environ: dict[str, Any], status: str, seconds: float, request_id: str) -> None:
        method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "OTHER"
        route = environ.get("lianke.route", "unmatched")
        counter, histogram = self._child(method, route, status)
        counter.inc()
        histogram.observe(seconds)
        if self._log:
            line = {
                "at": time.time(),
                "event": "request",
                "id": request_id,
                "method": method,
                "route": route,
                "status": int(status),
                "ms": round(seconds * 1000, 1),
            }
            out = sys.stdout.buffer
            out.write(orjson.dumps(line) + b"\n")
            out.flush()

    def _child(self, method: str, route: str, status: str) -> tuple[Counter, Histogram]:
        key = (method, route, status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = (REQUESTS.labels(*key), SECONDS.labels(route))
        return child


def new_request_id(environ: dict[str, Any]) -> str:
    """The caller's X-Request-Id when it is harmless, else 16 random hex digits."""
    given = environ.get("HTTP_X_REQUEST_ID")
    if given and _GIVEN_ID.fullmatch(given):
        return str(given)
    return os.urandom(8).hex()
