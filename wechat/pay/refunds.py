"""Paying back through WeChat, in whole or in part."""

from dataclasses import dataclass
from typing import Any

from wechat.pay import limits
from wechat.pay.gateway import Gateway, understood
from wechat.pay.results import RefundState, refund_of
from wechat.pay.signing import MerchantKey

_REFUNDS = "/v3/refund/domestic/refunds"


@dataclass(frozen=True, repr=False)
class BankCard:
    """The shopper's card that an abnormal refund goes to. `bank_type` is WeChat's word, such as CMB_DEBIT."""

    bank_type: str
    account: str
    name: str


class Refunds:
    """Verbs around one refund. `out_refund_no`: 1..64 letters, digits, _ or -; it alone keeps a repeat from
    paying back twice, so it is committed before the call and never replaced after an unknown outcome."""

    def __init__(self, gateway: Gateway, merchant: MerchantKey) -> None:
        self._gateway = gateway
        self._merchant = merchant

    def refund(
        self,
        *,
        out_trade_no: str | None = None,
        transaction_id: str | None = None,
        out_refund_no: str,
        refund_fen: int,
        total_fen: int,
        reason: str = "",
        notify_url: str | None = None,
    ) -> RefundState:
        """Asks for a refund; PROCESSING means accepted, the truth comes by notice or `query_refund`. The same
        number with the same content answers the refund that exists. The payment is named by its own number or
        by WeChat's, not both. `total_fen` is the order's total. Within
        365 days, at most 50 per order and a minute apart. Unavailable with NOT_ENOUGH: top up the account and
        repeat with the same number. Unknown: repeat with the same number, never with another."""
        api = "pay.refund"
        limits.fen(api, total_fen, "total_fen")
        limits.demand(api, (out_trade_no is None) != (transaction_id is None), "one number of the payment")
        fields: dict[str, Any] = {
            "out_refund_no": limits.number(api, out_refund_no, longest=64),
            "amount": {
                "refund": limits.fen(api, refund_fen, "refund_fen (at most the total)", total_fen),
                "total": total_fen,
                "currency": "CNY",
            },
        }
        if out_trade_no is not None:
            fields["out_trade_no"] = limits.number(api, out_trade_no, shortest=6, longest=32)
        if transaction_id is not None:
            fields["transaction_id"] = limits.number(api, transaction_id, longest=32, plain=True)
        if shown := limits.words(reason, 80):
            fields["reason"] = shown
        if notify_url:
            fields["notify_url"] = limits.address(api, notify_url)
        answer = self._gateway.write(api, _REFUNDS, fields)
        with understood(api, write=True):
            return refund_of(answer)

    def query_refund(self, out_refund_no: str) -> RefundState:
        """How a refund stands. Refused (RESOURCE_NOT_EXISTS) when WeChat has never seen the number: ask for
        it again, with the same number."""
        api = "pay.query_refund"
        limits.number(api, out_refund_no, longest=64)
        answer = self._gateway.read(api, f"{_REFUNDS}/{out_refund_no}")
        with understood(api, write=False):
            return refund_of(answer)

    def redirect_refund(
        self, *, refund_id: str, out_refund_no: str, card: BankCard | None = None
    ) -> RefundState:
        """Sends an ABNORMAL refund to the shopper's `card`, or without one to the merchant's own bank account,
        to be paid back outside WeChat. It is PROCESSING again afterwards. Unknown: query the refund."""
        api = "pay.redirect_refund"
        limits.number(api, refund_id, longest=32, plain=True)
        fields: dict[str, Any] = {
            "out_refund_no": limits.number(api, out_refund_no, longest=64),
            "type": "USER_BANK_CARD" if card else "MERCHANT_BANK_CARD",
        }
        sealer = None
        if card:
            fields["bank_type"] = limits.line(api, card.bank_type, "bank_type", 16)
            account = limits.secret(api, card.account, "account")
            name = limits.secret(api, card.name, "name")
            sealer = self._gateway.sealer(api)
            fields |= {"bank_account": sealer.seal(account), "real_name": sealer.seal(name)}
        path = f"{_REFUNDS}/{refund_id}/apply-abnormal-refund"
        answer = self._gateway.write(api, path, fields, sealer=sealer)
        with understood(api, write=True):
            return refund_of(answer)
