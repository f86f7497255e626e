"""Write the KPI book: the credit of a paid line (KPI-1), the same back with a refund, each exactly once."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.clock import local_day
from app.base.errors import Alarm
from app.base.money import largest_remainder
from app.kpi import rules
from app.kpi.rules import Part, Weights
from models.kpi import KpiRole
from models.orders import OrderOrigin

# Who brought and who sold was frozen with the order (POL-2). A snapshot of a mode that names no store of the
# acquisition says nothing about it: then the acquisition as it stood at the order's moment does.
_SALES = text(
    """
    select l.id as order_line_id, l.order_id, l.amount_fen, l.qty, o.member_id, o.origin, o.created_at, o.paid_at,
           o.selling_store_id, l.credit_snapshot as snapshot,
           o.fulfilment = 'PICKUP' or p.kind = 'STORE' as by_store,
           case when o.fulfilment = 'PICKUP' then o.pickup_store_id else p.store_id end as fulfil_store_id,
           (select s.code from acquisition a join store s on s.id = a.store_id
             where a.member_id = o.member_id and a.kind = 'ACQUISITION' and a.acquired_at <= o.created_at)
               as acquired_at_store
      from order_line l join orders o on o.id = l.order_id join stock_location p on p.id = o.location_id
     where l.id = any(cast(:line_ids as bigint[])) and o.paid_at is not null
       and not exists (select from kpi_sale k where k.order_line_id = l.id)
     order by l.id
    """
)
_WEIGHTS = text(
    "select id, scenario, effective_from, online_bp, sell_bp, acq_bp, fulfil_bp from kpi_weight"
    " order by effective_from desc"
)
_CODES = text(
    """
    select 'store:' || code as party, id from store where code = any(cast(:stores as text[]))
    union all select 'clerk:' || code, id from clerk where code = any(cast(:clerks as text[]))
    """
)
_ADD_SALES = text(
    """
    insert into kpi_sale (order_line_id, order_id, scenario, weight_id, day, amount_fen)
    select * from jsonb_to_recordset(cast(:rows as jsonb))
        as x (order_line_id bigint, order_id bigint, scenario text, weight_id bigint, day date, amount_fen bigint)
        on conflict (order_line_id) do nothing returning order_line_id
    """
)
_ADD_CREDIT = text(
    """
    insert into kpi_credit (order_line_id, refund_id, role, store_id, day, amount_fen)
    select * from jsonb_to_recordset(cast(:rows as jsonb))
        as x (order_line_id bigint, refund_id bigint, role text, store_id bigint, day date, amount_fen bigint)
    """
)
_ADD_CLERKS = text(
    """
    insert into kpi_clerk_credit (order_line_id, refund_id, clerk_id, order_id, member_id, day, amount_fen, qty)
    select * from jsonb_to_recordset(cast(:rows as jsonb))
        as x (order_line_id bigint, refund_id bigint, clerk_id bigint, order_id bigint, member_id bigint,
              day date, amount_fen bigint, qty bigint)
    """
)
_HOLD = text(
    "select order_line_id from kpi_sale where order_line_id = any(cast(:line_ids as bigint[]))"
    " order by order_line_id for no key update"
)
_RETURNS = text(
    """
    select v.order_line_id, v.refund_id, v.at, r.amount_fen, r.qty
      from commission_reversal v
      join refund_line r on r.refund_id = v.refund_id and r.order_line_id = v.order_line_id
      join kpi_sale k on k.order_line_id = v.order_line_id
     where v.order_line_id = any(cast(:line_ids as bigint[]))
       and not exists (select from kpi_return x where (x.refund_id, x.order_line_id) = (v.refund_id, v.order_line_id))
     order by v.order_line_id, v.at, v.refund_id
    """
)
_CREDIT_LEFT = text(
    """
    select order_line_id, role, store_id, sum(amount_fen)::bigint as fen from kpi_credit
     where order_line_id = any(cast(:line_ids as bigint[])) group by 1, 2, 3
    """
)
_CLERKS_LEFT = text(
    """
    select order_line_id, clerk_id, order_id, member_id, sum(amount_fen)::bigint as fen, sum(qty)::bigint as qty
      from kpi_clerk_credit where order_line_id = any(cast(:line_ids as bigint[])) group by 1, 2, 3, 4
     order by 1, min(id)
    """
)
_ADD_RETURNS = text(
    """
    insert into kpi_return (refund_id, order_line_id, day, amount_fen)
    select * from jsonb_to_recordset(cast(:rows as jsonb))
        as x (refund_id bigint, order_line_id bigint, day date, amount_fen bigint)
    """
)


@dataclass
class _Left:
    """What a line still has, by role and by clerk; lowered as its refunds are booked."""

    parts: list[Part] = field(default_factory=list)
    clerks: list[dict[str, Any]] = field(default_factory=list)


def book(session: Session, line_ids: Collection[int]) -> None:
    """Bring the book up to date for these order lines: their sale, then every refund that took effect.

    What is booked already is left alone, so calling this again, or twice at once, changes nothing. A line
    that was never paid is left out, and so is a refund before its sale. Locks the book's rows of the lines
    in ascending order.
    """
    wanted = {"line_ids": sorted(line_ids)}
    _book_sales(session, session.execute(_SALES, wanted).all())
    session.execute(_HOLD, wanted)
    _book_returns(session, session.execute(_RETURNS, wanted).all())


def _book_sales(session: Session, found: Sequence[Row[Any]]) -> None:
    if not found:
        return
    versions = session.execute(_WEIGHTS).all()
    ids = _ids(session, found)
    sales = {row.order_line_id: _sale(row, versions) for row in found}
    fresh = _add(session, _ADD_SALES, list(sales.values()))
    credit: list[dict[str, Any]] = []
    clerks: list[dict[str, Any]] = []
    for row in found:
        if row.order_line_id in fresh:
            credit += _credit_rows(row, sales[row.order_line_id], versions, ids)
            clerks += _clerk_rows(row, sales[row.order_line_id]["day"], ids)
    _add(session, _ADD_CREDIT, credit)
    _add(session, _ADD_CLERKS, clerks)


def _sale(row: Row[Any], versions: Sequence[Row[Any]]) -> dict[str, Any]:
    kind = rules.scenario(OrderOrigin(row.origin), by_store=row.by_store)
    # The version in effect when the order was placed, as with commission (POL-2); newest first.
    version = next(v for v in versions if v.scenario == kind and v.effective_from <= row.created_at)
    return {
        "order_line_id": row.order_line_id,
        "order_id": row.order_id,
        "scenario": kind.value,
        "weight_id": version.id,
        "day": local_day(row.paid_at),
        "amount_fen": row.amount_fen,
    }


def _ids(session: Session, found: Sequence[Row[Any]]) -> dict[str, int]:
    parties = {_acquiring_store(row) for row in found} | {name for row in found for name in _sellers(row)}
    codes = {
        "stores": [name.removeprefix("store:") for name in parties if name and name.startswith("store:")],
        "clerks": [name.removeprefix("clerk:") for name in parties if name and name.startswith("clerk:")],
    }
    return {row.party: row.id for row in session.execute(_CODES, codes)}


def _acquiring_store(row: Row[Any]) -> str | None:
    named = [party for party in row.snapshot.get("parties", ()) if party["role"] == KpiRole.ACQ_STORE]
    if named:
        # A closed store's money goes to its company (BND-9); the credit stays with the store, and so with both.
        return f"store:{named[0]['store']}"
    weighs = row.snapshot.get("weights", {}).get(KpiRole.ACQ_STORE, 0)
    return None if weighs or row.acquired_at_store is None else f"store:{row.acquired_at_store}"


def _sellers(row: Row[Any]) -> Counter[str]:
    sellers: Counter[str] = Counter()
    for party in row.snapshot.get("parties", ()):
        if party["role"] == "SELL_CLERK" and party["kind"] == "CLERK":
            sellers[party["party"]] += int(party.get("part_bp", 1))
    return sellers


def _credit_rows(
    row: Row[Any], sale: Mapping[str, Any], versions: Sequence[Row[Any]], ids: Mapping[str, int]
) -> list[dict[str, Any]]:
    version = next(v for v in versions if v.id == sale["weight_id"])
    weights = Weights(version.online_bp, version.sell_bp, version.acq_bp, version.fulfil_bp)
    stores = {
        KpiRole.SELL_STORE: row.selling_store_id,
        KpiRole.ACQ_STORE: ids.get(_acquiring_store(row) or ""),
        KpiRole.FULFIL_STORE: row.fulfil_store_id,
    }
    return _parts(row.order_line_id, None, sale["day"], rules.credit(row.amount_fen, weights, stores))


def _clerk_rows(row: Row[Any], day: date, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    sellers = [(ids[name], weight) for name, weight in _sellers(row).items() if name in ids]
    amounts = largest_remainder(row.amount_fen, [weight for _, weight in sellers]) if sellers else []
    return [_clerk(row, clerk_id, day, fen) for (clerk_id, _), fen in zip(sellers, amounts, strict=True)]


def _book_returns(session: Session, found: Sequence[Row[Any]]) -> None:
    if not found:
        return
    left = _left(session, {row.order_line_id for row in found})
    returns: list[dict[str, Any]] = []
    credit: list[dict[str, Any]] = []
    clerks: list[dict[str, Any]] = []
    for row in found:
        day, line = local_day(row.at), left[row.order_line_id]
        facts = {"refund_id": row.refund_id, "order_line_id": row.order_line_id}
        returns.append({**facts, "day": day, "amount_fen": row.amount_fen})
        credit += _parts(row.order_line_id, row.refund_id, day, _take_parts(row, line))
        clerks += _take_clerks(row, line, day)
    _add(session, _ADD_RETURNS, returns)
    _add(session, _ADD_CREDIT, credit)
    _add(session, _ADD_CLERKS, clerks)


def _left(session: Session, line_ids: Collection[int]) -> dict[int, _Left]:
    left: defaultdict[int, _Left] = defaultdict(_Left)
    wanted = {"line_ids": list(line_ids)}
    for row in session.execute(_CREDIT_LEFT, wanted):
        left[row.order_line_id].parts.append(Part(KpiRole(row.role), row.store_id, row.fen))
    for row in session.execute(_CLERKS_LEFT, wanted):
        left[row.order_line_id].clerks.append(dict(row._mapping))
    for line in left.values():
        line.parts.sort(key=lambda part: rules.ROLE_ORDER.index(part.role))
    return left


def _take_parts(row: Row[Any], line: _Left) -> list[Part]:
    if row.amount_fen > sum(part.amount_fen for part in line.parts):
        raise Alarm(f"refund {row.refund_id} takes more from a line than the KPI book has of it")
    taken = rules.take_back(row.amount_fen, [part.amount_fen for part in line.parts])
    pairs = list(zip(line.parts, taken, strict=True))
    line.parts = [part._replace(amount_fen=part.amount_fen - fen) for part, fen in pairs]
    return [part._replace(amount_fen=-fen) for part, fen in pairs if fen]


def _take_clerks(row: Row[Any], line: _Left, day: date) -> list[dict[str, Any]]:
    if not line.clerks:
        return []
    taken = rules.take_back(row.amount_fen, [clerk["fen"] for clerk in line.clerks])
    rows = []
    for clerk, fen in zip(line.clerks, taken, strict=True):
        back = {**clerk, "refund_id": row.refund_id, "day": day, "amount_fen": -fen, "qty": -row.qty}
        rows.append({name: back[name] for name in back if name != "fen"})
        clerk["fen"] -= fen
    return rows


def _parts(line_id: int, refund_id: int | None, day: date, parts: Sequence[Part]) -> list[dict[str, Any]]:
    facts = {"order_line_id": line_id, "refund_id": refund_id, "day": day}
    return [
        {**facts, "role": part.role.value, "store_id": part.store_id, "amount_fen": part.amount_fen}
        for part in parts
    ]


def _clerk(row: Row[Any], clerk_id: int, day: date, fen: int) -> dict[str, Any]:
    return {
        "order_line_id": row.order_line_id,
        "refund_id": None,
        "clerk_id": clerk_id,
        "order_id": row.order_id,
        "member_id": row.member_id,
        "day": day,
        "amount_fen": fen,
        "qty": row.qty,
    }


def _add(session: Session, statement: Any, rows: Sequence[Mapping[str, Any]]) -> set[int]:
    if not rows:
        return set()
    answer = session.execute(statement, {"rows": json.dumps(rows, default=str)})
    return {row.order_line_id for row in answer} if statement is _ADD_SALES else set()
