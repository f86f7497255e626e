"""What a clerk is measured by (KPI-3), each figure with the numbers it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.clock import start_of_day
from app.kpi import rules
from app.kpi.periods import Period
from models.attribution import TouchKind

REPEAT_DAYS = 90
# PCK-2: goods wait until the end of the seventh day after they were ready, which is the day of payment.
PICKUP_DAYS = 7
SERVING = (
    TouchKind.ASSISTED_ORDER,
    TouchKind.POS_SALE,
    TouchKind.CHAT,
    TouchKind.PICKUP_VERIFY,
    TouchKind.BOOKING,
)


@dataclass(frozen=True, slots=True)
class Figures:
    """A clerk's figures of a period. Ratios are basis points made of the two counts beside them."""

    clerk: str
    name: str
    net_fen: int
    orders: int
    items: int
    new_members: int
    met: int
    kept: int
    served: int
    buyers: int
    repeated: int
    pickups: int
    on_time: int

    @property
    def upt_bp(self) -> int | None:
        """Units per transaction: items / orders, 2.3 = 23000."""
        return rules.ratio_bp(self.items, self.orders)

    @property
    def atv_fen(self) -> int | None:
        """Average transaction value: net / orders."""
        return rules.mean_fen(max(self.net_fen, 0), self.orders)

    @property
    def kept_bp(self) -> int | None:
        """Of the members brought, how many still followed after 30 days."""
        return rules.ratio_bp(self.kept, self.met)

    @property
    def repeat_bp(self) -> int | None:
        """Of those who bought within 90 days, how many did so more than once."""
        return rules.ratio_bp(self.repeated, self.buyers)

    @property
    def on_time_bp(self) -> int | None:
        """Of the pick-ups handed over, how many within their seven days."""
        return rules.ratio_bp(self.on_time, self.pickups)


# Every sub-select begins at an index by clerk. A member counts once, under whatever row (MRG-2).
_FIGURES = text(
    """
    with who as (select c.id, c.code, c.name from clerk c where c.code = any(cast(:codes as text[]))),
    sold as (
        select k.clerk_id, sum(k.amount_fen)::bigint as net_fen, sum(k.qty)::bigint as items,
               count(distinct k.order_id) filter (where k.refund_id is null) as orders
          from kpi_clerk_credit k join who on who.id = k.clerk_id
         where k.day >= :since and k.day < :until group by 1),
    brought as (
        select a.clerk_id, f.days, f.kept, m.phone_verified_at is not null as registered, a.acquired_at
          from acquisition a join who on who.id = a.clerk_id join member m on m.id = a.member_id
          join kpi_follow f on f.member_id = a.member_id
         where a.acquired_at >= :brought_since and a.acquired_at < :until_at),
    fresh as (
        select clerk_id,
               count(*) filter (where days = 7 and kept and registered and acquired_at >= :new_since
                                  and acquired_at < :new_until) as new_members,
               count(*) filter (where days = 30 and acquired_at < :met_until) as met,
               count(*) filter (where days = 30 and acquired_at < :met_until and kept) as kept
          from brought group by 1),
    seen as (
        select k.clerk_id, k.member_id from kpi_clerk_credit k join who on who.id = k.clerk_id
         where k.day >= :since and k.day < :until and k.refund_id is null
        union all
        select t.clerk_id, t.member_id from touch t join who on who.id = t.clerk_id
         where t.occurred_at >= :since_at and t.occurred_at < :until_at and t.valid
           and t.kind = any(cast(:serving as text[]))
        union all
        select p.used_by_clerk_id, o.member_id from pickup_code p join who on who.id = p.used_by_clerk_id
          join orders o on o.id = p.order_id
         where p.used_at >= :since_at and p.used_at < :until_at),
    served as (
        select seen.clerk_id, count(distinct coalesce(m.alias_of, m.id)) as served
          from seen join member m on m.id = seen.member_id group by 1),
    bought as (
        select k.clerk_id, coalesce(m.alias_of, m.id) as member_id, k.order_id
          from kpi_clerk_credit k join who on who.id = k.clerk_id join member m on m.id = k.member_id
         where k.day >= :repeat_since and k.day < :until group by 1, 2, 3 having sum(k.amount_fen) > 0),
    again as (
        select clerk_id, count(*) as buyers, count(*) filter (where orders > 1) as repeated
          from (select clerk_id, member_id, count(*) as orders from bought group by 1, 2) x group by 1),
    handed as (
        select p.used_by_clerk_id as clerk_id, count(*) as pickups,
               count(*) filter (where (p.used_at at time zone 'Asia/Shanghai')::date
                   <= (o.paid_at at time zone 'Asia/Shanghai')::date + cast(:pickup_days as int)) as on_time
          from pickup_code p join who on who.id = p.used_by_clerk_id join orders o on o.id = p.order_id
         where p.used_at >= :since_at and p.used_at < :until_at group by 1)
    select who.code as clerk, who.name, coalesce(net_fen, 0) as net_fen, coalesce(orders, 0) as orders,
           coalesce(items, 0) as items, coalesce(new_members, 0) as new_members, coalesce(met, 0) as met,
           coalesce(kept, 0) as kept, coalesce(served, 0) as served, coalesce(buyers, 0) as buyers,
           coalesce(repeated, 0) as repeated, coalesce(pickups, 0) as pickups, coalesce(on_time, 0) as on_time
      from who left join sold on sold.clerk_id = who.id left join fresh on fresh.clerk_id = who.id
      left join served on served.clerk_id = who.id left join again on again.clerk_id = who.id
      left join handed on handed.clerk_id = who.id
     order by who.code
    """
)

_BROUGHT = text(
    """
    select count(*) from acquisition a join clerk c on c.id = a.clerk_id
     where c.code = :code and a.kind = 'ACQUISITION' and a.acquired_at >= :since_at and a.acquired_at < :until_at
    """
)
_PLACE = text(
    """
    select e.code as entity, s.code as store from clerk c join store s on s.id = c.store_id
      join legal_entity e on e.id = s.entity_id where c.code = :code
    """
)


def of_clerks(reader: Session | Connection, codes: Sequence[str], period: Period) -> list[Figures]:
    """The figures of these clerks, by code.

    A returned item lowers net and items on the day of its return. New members are those whose seventh day
    of following ended in the period, registered with a phone (BND-11); ``met`` those whose thirtieth did;
    ``buyers`` those of the 90 days up to its end. An order that was refunded in full is no purchase.
    """
    rows = reader.execute(_FIGURES, {"codes": list(codes), **_bounds(period)})
    return [Figures(**row._mapping) for row in rows]


def brought(reader: Session | Connection, code: str, period: Period) -> int:
    """How many members the clerk brought in the period, whether or not they stay."""
    since_at, until_at = start_of_day(period.since), start_of_day(period.until)
    facts = {"code": code, "since_at": since_at, "until_at": until_at}
    return int(reader.execute(_BROUGHT, facts).scalar_one())


def find_place(reader: Session | Connection, code: str) -> tuple[str, str] | None:
    """The entity and the store (codes) of a clerk, or None."""
    row = reader.execute(_PLACE, {"code": code}).first()
    return (row.entity, row.store) if row else None


def _bounds(period: Period) -> dict[str, Any]:
    def before(days: int) -> tuple[Any, Any]:
        gap = timedelta(days=days)
        return start_of_day(period.since - gap), start_of_day(period.until - gap)

    new_since, new_until = before(8)
    met_since, met_until = before(31)
    since_at, until_at = before(0)
    return {
        "since": period.since,
        "until": period.until,
        "since_at": since_at,
        "until_at": until_at,
        "new_since": new_since,
        "new_until": new_until,
        "brought_since": met_since,
        "met_until": met_until,
        "repeat_since": period.until - timedelta(days=REPEAT_DAYS),
        "pickup_days": PICKUP_DAYS,
        "serving": [kind.value for kind in SERVING],
    }
