"""Who asks: token -> shopper or clerk. One guard per audience; a route without its guard does not exist."""

import re
import threading
import time

from flask import current_app, request

from app.base.errors import Forbidden, Unauthenticated
from app.members.callers import Caller, find_caller, hash_token
from app.wiring import Parts

# How long a token is believed without asking the database: a revoked right is dead within this time.
TRUST_S = 2.0
MAX_TRUSTED = 10_000
_TOKEN = re.compile(r"Bearer ([A-Za-z0-9_-]{20,100})")


class Callers:
    """Callers seen in the last two seconds, per process; losing it costs one query."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Caller, float]] = {}
        self._lock = threading.Lock()

    def find(self, parts: Parts, token: str) -> Caller | None:
        """The caller behind a token, from memory for at most ``TRUST_S`` seconds."""
        key = hash_token(token)
        hit = self._seen.get(key)
        if hit and hit[1] > time.monotonic() and hit[0].expires_at > parts.now():
            return hit[0]
        with parts.read() as connection:
            caller = find_caller(connection, token, now=parts.now())
        if caller:
            with self._lock:
                if len(self._seen) >= MAX_TRUSTED:
                    self._seen.clear()
                self._seen[key] = (caller, time.monotonic() + TRUST_S)
        return caller

    def forget(self, token_hash: str) -> None:
        """Drop a token at once (logout in this process)."""
        self._seen.pop(token_hash, None)


def parts() -> Parts:
    """The parts of the running app."""
    found: Parts = current_app.extensions["lianke.parts"]
    return found


def callers() -> Callers:
    """This process's memory of callers."""
    found: Callers = current_app.extensions["lianke.callers"]
    return found


def shopper() -> Caller:
    """The shopper who asks. Refuses: no or dead token (401), a clerk's token (403)."""
    return _caller("SHOPPER")


def clerk() -> Caller:
    """The clerk who asks. Refuses: no or dead token (401), a shopper's token (403)."""
    return _caller("CLERK")


def _caller(audience: str) -> Caller:
    match = _TOKEN.fullmatch(request.headers.get("Authorization", ""))
    caller = callers().find(parts(), match[1]) if match else None
    if caller is None:
        raise Unauthenticated("LOGIN_REQUIRED", "Send Authorization: Bearer <token>.")
    if caller.audience != audience:
        raise Forbidden("WRONG_AUDIENCE", f"This needs a {audience.lower()} login.")
    return caller
