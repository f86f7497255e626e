"""What the member decides: another clerk, none (BND-5), or no to a hand-over (BND-6)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.attribution import binding, binding_terms
from app.attribution.binding import Change
from app.attribution.serving import Served, find_service
from app.base import audit
from app.base.clock import iso
from app.base.errors import Conflict
from app.base.scope import Scope
from app.relations.holding import HeldClerk, HeldMember, get_heir, hold_member
from app.relations.rules import REFUSABLE, may_choose_at, refusable_until
from models.attribution import BindingReason

_LAST_CHOICE = text(
    """
    select max(b.valid_from) from service_binding b
    where b.reason = 'CUSTOMER' and b.member_id in (select id from member where id = :id or alias_of = :id)
    """
)
_MOVED = text(
    """
    select v.handover_id, v.member_id, v.moved_at, b.id as binding_id, b.store_id
    from service_binding b
    join handover_move v on v.member_id = b.member_id and v.to_binding_id = b.id and v.state = 'MOVED'
    join handover h on h.id = v.handover_id
    where b.member_id = :id and b.valid_to is null and b.clerk_id is not null and h.kind = any(:kinds)
    """
)
_NOTE_REFUSAL = text(
    "update handover_move set state = 'REFUSED' where handover_id = :handover_id and member_id = :member_id"
)
_REFUSED_NOW = text(
    "select 1 from service_binding where member_id = :id and valid_to is null and reason = 'REFUSED'"
)
_ON_OFFER = text(
    """
    select c.code, c.name from clerk c join store s on s.id = c.store_id
    where s.code = :store and s.status = 'OPEN' and c.status = 'ACTIVE' and c.role <> 'TEAM'
      and (c.last_day is null or c.last_day >= :day)
    order by c.code limit :limit
    """
)


@dataclass(frozen=True)
class MyClerk:
    """Who serves a member, and what the member may do about it: choose from when on, refuse until when."""

    served: Served | None
    may_choose_at: datetime | None
    may_refuse_until: datetime | None


@dataclass(frozen=True)
class OnOffer:
    """A clerk whom a member may choose."""

    code: str
    name: str


def my_clerk(reader: Session | Connection, *, member_id: int, now: datetime) -> MyClerk:
    """Who serves the member now and what may be done about it; a moment that has passed is told as None."""
    terms = binding_terms.in_effect(reader, at=now)
    last = reader.execute(_LAST_CHOICE, {"id": member_id}).scalar()
    free_at = may_choose_at(last, days=terms.choice_days)
    moved = reader.execute(_MOVED, {"id": member_id, "kinds": _kinds()}).first()
    until = refusable_until(moved.moved_at, hours=terms.refuse_hours) if moved else None
    return MyClerk(
        served=find_service(reader, member_id=member_id),
        may_choose_at=free_at if free_at and free_at > now else None,
        may_refuse_until=until if until and until >= now else None,
    )


def on_offer(reader: Session | Connection, *, store: str, day: object, limit: int = 50) -> list[OnOffer]:
    """The clerks of an open store who may be chosen on a local day; nobody for any other store."""
    rows = reader.execute(_ON_OFFER, {"store": store, "day": day, "limit": limit})
    return [OnOffer(row.code, row.name) for row in rows]


def choose(session: Session, *, member_id: int, clerk_code: str | None, now: datetime) -> None:
    """Let a member choose who serves, None = nobody in person; the acquisition stays (BND-5).

    Wins over the protection of BND-4. Choosing who serves already changes nothing and counts as nothing.
    Refuses: NotFound; CLERK_NOT_AVAILABLE; SELF_SERVICE (the member is that clerk); CHOICE_LIMIT, with
    ``again_at``, within 30 days after the last choice. Holds the member's row.
    """
    held = hold_member(session, member_id=member_id)
    clerk = get_heir(session, clerk_code, scope=Scope(), now=now) if clerk_code is not None else None
    if held.clerk_id == (clerk.id if clerk else None) and (held.binding_id is not None or clerk is None):
        return
    if clerk is not None and clerk.member_id == held.id:
        raise Conflict("SELF_SERVICE", "A clerk does not serve herself.")
    _refuse_too_soon(session, held, now)
    _begin(session, held, clerk, now)
    _note(session, held, "binding.choose", {"clerk": clerk.code if clerk else None}, now)


def refuse(session: Session, *, member_id: int, now: datetime) -> None:
    """Let a member refuse the clerk to whom staff handed her over: to the store's pool (BND-6).

    A second time changes nothing. Refuses NOTHING_TO_REFUSE when no hand-over or transfer brought the present
    clerk, or it is more than 24 hours ago. Holds the member's row.
    """
    held = hold_member(session, member_id=member_id)
    moved = session.execute(_MOVED, {"id": held.id, "kinds": _kinds()}).first()
    if moved is None and session.execute(_REFUSED_NOW, {"id": held.id}).first() is not None:
        return
    terms = binding_terms.in_effect(session, at=now)
    if moved is None or now > refusable_until(moved.moved_at, hours=terms.refuse_hours):
        raise Conflict("NOTHING_TO_REFUSE", "There is no hand-over that could still be refused.")
    change = Change(moved.binding_id, None, moved.store_id)
    actor = f"member:{held.number}"
    binding.replace(session, [change], reason=BindingReason.REFUSED, actor=actor, now=now)
    session.execute(_NOTE_REFUSAL, {"handover_id": moved.handover_id, "member_id": held.id})
    _note(session, held, "binding.refuse", {"clerk": None}, now)


def _refuse_too_soon(session: Session, held: HeldMember, now: datetime) -> None:
    terms = binding_terms.in_effect(session, at=now)
    last = session.execute(_LAST_CHOICE, {"id": held.id}).scalar()
    free_at = may_choose_at(last, days=terms.choice_days)
    if free_at is not None and now < free_at:
        raise Conflict("CHOICE_LIMIT", f"Once in {terms.choice_days} days.", again_at=iso(free_at))


def _begin(session: Session, held: HeldMember, clerk: HeldClerk | None, now: datetime) -> None:
    actor, reason = f"member:{held.number}", BindingReason.CUSTOMER
    if held.binding_id is not None and held.store_id is not None:
        change = Change(
            held.binding_id, clerk.id if clerk else None, clerk.store_id if clerk else held.store_id
        )
        binding.replace(session, [change], reason=reason, actor=actor, now=now)
        return
    assert clerk is not None
    binding.begin(
        session,
        member_id=held.id,
        clerk_id=clerk.id,
        store_id=clerk.store_id,
        reason=reason,
        actor=actor,
        now=now,
    )


def _note(
    session: Session, held: HeldMember, action: str, after: dict[str, str | None], now: datetime
) -> None:
    who = f"member:{held.number}"
    before = {"clerk": held.clerk_code, "store": held.store_code}
    audit.note(
        session,
        actor=who,
        action=action,
        subject=who,
        before=before,
        after=after,
        why="the member's own decision",
        at=now,
    )


def _kinds() -> list[str]:
    return sorted(kind.value for kind in REFUSABLE)
