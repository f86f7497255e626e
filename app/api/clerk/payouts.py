"""What a clerk outside the payroll is sent, and what the own phone needs to confirm it (SET-3)."""

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, clerk, clerks_only, parts
from app.api.schema import ApiModel, PageQuery, answer, language
from app.base.clock import iso
from app.payout import reading, words

bp = APIBlueprint(
    "clerk_payouts",
    __name__,
    url_prefix="/api/clerk",
    abp_tags=[Tag(name="Clerk: payouts", description="Money on its way to me")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(clerks_only)
LIST = "own payouts"


class ConfirmWith(ApiModel):
    """What `wx.requestMerchantTransfer` takes."""

    mch_id: str
    app_id: str
    package: str


class PayoutOut(ApiModel):
    """One transfer to me. `confirm` is there while it waits for me, until `confirm_until`."""

    number: str
    settlement: str
    amount_fen: int
    state: str
    state_name: str
    why: str | None
    created_at: str
    confirm_until: str | None
    confirm: ConfirmWith | None


class PayoutsOut(ApiModel):
    """A page of transfers, newest first."""

    items: list[PayoutOut]
    next: str | None


@bp.get("/payouts", responses={"200": PayoutsOut})
def own_payouts(query: PageQuery) -> Response:
    """My transfers. One that I do not confirm within a day goes back and into my next settlement."""
    before = read_cursor(LIST, query.cursor) if query.cursor else None
    party = f"clerk:{clerk().clerk_code}"
    with parts().read() as connection:
        found = reading.own_transfers(connection, party, before=before, limit=query.limit + 1)
    more = write_cursor(LIST, found[query.limit - 1].row_id) if len(found) > query.limit else None
    lang = language()
    return answer(PayoutsOut(items=[_payout(one, lang) for one in found[: query.limit]], next=more))


def _payout(one: reading.TransferSeen, lang: str) -> PayoutOut:
    confirm = one.package and ConfirmWith(mch_id=one.mchid, app_id=one.appid, package=one.package)
    return PayoutOut(
        number=one.number,
        settlement=one.batch,
        amount_fen=one.amount_fen,
        state=one.state.value,
        state_name=words.state(one.state, lang),
        why=words.problem(one.problem, lang) if one.problem else None,
        created_at=iso(one.created_at),
        confirm_until=iso(one.confirm_until) if one.confirm_until else None,
        confirm=confirm or None,
    )
