"""Looking a store up: by code with everything an order needs, and the public list and page of stores."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.stores.hours import DayHours, is_open, read_week
from models.stores import Ownership, StoreStatus

# stock_location is read here although it is the room ``stock``'s: a store and its shelf are one fact to an
# order, and a second round trip in every quote and placing would say nothing more.
_REF = text(
    "select s.id, s.code, s.entity_id, e.code as entity_code, s.ownership, s.status, s.services,"
    " l.id as location_id"
    " from store s join legal_entity e on e.id = s.entity_id left join stock_location l on l.store_id = s.id"
    " where s.code = :code"
)
_WEEK = (
    "(select string_agg(concat(h.weekday, to_char(h.opens, ' HH24:MI'), to_char(h.closes, ' HH24:MI')), ';'"
    " order by h.weekday) from store_hours h where h.store_id = s.id)"
)
_PAGE_COLUMNS = (
    "s.code, s.name, s.name_en, s.city, s.address, s.phone, s.lat, s.lng, s.services, s.delivery_radius_m,"
    f" s.ownership, s.status, s.closing_on, {_WEEK} as week"
)
_PAGE = text(
    f"select {_PAGE_COLUMNS} from store s where s.status <> 'CLOSED' and s.code > :after"
    " order by s.code limit :limit"
)
_CITY_PAGE = text(
    f"select {_PAGE_COLUMNS} from store s where s.status <> 'CLOSED' and s.city = :city and s.code > :after"
    " order by s.code limit :limit"
)
_ONE = text(
    f"select {_PAGE_COLUMNS}, n.code as successor"
    " from store s left join store n on n.id = s.successor_store_id"
    " where s.status <> 'CLOSED' and s.code = :code"
)

_LABEL_COLUMNS = "s.id, s.code, s.name, s.name_en, s.city, s.status, s.services"
_LABELS = text(
    f"select {_LABEL_COLUMNS} from store s where s.status <> 'CLOSED' and s.code = any(:codes)"
    " order by s.code"
)
_CITY_LABELS = text(
    f"select {_LABEL_COLUMNS} from store s where s.status <> 'CLOSED' and s.city = :city"
    " order by s.code limit :limit"
)


@dataclass(frozen=True, slots=True)
class StoreLabel:
    """As much of a store as a line in another list shows."""

    id: int
    code: str
    name: str
    name_en: str
    city: str | None
    status: StoreStatus
    services: tuple[str, ...]

    @property
    def takes_pickups(self) -> bool:
        """Whether new orders may be collected here: offered, and the store is not about to close (BND-9)."""
        return self.status is StoreStatus.OPEN and "pickup" in self.services


@dataclass(frozen=True, slots=True)
class StoreRef:
    """A store as an order needs it. ``location_id`` is None for a store that holds no stock."""

    id: int
    code: str
    entity_id: int
    entity_code: str
    ownership: Ownership
    status: StoreStatus
    services: tuple[str, ...]
    location_id: int | None


@dataclass(frozen=True, slots=True)
class StorePage:
    """A store as everybody may see it."""

    code: str
    name: str
    name_en: str
    city: str | None
    address: str | None
    phone: str | None
    lat: float | None
    lng: float | None
    services: tuple[str, ...]
    delivery_radius_m: int | None
    ownership: Ownership
    status: StoreStatus
    closing_on: date | None
    week: tuple[DayHours, ...]
    open_now: bool | None
    successor: str | None


def get_store(session: Session | Connection, code: str) -> StoreRef:
    """The store of a code in whatever state: closed ones too, so look at ``status``. Raises NotFound."""
    row = session.execute(_REF, {"code": code}).first()
    if row is None:
        raise NotFound("NOT_FOUND", f"no store {code}")
    return _ref(row)


def list_stores(
    session: Session | Connection, *, city: str | None, after: str, limit: int, now: datetime
) -> list[StorePage]:
    """Up to ``limit`` stores by code, after the code ``after`` ("" = from the start). No closed ones."""
    facts = {"after": after, "limit": limit}
    rows = session.execute(_CITY_PAGE, {**facts, "city": city}) if city else session.execute(_PAGE, facts)
    return [_page(row._mapping, now) for row in rows]


def get_page(session: Session | Connection, code: str, *, now: datetime) -> StorePage:
    """One store for everybody to see. Raises NotFound for unknown and for closed stores."""
    row = session.execute(_ONE, {"code": code}).first()
    if row is None:
        raise NotFound("NOT_FOUND", f"no store {code}")
    return _page(row._mapping, now)


def labels(session: Session | Connection, codes: Collection[str]) -> list[StoreLabel]:
    """The stores of these codes by code; unknown and closed ones are missing."""
    return [_label(row) for row in session.execute(_LABELS, {"codes": sorted(set(codes))})]


def labels_of_city(session: Session | Connection, city: str, *, limit: int) -> list[StoreLabel]:
    """The first stores of a city by code; closed ones are left out."""
    return [_label(row) for row in session.execute(_CITY_LABELS, {"city": city, "limit": limit})]


def all_pages(session: Session | Connection, *, now: datetime, batch: int = 2000) -> Iterator[StorePage]:
    """Every store that is not closed, by code, in batches: memory does not grow with their number."""
    after = ""
    while page := list_stores(session, city=None, after=after, limit=batch, now=now):
        yield from page
        after = page[-1].code


def _label(row: Row[Any]) -> StoreLabel:
    return StoreLabel(
        id=row.id,
        code=row.code,
        name=row.name,
        name_en=row.name_en,
        city=row.city,
        status=StoreStatus(row.status),
        services=tuple(row.services),
    )


def _ref(row: Row[Any]) -> StoreRef:
    facts = dict(row._mapping)
    facts["ownership"] = Ownership(facts["ownership"])
    facts["status"] = StoreStatus(facts["status"])
    facts["services"] = tuple(facts["services"])
    return StoreRef(**facts)


def _page(row: Any, now: datetime) -> StorePage:
    facts = dict(row)
    week = read_week(facts.pop("week"))
    facts["ownership"] = Ownership(facts["ownership"])
    facts["status"] = StoreStatus(facts["status"])
    facts["services"] = tuple(facts["services"])
    facts.setdefault("successor", None)
    return StorePage(**facts, week=week, open_now=is_open(week, now))
