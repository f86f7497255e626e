"""A clerk's disputes (DSP-1), and what is kept back of the clerk's pay, with the reason and what comes next (FRD-2)."""

from typing import Annotated

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, parts
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
from app.api.schema import ApiModel, Fen, PageQuery, answer, language
from app.base.clock import iso
from app.base.errors import Invalid
from app.review import disputing, reading, words
from app.review.disputing import Claim
from app.review.reading import Held
from models.review import FindingState

bp = APIBlueprint(
    "clerk_disputes",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: disputes", description="What is under review, and what I dispute")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 409, 422),
)
bp.before_request(clerks_only)
LIST = "disputes"


class HeldOut(ApiModel):
    """One cause that keeps amounts back. Nothing is taken before somebody has decided."""

    kind: Annotated[str, Field(description="DISPUTE, FINDING or OTHER", examples=["FINDING"])]
    number: str | None
    since: str
    rows: int
    amount_fen: Fen
    why: Annotated[str, Field(description="In plain words")]
    next: Annotated[str, Field(description="What happens next, in plain words")]


class ReviewsOut(ApiModel):
    """Everything of mine that is under review now, the oldest first."""

    items: list[HeldOut]


@bp.get("/reviews", responses={"200": ReviewsOut})
def my_reviews() -> Response:
    """What is kept back of my pay, why, and what happens next."""
    with parts().read() as connection:
        found = reading.held(connection, _party())
    return answer(ReviewsOut(items=[_held(one, language()) for one in found]))


@bp.post("/disputes", responses={"201": OpenedOut})
def open_dispute(body: DisputeBody) -> Response:
    """Dispute a role of an order I had to do with: within 30 days, or 7 after a statement that shows it."""
    if body.role not in CLAIMS:
        raise Invalid("What is left to head office is claimed by its role.", fields={"role": "any but HQ"})
    p, party = parts(), _party()
    claim = Claim(body.order, body.kind, body.role, party, body.said)
    with p.tx() as session:
        number = disputing.open_dispute(session, claim, by=party, now=p.now())
    return answer(OpenedOut(number=number), 201)


@bp.get("/disputes", responses={"200": DisputesOut})
def my_disputes(query: PageQuery) -> Response:
    """The disputes that I raised or am a side of."""
    before = None if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as connection:
        found = reading.of_party(connection, _party(), before=before, limit=query.limit + 1)
    shown = found[: query.limit]
    more = write_cursor(LIST, shown[-1].id) if len(found) > query.limit else None
    return answer(DisputesOut(items=[dispute_out(row, language()) for row in shown], next=more))


@bp.get("/disputes/<number>", responses={"200": StoryOut})
def my_dispute(path: DisputePath) -> Response:
    """One of them, step by step."""
    with parts().read() as connection:
        found = reading.story(connection, path.number, party=_party())
    return answer(story_out(found, language(), with_names=False))


@bp.post("/disputes/<number>/evidence", responses={"204": {"description": "Noted"}})
def add_evidence(path: DisputePath, body: SaidBody) -> Response:
    """Add my evidence while it is taken."""
    p = parts()
    with p.tx() as session:
        disputing.say(session, number=path.number, party=_party(), said=body.said, now=p.now())
    return Response(status=204)


def _party() -> str:
    return f"clerk:{clerk().clerk_code}"


def _held(one: Held, lang: str) -> HeldOut:
    if one.rule is not None:
        kind, number, why = "FINDING", one.finding, words.why_held(one.rule, lang)
        then = words.next_of_finding(FindingState.OPEN, lang)
    elif one.dispute_state is not None:
        kind, number, why = "DISPUTE", one.dispute, words.pick(words.DISPUTED, lang)
        then = words.next_of_dispute(one.dispute_state, one.outcome, one.evidence_until, lang)
    else:
        kind, number, why, then = (
            "OTHER",
            None,
            words.pick(words.OTHER, lang),
            words.pick(words.OTHER_NEXT, lang),
        )
    return HeldOut(
        kind=kind,
        number=number,
        since=iso(one.since),
        rows=one.rows,
        amount_fen=one.amount_fen,
        why=why,
        next=then,
    )
