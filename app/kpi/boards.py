"""Leaderboards (KPI-3): clerks by what they sold, stores by what they are credited with, in any scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.base.scope import Scope
from app.kpi import rules
from app.kpi.periods import Period

NEIGHBOURS = 2
_NO_PLACE = "No such store or entity."
_OWNER = text(
    "select e.code as entity, s.city from store s join legal_entity e on e.id = s.entity_id where s.code = :store"
)
_ENTITY = text("select code from legal_entity where code = :entity")


@dataclass(frozen=True, slots=True)
class Place:
    """Who stands where. Equals share a rank and the next one counts them: 1, 2, 2, 4."""

    id: int
    rank: int
    code: str
    name: str
    store: str
    store_name: str
    net_fen: int
    target_fen: int | None

    @property
    def attained_bp(self) -> int | None:
        """How much of the target is reached, in basis points; None without a target."""
        return rules.ratio_bp(max(self.net_fen, 0), self.target_fen or 0)


@dataclass(frozen=True, slots=True)
class Within:
    """Whom a board compares: all of the brand, of a legal entity, a city or a store (their codes)."""

    entity: str | None = None
    city: str | None = None
    store: str | None = None


_WITHIN = """
      and (cast(:entity as text) is null or e.code = :entity) and (cast(:city as text) is null or s.city = :city)
      and (cast(:store as text) is null or s.code = :store)
"""
# The month's target is settlement's, above (SET-2); without one the clerk's standing target counts.
# One look into a covering index per clerk or store; those who sold nothing have their place too.
_CLERKS = text(
    f"""
    select c.id, c.code, c.name, s.code as store, s.name as store_name,
           coalesce(g.target_fen, c.monthly_target_fen) as target_fen,
           (select coalesce(sum(k.amount_fen), 0)::bigint from kpi_clerk_credit k
             where k.clerk_id = c.id and k.day >= :since and k.day < :until) as net_fen
      from clerk c join store s on s.id = c.store_id join legal_entity e on e.id = s.entity_id
      left join clerk_target g on g.clerk_id = c.id and g.month = :month
     where c.status in ('ACTIVE', 'LEAVING') and c.role <> 'TEAM' {_WITHIN}
     order by net_fen desc, c.code
    """
)
_STORES = text(
    f"""
    select s.id, s.code, s.name, s.code as store, s.name as store_name, cast(null as bigint) as target_fen,
           (select coalesce(sum(k.amount_fen), 0)::bigint from kpi_credit k
             where k.store_id = s.id and k.day >= :since and k.day < :until) as net_fen
      from store s join legal_entity e on e.id = s.entity_id
     where s.status <> 'CLOSED' {_WITHIN}
     order by net_fen desc, s.code
    """
)
_TOTALS = text(
    """
    select role, coalesce(sum(amount_fen), 0)::bigint as net_fen from kpi_credit
     where day >= :since and day < :until group by role
    """
)


def within(
    reader: Session | Connection,
    scope: Scope,
    *,
    entity: str | None = None,
    city: str | None = None,
    store: str | None = None,
) -> Within:
    """What of the own scope is asked for. Refuses (NotFound) an entity or store that is not there, or not within it."""
    if store is not None:
        scope.require(entity=_owner(reader, store), store=store, detail=_NO_PLACE)
    if entity is not None:
        if reader.execute(_ENTITY, {"entity": entity}).first() is None:
            raise NotFound("NOT_FOUND", _NO_PLACE)
        if scope.store is None or _owner(reader, scope.store) != entity:
            scope.require(entity=entity, store=None, detail=_NO_PLACE)
    return Within(entity=entity or scope.entity, city=city, store=store or scope.store)


def circle(reader: Session | Connection, store: str, scope: str) -> Within:
    """Around a store: the ``store`` itself, its ``city`` (its entity, where it has none), ``entity`` or ``brand``."""
    if scope == "store":
        return Within(store=store)
    if scope == "brand":
        return Within()
    row = reader.execute(_OWNER, {"store": store}).one()
    return Within(city=row.city) if scope == "city" and row.city else Within(entity=row.entity)


def clerks(reader: Session | Connection, within: Within, period: Period) -> list[Place]:
    """Everybody who serves there by net sales, the best first; of equals the lower code. Targets are monthly."""
    return _places(reader.execute(_CLERKS, _facts(within, period)).all(), with_target=period.is_month)


def stores(reader: Session | Connection, within: Within, period: Period) -> list[Place]:
    """The stores by KPI credit (KPI-1), the best first. What the online shop is credited with is nobody's rank."""
    return _places(reader.execute(_STORES, _facts(within, period)).all(), with_target=False)


def around(places: Sequence[Place], code: str) -> list[Place]:
    """The place of ``code`` with its neighbours, at most two on each side; empty when it has none."""
    at = next((index for index, place in enumerate(places) if place.code == code), None)
    return [] if at is None else list(places[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1])


def by_role(reader: Session | Connection, period: Period) -> dict[str, int]:
    """The brand's net sales of a period by KPI role; their sum is the net sales, nothing counted twice (KPI-2)."""
    rows = reader.execute(_TOTALS, {"since": period.since, "until": period.until})
    found = {row.role: int(row.net_fen) for row in rows}
    return {role.value: found.get(role.value, 0) for role in rules.ROLE_ORDER}


def _owner(reader: Session | Connection, store: str) -> str:
    row = reader.execute(_OWNER, {"store": store}).first()
    if row is None:
        raise NotFound("NOT_FOUND", _NO_PLACE)
    return str(row.entity)


def _facts(within: Within, period: Period) -> dict[str, Any]:
    scope = {"entity": within.entity, "city": within.city, "store": within.store}
    return {**scope, "since": period.since, "until": period.until, "month": period.name}


def _places(rows: Sequence[Any], *, with_target: bool) -> list[Place]:
    places = rules.ranks([row.net_fen for row in rows])
    return [
        Place(
            id=row.id,
            rank=rank,
            code=row.code,
            name=row.name,
            store=row.store,
            store_name=row.store_name,
            net_fen=int(row.net_fen),
            target_fen=row.target_fen if with_target else None,
        )
        for rank, row in zip(places, rows, strict=True)
    ]
