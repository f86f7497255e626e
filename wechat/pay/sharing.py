"""Profit sharing: parts of a paid order for others, out of the money that the order froze.

The order must have been prepaid with `profit_sharing`. Nothing here notifies the one who shares: query until
FINISHED, and then look at each part, for FINISHED does not mean that all were paid.
"""

from collections.abc import Sequence
from typing import Any

from wechat.pay import limits
from wechat.pay.gateway import Gateway, understood
from wechat.pay.results import whole, word
from wechat.pay.sharing_results import (
    Receiver,
    ReceiverKind,
    Relation,
    Share,
    ShareReturn,
    Sharing,
    return_of,
    sharing_of,
)
from wechat.pay.signing import MerchantKey

_ROOT = "/v3/profitsharing"
MOST_PARTS = 50


class ProfitSharing:
    """Verbs around the shares of one payment. `out_order_no` and `out_return_no`: 1..64 letters, digits, _ or
    -; committed before the call, never replaced after an unknown outcome."""

    def __init__(self, gateway: Gateway, merchant: MerchantKey) -> None:
        self._gateway = gateway
        self._merchant = merchant

    def add_receiver(self, *, appid: str, receiver: Receiver) -> None:
        """Makes somebody one who may receive shares. Adding again is fine and changes nothing. The full name
        is required of a merchant, and checked for a person if it is given. Unknown: add again."""
        api = "pay.add_receiver"
        limits.demand(api, receiver.kind is not ReceiverKind.OTHER, "kind of the receiver")
        limits.demand(api, receiver.relation is not Relation.OTHER, "relation of the receiver")
        needs_name = receiver.kind is ReceiverKind.MERCHANT_ID
        limits.demand(api, bool(receiver.name) or not needs_name, "name: required of a merchant")
        fields = _who(api, appid, receiver.kind, receiver.account)
        fields["relation_type"] = receiver.relation.value
        if receiver.relation is Relation.CUSTOM:
            fields["custom_relation"] = limits.line(api, receiver.custom_relation, "custom_relation", 10)
        sealer = None
        if receiver.name:
            name = limits.secret(api, receiver.name, "name")
            sealer = self._gateway.sealer(api)
            fields["name"] = sealer.seal(name)
        answer = self._gateway.write(api, f"{_ROOT}/receivers/add", fields, sealer=sealer)
        with understood(api, write=True):
            word(answer, "account")

    def remove_receiver(self, *, appid: str, kind: ReceiverKind, account: str) -> None:
        """Ends that. Shares that are on their way are not touched. Unknown: remove again."""
        api = "pay.remove_receiver"
        limits.demand(api, kind is not ReceiverKind.OTHER, "kind of the receiver")
        answer = self._gateway.write(api, f"{_ROOT}/receivers/delete", _who(api, appid, kind, account))
        with understood(api, write=True):
            word(answer, "account")

    def share(
        self,
        *,
        appid: str,
        transaction_id: str,
        out_order_no: str,
        shares: Sequence[Share],
        unfreeze_rest: bool,
    ) -> Sharing:
        """Asks for 1 to 50 shares, and with `unfreeze_rest` ends the sharing of this payment. PROCESSING means
        accepted: query. The same number with the same shares answers what exists. In all at most 30 % of the
        payment, from a minute after it and after its settlement on; what is not shared unfreezes by itself
        after 30 days. Unknown: query, then repeat with the same number."""
        api = "pay.share"
        limits.demand(api, 1 <= len(shares) <= MOST_PARTS, f"1 to {MOST_PARTS} shares")
        limits.demand(api, bool(appid), "appid")
        sealer = self._gateway.sealer(api) if any(one.name for one in shares) else None
        receivers: list[dict[str, Any]] = []
        for one in shares:
            limits.demand(api, one.kind is not ReceiverKind.OTHER, "kind of each receiver")
            fields: dict[str, Any] = {
                "type": one.kind.value,
                "account": limits.number(api, one.account, longest=64),
                "amount": limits.fen(api, one.amount_fen, "amount_fen of each share"),
                "description": limits.line(api, one.description, "description of each share", 80),
            }
            if one.name and sealer:
                fields["name"] = sealer.seal(limits.secret(api, one.name, "name"))
            receivers.append(fields)
        body = {
            "appid": appid,
            "transaction_id": limits.number(api, transaction_id, longest=32, plain=True),
            "out_order_no": limits.number(api, out_order_no, longest=64),
            "receivers": receivers,
            "unfreeze_unsplit": bool(unfreeze_rest),
        }
        answer = self._gateway.write(api, f"{_ROOT}/orders", body, sealer=sealer)
        with understood(api, write=True):
            return sharing_of(answer)

    def query_share(self, *, transaction_id: str, out_order_no: str) -> Sharing:
        """How a sharing or an unfreezing stands. Refused (RESOURCE_NOT_EXISTS) when the number was never
        received: repeat with the same."""
        api = "pay.query_share"
        limits.number(api, transaction_id, longest=32, plain=True)
        limits.number(api, out_order_no, longest=64)
        answer = self._gateway.read(api, f"{_ROOT}/orders/{out_order_no}", {"transaction_id": transaction_id})
        with understood(api, write=False):
            return sharing_of(answer)

    def unfreeze(self, *, transaction_id: str, out_order_no: str, description: str) -> Sharing:
        """Ends the sharing of a payment and gives the merchant what is left of it. `out_order_no` must be new:
        under the number of a sharing WeChat says yes and unfreezes nothing. Unknown: query, then repeat with
        the same number."""
        api = "pay.unfreeze"
        fields = {
            "transaction_id": limits.number(api, transaction_id, longest=32, plain=True),
            "out_order_no": limits.number(api, out_order_no, longest=64),
            "description": limits.line(api, description, "description", 80),
        }
        answer = self._gateway.write(api, f"{_ROOT}/orders/unfreeze", fields)
        with understood(api, write=True):
            return sharing_of(answer)

    def return_share(
        self,
        *,
        out_order_no: str,
        out_return_no: str,
        return_mchid: str,
        amount_fen: int,
        description: str,
    ) -> ShareReturn:
        """Fetches a share back from a merchant who has agreed to that, within 180 days. It reaches our balance
        and cannot be shared again. PROCESSING: query. Unknown: query, then repeat with the same number."""
        api = "pay.return_share"
        fields = {
            "out_order_no": limits.number(api, out_order_no, longest=64),
            "out_return_no": limits.number(api, out_return_no, longest=64),
            "return_mchid": limits.number(api, return_mchid, longest=32, plain=True),
            "amount": limits.fen(api, amount_fen, "amount_fen"),
            "description": limits.line(api, description, "description", 80),
        }
        answer = self._gateway.write(api, f"{_ROOT}/return-orders", fields)
        with understood(api, write=True):
            return return_of(answer)

    def query_share_return(self, *, out_return_no: str, out_order_no: str) -> ShareReturn:
        """How a return stands. Refused (RESOURCE_NOT_EXISTS) when the number was never received."""
        api = "pay.query_share_return"
        limits.number(api, out_return_no, longest=64)
        limits.number(api, out_order_no, longest=64)
        path = f"{_ROOT}/return-orders/{out_return_no}"
        answer = self._gateway.read(api, path, {"out_order_no": out_order_no})
        with understood(api, write=False):
            return return_of(answer)

    def unshared_fen(self, transaction_id: str) -> int:
        """What is still frozen of a payment, in fen."""
        api = "pay.unshared"
        limits.number(api, transaction_id, longest=32, plain=True)
        answer = self._gateway.read(api, f"{_ROOT}/transactions/{transaction_id}/amounts")
        with understood(api, write=False):
            return whole(answer, "unsplit_amount")


def _who(api: str, appid: str, kind: ReceiverKind, account: str) -> dict[str, Any]:
    limits.demand(api, bool(appid), "appid")
    return {"appid": appid, "type": kind.value, "account": limits.number(api, account, longest=64)}
