"""Answering a question after its push: the answer was not ready within the three seconds that WeChat waits."""

from datetime import datetime

from sqlalchemy import text

from app.base.db import Tx
from app.conversation.answers import answer
from app.conversation.intent import Intent
from app.members.windows import write
from wechat.official_account import OfficialAccount

_WHO = text(
    "select i.openid, coalesce(m.alias_of, m.id) as member_id"
    " from identity i join member m on m.id = i.member_id where i.id = :identity_id"
)


def answer_late(
    tx: Tx, official_account: OfficialAccount, *, identity_id: int, key: str, intent: Intent, now: datetime
) -> bool:
    """Find the answer with more time and send it as a customer message, once per push; True when it was sent.

    Silent when WeChat's window has closed meanwhile or its count is used up (job ``answer_late``).
    """
    with tx() as session:
        who = session.execute(_WHO, {"identity_id": identity_id}).one()
        words = answer(session, intent, member_id=who.member_id, now=now)
    return write(
        tx,
        official_account,
        identity_id=identity_id,
        openid=who.openid,
        key=f"late.{key}",
        words=words,
        now=now,
    )
