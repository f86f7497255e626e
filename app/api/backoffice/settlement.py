"""The monthly settlement: making, reading and deciding batches. Who makes one does not approve it (SET-1)."""

from collections.abc import Callable
from typing import Annotated, Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, operator, parts, roles_only
from app.api.idempotency import IdempotencyHeader, once
from app.api.schema import ApiModel, Fen, PageQuery, Text, answer, language
from app.api.statement_shapes import SettledOut, settled_out
from app.base.clock import iso
from app.settlement import batches, listing
from app.settlement.listing import Batch
from app.statements import reading
from models.operators import OperatorRole

bp = APIBlueprint(
    "backoffice_settlement",
    __name__,
    url_prefix="/api/backoffice",
    abp_tags=[Tag(name="Back office: settlement", description="What is paid to whom, once a month")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 409, 422),
)
bp.before_request(roles_only(OperatorRole.FINANCE))
LIST, PARTIES = "settlements", "settlement parties"
Why = Annotated[Text, Field(min_length=1, max_length=500, examples=["四月结算"])]


class BatchPath(ApiModel):
    """A batch by number."""

    number: Annotated[Text, Field(max_length=32, description="Such as S2026-04-1")]


class PartyPath(BatchPath):
    """A party in a batch."""

    party: Annotated[Text, Field(max_length=80, description="Such as clerk:C-SZFT-01")]


class WhyBody(ApiModel):
    """Why; it is kept in the audit log."""

    why: Why


class NewBatchBody(WhyBody):
    """The month whose shares are settled: those that became certain before its first day."""

    month: Annotated[Text, Field(max_length=16, examples=["2026-04"])]


class NumberOut(ApiModel):
    """The batch that was acted on."""

    number: Annotated[str, Field(examples=["S2026-04-1"])]


class BatchOut(ApiModel):
    """A batch. ``working``: rows are being taken or handed over, ``rows_done`` of about ``rows_expected``."""

    number: str
    month: str
    state: Annotated[
        str, Field(description="DRAFT, REVIEW, APPROVED, PAYING, PAID, PARTIAL, CLOSED or REJECTED")
    ]
    working: bool
    rows_done: int
    rows_expected: int
    parties: int
    gross_fen: Fen
    adjusted_fen: Fen
    tier_fen: Fen
    carried_in_fen: Fen
    payable_fen: Fen
    carried_out_fen: Fen
    created_by: str
    created_at: str
    submitted_by: str | None
    approved_by: str | None
    published_at: str | None
    finished_at: str | None


class BatchesOut(ApiModel):
    """A page of batches, the newest first."""

    items: list[BatchOut]
    next: str | None


class PartiesOut(ApiModel):
    """A page of a batch's parties."""

    items: list[SettledOut]
    next: str | None


class RefreshedOut(ApiModel):
    """The parties that are computed anew."""

    parties: list[str]


@bp.get("/settlements", responses={"200": BatchesOut})
def settlements(query: PageQuery) -> Response:
    """All batches, the newest first."""
    before_id = None if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as reader:
        found = listing.batches(reader, before_id=before_id, limit=query.limit + 1)
    shown = found[: query.limit]
    more = write_cursor(LIST, shown[-1].id) if len(found) > query.limit else None
    return answer(BatchesOut(items=[_batch(one) for one in shown], next=more))


@bp.get("/settlements/<number>", responses={"200": BatchOut})
def settlement(path: BatchPath) -> Response:
    """One batch."""
    with parts().read() as reader:
        return answer(_batch(listing.batch(reader, path.number)))


@bp.get("/settlements/<number>/parties", responses={"200": PartiesOut})
def settlement_parties(path: BatchPath, query: PageQuery) -> Response:
    """The parties of a batch with their figures; a party's rows are in its statement."""
    after_id = 0 if query.cursor is None else read_cursor(PARTIES, query.cursor)
    with parts().read() as reader:
        listing.batch(reader, path.number)
        found = reading.parties(
            reader, number=path.number, language=language(), after_id=after_id, limit=query.limit + 1
        )
    shown = found[: query.limit]
    more = write_cursor(PARTIES, shown[-1].id) if len(found) > query.limit else None
    return answer(PartiesOut(items=[settled_out(one) for one in shown], next=more))


@bp.post("/settlements", responses={"201": NumberOut})
def make_settlement(header: IdempotencyHeader, body: NewBatchBody) -> Response:
    """Begin the batch of a month now; the house does it by itself on the 10th. Its rows are taken by a job."""
    p, by = parts(), operator().actor

    def act(session: Any) -> tuple[Any, int]:
        number = batches.create(session, month=body.month, by=by, why=body.why, at=p.now())
        return {"number": number}, 201

    return once(p.tx, caller=by, operation="settlement.create", given=body.model_dump(), act=act)


@bp.post("/settlements/<number>/submit", responses={"200": NumberOut})
def submit_settlement(path: BatchPath, header: IdempotencyHeader, body: WhyBody) -> Response:
    """Hand a draft in for review."""
    return _decide(batches.submit, "submit", path, body)


@bp.post("/settlements/<number>/approve", responses={"200": NumberOut})
def approve_settlement(path: BatchPath, header: IdempotencyHeader, body: WhyBody) -> Response:
    """Approve it: what it says is owed. `SAME_PERSON` for who made it or handed it in."""
    return _decide(batches.approve, "approve", path, body)


@bp.post("/settlements/<number>/reject", responses={"200": NumberOut})
def reject_settlement(path: BatchPath, header: IdempotencyHeader, body: WhyBody) -> Response:
    """Reject it: every share is free for another batch."""
    return _decide(batches.reject, "reject", path, body)


@bp.post("/settlements/<number>/close", responses={"200": NumberOut})
def close_settlement(path: BatchPath, header: IdempotencyHeader, body: WhyBody) -> Response:
    """File a batch whose payouts are over."""
    return _decide(batches.close, "close", path, body)


@bp.post("/settlements/<number>/refresh", responses={"200": RefreshedOut})
def refresh_settlement(path: BatchPath, header: IdempotencyHeader, body: WhyBody) -> Response:
    """Compute the parties anew whose rows were held, moved or freed since."""
    p, by = parts(), operator().actor

    def act(session: Any) -> tuple[Any, int]:
        found = batches.refresh(session, number=path.number, by=by, why=body.why, at=p.now())
        return {"parties": found}, 200

    given = [path.number, body.why]
    return once(p.tx, caller=by, operation="settlement.refresh", given=given, act=act)


@bp.post("/settlements/<number>/parties/<party>/remove", responses={"200": NumberOut})
def remove_from_settlement(path: PartyPath, header: IdempotencyHeader, body: WhyBody) -> Response:
    """Take a party out before the approval; it is settled with another batch."""
    return _decide(batches.remove_party, "remove_party", path, body, party=path.party)


@bp.post("/settlements/<number>/parties/<party>/add", responses={"200": NumberOut})
def add_to_settlement(path: PartyPath, header: IdempotencyHeader, body: WhyBody) -> Response:
    """Put a removed party back before the approval."""
    return _decide(batches.add_party, "add_party", path, body, party=path.party)


def _decide(step: Callable[..., None], word: str, path: BatchPath, body: WhyBody, **more: str) -> Response:
    p, by = parts(), operator().actor

    def act(session: Any) -> tuple[Any, int]:
        step(session, number=path.number, by=by, why=body.why, at=p.now(), **more)
        return {"number": path.number}, 200

    given = [path.number, body.why, more]
    return once(p.tx, caller=by, operation=f"settlement.{word}", given=given, act=act)


def _batch(found: Batch) -> BatchOut:
    return BatchOut(
        number=found.number,
        month=found.month,
        state=found.state,
        working=found.working,
        rows_done=found.rows_done,
        rows_expected=found.rows_expected,
        parties=found.parties,
        gross_fen=found.gross_fen,
        adjusted_fen=found.adjusted_fen,
        tier_fen=found.tier_fen,
        carried_in_fen=found.carried_in_fen,
        payable_fen=found.payable_fen,
        carried_out_fen=found.carried_out_fen,
        created_by=found.created_by,
        created_at=iso(found.created_at),
        submitted_by=found.submitted_by,
        approved_by=found.approved_by,
        published_at=iso(found.published_at) if found.published_at else None,
        finished_at=iso(found.finished_at) if found.finished_at else None,
    )
