"""The line to WeChat: one pool of connections with explicit timeouts, for all clients of a process.

Nothing here retries by itself; `Http.attempts` and `Http.pause` are the bounds for those who know what is
safe to repeat. Make one `Http` per process, after forking. Environment proxies and ~/.netrc are not read
(netrc would overwrite our Authorization header); give `proxy` and `ca_file` instead.
"""

import logging
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from wechat.patience import TimedResponse, listening

# urllib3 writes whole URLs at DEBUG and WARNING; ours carry tokens, secrets and openids in the query.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)

USER_AGENT = "lianke/1 python-requests"
MOST_BYTES = 16 * 1024 * 1024
"""The longest answer that is taken, unpacked: the biggest media have 10 MB, and a few bytes of gzip can unpack to
a gigabyte. Files are streamed instead."""
TIMEOUTS = (TimeoutError, ReadTimeoutError)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: status, case-insensitive headers, and the body's raw bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Stream:
    """An HTTP answer whose body is still coming. Reading `pieces` raises Broken when it breaks off."""

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


class Broken(Exception):
    """No answer came. `nothing_sent`: the connection was never made, so nothing can have happened.
    `code` is TIMEOUT or CONNECTION."""

    def __init__(self, code: str, nothing_sent: bool) -> None:
        self.code = code
        self.nothing_sent = nothing_sent
        super().__init__(code)


class Http:
    """The pool. Thread-safe. Times in seconds: `read_s` bounds each silence, `answer_s` one whole answer,
    however it drips; `attempts` and `budget_s` bound how often a call may go out. A call therefore ends
    within `connect_s` + `answer_s` + `budget_s`, also against a server that means ill."""

    def __init__(
        self,
        *,
        connect_s: float = 1.0,
        read_s: float = 3.0,
        answer_s: float = 6.0,
        attempts: int = 3,
        budget_s: float = 4.0,
        pool_size: int = 16,
        idle_s: float = 6.0,
        ca_file: str | None = None,
        proxy: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._attempts = max(1, attempts)
        self._budget_s = budget_s
        self._sleep = sleep
        self._pool = _Pool((connect_s, read_s), answer_s, pool_size, idle_s, ca_file or True, proxy)
        self._session = self.session({})

    def session(self, moved: Mapping[str, str]) -> requests.Session:
        """A requests session on this pool that never follows a redirect nor keeps a cookie. `moved` maps base
        URLs that a library has built in to where they really are (both without a trailing slash)."""
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 0
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers["User-Agent"] = USER_AGENT
        for prefix in ("https://", "http://"):
            session.mount(prefix, self._pool)
        for known, real in moved.items():
            session.mount(known + "/", _Moved(self._pool, known, real.rstrip("/")))
        return session

    def prepare(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.PreparedRequest:
        """The request as it will stand on the wire: `path_url` is the raw target, `body` the raw bytes."""
        request = requests.Request(method, url, params=params, data=body, headers=dict(headers or {}))
        return self._session.prepare_request(request)

    def deliver(self, request: requests.PreparedRequest) -> Answer:
        """Sends once. Any HTTP status is an Answer; raises Broken when there was none."""
        try:
            response = self._session.send(request, allow_redirects=False)
            return Answer(response.status_code, response.headers, response.content)
        except (requests.RequestException, HTTPError) as error:
            broken = broken_by(error)
        raise broken

    @contextmanager
    def stream(self, request: requests.PreparedRequest, *, whole_s: float = 240.0) -> Iterator[Stream]:
        """Sends once and hands over the body in raw pieces, which must all have come after `whole_s`. Raises
        Broken when there is no answer, or none to the end."""
        try:
            with listening(whole_s), self._session.send(request, allow_redirects=False, stream=True) as found:
                yield Stream(found.status_code, found.headers, _pieces(found))
        except (requests.RequestException, HTTPError) as error:
            broken = broken_by(error)
        else:
            return
        raise broken

    def tries(self) -> Iterator[int]:
        """Counts the attempts of one call: 0 at once, then after 0.1 s, 0.2 s, ... (each times 0.5 to 1.5 by
        chance), at most `attempts` in all and none later than `budget_s` after the first. The caller breaks
        off."""
        started = time.monotonic()
        for attempt in range(self._attempts):
            if attempt:
                if time.monotonic() - started > self._budget_s:
                    return
                self._sleep(0.1 * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))
            yield attempt


def _pieces(response: requests.Response) -> Iterator[bytes]:
    try:
        while piece := response.raw.read(64 * 1024, decode_content=False):
            yield piece
    except (HTTPError, OSError) as error:
        broken = Broken("TIMEOUT" if isinstance(error, TIMEOUTS) else "CONNECTION", nothing_sent=False)
    else:
        return
    raise broken


def broken_by(error: Exception) -> Broken:
    """What an exception of requests or urllib3 says about the call. Made anew, because theirs quote the
    URL."""
    waited = isinstance(error, requests.Timeout) or any(isinstance(one, TIMEOUTS) for one in error.args)
    return Broken("TIMEOUT" if waited else "CONNECTION", _never_connected(error))


def _never_connected(error: Exception) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    inner = error.args[0] if error.args else None
    reason = inner.reason if isinstance(inner, MaxRetryError) else inner
    reason = getattr(reason, "original_error", reason)  # a proxy's refusal wraps the plain one
    if isinstance(reason, SSLError):
        return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in reason.args)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


class _Pool(HTTPAdapter):
    """requests' pool with our timeouts put on every call, also on those that a library makes without."""

    def __init__(
        self,
        timeout: tuple[float, float],
        answer_s: float,
        size: int,
        idle_s: float,
        verify: bool | str,
        proxy: str | None,
    ) -> None:
        self._timeout = timeout
        self._answer_s = answer_s
        self._idle_s = idle_s
        self._verify = verify
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        super().__init__(pool_connections=8, pool_maxsize=size, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _drop_idle(self.poolmanager, self._idle_s)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        # What is streamed is a file; who asks for one bounds it (`Http.stream`).
        stream = bool(kwargs.get("stream"))
        with nullcontext() if stream else listening(self._timeout[0] + self._answer_s):
            found = super().send(
                request, stream=stream, timeout=self._timeout, verify=self._verify, proxies=self._proxies
            )
            if not stream:
                _read_whole(found)
            return found


def _read_whole(response: requests.Response) -> None:
    """Reads the body before requests does, which would take any length."""
    content = bytearray()
    for piece in response.iter_content(64 * 1024):
        content += piece
        if len(content) > MOST_BYTES:
            response.close()
            raise requests.ConnectionError("an answer that is too long")
    response._content = bytes(content)


class _Moved(BaseAdapter):
    """Sends what is addressed to one base URL to another; a library keeps its built-in hosts."""

    def __init__(self, pool: _Pool, known: str, real: str) -> None:
        super().__init__()
        self._pool, self._known, self._real = pool, known, real

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = self._real + str(request.url)[len(self._known) :]
        return self._pool.send(request, *args, **kwargs)

    def close(self) -> None:
        """Nothing: the pool is shared."""


def _drop_idle(manager: PoolManager, idle_s: float) -> None:
    """WeChat closes a connection after 8 s of idleness. Sending on one that is just being closed leaves the
    outcome unknown, so a connection that rested longer than `idle_s` is opened anew."""

    class Fresh:
        def _get_conn(self, timeout: float | None = None) -> HTTPConnection:
            connection = super()._get_conn(timeout)  # type: ignore[misc]  # mixed into urllib3's pools below
            connection.response_class = TimedResponse
            if time.monotonic() - getattr(connection, "rested_at", time.monotonic()) > idle_s:
                connection.close()
            return connection  # type: ignore[no-any-return]  # as above

        def _put_conn(self, connection: HTTPConnection | None) -> None:
            if connection is not None:
                connection.rested_at = time.monotonic()  # type: ignore[attr-defined]  # our mark on their object
            super()._put_conn(connection)  # type: ignore[misc]  # as above

    manager.pool_classes_by_scheme = {
        "http": type("FreshHTTP", (Fresh, HTTPConnectionPool), {}),
        "https": type("FreshHTTPS", (Fresh, HTTPSConnectionPool), {}),
    }
