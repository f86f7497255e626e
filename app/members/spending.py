"""Codes that WeChat gives a phone are good once: ours is the first word, before WeChat is asked."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Forbidden, Unauthenticated, Unreachable
from app.base.vault import Vault
from wechat.errors import Refused, WeChatError

BLOCKED_BY_WECHAT = "40226"

Answer = TypeVar("Answer")

_SPEND = text("insert into used_code (code_hash) values (:hash) on conflict do nothing returning true")
_GIVE_BACK = text("delete from used_code where code_hash = :hash")


def spend(tx: Tx, vault: Vault, purpose: str, code: str, ask: Callable[[str], Answer]) -> Answer:
    """Trade ``code`` at WeChat by ``ask(code)``, once for all processes.

    The code is marked as spent and committed first, so of many who bring the same code exactly one asks.
    Refuses: CODE_USED (brought before), CODE_REFUSED (WeChat says no), ACCOUNT_BLOCKED (WeChat blocks the
    person). When WeChat does not answer, WECHAT_UNAVAILABLE, and the code may be brought again: if it was
    spent at WeChat after all, WeChat itself will say so.
    """
    facts = {"hash": vault.hash(f"code {purpose}", code)}
    with tx() as session:
        if session.execute(_SPEND, facts).first() is None:
            raise Unauthenticated("CODE_USED", "A code is good once; ask WeChat for a new one.")
    try:
        return ask(code)
    except Refused as error:
        if error.code == BLOCKED_BY_WECHAT:
            raise Forbidden("ACCOUNT_BLOCKED", "WeChat blocks this account.") from error
        raise Unauthenticated("CODE_REFUSED", "WeChat refuses the code.") from error
    except WeChatError as error:
        with tx() as session:
            session.execute(_GIVE_BACK, facts)
        raise Unreachable("WECHAT_UNAVAILABLE", "WeChat did not answer.") from error
