"""Where all processes keep one access token per app: a row in PostgreSQL, refreshed under an advisory lock.

Not in Redis: a token that FLUSHALL forgets would be fetched again by every process at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from wechat.errors import Unavailable
from wechat.tokens import StoredToken

_LOAD = text("select token, expires_at, renewed_at from shared_token where appid = :appid")
_SAVE = text(
    "insert into shared_token (appid, token, expires_at, renewed_at, refreshed_at)"
    " values (:appid, :token, :expires_at, :renewed_at, now())"
    " on conflict (appid) do update set token = excluded.token, expires_at = excluded.expires_at,"
    " renewed_at = excluded.renewed_at, refreshed_at = excluded.refreshed_at"
)
_LOCK = text("select pg_advisory_lock(hashtextextended('shared_token ' || :appid, 0))")
_UNLOCK = text("select pg_advisory_unlock(hashtextextended('shared_token ' || :appid, 0))")


class PostgresTokenStore:
    """A ``wechat.tokens.TokenStore`` for any number of processes. Every call is its own short transaction."""

    def __init__(self, engine: Engine) -> None:
        self._auto = engine.execution_options(isolation_level="AUTOCOMMIT")

    def load(self, appid: str) -> StoredToken | None:
        """The token last saved for this app, or None."""
        with self._auto.connect() as connection:
            row = connection.execute(_LOAD, {"appid": appid}).first()
        return StoredToken(row.token, row.expires_at, row.renewed_at) if row else None

    def save(self, appid: str, token: StoredToken) -> None:
        """Keep the token for all processes."""
        facts = {
            "appid": appid,
            "token": token.value,
            "expires_at": token.expires_at,
            "renewed_at": token.renewed_at,
        }
        with self._auto.connect() as connection:
            connection.execute(_SAVE, facts)

    @contextmanager
    def lock(self, appid: str) -> Iterator[None]:
        """One refresher per app among all processes; Unavailable when the holder takes too long.

        A session lock, not a transaction: the holder phones WeChat while it is held.
        """
        with self._auto.connect() as connection:
            try:
                connection.execute(_LOCK, {"appid": appid})
            except OperationalError as error:
                raise Unavailable("stable_token", "LOCK", "another process is still refreshing") from error
            try:
                yield
            finally:
                connection.execute(_UNLOCK, {"appid": appid})
