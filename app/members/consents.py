"""What a member agreed to (CNS-1): given for a purpose and a text, withdrawn at any time. No row = no."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from models.members import Purpose

_GIVE = text(
    """
    insert into consent (member_id, purpose, doc_version, channel, given_at)
    values (:member_id, :purpose, :doc_version, :channel, :now)
    on conflict (member_id, purpose) where withdrawn_at is null do nothing
    """
)
_WITHDRAW = text(
    "update consent set withdrawn_at = greatest(given_at, cast(:now as timestamptz))"
    " where member_id = :member_id and purpose = :purpose and withdrawn_at is null"
)
# Another text is another agreement: the old one ends where the new one begins.
_OUTDATE = text(
    "update consent set withdrawn_at = greatest(given_at, cast(:now as timestamptz)) where member_id = :member_id"
    " and purpose = :purpose and withdrawn_at is null and doc_version <> :doc_version"
)
_GIVEN = text(
    "select purpose, doc_version, given_at from consent where member_id = :member_id and withdrawn_at is null"
    " order by purpose"
)


@dataclass(frozen=True)
class Agreed:
    """One consent in force."""

    purpose: Purpose
    doc_version: str
    given_at: datetime


def agreed_sql(member_id: str, purpose: Purpose) -> str:
    """Whether a consent is in force, as an SQL condition on a column that holds the member's id (CNS-1)."""
    # A value and no EXISTS: the planner would read the whole table once to answer that for a page of rows.
    return (
        f"coalesce((select true from consent cs where cs.member_id = {member_id}"
        f" and cs.purpose = '{purpose.value}' and cs.withdrawn_at is null limit 1), false)"
    )


def given(reader: Session | Connection, *, member_id: int) -> list[Agreed]:
    """The consents of a member that are in force."""
    rows = reader.execute(_GIVEN, {"member_id": member_id})
    return [Agreed(Purpose(row.purpose), row.doc_version, row.given_at) for row in rows]


def give(
    session: Session, *, member_id: int, purpose: Purpose, doc_version: str, channel: str, now: datetime
) -> None:
    """Note that a member agreed to a text; the same again changes nothing, a newer text replaces the older."""
    facts = {"member_id": member_id, "purpose": purpose.value, "doc_version": doc_version, "now": now}
    session.execute(_OUTDATE, facts)
    session.execute(_GIVE, {**facts, "channel": channel})


def withdraw(session: Session, *, member_id: int, purpose: Purpose, now: datetime) -> None:
    """Note that a member agrees no longer; the row stays as proof of what held until now."""
    session.execute(_WITHDRAW, {"member_id": member_id, "purpose": purpose.value, "now": now})
