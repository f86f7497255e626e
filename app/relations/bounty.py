"""A bounty for the clerk of a qualified new member (BND-11): off unless the terms say otherwise, never for the fan.

Ledger: ``expense:bounty:<head office>`` -> ``bounty:frozen:clerk:<code>`` -> ``bounty:payable:clerk:<code>``.
"""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.attribution import binding_terms
from app.attribution.binding_terms import Terms
from app.base.clock import days_after, local_day, start_of_day
from app.base.db import Tx
from app.ledger.posting import Posting, post
from models.relations import BountyState

BATCH = 200
# What was never judged within this time after its day never will be.
LOOK_BACK_DAYS = 60

_EVER_ON = text(
    "select 1 from binding_terms where approved_at is not null and (params ->> 'bounty_on')::boolean limit 1"
)
_TO_JUDGE = text(
    """
    select a.member_id, a.clerk_id, c.code as clerk_code, a.touch_id, a.acquired_at,
           m.phone_verified_at, m.alias_of is not null as is_alias,
           (select min(k.created_at) from member k where k.id = m.id or k.alias_of = m.id) as met_at,
           exists (select from identity i where i.member_id = m.id and i.app = 'OA' and i.followed) as follows,
           (select max(i.follow_changed_at) from identity i where i.member_id = m.id and i.app = 'OA') as changed_at
    from acquisition a join member m on m.id = a.member_id join clerk c on c.id = a.clerk_id
    where a.kind = 'ACQUISITION' and a.acquired_at >= :since and a.acquired_at < :before
      and not exists (select from bounty y where y.member_id = a.member_id)
    order by a.acquired_at, a.touch_id limit :limit
    """
)
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('bounty ' || cast(:clerk_id as text), 0))")
_PLACE = text(
    "select coalesce(max(place), 0) from bounty where clerk_id = :clerk_id and acquired_on = :acquired_on"
)
_WRITE = text(
    """
    insert into bounty (member_id, clerk_id, touch_id, acquired_on, place, amount_fen, state, reason, judged_at,
                        releasable_at)
    values (:member_id, :clerk_id, :touch_id, :acquired_on, :place, :amount_fen, :state, :reason, :now,
            :releasable_at)
    on conflict (member_id) do nothing returning member_id
    """
)
_HQ = text("select code from legal_entity where kind = 'HQ' order by id limit 1")
_DUE = text(
    """
    select y.member_id, y.amount_fen, c.code as clerk_code,
           m.alias_of is null and a.clerk_id = y.clerk_id as stands
    from bounty y join clerk c on c.id = y.clerk_id join member m on m.id = y.member_id
    left join acquisition a on a.member_id = y.member_id
    where y.state = 'FROZEN' and y.releasable_at <= :now
    order by y.member_id limit :limit for update of y skip locked
    """
)
_SETTLE = text("update bounty set state = :state, reason = :reason where member_id = :member_id")


def judge_due(tx: Tx, *, now: datetime) -> int:
    """Judge the acquisitions whose days are over, in the order of their touches (scheduled); how many.

    Qualified: first met here, registered with a verified phone, and still following when 24:00 of the seventh
    day comes. At most 20 of a clerk and day earn. Each member is judged once, whatever comes after.
    """
    judged = 0
    while True:
        with tx() as session:
            some = _judge_some(session, now)
        judged += some
        if some < BATCH:
            return judged


def release_due(session: Session, *, now: datetime, limit: int = BATCH) -> int:
    """Make bounties certain whose freeze is over; what a merge gave to somebody else is taken back. How many."""
    rows = session.execute(_DUE, {"now": now, "limit": limit}).all()
    if not rows:
        return 0
    hq = session.execute(_HQ).scalar_one()
    for row in rows:
        frozen = f"bounty:frozen:clerk:{row.clerk_code}"
        state, kind, to = BountyState.PAYABLE, "BOUNTY_RELEASE", f"bounty:payable:clerk:{row.clerk_code}"
        if not row.stands:
            state, kind, to = BountyState.TAKEN_BACK, "BOUNTY_TAKE_BACK", f"expense:bounty:{hq}"
        post(session, _posting(row.member_id, kind, frozen, to, row.amount_fen, now))
        reason = None if row.stands else "ACQUIRED_BY_ANOTHER"
        session.execute(_SETTLE, {"member_id": row.member_id, "state": state.value, "reason": reason})
    return len(rows)


def _judge_some(session: Session, now: datetime) -> int:
    if session.execute(_EVER_ON).first() is None:
        return 0
    terms = binding_terms.in_effect(session, at=now)
    today = local_day(now)
    facts = {
        "since": start_of_day(today - timedelta(days=LOOK_BACK_DAYS)),
        "before": start_of_day(today - timedelta(days=terms.bounty_after_days)),
        "limit": BATCH,
    }
    rows = session.execute(_TO_JUDGE, facts).all()
    for row in rows:
        _judge(session, row, binding_terms.in_effect(session, at=row.acquired_at), now)
    return len(rows)


def _judge(session: Session, row: Row[Any], terms: Terms, now: datetime) -> None:
    session.execute(_LOCK, {"clerk_id": row.clerk_id})
    acquired_on = local_day(row.acquired_at)
    reason = _unqualified(row, terms)
    place = None
    if reason is None:
        here = {"clerk_id": row.clerk_id, "acquired_on": acquired_on}
        place = int(session.execute(_PLACE, here).scalar_one()) + 1
        if place > terms.bounty_per_day:
            reason, place = "DAY_IS_FULL", None
    amount_fen = terms.bounty_fen if place is not None else 0
    written = _write(session, row, acquired_on, place, amount_fen, reason, terms, now)
    if written and amount_fen:
        hq = session.execute(_HQ).scalar_one()
        frozen = f"bounty:frozen:clerk:{row.clerk_code}"
        post(
            session, _posting(row.member_id, "BOUNTY_ACCRUE", f"expense:bounty:{hq}", frozen, amount_fen, now)
        )


def _unqualified(row: Row[Any], terms: Terms) -> str | None:
    deadline = days_after(row.acquired_at, terms.bounty_after_days + 1)
    if not terms.bounty_on:
        return "BOUNTY_OFF"
    # First-ever: of an older member, or one joined with an older one, the person was known before.
    if row.is_alias or local_day(row.met_at) < local_day(row.acquired_at):
        return "KNOWN_BEFORE"
    if row.phone_verified_at is None or row.phone_verified_at >= deadline:
        return "NOT_REGISTERED"
    # What changed after the deadline was the other way round at the deadline.
    followed = row.follows if row.changed_at is None or row.changed_at < deadline else not row.follows
    return None if followed else "NOT_FOLLOWING"


def _write(
    session: Session,
    row: Row[Any],
    acquired_on: date,
    place: int | None,
    amount_fen: int,
    reason: str | None,
    terms: Terms,
    now: datetime,
) -> bool:
    facts = {
        "member_id": row.member_id,
        "clerk_id": row.clerk_id,
        "touch_id": row.touch_id,
        "acquired_on": acquired_on,
        "place": place,
        "amount_fen": amount_fen,
        "state": (BountyState.FROZEN if amount_fen else BountyState.DROPPED).value,
        "reason": reason,
        "now": now,
        "releasable_at": days_after(now, terms.bounty_freeze_days + 1) if amount_fen else None,
    }
    return session.execute(_WRITE, facts).first() is not None


def _posting(member_id: int, kind: str, debit: str, credit: str, amount_fen: int, now: datetime) -> Posting:
    return Posting(f"{kind.lower()}:{member_id}", kind, f"bounty:{member_id}", debit, credit, amount_fen, now)
