"""Until when, and how often, WeChat lets us write to a person of our own accord (customer messages).

A message of the person opens 48 hours and five messages; a follow, a scan or a tap on the menu opens one
minute and three. Each such sign opens its window anew; the counts are not added up.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from models.wechat import MessageState
from wechat.errors import Refused, Unavailable, Unknown
from wechat.official_account import OfficialAccount

# A little less than WeChat allows: its clock, and our message on the way.
TALK, TALK_MESSAGES = timedelta(hours=47), 5
BRIEF, BRIEF_MESSAGES = timedelta(seconds=50), 3

_LOCK = text(
    "select spoke_at, last_heard_at from identity where id = :identity_id and followed for no key update"
)
_USED = text(
    "select count(*) from customer_message"
    " where identity_id = :identity_id and claimed_at >= :since and state <> 'REFUSED'"
)
_CLAIM = text(
    "insert into customer_message (identity_id, key, claimed_at, state) values (:identity_id, :key, :now, 'SENDING')"
    " on conflict (key) do nothing returning id"
)
_SETTLE = text("update customer_message set state = :state, code = :code where key = :key")
_FORGET = text("delete from customer_message where key = :key")


def claim(session: Session, *, identity_id: int, key: str, now: datetime) -> bool:
    """Take one message out of the person's open window; False when none is open, or its count is used up.

    A ``key`` is claimed once for ever: False as well when it was claimed before. Holds the identity's row
    until the transaction ends, so that two messages at once cannot both be the last one.
    """
    row = session.execute(_LOCK, {"identity_id": identity_id}).first()
    if row is None or not _open(session, identity_id, row.spoke_at, row.last_heard_at, now):
        return False
    facts = {"identity_id": identity_id, "key": key, "now": now}
    return session.execute(_CLAIM, facts).first() is not None


def _open(
    session: Session, identity_id: int, spoke_at: datetime | None, heard_at: datetime | None, now: datetime
) -> bool:
    for since, length, most in ((spoke_at, TALK, TALK_MESSAGES), (heard_at, BRIEF, BRIEF_MESSAGES)):
        if since is not None and now - since < length:
            used = session.execute(_USED, {"identity_id": identity_id, "since": since}).scalar_one()
            if used < most:
                return True
    return False


def settle(session: Session, *, key: str, state: MessageState, code: str | None = None) -> None:
    """Note how a claimed message ended."""
    session.execute(_SETTLE, {"key": key, "state": state.value, "code": code})


def write(
    tx: Tx,
    official_account: OfficialAccount,
    *,
    identity_id: int,
    openid: str,
    key: str,
    words: str,
    now: datetime,
) -> bool:
    """Write to a person inside the window, once per ``key``; True when WeChat took it.

    False when no window is open, the key was used, or WeChat refuses. An outcome that WeChat leaves open is not
    repeated: the same words twice are worse than none. Raises ``wechat.errors.Unavailable`` when nothing was
    sent; then the key is free again and the queue tries later.
    """
    with tx() as session:
        if not claim(session, identity_id=identity_id, key=key, now=now):
            return False
    try:
        official_account.send_text(openid, words)
    except Unavailable:
        with tx() as session:
            session.execute(_FORGET, {"key": key})
        raise
    except (Refused, Unknown) as error:
        state = MessageState.REFUSED if isinstance(error, Refused) else MessageState.UNKNOWN
        with tx() as session:
            settle(session, key=key, state=state, code=error.code)
        return False
    with tx() as session:
        settle(session, key=key, state=MessageState.SENT)
    return True
