"""Explain an order: who earns what on it and why, within the own scope (SET-5, SPL-10)."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from app.api.credit_shapes import CreditOut, credit_out
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, operator, operators_only, parts
from app.api.order_shapes import OrderPath
from app.api.schema import answer, language
from app.base.scope import Scope
from app.commission.explaining import Share, explain_order, seen_by

bp = APIBlueprint(
    "backoffice_credit",
    __name__,
    url_prefix="/api/backoffice",
    abp_tags=[
        Tag(name="Back office: commission", description="Every fen of an order's commission, explained")
    ],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 404, 422),
)
bp.before_request(operators_only)


@bp.get("/orders/<number>/credit", responses={"200": CreditOut})
def order_credit(path: OrderPath) -> Response:
    """Every fen: rule, policy version, evidence, party, refunds and moves as a dated story, and the sums.

    A company or store sees its own parties; all others are one "another party" with their amounts summed.
    An order of which nothing is theirs is not there (404).
    """
    scope = operator().scope
    with parts().read() as connection:
        explained = explain_order(connection, path.number)
    if not scope.is_whole:
        explained = seen_by(
            explained,
            lambda share: _is_within(scope, share),
            sold=scope.covers(entity=explained.selling_entity, store=explained.selling_store),
        )
    return answer(credit_out(explained, language()))


def _is_within(scope: Scope, share: Share) -> bool:
    return share.payee is not None and scope.covers(entity=share.payee, store=share.store)
