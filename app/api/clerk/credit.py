"""What a clerk has of one order, and why (SET-5)."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from app.api.credit_shapes import CreditOut, credit_out
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, parts
from app.api.order_shapes import OrderPath
from app.api.schema import answer, language
from app.commission.explaining import explain_order, only

bp = APIBlueprint(
    "clerk_credit",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: earnings", description="What I earn, when it is certain, and why")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 422),
)
bp.before_request(clerks_only)


@bp.get("/orders/<number>/credit", responses={"200": CreditOut})
def my_credit(path: OrderPath) -> Response:
    """My shares of an order with their story. An order on which I earn nothing is not there (404)."""
    with parts().read() as connection:
        explained = explain_order(connection, path.number)
    return answer(credit_out(only(explained, f"clerk:{clerk().clerk_code}"), language(), about_me=True))
