"""Opening a payment: our number is committed first, then WeChat is asked, then the phone gets its parameters."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base import numbers
from app.base.db import Tx
from app.base.errors import Conflict, Unreachable
from app.base.vault import Vault
from app.orders import lifecycle
from app.payments.accepting import accept_paid
from app.payments.closing import close_payment
from app.payments.rules import next_check
from models.orders import OrderState
from wechat.errors import Refused, Unavailable, Unknown, WeChatError
from wechat.pay import Pay

# A prepay_id lives two hours at WeChat; ours is renewed a little earlier.
PREPAY_TTL_S = 6600
MIN_LEFT_S = 15


@dataclass(frozen=True)
class Payer:
    """Who pays: the member's identity in the mini-program."""

    member_id: int
    appid: str
    openid: str

    def __repr__(self) -> str:
        return f"Payer(member {self.member_id})"


@dataclass(frozen=True)
class Shop:
    """Where WeChat sends the notice, and what the bill says."""

    mchid: str
    notify_url: str
    description: str


@dataclass(frozen=True)
class _Open:
    payment_id: int
    out_trade_no: str
    amount_fen: int
    expires_at: datetime
    prepay_id: str | None
    profit_sharing: bool


_CURRENT = text(
    """
    select id, out_trade_no, prepay_id, prepay_expires_at, payer_openid, appid, profit_sharing from payment
    where order_id = :order_id and state = 'PREPARED' order by id desc limit 1 for update
    """
)
# FRZ-4: a share of another company's store, or of another company, that WeChat can pay out of this very
# payment. Goods that are sold before they exist take too long for that. Where nobody receives, nothing is read.
_SHARES = """
    exists (select from sharing_receiver r
              join orders o on o.id = :order_id
              join legal_entity seller on seller.id = o.selling_entity_id
             where r.added_at is not null and r.ended_at is null and r.entity <> seller.code
               and exists (select from order_line l
                            cross join lateral jsonb_array_elements(l.credit_snapshot->'parties') p
                             left join store s on p->>'kind' = 'STORE' and s.code = split_part(p->>'party', ':', 2)
                             left join legal_entity e on e.id = s.entity_id
                            where l.order_id = o.id
                              and case p->>'kind' when 'STORE' then e.code
                                                  when 'ENTITY' then split_part(p->>'party', ':', 2)
                                  end = r.entity)
               and not exists (select from order_line l join sku k on k.id = l.sku_id
                                 join product g on g.id = k.product_id
                                cross join unnest(g.handling) h
                                where l.order_id = o.id and split_part(h, ':', 1) = 'presale_days'))
"""
_OPEN = text(
    f"""
    insert into payment (order_id, out_trade_no, appid, mchid, payer_openid, amount_fen, state, next_check_at, checks,
                         profit_sharing)
    values (:order_id, :out_trade_no, :appid, :mchid, :openid, :amount_fen, 'PREPARED', :next_check_at, 0, {_SHARES})
    returning id, profit_sharing
    """
)
_KEEP = text(
    "update payment set prepay_id = :prepay_id, prepay_expires_at = :until"
    " where id = :id and state = 'PREPARED' returning id"
)
# WeChat now knows a number that we took for closed: it is watched again until WeChat itself closes it.
_WATCH = text(
    "update payment set state = 'PREPARED', settled_at = null, next_check_at = now()"
    " where id = :id and state = 'CLOSED'"
)


def prepay(
    tx: Tx, pay: Pay, *, order_number: str, payer: Payer, shop: Shop, vault: Vault, now: datetime
) -> dict[str, str]:
    """The signed parameters for ``wx.requestPayment``. Asking again gives parameters for the same payment.

    Refuses NOT_PAYABLE unless the order waits for money with some seconds left, and Unreachable while
    WeChat does not answer (nothing is lost: the number stays the same). An answer "already paid" is
    followed by a query, whose money is accepted.
    """
    with tx() as session:
        opened = _open(session, order_number, payer, shop, now)
    if opened.prepay_id is None:
        opened = _ask(tx, pay, opened, payer=payer, shop=shop, vault=vault, now=now)
    return pay.sign_payment(appid=payer.appid, prepay_id=str(opened.prepay_id), now=now)


def _open(session: Session, order_number: str, payer: Payer, shop: Shop, now: datetime) -> _Open:
    order = lifecycle.hold(session, lifecycle.find_id(session, order_number, member_id=payer.member_id))
    if order.state is not OrderState.CREATED or order.left_s < MIN_LEFT_S:
        raise Conflict("NOT_PAYABLE", f"The order is {order.state}.")
    row = session.execute(_CURRENT, {"order_id": order.id}).first()
    if row is not None and (row.appid, row.payer_openid) == (payer.appid, payer.openid):
        fresh = row.prepay_id if row.prepay_expires_at and row.prepay_expires_at > now else None
        return _Open(row.id, row.out_trade_no, order.amount_fen, order.expires_at, fresh, row.profit_sharing)
    facts = {
        "order_id": order.id,
        "out_trade_no": numbers.draw("P", now, length=12),
        "appid": payer.appid,
        "mchid": shop.mchid,
        "openid": payer.openid,
        "amount_fen": order.amount_fen,
        "next_check_at": next_check(now, 0),
    }
    made = session.execute(_OPEN, facts).one()
    return _Open(
        made.id, str(facts["out_trade_no"]), order.amount_fen, order.expires_at, None, made.profit_sharing
    )


def _ask(tx: Tx, pay: Pay, opened: _Open, *, payer: Payer, shop: Shop, vault: Vault, now: datetime) -> _Open:
    try:
        prepay_id = pay.prepay(
            appid=payer.appid,
            out_trade_no=opened.out_trade_no,
            description=shop.description,
            amount_fen=opened.amount_fen,
            openid=payer.openid,
            notify_url=shop.notify_url,
            expires_at=opened.expires_at,
            profit_sharing=opened.profit_sharing,
        )
    except (Unavailable, Unknown) as error:
        # Repeating a prepay with the same number and input is safe: the next call does just that.
        raise Unreachable("WECHAT_UNAVAILABLE", "Try again; the order is kept.") from error
    except Refused as error:
        _learn(tx, pay, opened.out_trade_no, vault=vault, now=now)
        raise Conflict("NOT_PAYABLE", f"WeChat refused: {error.code}") from error
    with tx() as session:
        facts = {
            "id": opened.payment_id,
            "prepay_id": prepay_id,
            "until": now + timedelta(seconds=PREPAY_TTL_S),
        }
        kept = session.execute(_KEEP, facts).first() is not None
        if not kept:
            session.execute(_WATCH, facts)
    if not kept:
        # The order was stopped while WeChat was being asked: nobody may pay this number.
        with suppress(WeChatError):
            close_payment(tx, pay, opened.out_trade_no, vault=vault, now=now)
        raise Conflict("NOT_PAYABLE", "The order was stopped meanwhile.")
    return replace(opened, prepay_id=prepay_id)


def _learn(tx: Tx, pay: Pay, out_trade_no: str, *, vault: Vault, now: datetime) -> None:
    # The refusal may mean "already paid" under several codes; only a query tells (WECHAT_PAY 1.2).
    try:
        trade = pay.query(out_trade_no)
    except (Unavailable, Unknown, Refused):
        return
    with tx() as session:
        accept_paid(session, trade, vault=vault, now=now)
