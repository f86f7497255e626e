"""Asking for a dry run and looking at it: a row that a worker fills."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base import numbers
from app.base.errors import Invalid, NotFound
from app.base.queue import defer
from models.dry_run import DryRunState

JOB = "dry_run"
LONGEST = timedelta(days=1100)
# Gainers and losers that the report itself names; the list of all is asked for page by page.
TOP = 20

_POLICY = text("select 1 from attribution_policy where code = :code and version = :version")
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('dry run ' || :code || ' ' || :version, 0))")
_SAME = text(
    """
    select number from dry_run where policy_code = :code and policy_version = :version
      and since = :since and until = :until and created_by = :by and state in ('WAITING', 'RUNNING')
    """
)
_ASK = text(
    """
    insert into dry_run (number, policy_code, policy_version, since, until, state, orders_done, orders_total,
                         created_by, created_at)
    values (:number, :code, :version, :since, :until, 'WAITING', 0, 0, :by, :now)
    """
)
_COLUMNS = """
    d.id, d.number, d.policy_code, d.policy_version, d.since, d.until, d.state, d.orders_done, d.orders_total,
    d.problem, d.created_by, d.created_at, d.started_at, d.finished_at
"""
_PAGE = text(
    f"""
    select {_COLUMNS}, null as result, null as gainers, null as losers from dry_run d
    where (cast(:before_id as bigint) is null or d.id < :before_id) order by d.id desc limit :limit
    """
)
_ONE = text(
    f"""
    select {_COLUMNS}, d.result - 'parties' as result,
           jsonb_path_query_array(d.result, '$.parties[0 to {TOP - 1}] ? (@.delta_fen > 0)') as gainers,
           jsonb_path_query_array(d.result, '$.parties[last - {TOP - 1} to last] ? (@.delta_fen < 0)') as losers
    from dry_run d where d.number = :number
    """
)
_PARTIES = text(
    """
    select d.state, p.value as party, p.ordinality as place from dry_run d
    left join lateral jsonb_array_elements(d.result -> 'parties') with ordinality p on p.ordinality > :after
    where d.number = :number order by p.ordinality limit :limit
    """
)
_NAMES = text(
    """
    select 'clerk:' || code as party, name from clerk where code = any(:codes) union all
    select 'store:' || code, name from store where code = any(:codes) union all
    select 'entity:' || code, name from legal_entity where code = any(:codes)
    """
)


@dataclass(frozen=True, slots=True)
class Report:
    """A dry run as far as it is. ``result`` is None until it is DONE; ``losers`` have the greatest loss first."""

    id: int
    number: str
    policy_code: str
    policy_version: int
    since: datetime
    until: datetime
    state: DryRunState
    orders_done: int
    orders_total: int
    problem: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    gainers: list[dict[str, Any]]
    losers: list[dict[str, Any]]


def ask(
    session: Session, *, code: str, version: int, since: datetime, until: datetime, by: str, now: datetime
) -> str:
    """Ask for a replay of the orders placed in [since, until) under a version; answers the run's number.

    The same question of the same person while it waits or runs answers that run. Refuses (Invalid) an
    empty period, one longer than ``LONGEST`` or one that is not over, and an unknown version (NotFound).
    """
    wrong = {}
    if until <= since or until - since > LONGEST:
        wrong["until"] = f"must be after since, by at most {LONGEST.days} days"
    elif until > now:
        wrong["until"] = "must not lie in the future"
    if wrong:
        raise Invalid("Such a period cannot be replayed.", fields=wrong)
    which = {"code": code, "version": version}
    if session.execute(_POLICY, which).first() is None:
        raise NotFound("NOT_FOUND", "No such version of a policy.")
    session.execute(_LOCK, {"code": code, "version": str(version)})
    asked = {**which, "since": since, "until": until, "by": by}
    same = session.execute(_SAME, asked).scalar()
    if same is not None:
        return str(same)
    number = numbers.draw("D", now)
    session.execute(_ASK, {**asked, "number": number, "now": now})
    defer(session, JOB, number=number)
    return number


def find_reports(
    reader: Session | Connection, *, before_id: int | None = None, limit: int = 20
) -> list[Report]:
    """The runs, newest first, without their results; the page after the row ``before_id``."""
    return [_report(row) for row in reader.execute(_PAGE, {"before_id": before_id, "limit": limit})]


def get_report(reader: Session | Connection, number: str) -> Report:
    """One run with its result but for the list of all parties. Refuses an unknown number (NotFound)."""
    row = reader.execute(_ONE, {"number": number}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such dry run.")
    return _report(row)


def parties_of(
    reader: Session | Connection, number: str, *, after: int = 0, limit: int = 20
) -> list[tuple[int, dict[str, Any]]]:
    """The parties of a finished run, the greatest gain first, with their places 1, 2, ...; from after a place on.

    None yet while it runs. Refuses an unknown number (NotFound).
    """
    rows = reader.execute(_PARTIES, {"number": number, "after": after, "limit": limit}).all()
    if not rows:
        raise NotFound("NOT_FOUND", "No such dry run.")
    return [(int(row.place), row.party) for row in rows if row.place is not None]


def names_of(reader: Session | Connection, parties: Iterable[str]) -> dict[str, str]:
    """The names of parties, for people; an unknown one has none."""
    rows = reader.execute(_NAMES, {"codes": [party.partition(":")[2] for party in parties]})
    return {row.party: row.name for row in rows}


def _report(row: Row[Any]) -> Report:
    facts = dict(row._mapping)
    facts |= {"gainers": row.gainers or [], "losers": (row.losers or [])[::-1]}
    return Report(**facts | {"state": DryRunState(row.state)})
