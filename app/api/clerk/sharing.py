"""A clerk or manager says who served together on a sale (SPL-6)."""

from typing import Annotated, Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field
from sqlalchemy.orm import Session

from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, parts
from app.api.idempotency import IdempotencyHeader, once
from app.api.order_shapes import OrderPath
from app.api.schema import ApiModel, Int, Text
from app.base.clock import iso
from app.commission.moving import WHOLE_BP
from app.orders.sharing import MOST_CLERKS, Declarer, Part, share_sale

bp = APIBlueprint(
    "clerk_sharing",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: shared sales", description="Several clerks served: who gets which part")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(clerks_only)


class PartBody(ApiModel):
    """One clerk's part of what the sale brings the selling clerk, in 1/10000."""

    clerk: Annotated[Text, Field(min_length=1, max_length=40)]
    part_bp: Annotated[Int, Field(ge=1, le=WHOLE_BP)]


class SharedSaleBody(ApiModel):
    """The parts make 10000, and the selling clerk is among them."""

    parts: Annotated[list[PartBody], Field(min_length=2, max_length=MOST_CLERKS)]


class PartOut(ApiModel):
    """One clerk's part."""

    clerk: str
    name: str
    part_bp: int


class SharedSaleOut(ApiModel):
    """What was declared first; it stays."""

    order: str
    parts: list[PartOut]
    declared_by: str
    declared_at: str


@bp.post("/orders/<number>/shared-sale", responses={"200": SharedSaleOut, **problems(404, 409)})
def shared_sale(path: OrderPath, header: IdempotencyHeader, body: SharedSaleBody) -> Response:
    """Divide the selling clerk's share of an order: its selling clerk until it is paid, a manager 24 hours longer."""
    caller = clerk()
    declarer = Declarer(str(caller.clerk_code), str(caller.clerk_role), str(caller.store_code))
    given = [Part(part.clerk, part.part_bp) for part in body.parts]

    def act(session: Session) -> tuple[dict[str, Any], int]:
        done = share_sale(
            session, order_number=path.number, declarer=declarer, parts=given, now=parts().now()
        )
        shown = {"order": done.order_number, "parts": done.parts, "declared_by": done.declared_by}
        return shown | {"declared_at": iso(done.declared_at)}, 200

    facts = {"number": path.number, **body.model_dump()}
    return once(
        parts().tx, caller=f"clerk:{caller.clerk_code}", operation="shared_sale", given=facts, act=act
    )
