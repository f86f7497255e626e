"""Two members who turn out to be one person become one: the younger row points to the older (MRG-2)."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base import queue

_HOLD_IDENTITIES = text(
    "select id from identity where member_id in (:one, :other) order by id for no key update"
)
_HOLD_MEMBERS = text(
    "select id, alias_of, phone_hash, phone_sealed, phone_verified_at, customer_since, created_at"
    " from member where id in (:one, :other) order by created_at, id for no key update"
)
_MOVE = (
    text("update identity set member_id = :survivor where member_id = :loser"),
    text("update login set member_id = :survivor where member_id = :loser"),
    # MRG-3: the most restrictive of both. What one of them withdrew last, the other does not agree to either.
    text(
        "update consent g set withdrawn_at = greatest(g.given_at, cast(:now as timestamptz))"
        " where g.member_id in (:survivor, :loser) and g.withdrawn_at is null"
        " and exists (select from consent w where w.member_id in (:survivor, :loser)"
        "             and w.member_id <> g.member_id and w.purpose = g.purpose and w.withdrawn_at is not null"
        "             and not exists (select from consent n where n.member_id = w.member_id"
        "                             and n.purpose = w.purpose and n.withdrawn_at is null))"
    ),
    text(
        "update consent c set member_id = :survivor where c.member_id = :loser and (c.withdrawn_at is not null"
        " or not exists (select from consent s where s.member_id = :survivor and s.purpose = c.purpose"
        "                and s.withdrawn_at is null))"
    ),
    text("update clerk_link set member_id = :survivor where member_id = :loser"),
    # A person who was a clerk under both members keeps both rows; SELF reads through the alias.
    text(
        "update clerk set member_id = :survivor where member_id = :loser"
        " and not exists (select 1 from clerk c where c.member_id = :survivor)"
    ),
    text("update member set alias_of = :survivor where alias_of = :loser or id = :loser"),
    text(
        "update member s set customer_since = least(s.customer_since, l.customer_since),"
        " phone_hash = coalesce(s.phone_hash, l.phone_hash),"
        " phone_sealed = coalesce(s.phone_sealed, l.phone_sealed),"
        " phone_verified_at = coalesce(s.phone_verified_at, l.phone_verified_at)"
        " from member l where s.id = :survivor and l.id = :loser"
    ),
    text(
        "insert into member_merge (survivor_id, loser_id, reason, merged_at)"
        " values (:survivor, :loser, :reason, :now)"
    ),
)


def merge(session: Session, one: int, other: int, *, reason: str, now: datetime) -> int:
    """Make the younger of two members an alias of the older; answers the survivor's id (MRG-2).

    Identities, logins and the link to a clerk move to the survivor, which also takes the verified phone
    if it had none and the earlier of both first purchases. The loser's row stays (MRG-6). What upper
    rooms keep by member (acquisition, binding, orders, frozen shares) follows in the job
    ``member_merged``, which commits with this transaction. Merging what is merged already changes nothing.
    Takes the rows of all identities of both, then of both members, each in order of id or age.
    """
    both = {"one": one, "other": other}
    session.execute(_HOLD_IDENTITIES, both)
    held = session.execute(_HOLD_MEMBERS, both).all()
    if len(held) < 2:
        return one
    survivor, loser = held
    if loser.alias_of is not None or survivor.alias_of is not None:
        return int(survivor.alias_of or loser.alias_of or survivor.id)
    facts = {"survivor": survivor.id, "loser": loser.id, "reason": reason, "now": now}
    for step in _MOVE:
        session.execute(step, facts)
    queue.defer(session, "member_merged", survivor_id=survivor.id, loser_id=loser.id)
    return int(survivor.id)
