"""Logging an operator in and out. Whatever is wrong, the answer is one and the same, and so is the time it takes."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.db import Tx
from app.base.errors import TooMany, Unauthenticated
from app.base.tokens import hash_token
from app.base.vault import Vault
from app.operators import totp
from app.operators.callers import PREFIX
from app.operators.passwords import NOBODYS, is_password
from app.operators.rules import LONGEST, TRIES_MATTER, locked_until

_TRY = text(
    """
    insert into operator_try (code_hash, failures, tried_at) values (:hash, 1, :now)
    on conflict (code_hash) do update set tried_at = :now,
        failures = case when operator_try.tried_at < :forget then 1 else operator_try.failures + 1 end
        where coalesce(operator_try.locked_until <= :now, true)
    returning failures
    """
)
_LOCK = text("update operator_try set locked_until = :until where code_hash = :hash")
_LOCKED = text("select locked_until from operator_try where code_hash = :hash")
_FORGIVE = text("delete from operator_try where code_hash = :hash")
_LOOK = text("select id, password_hash from operator where code = :code")
_HOLD = text(
    "select id, code, name, status, password_hash, password_is_initial, totp_sealed, totp_confirmed_at"
    " from operator where id = :id for update"
)
_OPEN = text(
    "insert into operator_login (token_hash, operator_id, created_at, seen_at, expires_at)"
    " values (:token_hash, :id, :now, :now, :expires_at)"
)
_REVOKE = text(
    "update operator_login set revoked_at = :now where token_hash = :token_hash and revoked_at is null"
)
_REVOKE_ALL = text(
    "update operator_login set revoked_at = :now where operator_id = :id and revoked_at is null"
    " and token_hash <> :but returning 1"
)


@dataclass(frozen=True)
class OperatorOpened:
    """A login that was just opened. ``token`` is told once and kept nowhere."""

    token: str
    expires_at: datetime
    code: str
    password_is_initial: bool

    def __repr__(self) -> str:
        return f"OperatorOpened({self.code})"


def log_in(
    tx: Tx, vault: Vault, *, code: str, password: str, given: str | None, now: datetime
) -> OperatorOpened:
    """Open a login for the right password and, where an authenticator is confirmed, the right code ``given``.

    Refuses LOGIN_REFUSED without saying which of account, password and code was wrong, and LOGIN_LOCKED
    after too many tries, for a code that nobody has as well. A one-time code opens one login, whoever is
    fast. Every login and every lock of a real account goes into the audit log.
    """
    failures = claim_try(tx, vault, code=code, now=now)
    with tx() as session:
        found = session.execute(_LOOK, {"code": code}).first()
    # Outside of a transaction: this takes a tenth of a second on purpose.
    is_right = is_password(password, found.password_hash if found else NOBODYS)
    with tx() as session:
        if found is not None and is_right and _may_enter(account := hold(session, found.id), found):
            proof = prove(session, vault, account, given, now=now)
            if proof is not None:
                forgive(session, vault, code=code)
                return _open(session, account, proof, now)
    _note_lock(tx, code if found else None, failures, now)
    raise Unauthenticated("LOGIN_REFUSED", "Code, password or one-time code is wrong.")


def claim_try(tx: Tx, vault: Vault, *, code: str, now: datetime) -> int:
    """Count a try before it is made, so that a hundred at once are a hundred; answers which one it is.

    Refuses LOGIN_LOCKED while the code is locked. Success must ``forgive``.
    """
    facts = {"hash": _hash(vault, code), "now": now, "forget": now - TRIES_MATTER}
    with tx() as session:
        failures = session.execute(_TRY, facts).scalar()
        if failures is not None:
            until = locked_until(failures, now=now)
            session.execute(_LOCK, facts | {"until": until})
            return int(failures)
        until = session.execute(_LOCKED, facts).scalar() or now
    wait_s = max(1, int((until - now).total_seconds()) + 1)
    raise TooMany("LOGIN_LOCKED", "Too many wrong tries.", retry_after_s=wait_s)


def forgive(session: Session, vault: Vault, *, code: str) -> None:
    """Forget the wrong tries under a code."""
    session.execute(_FORGIVE, {"hash": _hash(vault, code)})


def hold(session: Session, operator_id: int) -> Row[Any]:
    """Lock an operator's row and answer what a login is judged by. The row is there: operators are never deleted."""
    found: Row[Any] = session.execute(_HOLD, {"id": operator_id}).one()
    return found


def prove(
    session: Session, vault: Vault, account: Row[Any], given: str | None, *, now: datetime
) -> str | None:
    """How the second factor was shown: NOT_SET_UP, TOTP or RECOVERY; None when it was not. Spends the code."""
    if account.totp_confirmed_at is None:
        return "NOT_SET_UP"
    if not given:
        return None
    if len(given) != totp.DIGITS:
        spent = totp.spend_recovery_code(session, vault, operator_id=account.id, given=given, now=now)
        return "RECOVERY" if spent else None
    secret = totp.unseal(vault, account.totp_sealed, operator_id=account.id)
    step = totp.step_of(secret, given, now=now) if secret else None
    if step is None or not totp.spend_step(session, operator_id=account.id, step=step):
        return None
    return "TOTP"


def log_out(session: Session, *, token_hash: str, now: datetime) -> None:
    """End a login. Ending it again changes nothing."""
    session.execute(_REVOKE, {"token_hash": token_hash, "now": now})


def end_logins(session: Session, *, operator_id: int, now: datetime, but: str = "") -> int:
    """End all logins of an operator but the one with token hash ``but``; how many there were."""
    return len(session.execute(_REVOKE_ALL, {"id": operator_id, "now": now, "but": but}).all())


def _may_enter(account: Row[Any], found: Row[Any]) -> bool:
    # The password may have been changed while this one was computed.
    return bool(account.status == "ACTIVE" and account.password_hash == found.password_hash)


def _open(session: Session, account: Row[Any], proof: str, now: datetime) -> OperatorOpened:
    token, expires_at = PREFIX + secrets.token_urlsafe(32), now + LONGEST
    facts = {"token_hash": hash_token(token), "id": account.id, "now": now, "expires_at": expires_at}
    session.execute(_OPEN, facts)
    name = f"operator:{account.code}"
    audit.note(
        session,
        actor=name,
        action="operator.login",
        subject=name,
        before=None,
        after={"second_factor": proof},
        why="login",
        at=now,
    )
    return OperatorOpened(token, expires_at, account.code, account.password_is_initial)


def _note_lock(tx: Tx, code: str | None, failures: int, now: datetime) -> None:
    until = locked_until(failures, now=now)
    if code is None or until is None:
        return
    with tx() as session:
        audit.note(
            session,
            actor="guard",
            action="operator.lock",
            subject=f"operator:{code}",
            before=None,
            after={"tries": failures, "until": until},
            why="too many wrong tries",
            at=now,
        )


def _hash(vault: Vault, code: str) -> str:
    return vault.hash("operator try", code)
