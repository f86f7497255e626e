"""What profit sharing is asked with and answers, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wechat.pay.results import Growing, items, maybe_moment, maybe_word, whole, word


class ReceiverKind(Growing):
    """Who a receiver is, which says what `account` means."""

    MERCHANT_ID = "MERCHANT_ID"  # a merchant's number
    PERSONAL_OPENID = "PERSONAL_OPENID"  # a person's openid under the appid of the call
    OTHER = "OTHER"  # not known to this version


class Relation(Growing):
    """What a receiver is to the merchant."""

    SERVICE_PROVIDER = "SERVICE_PROVIDER"  # served by it
    STORE = "STORE"  # a shop of it
    STAFF = "STAFF"  # an employee
    STORE_OWNER = "STORE_OWNER"  # who owns a shop
    PARTNER = "PARTNER"  # works together with it
    HEADQUARTER = "HEADQUARTER"  # its head office
    BRAND = "BRAND"  # its brand
    DISTRIBUTOR = "DISTRIBUTOR"  # sells its goods
    USER = "USER"  # a customer
    SUPPLIER = "SUPPLIER"  # delivers to it
    CUSTOM = "CUSTOM"  # said in a word of one's own
    OTHER = "OTHER"  # not known to this version


class SharingState(Growing):
    """State of a sharing. FINISHED says only that no part is pending any more."""

    PROCESSING = "PROCESSING"  # accepted
    FINISHED = "FINISHED"  # look at each part
    OTHER = "OTHER"  # not known to this version


class ShareResult(Growing):
    """What became of one part. CLOSED: not paid; its money stays frozen until it is unfrozen."""

    PENDING = "PENDING"  # on its way
    SUCCESS = "SUCCESS"  # paid
    CLOSED = "CLOSED"  # not paid: see why
    OTHER = "OTHER"  # not known to this version


class ReturnResult(Growing):
    """State of a return."""

    PROCESSING = "PROCESSING"  # FAILED by itself after five days
    SUCCESS = "SUCCESS"  # back in our balance
    FAILED = "FAILED"  # see why
    OTHER = "OTHER"  # not known to this version


@dataclass(frozen=True)
class Receiver:
    """One who may receive shares. `custom_relation` goes with Relation.CUSTOM, at most 10 characters."""

    kind: ReceiverKind
    account: str = field(repr=False)
    relation: Relation
    name: str | None = field(default=None, repr=False)
    custom_relation: str = ""


@dataclass(frozen=True)
class Share:
    """A part to be paid."""

    kind: ReceiverKind
    account: str = field(repr=False)
    amount_fen: int
    description: str
    name: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SharePart:
    """A part as WeChat sees it. `fail_reason` is a word of WeChat's list, which grows (NO_RELATION: add the
    receiver again; RECEIVER_HIGH_RISK: never again)."""

    kind: ReceiverKind
    account: str = field(repr=False)
    amount_fen: int
    result: ShareResult
    fail_reason: str | None
    detail_id: str | None
    created_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class Sharing:
    """A sharing, or an unfreezing (whose part is the merchant's own), as WeChat sees it."""

    transaction_id: str
    out_order_no: str
    order_id: str
    state: SharingState
    parts: tuple[SharePart, ...]

    @property
    def all_paid(self) -> bool:
        """Whether it is finished and every part was really paid."""
        paid = all(one.result is ShareResult.SUCCESS for one in self.parts)
        return self.state is SharingState.FINISHED and bool(self.parts) and paid


@dataclass(frozen=True)
class ShareReturn:
    """A share on its way back as WeChat sees it."""

    out_order_no: str | None
    order_id: str | None
    out_return_no: str
    return_id: str | None
    return_mchid: str
    amount_fen: int
    result: ReturnResult
    fail_reason: str | None
    finished_at: datetime | None


def sharing_of(fields: Mapping[str, Any]) -> Sharing:
    """Reads a sharing. Raises Malformed."""
    return Sharing(
        transaction_id=word(fields, "transaction_id"),
        out_order_no=word(fields, "out_order_no"),
        order_id=word(fields, "order_id"),
        state=SharingState(word(fields, "state")),
        parts=tuple(_part_of(one) for one in items(fields, "receivers")),
    )


def _part_of(fields: Mapping[str, Any]) -> SharePart:
    return SharePart(
        kind=ReceiverKind(word(fields, "type")),
        account=word(fields, "account"),
        amount_fen=whole(fields, "amount"),
        result=ShareResult(word(fields, "result")),
        fail_reason=maybe_word(fields, "fail_reason"),
        detail_id=maybe_word(fields, "detail_id"),
        created_at=maybe_moment(fields, "create_time"),
        finished_at=maybe_moment(fields, "finish_time"),
    )


def return_of(fields: Mapping[str, Any]) -> ShareReturn:
    """Reads a return. Raises Malformed."""
    return ShareReturn(
        out_order_no=maybe_word(fields, "out_order_no"),
        order_id=maybe_word(fields, "order_id"),
        out_return_no=word(fields, "out_return_no"),
        return_id=maybe_word(fields, "return_id") or maybe_word(fields, "return_no"),
        return_mchid=word(fields, "return_mchid"),
        amount_fen=whole(fields, "amount"),
        result=ReturnResult(word(fields, "result")),
        fail_reason=maybe_word(fields, "fail_reason"),
        finished_at=maybe_moment(fields, "finish_time"),
    )
