"""Who asks: token -> shopper or clerk. One guard per blueprint, before its inputs are even read."""

import re
import threading
import time

from flask import current_app, g, request

from app.base.errors import Forbidden, Unauthenticated
from app.members.callers import Caller, find_caller, hash_token
from app.members.logins import log_out
from app.wiring import Parts

# How long a token is believed without asking the database: a revoked right is dead within this time.
TRUST_S = 2.0
MAX_TRUSTED = 10_000
# What a guarded blueprint says of itself in the API document.
NEEDS_TOKEN: list[dict[str, list[str]]] = [{"token": []}]
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


def shoppers_only() -> None:
    """Goes before every request of a blueprint. Refuses: no or dead token (401), a clerk's token (403)."""
    g.caller = _find("SHOPPER")


def clerks_only() -> None:
    """Goes before every request of a blueprint. Refuses: no or dead token (401), a shopper's token (403)."""
    g.caller = _find("CLERK")


def shopper() -> Caller:
    """The shopper whom ``shoppers_only`` let in; a fault where it was not asked."""
    return _let_in("SHOPPER")


def clerk() -> Caller:
    """The clerk whom ``clerks_only`` let in; a fault where it was not asked."""
    return _let_in("CLERK")


def end_login(caller: Caller) -> None:
    """Log a caller out: here at once, in other processes within ``TRUST_S`` seconds."""
    with parts().tx() as session:
        log_out(session, token_hash=caller.token_hash, now=parts().now())
    callers().forget(caller.token_hash)


def _let_in(audience: str) -> Caller:
    caller: Caller = g.caller
    assert caller.audience == audience
    return caller


def _find(audience: str) -> Caller:
    match = _TOKEN.fullmatch(request.headers.get("Authorization", ""))
    caller = callers().find(parts(), match[1]) if match else None
    if caller is None:
        raise Unauthenticated("LOGIN_REQUIRED", "Send Authorization: Bearer <token>.")
    if caller.audience != audience:
        raise Forbidden("WRONG_AUDIENCE", f"This needs a {audience.lower()} login.")
    return caller
