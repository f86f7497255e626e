"""What an operator changes of the own account: the password and the authenticator. Each needs the password again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, Invalid
from app.base.vault import Vault
from app.operators import totp
from app.operators.callers import OperatorCaller
from app.operators.logins import claim_try, end_logins, forgive, hold, prove
from app.operators.passwords import check_password, hash_password, is_password

_HASH_OF = text("select password_hash from operator where id = :id")
_KEEP_PASSWORD = text(
    "update operator set password_hash = :hash, password_is_initial = false, updated_at = :now where id = :id"
)
_BEGIN = text("update operator set totp_sealed = :sealed, totp_step = null, updated_at = :now where id = :id")
_CONFIRM = text("update operator set totp_confirmed_at = :now, updated_at = :now where id = :id")
_REMOVE = text(
    "update operator set totp_sealed = null, totp_confirmed_at = null, totp_step = null, updated_at = :now"
    " where id = :id"
)


@dataclass(frozen=True)
class Enrolment:
    """What the authenticator must learn, told once: the secret as typed, and the address of the QR code."""

    secret: str
    address: str

    def __repr__(self) -> str:
        return "Enrolment(...)"


def change_password(
    tx: Tx, vault: Vault, *, caller: OperatorCaller, old: str, new: str, now: datetime
) -> None:
    """Replace the own password; every other login of the account ends.

    Refuses WEAK_PASSWORD (also the old one again), WRONG_PASSWORD, and LOGIN_LOCKED after too many wrong ones.
    """
    check_password(new, code=caller.code, name=caller.name)
    if new == old:
        raise Invalid("It is the old one.", fields={"password": "must be another one"}, code="WEAK_PASSWORD")
    kept = _show_password(tx, vault, caller, old, now)
    hashed = hash_password(new)
    with tx() as session:
        _hold(session, vault, caller, kept)
        session.execute(_KEEP_PASSWORD, {"id": caller.operator_id, "hash": hashed, "now": now})
        ended = end_logins(session, operator_id=caller.operator_id, now=now, but=caller.token_hash)
        _note(session, caller, "operator.password", {"logins_ended": ended}, "changed by its owner", now)


def begin_totp(
    tx: Tx, vault: Vault, *, caller: OperatorCaller, password: str, issuer: str, now: datetime
) -> Enrolment:
    """Draw a secret for the authenticator. It counts only once ``confirm_totp`` has seen a code of it.

    Beginning again replaces a secret that was never confirmed. Refuses TOTP_SET_UP where one is confirmed.
    """
    kept = _show_password(tx, vault, caller, password, now)
    secret = totp.draw_secret()
    sealed = totp.seal(vault, secret, operator_id=caller.operator_id)
    with tx() as session:
        if _hold(session, vault, caller, kept).totp_confirmed_at is not None:
            raise Conflict("TOTP_SET_UP", "Remove the present authenticator first.")
        session.execute(_BEGIN, {"id": caller.operator_id, "sealed": sealed, "now": now})
    return Enrolment(totp.spell(secret), totp.address(secret, account=caller.code, issuer=issuer))


def confirm_totp(
    session: Session, vault: Vault, *, caller: OperatorCaller, given: str, now: datetime
) -> list[str]:
    """Make the authenticator count, with a code that it shows; answers ten recovery codes, told once.

    From now on every login needs it, and the logins that were opened without it end. Refuses
    TOTP_NOT_BEGUN, TOTP_SET_UP, and WRONG_ONE_TIME_CODE.
    """
    account = hold(session, caller.operator_id)
    if account.totp_confirmed_at is not None:
        raise Conflict("TOTP_SET_UP", "It is confirmed already.")
    if account.totp_sealed is None:
        raise Conflict("TOTP_NOT_BEGUN", "POST /api/backoffice/me/totp first.")
    secret = totp.unseal(vault, account.totp_sealed, operator_id=account.id)
    step = totp.step_of(secret, given, now=now) if secret else None
    if step is None or not totp.spend_step(session, operator_id=account.id, step=step):
        raise Forbidden("WRONG_ONE_TIME_CODE", "The authenticator shows another code now.")
    session.execute(_CONFIRM, {"id": account.id, "now": now})
    ended = end_logins(session, operator_id=account.id, now=now, but=caller.token_hash)
    _note(session, caller, "operator.totp_on", {"logins_ended": ended}, "set up by its owner", now)
    return totp.draw_recovery_codes(session, vault, operator_id=account.id)


def remove_totp(
    tx: Tx, vault: Vault, *, caller: OperatorCaller, password: str, given: str, now: datetime
) -> None:
    """Log in without an authenticator from now on. Refuses a wrong password or one-time code, counted as tries."""
    kept = _show_password(tx, vault, caller, password, now, is_all=False)
    with tx() as session:
        _prove(session, vault, caller, kept, given, now)
        session.execute(_REMOVE, {"id": caller.operator_id, "now": now})
        totp.forget(session, operator_id=caller.operator_id)
        _note(session, caller, "operator.totp_off", {}, "removed by its owner", now)


def renew_recovery_codes(
    tx: Tx, vault: Vault, *, caller: OperatorCaller, password: str, given: str, now: datetime
) -> list[str]:
    """Ten new recovery codes, told once; the old ones are void. Refuses like ``remove_totp``."""
    kept = _show_password(tx, vault, caller, password, now, is_all=False)
    with tx() as session:
        _prove(session, vault, caller, kept, given, now)
        _note(session, caller, "operator.codes_renewed", {}, "asked for by its owner", now)
        return totp.draw_recovery_codes(session, vault, operator_id=caller.operator_id)


def _show_password(
    tx: Tx, vault: Vault, caller: OperatorCaller, password: str, now: datetime, *, is_all: bool = True
) -> str:
    """The kept hash that the password fits. ``is_all``: nothing else is to be shown, so the tries are forgiven."""
    claim_try(tx, vault, code=caller.code, now=now)
    with tx() as session:
        kept = str(session.execute(_HASH_OF, {"id": caller.operator_id}).scalar_one())
    if not is_password(password, kept):
        raise Forbidden("WRONG_PASSWORD", "This is not the password.")
    if is_all:
        with tx() as session:
            forgive(session, vault, code=caller.code)
    return kept


def _hold(session: Session, vault: Vault, caller: OperatorCaller, kept: str) -> Row[Any]:
    account = hold(session, caller.operator_id)
    # Somebody else may have changed the password while this one was computed.
    if account.password_hash != kept:
        raise Forbidden("WRONG_PASSWORD", "The password was changed just now.")
    return account


def _prove(
    session: Session, vault: Vault, caller: OperatorCaller, kept: str, given: str, now: datetime
) -> None:
    account = _hold(session, vault, caller, kept)
    if account.totp_confirmed_at is None:
        raise Conflict("TOTP_NOT_SET_UP", "There is no authenticator.")
    if prove(session, vault, account, given, now=now) is None:
        raise Forbidden("WRONG_ONE_TIME_CODE", "This code is wrong, or was used.")
    forgive(session, vault, code=caller.code)


def _note(
    session: Session, caller: OperatorCaller, action: str, after: dict[str, Any], why: str, now: datetime
) -> None:
    audit.note(
        session,
        actor=caller.actor,
        action=action,
        subject=caller.actor,
        before=None,
        after=after,
        why=why,
        at=now,
    )
