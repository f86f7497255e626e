"""Forgetting what can no longer matter: spent codes, logins that ended long ago, counted messages."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

# WeChat's codes live five minutes; a day leaves room for any clock.
CODE_MATTERS = timedelta(days=1)
LOGIN_MATTERS = timedelta(days=30)
# Longer than WeChat's longest window, and than a job is tried.
MESSAGE_MATTERS = timedelta(days=7)

_CODES = text(
    "delete from used_code where code_hash in"
    " (select code_hash from used_code where used_at < :before limit :limit) returning 1"
)
_LOGINS = text(
    "delete from login where token_hash in"
    " (select token_hash from login where expires_at < :before limit :limit) returning 1"
)
_MESSAGES = text(
    "delete from customer_message where id in"
    " (select id from customer_message where claimed_at < :before limit :limit) returning 1"
)


def tidy(session: Session, *, now: datetime, limit: int = 5000) -> int:
    """Delete up to ``limit`` spent codes, logins that expired a month ago and messages of last week; how many."""
    codes = session.execute(_CODES, {"before": now - CODE_MATTERS, "limit": limit}).all()
    logins = session.execute(_LOGINS, {"before": now - LOGIN_MATTERS, "limit": limit}).all()
    messages = session.execute(_MESSAGES, {"before": now - MESSAGE_MATTERS, "limit": limit}).all()
    return len(codes) + len(logins) + len(messages)
