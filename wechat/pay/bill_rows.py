"""Reads a day's bill, line by line: typed rows, and its own summary as a check that none is missing.

UTF-8 with a BOM, CRLF, a plain header, then values each behind a backtick (commas inside are not quoted, so
the cut is at comma and backtick), at last a plain header of the summary and its one line. Amounts are yuan
with any number of decimals (WECHAT_PAY 7).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar

from wechat.errors import Malformed
from wechat.pay.limits import BEIJING

LONGEST_LINE = 64 * 1024
_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
Row = TypeVar("Row")
Cells = Mapping[str, str]


@dataclass(frozen=True)
class TradeRow:
    """One line of a trade bill: a paid order (state SUCCESS) or a refund asked for that day (REFUND, whose own
    amounts are in the refund fields and whose order amounts are 0). Fees are exact to a thousandth of a fen.
    What a kind of bill does not have is None or 0. Rows are not sorted."""

    at: datetime
    appid: str
    mchid: str
    sub_mchid: str | None
    device: str | None
    transaction_id: str
    out_trade_no: str
    openid: str | None = field(repr=False)
    trade_type: str
    state: str
    bank: str
    currency: str
    settled_fen: int
    coupon_fen: int
    refund_requested_at: datetime | None
    refunded_at: datetime | None
    refund_id: str | None
    out_refund_no: str | None
    refund_fen: int
    coupon_refund_fen: int
    refund_type: str | None
    refund_status: str | None
    product: str | None
    attach: str | None
    fee_millifen: int
    rate: str
    order_fen: int
    requested_refund_fen: int
    rate_note: str | None


@dataclass(frozen=True)
class FundFlowRow:
    """One movement of the merchant's account. `amount_fen` counts in or out; the balance is the one after
    it."""

    at: datetime
    payment_number: str
    flow_number: str
    name: str
    kind: str
    is_income: bool
    amount_fen: int
    balance_fen: int
    applicant: str | None
    note: str | None
    voucher: str | None


class Sum(NamedTuple):
    """A figure of the summary, and what a row adds to it (in yuan, or 1 per row counted)."""

    column: str
    of_row: Callable[[Cells], Decimal]


class Format(NamedTuple, Generic[Row]):
    """How one sort of bill is read."""

    needs: tuple[str, ...]
    row: Callable[[Cells], Row]
    sums: tuple[Sum, ...]


def read_bill(lines: Iterable[bytes], layout: Format[Row]) -> Iterator[Row]:
    """The rows of a bill. Raises Malformed where a line is not understood, and after the last row when the
    summary is missing or does not agree with the rows."""
    columns: list[str] = []
    summary_columns: list[str] = []
    totals = dict.fromkeys((one.column for one in layout.sums), Decimal(0))
    for raw in lines:
        line = _text(raw)
        if not line:
            continue
        if not columns:
            columns = _header(line, layout)
        elif summary_columns:
            _check(_cells(line, summary_columns), totals)
            return
        elif not line.startswith("`"):
            summary_columns = _names(line)
        else:
            cells = _cells(line, columns)
            for one in layout.sums:
                totals[one.column] += one.of_row(cells)
            yield layout.row(cells)
    raise Malformed("a bill without its summary")


def _text(raw: bytes) -> str:
    if len(raw) > LONGEST_LINE:
        raise Malformed("a line of a bill is too long")
    try:
        return raw.decode().removeprefix("\ufeff").rstrip("\r\n")
    except UnicodeDecodeError:
        raise Malformed("a bill that is not UTF-8") from None


def _names(line: str) -> list[str]:
    plain = line.replace("（", "(").replace("）", ")").replace("`", "").replace(" ", "")
    return plain.split(",")


def _header(line: str, layout: Format[Row]) -> list[str]:
    columns = _names(line)
    if not set(layout.needs) <= set(columns) or len(set(columns)) != len(columns):
        raise Malformed("not the header of such a bill")
    return columns


def _cells(line: str, columns: list[str]) -> dict[str, str]:
    values = line[1:].split(",`")
    if not line.startswith("`") or len(values) != len(columns):
        raise Malformed("a line of a bill has another number of values than its header")
    return dict(zip(columns, values, strict=True))


def _check(summary: Cells, totals: Mapping[str, Decimal]) -> None:
    for name, total in totals.items():
        if name in summary and _decimal(summary[name]) != total:
            raise Malformed(f"the rows of a bill do not add up to its {name}")
    if not set(summary) & set(totals):
        raise Malformed("not the summary of such a bill")


def _decimal(text: str) -> Decimal:
    plain = text.strip() or "0"
    if not _AMOUNT.fullmatch(plain):
        raise Malformed("an amount of a bill is not a number")
    return Decimal(plain)


def _exact(yuan: Decimal, parts: int) -> int:
    scaled = yuan * parts
    if scaled != int(scaled):
        raise Malformed("an amount of a bill has a part that is too small")
    return int(scaled)


def _fen(cells: Cells, name: str) -> int:
    return _exact(_decimal(cells.get(name, "")), 100)


def _moment(text: str) -> datetime:
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=BEIJING).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Malformed("a time of a bill is not one")


def _maybe_moment(text: str) -> datetime | None:
    return _moment(text) if text.strip("0 ") else None


def _some(cells: Cells, name: str) -> str | None:
    # A direct merchant's sub-merchant and an order's refund numbers are printed as 0.
    value = cells.get(name, "").strip()
    return None if value in ("", "0") else value


def _trade_row(cells: Cells) -> TradeRow:
    return TradeRow(
        at=_moment(cells["交易时间"]),
        appid=cells["公众账号ID"],
        mchid=cells["商户号"],
        sub_mchid=_some(cells, "特约商户号"),
        device=_some(cells, "设备号"),
        transaction_id=cells["微信订单号"],
        out_trade_no=cells["商户订单号"],
        openid=_some(cells, "用户标识"),
        trade_type=cells["交易类型"],
        state=cells["交易状态"],
        bank=cells.get("付款银行", ""),
        currency=cells.get("货币种类", ""),
        settled_fen=_fen(cells, "应结订单金额"),
        coupon_fen=_fen(cells, "代金券金额"),
        refund_requested_at=_maybe_moment(cells.get("退款申请时间", "")),
        refunded_at=_maybe_moment(cells.get("退款成功时间", "")),
        refund_id=_some(cells, "微信退款单号"),
        out_refund_no=_some(cells, "商户退款单号"),
        refund_fen=_fen(cells, "退款金额"),
        coupon_refund_fen=_fen(cells, "充值券退款金额"),
        refund_type=_some(cells, "退款类型"),
        refund_status=_some(cells, "退款状态"),
        product=_some(cells, "商品名称"),
        attach=_some(cells, "商户数据包"),
        fee_millifen=_exact(_decimal(cells["手续费"]), 100_000),
        rate=cells.get("费率", ""),
        order_fen=_fen(cells, "订单金额"),
        requested_refund_fen=_fen(cells, "申请退款金额"),
        rate_note=_some(cells, "费率备注"),
    )


_WAYS = {"收入": True, "支出": False}


def _fund_flow_row(cells: Cells) -> FundFlowRow:
    way = cells["收支类型"]
    if way not in _WAYS:
        raise Malformed("a movement that is neither in nor out")
    return FundFlowRow(
        at=_moment(cells["记账时间"]),
        payment_number=cells["微信支付业务单号"],
        flow_number=cells["资金流水单号"],
        name=cells["业务名称"],
        kind=cells["业务类型"],
        is_income=_WAYS[way],
        amount_fen=_fen(cells, "收支金额(元)"),
        balance_fen=_fen(cells, "账户结余(元)"),
        applicant=_some(cells, "资金变更提交申请人"),
        note=_some(cells, "备注"),
        voucher=_some(cells, "业务凭证号"),
    )


def _added(name: str) -> Callable[[Cells], Decimal]:
    return lambda cells: _decimal(cells.get(name, ""))


def _moved(way: str, name: str | None) -> Callable[[Cells], Decimal]:
    def of_row(cells: Cells) -> Decimal:
        if cells["收支类型"] != way:
            return Decimal(0)
        return _decimal(cells[name]) if name else Decimal(1)

    return of_row


TRADES: Format[TradeRow] = Format(
    needs=(
        *("交易时间", "公众账号ID", "商户号", "微信订单号", "商户订单号", "交易类型", "交易状态"),
        *("应结订单金额", "手续费", "订单金额"),
    ),
    row=_trade_row,
    sums=(
        Sum("总交易单数", lambda cells: Decimal(1)),
        Sum("应结订单总金额", _added("应结订单金额")),
        Sum("退款总金额", _added("退款金额")),
        Sum("充值券退款总金额", _added("充值券退款金额")),
        Sum("手续费总金额", _added("手续费")),
        Sum("订单总金额", _added("订单金额")),
        Sum("申请退款总金额", _added("申请退款金额")),
    ),
)
FUND_FLOWS: Format[FundFlowRow] = Format(
    needs=(
        *("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型"),
        *("收支金额(元)", "账户结余(元)"),
    ),
    row=_fund_flow_row,
    sums=(
        Sum("资金流水总笔数", lambda cells: Decimal(1)),
        Sum("收入笔数", _moved("收入", None)),
        Sum("收入金额", _moved("收入", "收支金额(元)")),
        Sum("支出笔数", _moved("支出", None)),
        Sum("支出金额", _moved("支出", "收支金额(元)")),
    ),
)
