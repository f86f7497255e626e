"""Closing payments at WeChat, so that money cannot come any more: only WeChat's own word makes one CLOSED."""

from datetime import datetime

from sqlalchemy import text

from app.base.db import Tx
from app.base.vault import Vault
from app.payments.accepting import accept_paid
from app.payments.rules import is_unknown_there
from wechat.errors import Refused
from wechat.pay import Pay, TradeState

_OPEN = text("select out_trade_no from payment where order_id = :order_id and state = 'PREPARED' order by id")
_CLOSED = text(
    "update payment set state = 'CLOSED', settled_at = :now, next_check_at = null"
    " where out_trade_no = :out_trade_no and state = 'PREPARED'"
)


def close_payments(tx: Tx, pay: Pay, order_id: int, *, vault: Vault, now: datetime) -> None:
    """Close every open payment of an order; one that turns out to be paid is accepted instead.

    Raises what WeChat's answer was (Unavailable, Unknown, or a Refused about our own settings): then
    nothing is known, and the payment stays open here.
    """
    with tx() as session:
        numbers = list(session.execute(_OPEN, {"order_id": order_id}).scalars())
    for out_trade_no in numbers:
        close_payment(tx, pay, out_trade_no, vault=vault, now=now)


def close_payment(tx: Tx, pay: Pay, out_trade_no: str, *, vault: Vault, now: datetime) -> None:
    """The same for one payment."""
    if not _closed_there(tx, pay, out_trade_no, vault=vault, now=now):
        return
    with tx() as session:
        session.execute(_CLOSED, {"out_trade_no": out_trade_no, "now": now})


def _closed_there(tx: Tx, pay: Pay, out_trade_no: str, *, vault: Vault, now: datetime) -> bool:
    # A refusal to close says "paid" or "unknown there" under several codes; only a query tells which.
    try:
        pay.close(out_trade_no)
        return True
    except Refused:
        pass
    try:
        trade = pay.query(out_trade_no)
    except Refused as error:
        if is_unknown_there(error.code):
            return True
        raise
    if trade.state is TradeState.CLOSED:
        return True
    with tx() as session:
        accept_paid(session, trade, vault=vault, now=now)
    return False
