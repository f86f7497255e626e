"""Paying back through WeChat, in whole or in part."""

from typing import Any

from wechat.errors import Malformed, Unavailable, Unknown
from wechat.pay import limits
from wechat.pay.gateway import Gateway
from wechat.pay.results import RefundState, refund_of
from wechat.pay.signing import MerchantKey

_REFUNDS = "/v3/refund/domestic/refunds"


class Refunds:
    """Verbs around one refund. `out_refund_no`: 1..64 letters, digits, _ or -; it alone keeps a repeat from
    paying back twice, so it is committed before the call and never replaced after an unknown outcome."""

    def __init__(self, gateway: Gateway, merchant: MerchantKey) -> None:
        self._gateway = gateway
        self._merchant = merchant

    def refund(
        self,
        *,
        out_trade_no: str,
        out_refund_no: str,
        refund_fen: int,
        total_fen: int,
        reason: str = "",
        notify_url: str | None = None,
    ) -> RefundState:
        """Asks for a refund; PROCESSING means accepted, the truth comes by notice or `query_refund`. The same
        number with the same content answers the refund that exists. `total_fen` is the order's total. Within
        365 days, at most 50 per order and a minute apart. Unavailable with NOT_ENOUGH: top up the account and
        repeat with the same number. Unknown: repeat with the same number, never with another."""
        api = "pay.refund"
        limits.fen(api, total_fen, "total_fen")
        fields: dict[str, Any] = {
            "out_trade_no": limits.number(api, out_trade_no, shortest=6, longest=32),
            "out_refund_no": limits.number(api, out_refund_no, longest=64),
            "amount": {
                "refund": limits.fen(api, refund_fen, "refund_fen (at most the total)", total_fen),
                "total": total_fen,
                "currency": "CNY",
            },
        }
        if shown := limits.words(reason, 80):
            fields["reason"] = shown
        if notify_url:
            fields["notify_url"] = limits.address(api, notify_url)
        answer = self._gateway.write(api, _REFUNDS, fields)
        try:
            return refund_of(answer)
        except Malformed as error:
            raise Unknown(api, "ANSWER", error.reason) from None

    def query_refund(self, out_refund_no: str) -> RefundState:
        """How a refund stands. Refused (RESOURCE_NOT_EXISTS) when WeChat has never seen the number: ask for
        it again, with the same number."""
        api = "pay.query_refund"
        limits.number(api, out_refund_no, longest=64)
        answer = self._gateway.read(api, f"{_REFUNDS}/{out_refund_no}")
        try:
            return refund_of(answer)
        except Malformed as error:
            raise Unavailable(api, "ANSWER", error.reason) from None
