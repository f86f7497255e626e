"""A merchant with one shopper: wechatpayv3 on one end, a phone on the other, an ear for the notices."""

import json
import secrets
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from wechatpayv3 import WeChatPay

from tests.wechat.box.world import Ear, Heard, RunningBox

CHINA = timezone(timedelta(hours=8))


class Shop:
    """A merchant with one shopper."""

    def __init__(self, sandbox: RunningBox, ear: Ear, peer: WeChatPay | None = None) -> None:
        self.box, self.ear = sandbox, ear
        self.peer: WeChatPay = peer or sandbox.merchant()
        self.shopper = sandbox.person()
        ear.answer = lambda heard: (204, b"")

    def prepay(self, number: str = "", total: int = 100, **more: Any) -> tuple[int, Any]:
        status, text = self.peer.pay(
            description="澜序 外套",
            out_trade_no=number or "L" + secrets.token_hex(8),
            amount={"total": total, "currency": "CNY"},
            payer={"openid": self.shopper["mp_openid"]},
            notify_url=self.ear.url + "/paid",
            **more,
        )
        return status, json.loads(text)

    def pay(self, prepay_id: str, status: int = 200) -> Any:
        return self.box.post(f"/persons/{self.shopper['id']}/pay", status, prepay_id=prepay_id)

    def paid(self, number: str, total: int = 100) -> str:
        """A paid order; answers its transaction_id."""
        return str(self.pay(self.prepay(number, total)[1]["prepay_id"])["transaction_id"])

    def query(self, number: str) -> tuple[int, Any]:
        status, text = self.peer.query(out_trade_no=number)
        return status, json.loads(text)

    def refund(
        self, number: str, refund_number: str, part: int, total: int = 100, **more: Any
    ) -> tuple[int, Any]:
        status, text = self.peer.refund(
            out_trade_no=number,
            out_refund_no=refund_number,
            amount={"refund": part, "total": total, "currency": "CNY"},
            notify_url=self.ear.url + "/refunded",
            **more,
        )
        return status, json.loads(text)

    def read(self, heard: Heard) -> Any:
        """The notice, verified and decrypted by wechatpayv3; None when it will not."""
        return self.peer.callback(heard.headers, heard.body)

    def shared(self, number: str, total: int = 10_000) -> str:
        """A paid order whose money waits to be shared, an hour ago; answers its transaction_id."""
        prepay_id = self.prepay(number, total, settle_info={"profit_sharing": True})[1]["prepay_id"]
        transaction = str(self.pay(prepay_id)["transaction_id"])
        self.box.post("/clock", offset_s=3600)
        return transaction


def told(answer: tuple[int, Any], status: int = 200) -> Any:
    """The JSON of wechatpayv3's answer with this status."""
    assert answer[0] == status, answer
    return json.loads(answer[1])


def refused(answer: tuple[int, Any], status: int, code: str, message: str = "") -> None:
    """wechatpayv3 was refused with this status and code, and with these words in the message."""
    content = json.loads(answer[1])
    assert (answer[0], content["code"]) == (status, code), content
    assert message in content["message"]


def set_clock(sandbox: RunningBox, days: int, hour: float) -> str:
    """Move the box's clock to this hour in China ``days`` after today; answers that day."""
    today = datetime.now(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = today + timedelta(days=days, hours=hour)
    sandbox.post("/clock", offset_s=(wanted - datetime.now(UTC)).total_seconds())
    return wanted.date().isoformat()
