"""What WeChat Pay tells, as frozen values. Reading raises Malformed; new enum members become OTHER."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any, Self

from wechat.errors import Malformed


class Growing(StrEnum):
    """Words of WeChat's of which there may be more one day: those that we do not know become OTHER."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls("OTHER")


class TradeState(Growing):
    """State of a payment. REFUND stays once any part was refunded; which, only the refund query tells."""

    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"  # code-pay only, as the next two
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"
    OTHER = "OTHER"  # not known to this version


TRADE_STATES = {one.value: one for one in TradeState}


class RefundStatus(Growing):
    """State of a refund. PROCESSING is accepted but not paid back; CLOSED means the merchant kept the money
    and a new number is needed; ABNORMAL waits for an operator."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"
    OTHER = "OTHER"  # not known to this version


@dataclass(frozen=True)
class Trade:
    """A payment as WeChat sees it. Before it is paid there is no transaction_id, payer or success_at, and the
    amount may be missing. `amount_fen` is the order's total (the shopper may have paid less, with
    coupons)."""

    appid: str
    mchid: str
    out_trade_no: str
    transaction_id: str | None
    state: TradeState
    amount_fen: int | None
    currency: str | None
    payer_openid: str | None = field(repr=False)
    success_at: datetime | None


@dataclass(frozen=True)
class RefundState:
    """A refund as WeChat sees it."""

    out_refund_no: str
    refund_id: str
    status: RefundStatus
    refund_fen: int
    success_at: datetime | None


def trade_of(fields: Mapping[str, Any]) -> Trade:
    """Reads a transaction object."""
    amount = part(fields, "amount")
    appid, mchid, number, state = _OF_EVERY_TRADE.of(fields)
    return Trade(
        appid,
        mchid,
        number,
        maybe_word(fields, "transaction_id"),
        TRADE_STATES.get(state, TradeState.OTHER),
        whole(amount, "total") if "total" in amount else None,
        maybe_word(amount, "currency"),
        maybe_word(part(fields, "payer"), "openid"),
        maybe_moment(fields, "success_time"),
    )


def refund_of(fields: Mapping[str, Any]) -> RefundState:
    """Reads a refund object."""
    return RefundState(
        out_refund_no=word(fields, "out_refund_no"),
        refund_id=word(fields, "refund_id"),
        status=RefundStatus(word(fields, "status")),
        refund_fen=whole(part(fields, "amount"), "refund"),
        success_at=maybe_moment(fields, "success_time"),
    )


def word(fields: Mapping[str, Any], name: str) -> str:
    """A text that must be there."""
    value = fields.get(name)
    if value and isinstance(value, str):
        return value
    raise Malformed(f"{name} is missing or not a text")


class Words:
    """Several texts that must be there, taken in one go: for what is read in every notice and answer."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._get = itemgetter(*names)

    def of(self, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """Their values in order. Raises Malformed, as `word` does, when one is missing or no text."""
        try:
            found: tuple[str, ...] = self._get(fields)
        except KeyError:
            found = ("",)
        for value in found:
            if not value or type(value) is not str:
                return tuple(word(fields, name) for name in self._names)  # says which
        return found


def maybe_word(fields: Mapping[str, Any], name: str) -> str | None:
    """A text that may be absent, null or empty."""
    value = fields.get(name)
    if value and isinstance(value, str):
        return value
    if value is None or value == "":
        return None
    raise Malformed(f"{name} is not a text")


def part(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside, empty when absent."""
    value = fields.get(name)
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    raise Malformed(f"{name} is not an object")


def items(fields: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """A list of objects, empty when absent."""
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Malformed(f"{name} is not a list of objects")
    return value


def whole(fields: Mapping[str, Any], name: str) -> int:
    """A whole number of at least 0 that must be there."""
    value = fields.get(name)
    if type(value) is int and value >= 0:  # not bool
        return value
    raise Malformed(f"{name} is missing or not a whole number")


def maybe_moment(fields: Mapping[str, Any], name: str) -> datetime | None:
    """An RFC 3339 time as aware UTC, with or without fractions; None when absent."""
    text = maybe_word(fields, name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Malformed(f"{name} is not a time with its zone")


_OF_EVERY_TRADE = Words("appid", "mchid", "out_trade_no", "trade_state")
