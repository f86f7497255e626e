"""The authenticator on a phone (TOTP, RFC 6238: SHA-1, 6 digits, 30 s) and the codes that stand in for it."""

import base64
import hmac
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.numbers import ALPHABET
from app.base.vault import Vault

STEP_S, DIGITS = 30, 6
# One step to either side: phones' clocks are off, and people type slowly.
DRIFT = 1
SECRET_BYTES = 20
RECOVERY_CODES, RECOVERY_LENGTH = 10, 10
_PURPOSE, _RECOVERY = "operator totp", "operator recovery code"

_SPEND_STEP = text(
    "update operator set totp_step = :step where id = :id and coalesce(totp_step < :step, true) returning id"
)
_SPEND_CODE = text(
    "update operator_recovery_code set used_at = :now"
    " where code_hash = :hash and operator_id = :id and used_at is null returning operator_id"
)
_DROP_CODES = text("delete from operator_recovery_code where operator_id = :id")
_KEEP_CODE = text("insert into operator_recovery_code (code_hash, operator_id) values (:hash, :id)")


def draw_secret() -> bytes:
    """A new secret, as long as the hash (RFC 4226, 4)."""
    return secrets.token_bytes(SECRET_BYTES)


def spell(secret: bytes) -> str:
    """The secret as people type it into an authenticator: base32."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, *, account: str, issuer: str) -> str:
    """The otpauth:// address that an authenticator reads from a QR code."""
    return _totp(secret).get_provisioning_uri(account, issuer)


def seal(vault: Vault, secret: bytes, *, operator_id: int) -> str:
    """The secret as it is kept: encrypted, and of use in this operator's row only."""
    return vault.seal(_PURPOSE, f"{operator_id} {spell(secret)}")


def unseal(vault: Vault, sealed: str, *, operator_id: int) -> bytes | None:
    """The secret behind ``seal``; None when the key changed or the seal is another operator's."""
    owner, _, spelled = (vault.unseal(_PURPOSE, sealed) or "").partition(" ")
    return base64.b32decode(spelled) if owner == str(operator_id) else None


def step_of(secret: bytes, given: str, *, now: datetime) -> int | None:
    """The time step whose code was given, the present one or a neighbour; None for a wrong code."""
    present = int(now.timestamp()) // STEP_S
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(_totp(secret).generate(step * STEP_S), given.encode()):
            return step
    return None


def spend_step(session: Session, *, operator_id: int, step: int) -> bool:
    """Take a step's code once: False when it, or a later one, was taken before. Locks the operator's row."""
    return session.execute(_SPEND_STEP, {"id": operator_id, "step": step}).first() is not None


def draw_recovery_codes(session: Session, vault: Vault, *, operator_id: int) -> list[str]:
    """Ten new codes, told once and kept as keyed hashes; the old ones are void."""
    session.execute(_DROP_CODES, {"id": operator_id})
    codes = [_draw_code() for _ in range(RECOVERY_CODES)]
    for code in codes:
        session.execute(_KEEP_CODE, {"hash": _hash(vault, operator_id, code), "id": operator_id})
    return codes


def spend_recovery_code(
    session: Session, vault: Vault, *, operator_id: int, given: str, now: datetime
) -> bool:
    """Take a recovery code once, however it was written (case, spaces, hyphens)."""
    hashed = _hash(vault, operator_id, given)
    return session.execute(_SPEND_CODE, {"hash": hashed, "id": operator_id, "now": now}).first() is not None


def forget(session: Session, *, operator_id: int) -> None:
    """Void all recovery codes."""
    session.execute(_DROP_CODES, {"id": operator_id})


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP_S)


def _draw_code() -> str:
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_LENGTH))
    return f"{drawn[:5]}-{drawn[5:]}"


def _hash(vault: Vault, operator_id: int, code: str) -> str:
    plain = "".join(char for char in code.upper() if char.isalnum())
    return vault.hash(_RECOVERY, f"{operator_id} {plain}")
