"""Asking WeChat who a fan is: the unionid that joins the fan with the mini-program's user (MRG-5)."""

from datetime import datetime

from sqlalchemy import text

from app.base.db import Tx
from app.members.meeting import learn_unionid
from wechat.errors import Refused
from wechat.official_account import OfficialAccount

_WHO = text("select openid from identity where id = :identity_id and app = 'OA' and unionid is null")


def learn_fan(tx: Tx, official_account: OfficialAccount, *, identity_id: int, now: datetime) -> bool:
    """Ask for a fan's unionid and join members by it; True when there was something to learn.

    Run after the push is answered (job ``learn_fan``); again and again without harm. Raises
    ``wechat.errors.Unavailable`` for the queue to try later. A fan whom WeChat does not know, or who has
    no unionid because the account hangs on no open platform, stays as he is.
    """
    with tx() as session:
        openid = session.execute(_WHO, {"identity_id": identity_id}).scalar()
    if openid is None:
        return False
    try:
        fan = official_account.fan(openid)
    except Refused:
        return False
    if fan.unionid is None:
        return False
    with tx() as session:
        learn_unionid(session, identity_id=identity_id, unionid=fan.unionid, now=now)
    return True
