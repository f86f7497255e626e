"""Disputes as clerks and the back office see and send them, in the same shapes."""

from typing import Annotated

from pydantic import Field

from app.api.schema import ApiModel, Code, Fen, Text
from app.base.clock import iso
from app.commission import words as commission_words
from app.review import words
from app.review.reading import DisputeRow, DisputeStory
from models.commission import Role
from models.review import DisputeKind, DisputeOutcome, DisputeState, StepKind

Said = Annotated[
    Text, Field(min_length=1, max_length=1000, examples=["这位顾客3月28日是我接待的，有聊天记录"])
]
# What may be claimed: a role that somebody earns by, not what is left to head office.
CLAIMS = (Role.ACQ_CLERK, Role.ACQ_STORE, Role.SVC_CLERK, Role.SELL_CLERK, Role.FULFIL_STORE)


class DisputeBody(ApiModel):
    """Which role of which order, and why it should be otherwise."""

    order: Annotated[Code, Field(examples=["A260302K7M2QX9P"])]
    kind: DisputeKind
    role: Annotated[Role, Field(examples=["SELL_CLERK"], description="Any but HQ")]
    said: Said


class SaidBody(ApiModel):
    """Evidence, in words."""

    said: Said


class DisputePath(ApiModel):
    """A dispute by number."""

    number: Annotated[Code, Field(description="Such as D260303K7M2QX9P")]


class OpenedOut(ApiModel):
    """The number under which to follow it."""

    number: str = Field(examples=["D260303K7M2QX9P"])


class DisputeOut(ApiModel):
    """A dispute. ``next``: where it stands and what follows, in words."""

    number: str
    kind: DisputeKind
    role: Role
    role_name: str
    order: str
    claimant: Annotated[str, Field(examples=["clerk:C-SZFT-01"])]
    amount_fen: Annotated[Fen, Field(description="Of the rows that it is about")]
    state: DisputeState
    outcome: DisputeOutcome | None
    next: str
    opened_at: str
    evidence_until: str | None


class StepOut(ApiModel):
    """What happened. ``by``: a party, ``HEAD_OFFICE`` or ``CLOCK``."""

    kind: StepKind
    what: str
    by: str
    said: str
    at: str


class StoryOut(ApiModel):
    """A dispute with everything that happened in it."""

    dispute: DisputeOut
    sides: Annotated[list[str], Field(description="Who held the rows")]
    steps: list[StepOut]


class DisputesOut(ApiModel):
    """A page of disputes, newest first."""

    items: list[DisputeOut]
    next: str | None


def dispute_out(row: DisputeRow, language: str) -> DisputeOut:
    """A dispute in the reader's language."""
    return DisputeOut(
        number=row.number,
        kind=row.kind,
        role=row.role,
        role_name=commission_words.role(row.role, language),
        order=row.order_number,
        claimant=row.claimant,
        amount_fen=row.amount_fen,
        state=row.state,
        outcome=row.outcome,
        next=words.next_of_dispute(row.state, row.outcome, row.evidence_until, language),
        opened_at=iso(row.opened_at),
        evidence_until=iso(row.evidence_until) if row.evidence_until else None,
    )


def story_out(story: DisputeStory, language: str, *, with_names: bool) -> StoryOut:
    """The whole story. Only the back office reads which operator it was."""
    return StoryOut(
        dispute=dispute_out(story.dispute, language),
        sides=story.sides,
        steps=[
            StepOut(
                kind=step.kind,
                what=words.pick(words.STEP_WORDS[step.kind], language),
                by=_by(step.actor, with_names),
                said=step.said,
                at=iso(step.at),
            )
            for step in story.steps
        ],
    )


def _by(actor: str, with_names: bool) -> str:
    if actor == "clock":
        return "CLOCK"
    return "HEAD_OFFICE" if actor.startswith("operator:") and not with_names else actor
