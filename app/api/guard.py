"""Who asks: token -> shopper, clerk or operator. One guard per blueprint, before its inputs are even read."""

import re
import threading
import time
from collections.abc import Callable

from flask import current_app, g, request

from app.base.errors import Forbidden, Unauthenticated
from app.base.tokens import hash_token
from app.members.callers import Caller, find_caller
from app.members.logins import log_out
from app.operators import callers as operators
from app.operators.callers import OperatorCaller, find_operator
from app.wiring import Parts
from models.operators import OperatorRole
from models.stores import ClerkRole

# How long a token is believed without asking the database: a revoked right is dead within this time.
TRUST_S = 2.0
MAX_TRUSTED = 10_000
# What a guarded blueprint says of itself in the API document.
NEEDS_TOKEN: list[dict[str, list[str]]] = [{"token": []}]
_TOKEN = re.compile(rf"Bearer ((?:{re.escape(operators.PREFIX)})?[A-Za-z0-9_-]{{20,100}})")


class Callers:
    """Callers seen in the last two seconds, per process; losing it costs one query."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Caller | OperatorCaller, float]] = {}
        self._lock = threading.Lock()

    def find(self, parts: Parts, token: str) -> Caller | OperatorCaller | None:
        """The caller behind a token, from memory for at most ``TRUST_S`` seconds."""
        key = hash_token(token)
        hit = self._seen.get(key)
        if hit and hit[1] > time.monotonic() and hit[0].expires_at > parts.now():
            return hit[0]
        caller = _ask(parts, token)
        if caller:
            with self._lock:
                if len(self._seen) >= MAX_TRUSTED:
                    self._seen.clear()
                self._seen[key] = (caller, time.monotonic() + TRUST_S)
        return caller

    def forget(self, token_hash: str) -> None:
        """Drop a token at once (logout in this process)."""
        self._seen.pop(token_hash, None)

    def forget_operators(self) -> None:
        """Drop every operator's token at once (rights changed in this process); others ask within ``TRUST_S``."""
        with self._lock:
            self._seen = {key: hit for key, hit in self._seen.items() if isinstance(hit[0], Caller)}


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


def managers_only() -> None:
    """Like ``clerks_only``, and refuses (403) a clerk who runs no store."""
    clerks_only()
    manager()


def operators_even_new() -> None:
    """Goes before every request of a blueprint. Refuses: no or dead token (401), another audience's (403).

    Lets in who has still to replace a password that somebody else chose: for the doors of the own account only.
    """
    g.caller = _find(operators.AUDIENCE)


def operators_only() -> None:
    """Like ``operators_even_new``, but refuses (403 PASSWORD_CHANGE_NEEDED) who still has an initial password."""
    operators_even_new()
    if operator().password_is_initial:
        raise Forbidden("PASSWORD_CHANGE_NEEDED", "PUT /api/backoffice/me/password first.")


def roles_only(*roles: OperatorRole) -> Callable[[], None]:
    """What goes before every request of a blueprint that only these roles (and OWNER) may use."""

    def guard() -> None:
        operators_only()
        need(*roles)

    return guard


def writers_only(*roles: OperatorRole) -> Callable[[], None]:
    """Like ``roles_only``, but every operator may read (GET)."""

    def guard() -> None:
        operators_only()
        if request.method != "GET":
            need(*roles)

    return guard


def shopper() -> Caller:
    """The shopper whom ``shoppers_only`` let in; a fault where it was not asked."""
    return _let_in("SHOPPER")


def clerk() -> Caller:
    """The clerk whom ``clerks_only`` let in; a fault where it was not asked."""
    return _let_in("CLERK")


def manager() -> Caller:
    """The clerk who was let in, if that clerk runs the own store (店长). Refuses others: ROLE_NEEDED."""
    caller = clerk()
    if caller.clerk_role != ClerkRole.MANAGER:
        raise Forbidden("ROLE_NEEDED", "This needs a store manager.")
    return caller


def operator() -> OperatorCaller:
    """The operator whom ``operators_only`` let in; a fault where it was not asked."""
    caller: OperatorCaller = g.caller
    assert caller.audience == operators.AUDIENCE
    return caller


def need(*roles: OperatorRole) -> OperatorCaller:
    """The operator, if it has one of ``roles`` or is an OWNER. Refuses others: ROLE_NEEDED."""
    caller = operator()
    if caller.role is not OperatorRole.OWNER and caller.role not in roles:
        raise Forbidden("ROLE_NEEDED", f"This needs {' or '.join(('OWNER', *roles))}.")
    return caller


def end_login(caller: Caller) -> None:
    """Log a caller out: here at once, in other processes within ``TRUST_S`` seconds."""
    with parts().tx() as session:
        log_out(session, token_hash=caller.token_hash, now=parts().now())
    callers().forget(caller.token_hash)


def _let_in(audience: str) -> Caller:
    caller: Caller = g.caller
    assert caller.audience == audience
    return caller


def _find(audience: str) -> Caller | OperatorCaller:
    match = _TOKEN.fullmatch(request.headers.get("Authorization", ""))
    caller = callers().find(parts(), match[1]) if match else None
    if caller is None:
        raise Unauthenticated("LOGIN_REQUIRED", "Send Authorization: Bearer <token>.")
    if caller.audience != audience:
        raise Forbidden("WRONG_AUDIENCE", f"This needs a login of {audience.lower()}s.")
    return caller


def _ask(parts: Parts, token: str) -> Caller | OperatorCaller | None:
    now = parts.now()
    if not token.startswith(operators.PREFIX):
        with parts.read() as connection:
            return find_caller(connection, token, now=now)
    with parts.read() as connection:
        found = find_operator(connection, token, now=now)
    if found and operators.is_to_be_seen(found, now=now):
        with parts.tx() as session:
            operators.see(session, found, now=now)
    return found
