"""The daily bills, written from the box's own trades exactly as WeChat Pay writes them (WECHAT_PAY.md 7).

UTF-8 with BOM, lines end in CRLF, a plain header line, every value behind a backtick, then a plain summary header
and one summary line. Money is yuan; a refund's row gives its part of the fee back, as the fund flow does (the
published pages leave that open). A bill is written once and never changes.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from wechat.box import purse, trade_kinds
from wechat.box.inside import CHINA, Box
from wechat.box.purse import Kind, yuan

_TRADE_COLUMNS = (
    *("交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号", "用户标识"),
    *("交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额", "微信退款单号"),
    *("商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态", "商品名称", "商户数据包"),
    *("手续费", "费率", "订单金额", "申请退款金额", "费率备注"),
)
_OF_REFUNDS = (
    *("微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态"),
    "申请退款金额",
)
_REFUND_TIMES = ("退款申请时间", "退款成功时间")
_FUND_COLUMNS = (
    *("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型", "收支金额(元)"),
    *("账户结余(元)", "资金变更提交申请人", "备注", "业务凭证号"),
)
_SPLIT_COLUMNS = (
    *("分账时间", "分账发起方", "分账方", "微信订单号", "微信分账/回退单号", "分账明细单号"),
    *("商户分账/回退单号", "订单金额", "分账接收方", "分账金额", "业务类型", "处理状态", "分账描述", "备注"),
)
Row = dict[str, str]


def day_of(at: float) -> str:
    """The day in China, YYYY-MM-DD."""
    return _clock(at)[:10]


def _clock(at: float) -> str:
    return datetime.fromtimestamp(int(at), tz=CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _span(day: str) -> tuple[float, float]:
    begin = datetime.fromisoformat(day).replace(tzinfo=CHINA)
    return begin.timestamp(), (begin + timedelta(days=1)).timestamp()


def trade(box: Box, day: str, bill_type: str) -> bytes | None:
    """The trade bill: one row per order paid and one per refund asked for on that day; None without any."""
    rows = []
    if bill_type in ("ALL", "SUCCESS"):
        rows += [_paid(box, order) for order in _between(box, "orders", "success_at", day)]
    if bill_type in ("ALL", "REFUND"):
        rows += [_refunded(box, refund, day) for refund in _between(box, "refunds", "created_at", day)]
    if not rows:
        return None
    columns: tuple[str, ...] = _TRADE_COLUMNS
    if bill_type == "SUCCESS":
        columns = tuple(name for name in columns if name not in _OF_REFUNDS)
    if bill_type == "REFUND":
        after = columns.index("代金券金额") + 1
        columns = (*columns[:after], *_REFUND_TIMES, *columns[after:])
    sums = [
        ("应结订单总金额", "应结订单金额"),
        ("退款总金额", "退款金额"),
        ("充值券退款总金额", "充值券退款金额"),
        ("手续费总金额", "手续费"),
        ("订单总金额", "订单金额"),
        ("申请退款总金额", "申请退款金额"),
    ]
    summary = {"总交易单数": f"{len(rows)}.0"}
    summary |= {told: _loose(_fen(row[of] for row in rows)) for told, of in sums if of in columns}
    return _written(columns, rows, summary)


def _between(box: Box, table: str, column: str, day: str) -> list[sqlite3.Row]:
    return box.store.rows(
        f"SELECT * FROM {table} WHERE {column} >= ? AND {column} < ? ORDER BY {column}, rowid", *_span(day)
    )


def _common(box: Box, order: sqlite3.Row) -> Row:
    asked = json.loads(order["asked"])
    return dict.fromkeys(_TRADE_COLUMNS, "") | {
        "公众账号ID": order["appid"],
        "商户号": box.credentials.pay.mchid,
        "特约商户号": "0",
        "设备号": asked.get("scene_info", {}).get("device_id", ""),
        "微信订单号": order["transaction_id"],
        "商户订单号": order["out_trade_no"],
        "用户标识": order["openid"],
        "交易类型": trade_kinds.of(box, order["out_trade_no"]).value,
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "代金券金额": "0.00",
        "充值券退款金额": "0.00",
        "商品名称": asked["description"],
        "商户数据包": asked.get("attach", ""),
        "费率": _rate(box, order),
    }


def _rate(box: Box, order: sqlite3.Row) -> str:
    return (
        f"{yuan(int(box.settings()['fee_bp']))}%" if purse.fee_fen(box, order["transaction_id"]) else "0.00%"
    )


def _paid(box: Box, order: sqlite3.Row) -> Row:
    total = yuan(order["total_fen"])
    return _common(box, order) | {
        "交易时间": _clock(order["success_at"]),
        "交易状态": "SUCCESS",
        "应结订单金额": total,
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "手续费": yuan(purse.fee_fen(box, order["transaction_id"]), 5),
        "订单金额": total,
        "申请退款金额": "0.00",
    }


def _refunded(box: Box, refund: sqlite3.Row, day: str) -> Row:
    order = box.store.row("SELECT * FROM orders WHERE out_trade_no = ?", refund["out_trade_no"])
    assert order is not None
    begin = _clock(refund["created_at"])
    # The row tells how the refund stood at the end of its day; later bills do not come back to it.
    ended = refund["status"] != "PROCESSING" and refund["due_at"] < _span(day)[1]
    succeeded = refund["success_at"] is not None and refund["success_at"] < _span(day)[1]
    back = box.store.row(
        "SELECT amount_fen FROM funds WHERE business_no = ? AND kind = ?", refund["refund_id"], Kind.FEE_BACK
    )
    return _common(box, order) | {
        "交易时间": begin,
        "交易状态": "REFUND",
        "应结订单金额": "0.00",
        "退款申请时间": begin,
        "退款成功时间": _clock(refund["success_at"]) if succeeded else "",
        "微信退款单号": refund["refund_id"],
        "商户退款单号": refund["out_refund_no"],
        "退款金额": yuan(refund["refund_fen"]),
        "退款类型": "ORIGINAL",
        "退款状态": refund["status"] if ended else "PROCESSING",
        "手续费": yuan(0 if back is None else -back["amount_fen"], 5),
        "订单金额": "0.00",
        "申请退款金额": yuan(refund["refund_fen"]),
    }


def fund_flow(box: Box, day: str, account_type: str) -> bytes | None:
    """The fund-flow bill of the basic account: every movement of that day with the balance after it. The box
    moves no money on the others."""
    if account_type != "BASIC":
        return None
    found = _between(box, "funds", "at", day)
    if not found:
        return None
    before = box.store.row("SELECT sum(amount_fen) AS fen FROM funds WHERE at < ?", found[0]["at"])
    assert before is not None
    balance = int(box.settings()["opening_balance_fen"]) + int(before["fen"] or 0)
    rows = []
    for one in found:
        balance += one["amount_fen"]
        values = (
            *(_clock(one["at"]), one["business_no"], one["flow_no"], one["kind"], one["kind"]),
            "收入" if one["amount_fen"] > 0 else "支出",
            *(yuan(abs(one["amount_fen"])), yuan(balance), "system", one["note"], one["voucher"]),
        )
        rows.append(dict(zip(_FUND_COLUMNS, values, strict=True)))
    incomes = [one["amount_fen"] for one in found if one["amount_fen"] > 0]
    spendings = [-one["amount_fen"] for one in found if one["amount_fen"] < 0]
    summary = {
        "资金流水总笔数": f"{len(rows)}.0",
        "收入笔数": f"{len(incomes)}.0",
        "收入金额": _loose(sum(incomes)),
        "支出笔数": f"{len(spendings)}.0",
        "支出金额": _loose(sum(spendings)),
    }
    return _written(_FUND_COLUMNS, rows, summary)


def sharing(box: Box, day: str, _: str) -> bytes | None:
    """The profit-sharing bill: every part that came to its end on that day, and every return that succeeded."""
    begin, end = _span(day)
    found = box.store.rows(
        "SELECT split_parts.*, splits.order_id, splits.kind, splits.transaction_id, orders.total_fen"
        " FROM split_parts JOIN splits USING (out_order_no)"
        " JOIN orders USING (transaction_id) WHERE finished_at >= ? AND finished_at < ?"
        " ORDER BY finished_at, splits.rowid, position",
        begin,
        end,
    )
    kinds = {"split": "分账", "unfreeze": "解冻"}
    lines = [
        (one, one["detail_id"], one["order_id"], one["out_order_no"], one["account"], kinds[one["kind"]])
        for one in found
    ]
    returned = box.store.rows(
        "SELECT split_returns.*, splits.transaction_id, orders.total_fen FROM split_returns"
        " JOIN splits USING (out_order_no) JOIN orders USING (transaction_id)"
        " WHERE finished_at >= ? AND finished_at < ? AND result = 'SUCCESS' ORDER BY finished_at",
        begin,
        end,
    )
    lines += [
        (one, "", one["return_id"], one["out_return_no"], box.credentials.pay.mchid, "分账回退")
        for one in returned
    ]
    rows = [_shared(box, *line) for line in lines]
    if not rows:
        return None
    summary = {"总笔数": f"{len(rows)}.0", "总金额": _loose(_fen(row["分账金额"] for row in rows))}
    return _written(_SPLIT_COLUMNS, rows, summary)


def _shared(
    box: Box, one: sqlite3.Row, detail: str, number: str, out_number: str, receiver: str, kind: str
) -> Row:
    mchid = box.credentials.pay.mchid
    payer = one["return_mchid"] if kind == "分账回退" else mchid
    values = (
        *(_clock(one["finished_at"]), mchid, payer, one["transaction_id"], number, detail, out_number),
        *(yuan(one["total_fen"]), receiver, yuan(one["amount_fen"]), kind, one["result"]),
        *(one["description"], one["fail_reason"] or ""),
    )
    return dict(zip(_SPLIT_COLUMNS, values, strict=True))


KINDS: dict[str, Callable[[Box, str, str], bytes | None]] = {
    "tradebill": trade,
    "fundflowbill": fund_flow,
    "profitsharing": sharing,
}


def _fen(amounts: Iterable[str]) -> int:
    # "0.06" and "-0.00600" alike: two decimals carry all there is.
    total = 0
    for text in amounts:
        whole, _, rest = text.lstrip("-").partition(".")
        total += (int(whole) * 100 + int(rest[:2])) * (-1 if text.startswith("-") else 1)
    return total


def _loose(fen: int) -> str:
    """A sum as the summary line prints it: no fixed decimals (``0.0``, ``0.47``, ``12.3``)."""
    text = yuan(fen)
    return text[:-1] if text.endswith("0") else text


def _written(columns: tuple[str, ...], rows: list[Row], summary: dict[str, str]) -> bytes:
    lines = [",".join(columns)]
    lines += [_values(row[name] for name in columns) for row in rows]
    lines += [",".join(summary), _values(summary.values())]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8-sig")


def _values(values: Iterable[str]) -> str:
    return ",".join("`" + value.replace("\r", "").replace("\n", " ") for value in values)
