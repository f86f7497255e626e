"""What clerks and the back office are told of boards and figures, in the same shapes."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from app.api.schema import ApiModel, Fen, Text
from app.base.clock import local_day
from app.kpi.boards import Place
from app.kpi.figures import Figures
from app.kpi.periods import Period, read_period

Bp = Annotated[int | None, Field(description="In 1/10000; null when there is nothing to divide by")]


class PeriodQuery(ApiModel):
    """Without ``period``: the month that is running."""

    period: Annotated[
        Text | None,
        Field(
            default=None,
            max_length=32,
            description="A month or a day in Asia/Shanghai: 2026-11 or 2026-11-21",
        ),
    ]


class PlaceOut(ApiModel):
    """A place on a board. Equals share a rank, and the next rank counts them."""

    rank: int
    code: Annotated[
        str | None, Field(description="Null: a colleague of another store", examples=["C-SZFT-01"])
    ]
    name: str | None
    store: str
    store_name: str
    net_fen: Annotated[Fen, Field(description="Sold less taken back, by the day of each")]
    target_fen: Annotated[int | None, Field(description="Of the month; null without one, and for days")]
    attained_bp: Bp


class FiguresOut(ApiModel):
    """A clerk's figures with the counts that they are made of (KPI-3)."""

    clerk: str
    name: str
    net_fen: Fen
    orders: int
    items: int
    upt_bp: Annotated[int | None, Field(description="Items per order in 1/10000", examples=[23000])]
    atv_fen: Annotated[int | None, Field(description="Net per order", examples=[29900])]
    new_members: Annotated[int, Field(description="Registered, and followed for seven days")]
    met: Annotated[int, Field(description="Brought 30 days before")]
    kept: Annotated[int, Field(description="Of them, still following")]
    kept_bp: Bp
    served: Annotated[int, Field(description="Members who bought, were helped, or collected")]
    buyers: Annotated[int, Field(description="Members who bought within 90 days")]
    repeated: Annotated[int, Field(description="Of them, more than once")]
    repeat_bp: Bp
    pickups: int
    on_time: int
    on_time_bp: Bp


def period_of(query: PeriodQuery, now: datetime) -> Period:
    """The period that is asked for. Refuses another form (Invalid)."""
    return read_period(f"{local_day(now):%Y-%m}" if query.period is None else query.period)


def place_out(place: Place, *, is_named: bool = True) -> PlaceOut:
    """A place; without the person where that is nobody's business."""
    return PlaceOut(
        rank=place.rank,
        code=place.code if is_named else None,
        name=place.name if is_named else None,
        store=place.store,
        store_name=place.store_name,
        net_fen=place.net_fen,
        target_fen=place.target_fen if is_named else None,
        attained_bp=place.attained_bp if is_named else None,
    )


def figures_out(found: Figures) -> FiguresOut:
    """A clerk's figures."""
    return FiguresOut(
        clerk=found.clerk,
        name=found.name,
        net_fen=found.net_fen,
        orders=found.orders,
        items=found.items,
        upt_bp=found.upt_bp,
        atv_fen=found.atv_fen,
        new_members=found.new_members,
        met=found.met,
        kept=found.kept,
        kept_bp=found.kept_bp,
        served=found.served,
        buyers=found.buyers,
        repeated=found.repeated,
        repeat_bp=found.repeat_bp,
        pickups=found.pickups,
        on_time=found.on_time,
        on_time_bp=found.on_time_bp,
    )
