"""One payment for several orders, of one merchant or of several: paid all or none, refunded and shared one by
one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wechat.pay import limits
from wechat.pay.gateway import Gateway, understood
from wechat.pay.results import Trade, TradeState, items, maybe_moment, maybe_word, part, whole, word
from wechat.pay.signing import MerchantKey

_COMBINED = "/v3/combine-transactions"


@dataclass(frozen=True)
class SubOrder:
    """One order of a combined payment. `attach` comes back in notices and queries."""

    mchid: str
    out_trade_no: str
    description: str
    amount_fen: int
    attach: str = ""
    profit_sharing: bool = False


@dataclass(frozen=True)
class CombinedTrade:
    """A combined payment as WeChat sees it; each order in it reads like a payment of its own (its `appid` and
    payer are those of the whole)."""

    appid: str
    mchid: str
    combine_out_trade_no: str
    payer_openid: str | None = field(repr=False)
    trades: tuple[Trade, ...]


def combined_of(fields: Mapping[str, Any]) -> CombinedTrade:
    """Reads a combined payment, of a query or of a notice. Raises Malformed."""
    appid = word(fields, "combine_appid")
    openid = maybe_word(part(fields, "combine_payer_info"), "openid")
    return CombinedTrade(
        appid=appid,
        mchid=word(fields, "combine_mchid"),
        combine_out_trade_no=word(fields, "combine_out_trade_no"),
        payer_openid=openid,
        trades=tuple(_trade_of(one, appid, openid) for one in items(fields, "sub_orders")),
    )


def _trade_of(fields: Mapping[str, Any], appid: str, openid: str | None) -> Trade:
    amount = part(fields, "amount")
    return Trade(
        appid=appid,
        mchid=word(fields, "mchid"),
        out_trade_no=word(fields, "out_trade_no"),
        transaction_id=maybe_word(fields, "transaction_id"),
        state=TradeState(word(fields, "trade_state")),
        amount_fen=whole(amount, "total_amount") if "total_amount" in amount else None,
        currency=maybe_word(amount, "currency"),
        payer_openid=openid,
        success_at=maybe_moment(fields, "success_time"),
    )


class Combined:
    """Verbs around one combined payment. Its own number and each order's: 6..32 letters, digits, _ or -."""

    def __init__(self, gateway: Gateway, merchant: MerchantKey) -> None:
        self._gateway = gateway
        self._merchant = merchant

    def prepay_combined(
        self,
        *,
        appid: str,
        combine_out_trade_no: str,
        orders: Sequence[SubOrder],
        openid: str,
        notify_url: str,
        expires_at: datetime | None,
    ) -> str:
        """Orders a payment for 2 to 10 orders and answers its prepay_id, as `prepay` does. Unknown: query, or
        repeat unchanged."""
        api = "pay.prepay_combined"
        limits.demand(api, bool(openid) and bool(appid), "appid and openid")
        limits.demand(api, 2 <= len(orders) <= 10, "2 to 10 orders")
        names = {(one.mchid, one.out_trade_no) for one in orders}
        limits.demand(api, len(names) == len(orders), "each order once")
        fields: dict[str, Any] = {
            "combine_appid": appid,
            "combine_mchid": self._merchant.mchid,
            "combine_out_trade_no": limits.number(api, combine_out_trade_no, shortest=6, longest=32),
            "sub_orders": [_sub_order(api, one) for one in orders],
            "combine_payer_info": {"openid": openid},
            "notify_url": limits.address(api, notify_url),
        }
        if expires_at is not None:
            fields["time_expire"] = limits.moment(api, expires_at)
        answer = self._gateway.write(api, f"{_COMBINED}/jsapi", fields)
        with understood(api, write=True):
            return word(answer, "prepay_id")

    def query_combined(self, combine_out_trade_no: str) -> CombinedTrade:
        """How it stands. Refused (ORDER_NOT_EXIST) when WeChat has never seen the number; its orders cannot be
        queried singly."""
        api = "pay.query_combined"
        limits.number(api, combine_out_trade_no, shortest=6, longest=32)
        answer = self._gateway.read(api, f"{_COMBINED}/out-trade-no/{combine_out_trade_no}")
        with understood(api, write=False):
            return combined_of(answer)

    def close_combined(
        self, *, appid: str, combine_out_trade_no: str, orders: Sequence[tuple[str, str]]
    ) -> None:
        """After this nobody can pay it any more. `orders`: (mchid, out_trade_no) of each order in it, all of
        them. Refused and Unknown as `close`."""
        api = "pay.close_combined"
        limits.number(api, combine_out_trade_no, shortest=6, longest=32)
        limits.demand(api, bool(appid) and bool(orders), "appid and all its orders")
        subs = [
            {"mchid": mchid, "out_trade_no": limits.number(api, number, shortest=6, longest=32)}
            for mchid, number in orders
        ]
        path = f"{_COMBINED}/out-trade-no/{combine_out_trade_no}/close"
        self._gateway.write(api, path, {"combine_appid": appid, "sub_orders": subs})


def _sub_order(api: str, order: SubOrder) -> dict[str, Any]:
    shown = limits.words(order.description, 127)
    limits.demand(api, bool(shown) and bool(order.mchid), "mchid and description of each order")
    fields: dict[str, Any] = {
        "mchid": order.mchid,
        "attach": limits.words(order.attach, 128) or order.out_trade_no,
        "amount": {"total_amount": limits.fen(api, order.amount_fen, "amount_fen"), "currency": "CNY"},
        "out_trade_no": limits.number(api, order.out_trade_no, shortest=6, longest=32),
        "description": shown,
    }
    if order.profit_sharing:
        fields["settle_info"] = {"profit_sharing": True}
    return fields
