"""The inbox: everything WeChat sends is recorded once, in the transaction that acts on it."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

_CLAIM = text(
    "insert into inbox (source, key, kind, detail, answer)"
    " values (:source, :key, :kind, cast(:detail as jsonb), :answer)"
    " on conflict (source, key) do nothing returning true"
)
_ANSWER = text("update inbox set answer = :answer where source = :source and key = :key")
_RECALL = text("select answer from inbox where source = :source and key = :key")


class Arrival(NamedTuple):
    """What enters the inbox: under which key, what it is, and what is answered to it."""

    source: str
    key: str
    kind: str
    answer: str


def claim(
    session: Session, source: str, key: str, *, kind: str, detail: str = "{}", answer: str | None = None
) -> bool:
    """Record an arrival; True the first time, False for a repeat (TCH-2).

    Takes the row's unique key as a lock: a repeat that arrives while the first is still being
    worked on waits for its commit, and is the first if that one rolled back. ``detail`` is JSON
    text without anything personal. ``answer``: what is answered, when that is known already.
    """
    facts = {"source": source, "key": key, "kind": kind, "detail": detail, "answer": answer}
    return session.execute(_CLAIM, facts).first() is not None


def keep_answer(session: Session, source: str, key: str, answer: str) -> None:
    """Remember what was answered, so that a repeat gets the same words."""
    session.execute(_ANSWER, {"source": source, "key": key, "answer": answer})


def recall_answer(session: Session, source: str, key: str) -> str | None:
    """The answer kept for an arrival, or None when there was none to keep."""
    answer: str | None = session.execute(_RECALL, {"source": source, "key": key}).scalar()
    return answer
