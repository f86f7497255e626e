"""STK-9: how available a SKU is, in three words. The number itself never leaves the house."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

MAX_LOCATIONS = 100
LOW_UP_TO = 5


class Level(StrEnum):
    IN_STOCK = "IN_STOCK"  # more than five can be promised
    LOW = "LOW"  # one to five; how many is hidden
    NONE = "NONE"  # nothing can be promised


# A store's location carries the store's own code. Warehouses belong to no store and are few.
_SHELVES = text(
    "select l.code, s.sku_id, s.on_hand - s.reserved - s.safety as atp from stock s"
    " join stock_location l on l.id = s.location_id"
    " where s.sku_id = any(:skus) and l.store_id = any(:stores)"
)
_FIRST_SHELVES = text(
    "with shown as (select distinct n.location_id from unnest(cast(:skus as bigint[])) k(sku_id)"
    " cross join lateral (select s.location_id from stock s join stock_location l on l.id = s.location_id"
    " where s.sku_id = k.sku_id and l.store_id is not null order by s.location_id limit :limit) n"
    " order by 1 limit :limit)"
    " select l.code, s.sku_id, s.on_hand - s.reserved - s.safety as atp from shown"
    " join stock_location l on l.id = shown.location_id"
    " join stock s on s.location_id = shown.location_id and s.sku_id = any(:skus)"
)
_WAREHOUSES = text(
    "select s.sku_id, max(s.on_hand - s.reserved - s.safety) as atp from stock s"
    " where s.sku_id = any(:skus) and s.location_id in (select id from stock_location where store_id is null)"
    " group by s.sku_id"
)


@dataclass(frozen=True, slots=True)
class Availability:
    """Levels of some SKUs (by row id): per store code, and of the best warehouse (cloud-shelf hint)."""

    stores: dict[str, dict[int, Level]]
    warehouse: dict[int, Level]


def level(atp: int) -> Level:
    """The word for an available-to-promise number: over 5 IN_STOCK, 1 to 5 LOW, below that NONE."""
    if atp > LOW_UP_TO:
        return Level.IN_STOCK
    return Level.LOW if atp > 0 else Level.NONE


def availability(
    session: Session | Connection, sku_ids: Sequence[int], *, store_ids: Sequence[int] | None = None
) -> Availability:
    """How available these SKUs are. A pair without a stock row is NONE and is left out.

    ``store_ids``: only at these stores; None = at the first ``MAX_LOCATIONS`` stores that carry one of
    them. Two queries, no lock: the answer may be old by the time it is read; ``reserve`` decides.
    """
    facts = {"skus": list(sku_ids), "limit": MAX_LOCATIONS}
    if store_ids is None:
        rows = session.execute(_FIRST_SHELVES, facts)
    else:
        rows = session.execute(_SHELVES, {"skus": facts["skus"], "stores": list(store_ids)})
    stores: dict[str, dict[int, Level]] = {}
    for code, sku_id, atp in rows:
        stores.setdefault(code, {})[sku_id] = level(atp)
    warehouse = {sku_id: level(atp) for sku_id, atp in session.execute(_WAREHOUSES, {"skus": facts["skus"]})}
    return Availability(stores, warehouse)
