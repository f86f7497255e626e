"""Read disputes, findings and what is held, for those whom they concern (DSP-1, FRD-2)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.base.scope import Scope
from models.commission import Role
from models.review import DisputeKind, DisputeOutcome, DisputeState, FindingState, RiskRule, StepKind

Reader = Session | Connection

# A party lies within a scope by its own store and company; a clerk's are those of the clerk's store.
_WITHIN = """
    (cast(:entity as text) is null and cast(:store as text) is null or exists (
        select from (select d.claimant as party union all
                     select x.party from dispute_share x where x.dispute_id = d.id) p
          left join clerk c on p.party = 'clerk:' || c.code
          left join store s on s.id = c.store_id or p.party = 'store:' || s.code
          left join legal_entity e on e.id = s.entity_id or p.party = 'entity:' || e.code
         where (cast(:entity as text) is null or e.code = :entity)
           and (cast(:store as text) is null or s.code = :store)))
"""
_MINE = """
    (d.claimant = :party or exists (
        select from dispute_share x where x.dispute_id = d.id and x.party = :party))
"""
_DISPUTE = """
    select d.id, d.number, d.kind, d.role, d.order_number, d.claimant, d.state, d.outcome, d.heirs, d.opened_at,
           d.evidence_until, d.decided_at, d.applied_at,
           (select coalesce(sum(s.accrued_fen - s.reversed_fen), 0)::bigint from dispute_share x
              join commission_share s on s.id = x.share_id where x.dispute_id = d.id) as amount_fen
      from dispute d
"""
_OF_PARTY = text(
    f"{_DISPUTE} where {_MINE} and (cast(:before as bigint) is null or d.id < :before)"
    " order by d.id desc limit :limit"
)
_OF_SCOPE = text(
    f"{_DISPUTE} where {_WITHIN} and (cast(:state as text) is null or d.state = :state)"
    " and (cast(:before as bigint) is null or d.id < :before) order by d.id desc limit :limit"
)
_ONE_OF_PARTY = text(f"{_DISPUTE} where d.number = :number and {_MINE}")
_ONE_OF_SCOPE = text(f"{_DISPUTE} where d.number = :number and {_WITHIN}")
_STEPS = text("select kind, actor, said, at from dispute_step where dispute_id = :id order by nr")
_SIDES = text("select distinct party from dispute_share where dispute_id = :id order by 1")
_FINDING = """
    select f.id, f.number, f.rule, f.state, f.facts, f.found_at, f.decided_at, f.decided_by, f.why,
           c.code as clerk, m.number as member,
           (select count(*) from commission_hold h where h.cause = 'risk:' || f.number) as rows,
           (select coalesce(sum(s.accrued_fen - s.reversed_fen), 0)::bigint
              from commission_hold h join commission_share s on s.id = h.share_id
             where h.cause = 'risk:' || f.number and h.lifted_at is null) as held_fen
      from risk_finding f left join clerk c on c.id = f.clerk_id left join member m on m.id = f.member_id
"""
_FINDINGS = text(
    f"{_FINDING} where (cast(:state as text) is null or f.state = :state)"
    " and (cast(:before as bigint) is null or f.id < :before) order by f.id desc limit :limit"
)
_ONE_FINDING = text(f"{_FINDING} where f.number = :number")
# Everything that keeps amounts of a party back, and findings about the clerk that hold nothing yet.
_HELD = text(
    """
    select h.cause, min(h.held_at) as since, count(*) as rows,
           sum(s.accrued_fen - s.reversed_fen - s.moved_fen)::bigint as amount_fen,
           f.number as finding, f.rule, f.state as finding_state,
           d.number as dispute, d.state as dispute_state, d.outcome, d.evidence_until
      from commission_share s join commission_hold h on h.share_id = s.id and h.lifted_at is null
      left join risk_finding f on h.cause = 'risk:' || f.number
      left join dispute d on h.cause = 'dispute:' || d.number
     where s.party = :party
     group by h.cause, f.id, d.id
    union all
    select 'risk:' || f.number, f.found_at, 0, 0, f.number, f.rule, f.state, null, null, null, null
      from risk_finding f join clerk c on c.id = f.clerk_id
     where 'clerk:' || c.code = :party and f.state = 'OPEN'
       and not exists (select from commission_hold h join commission_share s on s.id = h.share_id
                        where h.cause = 'risk:' || f.number and h.lifted_at is null and s.party = :party)
     order by since, cause
    """
)


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute as its sides and its judges see it. ``amount_fen``: of the rows it was raised about."""

    id: int
    number: str
    kind: DisputeKind
    role: Role
    order_number: str
    claimant: str
    state: DisputeState
    outcome: DisputeOutcome | None
    heirs: list[Any]
    opened_at: datetime
    evidence_until: datetime | None
    decided_at: datetime | None
    applied_at: datetime | None
    amount_fen: int


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a dispute."""

    kind: StepKind
    actor: str
    said: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DisputeStory:
    """A dispute with its sides and everything that happened in it, in order."""

    dispute: DisputeRow
    sides: list[str]
    steps: list[StepRow]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding as a reviewer sees it."""

    id: int
    number: str
    rule: RiskRule
    state: FindingState
    facts: dict[str, Any]
    found_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    why: str | None
    clerk: str | None
    member: str | None
    rows: int
    held_fen: int


@dataclass(frozen=True, slots=True)
class Held:
    """What one cause keeps back of a party."""

    since: datetime
    rows: int
    amount_fen: int
    finding: str | None
    rule: RiskRule | None
    dispute: str | None
    dispute_state: DisputeState | None
    outcome: DisputeOutcome | None
    evidence_until: datetime | None


def of_party(reader: Reader, party: str, *, before: int | None, limit: int) -> list[DisputeRow]:
    """The disputes that a party raised or is a side of, newest first."""
    facts = {"party": party, "before": before, "limit": limit}
    return [_dispute(row) for row in reader.execute(_OF_PARTY, facts)]


def of_scope(
    reader: Reader, scope: Scope, *, state: DisputeState | None, before: int | None, limit: int
) -> list[DisputeRow]:
    """The disputes of parties within a scope, newest first."""
    facts = {"entity": scope.entity, "store": scope.store, "before": before, "limit": limit}
    return [_dispute(row) for row in reader.execute(_OF_SCOPE, facts | {"state": state and state.value})]


def story(
    reader: Reader, number: str, *, party: str | None = None, scope: Scope | None = None
) -> DisputeStory:
    """One dispute for a party of it, or for a scope in which one lies. Raises NotFound for anybody else."""
    if party is not None:
        row = reader.execute(_ONE_OF_PARTY, {"number": number, "party": party}).first()
    else:
        seen = scope or Scope()
        row = reader.execute(
            _ONE_OF_SCOPE, {"number": number, "entity": seen.entity, "store": seen.store}
        ).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such dispute.")
    steps = [StepRow(StepKind(s.kind), s.actor, s.said, s.at) for s in reader.execute(_STEPS, {"id": row.id})]
    return DisputeStory(_dispute(row), list(reader.execute(_SIDES, {"id": row.id}).scalars()), steps)


def findings(
    reader: Reader, *, state: FindingState | None, before: int | None, limit: int
) -> list[FindingRow]:
    """Findings, newest first."""
    facts = {"state": state and state.value, "before": before, "limit": limit}
    return [_finding(row) for row in reader.execute(_FINDINGS, facts)]


def finding(reader: Reader, number: str) -> FindingRow:
    """One finding. Raises NotFound."""
    row = reader.execute(_ONE_FINDING, {"number": number}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such finding.")
    return _finding(row)


def held(reader: Reader, party: str) -> list[Held]:
    """Everything that keeps amounts of a party back now, the oldest first."""
    return [
        Held(
            since=row.since,
            rows=int(row.rows),
            amount_fen=int(row.amount_fen),
            finding=row.finding,
            rule=RiskRule(row.rule) if row.rule else None,
            dispute=row.dispute,
            dispute_state=DisputeState(row.dispute_state) if row.dispute_state else None,
            outcome=DisputeOutcome(row.outcome) if row.outcome else None,
            evidence_until=row.evidence_until,
        )
        for row in reader.execute(_HELD, {"party": party})
    ]


def _dispute(row: Row[Any]) -> DisputeRow:
    facts = dict(row._mapping)
    facts |= {"kind": DisputeKind(row.kind), "role": Role(row.role), "state": DisputeState(row.state)}
    return DisputeRow(**facts | {"outcome": DisputeOutcome(row.outcome) if row.outcome else None})


def _finding(row: Row[Any]) -> FindingRow:
    return FindingRow(**dict(row._mapping) | {"rule": RiskRule(row.rule), "state": FindingState(row.state)})
