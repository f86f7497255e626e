"""Findings: evidence that a detector brings, rows held for it, and a reviewer's word on it (FRD-1, FRD-2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.attribution import touches
from app.attribution.touches import NewTouch
from app.base import audit, numbers
from app.base.errors import Conflict, NotFound
from app.base.queue import defer
from app.commission.holding import hold, unhold
from app.commission.moving import Heir, move
from app.review.interest import Judge, refuse_interested
from app.review.rules import Item
from models.attribution import TouchKind
from models.commission import PartyKind
from models.review import FindingState, RiskRule

TELL_JOB = "tell_finding"
# TCH-3: while such a finding is open, touches of its clerk (or fan) count for nobody.
OF_TOUCHES = (RiskRule.SCANS, RiskRule.FANS, RiskRule.UNFOLLOWS)

_USED = text(
    """
    select kind, ref from risk_item where rule = :rule and subject = :subject
       and ref = any(cast(:refs as bigint[]))
    """
)
_OPEN = text(
    "select id from risk_finding where rule = :rule and subject = :subject and state = 'OPEN' for update"
)
_MAKE = text(
    """
    insert into risk_finding (number, rule, subject, clerk_id, member_id, threshold_id, facts, state, found_at)
    values (:number, :rule, :subject, cast(:clerk_id as bigint), cast(:member_id as bigint), :threshold_id,
            cast(:facts as jsonb), 'OPEN', :now)
    on conflict (rule, subject) where state = 'OPEN' do nothing returning id
    """
)
_ADD = text(
    """
    insert into risk_item (finding_id, rule, subject, kind, ref)
    select :finding_id, :rule, :subject, kind, ref
      from unnest(cast(:kinds as text[]), cast(:refs as bigint[])) as x (kind, ref) order by kind, ref
    on conflict (rule, subject, kind, ref) do nothing
    """
)
_HOLD = text("select * from risk_finding where number = :number for update")
# What was earned through the touches, by whomever, and what the clerk earned on the orders.
_CONCERNED = text(
    """
    select s.id, s.party from risk_item i join touch t on t.id = i.ref join member m on m.id = t.member_id
      join member f on f.id = coalesce(m.alias_of, m.id) or f.alias_of = coalesce(m.alias_of, m.id)
      join orders o on o.member_id = f.id join commission_line l on l.order_id = o.id
      join commission_share s on s.order_line_id = l.order_line_id
     where i.finding_id = :id and i.kind = 'TOUCH' and s.reason ->> 'touch' = cast(i.ref as text)
       and s.accrued_fen - s.reversed_fen - s.moved_fen > 0
    union
    select s.id, s.party from risk_item i join risk_finding k on k.id = i.finding_id
      join clerk c on c.id = k.clerk_id join commission_line l on l.order_id = i.ref
      join commission_share s on s.order_line_id = l.order_line_id and s.party = 'clerk:' || c.code
     where i.finding_id = :id and i.kind = 'ORDER' and s.accrued_fen - s.reversed_fen - s.moved_fen > 0
     order by 1
    """
)
_HELD = text(
    """
    select s.id, s.party from commission_hold h join commission_share s on s.id = h.share_id
     where h.cause = :cause and h.lifted_at is null order by s.order_line_id, s.id
    """
)
_HQ = text("select 'entity:' || code from legal_entity where kind = 'HQ'")
_CLERK = text("select 'clerk:' || code from clerk where id = :id")
_DECIDE = text(
    """
    update risk_finding set state = :state, decided_at = :now, decided_by = :by, why = :why
     where id = :id and state = 'OPEN'
    """
)
_LIVING = text(
    """
    select number from risk_finding
     where state = 'OPEN' or (state = 'CONFIRMED' and decided_at > cast(:now as timestamptz) - interval '400 days')
     order by id
    """
)
_NOT_COUNTED = text(
    """
    select t.id, t.member_id, t.identity_id, t.kind, t.occurred_at, t.received_at, t.clerk_id, t.store_id
      from touch t
     where t.invalid_reason = 'FRAUD_HOLD' and t.received_at >= :since
       and (t.clerk_id = cast(:clerk_id as bigint) or t.member_id = cast(:member_id as bigint))
       and not exists (select from touch a where a.raw_key = 'unheld:' || t.id)
     order by t.occurred_at, t.received_at, t.id
    """
)
_HOLD_MEMBER = text(
    "select coalesce(alias_of, id) from member where id = (select coalesce(alias_of, id) from member"
    " where id = :id) for no key update"
)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What a detector found about one subject: the evidence that calls, and its figures."""

    rule: RiskRule
    subject: str
    items: Sequence[Item]
    facts: dict[str, Any]
    clerk_id: int | None = None
    member_id: int | None = None


def cause_of(number: str) -> str:
    """The cause under which a finding holds and moves rows."""
    return f"risk:{number}"


def fresh(session: Session, rule: RiskRule, subject: str, items: Sequence[Item]) -> list[Item]:
    """The evidence that served no finding of this rule and subject yet."""
    refs = {"rule": rule.value, "subject": subject, "refs": [item.ref for item in items]}
    used = {(row.kind, row.ref) for row in session.execute(_USED, refs)}
    return [item for item in items if (item.kind, item.ref) not in used]


def report(session: Session, found: Suspicion, *, threshold_id: int, now: datetime) -> int | None:
    """Keep a suspicion as a finding and hold the rows concerned (FRD-1); None when one that is open took it in.

    The same evidence never makes a second finding: its rows are unique per rule and subject, for ever.
    """
    facts = {"rule": found.rule.value, "subject": found.subject}
    open_id = session.execute(_OPEN, facts).scalar()
    number = numbers.draw("F", now)
    finding_id = (
        open_id
        or session.execute(
            _MAKE,
            {
                **facts,
                "number": number,
                "clerk_id": found.clerk_id,
                "member_id": found.member_id,
                "threshold_id": threshold_id,
                "facts": orjson.dumps(found.facts).decode(),
                "now": now,
            },
        ).scalar()
    )
    if finding_id is None:
        return None
    kinds, refs = [item.kind for item in found.items], [item.ref for item in found.items]
    session.execute(_ADD, {**facts, "finding_id": finding_id, "kinds": kinds, "refs": refs})
    if open_id:
        return None
    hold_rows(session, number, now=now)
    defer(session, TELL_JOB, finding_id=int(finding_id))
    return int(finding_id)


def hold_rows(session: Session, number: str, *, now: datetime) -> list[int]:
    """Hold what a living finding concerns; of a confirmed one hand it on at once. Answers the new rows.

    Rows may come later than the evidence: a fan buys months after the scan.
    """
    finding = get(session, number)
    ids = [row.id for row in session.execute(_CONCERNED, {"id": finding.id})]
    if finding.state == FindingState.FALSE_ALARM or not ids:
        return []
    held = hold(session, share_ids=ids, cause=cause_of(number), at=now)
    if finding.state == FindingState.CONFIRMED and held:
        _to_head_office(session, number, now)
    return held


def living(session: Session, *, now: datetime) -> list[str]:
    """The findings whose evidence may still earn: those open, and those confirmed in the last 400 days (TCH-6)."""
    return list(session.execute(_LIVING, {"now": now}).scalars())


def decide(
    session: Session, *, number: str, confirmed: bool, why: str, judge: Judge, now: datetime
) -> list[int]:
    """A reviewer's word (FRD-2); answers the rows that were held.

    Confirmed: they go to head office. False alarm: they go on with their original dates, and touches that
    did not count meanwhile are judged again as of their own moment (TCH-3). Refuses INTERESTED and
    DECIDED_ALREADY (of two at once the second). Locks the finding, then the lines of its rows.
    """
    finding = get(session, number)
    hold_rows(session, number, now=now)
    rows = session.execute(_HELD, {"cause": cause_of(number)}).all()
    parties = {row.party for row in rows} | _clerk_of(session, finding)
    refuse_interested(session, judge, parties=parties)
    state = FindingState.CONFIRMED if confirmed else FindingState.FALSE_ALARM
    facts = {"id": finding.id, "state": state.value, "now": now, "by": judge.actor, "why": why}
    if session.execute(_DECIDE, facts).rowcount == 0:  # type: ignore[attr-defined]  # an UPDATE has one
        raise Conflict("DECIDED_ALREADY", "This finding is decided.")
    if confirmed:
        _to_head_office(session, number, now)
    else:
        unhold(session, cause=cause_of(number), at=now)
        _count_again(session, finding)
    audit.note(
        session,
        actor=judge.actor,
        action="risk.decide",
        subject=cause_of(number),
        before={"state": FindingState.OPEN.value},
        after={"state": state.value, "rows": len(rows)},
        why=why,
        at=now,
    )
    defer(session, TELL_JOB, finding_id=int(finding.id))
    return [int(row.id) for row in rows]


def get(session: Session, number: str) -> Row[Any]:
    """The finding, locked until the end of the transaction. Raises NotFound."""
    row = session.execute(_HOLD, {"number": number}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such finding.")
    return row


def _to_head_office(session: Session, number: str, now: datetime) -> None:
    hq = str(session.execute(_HQ).scalar_one())
    for row in session.execute(_HELD, {"cause": cause_of(number)}).all():
        heir = Heir(PartyKind.ENTITY, hq)
        because = {"kind": "FRAUD", "finding": number}
        move(session, share_id=row.id, to=[heir], cause=cause_of(number), because=because, at=now)
    unhold(session, cause=cause_of(number), at=now)


def _clerk_of(session: Session, finding: Row[Any]) -> set[str]:
    if finding.clerk_id is None:
        return set()
    return {str(session.execute(_CLERK, {"id": finding.clerk_id}).scalar_one())}


def _count_again(session: Session, finding: Row[Any]) -> None:
    if finding.rule not in OF_TOUCHES:
        return
    of_clerk = finding.rule != RiskRule.SCANS
    facts = {
        "since": finding.found_at,
        "clerk_id": finding.clerk_id if of_clerk else None,
        "member_id": None if of_clerk else finding.member_id,
    }
    for touch in session.execute(_NOT_COUNTED, facts).all():
        member_id = session.execute(_HOLD_MEMBER, {"id": touch.member_id}).scalar_one()
        again = NewTouch(
            member_id=int(member_id),
            identity_id=touch.identity_id,
            kind=TouchKind(touch.kind),
            occurred_at=touch.occurred_at,
            raw_key=f"unheld:{touch.id}",
            clerk_id=touch.clerk_id,
            store_id=touch.store_id,
            received_at=touch.received_at,
        )
        touches.record(session, again)
