"""The fast path: public reads answered from memory, below Flask's dispatch, which costs more than the answer.

A generic short-term memory over the Flask app, so that there is one truth about every answer: a miss
is answered by Flask as if this layer were not there, and the view says by ``keep`` whether its answer
may be given again. Only GET and HEAD of the paths below are looked at. They are public: they never
look at who asks, so a token in the request changes nothing. Errors are never kept.

The key is the path, the sorted query and the normalised language. ``Observed`` around this layer
writes request id, metrics and the log line for hits and misses alike.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask

from app.api.schema import prefers
from app.api.shelf import ALONE_S, Flight, Keep, Kept, Shelf
from app.api.shopper.near import quick_nearby
from app.base.freshness import CATALOG, STORES, Freshness, listen

Environ = dict[str, Any]
Start = Callable[..., Any]
Body = Iterable[bytes]
WsgiApp = Callable[[Environ, Start], Body]
# Answers a well-formed query from memory without I/O, or None: then Flask answers, also to say what is wrong.
Quick = Callable[[Flask, str, str], bytes | None]
Key = tuple[str, tuple[tuple[str, str], ...], str]

PATHS = frozenset({"/api/shopper/categories", "/api/shopper/products", "/api/shopper/stores"})
PREFIXES = ("/api/shopper/products/", "/api/shopper/stores/")
TOPICS = (CATALOG, STORES)
QUICK: dict[str, Quick] = {"/api/shopper/stores/nearby": quick_nearby}
MAX_KEY = 400
WAIT_S = 3.0
_OURS = frozenset({"content-length", "cache-control", "vary", "etag", "x-request-id"})


class Fast:
    """The WSGI layer between ``Observed`` and Flask."""

    def __init__(self, inner: WsgiApp, app: Flask, quick: dict[str, Quick] | None = None) -> None:
        self._inner = inner
        self._app = app
        self._quick = QUICK if quick is None else quick
        self._flights: dict[Key, Flight] = {}
        self._lock = threading.Lock()
        self.shelf = Shelf()

    def __call__(self, environ: Environ, start_response: Start) -> Body:
        """Answer from memory what may be answered from memory; pass on the rest untouched."""
        path = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or not (
            path in PATHS or path.startswith(PREFIXES)
        ):
            return self._inner(environ, start_response)
        quick = self._quick.get(path)
        if quick is not None:
            return self._answer_quick(quick, environ, start_response)
        key = key_of(environ)
        if key is None:
            return self._inner(environ, start_response)
        fresh = listen(self._app.extensions["lianke.parts"].settings.database_url)
        kept = self.shelf.get(key)
        if kept is None or not _usable(kept, fresh):
            return self._fill(key, fresh, environ, start_response)
        return _send(kept, environ, start_response)

    def _answer_quick(self, quick: Quick, environ: Environ, start_response: Start) -> Body:
        language = prefers(environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        body = quick(self._app, environ.get("QUERY_STRING", ""), language)
        if body is None:
            return self._inner(environ, start_response)
        environ["lianke.route"] = environ["PATH_INFO"]
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Vary", "Accept-Language"),
        ]
        start_response("200 OK", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _fill(self, key: Key, fresh: Freshness, environ: Environ, start_response: Start) -> Body:
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = Flight()
        if not leads:
            flight.landed.wait(WAIT_S)
            if flight.result is None:
                return self._inner(environ, start_response)
            return _send(flight.result, environ, start_response)
        try:
            caught = _ask(self._inner, environ, fresh)
            if caught.kept is not None:
                self.shelf.put(key, caught.kept)
                flight.result = caught.kept
        finally:
            with self._lock:
                del self._flights[key]
            flight.landed.set()
        if caught.kept is not None:
            return _send(caught.kept, environ, start_response)
        start_response(caught.status, caught.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [caught.body]


class _Caught:
    """What Flask answered, and the same as something to keep when the view allowed it."""

    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.body = b""
        self.kept: Kept | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        self.status, self.headers = status, list(headers)
        return self._write

    def _write(self, part: bytes) -> None:
        self.body += part


def key_of(environ: Environ) -> Key | None:
    """What an answer depends on, or None for a query too odd to be worth remembering."""
    path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
    if len(path) + len(query) > MAX_KEY:
        return None
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=10) if query else []
    except ValueError:
        return None
    return path, tuple(sorted(pairs)), prefers(environ.get("HTTP_ACCEPT_LANGUAGE", ""))


def _usable(kept: Kept, fresh: Freshness) -> bool:
    now = time.monotonic()
    if now >= kept.until or (now >= kept.alone_until and not fresh.live()):
        return False
    return fresh.versions(kept.topics) == kept.versions


def _ask(inner: WsgiApp, environ: Environ, fresh: Freshness) -> _Caught:
    # Before the tables are read: a change that commits meanwhile makes the answer stale at once.
    asked_s, versions = time.monotonic(), dict(zip(TOPICS, fresh.versions(TOPICS), strict=True))
    caught = _Caught()
    asked = {**environ, "REQUEST_METHOD": "GET"}
    chunks = inner(asked, caught.start)
    try:
        caught.body += b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    environ["lianke.route"] = asked.get("lianke.route", "unmatched")
    wish = asked.get("lianke.keep")
    if wish is not None and caught.status.startswith("200 "):
        caught.kept = _kept(caught, wish, environ["lianke.route"], asked_s, versions)
    return caught


def _kept(caught: _Caught, wish: Keep, route: str, asked_s: float, versions: dict[str, int]) -> Kept:
    etag = f'"{hashlib.blake2b(caught.body, digest_size=12).hexdigest()}"'
    # no-cache = ask again each time, which a 304 answers cheaply: nobody in between may be a second late.
    common = (("Cache-Control", "no-cache"), ("Vary", "Accept-Language"), ("ETag", etag))
    flask = tuple((name, value) for name, value in caught.headers if name.lower() not in _OURS)
    return Kept(
        route=route,
        headers=(*flask, ("Content-Length", str(len(caught.body))), *common),
        unchanged=common,
        body=(caught.body,),
        etag=etag,
        topics=wish.topics,
        versions=tuple(versions[topic] for topic in wish.topics),
        until=asked_s + wish.for_s,
        alone_until=asked_s + min(wish.for_s, ALONE_S),
    )


def _send(kept: Kept, environ: Environ, start_response: Start) -> Body:
    environ["lianke.route"] = kept.route
    known = environ.get("HTTP_IF_NONE_MATCH")
    if known is not None and _knows(known, kept.etag):
        start_response("304 NOT MODIFIED", list(kept.unchanged))
        return []
    start_response("200 OK", list(kept.headers))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else kept.body


def _knows(known: str, etag: str) -> bool:
    if known == etag or known.strip() == "*":
        return True
    return etag in (one.strip().removeprefix("W/") for one in known[:2000].split(","))
