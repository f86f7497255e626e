"""What a shopper decides about being served: the clerk, a hand-over, consents, the store to land in."""

from typing import Annotated, Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import Responses, problems
from app.api.guard import NEEDS_TOKEN, parts, shopper, shoppers_only
from app.api.schema import ApiModel, Code, Text, answer, language
from app.base.clock import iso, local_day
from app.base.errors import Invalid
from app.members import consents
from app.relations import choosing
from app.relations import landing as rooms_landing
from models.members import Purpose

bp = APIBlueprint(
    "shopper_relations",
    __name__,
    url_prefix="/api/shopper",
    abp_tags=[Tag(name="Shopper: my clerk", description="Who serves me, where I land, what I agreed to")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(shoppers_only)
CHANNEL = "mini-program"


class MyClerkOut(ApiModel):
    """Who serves me, and what I may do about it."""

    clerk: Annotated[str | None, Field(examples=["C-SZFT-01"])]
    clerk_name: str | None
    store: str | None
    store_name: str | None
    since: str | None
    may_choose_at: Annotated[str | None, Field(description="Null: now")]
    may_refuse_until: Annotated[str | None, Field(description="Null: there is nothing to refuse")]


class ChoiceBody(ApiModel):
    """The clerk I want; null = nobody in person."""

    clerk: Code | None


class StoreQuery(ApiModel):
    """Which store."""

    store: Code


class OnOfferOut(ApiModel):
    """A clerk who may be chosen."""

    clerk: str
    name: str


class OnOfferList(ApiModel):
    """The clerks of a store."""

    items: list[OnOfferOut]


class ConsentOut(ApiModel):
    """One purpose: given or not."""

    purpose: Purpose
    given: bool
    doc_version: str | None
    given_at: str | None


class ConsentsOut(ApiModel):
    """Every purpose."""

    items: list[ConsentOut]


class ConsentPath(ApiModel):
    """Which purpose."""

    purpose: Purpose


class ConsentBody(ApiModel):
    """Which text was agreed to."""

    doc_version: Annotated[Text, Field(min_length=1, max_length=40, examples=["2026-03"])]


class LandingQuery(ApiModel):
    """What is known on the phone: the scene of a code, and the place if the shopper lets it be known."""

    scene: Annotated[Text | None, Field(default=None, min_length=1, max_length=32)]
    lat: Annotated[float | None, Field(default=None, ge=-90, le=90, allow_inf_nan=False)]
    lng: Annotated[float | None, Field(default=None, ge=-180, le=180, allow_inf_nan=False)]


class LandingOut(ApiModel):
    """The store to show, and why this one."""

    store: str
    name: str
    because: rooms_landing.Because


class LandingBody(ApiModel):
    """The store that was chosen."""

    store: Code


DONE: Responses = {"204": {"description": "Done"}}


@bp.get("/me/clerk", responses={"200": MyClerkOut})
def my_clerk() -> Response:
    """Who serves me."""
    return _my_clerk()


@bp.put("/me/clerk", responses={"200": MyClerkOut, **problems(404, 409)})
def choose(body: ChoiceBody) -> Response:
    """Choose who serves me, or nobody: once in 30 days."""
    p = parts()
    with p.tx() as session:
        choosing.choose(session, member_id=shopper().member_id, clerk_code=body.clerk, now=p.now())
    return _my_clerk()


@bp.post("/me/clerk/refuse", responses={"200": MyClerkOut, **problems(409)})
def refuse() -> Response:
    """Refuse the clerk to whom I was handed over: within 24 hours, to the store's team."""
    p = parts()
    with p.tx() as session:
        choosing.refuse(session, member_id=shopper().member_id, now=p.now())
    return _my_clerk()


@bp.get("/me/clerks", responses={"200": OnOfferList})
def on_offer(query: StoreQuery) -> Response:
    """The clerks of a store whom I may choose."""
    p = parts()
    with p.read() as connection:
        found = choosing.on_offer(connection, store=query.store, day=local_day(p.now()))
    return answer({"items": [{"clerk": one.code, "name": one.name} for one in found]})


@bp.get("/me/consents", responses={"200": ConsentsOut})
def my_consents() -> Response:
    """What I agreed to. A purpose that was never given is a no."""
    with parts().read() as connection:
        given = {one.purpose: one for one in consents.given(connection, member_id=shopper().member_id)}
    return answer({"items": [_consent(purpose, given.get(purpose)) for purpose in Purpose]})


@bp.put("/me/consents/<purpose>", responses=DONE)
def agree(path: ConsentPath, body: ConsentBody) -> Response:
    """Agree to a purpose."""
    p = parts()
    with p.tx() as session:
        consents.give(
            session,
            member_id=shopper().member_id,
            purpose=path.purpose,
            doc_version=body.doc_version,
            channel=CHANNEL,
            now=p.now(),
        )
    return Response(status=204)


@bp.delete("/me/consents/<purpose>", responses=DONE)
def withdraw(path: ConsentPath) -> Response:
    """Agree no longer, from now on."""
    p = parts()
    with p.tx() as session:
        consents.withdraw(session, member_id=shopper().member_id, purpose=path.purpose, now=p.now())
    return Response(status=204)


@bp.get("/landing", responses={"200": LandingOut, **problems(404)})
def landing(query: LandingQuery) -> Response:
    """The store in which I land. The place is used for this answer only and kept nowhere."""
    if (query.lat is None) != (query.lng is None):
        raise Invalid("A place has two numbers.", fields={"lng": "lat and lng belong together"})
    p = parts()
    with p.read() as connection:
        found = rooms_landing.landing(
            connection,
            member_id=shopper().member_id,
            scene=query.scene,
            lat=query.lat,
            lng=query.lng,
            now=p.now(),
        )
    name = (found.name_en or found.name) if language() == "en" else found.name
    return answer({"store": found.code, "name": name, "because": found.because.value})


@bp.put("/landing", responses={**DONE, **problems(404, 409)})
def choose_store(body: LandingBody) -> Response:
    """Remember the store that I chose."""
    p = parts()
    with p.tx() as session:
        rooms_landing.choose_store(session, member_id=shopper().member_id, store_code=body.store, now=p.now())
    return Response(status=204)


def _my_clerk() -> Response:
    p = parts()
    with p.read() as connection:
        mine = choosing.my_clerk(connection, member_id=shopper().member_id, now=p.now())
    served = mine.served
    return answer(
        {
            "clerk": served.clerk_code if served else None,
            "clerk_name": served.clerk_name if served else None,
            "store": served.store_code if served else None,
            "store_name": served.store_name if served else None,
            "since": iso(served.since) if served else None,
            "may_choose_at": iso(mine.may_choose_at) if mine.may_choose_at else None,
            "may_refuse_until": iso(mine.may_refuse_until) if mine.may_refuse_until else None,
        }
    )


def _consent(purpose: Purpose, agreed: consents.Agreed | None) -> dict[str, Any]:
    return {
        "purpose": purpose.value,
        "given": agreed is not None,
        "doc_version": agreed.doc_version if agreed else None,
        "given_at": iso(agreed.given_at) if agreed else None,
    }
