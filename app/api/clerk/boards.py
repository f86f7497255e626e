"""How a clerk does today and among colleagues (KPI-3); how the manager's team does."""

from typing import Annotated, Literal

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, manager, managers_only, parts
from app.api.kpi_shapes import FiguresOut, PeriodQuery, PlaceOut, figures_out, period_of, place_out
from app.api.schema import ApiModel, Fen, answer
from app.base.clock import local_day
from app.kpi import boards, figures
from app.kpi.boards import Place, Within
from app.kpi.periods import read_period
from app.members.callers import Caller

TAG = Tag(name="Clerk: leaderboard", description="How I do, and how my team does")
bp = APIBlueprint(
    "clerk_boards",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[TAG],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(clerks_only)
team = APIBlueprint(
    "clerk_team",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[TAG],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
team.before_request(managers_only)


class BoardQuery(PeriodQuery):
    """Among whom: my store (all colleagues by name), or a wider circle (my place and its neighbours)."""

    scope: Annotated[Literal["store", "city", "entity", "brand"], Field(default="store")]


class BoardOut(ApiModel):
    """``me`` is null for who is on no board (a team account). ``ahead_fen``: what is missing to the next better."""

    period: str
    scope: str
    of: Annotated[int, Field(description="How many clerks are compared")]
    me: PlaceOut | None
    ahead_fen: int | None
    neighbours: Annotated[list[PlaceOut], Field(description="At most two on each side, and me")]
    places: Annotated[list[PlaceOut], Field(description="Everybody, for the scope store")]


class TodayOut(ApiModel):
    """What I sold today, and how far the month is."""

    day: str
    net_fen: Fen
    orders: int
    items: int
    served: int
    brought: Annotated[int, Field(description="Members I brought today")]
    rank: int | None
    month: str
    month_net_fen: Fen
    target_fen: int | None
    attained_bp: int | None
    month_rank: int | None
    of: int


class TeamOut(ApiModel):
    """Everybody of the store."""

    period: str
    store: str
    places: list[PlaceOut]
    figures: list[FiguresOut]


@bp.get("/leaderboard", responses={"200": BoardOut})
def leaderboard(query: BoardQuery) -> Response:
    """My place by net sales. Colleagues of other stores are shown by their store, not by name."""
    caller, p = clerk(), parts()
    period = period_of(query, p.now())
    with p.read() as connection:
        places = boards.clerks(
            connection, boards.circle(connection, caller.store_code or "", query.scope), period
        )
    mine = _mine(places, caller)
    near = boards.around(places, caller.clerk_code or "")
    return answer(
        BoardOut(
            period=period.name,
            scope=query.scope,
            of=len(places),
            me=place_out(mine) if mine else None,
            ahead_fen=_ahead(places, mine),
            neighbours=[_shown(place, caller) for place in near],
            places=[_shown(place, caller) for place in places] if query.scope == "store" else [],
        )
    )


@bp.get("/today", responses={"200": TodayOut})
def today() -> Response:
    """My day and my month so far; some seconds behind the till."""
    caller, p = clerk(), parts()
    day = local_day(p.now())
    now, month = read_period(day.isoformat()), read_period(f"{day:%Y-%m}")
    code, own = caller.clerk_code or "", Within(store=caller.store_code)
    with p.read() as connection:
        done = figures.of_clerks(connection, [code], now)[0]
        brought = figures.brought(connection, code, now)
        daily, monthly = (boards.clerks(connection, own, period) for period in (now, month))
    rank, place = _mine(daily, caller), _mine(monthly, caller)
    return answer(
        TodayOut(
            day=now.name,
            net_fen=done.net_fen,
            orders=done.orders,
            items=done.items,
            served=done.served,
            brought=brought,
            rank=rank.rank if rank else None,
            month=month.name,
            month_net_fen=place.net_fen if place else 0,
            target_fen=place.target_fen if place else None,
            attained_bp=place.attained_bp if place else None,
            month_rank=place.rank if place else None,
            of=len(monthly),
        )
    )


@team.get("/team/kpi", responses={"200": TeamOut})
def team_figures(query: PeriodQuery) -> Response:
    """Places and figures of everybody who serves at my store."""
    caller, p = manager(), parts()
    period = period_of(query, p.now())
    with p.read() as connection:
        places = boards.clerks(connection, Within(store=caller.store_code), period)
        found = figures.of_clerks(connection, [place.code for place in places], period)
    return answer(
        TeamOut(
            period=period.name,
            store=caller.store_code or "",
            places=[place_out(place) for place in places],
            figures=[figures_out(one) for one in found],
        )
    )


def _mine(places: list[Place], caller: Caller) -> Place | None:
    return next((place for place in places if place.code == caller.clerk_code), None)


def _ahead(places: list[Place], mine: Place | None) -> int | None:
    better = [place.net_fen for place in places if mine and place.net_fen > mine.net_fen]
    return min(better) - mine.net_fen if mine and better else None


def _shown(place: Place, caller: Caller) -> PlaceOut:
    return place_out(place, is_named=place.store == caller.store_code)
