"""What WeChat Pay tells by notices: each recorded once, by what it is about, and acted on in one transaction."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import structlog
from sqlalchemy.orm import Session

from app.base import inbox, queue
from app.base.vault import Vault
from app.payments.accepting import accept_paid
from app.payments.refunding import accept_refund
from wechat.pay import CombinedPaid, Notice, OtherNotice, Paid, Refunded, ShareReceived, Transferred

log = structlog.get_logger()
SOURCE = "pay"
RECORDED, FOREIGN, UNMATCHED = "RECORDED", "FOREIGN", "UNMATCHED"

# Which job hears of a change, by the notice that told it: for rooms above this one. Who adds one adds the job to
# app/jobs.py first, because a job that no worker knows would fail. Other notices are recorded and nothing else.
# ShareReceived would be told as (out_order_no).
HEARD_BY: Mapping[type, str] = {Transferred: "transfer_changed"}


@dataclass(frozen=True)
class _News:
    """A notice as the inbox keeps it: what makes it the same news again, and facts without anything personal.
    ``mchid``: to whom it is told, when the notice says so; ``about``: what a job is told."""

    key: str
    kind: str
    detail: dict[str, Any] = field(default_factory=dict)
    mchid: str | None = None
    about: dict[str, Any] = field(default_factory=dict)


def take(
    session: Session,
    notice: Notice,
    *,
    vault: Vault,
    mchid: str,
    now: datetime,
    heard_by: Mapping[type, str] = HEARD_BY,
) -> None:
    """Record a proven notice once and act on it: payments and refunds here, the rest by whoever listens.

    Repeats, parallel copies and late ones end in the same single effect. What is told to another merchant
    than ``mchid`` is recorded as such and does nothing.
    """
    news = _NEWS[type(notice)](notice)
    detail = orjson.dumps(news.detail).decode()
    if not inbox.claim(session, SOURCE, news.key, kind=news.kind, detail=detail):
        return
    inbox.keep_answer(session, SOURCE, news.key, _act(session, notice, news, vault, mchid, now, heard_by))


def _act(
    session: Session,
    notice: Notice,
    news: _News,
    vault: Vault,
    mchid: str,
    now: datetime,
    heard_by: Mapping[type, str],
) -> str:
    if isinstance(notice, Paid):
        return str(accept_paid(session, notice.trade, vault=vault, now=now))
    if isinstance(notice, Refunded):
        return str(_refund(session, notice, now) or UNMATCHED)
    if news.mchid is not None and news.mchid != mchid:
        log.error("notice_for_another_merchant", kind=news.kind)
        return FOREIGN
    job = heard_by.get(type(notice))
    if job is not None:
        queue.defer(session, job, **news.about)
    return RECORDED


def _refund(session: Session, notice: Refunded, now: datetime) -> object:
    return accept_refund(
        session,
        out_refund_no=notice.out_refund_no,
        refund_id=notice.refund_id,
        status=notice.status,
        refund_fen=notice.refund_fen,
        now=now,
    )


def _paid(notice: Paid) -> _News:
    trade = notice.trade
    return _News(f"{trade.out_trade_no}:{trade.transaction_id}:{trade.state}", notice.event_type)


def _refunded(notice: Refunded) -> _News:
    return _News(f"{notice.out_refund_no}:{notice.status}", notice.event_type)


def _transferred(notice: Transferred) -> _News:
    transfer = notice.transfer
    detail = {
        "out_bill_no": transfer.out_bill_no,
        "transfer_bill_no": transfer.transfer_bill_no,
        "state": transfer.state.value,
        "amount_fen": transfer.amount_fen,
        "fail_reason": transfer.fail_reason,
    }
    about = {"out_bill_no": transfer.out_bill_no}
    key = f"transfer:{transfer.out_bill_no}:{transfer.state}"
    return _News(key, notice.event_type, detail, transfer.mchid, about)


def _shared(notice: ShareReceived) -> _News:
    detail = {
        "transaction_id": notice.transaction_id,
        "order_id": notice.order_id,
        "out_order_no": notice.out_order_no,
        "amount_fen": notice.amount_fen,
        "is_return": notice.is_return,
        "success_at": notice.success_at.isoformat() if notice.success_at else None,
    }
    # One sharing may give one receiver several parts, and take them back one by one.
    part = (notice.order_id, notice.is_return, notice.account, notice.amount_fen, detail["success_at"])
    about = {"out_order_no": notice.out_order_no}
    return _News(f"share:{_digest(part)}", notice.event_type, detail, notice.mchid, about)


def _combined(notice: CombinedPaid) -> _News:
    whole = notice.combined
    orders = [
        {
            "out_trade_no": trade.out_trade_no,
            "transaction_id": trade.transaction_id,
            "state": trade.state.value,
            "amount_fen": trade.amount_fen,
        }
        for trade in whole.trades
    ]
    detail = {"combine_out_trade_no": whole.combine_out_trade_no, "orders": orders}
    key = f"combined:{whole.combine_out_trade_no}:{_digest(orders)}"
    return _News(key, notice.event_type, detail, whole.mchid)


def _other(notice: OtherNotice) -> _News:
    # What is inside may be personal; told again it is the same under another seal and nonce.
    return _News(f"other:{notice.event_type[:64]}:{_digest(notice.data)}", notice.event_type[:32])


def _digest(facts: object) -> str:
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


_NEWS: dict[type, Callable[[Any], _News]] = {
    Paid: _paid,
    Refunded: _refunded,
    Transferred: _transferred,
    ShareReceived: _shared,
    CombinedPaid: _combined,
    OtherNotice: _other,
}
