"""The clerk at the counter: verify a pick-up, decide a refund."""

from typing import Annotated, Any

from flask import Response
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field, model_validator
from sqlalchemy.orm import Session

from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, parts
from app.api.idempotency import IdempotencyHeader, once
from app.api.order_shapes import OrderPath
from app.api.schema import ApiModel, Fen, Int, Text, answer
from app.base.clock import iso
from app.base.errors import Forbidden, NotFound
from app.members.callers import Caller
from app.orders.pickup import Verifier, verify
from app.orders.pickup_codes import open_token
from app.orders.pricing import MAX_AMOUNT_FEN, MAX_LINES, MAX_QTY
from app.payments.partial import Decider, Wish, refund_part

bp = APIBlueprint(
    "clerk_counter",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: counter", description="Verify pick-ups, decide refunds")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(clerks_only)


class VerifyBody(ApiModel):
    """The eight digits, or the token of the scanned QR."""

    code: Annotated[Text | None, Field(default=None, pattern=r"^[0-9]{8}$")]
    token: Annotated[Text | None, Field(default=None, min_length=8, max_length=200)]
    age_checked: Annotated[bool, Field(default=False, strict=True, description="Needed for goods for adults")]

    @model_validator(mode="after")
    def _one(self) -> "VerifyBody":
        if (self.code is None) == (self.token is None):
            raise ValueError("send either code or token")
        return self


class GoodsOut(ApiModel):
    """What to hand over."""

    name: str
    spec: str
    qty: int


class VerifiedOut(ApiModel):
    """What left the store. ``again``: it had been handed over before; nothing happened now."""

    number: str
    completed_at: str
    again: bool
    goods: list[GoodsOut]


class RefundWish(ApiModel):
    """Part of one line; ``qty`` units come back with it."""

    line_no: Annotated[Int, Field(ge=1, le=MAX_LINES)]
    amount_fen: Annotated[Int, Field(ge=1, le=MAX_AMOUNT_FEN)]
    qty: Annotated[Int, Field(default=0, ge=0, le=MAX_QTY)]


class RefundBody(ApiModel):
    """A refund decided at the counter."""

    lines: Annotated[list[RefundWish], Field(min_length=1, max_length=MAX_LINES)]
    reason: Annotated[Text, Field(min_length=1, max_length=80)]
    seller_fault: Annotated[
        bool, Field(default=False, strict=True, description="Defective goods that stay with the customer")
    ]


class RefundStarted(ApiModel):
    """The refund is decided and on its way to the payer."""

    number: str
    refund: str
    amount_fen: Fen


@bp.post("/pickups/verify", responses={"200": VerifiedOut, **problems(404, 409, 429)})
def verify_pickup(body: VerifyBody) -> Response:
    """Hand over the goods behind a code at my own store. Verifying again answers the first result."""
    caller, p = clerk(), parts()
    code = body.code or open_token(p.vault, body.token or "", now=p.now())
    if code is None:
        raise NotFound("WRONG_CODE", "The QR is too old or not ours; ask for a fresh one.")
    store_id = _store(caller)
    verifier = Verifier(int(caller.clerk_id or 0), str(caller.clerk_code), store_id)
    done = verify(p.tx, verifier, code=code, age_checked=body.age_checked, vault=p.vault, now=p.now())
    goods = [{"name": name, "spec": spec, "qty": qty} for name, spec, qty in done.lines]
    return answer(
        {"number": done.number, "completed_at": iso(done.completed_at), "again": done.again, "goods": goods}
    )


@bp.post("/orders/<number>/refunds", responses={"202": RefundStarted, **problems(404, 409)})
def refund_order(path: OrderPath, header: IdempotencyHeader, body: RefundBody) -> Response:
    """Refund part of an order of my store (managers only). The money follows within minutes."""
    caller = clerk()
    decider = Decider(str(caller.clerk_code), str(caller.clerk_role), _store(caller))
    wishes = [Wish(line.line_no, line.amount_fen, line.qty) for line in body.lines]

    def act(session: Session) -> tuple[dict[str, Any], int]:
        refund_no = refund_part(
            session,
            order_number=path.number,
            decider=decider,
            wishes=wishes,
            reason=body.reason,
            seller_fault=body.seller_fault,
            now=parts().now(),
        )
        total_fen = sum(wish.amount_fen for wish in wishes)
        return {"number": path.number, "refund": refund_no, "amount_fen": total_fen}, 202

    given = {"number": path.number, **body.model_dump()}
    return once(
        parts().tx, caller=f"clerk:{caller.clerk_code}", operation="refund_order", given=given, act=act
    )


def _store(caller: Caller) -> int:
    if caller.store_id is None:
        raise Forbidden("FORBIDDEN", "This clerk belongs to no store.")
    return caller.store_id
