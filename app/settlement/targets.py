"""What clerks are to sell in a month, and what they have sold of it (SET-2).

**Attainment**: the base (SPL-1) of the order lines paid in that local month of which the clerk is SELL_CLERK, less the
base of what was refunded in that month of such lines, whenever they were sold. Lines below the discount
floor count although they earn nothing (SPL-8). Of a line with several sellers each counts the part that
the amounts of their shares have to each other (half up to the fen), after moves (DSP-1).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Conflict, Invalid, NotFound
from app.base.scope import Scope
from app.settlement import rules
from models.commission import Role

HIGHEST_TARGET_FEN = 100_000_000_000
MOST_AT_ONCE = 2000
_CLERK = re.compile(r"[A-Za-z0-9-]{1,32}")

_FIND = text(
    """
    select c.code, c.id, e.code as entity, s.code as store, t.target_fen, c.monthly_target_fen,
           exists (select from settlement_tier x where x.party = 'clerk:' || c.code and x.month = :month) as used
      from clerk c
      join store s on s.id = c.store_id
      join legal_entity e on e.id = s.entity_id
      left join clerk_target t on t.clerk_id = c.id and t.month = :month
     where c.code = any(cast(:codes as text[]))
     order by c.id
       for update of c
    """
)
_SET = text(
    """
    insert into clerk_target (clerk_id, month, target_fen, set_by, set_at)
    select id, :month, fen, :by, :at from unnest(cast(:ids as bigint[]), cast(:fens as bigint[])) as x (id, fen)
        on conflict (clerk_id, month)
        do update set target_fen = excluded.target_fen, set_by = excluded.set_by, set_at = excluded.set_at
    """
)
_LIST = text(
    """
    select c.id, c.code, c.name, s.code as store, coalesce(t.target_fen, c.monthly_target_fen) as target_fen,
           t.target_fen is not null as own, t.set_by, t.set_at
      from clerk c
      join store s on s.id = c.store_id
      join legal_entity e on e.id = s.entity_id
      left join clerk_target t on t.clerk_id = c.id and t.month = :month
     where c.id > :after and (cast(:entity as text) is null or e.code = :entity)
       and (cast(:store as text) is null or s.code = :store)
       and (c.status <> 'LEFT' or t.target_fen is not null)
     order by c.id
     limit :limit
    """
)
# Of a line that several sell, this share's part of a base ``:fen``, half up. No amounts: equal parts.
_PART = """
    case when w.whole > 0 then div(2 * {fen} * (s.accrued_fen - s.moved_fen) + w.whole, 2 * w.whole)
         else div(2 * {fen} + w.heads, 2 * w.heads) end
"""
_WEIGHTS = """
    cross join lateral (select sum(o.accrued_fen - o.moved_fen) as whole, cast(count(*) as numeric) as heads
                          from commission_share o
                         where o.order_line_id = s.order_line_id and o.role = 'SELL_CLERK') w
"""
_ATTAINED = text(
    f"""
    with asked as (
        select * from unnest(cast(:parties as text[]), cast(:months as text[]), cast(:sinces as timestamptz[]),
                             cast(:untils as timestamptz[])) as x (party, month, since, until)),
    sold as (
        select a.party, a.month, sum({_PART.format(fen="l.base_fen")}) as fen
          from asked a
          join commission_share s on s.party = a.party and s.role = '{Role.SELL_CLERK}'
           and s.earned_at >= a.since and s.earned_at < a.until
          join commission_line l on l.order_line_id = s.order_line_id {_WEIGHTS}
         group by 1, 2),
    back as (
        select s.party, m.month, sum({_PART.format(fen="v.base_fen")}) as fen
          from (select distinct month, since, until from asked) m
          join commission_reversal v on v.at >= m.since and v.at < m.until
          join commission_share s on s.order_line_id = v.order_line_id and s.role = '{Role.SELL_CLERK}'
           and s.party = any(cast(:parties as text[])) {_WEIGHTS}
         group by 1, 2)
    select a.party, a.month, coalesce(sold.fen, 0) - coalesce(back.fen, 0) as fen
      from asked a left join sold using (party, month) left join back using (party, month)
    """
)
_TARGETS = text(
    """
    select x.party, x.month, coalesce(t.target_fen, c.monthly_target_fen) as target_fen
      from unnest(cast(:parties as text[]), cast(:months as text[])) as x (party, month)
      join clerk c on 'clerk:' || c.code = x.party
      left join clerk_target t on t.clerk_id = c.id and t.month = x.month
    """
)

# (party, month), e.g. ("clerk:C-SZFT-01", "2026-03").
ClerkMonth = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """A clerk's target of one month and what is attained of it; ``own``: set for this month, not the standing one."""

    id: int
    clerk: str
    name: str
    store: str
    target_fen: int | None
    own: bool
    set_by: str | None
    set_at: datetime | None
    attained_fen: int


def set_targets(
    session: Session,
    targets: Mapping[str, int],
    *,
    month: str,
    scope: Scope,
    by: str,
    why: str,
    at: datetime,
    only_open: bool = False,
) -> int:
    """Set the targets (fen by clerk code) of a local month, all or none; answers how many were changed.

    Each change is in the audit log. Refuses (Invalid, naming clerks) amounts out of bounds, (NotFound) a
    clerk outside ``scope`` or unknown, (Conflict TARGET_USED) a month whose tier is in a settlement
    already, and with ``only_open`` (Conflict MONTH_OVER) a month that is over: whoever leads a team must
    not choose its target when the result is known. Locks the clerks in the order of their rows.
    """
    _, until = rules.month_bounds(month)
    if only_open and at >= until:
        raise Conflict("MONTH_OVER", "The target of a month that is over stays as it is.")
    _check(targets)
    found = session.execute(_FIND, {"codes": list(targets), "month": month}).all()
    seen = {row.code for row in found if scope.covers(entity=row.entity, store=row.store)}
    if missing := sorted(targets.keys() - seen):
        raise NotFound("NOT_FOUND", f"No such clerk: {', '.join(missing[:10])}.")
    changed = [row for row in found if row.target_fen != targets[row.code]]
    if used := [row.code for row in changed if row.used]:
        raise Conflict("TARGET_USED", "A settlement has used it.", clerks=used[:10])
    if changed:
        facts = {"ids": [row.id for row in changed], "fens": [targets[row.code] for row in changed]}
        session.execute(_SET, facts | {"month": month, "by": by, "at": at})
    for row in changed:
        audit.note(
            session,
            actor=by,
            action="target.set",
            subject=f"clerk:{row.code}",
            before={"month": month, "target_fen": row.target_fen or row.monthly_target_fen},
            after={"month": month, "target_fen": targets[row.code]},
            why=why,
            at=at,
        )
    return len(changed)


def listed(
    reader: Session | Connection, *, month: str, scope: Scope, after_id: int = 0, limit: int = 20
) -> list[Target]:
    """The clerks of a scope in the order of their rows, each with the month's target and attainment so far."""
    rules.month_bounds(month)
    facts = {"month": month, "entity": scope.entity, "store": scope.store, "after": after_id, "limit": limit}
    rows = reader.execute(_LIST, facts).all()
    attained = attained_fen(reader, [(f"clerk:{row.code}", month) for row in rows])
    return [
        Target(
            id=row.id,
            clerk=row.code,
            name=row.name,
            store=row.store,
            target_fen=row.target_fen,
            own=row.own,
            set_by=row.set_by,
            set_at=row.set_at,
            attained_fen=attained[f"clerk:{row.code}", month],
        )
        for row in rows
    ]


def attained_fen(reader: Session | Connection, asked: Sequence[ClerkMonth]) -> dict[ClerkMonth, int]:
    """Net sales of clerks in local months as the head of this file says; 0 for who sold nothing."""
    if not asked:
        return {}
    bounds = {month: rules.month_bounds(month) for _, month in asked}
    rows = reader.execute(
        _ATTAINED,
        {
            "parties": [party for party, _ in asked],
            "months": [month for _, month in asked],
            "sinces": [bounds[month][0] for _, month in asked],
            "untils": [bounds[month][1] for _, month in asked],
        },
    )
    return {(row.party, row.month): int(row.fen) for row in rows}


def target_fen(reader: Session | Connection, asked: Iterable[ClerkMonth]) -> dict[ClerkMonth, int]:
    """The targets of clerks in months; who has none, of the month or standing, is left out."""
    pairs = list(asked)
    facts = {"parties": [party for party, _ in pairs], "months": [month for _, month in pairs]}
    rows: list[Any] = list(reader.execute(_TARGETS, facts))
    return {(row.party, row.month): row.target_fen for row in rows if row.target_fen}


def _check(targets: Mapping[str, int]) -> None:
    if not 1 <= len(targets) <= MOST_AT_ONCE:
        raise Invalid("Too few or too many.", fields={"targets": f"1 to {MOST_AT_ONCE} clerks"})
    wrong = {
        code[:40]: f"1 to {HIGHEST_TARGET_FEN} fen"
        for code, fen in targets.items()
        if not (_CLERK.fullmatch(code) and 0 < fen <= HIGHEST_TARGET_FEN)
    }
    if wrong:
        raise Invalid("Targets do not fit.", fields=dict(list(wrong.items())[:20]))
