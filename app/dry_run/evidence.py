"""What a replay reads of one batch of orders: their lines, shares, refunds, touches. Reads only."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, text

from app.attribution.modes import BINDING_KINDS
from app.base.clock import local_day
from app.dry_run.reckoning import Dated, Sold, since_when
from app.dry_run.sums import Net
from app.policies.effect import read
from app.policies.rules import Policy
from models.policies import PolicyMode

_PERIOD = text(
    """
    select min(id) as first_id, max(id) as last_id, count(*) as orders from orders
    where created_at >= :since and created_at < :until and paid_at is not null
    """
)
_ORDERS = text(
    """
    select o.id, o.member_id, o.created_at as at, e.code as entity, coalesce(s.ownership, '') as ownership
    from orders o
    join legal_entity e on e.id = o.selling_entity_id
    left join store s on s.id = o.selling_store_id
    where o.id > :after_id and o.id <= :last_id
      and o.created_at >= :since and o.created_at < :until and o.paid_at is not null
    order by o.id limit :limit
    """
)
_LINES = text(
    """
    select l.id, l.order_id, l.category_code, l.qty, l.unit_list_fen, l.amount_fen, c.base_fen,
           c.moved_base_fen, l.credit_snapshot::text as snapshot
    from order_line l join commission_line c on c.order_line_id = l.id
    where l.order_id = any(:orders) order by l.order_id, l.line_no
    """
)
_SHARES = text(
    """
    select order_line_id, role, party, coalesce(reason ->> 'store', '') as store,
           accrued_fen - reversed_fen - moved_fen as fen, move_id is not null or moved_fen > 0 as is_moved
    from commission_share where order_line_id = any(:lines) order by order_line_id, position
    """
)
_REFUNDS = text(
    """
    select order_line_id, base_fen, defect from commission_reversal
    where order_line_id = any(:lines) and pool_fen is not null order by order_line_id, seq
    """
)
# POL-2, as things were: a member's touches and those of whoever was merged into it by then, received by
# then, of clerks who were there. What an order names as its evidence was known, whatever clocks say.
_ME = """
    select x.member_id union all
    select m.id from member m join member_merge g on g.loser_id = m.id
    where m.alias_of = x.member_id and g.merged_at <= x.at
"""
_TOUCHES = text(
    f"""
    select x.order_id, t.id as touch_id, t.kind, t.occurred_at as at, t.received_at, t.clerk_id,
           c.code as clerk_code, c.name as clerk_name, s.code as store_code, s.name as store_name
    from unnest(cast(:orders as bigint[]), cast(:members as bigint[]), cast(:ats as timestamptz[]),
                cast(:days as date[]), cast(:sinces as timestamptz[])) as x (order_id, member_id, at, day, since)
    cross join lateral ({_ME}) me (id)
    join touch t on t.member_id = me.id and t.valid and t.kind = any(:kinds)
     and t.occurred_at <= x.at and (x.since is null or t.occurred_at >= x.since)
    join clerk c on c.id = t.clerk_id
    join store s on s.id = c.store_id
    where t.id = any(cast(:known as bigint[]))
       or (t.received_at <= x.at
           and case when c.last_day is null then c.status <> 'LEFT' else c.last_day >= x.day end)
    """
)
_BOUGHT = text(
    f"""
    select x.order_id, o.paid_at
    from unnest(cast(:orders as bigint[]), cast(:members as bigint[]), cast(:ats as timestamptz[]))
         as x (order_id, member_id, at)
    cross join lateral ({_ME}) me (id)
    join orders o on o.member_id = me.id and o.paid_at <= x.at
    order by o.paid_at
    """
)
_POLICY = "json_build_array(json_build_array(code, version, scope, scope_ref, mode, params))::text as policy"
_DRAFT = text(f"select {_POLICY} from attribution_policy where code = :code and version = :version")
_DATED = text(
    f"""
    select {_POLICY}, effective_from, effective_to from attribution_policy
    where approved_at is not null and withdrawn_at is null
      and effective_from < :until and (effective_to is null or effective_to > :since)
    """
)


@dataclass(slots=True)
class Line:
    """One line with what it has paid until today and the snapshot that was frozen on it."""

    order: Row[Any]
    sold: Sold
    now: list[Net]
    snapshot: dict[str, Any]
    is_fixed: bool


@dataclass
class Batch:
    """Some orders in the order of their ids, with their lines."""

    orders: Sequence[Row[Any]]
    lines: list[Line]


@dataclass
class Known:
    """What was known of clerks when each order was placed, by order id."""

    touches: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))
    bought: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))


def find_period(reader: Connection, since: datetime, until: datetime) -> tuple[int, int, int]:
    """The ids between which the paid orders of a period lie, (0, 0) when there are none, and how many."""
    row = reader.execute(_PERIOD, {"since": since, "until": until}).one()
    return int(row.first_id or 0), int(row.last_id or 0), int(row.orders)


def find_policy(reader: Connection, code: str, version: int) -> Policy | None:
    """A version as it would decide, whatever its stage."""
    found = reader.execute(_DRAFT, {"code": code, "version": version}).scalar_one_or_none()
    return None if found is None else read(found)[0]


def policies_of(reader: Connection, since: datetime, until: datetime) -> list[Dated]:
    """Every version that was in effect at some time of a period."""
    rows = reader.execute(_DATED, {"since": since, "until": until})
    return [Dated(read(row.policy)[0], row.effective_from, row.effective_to) for row in rows]


def read_batch(reader: Connection, between: dict[str, Any]) -> Batch:
    """The next paid orders of a period: after ``after_id`` up to ``last_id``, at most ``limit``."""
    orders = reader.execute(_ORDERS, between).all()
    if not orders:
        return Batch([], [])
    by_id = {order.id: order for order in orders}
    rows = reader.execute(_LINES, {"orders": list(by_id)}).all()
    ids = {"lines": [row.id for row in rows]}
    shares, moved, refunds = defaultdict(list), set(), defaultdict(list)
    for row in reader.execute(_SHARES, ids):
        shares[row.order_line_id].append(Net(row.role, row.party, row.store, row.fen))
        if row.is_moved:
            moved.add(row.order_line_id)
    for row in reader.execute(_REFUNDS, ids):
        refunds[row.order_line_id].append((row.base_fen, row.defect))
    lines = []
    for row in rows:
        snapshot = orjson.loads(row.snapshot)
        sold = Sold(
            row.category_code, row.qty, row.unit_list_fen, row.amount_fen, row.base_fen, refunds[row.id]
        )
        is_fixed = row.id in moved or row.moved_base_fen > 0 or "hq" not in snapshot
        lines.append(Line(by_id[row.order_id], sold, shares[row.id], snapshot, is_fixed))
    return Batch(orders, lines)


def read_known(reader: Connection, policy: Policy, lines: Sequence[Line]) -> Known:
    """The touches that ``policy`` would have looked at for the orders of these lines, as they were known."""
    orders = list({line.order.id: line.order for line in lines}.values())
    known = Known()
    if not orders or policy.mode is PolicyMode.FIRST_TOUCH_LIFETIME:
        return known
    facts: dict[str, Any] = {
        "orders": [order.id for order in orders],
        "members": [order.member_id for order in orders],
        "ats": [order.at for order in orders],
    }
    named = {
        party["touch"]
        for line in lines
        for party in line.snapshot.get("parties", ())
        if party.get("touch") is not None
    }
    more = {
        "days": [local_day(order.at) for order in orders],
        "sinces": [since_when(policy, order.at) for order in orders],
        "kinds": [kind.value for kind in BINDING_KINDS],
        "known": sorted(named),
    }
    for row in reader.execute(_TOUCHES, facts | more):
        known.touches[row.order_id].append(row)
    if policy.mode is PolicyMode.PROTECT_THEN_OPEN:
        for row in reader.execute(_BOUGHT, facts):
            known.bought[row.order_id].append(row.paid_at)
    return known
