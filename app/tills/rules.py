"""What a till signs, byte for byte, and for how long a signature is good. Pure; docs/pos.md is the same in words."""

import hashlib
import hmac
import re

SCHEME = "LIANKE-POS-1"
# How far a till's clock may be from ours, either way.
WINDOW_S = 300
# A used number is kept for as long as its request could be sent again.
NONCE_MATTERS_S = 2 * WINDOW_S
_TIMESTAMP = re.compile(r"[0-9]{10}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")


def to_sign(*, method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """The bytes that are signed: six lines, each ended by a line feed. ``target`` is path and query as sent."""
    digest = hashlib.sha256(body).hexdigest()
    return f"{SCHEME}\n{method}\n{target}\n{timestamp}\n{nonce}\n{digest}\n".encode()


def sign(secret: str, message: bytes) -> str:
    """HMAC-SHA256 under the ASCII bytes of ``secret``, as 64 hex digits in lower case."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def is_signed(secret: str, message: bytes, signature: str) -> bool:
    """Whether ``signature`` is that of ``message``; takes the same time for every wrong one."""
    return hmac.compare_digest(sign(secret, message), signature)


def is_well_formed(*, timestamp: str, nonce: str, signature: str) -> bool:
    """Whether the three have the form that docs/pos.md says; nothing else is looked at."""
    return bool(
        _TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce) and _SIGNATURE.fullmatch(signature)
    )


def is_in_time(timestamp: str, *, now_s: int) -> bool:
    """Whether a well-formed timestamp (unix seconds) is at most ``WINDOW_S`` away from ``now_s``."""
    return abs(int(timestamp) - now_s) <= WINDOW_S
