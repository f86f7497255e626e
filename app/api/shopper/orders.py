"""The shopper's orders: quote, place, look, pay, cancel, pick up."""

from typing import Annotated, Any

from flask import Response, current_app
from flask_openapi3 import APIBlueprint, Tag
from pydantic import Field
from sqlalchemy.orm import Session

from app.api.cursors import read_cursor, write_cursor
from app.api.errors import problems
from app.api.guard import NEEDS_TOKEN, parts, shopper, shoppers_only
from app.api.idempotency import IdempotencyHeader, once
from app.api.order_shapes import BasketBody, OrderOut, OrderPath, OrdersOut, PlacedOut, QuoteOut, order_out
from app.api.schema import ApiModel, PageQuery, answer, language
from app.base.clock import iso
from app.base.freshness import listen
from app.members.callers import Caller
from app.orders import pickup_codes, placing, reading
from app.orders.placing import Basket, Buyer, place
from app.orders.pricing import Quote
from app.payments.prepaying import Payer, Shop, prepay
from app.payments.stopping import cancel
from app.stores.remembered import RememberedStores

bp = APIBlueprint(
    "shopper_orders",
    __name__,
    url_prefix="/api/shopper",
    abp_tags=[Tag(name="Shopper: orders", description="Quote, place, pay, cancel, pick up")],
    abp_security=NEEDS_TOKEN,
    abp_responses=problems(401, 403, 422),
)
bp.before_request(shoppers_only)
LIST = "orders"
NEWEST = 2**62


class PrepayOut(ApiModel):
    """What ``wx.requestPayment`` takes, signed with the merchant's key."""

    timeStamp: str  # WeChat's own spelling
    nonceStr: str
    package: str
    signType: str
    paySign: str


class CancelOut(ApiModel):
    """The order after the attempt; ``refund`` is the number of the refund that a paid order gets."""

    number: str
    state: str
    refund: str | None


class PickupCodeOut(ApiModel):
    """Show ``code``, or a QR of ``token`` (valid until ``token_expires_at``), at the store's counter."""

    code: Annotated[str, Field(pattern=r"^[0-9]{8}$")]
    token: str
    token_expires_at: str


@bp.post("/quote", responses={"200": QuoteOut, **problems(404, 409)})
def quote_basket(body: BasketBody) -> Response:
    """What a basket costs now at a store. Holds nothing."""
    with parts().tx() as session:
        store, _, priced = placing.price(session, _basket(body), find_store=_stores().get)
    return answer(_quote(store.code, priced))


@bp.post("/orders", responses={"201": PlacedOut, **problems(404, 409)})
def place_order(header: IdempotencyHeader, body: BasketBody) -> Response:
    """Place an order for pick-up. The goods are held for 15 minutes, or until it is paid."""
    caller, p, stores = shopper(), parts(), _stores()

    def act(session: Session) -> tuple[dict[str, Any], int]:
        buyer = Buyer(caller.member_id, caller.member_number, caller.identity_id)
        ttl_s = p.settings.unpaid_order_ttl_s
        placed = place(session, _basket(body), buyer, now=p.now(), ttl_s=ttl_s, find_store=stores.get)
        more = {"number": placed.number, "state": "CREATED", "expires_at": iso(placed.expires_at)}
        return {**_quote(placed.store.code, placed.quote), **more}, 201

    # The WeChat identity stays the same when two members are merged; a repeated key must find its answer.
    owner = f"identity:{caller.identity_id}"
    return once(p.tx, caller=owner, operation="place_order", given=body.model_dump(), act=act)


@bp.get("/orders", responses={"200": OrdersOut})
def list_orders(query: PageQuery) -> Response:
    """My orders, newest first."""
    caller = shopper()
    before = NEWEST if query.cursor is None else read_cursor(LIST, query.cursor)
    with parts().read() as connection:
        orders = reading.page(connection, member_id=caller.member_id, before=before, limit=query.limit + 1)
    shown = orders[: query.limit]
    more = write_cursor(LIST, shown[-1].row_id) if len(orders) > query.limit else None
    return answer({"items": [order_out(order, language()) for order in shown], "next": more})


@bp.get("/orders/<number>", responses={"200": OrderOut, **problems(404)})
def show_order(path: OrderPath) -> Response:
    """One of my orders."""
    caller = shopper()
    with parts().read() as connection:
        order = reading.get_order(connection, path.number, member_id=caller.member_id)
    return answer(order_out(order, language()))


@bp.post("/orders/<number>/prepay", responses={"200": PrepayOut, **problems(404, 409)})
def prepay_order(path: OrderPath) -> Response:
    """The parameters for ``wx.requestPayment``. Asking again is safe: it is the same payment."""
    caller, p = shopper(), parts()
    shop = Shop(p.settings.pay_mchid, p.settings.paid_url, f"{p.settings.brand_name} {path.number}")
    payer = Payer(caller.member_id, caller.appid, caller.openid)
    return answer(
        prepay(
            p.tx, p.wechat.pay, order_number=path.number, payer=payer, shop=shop, vault=p.vault, now=p.now()
        )
    )


@bp.post("/orders/<number>/cancel", responses={"200": CancelOut, **problems(404, 409)})
def cancel_order(path: OrderPath) -> Response:
    """Cancel before hand-over; a paid order is refunded in full. Asking again answers the same."""
    caller, p = shopper(), parts()
    stopped = cancel(
        p.tx,
        p.wechat.pay,
        order_number=path.number,
        member_id=caller.member_id,
        actor=_who(caller),
        vault=p.vault,
        now=p.now(),
    )
    return answer({"number": stopped.number, "state": stopped.state, "refund": stopped.refund_no})


@bp.get("/orders/<number>/pickup-code", responses={"200": PickupCodeOut, **problems(404)})
def show_pickup_code(path: OrderPath) -> Response:
    """The code that the store's clerk verifies; there is none before payment or after hand-over."""
    caller, p = shopper(), parts()
    with p.tx() as session:
        order = reading.get_order(session, path.number, member_id=caller.member_id)
        shown = pickup_codes.show(session, order.row_id, vault=p.vault, now=p.now())
    return answer({"code": shown.code, "token": shown.token, "token_expires_at": iso(shown.token_expires_at)})


def _who(caller: Caller) -> str:
    return f"member:{caller.member_number}"


def _basket(body: BasketBody) -> Basket:
    return Basket(body.store, tuple((line.sku, line.qty) for line in body.lines), body.note)


def _stores() -> RememberedStores:
    found: RememberedStores | None = current_app.extensions.get("lianke.stores")
    if found is None:
        found = RememberedStores(listen(parts().settings.database_url))
        current_app.extensions["lianke.stores"] = found
    return found


def _quote(store_code: str, priced: Quote) -> dict[str, Any]:
    lines = [
        {
            "sku": line.sku_code,
            "qty": line.qty,
            "unit_price_fen": line.unit_price_fen,
            "discount_fen": line.discount_fen,
            "amount_fen": line.amount_fen,
        }
        for line in priced.lines
    ]
    return {
        "store": store_code,
        "lines": lines,
        "goods_fen": priced.goods_fen,
        "discount_fen": priced.discount_fen,
        "freight_fen": priced.freight_fen,
        "amount_fen": priced.amount_fen,
    }
