"""Keyed hashes and sealed values: what we must recognise or show again without storing it in clear."""

import base64
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = bytes(12)


class Vault:
    """Derives one key per purpose from SECRET_KEY. Purposes never share a key."""

    def __init__(self, secret_key: str) -> None:
        self._root = secret_key.encode()
        self._keys: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "Vault(...)"

    def hash(self, purpose: str, value: str) -> str:
        """Keyed hash (HMAC-SHA256, hex) for search and comparison; cannot be reversed without the key."""
        return hmac.new(self._key(purpose), value.encode(), hashlib.sha256).hexdigest()

    def digits(self, purpose: str, value: str, length: int) -> str:
        """``length`` decimal digits derived from ``value``: the same again for whoever holds the key."""
        number = int.from_bytes(hmac.new(self._key(purpose), value.encode(), hashlib.sha256).digest()[:16])
        return f"{number % 10**length:0{length}d}"

    def seal(self, purpose: str, value: str) -> str:
        """Encrypt (AES-256-GCM-SIV). Deterministic, so equal values seal equal; safe without a nonce store."""
        sealed = AESGCMSIV(self._key(purpose)).encrypt(_NONCE, value.encode(), purpose.encode())
        return base64.urlsafe_b64encode(sealed).decode()

    def unseal(self, purpose: str, sealed: str) -> str | None:
        """The value behind a seal, or None when it was not sealed with this key for this purpose."""
        try:
            opened = AESGCMSIV(self._key(purpose)).decrypt(
                _NONCE, base64.urlsafe_b64decode(sealed.encode()), purpose.encode()
            )
        except (InvalidTag, ValueError):
            return None
        return opened.decode()

    def _key(self, purpose: str) -> bytes:
        key = self._keys.get(purpose)
        if key is None:
            derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"lianke {purpose}".encode())
            key = self._keys[purpose] = derive.derive(self._root)
        return key
