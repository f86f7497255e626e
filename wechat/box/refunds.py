"""Refunds as WeChat Pay keeps them: PROCESSING, then SUCCESS, ABNORMAL or CLOSED (WECHAT_PAY.md 6)."""

import json
import sqlite3
from enum import StrEnum
from typing import Any

from wechat.box import notices, orders, purse
from wechat.box.inside import Box, digits, rfc3339
from wechat.box.orders import OrderState
from wechat.box.pay_signing import PayRefusal
from wechat.box.purse import Kind

_REFUNDABLE_S = 365 * 86400
_MOST_REFUNDS = 50
_RECEIVED_BY = "支付用户零钱"


class RefundState(StrEnum):
    """``status`` of a refund."""

    PROCESSING = "PROCESSING"  # accepted; the money is on its way
    SUCCESS = "SUCCESS"  # the shopper has it
    ABNORMAL = "ABNORMAL"  # her bank refused it; a person must act
    CLOSED = "CLOSED"  # it went back to the merchant; a new refund number is needed


def find(box: Box, out_refund_no: str) -> sqlite3.Row | None:
    """The refund with this number, or None."""
    return box.store.row("SELECT * FROM refunds WHERE out_refund_no = ?", out_refund_no)


def ask(box: Box, asked: dict[str, Any]) -> sqlite3.Row:
    """Accept a checked refund body. The same number with the same body answers the refund that exists. Raises
    PayRefusal: RESOURCE_NOT_EXISTS (no such order), INVALID_REQUEST (not paid, other parameters, too much,
    too late, too often)."""
    with box.store.write() as db:
        known = find(box, asked["out_refund_no"])
        if known is not None:
            if known["asked"] != json.dumps(asked, ensure_ascii=False, sort_keys=True):
                raise PayRefusal(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
            return known
        order = _order(box, asked)
        _check_money(box, order, asked["amount"])
        now, refund_id = box.now(), "50300" + digits(24)
        _take(box, order, asked, refund_id)
        db.execute(
            "INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                asked["out_refund_no"],
                refund_id,
                order["out_trade_no"],
                json.dumps(asked, ensure_ascii=False, sort_keys=True),
                asked["amount"]["refund"],
                RefundState.PROCESSING,
                asked.get("notify_url"),
                int(now),
                now + box.settings()["refund_delay_s"],
            ),
        )
        db.execute(
            "UPDATE orders SET state = ? WHERE out_trade_no = ?", (OrderState.REFUND, order["out_trade_no"])
        )
    box.wake.set()
    made = find(box, asked["out_refund_no"])
    assert made is not None
    return made


def _take(box: Box, order: sqlite3.Row, asked: dict[str, Any], refund_id: str) -> None:
    """Take the money: what still waits to be shared of this very order, else what the merchant can spend."""
    part = asked["amount"]["refund"]
    back = purse.fee_back_fen(box, order, purse.refunded_fen(box, order["out_trade_no"]), part)
    left = purse.held(box, order)
    if left.thawed:
        purse.spend(box, part - back)
    elif part - back > left.unsplit_fen:
        raise PayRefusal(400, "INVALID_REQUEST", "订单剩余冻结金额不足，请先解冻剩余资金或分账回退后再退款")
    voucher = f"REF{order['transaction_id']}"
    purse.book(box, Kind.REFUND, -part, refund_id, note=asked.get("reason", ""), voucher=voucher)
    purse.book(box, Kind.FEE_BACK, back, refund_id, voucher=voucher)


def _give_back(box: Box, refund: sqlite3.Row) -> None:
    """A refund was closed: its money is the merchant's again, and so is the fee of it WeChat's."""
    back = box.store.row(
        "SELECT amount_fen FROM funds WHERE business_no = ? AND kind = ?", refund["refund_id"], Kind.FEE_BACK
    )
    purse.book(box, Kind.REFUND_CLOSED, refund["refund_fen"], refund["refund_id"])
    purse.book(box, Kind.FEE, 0 if back is None else -back["amount_fen"], refund["refund_id"])


def _order(box: Box, asked: dict[str, Any]) -> sqlite3.Row:
    if "transaction_id" in asked:
        order = orders.find_paid(box, asked["transaction_id"])
    elif "out_trade_no" in asked:
        order = orders.find(box, asked["out_trade_no"])
    else:
        raise PayRefusal(400, "PARAM_ERROR", "transaction_id和out_trade_no必须二选一")
    if order is None:
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    if order["state"] not in (OrderState.SUCCESS, OrderState.REFUND):
        raise PayRefusal(400, "INVALID_REQUEST", "订单未支付，不能退款")
    return order


def _check_money(box: Box, order: sqlite3.Row, amount: dict[str, Any]) -> None:
    if amount["total"] != order["total_fen"]:
        raise PayRefusal(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
    if "from" in amount and sum(one["amount"] for one in amount["from"]) != amount["refund"]:
        raise PayRefusal(400, "PARAM_ERROR", "出资金额之和与退款金额不一致")
    if box.now() - order["success_at"] > _REFUNDABLE_S:
        raise PayRefusal(400, "INVALID_REQUEST", "订单已超过可退款的最大期限")
    before = box.store.rows(
        "SELECT refund_fen, status, created_at FROM refunds WHERE out_trade_no = ?", order["out_trade_no"]
    )
    if len(before) >= _MOST_REFUNDS:
        raise PayRefusal(400, "INVALID_REQUEST", "退款次数超过限制")
    gap_s = box.settings()["refund_interval_s"]
    if gap_s and any(box.now() - one["created_at"] < gap_s for one in before):
        raise PayRefusal(429, "FREQUENCY_LIMITED", "频率超限，请稍后用原参数重试")
    gone = sum(one["refund_fen"] for one in before if one["status"] != RefundState.CLOSED)
    if gone + amount["refund"] > order["total_fen"]:
        raise PayRefusal(400, "INVALID_REQUEST", "累计退款金额大于支付金额")


def as_refund(box: Box, refund: sqlite3.Row) -> dict[str, Any]:
    """The Refund object of an answer or a query; ``success_time`` is absent until SUCCESS."""
    order = orders.find(box, refund["out_trade_no"])
    assert order is not None
    by_card = box.store.row("SELECT * FROM abnormal_refunds WHERE out_refund_no = ?", refund["out_refund_no"])
    part, total = refund["refund_fen"], order["total_fen"]
    content: dict[str, Any] = {
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "transaction_id": order["transaction_id"],
        "out_trade_no": order["out_trade_no"],
        "channel": "ORIGINAL" if by_card is None else by_card["channel"],
        "user_received_account": _RECEIVED_BY if by_card is None else by_card["received_by"],
        "create_time": rfc3339(refund["created_at"]),
        "status": refund["status"],
        "funds_account": "AVAILABLE",
        "amount": {
            "total": total,
            "refund": part,
            "from": json.loads(refund["asked"])["amount"].get("from", []),
            "payer_total": total,
            "payer_refund": part,
            "settlement_refund": part,
            "settlement_total": total,
            "discount_refund": 0,
            "currency": "CNY",
            "refund_fee": 0,
        },
        "promotion_detail": [],
    }
    if refund["success_at"] is not None:
        content["success_time"] = rfc3339(refund["success_at"])
    return content


def settle_due(box: Box) -> None:
    """Bring every refund whose time has come to its end, and put its notice on the way. Safe to repeat."""
    due = box.store.rows(
        "SELECT out_refund_no FROM refunds WHERE status = ? AND due_at <= ? ORDER BY due_at",
        RefundState.PROCESSING,
        box.now(),
    )
    for number in [refund["out_refund_no"] for refund in due]:
        end(box, number)


def end(box: Box, out_refund_no: str, result: RefundState | None = None) -> bool:
    """Bring a refund under way to this end (by itself: SUCCESS, unless a fault says else) and put its notice on
    its way; False when it has ended already."""
    with box.store.write() as db:
        refund = find(box, out_refund_no)
        if refund is None or refund["status"] != RefundState.PROCESSING:
            return False
        result = result or RefundState(str(box.fault("refund_result") or RefundState.SUCCESS))
        success_at = int(box.now()) if result == RefundState.SUCCESS else None
        db.execute(
            "UPDATE refunds SET status = ?, success_at = ?, due_at = ? WHERE out_refund_no = ?",
            (result, success_at, box.now(), out_refund_no),
        )
        if result == RefundState.CLOSED:
            _give_back(box, refund)
        refund = find(box, out_refund_no)
        assert refund is not None
        if refund["notify_url"]:
            notices.announce_refund(box, _told(box, as_refund(box, refund)), refund["notify_url"])
    return True


def try_again(box: Box, refund: sqlite3.Row, asked: dict[str, Any]) -> sqlite3.Row:
    """An abnormal refund goes out once more, to a bank card (WECHAT_PAY.md 6.3). ``asked`` is the checked body
    with its sealed texts opened. Raises PayRefusal INVALID_REQUEST unless the refund is ABNORMAL."""
    with box.store.write() as db:
        found = find(box, refund["out_refund_no"])
        if found is None or found["status"] != RefundState.ABNORMAL:
            raise PayRefusal(400, "INVALID_REQUEST", "退款单状态不是退款异常，不能发起异常退款")
        received_by = "商户银行卡"
        if asked["type"] == "USER_BANK_CARD":
            received_by = f"{asked['bank_type']}{asked['bank_account'][-4:]}"
        db.execute(
            "INSERT INTO abnormal_refunds VALUES (?, 'OTHER_BANKCARD', ?) ON CONFLICT (out_refund_no)"
            " DO UPDATE SET received_by = excluded.received_by",
            (found["out_refund_no"], received_by),
        )
        db.execute(
            "UPDATE refunds SET status = ?, due_at = ? WHERE out_refund_no = ?",
            (
                RefundState.PROCESSING,
                box.now() + box.settings()["refund_delay_s"],
                found["out_refund_no"],
            ),
        )
    box.wake.set()
    again = find(box, refund["out_refund_no"])
    assert again is not None
    return again


def _told(box: Box, refund: dict[str, Any]) -> dict[str, Any]:
    """A notice says ``refund_status``, no appid and no currency (WECHAT_PAY.md 10.2)."""
    told = {
        "mchid": box.credentials.pay.mchid,
        "transaction_id": refund["transaction_id"],
        "out_trade_no": refund["out_trade_no"],
        "refund_id": refund["refund_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_status": refund["status"],
        "user_received_account": refund["user_received_account"],
        "amount": {
            name: refund["amount"][name] for name in ("total", "refund", "payer_total", "payer_refund")
        },
    }
    if "success_time" in refund:
        told["success_time"] = refund["success_time"]
    return told


def next_due(box: Box) -> float | None:
    """When the next refund comes to its end, on the box's clock; None when none is waiting."""
    found = box.store.row("SELECT min(due_at) AS at FROM refunds WHERE status = ?", RefundState.PROCESSING)
    assert found is not None
    return None if found["at"] is None else float(found["at"])
