"""Boards and figures for head office, store managers and franchisees, each within the own scope (KPI-1 to KPI-3)."""

from collections.abc import Callable
from typing import Annotated

from flask import Response
from flask_openapi3 import Tag
from pydantic import Field
from sqlalchemy import Connection

from app.api.blueprints import guarded
from app.api.cursors import read_cursor, write_cursor
from app.api.guard import operator, operators_only, parts, roles_only
from app.api.kpi_shapes import FiguresOut, PeriodQuery, PlaceOut, figures_out, period_of, place_out
from app.api.schema import ApiModel, Code, Fen, Int, Moment, PageQuery, Text, answer
from app.base.errors import NotFound
from app.kpi import boards, figures, weights
from app.kpi.boards import Place, Within
from app.kpi.periods import Period
from app.kpi.rules import Weights
from models.kpi import Scenario
from models.operators import OperatorRole

TAG = Tag(name="Back office: KPI", description="Who is credited with what was sold; leaderboards")


bp = guarded("backoffice_kpi", TAG, operators_only, 404)
brand = guarded(
    "backoffice_kpi_brand",
    TAG,
    roles_only(OperatorRole.FINANCE, OperatorRole.MARKETING, OperatorRole.SERVICE),
)
owners = guarded("backoffice_kpi_weights", TAG, roles_only())


class BoardQuery(PeriodQuery, PageQuery):
    """Narrowed to a city, a legal entity or a store; never beyond the own scope."""

    city: Annotated[Text | None, Field(default=None, max_length=32, description="Such as 深圳")]
    entity: Annotated[Code | None, Field(default=None, description="Such as E-WF1")]
    store: Annotated[Code | None, Field(default=None, description="Such as SZ-FT")]


class BoardOut(ApiModel):
    """A page of a board, the best first."""

    period: str
    of: Annotated[int, Field(description="How many are compared")]
    places: list[PlaceOut]
    next: str | None


class ClerkPath(ApiModel):
    """A clerk by code."""

    code: Annotated[Code, Field(description="Such as C-SZFT-01")]


class TotalsOut(ApiModel):
    """The brand's net sales by KPI role. The parts sum to ``net_fen``: nothing is counted twice (KPI-2)."""

    period: str
    net_fen: Fen
    online_fen: Fen
    sell_store_fen: Fen
    acq_store_fen: Fen
    fulfil_store_fen: Fen


class WeightsOut(ApiModel):
    """What each role gets of a line in 1/10000; together 10000 (KPI-1)."""

    scenario: Scenario
    online_bp: int
    sell_bp: int
    acq_bp: int
    fulfil_bp: int


class AllWeightsOut(ApiModel):
    """The weights for orders placed now."""

    weights: list[WeightsOut]


class ScenarioPath(ApiModel):
    """How an order is made and handed over."""

    scenario: Scenario


class WeightsBody(ApiModel):
    """Other weights of one scenario, for orders placed from ``effective_from`` on."""

    online_bp: Annotated[Int, Field(ge=0, le=10000, examples=[4000])]
    sell_bp: Annotated[Int, Field(ge=0, le=10000, examples=[0])]
    acq_bp: Annotated[Int, Field(ge=0, le=10000, examples=[2000])]
    fulfil_bp: Annotated[Int, Field(ge=0, le=10000, examples=[4000])]
    effective_from: Annotated[Moment, Field(examples=["2027-01-01T00:00:00+08:00"])]
    why: Annotated[Text, Field(min_length=1, max_length=500, examples=["门店自提的履约成本上升"])]


@bp.get("/leaderboards/clerks", responses={"200": BoardOut})
def clerk_board(query: BoardQuery) -> Response:
    """Clerks by net sales."""
    return _board(query, "clerk-board", boards.clerks)


@bp.get("/leaderboards/stores", responses={"200": BoardOut})
def store_board(query: BoardQuery) -> Response:
    """Stores by KPI credit; what the online shop is credited with is in the totals."""
    return _board(query, "store-board", boards.stores)


@bp.get("/kpi/clerks/<code>", responses={"200": FiguresOut})
def clerk_figures(path: ClerkPath, query: PeriodQuery) -> Response:
    """One clerk's figures."""
    p = parts()
    period = period_of(query, p.now())
    with p.read() as connection:
        place = figures.find_place(connection, path.code)
        if place is None:
            raise NotFound("NOT_FOUND", "No such clerk.")
        operator().scope.require(entity=place[0], store=place[1], detail="No such clerk.")
        found = figures.of_clerks(connection, [path.code], period)[0]
    return answer(figures_out(found))


@brand.get("/kpi/totals", responses={"200": TotalsOut})
def totals(query: PeriodQuery) -> Response:
    """The brand's net sales by role."""
    p = parts()
    period = period_of(query, p.now())
    with p.read() as connection:
        found = boards.by_role(connection, period)
    named = {f"{role.lower()}_fen": fen for role, fen in found.items()}
    return answer(TotalsOut(period=period.name, net_fen=sum(found.values()), **named))


@brand.get("/kpi/weights", responses={"200": AllWeightsOut})
def weights_now() -> Response:
    """The weights in effect."""
    p = parts()
    with p.read() as connection:
        found = weights.in_effect(connection, at=p.now())
    shown = [_weights(scenario, found[scenario]) for scenario in Scenario if scenario in found]
    return answer(AllWeightsOut(weights=shown))


@owners.post("/kpi/weights/<scenario>", responses={"201": WeightsOut})
def announce_weights(path: ScenarioPath, body: WeightsBody) -> Response:
    """Announce other weights, ahead of time. What was booked keeps the version of its order's moment."""
    p = parts()
    given = Weights(body.online_bp, body.sell_bp, body.acq_bp, body.fulfil_bp)
    with p.tx() as session:
        weights.announce(
            session,
            path.scenario,
            given,
            effective_from=body.effective_from,
            by=operator().actor,
            why=body.why,
            now=p.now(),
        )
    return answer(_weights(path.scenario, given), 201)


def _board(
    query: BoardQuery, name: str, compare: Callable[[Connection, Within, Period], list[Place]]
) -> Response:
    p = parts()
    period = period_of(query, p.now())
    after = None if query.cursor is None else read_cursor(name, query.cursor)
    with p.read() as connection:
        asked = boards.within(
            connection, operator().scope, entity=query.entity, city=query.city, store=query.store
        )
        places = compare(connection, asked, period)
    # The page begins behind whoever ended the last one, wherever that one stands by now.
    begin = 0 if after is None else 1 + next((i for i, place in enumerate(places) if place.id == after), -1)
    shown = places[begin : begin + query.limit]
    more = write_cursor(name, shown[-1].id) if begin + query.limit < len(places) else None
    return answer(
        BoardOut(period=period.name, of=len(places), places=[place_out(place) for place in shown], next=more)
    )


def _weights(scenario: Scenario, given: Weights) -> WeightsOut:
    return WeightsOut(
        scenario=scenario,
        online_bp=given.online_bp,
        sell_bp=given.sell_bp,
        acq_bp=given.acq_bp,
        fulfil_bp=given.fulfil_bp,
    )
