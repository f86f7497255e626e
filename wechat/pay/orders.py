"""Taking a payment: order it, let the shopper's phone pay it, ask how it stands, close it."""

import secrets
from datetime import datetime
from typing import Any

from wechat.pay import limits
from wechat.pay.gateway import Gateway, understood
from wechat.pay.results import Trade, trade_of, word
from wechat.pay.signing import MerchantKey, lines

_TRANSACTIONS = "/v3/pay/transactions"


class Orders:
    """Verbs around one payment. `out_trade_no`: 6..32 letters, digits, _ or -, unique per merchant for
    ever."""

    def __init__(self, gateway: Gateway, merchant: MerchantKey) -> None:
        self._gateway = gateway
        self._merchant = merchant

    def prepay(
        self,
        *,
        appid: str,
        out_trade_no: str,
        description: str,
        amount_fen: int,
        openid: str,
        notify_url: str,
        expires_at: datetime | None,
        profit_sharing: bool = False,
    ) -> str:
        """Orders a payment and answers its prepay_id, good for 2 hours. The same number with the same content
        answers a new prepay_id; with other content, or once paid or closed: Refused (INVALID_REQUEST,
        OUT_TRADE_NO_USED, ORDER_PAID, ORDER_CLOSED: query before anything else). `openid` is under `appid`;
        `expires_at` counts only the first time. `description` loses emoji and is cut to 127 bytes. Values
        that WeChat would refuse are refused here with its PARAM_ERROR. Unknown: query, or repeat
        unchanged."""
        api = "pay.prepay"
        shown = limits.words(description, 127)
        limits.demand(api, bool(shown), "description: nothing left to show")
        limits.demand(api, bool(openid) and bool(appid), "appid and openid")
        fields: dict[str, Any] = {
            "appid": appid,
            "mchid": self._merchant.mchid,
            "description": shown,
            "out_trade_no": limits.number(api, out_trade_no, shortest=6, longest=32),
            "notify_url": limits.address(api, notify_url),
            "amount": {"total": limits.fen(api, amount_fen, "amount_fen"), "currency": "CNY"},
            "payer": {"openid": openid},
        }
        if expires_at is not None:
            fields["time_expire"] = limits.moment(api, expires_at)
        if profit_sharing:
            fields["settle_info"] = {"profit_sharing": True}
        answer = self._gateway.write(api, f"{_TRANSACTIONS}/jsapi", fields)
        with understood(api, write=True):
            return word(answer, "prepay_id")

    def sign_payment(self, *, appid: str, prepay_id: str, now: datetime) -> dict[str, str]:
        """The parameters of wx.requestPayment, signed for the appid that the payment was ordered with. What
        the phone reports afterwards proves nothing: wait for the notice, or query."""
        seconds, nonce = str(int(now.timestamp())), secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        return {
            "timeStamp": seconds,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": self._merchant.sign(lines(appid, seconds, nonce, package)),
        }

    def query(self, out_trade_no: str) -> Trade:
        """How a payment stands. Refused (ORDER_NOT_EXIST) when WeChat has never seen the number."""
        api = "pay.query"
        limits.number(api, out_trade_no, shortest=6, longest=32)
        return self._trade(api, f"{_TRANSACTIONS}/out-trade-no/{out_trade_no}")

    def query_transaction(self, transaction_id: str) -> Trade:
        """The same by WeChat's own number, which exists once it is paid."""
        api = "pay.query_transaction"
        limits.number(api, transaction_id, longest=32, plain=True)
        return self._trade(api, f"{_TRANSACTIONS}/id/{transaction_id}")

    def _trade(self, api: str, path: str) -> Trade:
        answer = self._gateway.read(api, path, {"mchid": self._merchant.mchid})
        with understood(api, write=False):
            return trade_of(answer)

    def close(self, out_trade_no: str) -> None:
        """After this nobody can pay it any more; closing twice is fine. Refused when it is paid already
        (ORDER_PAID, or INVALID_REQUEST when WeChat says no more than that: query). Unknown: query; if it is
        still NOTPAY close again. Call an order cancelled only after this has passed or a query says
        CLOSED."""
        api = "pay.close"
        limits.number(api, out_trade_no, shortest=6, longest=32)
        path = f"{_TRANSACTIONS}/out-trade-no/{out_trade_no}/close"
        self._gateway.write(api, path, {"mchid": self._merchant.mchid})
