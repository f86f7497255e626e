"""What WeChat Pay tells us unasked: proven, opened and named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from wechat.errors import Malformed
from wechat.pay.combined import CombinedTrade, combined_of
from wechat.pay.platform_keys import PlatformKeys
from wechat.pay.results import (
    RefundStatus,
    Trade,
    Words,
    maybe_moment,
    maybe_word,
    part,
    trade_of,
    whole,
    word,
)
from wechat.pay.sharing_results import ReceiverKind
from wechat.pay.signing import NoticeKey
from wechat.pay.transfers import Transfer, transfer_of

MAX_BYTES = 256 * 1024
_SEALED = Words("algorithm", "nonce", "ciphertext")
_TOLD = Words("id", "event_type")


@dataclass(frozen=True)
class Paid:
    """A payment has succeeded. Compare appid, mchid, amount and currency of `trade` with the order's own. The
    same payment may be told again under another `notice_id`: dedupe on the transaction."""

    trade: Trade
    notice_id: str
    event_type: str


@dataclass(frozen=True)
class Refunded:
    """A refund has reached an end: SUCCESS, ABNORMAL or CLOSED. These notices carry no appid or currency."""

    mchid: str
    out_trade_no: str
    out_refund_no: str
    refund_id: str
    status: RefundStatus
    refund_fen: int
    total_fen: int
    success_at: datetime | None
    notice_id: str
    event_type: str


@dataclass(frozen=True)
class CombinedPaid:
    """A combined payment has succeeded, all of its orders at once. Compare as with Paid, order by order."""

    combined: CombinedTrade
    notice_id: str
    event_type: str


@dataclass(frozen=True)
class Transferred:
    """A transfer has reached an end: SUCCESS, FAIL or CANCELLED. Compare `mchid` and the amount with ours."""

    transfer: Transfer
    notice_id: str
    event_type: str


@dataclass(frozen=True)
class ShareReceived:
    """We, as a merchant who receives shares, got one; with `is_return`, the one who had shared got one back.
    (Who shares is never notified: query.)"""

    mchid: str
    transaction_id: str
    order_id: str
    out_order_no: str
    kind: ReceiverKind
    account: str = field(repr=False)
    amount_fen: int
    success_at: datetime | None
    is_return: bool
    notice_id: str
    event_type: str


@dataclass(frozen=True)
class OtherNotice:
    """A notice that we have no word for; `data` is what was inside."""

    event_type: str
    original_type: str
    data: dict[str, Any] = field(repr=False)


Notice = Paid | CombinedPaid | Refunded | Transferred | ShareReceived | OtherNotice


class Notices:
    """Opens notices. A forged one costs nothing but the look, and at most hourly a look at WeChat's list of
    certificates, when it names a serial that we do not hold."""

    def __init__(self, platform: PlatformKeys, notice_key: NoticeKey) -> None:
        self._platform = platform
        self._notice_key = notice_key

    def open_notice(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> Notice:
        """Verifies the raw body, opens and names it. Raises BadSignature (answer 4xx: WeChat probes this and
        delivers again) or Malformed. Answer 2xx only after what it says is committed."""
        if len(body) > MAX_BYTES:
            raise Malformed("notice larger than 256 KB")
        self._platform.verify(headers, body, seconds=now.timestamp())
        envelope = _object(body)
        resource = part(envelope, "resource")
        algorithm, nonce, ciphertext = _SEALED.of(resource)
        if algorithm != "AEAD_AES_256_GCM":
            raise Malformed("sealed with another algorithm")
        associated = maybe_word(resource, "associated_data") or ""
        data = _object(self._notice_key.open(nonce, associated, ciphertext))
        return _named(data, envelope, maybe_word(resource, "original_type") or "")


def _named(data: dict[str, Any], envelope: dict[str, Any], original: str) -> Notice:
    notice_id, event_type = _TOLD.of(envelope)
    if event_type == "TRANSACTION.SUCCESS" and original == "transaction":
        # A combined payment comes under the same names.
        if "combine_out_trade_no" in data:
            return CombinedPaid(combined_of(data), notice_id, event_type)
        return Paid(trade_of(data), notice_id, event_type)
    if event_type.startswith("REFUND.") and original == "refund":
        return _refund_of(data, notice_id, event_type)
    if event_type.startswith("MCHTRANSFER.BILL."):
        transfer = transfer_of(data)
        if transfer.mchid is None:
            raise Malformed("mchid is missing")
        return Transferred(transfer, notice_id, event_type)
    if original.replace("_", "").lower() == "profitsharing":
        return _share_of(data, envelope)
    return OtherNotice(event_type, original, data)


def _refund_of(data: dict[str, Any], notice_id: str, event_type: str) -> Refunded:
    amount = part(data, "amount")
    return Refunded(
        mchid=word(data, "mchid"),
        out_trade_no=word(data, "out_trade_no"),
        out_refund_no=word(data, "out_refund_no"),
        refund_id=word(data, "refund_id"),
        status=RefundStatus(word(data, "refund_status")),
        refund_fen=whole(amount, "refund"),
        total_fen=whole(amount, "total"),
        success_at=maybe_moment(data, "success_time"),
        notice_id=notice_id,
        event_type=event_type,
    )


def _share_of(data: dict[str, Any], envelope: dict[str, Any]) -> ShareReceived:
    receiver = part(data, "receiver")
    event_type, summary = word(envelope, "event_type"), maybe_word(envelope, "summary") or ""
    return ShareReceived(
        mchid=maybe_word(data, "mchid") or word(data, "sp_mchid"),
        transaction_id=word(data, "transaction_id"),
        order_id=word(data, "order_id"),
        out_order_no=word(data, "out_order_no"),
        kind=ReceiverKind(word(receiver, "type")),
        account=word(receiver, "account"),
        amount_fen=whole(receiver, "amount"),
        success_at=maybe_moment(data, "success_time"),
        # The spelling of the event differs between WeChat's own pages (WECHAT_PAY 10.2).
        is_return="RETURN" in event_type.upper() or "回退" in summary,
        notice_id=word(envelope, "id"),
        event_type=event_type,
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        raise Malformed("not a JSON object")
    return fields
