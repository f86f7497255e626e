"""Goods that a till has sold: they are gone already, so the books follow (STK-7, STK-8)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict
from app.stock.movements import bring_in
from models.stock import MovementKind

_OPEN = text(
    """
    insert into stock (sku_id, location_id, on_hand, reserved, safety, incoming)
    select sku_id, :location_id, 0, 0, 0, 0 from unnest(cast(:skus as bigint[])) as x(sku_id) order by sku_id
    on conflict do nothing
    """
)
_HOLD = text(
    "select sku_id, on_hand, reserved from stock where location_id = :location_id and sku_id = any(:skus)"
    " order by sku_id for no key update"
)
_SELL = text(
    """
    with sold as (
        select * from unnest(cast(:skus as bigint[]), cast(:qtys as bigint[])) as x(sku_id, qty)),
    moved as (
        update stock s set on_hand = s.on_hand - x.qty from sold x
        where s.location_id = :location_id and s.sku_id = x.sku_id)
    insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
    select sku_id, :location_id, 'SALE', -qty, 0, :ref, :actor from sold
    """
)


@dataclass(frozen=True, slots=True)
class Gone:
    """``qty`` units of a SKU that left over the counter."""

    sku_id: int
    sku_code: str
    qty: int


def sell(
    session: Session,
    goods: Sequence[Gone],
    *,
    location_id: int,
    promised_remain: bool,
    ref: str,
    actor: str,
) -> list[str]:
    """Take goods that a till sold off hand; answers the SKUs whose count was corrected first.

    The till had more in its hands than our books: the difference is booked as a COUNT_ADJ, so that on hand
    stays the sum of its movements. Goods that are promised to orders are never taken (STK-8): when a sale
    leaves fewer than are promised, GOODS_PROMISED, unless the till says that the promised ones are still
    there (``promised_remain``). Safety stock is for shoppers online, not for the till. Call it last: the stock
    rows are locked in SKU order until commit.
    """
    wanted = Counter[int]()
    codes = {one.sku_id: one.sku_code for one in goods}
    for one in goods:
        wanted[one.sku_id] += one.qty
    skus = sorted(wanted)
    place = {"location_id": location_id, "skus": skus}
    session.execute(_OPEN, place)
    held = {row.sku_id: row for row in session.execute(_HOLD, place)}
    missing = {sku: wanted[sku] + held[sku].reserved - held[sku].on_hand for sku in skus}
    short = [sku for sku in skus if missing[sku] > 0]
    promised = sorted(codes[sku] for sku in short if held[sku].reserved > 0)
    if promised and not promised_remain:
        raise Conflict("GOODS_PROMISED", ", ".join(promised), skus=promised)
    for sku in short:
        bring_in(
            session,
            MovementKind.COUNT_ADJ,
            sku_id=sku,
            location_id=location_id,
            qty=missing[sku],
            ref=ref,
            actor=actor,
        )
    facts = {**place, "qtys": [wanted[sku] for sku in skus], "ref": ref, "actor": actor}
    session.execute(_SELL, facts)
    return sorted(codes[sku] for sku in short)
