"""Tiers (SET-2): versions of the scale, and the one extra row that a month of sales adds to a clerk's batch.

A row earned as SELL_CLERK or SVC_CLERK counts with the tier of the month in which its order was paid. Rows of one
month become certain in several batches, so each batch brings what the tier makes of all of them so far,
less what earlier batches brought: exact to the fen, and a row that is lost later takes its bonus along. What
the first batch measured (target, attainment, scale) counts for that clerk and month for good. No rate of
an order is ever changed. Who employs the clerk bears it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Conflict, Forbidden, NotFound
from app.settlement import rules, targets
from models.commission import PartyKind, Role

_IN_EFFECT = text(
    """
    select distinct on (m.month) m.month, s.version, s.steps
      from unnest(cast(:months as text[])) as m (month)
      join tier_scale s on s.approved_at is not null and s.from_month <= m.month
     order by m.month, s.from_month desc
    """
)
_ALL = text("select * from tier_scale order by version desc limit 100")
_ONE = text("select * from tier_scale where version = :version for update")
_USED = text("select exists (select from settlement_tier where month >= :month)")
_DRAFT = text(
    """
    insert into tier_scale (version, from_month, steps, created_by, created_at)
    select coalesce(max(version), 0) + 1, :month, cast(:steps as jsonb), :by, :at from tier_scale
    returning version
    """
)
_APPROVE = text(
    "update tier_scale set approved_by = :by, approved_at = :at where version = :version and approved_at is null"
)
_TAKEN_MONTH = text(
    "select exists (select from tier_scale where from_month = :month and approved_at is not null)"
)
# One writer of versions at a time.
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('tier scale', 0))")
_ROWS = text(
    f"""
    select to_char(s.earned_at at time zone 'Asia/Shanghai', 'YYYY-MM') as month, sum(b.amount_fen) as fen
      from commission_batch_row b join commission_share s on s.id = b.share_id
     where b.batch_id = :batch_id and b.party = :party and b.state <> 'RETURNED'
       and s.role in ('{Role.SELL_CLERK}', '{Role.SVC_CLERK}')
     group by 1 order by 1
    """
)
_EARLIER = text(
    """
    select x.month, sum(x.rows_fen) as rows_fen, sum(x.amount_fen) as tier_fen, min(x.target_fen) as target_fen,
           min(x.attained_fen) as attained_fen, min(x.multiplier_bp) as multiplier_bp,
           min(x.scale_version) as scale_version
      from settlement_tier x
     where x.party = :party and x.month = any(cast(:months as text[])) and x.party_id <> :party_id
     group by 1
    """
)
_FORGET = text("delete from settlement_tier where party_id = :party_id")
_ADD = text(
    """
    insert into settlement_tier (party_id, party, month, target_fen, attained_fen, scale_version, multiplier_bp,
                                 rows_fen, earlier_rows_fen, earlier_tier_fen, amount_fen)
    values (:party_id, :party, :month, :target_fen, :attained_fen, :scale_version, :multiplier_bp,
            :rows_fen, :earlier_rows_fen, :earlier_tier_fen, :amount_fen)
    """
)


@dataclass(frozen=True, slots=True)
class Scale:
    """A version of the scale; not in effect before it is approved. Version 0 is that of the rules."""

    version: int
    from_month: str
    steps: tuple[rules.Step, ...]
    created_by: str
    created_at: datetime | None
    approved_by: str | None
    approved_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Measured:
    """What counts for one clerk and month, for good."""

    target_fen: int
    attained_fen: int
    scale_version: int
    multiplier_bp: int
    rows_fen: int = 0
    tier_fen: int = 0


def draft_scale(
    session: Session, *, steps: Sequence[Sequence[int]], from_month: str, by: str, why: str, at: datetime
) -> int:
    """Write a new version of the scale for sales paid from a month on; it needs somebody else's approval."""
    scale = rules.check_scale(steps)
    rules.month_bounds(from_month)
    session.execute(_LOCK)
    told = [[step.from_bp, step.multiplier_bp] for step in scale]
    facts = {"month": from_month, "steps": json.dumps(told), "by": by, "at": at}
    version = int(session.execute(_DRAFT, facts).scalar_one())
    after = {"from_month": from_month, "steps": told}
    _note(session, "tier_scale.draft", version, after, by, why, at)
    return version


def approve_scale(session: Session, *, version: int, by: str, why: str, at: datetime) -> None:
    """Put a version in effect. Twice changes nothing.

    Refuses an unknown one (NotFound), its author (Forbidden SAME_PERSON), and (Conflict) a month that has
    a version or whose sales were settled with another: MONTH_TAKEN, MONTH_SETTLED.
    """
    session.execute(_LOCK)
    found = session.execute(_ONE, {"version": version}).first()
    if found is None:
        raise NotFound("NOT_FOUND", "No such version.")
    if found.approved_at is not None:
        return
    if found.created_by == by:
        raise Forbidden("SAME_PERSON", "Who wrote it cannot approve it.")
    month = {"month": found.from_month}
    if session.execute(_TAKEN_MONTH, month).scalar():
        raise Conflict("MONTH_TAKEN", "Another version begins in that month.")
    if session.execute(_USED, month).scalar():
        raise Conflict("MONTH_SETTLED", "Sales of that month were settled already.")
    session.execute(_APPROVE, {"version": version, "by": by, "at": at})
    _note(session, "tier_scale.approve", version, {"from_month": found.from_month}, by, why, at)


def scales(reader: Session | Connection) -> list[Scale]:
    """The versions, newest first, and the one of the rules at the end."""
    found = [
        Scale(
            row.version,
            row.from_month,
            rules.check_scale(row.steps),
            row.created_by,
            row.created_at,
            row.approved_by,
            row.approved_at,
        )
        for row in reader.execute(_ALL)
    ]
    return [*found, Scale(0, "2020-01", rules.DEFAULT_SCALE, "rule:SET-2", None, "rule:SET-2", None)]


def scale_of(
    reader: Session | Connection, months: Sequence[str]
) -> dict[str, tuple[int, tuple[rules.Step, ...]]]:
    """(version, steps) in effect for sales paid in each of the months."""
    rows = reader.execute(_IN_EFFECT, {"months": sorted(set(months))})
    found = {row.month: (row.version, rules.check_scale(row.steps)) for row in rows}
    return {month: found.get(month, (0, rules.DEFAULT_SCALE)) for month in months}


def adjust(session: Session, *, batch_id: int, party_id: int, party: str, kind: PartyKind) -> int:
    """Write the tier rows of one party's batch anew from its rows; answers their sum in fen.

    A clerk without a target, and any other party, has none. The batch must not be approved.
    """
    session.execute(_FORGET, {"party_id": party_id})
    if kind is not PartyKind.CLERK:
        return 0
    in_batch = {"batch_id": batch_id, "party": party}
    rows_fen = {row.month: int(row.fen) for row in session.execute(_ROWS, in_batch)}
    measured = _measured(session, party, party_id, list(rows_fen))
    total_fen = 0
    for month, found in measured.items():
        whole_fen = rules.tier_fen(rows_fen[month] + found.rows_fen, found.multiplier_bp)
        facts = {
            "party_id": party_id,
            "party": party,
            "month": month,
            "target_fen": found.target_fen,
            "attained_fen": found.attained_fen,
            "scale_version": found.scale_version,
            "multiplier_bp": found.multiplier_bp,
            "rows_fen": rows_fen[month],
            "earlier_rows_fen": found.rows_fen,
            "earlier_tier_fen": found.tier_fen,
            "amount_fen": whole_fen - found.tier_fen,
        }
        session.execute(_ADD, facts)
        total_fen += whole_fen - found.tier_fen
    return total_fen


def forget(session: Session, *, party_id: int) -> None:
    """Drop the tier rows of a party that leaves its batch."""
    session.execute(_FORGET, {"party_id": party_id})


def _measured(session: Session, party: str, party_id: int, months: list[str]) -> dict[str, _Measured]:
    facts = {"party": party, "months": months, "party_id": party_id}
    found: dict[str, _Measured] = {}
    for row in session.execute(_EARLIER, facts):
        found[row.month] = _Measured(
            row.target_fen,
            row.attained_fen,
            row.scale_version,
            row.multiplier_bp,
            int(row.rows_fen),
            int(row.tier_fen),
        )
    fresh = [(party, month) for month in months if month not in found]
    target_fen = targets.target_fen(session, fresh)
    attained_fen = targets.attained_fen(session, list(target_fen))
    scale = scale_of(session, [month for _, month in target_fen])
    for pair, target in target_fen.items():
        version, steps = scale[pair[1]]
        multiplier_bp = rules.multiplier_bp(attained_fen[pair], target, steps)
        found[pair[1]] = _Measured(target, attained_fen[pair], version, multiplier_bp)
    return dict(sorted(found.items()))


def _note(
    session: Session, action: str, version: int, after: Mapping[str, object], by: str, why: str, at: datetime
) -> None:
    subject = f"tier_scale:{version}"
    audit.note(session, actor=by, action=action, subject=subject, before=None, after=after, why=why, at=at)
