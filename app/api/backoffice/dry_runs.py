"""Dry runs over HTTP: ask, wait, look. Head office only: a report names what everybody earns."""

from datetime import datetime
from typing import Annotated, Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, operator, parts, roles_only
from app.api.schema import ApiModel, Code, Fen, Int, Moment, PageQuery, answer
from app.base.clock import iso
from app.dry_run import asking
from app.dry_run.asking import Report
from models.dry_run import DryRunState
from models.operators import OperatorRole

bp = APIBlueprint(
    "backoffice_dry_runs",
    __name__,
    url_prefix="/api/backoffice/dry-runs",
    abp_tags=[
        Tag(
            name="Back office: dry runs",
            description="A past period under another policy: who gains, who loses",
        )
    ],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 422),
)
bp.before_request(roles_only(OperatorRole.MARKETING, OperatorRole.FINANCE))
LIST, PARTIES = "dry_runs", "dry_run_parties"


class AskBody(ApiModel):
    """Replay the orders placed from `since` on and before `until` under a version of any stage."""

    policy: Annotated[Code, Field(examples=["DEFAULT"])]
    version: Annotated[Int, Field(ge=1, le=1_000_000, examples=[2])]
    since: Annotated[Moment, Field(examples=["2026-10-01T00:00:00+08:00"])]
    until: Annotated[Moment, Field(examples=["2026-11-01T00:00:00+08:00"])]


class RunPath(ApiModel):
    """One run."""

    number: Annotated[Code, Field(description="Such as D261121K7M2QX9P")]


class GainOut(ApiModel):
    """What somebody has now and would have then, refunds taken off."""

    now_fen: Fen
    then_fen: Fen
    delta_fen: Annotated[Fen, Field(description="Positive = would gain")]


class PartyOut(GainOut):
    """One party."""

    party: str = Field(examples=["clerk:C-SZFT-01"])
    name: str | None = Field(examples=["林晓雨"])


class RoleOut(GainOut):
    """One role."""

    role: str = Field(examples=["SELL_CLERK"])


class StoreOut(GainOut):
    """One store: its own shares and those of its clerks."""

    store: str = Field(examples=["SZ-FT"])


class RunOut(ApiModel):
    """One run as far as it is: WAITING, RUNNING, DONE or FAILED."""

    number: str
    policy: str
    version: int
    since: str
    until: str
    state: str = Field(description=", ".join(DryRunState), examples=["RUNNING"])
    orders_done: int
    orders_total: int
    problem: str | None
    created_by: str
    created_at: str
    started_at: str | None
    finished_at: str | None


class ResultOut(ApiModel):
    """What came out. `fixed_lines` were decided by people since and stay as they are under any policy."""

    orders: int
    lines: int
    decided_lines: int
    fixed_lines: int
    changed_lines: int
    whole: GainOut
    roles: list[RoleOut]
    stores: list[StoreOut]
    gainers: list[PartyOut]
    losers: list[PartyOut]


class ReportOut(RunOut):
    """One run with its result; null until it is DONE."""

    result: ResultOut | None


class RunsOut(ApiModel):
    """A page of runs, newest first."""

    items: list[RunOut]
    next: str | None


class PartiesOut(ApiModel):
    """A page of parties, the greatest gain first; none until the run is DONE."""

    items: list[PartyOut]
    next: str | None


@bp.post("", responses={"202": RunOut})
def ask_for_run(body: AskBody) -> Response:
    """Ask for a replay. The same question again, while it waits or runs, answers the same run."""
    with parts().tx() as session:
        number = asking.ask(
            session,
            code=body.policy,
            version=body.version,
            since=body.since,
            until=body.until,
            by=operator().actor,
            now=parts().now(),
        )
        return answer(RunOut(**_run(asking.get_report(session, number))), 202)


@bp.get("", responses={"200": RunsOut})
def list_runs(query: PageQuery) -> Response:
    """All runs, newest first."""
    before_id = read_cursor(LIST, query.cursor) if query.cursor else None
    with parts().read() as connection:
        rows = asking.find_reports(connection, before_id=before_id, limit=query.limit + 1)
    more = write_cursor(LIST, rows[query.limit - 1].id) if len(rows) > query.limit else None
    return answer(RunsOut(items=[RunOut(**_run(row)) for row in rows[: query.limit]], next=more))


@bp.get("/<number>", responses={"200": ReportOut})
def show_run(path: RunPath) -> Response:
    """One run: its progress, and its result when it is done."""
    with parts().read() as connection:
        row = asking.get_report(connection, path.number)
        told = [*row.gainers, *row.losers]
        names = asking.names_of(connection, (party["party"] for party in told)) if told else {}
    tops = {"gainers": _named(row.gainers, names), "losers": _named(row.losers, names)}
    result = None if row.result is None else ResultOut.model_validate(row.result | tops)
    return answer(ReportOut(**_run(row), result=result))


@bp.get("/<number>/parties", responses={"200": PartiesOut})
def list_parties(path: RunPath, query: PageQuery) -> Response:
    """Everybody, the greatest gain first."""
    after = read_cursor(f"{PARTIES} {path.number}", query.cursor) if query.cursor else 0
    with parts().read() as connection:
        found = asking.parties_of(connection, path.number, after=after, limit=query.limit + 1)
        shown = found[: query.limit]
        names = asking.names_of(connection, (party["party"] for _, party in shown))
    more = write_cursor(f"{PARTIES} {path.number}", shown[-1][0]) if len(found) > query.limit else None
    items = [PartyOut.model_validate(one) for one in _named([party for _, party in shown], names)]
    return answer(PartiesOut(items=items, next=more))


def _named(parties: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    return [{**party, "name": names.get(party["party"])} for party in parties]


def _run(row: Report) -> dict[str, Any]:
    return {
        "number": row.number,
        "policy": row.policy_code,
        "version": row.policy_version,
        "since": iso(row.since),
        "until": iso(row.until),
        "state": row.state,
        "orders_done": row.orders_done,
        "orders_total": row.orders_total,
        "problem": row.problem,
        "created_by": row.created_by,
        "created_at": iso(row.created_at),
        "started_at": _iso(row.started_at),
        "finished_at": _iso(row.finished_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None
