"""A clerk leaves: ACTIVE -> LEAVING -> LEFT, and the members go to others first (BND-6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base import audit, queue
from app.base.clock import local_day
from app.base.db import Tx
from app.base.errors import Conflict, Invalid
from app.base.scope import Scope
from app.relations import handing_over
from app.relations.handing_over import Decided, Planned
from app.relations.holding import HeldClerk, get_clerk, get_heir
from app.relations.rules import Heir, deal, in_turn
from models.relations import HandoverKind, HandoverMode
from models.stores import ClerkStatus

log = structlog.get_logger()

MOST_CUSTOM = 1000


@dataclass(frozen=True)
class Wish:
    """How the members of a leaver are to be handed over.

    ASSIGN: all to the clerk ``to``, None = the store's pool. CUSTOM: each member number in ``custom`` to a clerk,
    None = the pool; members who are not named stay for the next hand-over.
    """

    mode: HandoverMode
    to: str | None = None
    custom: Mapping[str, str | None] | None = None


@dataclass(frozen=True)
class Part:
    """What one heir would get; no clerk = the store's pool."""

    clerk: str | None
    name: str | None
    store: str
    members: int


@dataclass(frozen=True)
class Preview:
    """What a hand-over would do, without doing it."""

    clerk: str
    total: int
    stay: int
    parts: list[Part]


_MEMBERS = text(
    """
    select m.id, m.number, b.id as binding_id, b.store_id from service_binding b join member m on m.id = b.member_id
    where b.clerk_id = :clerk_id and b.valid_to is null order by m.id
    """
)
_HEIRS = text(
    """
    select c.id, (select count(*) from service_binding b where b.clerk_id = c.id and b.valid_to is null) as members
    from clerk c
    where c.store_id = :store_id and c.id <> :clerk_id and c.status = 'ACTIVE' and c.role <> 'TEAM'
      and (c.last_day is null or c.last_day >= :day)
    """
)
_NAMES = text("select id, code, name from clerk where id = any(:ids)")
_STORES = text("select id, code from store where id = any(:ids)")
_RUNNING = text("select number from handover where from_clerk_id = :clerk_id and state = 'RUNNING' limit 1")
_BOUND = text("select count(*) from service_binding where clerk_id = :clerk_id and valid_to is null")
_LEAVING = text(
    "update clerk set status = 'LEAVING', last_day = :last_day, updated_at = :now where id = :clerk_id"
)
# The person's rights end; the codes live on for the store (TCH-3).
_LEFT = (
    text("update clerk set status = 'LEFT', updated_at = :now where id = :clerk_id"),
    text("update clerk_link set ended_at = :now where clerk_id = :clerk_id and ended_at is null"),
    text("update login set revoked_at = :now where clerk_id = :clerk_id and revoked_at is null"),
)
_DUE = text("select code from clerk where status = 'LEAVING' and last_day < :day order by code")


def start_leaving(
    session: Session, *, clerk_code: str, last_day: date, actor: str, why: str, scope: Scope, now: datetime
) -> None:
    """Note that a clerk leaves after ``last_day`` (local, counted in); a later call may move the day.

    From now on nobody new comes to the clerk, who works and earns until the end of that day (CLW-4). Refuses:
    NotFound outside ``scope``; Invalid for a day that is over; CLERK_LEFT.
    """
    clerk = _mine(session, clerk_code, scope)
    if clerk.status is ClerkStatus.LEFT:
        raise Conflict("CLERK_LEFT", "The clerk has left already.")
    if last_day < local_day(now):
        raise Invalid("The last day is over.", fields={"last_day": "today or later"})
    if (clerk.status, clerk.last_day) == (ClerkStatus.LEAVING, last_day):
        return
    session.execute(_LEAVING, {"clerk_id": clerk.id, "last_day": last_day, "now": now})
    before = {"status": clerk.status.value, "last_day": clerk.last_day and clerk.last_day.isoformat()}
    after = {"status": ClerkStatus.LEAVING.value, "last_day": last_day.isoformat()}
    _note(session, actor, "clerk.leaving", clerk, before, after, why, now)


def preview(session: Session, *, clerk_code: str, wish: Wish, scope: Scope, now: datetime) -> Preview:
    """What ``hand_over`` would do now. Writes nothing; refuses what ``hand_over`` refuses."""
    clerk = _leaver(session, clerk_code, scope)
    plan, stay = _plan(session, clerk, wish, scope, now)
    return Preview(clerk.code, len(plan), stay, _parts(session, plan))


def hand_over(
    session: Session, *, clerk_code: str, wish: Wish, actor: str, why: str, scope: Scope, now: datetime
) -> str:
    """Hand the members of a leaving clerk to others (BND-6); answers the number of the hand-over.

    Large ones go on in the job ``hand_over``. Members are told and may refuse within 24 hours. Refuses:
    NotFound outside ``scope``; NOT_LEAVING; HANDOVER_RUNNING; NOTHING_TO_HAND_OVER; NO_HEIRS (nobody else works
    at the store); CLERK_NOT_AVAILABLE; OTHER_ENTITY; Invalid naming members who are not this clerk's. Holds the
    clerk's row.
    """
    clerk = _leaver(session, clerk_code, scope)
    running = session.execute(_RUNNING, {"clerk_id": clerk.id}).scalar()
    if running is not None:
        raise Conflict("HANDOVER_RUNNING", "Members of this clerk are being handed over.", number=running)
    plan, _ = _plan(session, clerk, wish, scope, now)
    if not plan:
        raise Conflict("NOTHING_TO_HAND_OVER", "Nobody is bound to this clerk.")
    decided = Decided(HandoverKind.LEAVER, wish.mode, clerk.id, clerk.store_id, actor, why)
    number = handing_over.begin(session, decided, plan, now=now)
    parts = [{"clerk": part.clerk, "members": part.members} for part in _parts(session, plan)]
    _note(session, actor, "clerk.hand_over", clerk, None, {"handover": number, "parts": parts}, why, now)
    return number


def leave(session: Session, *, clerk_code: str, actor: str, why: str, scope: Scope, now: datetime) -> None:
    """LEAVING -> LEFT after the last day: logins end, the codes count for the store only from now on (TCH-3).

    A second time changes nothing. Refuses: NotFound outside ``scope``; NOT_LEAVING; LAST_DAY_TO_COME;
    HANDOVER_FIRST while members are bound to the clerk. Holds the clerk's row.
    """
    clerk = _mine(session, clerk_code, scope)
    if clerk.status is ClerkStatus.LEFT:
        return
    if clerk.status is not ClerkStatus.LEAVING or clerk.last_day is None:
        raise Conflict("NOT_LEAVING", "Say first when the clerk leaves.")
    if clerk.last_day >= local_day(now):
        raise Conflict("LAST_DAY_TO_COME", "The clerk works until the end of the last day.")
    bound = int(session.execute(_BOUND, {"clerk_id": clerk.id}).scalar_one())
    if bound:
        raise Conflict("HANDOVER_FIRST", f"{bound} members are bound to this clerk.", members=bound)
    for step in _LEFT:
        session.execute(step, {"clerk_id": clerk.id, "now": now})
    queue.defer(session, "revoke_clerk_codes", clerk_id=clerk.id)
    _note(session, actor, "clerk.left", clerk, {"status": "LEAVING"}, {"status": "LEFT"}, why, now)


def leave_due(tx: Tx, *, now: datetime) -> list[str]:
    """Let everybody go whose last day is over (scheduled); the codes of those who cannot, for the alarm.

    A clerk whose members nobody has taken stays LEAVING, without rights, and is reported every day.
    """
    with tx() as session:
        due = list(session.execute(_DUE, {"day": local_day(now)}).scalars())
    stay = []
    for code in due:
        try:
            with tx() as session:
                why = "the last day is over"
                leave(session, clerk_code=code, actor="rule:BND-6", why=why, scope=Scope(), now=now)
        except Conflict as refused:
            log.error("clerk_cannot_leave", clerk=code, code=refused.code, **refused.facts)
            stay.append(code)
    return stay


def _mine(session: Session, code: str, scope: Scope) -> HeldClerk:
    clerk = get_clerk(session, code, hold=True)
    scope.require(entity=clerk.entity_code, store=clerk.store_code, detail="No such clerk.")
    return clerk


def _leaver(session: Session, code: str, scope: Scope) -> HeldClerk:
    clerk = _mine(session, code, scope)
    if clerk.status is not ClerkStatus.LEAVING:
        raise Conflict("NOT_LEAVING", "Say first when the clerk leaves.")
    return clerk


def _plan(
    session: Session, clerk: HeldClerk, wish: Wish, scope: Scope, now: datetime
) -> tuple[list[Planned], int]:
    members = session.execute(_MEMBERS, {"clerk_id": clerk.id}).all()
    match wish.mode:
        case HandoverMode.EVEN_SPLIT:
            facts = {"clerk_id": clerk.id, "store_id": clerk.store_id, "day": local_day(now)}
            heirs = in_turn(Heir(row.id, row.members) for row in session.execute(_HEIRS, facts))
            if not heirs:
                raise Conflict("NO_HEIRS", "Nobody else works at this store; assign the members.")
            dealt = deal(members, heirs)
            return [Planned(m.id, m.binding_id, heir, clerk.store_id) for m, heir in dealt], 0
        case HandoverMode.ASSIGN:
            to, store_id = _target(session, clerk, wish.to, scope, now)
            return [Planned(m.id, m.binding_id, to, store_id) for m in members], 0
        case HandoverMode.CUSTOM:
            return _custom(session, clerk, wish.custom or {}, members, scope, now)


def _custom(
    session: Session,
    clerk: HeldClerk,
    wanted: Mapping[str, str | None],
    members: Sequence[Row[Any]],
    scope: Scope,
    now: datetime,
) -> tuple[list[Planned], int]:
    if not 0 < len(wanted) <= MOST_CUSTOM:
        raise Invalid("Name the members.", fields={"custom": f"1 to {MOST_CUSTOM} members"})
    targets = {code: _target(session, clerk, code, scope, now) for code in set(wanted.values())}
    mine = {m.number: m for m in members}
    strangers = [number for number in wanted if number not in mine]
    if strangers:
        told = {f"custom.{number}": "not bound to this clerk" for number in strangers[:20]}
        raise Invalid("Not all of them are this clerk's members.", fields=told)
    plan = [
        Planned(mine[number].id, mine[number].binding_id, *targets[code]) for number, code in wanted.items()
    ]
    return sorted(plan, key=lambda move: move.member_id), len(mine) - len(plan)


def _target(
    session: Session, clerk: HeldClerk, code: str | None, scope: Scope, now: datetime
) -> tuple[int | None, int]:
    if code is None:
        return None, clerk.store_id
    heir = get_heir(session, code, scope=scope, now=now)
    # Another company would be another controller of the members' data (CNS-1).
    if heir.entity_code != clerk.entity_code:
        raise Conflict("OTHER_ENTITY", "The clerk works for another company.")
    return heir.id, heir.store_id


def _parts(session: Session | Connection, plan: Sequence[Planned]) -> list[Part]:
    shares = handing_over.shares_of(plan)
    clerk_ids = [clerk_id for clerk_id, _ in shares if clerk_id is not None]
    names = {row.id: row for row in session.execute(_NAMES, {"ids": clerk_ids})}
    stores = {row.id: row.code for row in session.execute(_STORES, {"ids": [s for _, s in shares]})}
    parts = []
    for (clerk_id, store_id), members in shares.items():
        heir = names.get(clerk_id) if clerk_id is not None else None
        told = (heir.code, heir.name) if heir else (None, None)
        parts.append(Part(told[0], told[1], stores[store_id], members))
    return sorted(parts, key=lambda part: (-part.members, part.clerk or ""))


def _note(
    session: Session,
    actor: str,
    action: str,
    clerk: HeldClerk,
    before: Mapping[str, object] | None,
    after: Mapping[str, object],
    why: str,
    now: datetime,
) -> None:
    subject = f"clerk:{clerk.code}"
    audit.note(
        session, actor=actor, action=action, subject=subject, before=before, after=after, why=why, at=now
    )
