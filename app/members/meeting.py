"""Meeting a person: the member behind (appid, openid), made at the first meeting."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Stroke
from app.base.inbox import Arrival
from app.base.numbers import draw
from app.members import merging
from models.members import AppKind


@dataclass(frozen=True)
class Met:
    """Whom we met. ``member_id`` is never an alias. ``wants_unionid``: WeChat has not told it yet."""

    member_id: int
    identity_id: int
    is_new: bool
    wants_unionid: bool


# One statement: it records that the person was heard, and holds the identity and the member until the
# transaction ends, so that whoever meets the same person at the same moment stands in line (TCH-4).
# A follow or unfollow that arrives late must not undo a later one (BND-10).
_GREET = text(
    """
    with i as (
        update identity set
            last_heard_at = :now,
            spoke_at = case when cast(:spoke as boolean) then :now else spoke_at end,
            followed = case when cast(:followed as boolean) is null or follow_changed_at > :at
                            then followed else cast(:followed as boolean) end,
            follow_changed_at = case when cast(:followed as boolean) is null or follow_changed_at > :at
                                     then follow_changed_at else :at end
        where appid = :appid and openid = :openid
        returning id, member_id, unionid)
    select i.id as identity_id, i.unionid, m.id as member_id
    from i join member m on m.id = i.member_id
    for no key update of m
    """
)

# What somebody says whom we know, with the answer, in one statement: nothing else is written for it. A second
# copy waits for the identity's row and then finds the first in the inbox.
_HEARD_AGAIN = text(
    """
    with i as (
        update identity set
            last_heard_at = :now,
            spoke_at = case when cast(:spoke as boolean) then :now else spoke_at end
        where appid = :appid and openid = :openid
        returning id)
    insert into inbox (source, key, kind, detail, answer)
    select :source, :key, :kind, '{}', :answer from i
    on conflict (source, key) do nothing returning true
    """
)

_WELCOME = text(
    """
    with m as (
        insert into member (number, created_at) values (:number, :now) returning id),
    i as (
        insert into identity (member_id, app, appid, openid, unionid, followed, follow_changed_at,
                              last_heard_at, spoke_at, created_at)
        select m.id, :app, :appid, :openid, :unionid, coalesce(cast(:followed as boolean), false),
               case when cast(:followed as boolean) is null then null else cast(:at as timestamptz) end,
               :now, case when cast(:spoke as boolean) then cast(:now as timestamptz) end, :now
        from m
        on conflict (appid, openid) do nothing
        returning id)
    select m.id as member_id, i.id as identity_id from m left join i on true
    """
)
_FORGET_UNMET = text("delete from member where id = :member_id")

_LOCK_UNIONID = text("select pg_advisory_xact_lock(hashtextextended('unionid ' || :unionid, 0))")
_KNOWN = text("select unionid from identity where appid = :appid and openid = :openid")
_BY_UNIONID = text("select member_id from identity where unionid = :unionid limit 1")
_SET_UNIONID = text("update identity set unionid = :unionid where id = :identity_id")
_ADD_IDENTITY = text(
    """
    insert into identity (member_id, app, appid, openid, unionid, followed, last_heard_at, created_at)
    values (:member_id, :app, :appid, :openid, :unionid, false, :now, :now)
    on conflict (appid, openid) do nothing returning id
    """
)
_UNFOLLOW = text(
    "update identity set followed = false, follow_changed_at = :at where appid = :appid and openid = :openid"
    " and coalesce(follow_changed_at <= :at, true)"
)
_HOLDER = text("select member_id, unionid from identity where id = :identity_id")


def meet(
    session: Session,
    *,
    app: AppKind,
    appid: str,
    openid: str,
    unionid: str | None = None,
    followed: bool | None = None,
    at: datetime | None = None,
    spoke: bool = False,
    now: datetime,
) -> Met:
    """The member behind an openid, made when nobody of that openid was met before (MRG-1).

    ``followed``: what the person just did to the official account, at the platform's second ``at``;
    None leaves it. ``spoke``: it was a message of the person's own. With ``unionid`` the person is joined
    with the member who has it already, by a merge if both were members (MRG-2, MRG-5). Holds the identity's
    and the member's row until the transaction ends; safe when the same person is met many times at once.
    """
    facts: dict[str, Any] = {"app": app.value, "appid": appid, "openid": openid}
    facts |= {"followed": followed, "at": at or now, "spoke": spoke, "now": now}
    if unionid is None:
        return _greet(session, facts) or _welcome(session, facts)
    return _meet_by_unionid(session, facts, unionid)


def heard_again(
    stroke: Stroke,
    *,
    appid: str,
    openid: str,
    spoke: bool,
    arrival: Arrival,
    now: datetime,
) -> bool:
    """Note that somebody was heard and take the arrival into the inbox, in one statement (TCH-2).

    False, and nothing else happened, for a person never met and for a repeat: those are for ``meet`` and
    ``inbox.claim``.
    """
    facts = {"appid": appid, "openid": openid, "spoke": spoke, "now": now, **arrival._asdict()}
    return stroke(_HEARD_AGAIN, facts).first() is not None


def lost_follower(session: Session, *, appid: str, openid: str, at: datetime) -> None:
    """Note an unfollow: pushes to the person stop, bindings stay (BND-10). Somebody never met stays unmet."""
    session.execute(_UNFOLLOW, {"appid": appid, "openid": openid, "at": at})


def learn_unionid(session: Session, *, identity_id: int, unionid: str, now: datetime) -> int:
    """Write down a unionid that WeChat told after the first meeting (MRG-5); the surviving member's id.

    Joins with the member who has the unionid already. Same unionid again: nothing happens. Another one
    replaces the old: the app was moved to another open-platform account.
    """
    session.execute(_LOCK_UNIONID, {"unionid": unionid})
    held = session.execute(_HOLDER, {"identity_id": identity_id}).one()
    if held.unionid == unionid:
        return int(held.member_id)
    return _take_unionid(session, identity_id, int(held.member_id), unionid, now)


def _greet(session: Session, facts: dict[str, Any]) -> Met | None:
    row = session.execute(_GREET, facts).first()
    return Met(row.member_id, row.identity_id, False, row.unionid is None) if row else None


def _welcome(session: Session, facts: dict[str, Any], unionid: str | None = None) -> Met:
    made = session.execute(_WELCOME, {**facts, "number": draw("M", facts["now"]), "unionid": unionid}).one()
    if made.identity_id is not None:
        return Met(made.member_id, made.identity_id, True, unionid is None)
    # Somebody else met the same person a moment ago and has committed: ours was never anybody.
    session.execute(_FORGET_UNMET, {"member_id": made.member_id})
    met = _greet(session, facts)
    assert met is not None
    return met


def _meet_by_unionid(session: Session, facts: dict[str, Any], unionid: str) -> Met:
    # Before any row: two apps that meet one person at the same moment must see each other's member.
    session.execute(_LOCK_UNIONID, {"unionid": unionid})
    known = session.execute(_KNOWN, facts).first()
    if known is None:
        member_id = session.execute(_BY_UNIONID, {"unionid": unionid}).scalar()
        if member_id is None:
            met = _welcome(session, facts, unionid)
            if met.is_new:
                return met
        else:
            session.execute(_ADD_IDENTITY, {**facts, "member_id": member_id, "unionid": unionid})
    met = _greet(session, facts) or _welcome(session, facts, unionid)
    if known is not None and known.unionid == unionid:
        return met
    member_id = _take_unionid(session, met.identity_id, met.member_id, unionid, facts["now"])
    return Met(member_id, met.identity_id, known is None, False)


def _take_unionid(session: Session, identity_id: int, member_id: int, unionid: str, now: datetime) -> int:
    other = session.execute(_BY_UNIONID, {"unionid": unionid}).scalar()
    if other is not None and other != member_id:
        member_id = merging.merge(session, member_id, int(other), reason="UNIONID", now=now)
    session.execute(_SET_UNIONID, {"identity_id": identity_id, "unionid": unionid})
    return member_id
