"""What a till saw: a customer served, a coupon taken, somebody who came or left."""

from typing import Annotated, Literal

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field

from app.api.errors import problems
from app.api.guard import parts
from app.api.pos.signed import NEEDS_SIGNATURE, MemberIn, Moment, ReceiptNo, till, tills_only
from app.api.schema import ApiModel, Code, Text, answer
from app.attribution.offline import Counter, find_seller, record_offline
from app.base.clock import local_day
from app.members.recognising import hold
from models.attribution import TouchKind

bp = APIBlueprint(
    "pos_touches",
    __name__,
    url_prefix="/api/pos",
    abp_tags=[Tag(name="POS: touches", description="What a till saw")],
    abp_security=NEEDS_SIGNATURE,
    abp_responses=problems(401, 404, 409, 413, 422),
)
bp.before_request(tills_only)

# The kinds that a till may tell, as the API document lists them.
PosKind = Literal[
    "COUPON_CLAIM",
    "CLERK_CODE",
    "ASSISTED_ORDER",
    "POS_SALE",
    "CHAT",
    "PICKUP_VERIFY",
    "BOOKING",
    "CONTENT_READ",
    "ARRIVE",
    "LEAVE",
]


class PosTouchBody(ApiModel):
    """One contact away from WeChat. `id` is the till's own: the same id again answers the first result."""

    id: ReceiptNo
    kind: Annotated[PosKind, Field(description="CONTENT_READ, ARRIVE and LEAVE never bind (TCH-6)")]
    member: MemberIn
    clerk: Annotated[Code | None, Field(default=None, examples=["C-WFYQ-01"])]
    scene: Annotated[Text | None, Field(default=None, min_length=1, max_length=32, description="Of a code")]
    occurred_at: Moment


class PosTouchOut(ApiModel):
    """What became of it. `valid` false: kept as evidence, earns nothing; `reason` says why."""

    result: Annotated[str, Field(examples=["ACQUIRED"])]
    valid: bool
    reason: Annotated[str | None, Field(examples=["CLERK_LEFT"])]
    clerk: str | None
    service_clerk: Annotated[str | None, Field(description="Who serves the member from now on")]


@bp.post("/touches", responses={"200": PosTouchOut})
def tell_touch(body: PosTouchBody) -> Response:
    """Tell a contact, at most a week late. Only clerks and codes of the till's own store are known here."""
    caller, p = till(), parts()
    counter = Counter(caller.store_id, caller.store)
    with p.tx() as session:
        clerk = body.clerk and find_seller(session, counter, body.clerk, day=local_day(body.occurred_at))
        recorded = record_offline(
            session,
            counter,
            member_id=hold(session, p.vault, body.member.named()),
            kind=TouchKind(body.kind),
            external_id=f"touch.{body.id}",
            occurred_at=body.occurred_at,
            clerk=clerk or None,
            scene=body.scene,
            now=p.now(),
        )
    return answer(
        {
            "result": recorded.result,
            "valid": recorded.valid,
            "reason": recorded.reason,
            "clerk": recorded.clerk_code,
            "service_clerk": recorded.service_clerk_code,
        }
    )
