"""Targets as inputs and answers, shared by managers and the back office."""

from typing import Annotated

from pydantic import Field, model_validator

from app.api.schema import ApiModel, Code, Fen, Int, Text
from app.base.clock import iso
from app.settlement import rules
from app.settlement.targets import HIGHEST_TARGET_FEN, MOST_AT_ONCE, Target

LIST = "targets"


class TargetOut(ApiModel):
    """A clerk's month. ``own``: set for this month; else it is the clerk's standing target, or none."""

    clerk: str
    name: str
    store: str
    target_fen: int | None
    own: bool
    set_by: str | None
    set_at: str | None
    attained_fen: Annotated[Fen, Field(description="Net sales as selling clerk, less the month's refunds")]
    attained_bp: Annotated[int | None, Field(description="Of the target, in 1/10000")]


class TargetsOut(ApiModel):
    """A page of clerks."""

    month: str
    items: list[TargetOut]
    next: str | None


class NewTarget(ApiModel):
    """What a clerk is to sell."""

    clerk: Annotated[Code, Field(examples=["C-SZFT-01"])]
    target_fen: Annotated[Int, Field(ge=1, le=HIGHEST_TARGET_FEN, examples=[8000000])]


class TargetsBody(ApiModel):
    """Targets of one month, each clerk once."""

    targets: Annotated[list[NewTarget], Field(min_length=1, max_length=MOST_AT_ONCE)]
    why: Annotated[Text, Field(min_length=1, max_length=500, examples=["春装上新"])]

    @model_validator(mode="after")
    def _each_once(self) -> "TargetsBody":
        if len(self.by_clerk()) < len(self.targets):
            raise ValueError("each clerk once")
        return self

    def by_clerk(self) -> dict[str, int]:
        """Fen by clerk."""
        return {one.clerk: one.target_fen for one in self.targets}


class ChangedOut(ApiModel):
    """How many targets were not as asked for before."""

    changed: int


def target_out(found: Target) -> TargetOut:
    """One clerk's month."""
    attained = rules.attainment_bp(found.attained_fen, found.target_fen) if found.target_fen else None
    return TargetOut(
        clerk=found.clerk,
        name=found.name,
        store=found.store,
        target_fen=found.target_fen,
        own=found.own,
        set_by=found.set_by,
        set_at=iso(found.set_at) if found.set_at else None,
        attained_fen=found.attained_fen,
        attained_bp=attained,
    )
