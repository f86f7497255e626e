"""The audit log: who decided what, about what, and why. Append-only; a trigger refuses every change."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Alarm, Invalid

MOST_WHY = 500
# What must not be readable by everybody who may read the log, nor live as long as the log does.
SECRET_WORDS = ("password", "secret", "token", "totp_sealed", "recovery", "openid", "unionid", "phone")

_NOTE = text(
    "insert into audit_entry (actor, action, subject, before, after, why, happened_at) values"
    " (:actor, :action, :subject, cast(:before as jsonb), cast(:after as jsonb), :why, :at)"
)


def note(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    why: str,
    at: datetime,
) -> None:
    """Write one entry in the caller's transaction: it stays if, and only if, the change stays.

    ``actor`` and ``subject`` are written "kind:code" ("operator:O-1", "clerk:C-SZFT-03", "rule:BND-4"),
    ``action`` "room.verb" ("binding.move"). ``before`` and ``after`` hold only what changed. Refuses an
    empty or endless ``why`` (Invalid); alarms when a name in them sounds like a secret.
    """
    if not why.strip() or len(why) > MOST_WHY:
        raise Invalid("A decision needs its reason.", fields={"why": f"must have 1-{MOST_WHY} characters"})
    for told in (before, after):
        _refuse_secrets(told, action)
    facts = {"actor": actor, "action": action, "subject": subject, "why": why, "at": at}
    session.execute(_NOTE, facts | {"before": _json(before), "after": _json(after)})


def _json(told: Mapping[str, Any] | None) -> str | None:
    return None if told is None else orjson.dumps(dict(told)).decode()


def _refuse_secrets(told: Any, action: str) -> None:
    if isinstance(told, Mapping):
        for name, value in told.items():
            word = str(name).lower()
            if any(secret in word for secret in SECRET_WORDS) and not word.endswith(("_tail", "_is_initial")):
                raise Alarm(f"{action} would write {name} into the audit log")
            _refuse_secrets(value, action)
    elif isinstance(told, list | tuple):
        for one in told:
            _refuse_secrets(one, action)
