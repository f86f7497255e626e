"""Who signs: a live key, in time, over exactly these bytes, and not a second time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Unauthenticated
from app.base.vault import Vault
from app.tills import rules
from app.tills.keys import PURPOSE

_FIND = text(
    """
    select k.id as key_id, k.code as key_code, k.secret_sealed, s.id as store_id, s.code as store
    from pos_key k join store s on s.id = k.store_id
    where k.code = :code and k.revoked_at is null and (k.ends_at is null or k.ends_at > :now)
    """
)
_USE = text(
    "insert into pos_nonce (key_id, nonce, seen_at) values (:key_id, :nonce, :now)"
    " on conflict (key_id, nonce) do nothing returning true"
)
_FORGET = text(
    "delete from pos_nonce where (key_id, nonce) in"
    " (select key_id, nonce from pos_nonce where seen_at < :before limit :limit) returning 1"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived: the four headers, and what they speak of."""

    key: str
    timestamp: str
    nonce: str
    signature: str
    method: str
    target: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Till:
    """The key that signed, and the one store for which it may act."""

    key_id: int
    key_code: str
    store_id: int
    store: str

    @property
    def actor(self) -> str:
        """As logs and books name it."""
        return f"pos:{self.key_code}"


def let_in(tx: Tx, vault: Vault, asked: Asked, *, now: datetime) -> Till:
    """The till behind a request. Its nonce is spent by a commit of its own, whatever the request then does.

    Refuses SIGNATURE_NEEDED, CLOCK_SKEW, SIGNATURE_WRONG (also for an unknown, replaced or revoked key, in
    the same words) and REPLAYED. Only a genuine signature writes anything. Needs PostgreSQL only.
    """
    if not rules.is_well_formed(timestamp=asked.timestamp, nonce=asked.nonce, signature=asked.signature):
        raise Unauthenticated("SIGNATURE_NEEDED", "Send Pos-Key, Pos-Timestamp, Pos-Nonce and Pos-Signature.")
    if not rules.is_in_time(asked.timestamp, now_s=int(now.timestamp())):
        raise Unauthenticated("CLOCK_SKEW", f"Pos-Timestamp is more than {rules.WINDOW_S} s away from now.")
    with tx() as session:
        row = session.execute(_FIND, {"code": asked.key, "now": now}).first()
        # An unknown key costs as much time as a wrong signature.
        secret = (vault.unseal(PURPOSE, row.secret_sealed) if row else None) or "no key has this secret"
        message = rules.to_sign(
            method=asked.method,
            target=asked.target,
            timestamp=asked.timestamp,
            nonce=asked.nonce,
            body=asked.body,
        )
        if not rules.is_signed(secret, message, asked.signature) or row is None:
            raise Unauthenticated("SIGNATURE_WRONG", "No live key signs this request so.")
        used = {"key_id": row.key_id, "nonce": asked.nonce, "now": now}
        if session.execute(_USE, used).first() is None:
            raise Unauthenticated("REPLAYED", "This Pos-Nonce was used before; sign again with a new one.")
    return Till(row.key_id, row.key_code, row.store_id, row.store)


def forget_nonces(session: Session, *, now: datetime, limit: int = 5000) -> int:
    """Delete up to ``limit`` used numbers whose requests are too old to be sent again; answers how many."""
    before = now - timedelta(seconds=rules.NONCE_MATTERS_S)
    return len(session.execute(_FORGET, {"before": before, "limit": limit}).all())
