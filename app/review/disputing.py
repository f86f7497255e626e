"""Raise a dispute and hear both sides (DSP-1): the rows it is about are held from the first moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base import audit, numbers
from app.base.errors import Conflict, NotFound
from app.base.queue import defer
from app.commission.holding import hold
from app.commission.moving import HANDED_ON
from app.review import rules
from models.commission import Role
from models.review import DisputeKind, DisputeState, StepKind

CLOCK = "clock"
TELL_JOB = "tell_dispute"
# Of one party at the same time: a dispute keeps others' money waiting.
MOST_OPEN = 5
NO_ORDER = "No such order."

# A claimant must have had to do with the sale: be paid for it, have met the customer before it, or be the
# place of it. Anybody else learns nothing, not even that there is such an order.
_ORDER = text(
    """
    with me as (select kind, code from (values (split_part(:claimant, ':', 1), split_part(:claimant, ':', 2)))
                as x (kind, code)),
    who as (select o.id, o.number, o.created_at, o.member_id, o.selling_store_id, o.pickup_store_id,
                   o.selling_entity_id, coalesce(m.alias_of, m.id) as root_id
              from orders o join member m on m.id = o.member_id where o.number = :number and o.paid_at is not null)
    select w.id, w.number, w.created_at from who w, me
     where exists (select from commission_line l join commission_share s on s.order_line_id = l.order_line_id
                    where l.order_id = w.id and s.party = :claimant)
        or (me.kind = 'clerk' and exists (
                select from clerk c where c.code = me.code
                   and (c.store_id in (w.selling_store_id, w.pickup_store_id)
                        or exists (select from touch t join member m on m.id = t.member_id
                                    where t.clerk_id = c.id and coalesce(m.alias_of, m.id) = w.root_id
                                      and t.occurred_at <= w.created_at)
                        or exists (select from service_binding b join member m on m.id = b.member_id
                                    where b.clerk_id = c.id and coalesce(m.alias_of, m.id) = w.root_id
                                      and b.valid_from <= w.created_at))))
        or (me.kind = 'store' and exists (
                select from store s where s.code = me.code
                   and (s.id in (w.selling_store_id, w.pickup_store_id)
                        or exists (select from acquisition a where a.member_id = w.root_id and a.store_id = s.id))))
        or (me.kind = 'entity' and exists (
                select from legal_entity e where e.code = me.code
                   and (e.id = w.selling_entity_id
                        or exists (select from commission_line l
                                     join commission_share x on x.order_line_id = l.order_line_id
                                     join store s on x.party = 'store:' || s.code
                                    where l.order_id = w.id and s.entity_id = e.id))))
    """
)
# The rows of the claimed role; where nobody holds it, what head office got in its place (SPL-5).
_CONCERNED = text(
    f"""
    select s.id, s.party from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where l.order_id = :order_id and s.accrued_fen - s.reversed_fen - s.moved_fen > 0
       and (s.role = :role or (s.role = 'HQ' and s.reason -> 'roles' @> cast(:roles as jsonb)
                               and not :role = any({HANDED_ON})))
       and (:kind <> 'AMOUNT' or s.party = :claimant)
     order by s.id
    """
)
# Settlement lies above; that a statement is out is a fact of its batch, read where it stands.
_PUBLISHED = text(
    """
    select distinct b.published_at from commission_batch_row r join settlement_batch b on b.id = r.batch_id
     where r.share_id = any(cast(:share_ids as bigint[])) and b.published_at is not null
    """
)
_OPEN_NOW = text("select count(*) from dispute where claimant = :claimant and state <> 'APPLIED'")
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('dispute ' || :claimant, 0))")
_RAISE = text(
    """
    insert into dispute (number, kind, role, order_id, order_number, claimant, raised_by, state, opened_at, heirs)
    values (:number, :kind, :role, :order_id, :order_number, :claimant, :raised_by, 'OPEN', :at, '[]')
    on conflict (order_id, role, claimant) do nothing returning id
    """
)
_CONCERN = text(
    """
    insert into dispute_share (dispute_id, share_id, party)
    select :dispute_id, * from unnest(cast(:share_ids as bigint[]), cast(:parties as text[]))
    """
)
_STEP = text(
    """
    insert into dispute_step (dispute_id, nr, kind, actor, said, at)
    select :dispute_id, coalesce(max(nr), 0) + 1, :kind, :actor, :said, :at
      from dispute_step where dispute_id = :dispute_id
    returning id
    """
)
_HOLD = text("select * from dispute where number = :number for no key update")
_SIDES = text("select distinct party from dispute_share where dispute_id = :id order by 1")
_TO_HEAR = text(
    "select number from dispute where state = 'OPEN' order by id limit :limit for no key update skip locked"
)
_HEAR = text("update dispute set state = 'EVIDENCE', evidence_until = :until where id = :id")
_TO_CLOSE = text(
    "select number from dispute where state = 'EVIDENCE' and heard_at is null and evidence_until <= :now"
    " order by evidence_until limit :limit for no key update skip locked"
)
_CLOSE = text("update dispute set heard_at = :now where id = :id")


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody disputes: one role of one order, and why. ``claimant`` is the party that wants the rows."""

    order_number: str
    kind: DisputeKind
    role: Role
    claimant: str
    said: str


def cause_of(number: str) -> str:
    """The cause under which a dispute holds and moves rows."""
    return f"dispute:{number}"


def open_dispute(session: Session, claim: Claim, *, by: str, now: datetime) -> str:
    """Raise a dispute (DSP-1) and hold the rows it is about; answers its number.

    Refuses an order that the claimant had nothing to do with (NotFound); DISPUTE_TOO_LATE after 30 days and after
    7 days since the last statement that shows it; NOTHING_TO_DISPUTE when no row of that role is left;
    DISPUTED_BEFORE for the same claim; TOO_MANY_DISPUTES with five of the claimant open. Takes an advisory
    lock per claimant, then locks the lines of the rows.
    """
    facts = {"claimant": claim.claimant, "number": claim.order_number}
    session.execute(_LOCK, facts)
    order = session.execute(_ORDER, facts).first()
    if order is None:
        raise NotFound("NOT_FOUND", NO_ORDER)
    concerned = _concerned(session, claim, order)
    _refuse_late(session, order, [row.id for row in concerned], now)
    if not concerned:
        raise Conflict("NOTHING_TO_DISPUTE", f"No row of {claim.role} is left on that order.")
    if session.execute(_OPEN_NOW, facts).scalar_one() >= MOST_OPEN:
        raise Conflict("TOO_MANY_DISPUTES", f"{MOST_OPEN} of yours are open.")
    number = numbers.draw("D", now)
    dispute_id = _raise(session, claim, order, number, by, now)
    rows = {"share_ids": [row.id for row in concerned], "parties": [row.party for row in concerned]}
    session.execute(_CONCERN, {"dispute_id": dispute_id, **rows})
    hold(session, share_ids=rows["share_ids"], cause=cause_of(number), at=now)
    step(session, dispute_id, number, StepKind.OPENED, actor=claim.claimant, said=claim.said, at=now)
    audit.note(
        session,
        actor=by,
        action="dispute.open",
        subject=cause_of(number),
        before=None,
        after={"order": order.number, "kind": claim.kind.value, "role": claim.role.value},
        why=claim.said[: audit.MOST_WHY],
        at=now,
    )
    return number


def say(session: Session, *, number: str, party: str, said: str, now: datetime) -> None:
    """Add one side's evidence. Refuses who is no side of it (NotFound), and WRONG_STATE when it is too late."""
    dispute = get(session, number)
    if party != dispute.claimant and party not in sides(session, dispute.id):
        raise NotFound("NOT_FOUND", "No such dispute.")
    late = dispute.evidence_until is not None and now >= dispute.evidence_until
    if dispute.state not in (DisputeState.OPEN, DisputeState.EVIDENCE) or late:
        raise Conflict("WRONG_STATE", "Evidence is no longer taken.")
    step(session, dispute.id, number, StepKind.SAID, actor=party, said=said, at=now)


def hear(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Begin to hear the sides of what was raised: OPEN -> EVIDENCE for five days. Answers how many; repeat until 0."""
    numbers_ = list(session.execute(_TO_HEAR, {"limit": limit}).scalars())
    for number in numbers_:
        dispute = get(session, number)
        until = rules.evidence_until(now)
        session.execute(_HEAR, {"id": dispute.id, "until": until})
        step(session, dispute.id, number, StepKind.HEARING, actor=CLOCK, said="", at=now)
    return len(numbers_)


def end_hearings(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Say once of each dispute whose five days are over that it waits for its decision. Repeat until 0."""
    numbers_ = list(session.execute(_TO_CLOSE, {"limit": limit, "now": now}).scalars())
    for number in numbers_:
        dispute = get(session, number)
        session.execute(_CLOSE, {"id": dispute.id, "now": now})
        step(session, dispute.id, number, StepKind.HEARD, actor=CLOCK, said="", at=now)
    return len(numbers_)


def get(session: Session, number: str) -> Row[Any]:
    """The dispute, locked until the end of the transaction. Raises NotFound."""
    row = session.execute(_HOLD, {"number": number}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such dispute.")
    return row


def sides(session: Session, dispute_id: int) -> list[str]:
    """Who held the rows when the dispute was raised."""
    return list(session.execute(_SIDES, {"id": dispute_id}).scalars())


def step(
    session: Session, dispute_id: int, number: str, kind: StepKind, *, actor: str, said: str, at: datetime
) -> None:
    """Note what happened and have it told to the parties. The caller holds the dispute's row."""
    facts = {"dispute_id": dispute_id, "kind": kind.value, "actor": actor, "said": said, "at": at}
    step_id = session.execute(_STEP, facts).scalar_one()
    if kind is not StepKind.SAID:
        defer(session, TELL_JOB, step_id=int(step_id))


def _concerned(session: Session, claim: Claim, order: Row[Any]) -> list[Row[Any]]:
    facts = {
        "order_id": order.id,
        "role": claim.role.value,
        "roles": f'[{{"role": "{claim.role.value}"}}]',
        "kind": claim.kind.value,
        "claimant": claim.claimant,
    }
    return list(session.execute(_CONCERNED, facts).all())


def _refuse_late(session: Session, order: Row[Any], share_ids: list[int], now: datetime) -> None:
    until = rules.disputable_until(order.created_at, published(session, share_ids))
    if now >= until:
        raise Conflict("DISPUTE_TOO_LATE", "An order is disputed within 30 days, or 7 after its statement.")


def published(session: Session, share_ids: list[int]) -> list[datetime]:
    """When statements that show these rows were published."""
    return list(session.execute(_PUBLISHED, {"share_ids": share_ids}).scalars())


def _raise(session: Session, claim: Claim, order: Row[Any], number: str, by: str, now: datetime) -> int:
    facts = {
        "number": number,
        "kind": claim.kind.value,
        "role": claim.role.value,
        "order_id": order.id,
        "order_number": order.number,
        "claimant": claim.claimant,
        "raised_by": by,
        "at": now,
    }
    dispute_id = session.execute(_RAISE, facts).scalar()
    if dispute_id is None:
        raise Conflict("DISPUTED_BEFORE", "This claim was raised before.")
    return int(dispute_id)
