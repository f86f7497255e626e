"""Decide a dispute and book the decision (DSP-1): once, by somebody without interest, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Conflict, Invalid
from app.commission.holding import unhold
from app.commission.moving import HANDED_ON, Heir, move, stands_for
from app.review import rules
from app.review.disputing import CLOCK, cause_of, get, sides, step
from app.review.interest import Judge, refuse_interested
from models.commission import Role
from models.review import DisputeOutcome, DisputeState, StepKind

# A decision that nobody books by hand is booked by the clock after this long.
APPLY_AFTER = timedelta(hours=24)

_HAVE_SPOKEN = text(
    "select distinct actor from dispute_step where dispute_id = :id and kind in ('OPENED', 'SAID')"
)
_DECIDE = text(
    """
    update dispute set state = 'DECIDED', outcome = :outcome, heirs = cast(:heirs as jsonb), decided_at = :now,
           decided_by = :by
     where id = :id and state = 'EVIDENCE'
    """
)
_UNKNOWN = text(
    """
    select party from unnest(cast(:parties as text[])) as x (party)
     where not exists (select from clerk where 'clerk:' || code = party)
       and not exists (select from store where 'store:' || code = party)
       and not exists (select from legal_entity where 'entity:' || code = party)
    """
)
# What another decision has handed on meanwhile is still what this one is about.
_SHARES = text(
    f"""
    with recursive mine as (
        select share_id from dispute_share where dispute_id = :id
         union
        select heir.id from mine join commission_move m on m.share_id = mine.share_id
                       join commission_share heir on heir.move_id = m.id)
    select s.id, s.role, s.reason, s.party, {HANDED_ON} as handed_on
      from mine join commission_share s on s.id = mine.share_id
     where s.role in (:role, 'HQ') order by s.order_line_id, s.id
    """
)
_HQ = text("select 'entity:' || code from legal_entity where kind = 'HQ'")
_APPLY = text("update dispute set state = 'APPLIED', applied_at = :now where id = :id")
_TO_APPLY = text(
    "select number from dispute where state = 'DECIDED' and decided_at <= :before order by id limit :limit"
    " for no key update skip locked"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided, and why. ``heirs``: parties with basis points that make 10000; none when rows stay."""

    outcome: DisputeOutcome
    why: str
    heirs: tuple[tuple[str, int], ...] = ()


def decide(session: Session, *, number: str, decision: Decision, judge: Judge, now: datetime) -> None:
    """Decide once the sides were heard: the five days are over, or every side has spoken.

    Refuses INTERESTED (``interest``), STILL_HEARING, DECIDED_ALREADY (of two at once the second), and heirs
    that do not fit the outcome (Invalid): CHANGE names one, by default the claimant; SPLIT two or more that
    make 10000; UPHOLD none. Locks the dispute.
    """
    dispute = get(session, number)
    parties = {dispute.claimant, *sides(session, dispute.id)}
    heirs = _heirs(session, dispute, decision)
    refuse_interested(session, judge, parties=parties | {p for p, _ in heirs}, raised_by={dispute.raised_by})
    if dispute.state in (DisputeState.DECIDED, DisputeState.APPLIED):
        raise Conflict("DECIDED_ALREADY", "This dispute is decided.")
    if not _is_heard(session, dispute, parties, now):
        raise Conflict("STILL_HEARING", "Both sides have five days for their evidence.")
    facts = {"id": dispute.id, "outcome": decision.outcome.value, "now": now, "by": judge.actor}
    session.execute(_DECIDE, facts | {"heirs": orjson.dumps(heirs).decode()})
    step(session, dispute.id, number, StepKind.DECIDED, actor=judge.actor, said=decision.why, at=now)
    _note(session, "dispute.decide", dispute, judge.actor, decision.why, now, decision.outcome, heirs)


def apply(session: Session, *, number: str, by: str, judge: Judge | None, now: datetime) -> None:
    """Book what was decided: hand the rows on, lift the hold; the rest goes on with its original dates.

    ``judge`` None: the clock does it. Refuses WRONG_STATE before a decision; INTERESTED as in ``decide``.
    Again changes nothing. Locks the dispute, then the lines of its rows.
    """
    dispute = get(session, number)
    if dispute.state == DisputeState.APPLIED:
        return
    if dispute.state != DisputeState.DECIDED:
        raise Conflict("WRONG_STATE", "This dispute is not decided yet.")
    if judge is not None:
        parties = {dispute.claimant, *sides(session, dispute.id)}
        refuse_interested(session, judge, parties=parties, raised_by={dispute.raised_by})
    heirs = [(str(party), int(bp)) for party, bp in dispute.heirs]
    if heirs:
        _move(session, dispute, heirs, now)
    unhold(session, cause=cause_of(number), at=now)
    session.execute(_APPLY, {"id": dispute.id, "now": now})
    step(session, dispute.id, number, StepKind.APPLIED, actor=by, said="", at=now)
    _note(session, "dispute.apply", dispute, by, "按裁决入账", now, DisputeOutcome(dispute.outcome), heirs)


def apply_due(session: Session, *, now: datetime, limit: int = 50) -> int:
    """Book decisions that nobody booked within a day; answers how many. Repeat until 0."""
    due = list(session.execute(_TO_APPLY, {"before": now - APPLY_AFTER, "limit": limit}).scalars())
    for number in due:
        apply(session, number=number, by=CLOCK, judge=None, now=now)
    return len(due)


def _move(session: Session, dispute: Row[Any], heirs: Sequence[tuple[str, int]], now: datetime) -> None:
    claimed = Role(dispute.role)
    for share in session.execute(_SHARES, {"id": dispute.id, "role": claimed.value}).all():
        stands = stands_for(share.reason, share.handed_on) if share.role == Role.HQ != claimed else {}
        if share.role != claimed and claimed not in stands:
            continue
        parts = rules.heirs_of_share(stands, claimed, share.party, heirs)
        move(
            session,
            share_id=share.id,
            to=[Heir(rules.kind_of(party), party, bp, claimed) for party, bp in parts],
            of_bp=sum(bp for _, bp in parts),
            cause=cause_of(dispute.number),
            because={"kind": "DISPUTE", "dispute": dispute.number, "outcome": dispute.outcome},
            at=now,
        )


def _heirs(session: Session, dispute: Row[Any], decision: Decision) -> list[tuple[str, int]]:
    heirs = list(decision.heirs)
    if decision.outcome is DisputeOutcome.CHANGE and not heirs:
        heirs = [(dispute.claimant, rules.WHOLE_BP)]
    wrong = {
        DisputeOutcome.UPHOLD: bool(heirs) and "none when the rows stay",
        DisputeOutcome.CHANGE: len(heirs) != 1 and "one party when the rows change hands",
        DisputeOutcome.SPLIT: len(heirs) < 2 and "two or more parties when the rows are shared",
    }[decision.outcome]
    if (
        not wrong
        and heirs
        and (sum(bp for _, bp in heirs) != rules.WHOLE_BP or min(bp for _, bp in heirs) < 1)
    ):
        wrong = f"positive parts that make {rules.WHOLE_BP}"
    if not wrong and len({party for party, _ in heirs}) != len(heirs):
        wrong = "each party once"
    unknown = session.execute(_UNKNOWN, {"parties": [party for party, _ in heirs]}).scalars().all()
    if wrong or unknown:
        raise Invalid(
            "The rows cannot go to them.", fields={"heirs": wrong or f"no such party: {unknown[0]}"}
        )
    return heirs


def _is_heard(session: Session, dispute: Row[Any], parties: set[str], now: datetime) -> bool:
    if dispute.state != DisputeState.EVIDENCE:
        return False
    if now >= dispute.evidence_until:
        return True
    hq = str(session.execute(_HQ).scalar_one())
    return parties - {hq} <= set(session.execute(_HAVE_SPOKEN, {"id": dispute.id}).scalars())


def _note(
    session: Session,
    action: str,
    dispute: Row[Any],
    by: str,
    why: str,
    now: datetime,
    outcome: DisputeOutcome,
    heirs: Sequence[tuple[str, int]],
) -> None:
    audit.note(
        session,
        actor=by,
        action=action,
        subject=cause_of(dispute.number),
        before={"state": dispute.state},
        after={"outcome": outcome.value, "heirs": [list(heir) for heir in heirs]},
        why=why,
        at=now,
    )
