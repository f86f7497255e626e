"""Money that a till took and gave back: the receipt becomes an order with its payment, a return its refund.

The money moved at the till, outside our sight. What the books say of it rests on the signed receipt, in an
account of the store of its own (``cash:till:<store>``), apart from what lies at WeChat Pay.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.offline import (
    Counter,
    Seller,
    find_seller,
    happened,
    record_offline,
    unknown_buyers_seller,
)
from app.base import numbers
from app.base.clock import iso, local_day
from app.base.errors import Conflict, Invalid, NotFound
from app.base.vault import Vault
from app.ledger.posting import Posting, post
from app.members.recognising import Named, hold
from app.orders import lifecycle, till
from app.orders.lifecycle import Held
from app.orders.till import Sold, TillLine
from app.payments import accounts, refunding
from app.payments.refunding import LineLeft, Part
from app.stock import returning
from app.stores.directory import StoreRef, get_store
from app.tills import receipts
from app.tills.letting_in import Till
from models.attribution import TouchKind
from models.orders import OrderState
from models.payments import PaymentChannel, RefundCause
from models.tills import ReceiptKind


@dataclass(frozen=True, slots=True)
class Sale:
    """A receipt as the till tells it. ``promised_remain``: goods promised to orders are still in the store."""

    receipt: str
    sold_at: datetime
    lines: tuple[TillLine, ...]
    member: Named | None = None
    clerk: str | None = None
    promised_remain: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """``qty`` units of line ``line_no`` handed in and ``refund_fen`` given back; ``sellable``: may be sold again."""

    line_no: int
    qty: int
    refund_fen: int
    sellable: bool


@dataclass(frozen=True, slots=True)
class Return:
    """A return receipt as the till tells it, of one earlier receipt of the same store."""

    receipt: str
    of_receipt: str
    returned_at: datetime
    lines: tuple[Back, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Returned:
    """The refund that a return receipt became."""

    order: str
    refund: str
    amount_fen: int
    again: bool


_PAY = text(
    """
    insert into payment (order_id, out_trade_no, transaction_id, channel, amount_fen, state, created_at,
                         settled_at, checks)
    values (:order_id, :out_trade_no, :transaction_id, 'POS', :amount_fen, 'SUCCESS', :now, :at, 0)
    returning id
    """
)
_REFUND = text(
    """
    insert into refund (order_id, payment_id, out_refund_no, refund_id, cause, amount_fen, reason, state, actor,
                        created_at, settled_at, checks)
    values (:order_id, :payment_id, :out_refund_no, :external, 'AFTER_SALE', :amount_fen, :reason, 'SUCCESS',
            :actor, :now, :at, 0)
    returning id
    """
)
_SOLD = text("select id, number, amount_fen from orders where id = :order_id")
_GIVEN_BACK = text(
    "select o.number, r.out_refund_no, r.amount_fen from refund r join orders o on o.id = r.order_id"
    " where r.id = :refund_id"
)


def take_sale(
    session: Session, caller: Till, sale: Sale, *, vault: Vault, now: datetime
) -> tuple[Sold, bool]:
    """Make an order of a receipt, paid and completed at once; True when it had been told before.

    A member and a clerk make a POS_SALE touch at ``sold_at``, which is the evidence of who sold (TCH-5); it
    may also be the member's first touch (BND-1). Without a member the receipt alone names the seller. The
    same receipt again answers the first result; with other content RECEIPT_DIFFERS. Refuses an unknown
    member or clerk, a moment in the future or older than a week, unknown goods, GOODS_PROMISED (STK-8).
    Takes the receipt's number, the member, then the stock.
    """
    input_hash = receipts.hash_of(_told(sale))
    told = receipts.claim(session, caller, ReceiptKind.SALE, sale.receipt, input_hash=input_hash)
    if told is not None:
        row = session.execute(_SOLD, {"order_id": told.order_id}).one()
        return Sold(row.id, row.number, row.amount_fen), True
    sale = replace(sale, sold_at=happened(sale.sold_at, field="sold_at", now=now))
    store = get_store(session, caller.store)
    sold = _record(session, store, sale, vault=vault, now=now, actor=caller.actor)
    _book_money(session, store, sale, sold, now)
    receipts.keep(
        session,
        caller,
        ReceiptKind.SALE,
        sale.receipt,
        input_hash=input_hash,
        order_id=sold.order_id,
        happened_at=sale.sold_at,
        now=now,
    )
    corrected = till.take_goods(
        session,
        store,
        sale.lines,
        number=sold.number,
        promised_remain=sale.promised_remain,
        actor=caller.actor,
    )
    return Sold(sold.order_id, sold.number, sold.amount_fen, tuple(corrected)), False


def take_return(session: Session, caller: Till, back: Return, *, now: datetime) -> Returned:
    """Book what a till took back: money, commission (CLW-1), goods. All of a line or a part, as often as it lasts.

    Money, once told, has gone back already: it is a refund that succeeded. Sellable goods are on hand again
    (RETURN_GOOD), others are noted and written off (RETURN_BAD). The same receipt again answers the first
    result. Refuses what is in the future or older than a week, a sale that this store's tills have not told,
    an order that is not complete, and more money or units than are left.
    """
    input_hash = receipts.hash_of(_told(back))
    told = receipts.claim(session, caller, ReceiptKind.RETURN, back.receipt, input_hash=input_hash)
    if told is not None:
        row = session.execute(_GIVEN_BACK, {"refund_id": told.refund_id}).one()
        return Returned(row.number, row.out_refund_no, row.amount_fen, again=True)
    back = replace(back, returned_at=happened(back.returned_at, field="returned_at", now=now))
    order_id = receipts.find_sale(session, caller, back.of_receipt)
    if order_id is None:
        raise NotFound("RECEIPT_UNKNOWN", "No till of this store has told this sale.")
    order = lifecycle.hold(session, order_id)
    if order.state not in (OrderState.COMPLETED, OrderState.CLOSED):
        raise Conflict("WRONG_STATE", f"The order is {order.state}.")
    lines = {line.line_no: line for line in refunding.lines_left(session, order.id)}
    parts = _parts(lines, back.lines)
    refund_id, refund_no, amount_fen = _open_refund(session, caller, order, back, parts, now)
    refunding.book(
        session,
        order,
        refund_id,
        amount_fen,
        cash=accounts.till(caller.store),
        cause=RefundCause.AFTER_SALE,
        at=back.returned_at,
    )
    receipts.keep(
        session,
        caller,
        ReceiptKind.RETURN,
        back.receipt,
        input_hash=input_hash,
        order_id=order.id,
        refund_id=refund_id,
        happened_at=back.returned_at,
        now=now,
    )
    _take_goods_back(session, caller, order, back, lines, refund_no)
    return Returned(order.number, refund_no, amount_fen, again=False)


def _told(receipt: Sale | Return) -> dict[str, object]:
    told = asdict(receipt)
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in told.items()}


def _record(
    session: Session, store: StoreRef, sale: Sale, *, vault: Vault, now: datetime, actor: str
) -> Sold:
    counter = Counter(store.id, store.code, store.code)
    seller = _seller(session, counter, sale)
    member_id = hold(session, vault, sale.member) if sale.member else None
    tell_touch = alone = None
    if member_id is not None and seller is not None:
        tell_touch = partial(
            record_offline,
            session,
            counter,
            member_id=member_id,
            kind=TouchKind.POS_SALE,
            external_id=f"sale.{sale.receipt}",
            occurred_at=sale.sold_at,
            clerk=seller,
            now=now,
        )
    elif seller is not None and not seller.has_gone:
        alone = unknown_buyers_seller(counter, seller, at=sale.sold_at)
    return till.record_sale(
        session,
        store,
        sale.lines,
        member_id=member_id,
        tell_touch=tell_touch,
        unknown_buyers_seller=alone,
        sold_at=sale.sold_at,
        now=now,
        actor=actor,
    )


def _seller(session: Session, counter: Counter, sale: Sale) -> Seller | None:
    if sale.clerk is None:
        return None
    return find_seller(session, counter, sale.clerk, day=local_day(sale.sold_at))


def _book_money(session: Session, store: StoreRef, sale: Sale, sold: Sold, now: datetime) -> None:
    facts = {
        "order_id": sold.order_id,
        "out_trade_no": numbers.draw("P", now, length=12),
        "transaction_id": f"pos:{store.code}:{sale.receipt}",
        "amount_fen": sold.amount_fen,
        "at": sale.sold_at,
        "now": now,
    }
    payment_id = session.execute(_PAY, facts).scalar_one()
    posting = Posting(
        key=f"pay:{payment_id}",
        kind="PAYMENT",
        cause=f"order:{sold.number}",
        debit=accounts.till(store.code),
        credit=accounts.sales(store.entity_code),
        amount_fen=sold.amount_fen,
        happened_at=sale.sold_at,
    )
    post(session, posting)


def _parts(lines: dict[int, LineLeft], backs: Sequence[Back]) -> list[Part]:
    if len({back.line_no for back in backs}) != len(backs):
        raise Invalid("A line is named twice.", fields={"lines": "each line_no once"})
    parts = []
    for position, back in enumerate(backs):
        line = lines.get(back.line_no)
        if line is None:
            raise Invalid("No such line.", fields={f"lines.{position}.line_no": "not in this receipt"})
        if back.qty > line.left_qty:
            raise Conflict("REFUND_TOO_MUCH", "More units than are left on the line.")
        parts.append(Part(line.order_line_id, back.qty, back.refund_fen))
    return parts


def _open_refund(
    session: Session, caller: Till, order: Held, back: Return, parts: Sequence[Part], now: datetime
) -> tuple[int, str, int]:
    payment_id = refunding.paid_by(session, order.id)
    amount_fen = sum(part.amount_fen for part in parts)
    refunding.refuse_too_much(session, order, payment_id, amount_fen, parts, channel=PaymentChannel.POS)
    facts = {
        "order_id": order.id,
        "payment_id": payment_id,
        "out_refund_no": numbers.draw("R", now, length=12),
        "external": f"pos:{caller.store}:{back.receipt}",
        "amount_fen": amount_fen,
        "reason": back.reason,
        "actor": caller.actor,
        "at": back.returned_at,
        "now": now,
    }
    refund_id = int(session.execute(_REFUND, facts).scalar_one())
    refunding.name_lines(session, refund_id, parts)
    return refund_id, str(facts["out_refund_no"]), amount_fen


def _take_goods_back(
    session: Session,
    caller: Till,
    order: Held,
    back: Return,
    lines: dict[int, LineLeft],
    refund_no: str,
) -> None:
    for one in sorted(back.lines, key=lambda one: lines[one.line_no].sku_id):
        if not one.qty:
            continue
        take = returning.take_back if one.sellable else returning.take_back_broken
        take(
            session,
            sku_id=lines[one.line_no].sku_id,
            location_id=order.location_id,
            qty=one.qty,
            ref=f"refund:{refund_no}:{lines[one.line_no].order_line_id}",
            actor=caller.actor,
        )
