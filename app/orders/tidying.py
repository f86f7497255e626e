"""Forgetting what can no longer matter: stored answers to requests, and wrong tries at the counter."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

# A phone repeats within minutes; a week leaves room for one that was switched off.
ANSWERS_MATTER = timedelta(days=7)
_ANSWERS = text(
    """
    delete from idempotent_answer where (caller, key) in
        (select caller, key from idempotent_answer where created_at < :before limit :limit)
    returning 1
    """
)
_TRIES = text(
    """
    delete from pickup_attempt where id in (select id from pickup_attempt where at < :before limit :limit)
    returning 1
    """
)


def tidy(session: Session, *, now: datetime, limit: int = 5000) -> int:
    """Delete up to ``limit`` stored answers older than a week and as many wrong tries; answers how many."""
    facts = {"before": now - ANSWERS_MATTER, "limit": limit}
    return len(session.execute(_ANSWERS, facts).all()) + len(session.execute(_TRIES, facts).all())
