"""Bringing locations to what a brand's files say, and booking opening stock once per SKU and location."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict
from app.base.upsert import Changes, Tally, ids_by_code, upsert
from app.stock.rows import LocationRow, OpeningRow
from models.stock import StockLocation
from models.stores import LegalEntity

_BATCH = 5000
_STORE_LOCATIONS = text(
    """
    insert into stock_location as l (code, name, kind, store_id, entity_id, lat, lng)
    select code, name, 'STORE', id, entity_id, lat, lng from store order by id
    on conflict (store_id) do update
    set code = excluded.code, name = excluded.name, entity_id = excluded.entity_id,
        lat = excluded.lat, lng = excluded.lng
    where (l.code, l.name, l.entity_id, l.lat, l.lng)
        is distinct from (excluded.code, excluded.name, excluded.entity_id, excluded.lat, excluded.lng)
    returning code, xmax = 0 as is_new
    """
)
_TWO_KINDS = text(
    """
    select code from store where code = any(:codes)
    union select l.code from stock_location l join store s on s.code = l.code where l.kind = 'WAREHOUSE'
    order by 1
    """
)
_WANTED = """
    wanted as materialized (
        select k.id as sku_id, l.id as location_id, w.sku, w.location, w.on_hand, w.safety
        from unnest(cast(:skus as text[]), cast(:locations as text[]), cast(:counts as bigint[]),
                    cast(:safeties as bigint[])) as w(sku, location, on_hand, safety)
        join sku k on k.code = w.sku join stock_location l on l.code = w.location
        order by k.id, l.id)
"""
# The movement is written only for a row that this statement made: an opening happens once.
_OPEN = text(
    f"""
    with {_WANTED},
    opened as (
        insert into stock (sku_id, location_id, on_hand, reserved, safety, incoming)
        select sku_id, location_id, on_hand, 0, safety, 0 from wanted
        on conflict do nothing returning sku_id, location_id, on_hand),
    moved as (
        insert into stock_movement
            (moved_at, sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
        select :now, sku_id, location_id, 'RECEIPT', on_hand, 0, 'opening', 'import'
        from opened where on_hand > 0)
    select w.sku || ' ' || w.location as key from opened o
    join wanted w on w.sku_id = o.sku_id and w.location_id = o.location_id
    """
)
_SAFETY = text(
    f"""
    with {_WANTED},
    held as materialized (
        select s.sku_id, s.location_id, w.safety, w.sku, w.location from stock s
        join wanted w on w.sku_id = s.sku_id and w.location_id = s.location_id and w.safety <> s.safety
        order by s.sku_id, s.location_id for no key update of s)
    update stock s set safety = h.safety from held h
    where s.sku_id = h.sku_id and s.location_id = h.location_id returning h.sku || ' ' || h.location as key
    """
)
_DIFFERENT = text(
    f"""
    with {_WANTED}
    select w.sku, w.location, w.on_hand, coalesce(m.on_hand_delta, 0) as opened, s.on_hand as present
    from wanted w join stock s on s.sku_id = w.sku_id and s.location_id = w.location_id
    left join stock_movement m on m.kind = 'RECEIPT' and m.ref = 'opening'
        and m.sku_id = w.sku_id and m.location_id = w.location_id
    where coalesce(m.on_hand_delta, 0) <> w.on_hand
    order by w.sku, w.location
    """
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The list says another opening stock than was booked; nothing was changed."""

    sku: str
    location: str
    listed: int
    opened: int
    present: int

    def __str__(self) -> str:
        return (
            f"{self.sku} at {self.location} was opened with {self.opened}, the list now says {self.listed}; "
            f"on hand stays {self.present}: book a stock-take or a receipt"
        )


def load(
    session: Session, locations: Sequence[LocationRow], openings: Sequence[OpeningRow], *, now: datetime
) -> tuple[dict[str, Tally], list[Difference]]:
    """Make a location of every store and warehouse, and open the stock that is not opened yet.

    Opening stock becomes a RECEIPT movement once for each SKU and location (STK-7). On hand is never
    overwritten: where the list now says another number than was booked, that is answered as a difference.
    Safety stock is a setting and follows the list. Refuses LOCATION_TAKEN for a code that is both a store's
    and a warehouse's.
    """
    taken = session.execute(_TWO_KINDS, {"codes": [row.code for row in locations]}).scalars().all()
    if taken:
        raise Conflict("LOCATION_TAKEN", f"{', '.join(taken)} is the code of a store and of a warehouse.")
    places = Changes()
    for code, is_new in session.execute(_STORE_LOCATIONS):
        (places.new if is_new else places.changed).add(code)
    entity_ids = ids_by_code(session, LegalEntity)
    warehouses = upsert(
        session,
        StockLocation,
        [
            {"code": row.code, "name": row.name, "kind": "WAREHOUSE", "entity_id": entity_ids[row.entity]}
            | {"lat": row.lat, "lng": row.lng, "daily_capacity": row.daily_capacity}
            for row in locations
        ],
    )
    places.new |= warehouses.new
    places.note(warehouses.changed)
    total = len(ids_by_code(session, StockLocation))
    stock, differences = _open(session, openings, now)
    return {"locations": places.tally(total), "stock": stock.tally(len(openings))}, differences


def _open(
    session: Session, openings: Sequence[OpeningRow], now: datetime
) -> tuple[Changes, list[Difference]]:
    stock, differences = Changes(), []
    for start in range(0, len(openings), _BATCH):
        batch = openings[start : start + _BATCH]
        facts = {
            "skus": [row.sku for row in batch],
            "locations": [row.location for row in batch],
            "counts": [row.on_hand for row in batch],
            "safeties": [row.safety for row in batch],
        }
        stock.new |= set(session.execute(_OPEN, {**facts, "now": now}).scalars())
        stock.note(session.execute(_SAFETY, facts).scalars().all())
        differences += [Difference(*row) for row in session.execute(_DIFFERENT, facts)]
    return stock, differences
