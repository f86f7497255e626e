"""The merchant's money: every movement as the fund-flow bill shows it, fees, and what is frozen for sharing
(WECHAT_PAY.md 6, 7, 8)."""

import json
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from wechat.box.inside import Box, digits, rfc3339
from wechat.box.pay_signing import PayRefusal


class Kind(StrEnum):
    """业务类型 of a movement."""

    # an order was paid
    TRADE = "交易"
    # WeChat's share of it
    FEE = "扣除交易手续费"
    # a refund was accepted
    REFUND = "退款"
    # its money came back
    REFUND_CLOSED = "退款关闭"
    # the fee of what was refunded
    FEE_BACK = "退还交易手续费"
    # a receiver got her part
    SPLIT = "分账"
    # and gave it back
    SPLIT_BACK = "分账回退"
    # a transfer was accepted
    TRANSFER = "商家转账"
    # it failed or was cancelled
    TRANSFER_BACK = "商家转账退回"
    # the merchant put money in, or took it out
    BY_HAND = "充值/提现"


@dataclass(frozen=True)
class Held:
    """One order's money: ``held_fen`` is still with the merchant, ``unsplit_fen`` of it is promised to nobody."""

    held_fen: int
    unsplit_fen: int
    thawed: bool


def book(
    box: Box, kind: Kind, amount_fen: int, business_no: str, *, note: str = "", voucher: str = ""
) -> None:
    """Write down one movement; income is positive, spending negative, nothing is not written."""
    if amount_fen == 0:
        return
    now = box.now()
    box.store.run(
        "INSERT INTO funds (at, business_no, flow_no, kind, amount_fen, note, voucher)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        int(now),
        business_no,
        box.credentials.pay.mchid + rfc3339(now)[:10].replace("-", "") + digits(10),
        kind,
        amount_fen,
        note,
        voucher,
    )


def _sum(box: Box, sql: str, *values: object) -> int:
    found = box.store.row(sql, *values)
    assert found is not None
    return int(found[0] or 0)


def balance_fen(box: Box) -> int:
    """All that the merchant has, frozen money included."""
    return int(box.settings()["opening_balance_fen"]) + _sum(box, "SELECT sum(amount_fen) FROM funds")


def frozen_fen(box: Box) -> int:
    """What of it waits to be shared."""
    waiting = box.store.rows(
        "SELECT orders.* FROM frozen JOIN orders USING (out_trade_no) WHERE thawed_at IS NULL"
    )
    return sum(held(box, order).held_fen for order in waiting)


def available_fen(box: Box) -> int:
    """What can be spent now."""
    return balance_fen(box) - frozen_fen(box)


def spend(box: Box, amount_fen: int) -> None:
    """Is there enough to spend? Raises PayRefusal 403 NOT_ENOUGH."""
    if amount_fen > available_fen(box):
        raise PayRefusal(403, "NOT_ENOUGH", "账户余额不足，请充值后使用原单号重试")


def _portion(fee_fen: int, part_fen: int, total_fen: int) -> int:
    # Rounded half up in whole fen; the last refund gives back what is left.
    return (2 * fee_fen * part_fen + total_fen) // (2 * total_fen)


def fee_fen(box: Box, transaction_id: str) -> int:
    """The fee that was taken when this order was paid."""
    return -_sum(
        box,
        "SELECT sum(amount_fen) FROM funds WHERE business_no = ? AND kind = ?",
        transaction_id,
        Kind.FEE,
    )


def paid(box: Box, order: sqlite3.Row) -> None:
    """An order was just paid: the money comes in, the fee goes out, and what is to be shared freezes."""
    total, number = order["total_fen"], order["transaction_id"]
    fee = (total * box.settings()["fee_bp"] + 5_000) // 10_000
    note = f"结算总金额 {yuan(total)} 元;含手续费 {yuan(fee)} 元"
    book(box, Kind.TRADE, total, number, note=note)
    book(box, Kind.FEE, -fee, number)
    if json.loads(order["asked"]).get("settle_info", {}).get("profit_sharing"):
        box.store.run(
            "INSERT INTO frozen VALUES (?, ?, ?, NULL)",
            number,
            order["out_trade_no"],
            box.now() + box.settings()["sharing_unfreeze_after_s"],
        )


def refunded_fen(box: Box, out_trade_no: str) -> int:
    """What was given back of an order, or is on its way."""
    return _sum(
        box,
        "SELECT sum(refund_fen) FROM refunds WHERE out_trade_no = ? AND status != 'CLOSED'",
        out_trade_no,
    )


def fee_back_fen(box: Box, order: sqlite3.Row, before_fen: int, part_fen: int) -> int:
    """What of the fee comes back with a refund of ``part_fen`` after ``before_fen`` were refunded."""
    fee, total = fee_fen(box, order["transaction_id"]), order["total_fen"]
    return _portion(fee, before_fen + part_fen, total) - _portion(fee, before_fen, total)


def held(box: Box, order: sqlite3.Row) -> Held:
    """What is left of a paid order's money after refunds, the fee and what was shared."""
    number, total = order["transaction_id"], order["total_fen"]
    gone = refunded_fen(box, order["out_trade_no"])
    fee = fee_fen(box, number)
    fee_left = fee - _portion(fee, gone, total)
    shared = (
        "SELECT sum(amount_fen) FROM split_parts JOIN splits USING (out_order_no) WHERE transaction_id = ?"
    )
    split = _sum(box, shared + " AND kind = 'split' AND result = 'SUCCESS'", number)
    pending = _sum(box, shared + " AND kind = 'split' AND result = 'PENDING'", number)
    rest = total - gone - fee_left - split
    frozen = box.store.row("SELECT * FROM frozen WHERE transaction_id = ?", number)
    thawed = frozen is None or frozen["thawed_at"] is not None
    return Held(rest, 0 if thawed else rest - pending, thawed)


def is_shared(box: Box, transaction_id: str) -> bool:
    """Was the order placed with profit_sharing?"""
    return box.store.row("SELECT 1 FROM frozen WHERE transaction_id = ?", transaction_id) is not None


def thaw(box: Box, transaction_id: str) -> None:
    """Nothing more will be shared of this order: its money is free. Safe to repeat."""
    box.store.run(
        "UPDATE frozen SET thawed_at = ? WHERE transaction_id = ? AND thawed_at IS NULL",
        int(box.now()),
        transaction_id,
    )


def settle_due(box: Box) -> None:
    """Money that waited 30 days thaws by itself."""
    soonest = next_due(box)
    if soonest is None or soonest > box.now():
        return
    box.store.run(
        "UPDATE frozen SET thawed_at = ? WHERE thawed_at IS NULL AND thaw_at <= ?", int(box.now()), box.now()
    )


def next_due(box: Box) -> float | None:
    """When the next money thaws; None when none is frozen."""
    found = box.store.row("SELECT min(thaw_at) AS at FROM frozen WHERE thawed_at IS NULL")
    assert found is not None
    return None if found["at"] is None else float(found["at"])


def yuan(fen: int, places: int = 2) -> str:
    """Fen as yuan with at least two decimals: ``0.06``, ``-1.50000``."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}" + "0" * (places - 2)
