"""How a login token is kept."""

import hashlib


def hash_token(token: str) -> str:
    """SHA-256, hex. Tokens are 32 random bytes, so no key is needed."""
    return hashlib.sha256(token.encode()).hexdigest()
