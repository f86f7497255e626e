"""Disputes and fraud findings in the back office: raised, heard, decided and booked (DSP-1, FRD-2)."""

from typing import Annotated, Any

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field

from app.api.blueprints import guarded
from app.api.cursors import read_cursor, write_cursor
from app.api.guard import operator, operators_only, parts, roles_only
from app.api.review_shapes import (
    CLAIMS,
    DisputeBody,
    DisputePath,
    DisputesOut,
    OpenedOut,
    SaidBody,
    StoryOut,
    dispute_out,
    story_out,
)
from app.api.schema import ApiModel, Code, Fen, Int, PageQuery, Text, answer, language
from app.base.clock import iso
from app.base.errors import Forbidden, Invalid
from app.review import deciding, disputing, findings, reading, words
from app.review.deciding import Decision
from app.review.disputing import Claim
from app.review.interest import Judge
from app.review.reading import FindingRow
from models.operators import OperatorRole
from models.review import DisputeOutcome, DisputeState, FindingState, RiskRule

TAG = Tag(name="Back office: reviews", description="Disputes, and findings of the fraud detectors")


bp = guarded("backoffice_disputes", TAG, operators_only, 404, 409)
judges = guarded("backoffice_judges", TAG, roles_only(OperatorRole.SERVICE, OperatorRole.FINANCE), 404, 409)
bookers = guarded("backoffice_bookers", TAG, roles_only(OperatorRole.FINANCE), 404, 409)

Why = Annotated[
    Text,
    Field(min_length=1, max_length=500, description="Read by every side", examples=["监控与聊天记录一致"]),
]


class DisputeQuery(PageQuery):
    """All, or those in one state."""

    state: Annotated[DisputeState | None, Field(default=None)]


class FindingQuery(PageQuery):
    """All, or those in one state."""

    state: Annotated[FindingState | None, Field(default=None)]


class HeirIn(ApiModel):
    """Who gets which part, in 1/10000."""

    party: Annotated[
        str, Field(pattern=r"^(clerk|store|entity):[A-Za-z0-9-]{1,32}$", examples=["clerk:C-SZFT-01"])
    ]
    part_bp: Annotated[Int, Field(ge=1, le=10000, examples=[6000])]


class DecisionBody(ApiModel):
    """UPHOLD: nothing moves. CHANGE: to one party, without ``heirs`` the claimant. SPLIT: to several."""

    outcome: DisputeOutcome
    heirs: Annotated[list[HeirIn], Field(default_factory=list, max_length=10)]
    why: Why


class VerdictBody(ApiModel):
    """Fraud, or a false alarm."""

    confirmed: bool
    why: Why


class FindingPath(ApiModel):
    """A finding by number."""

    number: Annotated[Code, Field(description="Such as F260303K7M2QX9P")]


class FindingOut(ApiModel):
    """A finding. ``facts``: counts and times, nobody's name."""

    number: str
    rule: RiskRule
    what: str
    state: FindingState
    clerk: str | None
    member: str | None
    facts: dict[str, Any]
    rows: int
    held_fen: Fen
    found_at: str
    decided_at: str | None
    decided_by: str | None
    why: str | None


class FindingsOut(ApiModel):
    """A page of findings, newest first."""

    items: list[FindingOut]
    next: str | None


@bp.get("/disputes", responses={"200": DisputesOut})
def disputes(query: DisputeQuery) -> Response:
    """Disputes of parties within the own scope."""
    before = None if query.cursor is None else read_cursor("office-disputes", query.cursor)
    with parts().read() as connection:
        found = reading.of_scope(
            connection, operator().scope, state=query.state, before=before, limit=query.limit + 1
        )
    shown = found[: query.limit]
    more = write_cursor("office-disputes", shown[-1].id) if len(found) > query.limit else None
    return answer(DisputesOut(items=[dispute_out(row, language()) for row in shown], next=more))


@bp.get("/disputes/<number>", responses={"200": StoryOut})
def dispute(path: DisputePath) -> Response:
    """One of them, step by step."""
    scope = operator().scope
    with parts().read() as connection:
        found = reading.story(connection, path.number, scope=scope)
    return answer(story_out(found, language(), with_names=scope.is_whole))


@bp.post("/disputes", responses={"201": OpenedOut})
def open_dispute(body: DisputeBody) -> Response:
    """Dispute for the own store or company: store managers and franchisees."""
    if body.role not in CLAIMS:
        raise Invalid("What is left to head office is claimed by its role.", fields={"role": "any but HQ"})
    p = parts()
    claim = Claim(body.order, body.kind, body.role, _party(), body.said)
    with p.tx() as session:
        number = disputing.open_dispute(session, claim, by=operator().actor, now=p.now())
    return answer(OpenedOut(number=number), 201)


@bp.post("/disputes/<number>/evidence", responses={"204": {"description": "Noted"}})
def add_evidence(path: DisputePath, body: SaidBody) -> Response:
    """Add the evidence of the own store or company while it is taken."""
    p, party = parts(), _party()
    with p.tx() as session:
        disputing.say(session, number=path.number, party=party, said=body.said, now=p.now())
    return Response(status=204)


@judges.post("/disputes/<number>/decision", responses={"204": {"description": "Decided"}})
def decide(path: DisputePath, body: DecisionBody) -> Response:
    """Decide, once both sides were heard. Whoever has an interest in the rows is refused (INTERESTED)."""
    p = parts()
    heirs = tuple((heir.party, heir.part_bp) for heir in body.heirs)
    decision = Decision(body.outcome, body.why, heirs)
    with p.tx() as session:
        deciding.decide(session, number=path.number, decision=decision, judge=_judge(), now=p.now())
    return Response(status=204)


@bookers.post("/disputes/<number>/application", responses={"204": {"description": "Booked"}})
def apply(path: DisputePath) -> Response:
    """Book a decision now; after a day the clock does. Again changes nothing."""
    p, judge = parts(), _judge()
    with p.tx() as session:
        deciding.apply(session, number=path.number, by=judge.actor, judge=judge, now=p.now())
    return Response(status=204)


@judges.get("/findings", responses={"200": FindingsOut})
def all_findings(query: FindingQuery) -> Response:
    """What the detectors found."""
    before = None if query.cursor is None else read_cursor("findings", query.cursor)
    with parts().read() as connection:
        found = reading.findings(connection, state=query.state, before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    more = write_cursor("findings", shown[-1].id) if len(found) > query.limit else None
    return answer(FindingsOut(items=[_finding(row) for row in shown], next=more))


@judges.get("/findings/<number>", responses={"200": FindingOut})
def one_finding(path: FindingPath) -> Response:
    """One of them."""
    with parts().read() as connection:
        return answer(_finding(reading.finding(connection, path.number)))


@judges.post("/findings/<number>/verdict", responses={"204": {"description": "Decided"}})
def give_verdict(path: FindingPath, body: VerdictBody) -> Response:
    """Confirmed: the rows go to head office. A false alarm: they go on with their original dates."""
    p = parts()
    with p.tx() as session:
        findings.decide(
            session,
            number=path.number,
            confirmed=body.confirmed,
            why=body.why,
            judge=_judge(),
            now=p.now(),
        )
    return Response(status=204)


def _judge() -> Judge:
    return Judge(operator().actor, operator().scope)


def _party() -> str:
    caller = operator()
    if caller.store_code is not None:
        return f"store:{caller.store_code}"
    if caller.entity_code is not None:
        return f"entity:{caller.entity_code}"
    raise Forbidden("ROLE_NEEDED", "Stores and franchisees speak for themselves.")


def _finding(row: FindingRow) -> FindingOut:
    return FindingOut(
        number=row.number,
        rule=row.rule,
        what=words.why_held(row.rule, language()),
        state=row.state,
        clerk=row.clerk,
        member=row.member,
        facts=row.facts,
        rows=row.rows,
        held_fen=row.held_fen,
        found_at=iso(row.found_at),
        decided_at=iso(row.decided_at) if row.decided_at else None,
        decided_by=row.decided_by,
        why=row.why,
    )
