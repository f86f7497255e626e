"""One HTTP call from the box to a callback: how long it took and what came back."""

import time
from dataclasses import dataclass

import requests

_MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Heard:
    """What the callback answered; ``status`` is None when nothing came in time, ``body`` then says why."""

    status: int | None
    body: bytes
    took_ms: int

    @property
    def text(self) -> str:
        """The body for people to read, cut short."""
        return self.body.decode("utf-8", "replace")[:2000]


def call(method: str, url: str, headers: dict[str, str], body: bytes, timeout_s: float) -> Heard:
    """Call ``url``; no redirects, no proxies, at most 64 KB of answer. Never raises: silence is an answer
    too."""
    began = time.monotonic()

    def heard(status: int | None, content: bytes) -> Heard:
        return Heard(status, content, int((time.monotonic() - began) * 1000))

    try:
        with requests.Session() as session:
            session.trust_env = False
            session.headers.clear()
            with session.request(
                method,
                url,
                headers=headers,
                data=body,
                timeout=timeout_s or 0.001,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = b""
                for piece in response.iter_content(8192):
                    content += piece
                    if time.monotonic() - began > timeout_s:
                        return heard(None, b"too slow")
                    if len(content) > _MOST_BYTES:
                        return heard(response.status_code, content[:_MOST_BYTES])
                return heard(response.status_code, content)
    except requests.Timeout:
        return heard(None, f"no answer within {timeout_s} s".encode())
    except (requests.RequestException, ValueError) as problem:
        return heard(None, type(problem).__name__.encode())
