"""Placing an order: prices, credit and stock of one moment, in one transaction with few round trips."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution import credit
from app.base import numbers
from app.base.errors import Conflict, Invalid
from app.catalog.offers import Offer, offers
from app.orders.lines import line_rows
from app.orders.pricing import MAX_AMOUNT_FEN, Quote, quote
from app.stock.reserving import PROMISE, refuse_short, refuse_sold_out
from app.stores.directory import StoreRef, get_store
from models.stores import StoreStatus

PICKUP = "pickup"
# The store of a code, or NotFound: read now, or remembered by the process for a moment.
FindStore = Callable[[Session, str], StoreRef]


@dataclass(frozen=True)
class Basket:
    """What somebody wants and where: ``(sku code, qty)`` pairs, to be picked up at one store."""

    store_code: str
    items: tuple[tuple[str, int], ...]
    note: str | None = None


@dataclass(frozen=True)
class Buyer:
    """The member and the WeChat identity that orders (and will pay)."""

    member_id: int
    member_number: str
    identity_id: int


@dataclass(frozen=True)
class Placed:
    """A new order: its business number, its price, and until when the goods are held."""

    order_id: int
    number: str
    quote: Quote
    store: StoreRef
    expires_at: datetime


# The order, its lines and its event, then the promise of the goods: the stock rows are locked last.
_WRITE = text(
    f"""
    with deal as (
        insert into orders (number, member_id, identity_id, state, version, origin, selling_entity_id,
            selling_store_id, fulfilment, fulfilment_state, pickup_store_id, location_id, goods_fen, discount_fen,
            freight_fen, amount_fen, paid_fen, refunded_fen, note, created_at, expires_at)
        values (:number, :member_id, :identity_id, 'CREATED', 1, 'ONLINE', :entity_id,
            :store_id, 'PICKUP', 'WAITING', :store_id, :location_id, :goods_fen, :discount_fen,
            0, :amount_fen, 0, 0, :note, :now, now() + make_interval(secs => :ttl_s))
        returning id as order_id, expires_at),
    logged as (
        insert into order_event (order_id, version, from_state, to_state, fulfilment_state, actor, reason)
        select order_id, 1, null, 'CREATED', 'WAITING', :actor, 'PLACED' from deal),
    line as (
        insert into order_line (order_id, line_no, sku_id, sku_code, name, spec, category_code, exemption, min_age,
            qty, unit_price_fen, unit_list_fen, discount_fen, amount_fen, refunded_fen, refunded_qty, base_fen,
            pool_bp, credit_snapshot)
        select deal.order_id, l.line_no, l.sku_id, l.sku_code, l.name, l.spec, l.category_code, l.exemption,
            l.min_age, l.qty, l.unit_price_fen, l.unit_list_fen, l.discount_fen, l.amount_fen, 0, 0, l.amount_fen,
            l.pool_bp, l.credit_snapshot
        from deal, jsonb_to_recordset(cast(:lines as jsonb)) as l(line_no bigint, sku_id bigint, sku_code text,
            name text, spec text, category_code text, exemption text, min_age bigint, qty bigint,
            unit_price_fen bigint, unit_list_fen bigint, discount_fen bigint, amount_fen bigint, pool_bp bigint,
            credit_snapshot jsonb)
        returning id as order_line_id, sku_id, qty),
    {PROMISE}
    select order_id, expires_at, array(select sku_id from moved) as moved from deal
    """
)


def price(
    session: Session, basket: Basket, *, find_store: FindStore = get_store
) -> tuple[StoreRef, dict[str, Offer], Quote]:
    """What the basket costs now at that store. Refuses a closed store, unknown or unlisted goods."""
    store = find_store(session, basket.store_code)
    if store.status is not StoreStatus.OPEN:
        raise Conflict("STORE_CLOSED", store.code)
    if PICKUP not in store.services or store.location_id is None:
        raise Conflict("NO_PICKUP", store.code)
    found = offers(session, [code for code, _ in basket.items])
    for position, (code, _) in enumerate(basket.items):
        if code not in found:
            raise Invalid("No such goods.", fields={f"lines.{position}.sku": f"unknown SKU {code}"})
    off = sorted(code for code, offer in found.items() if not offer.on_sale)
    if off:
        raise Conflict("NOT_ON_SALE", ", ".join(off), skus=off)
    priced = quote([(code, qty, found[code].price_fen, found[code].list_fen) for code, qty in basket.items])
    if priced.amount_fen > MAX_AMOUNT_FEN:
        raise Invalid("The order is too large.", fields={"lines": f"more than {MAX_AMOUNT_FEN} fen"})
    return store, found, priced


def place(
    session: Session,
    basket: Basket,
    buyer: Buyer,
    *,
    now: datetime,
    ttl_s: int,
    find_store: FindStore = get_store,
) -> Placed:
    """Create the order and hold its goods for ``ttl_s`` seconds by the database's clock (STK-2), or refuse.

    Prices and goods are read now; who earns is resolved now and frozen on each line (POL-2). Refuses
    OUT_OF_STOCK with the short SKUs (STK-3), and what ``price`` refuses. The stock rows are locked last.
    """
    store, found, priced = price(session, basket, find_store=find_store)
    refuse_sold_out(session, basket.items, location_id=int(store.location_id or 0))
    snapshots = credit.resolve(
        session,
        member_id=buyer.member_id,
        categories={offer.category_code for offer in found.values()},
        selling_entity=store.entity_code,
        selling_ownership=store.ownership,
        fulfil_store=store.code,
        at=now,
    )
    number = numbers.draw("A", now)
    lines = line_rows(priced.lines, found, snapshots)
    facts = {
        "number": number,
        "member_id": buyer.member_id,
        "identity_id": buyer.identity_id,
        "entity_id": store.entity_id,
        "store_id": store.id,
        "location_id": store.location_id,
        "goods_fen": priced.goods_fen,
        "discount_fen": priced.discount_fen,
        "amount_fen": priced.amount_fen,
        "note": basket.note,
        "now": now,
        "ttl_s": ttl_s,
        "actor": f"member:{buyer.member_number}",
        "reserver": f"order:{number}",
        "lines": orjson.dumps(lines).decode(),
    }
    written = session.execute(_WRITE, facts).one()
    wanted = {code: offer.sku_id for code, offer in found.items()}
    refuse_short(wanted, written.moved, location_id=int(store.location_id or 0))
    return Placed(written.order_id, number, priced, store, written.expires_at)
