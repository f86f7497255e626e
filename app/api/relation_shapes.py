"""What the doors of managers and of the back office share about hand-overs and stories: shapes and answers."""

from datetime import date
from typing import Annotated, Any

from flask import Response
from pydantic import Field, model_validator

from app.api.guard import parts
from app.api.schema import ApiModel, Code, Int, Text, answer, language
from app.base.clock import iso
from app.base.scope import Scope
from app.relations import handing_over, leaving, transferring
from app.relations.handing_over import Progress
from app.relations.leaving import Preview, Wish
from app.relations.story import explain_customer
from app.relations.words import sentence
from models.relations import HandoverMode

Why = Annotated[Text, Field(min_length=1, max_length=200, description="Why; kept in the audit log")]
Number = Annotated[Text, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9-]+$")]


class ClerkPath(ApiModel):
    """Which clerk."""

    clerk: Code


class MemberPath(ApiModel):
    """Which member."""

    number: Number


class HandoverPath(ApiModel):
    """Which hand-over."""

    number: Number


class LeavingBody(ApiModel):
    """The last day, counted in; local."""

    last_day: Annotated[date, Field(examples=["2026-12-31"])]
    why: Why


class WishBody(ApiModel):
    """How members are handed over. ASSIGN uses ``to``, CUSTOM ``custom``; null = the store's pool."""

    mode: HandoverMode
    to: Annotated[Code | None, Field(default=None, examples=["C-SZFT-02"])]
    custom: Annotated[
        dict[Number, Code | None] | None,
        Field(default=None, description="Member number -> clerk", max_length=leaving.MOST_CUSTOM),
    ]

    @model_validator(mode="after")
    def _fits(self) -> "WishBody":
        if self.custom is not None and self.mode is not HandoverMode.CUSTOM:
            raise ValueError("custom belongs to mode CUSTOM")
        if self.custom is None and self.mode is HandoverMode.CUSTOM:
            raise ValueError("mode CUSTOM needs custom")
        return self

    @property
    def wish(self) -> Wish:
        """As the room takes it."""
        return Wish(self.mode, self.to, self.custom)


class HandoverBody(WishBody):
    """A hand-over to be done."""

    why: Why


class TransferBody(ApiModel):
    """One member to another clerk."""

    member: Number
    to: Code
    why: Why


class WhyBody(ApiModel):
    """Why."""

    why: Why


class PartOut(ApiModel):
    """What one clerk gets; null = the store's pool."""

    clerk: str | None
    name: str | None
    store: str
    members: Int


class PreviewOut(ApiModel):
    """What would happen. Nothing has."""

    clerk: str
    total: Int
    stay: Annotated[Int, Field(description="Members who are not named and stay")]
    parts: list[PartOut]


class ProgressOut(ApiModel):
    """How far a hand-over has got."""

    number: str
    kind: str
    mode: str
    state: Annotated[str, Field(description="RUNNING or DONE")]
    from_clerk: str | None
    from_store: str
    created_at: str
    done_at: str | None
    total: Int
    planned: Int
    moved: Int
    skipped: Annotated[Int, Field(description="Had gone elsewhere before it was their turn")]
    refused: Annotated[Int, Field(description="Members who refused and went to the store's pool")]


class EventOut(ApiModel):
    """One thing that happened, with a sentence in the caller's language."""

    kind: Annotated[str, Field(examples=["BINDING"])]
    at: str
    until: str | None
    what: str | None
    valid: bool | None
    reason: str | None
    clerk: str | None
    store: str | None
    actor: str | None
    hidden: Annotated[bool, Field(description="At another company; no consent that a franchisee knows")]
    words: str


class StoryOut(ApiModel):
    """A member explained, oldest first. ``left_out``: there was more than is listed."""

    member: str
    phone_tail: str | None
    follows: bool
    customer_since: str | None
    events: list[EventOut]
    left_out: bool


def tell_story(number: str, scope: Scope) -> Response:
    """Answer the story of a member as far as ``scope`` may know it."""
    p = parts()
    with p.read() as connection:
        story = explain_customer(connection, p.vault, member_number=number, scope=scope)
    events = [
        {
            "kind": event.kind,
            "at": iso(event.at),
            "until": iso(event.until) if event.until else None,
            "what": event.what,
            "valid": event.valid,
            "reason": event.reason,
            "clerk": event.clerk,
            "store": event.store,
            "actor": event.actor,
            "hidden": event.hidden,
            "words": sentence(event, language()),
        }
        for event in story.events
    ]
    since = iso(story.customer_since) if story.customer_since else None
    return answer(
        {
            "member": story.number,
            "phone_tail": story.phone_tail,
            "follows": story.follows,
            "customer_since": since,
            "events": events,
            "left_out": story.left_out,
        }
    )


def start_leaving(clerk: str, body: LeavingBody, *, actor: str, scope: Scope) -> Response:
    """Note a clerk's last day."""
    p = parts()
    with p.tx() as session:
        leaving.start_leaving(
            session,
            clerk_code=clerk,
            last_day=body.last_day,
            actor=actor,
            why=body.why,
            scope=scope,
            now=p.now(),
        )
    return Response(status=204)


def preview(clerk: str, body: WishBody, *, scope: Scope) -> Response:
    """Answer what a hand-over would do."""
    p = parts()
    with p.tx() as session:
        found = leaving.preview(session, clerk_code=clerk, wish=body.wish, scope=scope, now=p.now())
    return answer(_preview(found))


def hand_over(clerk: str, body: HandoverBody, *, actor: str, scope: Scope) -> Response:
    """Do a hand-over; 202 while members are still being moved."""
    p = parts()
    with p.tx() as session:
        number = leaving.hand_over(
            session,
            clerk_code=clerk,
            wish=body.wish,
            actor=actor,
            why=body.why,
            scope=scope,
            now=p.now(),
        )
        found = handing_over.progress(session, number, scope=scope)
    return answer(told(found), 202 if found.planned else 200)


def show_progress(number: str, scope: Scope) -> Response:
    """Answer how far a hand-over has got."""
    with parts().read() as connection:
        return answer(told(handing_over.progress(connection, number, scope=scope)))


def transfer(body: TransferBody, *, actor: str, scope: Scope) -> Response:
    """Move one member."""
    p = parts()
    with p.tx() as session:
        transferring.transfer(
            session,
            member_number=body.member,
            to=body.to,
            actor=actor,
            why=body.why,
            scope=scope,
            now=p.now(),
        )
    return Response(status=204)


def told(found: Progress) -> dict[str, Any]:
    """The progress of a hand-over as ``ProgressOut``."""
    counts = ("total", "planned", "moved", "skipped", "refused")
    return {
        "number": found.number,
        "kind": found.kind.value,
        "mode": found.mode.value,
        "state": found.state.value,
        "from_clerk": found.from_clerk,
        "from_store": found.from_store,
        "created_at": iso(found.created_at),
        "done_at": iso(found.done_at) if found.done_at else None,
        **{name: getattr(found, name) for name in counts},
    }


def _preview(found: Preview) -> dict[str, Any]:
    places = [
        {"clerk": part.clerk, "name": part.name, "store": part.store, "members": part.members}
        for part in found.parts
    ]
    return {"clerk": found.clerk, "total": found.total, "stay": found.stay, "parts": places}
