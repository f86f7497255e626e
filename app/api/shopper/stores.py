"""What a shopper's phone asks about stores: all, one, and those nearby."""

from datetime import date
from typing import Annotated, Any, Literal

from flask import Response, current_app
from flask_openapi3 import APIBlueprint, Tag
from pydantic import BeforeValidator, Field

from app.api.errors import problems
from app.api.guard import parts
from app.api.schema import ApiModel, Code, PageQuery, QueryInt, Text, answer, language
from app.api.shelf import keep
from app.api.shopper import near
from app.base.clock import local_time
from app.base.freshness import STORES
from app.stores.directory import StorePage, get_page, list_stores
from app.stores.hours import shown
from models.stores import Ownership, StoreStatus

bp = APIBlueprint(
    "stores",
    __name__,
    url_prefix="/api/shopper",
    abp_tags=[Tag(name="Shopper: stores", description="All, one, nearby")],
)

KEEP_S = 30.0


def _truth(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


QueryBool = Annotated[bool, Field(strict=True), BeforeValidator(_truth)]


class StoresQuery(PageQuery):
    """Which stores."""

    cursor: Annotated[Code | None, Field(default=None)]
    city: Annotated[Text | None, Field(default=None, min_length=1, max_length=32, description="such as 深圳")]


class StorePath(ApiModel):
    """Which store."""

    code: Code


class NearbyQuery(ApiModel):
    """Around which point (GCJ-02 degrees, as WeChat gives them), how far, and which stores."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    lng: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    radius_m: Annotated[QueryInt, Field(default=near.DEFAULT_RADIUS_M, ge=1, le=near.MAX_RADIUS_M)]
    open_now: Annotated[QueryBool, Field(default=False)]
    service: Annotated[
        Text | None, Field(default=None, pattern="^[a-z][a-z_]{0,31}$", description="such as pickup")
    ]
    limit: Annotated[QueryInt, Field(default=near.DEFAULT_LIMIT, ge=1, le=near.MAX_LIMIT)]


class DayOut(ApiModel):
    """Counter hours of one weekday, 1 = Monday, Asia/Shanghai."""

    weekday: int
    opens: Annotated[str, Field(examples=["10:00"])]
    closes: Annotated[str, Field(examples=["22:00"])]


class StoreOut(ApiModel):
    """A store in a list. ``open_now`` is null for a store without a counter (an online store)."""

    code: str
    name: str
    city: str | None
    address: str | None
    phone: str | None
    lat: float | None
    lng: float | None
    services: list[str]
    status: Literal[StoreStatus.OPEN, StoreStatus.CLOSING]
    open_now: bool | None


class NearOut(StoreOut):
    """A store nearby."""

    distance_m: Annotated[int, Field(description="Great-circle distance in metres", examples=[866])]


class StorePageOut(StoreOut):
    """One store. A closing one names its last day and where its customers go."""

    ownership: Ownership
    delivery_radius_m: int | None
    closing_on: date | None
    successor: str | None
    hours: list[DayOut]


class StoresOut(ApiModel):
    """One page of stores by code."""

    items: list[StoreOut]
    next: str | None


class NearbyOut(ApiModel):
    """Stores, nearest first."""

    items: list[NearOut]


@bp.get("/stores", responses={"200": StoresOut, **problems(422)})
def stores(query: StoresQuery) -> Response:
    """Stores by code, page by page; of one city if asked. Closed stores are not shown."""
    _keep()
    with parts().read() as connection:
        found = list_stores(
            connection, city=query.city, after=query.cursor or "", limit=query.limit + 1, now=parts().now()
        )
    page = found[: query.limit]
    following = page[-1].code if len(found) > query.limit else None
    return answer({"items": [_line(store) for store in page], "next": following})


@bp.get("/stores/nearby", responses={"200": NearbyOut, **problems(422)})
def nearby(query: NearbyQuery) -> Response:
    """Stores around a point, nearest first. The point is used for this answer only and kept nowhere."""
    wish = near.Wish(query.lat, query.lng, query.radius_m, query.limit, query.service, query.open_now)
    # The app itself, not the proxy: the map hangs on it.
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # LocalProxy's own method
    response = Response(near.answer_nearby(app, wish, language()), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept-Language"
    return response


@bp.get("/stores/<code>", responses={"200": StorePageOut, **problems(404, 422)})
def store(path: StorePath) -> Response:
    """One store with its week. 404 for unknown and for closed ones."""
    _keep()
    with parts().read() as connection:
        page = get_page(connection, path.code, now=parts().now())
    more = {
        "ownership": page.ownership,
        "delivery_radius_m": page.delivery_radius_m,
        "closing_on": page.closing_on,
        "successor": page.successor,
        "hours": shown(page.week),
    }
    return answer({**_line(page), **more})


def _keep() -> None:
    # Counters open and close on the full minute, and the answer says whether they are.
    keep(STORES, for_s=min(KEEP_S, 60.0 - local_time(parts().now()).second))


def _line(page: StorePage) -> dict[str, Any]:
    return {
        "code": page.code,
        "name": (page.name_en or page.name) if language() == "en" else page.name,
        "city": page.city,
        "address": page.address,
        "phone": page.phone,
        "lat": page.lat,
        "lng": page.lng,
        "services": page.services,
        "status": page.status,
        "open_now": page.open_now,
    }
