"""A sale at a till as an order: sold, paid and handed over in one moment, which the receipt tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution import credit
from app.base import numbers
from app.base.errors import Conflict, Invalid
from app.catalog.offers import Offer, offers
from app.commission import release
from app.members import standing
from app.orders.lifecycle import accrue
from app.orders.lines import line_rows
from app.orders.pricing import MAX_AMOUNT_FEN, PricedLine
from app.stock.selling import Gone, sell
from app.stores.directory import StoreRef
from models.policies import PolicyMode
from models.stores import StoreStatus

Snapshots = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TillLine:
    """One line of a receipt: what was paid for all of its units, discounts taken off already."""

    sku: str
    qty: int
    paid_fen: int


@dataclass(frozen=True, slots=True)
class Sold:
    """An order that a receipt became. ``corrected``: SKUs of which the books had fewer than the till sold."""

    order_id: int
    number: str
    amount_fen: int
    corrected: tuple[str, ...] = ()


_WRITE = text(
    """
    with deal as (
        insert into orders (number, member_id, state, version, origin, selling_entity_id, selling_store_id,
            fulfilment, fulfilment_state, pickup_store_id, location_id, goods_fen, discount_fen, freight_fen,
            amount_fen, paid_fen, refunded_fen, note, created_at, expires_at, paid_at, completed_at)
        values (:number, :member_id, 'COMPLETED', 5, 'POS', :entity_id, :store_id,
            'CARRY_OUT', 'PICKED_UP', :store_id, :location_id, :goods_fen, :discount_fen, 0,
            :amount_fen, :amount_fen, 0, null, :at, :at, :at, :at)
        returning id as order_id),
    logged as (
        insert into order_event (order_id, version, from_state, to_state, fulfilment_state, at, actor, reason)
        select order_id, x.version, x.before, x.after, x.fulfilment, :now, :actor, x.reason from deal, (values
            (1, null, 'CREATED', 'WAITING', 'SOLD_AT_TILL'), (2, 'CREATED', 'PAID', 'WAITING', 'PAID'),
            (3, 'PAID', 'ALLOCATED', 'WAITING', 'GOODS_READY'),
            (4, 'ALLOCATED', 'FULFILLING', 'WAITING', 'CARRIED_OUT'),
            (5, 'FULFILLING', 'COMPLETED', 'PICKED_UP', 'HANDED_OVER'))
            as x(version, before, after, fulfilment, reason)),
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
            credit_snapshot jsonb))
    select order_id from deal
    """
)


def record_sale(
    session: Session,
    store: StoreRef,
    lines: Sequence[TillLine],
    *,
    member_id: int | None,
    tell_touch: Callable[[], object] | None,
    unknown_buyers_seller: dict[str, Any] | None,
    sold_at: datetime,
    now: datetime,
    actor: str,
) -> Sold:
    """Write the order of a receipt, complete: the selling store is the till's (STK-6), commission is accrued
    with the credit as of ``sold_at`` (POL-2, ACC-1) and its freeze clock runs (FRZ-2). Money is the caller's.

    ``tell_touch`` writes the touch of this sale. It may take the member over (BND-4), but whoever served the
    member before the sale is the one who serves in it: a till cannot grab the share of its own sale.
    ``member_id`` None: nobody said who bought; then ``unknown_buyers_seller`` is the one personal party.
    Refuses unknown goods, a receipt without money, a closed store. ``take_goods`` comes after it.
    """
    if store.status is StoreStatus.CLOSED or store.location_id is None:
        raise Conflict("STORE_CLOSED", store.code)
    found = offers(session, [line.sku for line in lines])
    priced = _priced(lines, found)
    amount_fen = sum(line.amount_fen for line in priced)
    if not 0 < amount_fen <= MAX_AMOUNT_FEN:
        raise Invalid("Not a sale.", fields={"lines": f"1 to {MAX_AMOUNT_FEN} fen in all"})
    resolve = partial(
        credit.resolve,
        session,
        member_id=member_id,
        categories={offer.category_code for offer in found.values()},
        selling_entity=store.entity_code,
        selling_ownership=store.ownership,
        fulfil_store=store.code,
        at=sold_at,
    )
    snapshots = _snapshots(resolve, tell_touch, unknown_buyers_seller)
    number = numbers.draw("A", sold_at)
    rows = line_rows(priced, found, snapshots)
    facts = {
        "number": number,
        "member_id": member_id,
        "entity_id": store.entity_id,
        "store_id": store.id,
        "location_id": store.location_id,
        "goods_fen": sum(line.qty * line.unit_price_fen for line in priced),
        "discount_fen": sum(line.discount_fen for line in priced),
        "amount_fen": amount_fen,
        "lines": orjson.dumps(rows).decode(),
    }
    order_id = int(session.execute(_WRITE, {**facts, "at": sold_at, "now": now, "actor": actor}).scalar_one())
    accrue(session, order_id, number=number, selling_entity=store.entity_code, paid_at=sold_at, now=now)
    release.start_clock(session, order_id=order_id, completed_at=sold_at)
    if member_id is not None:
        standing.bought(session, member_id=member_id, at=sold_at)
    return Sold(order_id, number, amount_fen)


def take_goods(
    session: Session,
    store: StoreRef,
    lines: Sequence[TillLine],
    *,
    number: str,
    promised_remain: bool,
    actor: str,
) -> list[str]:
    """Take the goods of a recorded sale off hand; refuses as ``stock.selling.sell``, which is called last."""
    found = offers(session, [line.sku for line in lines])
    goods = [Gone(found[line.sku].sku_id, line.sku, line.qty) for line in lines]
    return sell(
        session,
        goods,
        location_id=int(store.location_id or 0),
        promised_remain=promised_remain,
        ref=f"till:{number}",
        actor=actor,
    )


def _snapshots(
    resolve: Callable[[], Snapshots],
    tell_touch: Callable[[], object] | None,
    unknown_buyers_seller: dict[str, Any] | None,
) -> Snapshots:
    """The credit of a sale: evidence with its own touch, service as it was without it."""
    snapshots = resolve()
    if tell_touch is not None:
        before = snapshots
        tell_touch()
        snapshots = resolve()
        for category, snapshot in snapshots.items():
            snapshot["parties"] = _served_as_before(snapshot["parties"], before[category]["parties"])
    for snapshot in snapshots.values():
        # Under the other modes touches earn, and an unknown buyer has none.
        if unknown_buyers_seller is not None and snapshot["mode"] == PolicyMode.ROLE_SPLIT:
            snapshot["parties"] = [*snapshot["parties"], unknown_buyers_seller]
    return snapshots


def _served_as_before(parties: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    served = next((party for party in before if party["role"] == "SVC_CLERK"), None)
    return [served if served and party["role"] == "SVC_CLERK" else party for party in parties]


def _priced(lines: Sequence[TillLine], found: dict[str, Offer]) -> list[PricedLine]:
    """The receipt's lines beside our prices: what was paid decides; a price above ours is the till's price."""
    priced = []
    for position, line in enumerate(lines):
        offer = found.get(line.sku)
        if offer is None:
            raise Invalid("No such goods.", fields={f"lines.{position}.sku": f"unknown SKU {line.sku}"})
        unit_fen = max(offer.price_fen, -(-line.paid_fen // line.qty))
        discount_fen = unit_fen * line.qty - line.paid_fen
        list_fen = max(offer.list_fen, unit_fen)
        priced.append(PricedLine(line.sku, line.qty, unit_fen, list_fen, discount_fen, line.paid_fen))
    return priced
