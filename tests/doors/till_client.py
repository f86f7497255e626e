"""The reference client of docs/pos.md: what a till's maker writes, with nothing but the standard library.

``signed_headers`` is the whole recipe; ``TillClient`` sends through the test client instead of a network.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient


def signed_headers(
    key: str, secret: str, method: str, target: str, body: bytes, *, timestamp: int, nonce: str
) -> dict[str, str]:
    """The four headers of a request. `target` is path and query exactly as they are sent."""
    lines = ["LIANKE-POS-1", method, target, str(timestamp), nonce, hashlib.sha256(body).hexdigest()]
    message = "".join(line + "\n" for line in lines).encode()
    signature = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return {
        "Pos-Key": key,
        "Pos-Timestamp": str(timestamp),
        "Pos-Nonce": nonce,
        "Pos-Signature": signature,
    }


class TillClient:
    """A till that signs everything it sends with its key, at the time that `clock` says."""

    def __init__(self, client: FlaskClient, key: str, secret: str, clock: Callable[[], Any]) -> None:
        self.client, self.key, self.secret, self.clock = client, key, secret, clock

    def headers(self, method: str, target: str, body: bytes = b"", **given: Any) -> dict[str, str]:
        """Signed headers; `timestamp` and `nonce` may be given."""
        facts = {"timestamp": int(self.clock().timestamp()), "nonce": secrets.token_urlsafe(18)} | given
        return signed_headers(self.key, self.secret, method, target, body, **facts)

    def post(self, target: str, told: Any) -> Any:
        """Tell something."""
        body = json.dumps(told, ensure_ascii=False).encode()
        return self.send("POST", target, body, self.headers("POST", target, body))

    def get(self, target: str) -> Any:
        """Ask something."""
        return self.send("GET", target, b"", self.headers("GET", target))

    def send(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> Any:
        """Send exactly these bytes."""
        return self.client.open(
            target, method=method, data=body, headers=headers, content_type="application/json"
        )
