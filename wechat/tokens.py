"""The access token of one app (and its JS-SDK ticket): fetched by one refresher for all threads and
processes, cached in each.

Facts: a stable token stays the same while it is valid, is rotated in its last 5 minutes, and asking in normal
mode never harms anybody (force_refresh would kill the token that the other processes hold; we never use it).
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from wechat.errors import Refused, Unavailable, WeChatError

MARGIN_S = 300
"""A token is renewed this long before it expires: WeChat hands out the next one in the last 5 minutes."""
SHORT_LIVED_S = 60
"""A token that comes with less than the margin is still used this long, else every call would fetch."""
LONGEST_S = 7 * 86400
"""A lifetime beyond this is no answer of WeChat's, who hands out two hours."""
RENEW_GAP_S = 10
"""After a renewal that a rejected token caused, the next such renewal waits this long: no storm, ever."""
FAILURE_MEMORY_S = 2
"""A failed fetch is answered from memory this long, so that waiting threads do not knock one by one."""
REJECTED_CODES = frozenset({"40001", "40014", "42001"})
"""errcodes that say: this token is bad, expired or replaced."""


@dataclass(frozen=True)
class StoredToken:
    """A token as the store keeps it. `renewed_at`: when a rejected token last made a process fetch; a store
    may drop it, which only costs the pause between renewals across processes."""

    value: str = field(repr=False)
    expires_at: datetime
    renewed_at: datetime | None = None


class TokenStore(Protocol):
    """Where the processes share a token. `lock` admits one refresher per app at a time and may block."""

    def load(self, appid: str) -> StoredToken | None: ...
    def save(self, appid: str, token: StoredToken) -> None: ...
    def lock(self, appid: str) -> AbstractContextManager[object]: ...


class MemoryTokenStore:
    """A store for a single process (and for tests)."""

    def __init__(self) -> None:
        self._tokens: dict[str, StoredToken] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def load(self, appid: str) -> StoredToken | None:
        """The token kept for this app, or None."""
        return self._tokens.get(appid)

    def save(self, appid: str, token: StoredToken) -> None:
        """Keeps the token, replacing the one before."""
        self._tokens[appid] = token

    @contextmanager
    def lock(self, appid: str) -> Iterator[None]:
        """One holder per app at a time."""
        with self._locks[appid]:
            yield


Fetch = Callable[[str, str], tuple[str, int]]
"""(appid, secret) -> (token, lifetime in seconds); raises WeChatError. See `wechat.platform.stable_token`."""


class Tokens:
    """Hands out the token of one app. Thread-safe; phones WeChat only in `get` and `renew`, under
    `store.lock`."""

    def __init__(
        self,
        appid: str,
        secret: str,
        store: TokenStore,
        fetch: Fetch,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.appid = appid
        self._secret = secret
        self._store = store
        self._fetch = fetch
        self._now = now
        self._refreshing = threading.Lock()
        self._held: StoredToken | None = None
        self._use_until = datetime.min.replace(tzinfo=UTC)
        self._failure: tuple[datetime, type[WeChatError], WeChatError] | None = None

    def __repr__(self) -> str:
        return f"Tokens(appid={self.appid!r})"

    def sibling(self, name: str, fetch: Fetch) -> "Tokens":
        """Another short-lived secret of the same app (a JS-SDK ticket, say), kept in the same store under its
        own key and lock. `fetch` may call `get` of this one."""
        return Tokens(f"{self.appid}.{name}", "", self._store, fetch, now=self._now)

    def get(self) -> str:
        """A token that should work now. While the old one still lives, only one thread refreshes and the
        others go on with it, and a failing refresh is not an error. Raises Unavailable, or Refused (wrong
        secret...)."""
        held, now = self._held, self._now()
        if held is not None and now < self._use_until:
            return held.value
        alive = held is not None and now < held.expires_at
        if not self._refreshing.acquire(blocking=not alive):
            assert held is not None
            return held.value
        try:
            with _store_may_fail():
                return self._refresh(rejected=None).value
        except WeChatError:
            held = self._held
            if held is not None and self._now() < held.expires_at:
                return held.value
            raise
        finally:
            self._refreshing.release()

    def renew(self, rejected: str) -> str:
        """What to use instead of a token that WeChat has just rejected: the one another thread or process got
        meanwhile, else one fetched now. May answer the same token (WeChat contradicts itself, or a renewal
        happened seconds ago): then do not try again. Raises as `get`."""
        held = self._held
        if held is not None and held.value != rejected:
            return held.value
        with self._refreshing:
            try:
                with _store_may_fail():
                    return self._refresh(rejected).value
            except WeChatError:
                held = self._held
                if held is not None and held.value != rejected:  # fetched, and only not saved
                    return held.value
                raise

    def _refresh(self, rejected: str | None) -> StoredToken:
        held = self._held
        if held is not None and held.value != rejected and self._now() < self._use_until:
            return held
        found = self._store.load(self.appid)
        if found is not None and self._usable(found, rejected):
            return self._hold(found)
        with self._store.lock(self.appid):
            found = self._store.load(self.appid)
            if found is not None and (self._usable(found, rejected) or self._just_renewed(found, rejected)):
                return self._hold(found)
            return self._fetch_and_save(rejected)

    def _usable(self, token: StoredToken, rejected: str | None) -> bool:
        return token.value != rejected and self._now() < token.expires_at - timedelta(seconds=MARGIN_S)

    def _just_renewed(self, token: StoredToken, rejected: str | None) -> bool:
        held = self._held
        marks = [
            t.renewed_at for t in (token, held) if t is not None and t.value == rejected and t.renewed_at
        ]
        return bool(marks) and self._within(max(marks), RENEW_GAP_S)

    def _within(self, since: datetime, seconds: int) -> bool:
        # A clock that was moved back must not make seconds into hours.
        return timedelta(0) <= self._now() - since < timedelta(seconds=seconds)

    def _fetch_and_save(self, rejected: str | None) -> StoredToken:
        if self._failure is not None and self._within(self._failure[0], FAILURE_MEMORY_S):
            _, kind, error = self._failure
            raise kind(error.api, error.code, error.detail)
        try:
            value, lifetime_s = self._fetch(self.appid, self._secret)
            if not 0 < lifetime_s <= LONGEST_S:
                raise Unavailable("token", "ANSWER", "a token with an impossible lifetime")
        except WeChatError as error:
            self._failure = (self._now(), Refused if isinstance(error, Refused) else Unavailable, error)
            raise
        now = self._now()
        token = StoredToken(value, now + timedelta(seconds=lifetime_s), now if rejected is not None else None)
        # Held first: a store that fails to save must not make every call fetch.
        held = self._hold(token, at_least_s=min(lifetime_s, SHORT_LIVED_S))
        self._store.save(self.appid, token)
        return held

    def _hold(self, token: StoredToken, *, at_least_s: int = 0) -> StoredToken:
        if token.renewed_at is None and self._held is not None and self._held.value == token.value:
            token = replace(token, renewed_at=self._held.renewed_at)
        floor = self._now() + timedelta(seconds=at_least_s)
        self._use_until = max(token.expires_at - timedelta(seconds=MARGIN_S), floor)
        self._held = token
        return token


@contextmanager
def _store_may_fail() -> Iterator[None]:
    """A store fails in words of its own, which no caller of WeChat can know."""
    try:
        yield
    except WeChatError:
        raise
    except Exception as error:
        raise Unavailable("token", "STORE", type(error).__name__) from error
