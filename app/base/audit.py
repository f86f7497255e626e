"""The audit log: who decided what, about what, and why. Append-only; a trigger refuses every change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import Alarm, Invalid

MOST_WHY = 500
# What must not be readable by everybody who may read the log, nor live as long as the log does.
SECRET_WORDS = ("password", "secret", "token", "totp_sealed", "recovery", "openid", "unionid", "phone")

_NOTE = text(
    "insert into audit_entry (actor, action, subject, before, after, why, happened_at) values"
    " (:actor, :action, :subject, cast(:before as jsonb), cast(:after as jsonb), :why, :at)"
)
# One piece for each wish, so that each mix of wishes is a statement of its own and finds its index.
_WISHES = {
    "subject": "subject = :subject",
    "actor": "actor = :actor",
    "action": "action = :action",
    "since": "happened_at >= :since",
    "until": "happened_at < :until",
    "before_id": "(happened_at, id) < (select happened_at, id from audit_entry where id = :before_id)",
}


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to read; None = any. ``since`` is included, ``until`` is not."""

    subject: str | None = None
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """One entry. ``id`` is for paging only and never told outside."""

    id: int
    happened_at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    why: str


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


def read(reader: Connection, wanted: Wanted, *, before: int | None, limit: int) -> list[Entry]:
    """Up to ``limit`` entries that are wanted, newest first; ``before``: only those older than that entry's id."""
    facts = vars(wanted) | {"before_id": before}
    given = {name: value for name, value in facts.items() if value is not None}
    where = " and ".join(_WISHES[name] for name in given) or "true"
    rows = reader.execute(
        text(
            "select id, happened_at, actor, action, subject, before, after, why from audit_entry"
            f" where {where} order by happened_at desc, id desc limit :limit"
        ),
        given | {"limit": limit},
    )
    return [Entry(**row._mapping) for row in rows]


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
