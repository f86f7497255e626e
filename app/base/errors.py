"""The one tree of refusals. A room raises these; ``app/api/errors.py`` alone knows HTTP.

Refusal                    somebody asked for something that cannot be done
+-- Invalid                the input itself is wrong; names the fields
+-- Unauthenticated        we do not know who asks
+-- Forbidden              we know, and the answer is no
+-- NotFound               there is no such thing (or it is not yours: same answer)
+-- Conflict               the thing is in a state that does not allow it
+-- TooMany                asked too often; says when to come back
+-- Unreachable            a dependency (WeChat, database) is down; nothing was done
"""

from typing import Any


class Refusal(Exception):
    """Base of all refusals: a stable ``code`` in capitals, a plain ``detail``, and facts for the caller."""

    def __init__(self, code: str, detail: str = "", **facts: Any) -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.facts = facts


class Invalid(Refusal):
    """The input is wrong. ``fields`` maps a field name to what is wrong with it."""

    def __init__(self, detail: str, *, fields: dict[str, str] | None = None, code: str = "INVALID") -> None:
        super().__init__(code, detail)
        self.fields = fields or {}


class Unauthenticated(Refusal):
    """No token, a false one, an expired or a revoked one."""


class Forbidden(Refusal):
    """Known caller, not allowed; nothing was changed."""


class NotFound(Refusal):
    """No such thing for this caller. Never tells whether somebody else has it."""


class Conflict(Refusal):
    """The state of things does not allow it now (sold out, already paid, wrong state)."""


class TooMany(Refusal):
    """Asked too often. ``retry_after_s`` says when to try again."""

    def __init__(self, code: str, detail: str, *, retry_after_s: int) -> None:
        super().__init__(code, detail)
        self.retry_after_s = retry_after_s


class Unreachable(Refusal):
    """Something we depend on did not answer. Nothing was done; trying again is safe."""


class Alarm(Exception):
    """What must never happen did: same key with other content, books that disagree. Not a caller's fault."""
