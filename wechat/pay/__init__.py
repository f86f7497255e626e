"""WeChat Pay v3, for one directly contracted merchant: a thin client of our own on cryptography and requests.

`Pay` is the whole of it; each family of verbs is a file with a class that `Pay` inherits: orders, combined,
refunds, sharing, transfers, bills, notices. Below them: `gateway` sends and reads, `signing` is our side of
signatures and seals, `platform_keys` and `certificates` WeChat's, `codes` says what an error means, `results`
and its like are the frozen answers.
"""

from wechat.pay.bill_rows import FundFlowRow, TradeRow
from wechat.pay.bills import Account, Bill, TradeBillKind
from wechat.pay.client import Pay
from wechat.pay.combined import CombinedTrade, SubOrder
from wechat.pay.config import PayConfig
from wechat.pay.notices import (
    CombinedPaid,
    Notice,
    OtherNotice,
    Paid,
    Refunded,
    ShareReceived,
    Transferred,
)
from wechat.pay.refunds import BankCard
from wechat.pay.results import RefundState, RefundStatus, Trade, TradeState
from wechat.pay.sharing_results import (
    Receiver,
    ReceiverKind,
    Relation,
    ReturnResult,
    Share,
    SharePart,
    ShareResult,
    ShareReturn,
    Sharing,
    SharingState,
)
from wechat.pay.transfers import COMMISSION, COMPENSATION, MARKETING, REPORTS, Transfer, TransferState

__all__ = [
    "COMMISSION",
    "COMPENSATION",
    "MARKETING",
    "REPORTS",
    "Account",
    "BankCard",
    "Bill",
    "CombinedPaid",
    "CombinedTrade",
    "FundFlowRow",
    "Notice",
    "OtherNotice",
    "Paid",
    "Pay",
    "PayConfig",
    "Receiver",
    "ReceiverKind",
    "RefundState",
    "RefundStatus",
    "Refunded",
    "Relation",
    "ReturnResult",
    "Share",
    "SharePart",
    "ShareReceived",
    "ShareResult",
    "ShareReturn",
    "Sharing",
    "SharingState",
    "SubOrder",
    "Trade",
    "TradeBillKind",
    "TradeRow",
    "TradeState",
    "Transfer",
    "TransferState",
    "Transferred",
]
