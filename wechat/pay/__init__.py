"""WeChat Pay v3, for one directly contracted merchant: a thin client of our own on cryptography and requests.

`Pay` is the whole of it; each family of verbs is a file with a class that `Pay` inherits (orders, refunds,
notices; bills, transfers and profit sharing join the same way). Below them: `gateway` sends and reads,
`signing` signs and verifies raw bytes, `codes` says what an error means, `results` are the frozen answers.
"""

from wechat.pay.client import Pay
from wechat.pay.config import PayConfig
from wechat.pay.notices import Notice, OtherNotice, Paid, Refunded
from wechat.pay.results import RefundState, RefundStatus, Trade, TradeState

__all__ = [
    "Notice",
    "OtherNotice",
    "Paid",
    "Pay",
    "PayConfig",
    "RefundState",
    "RefundStatus",
    "Refunded",
    "Trade",
    "TradeState",
]
