"""Returns: what a merchant got of an order goes back to the payer (WECHAT_PAY.md 8). The money is free then; it
cannot be shared again."""

import sqlite3
from enum import StrEnum
from typing import Any

from wechat.box import orders, purse, receivers, sharing
from wechat.box.inside import Box, digits, rfc3339
from wechat.box.pay_signing import PayRefusal
from wechat.box.purse import Kind

_RETURNABLE_S = 180 * 86400
_STUCK_S = 5 * 86400
_MOST_RETURNS = 50
STUCK = "STUCK"


class ReturnResult(StrEnum):
    """``result`` of a return."""

    PROCESSING = "PROCESSING"  # accepted
    SUCCESS = "SUCCESS"  # the payer has it
    FAILED = "FAILED"  # the receiver could not pay, or five days went by


def find(box: Box, out_return_no: str) -> sqlite3.Row | None:
    """The return with this number, or None."""
    return box.store.row("SELECT * FROM split_returns WHERE out_return_no = ?", out_return_no)


def ask(box: Box, asked: dict[str, Any]) -> sqlite3.Row:
    """Accept a checked return. The same number with the same body answers the return that exists. Raises
    PayRefusal."""
    with box.store.write():
        known = find(box, asked["out_return_no"])
        if known is not None:
            if known["asked"] != orders.canonical(asked):
                raise PayRefusal(400, "INVALID_REQUEST", "分账回退参数与原请求不一致")
            return known
        one = _split(box, asked)
        _check(box, one, asked)
        now, fate = box.now(), receivers.find(box, receivers.MERCHANT, asked["return_mchid"])
        wait_s = box.settings()["sharing_delay_s"]
        if fate is not None and fate["return_fails"] == STUCK:
            wait_s = _STUCK_S
        box.store.run(
            "INSERT INTO split_returns VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, NULL)",
            asked["out_return_no"],
            "31106" + digits(23),
            one["out_order_no"],
            orders.canonical(asked),
            asked["return_mchid"],
            asked["amount"],
            asked["description"],
            ReturnResult.PROCESSING,
            int(now),
            now + wait_s,
        )
    box.wake.set()
    made = find(box, asked["out_return_no"])
    assert made is not None
    return made


def _split(box: Box, asked: dict[str, Any]) -> sqlite3.Row:
    if "order_id" in asked:
        one = sharing.find_by_id(box, asked["order_id"])
    elif "out_order_no" in asked:
        one = sharing.find(box, asked["out_order_no"])
    else:
        raise PayRefusal(400, "PARAM_ERROR", "order_id和out_order_no必须二选一")
    if one is None or one["kind"] != "split":
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "分账单不存在")
    return one


def _check(box: Box, one: sqlite3.Row, asked: dict[str, Any]) -> None:
    got = sum(
        part["amount_fen"]
        for part in sharing.parts(box, one["out_order_no"])
        if part["type"] == receivers.MERCHANT
        and part["account"] == asked["return_mchid"]
        and part["result"] == sharing.PartResult.SUCCESS
    )
    if not got:
        raise PayRefusal(400, "INVALID_REQUEST", "该商户不是此分账单中分账成功的商户接收方，不能回退")
    if box.now() > one["created_at"] + _RETURNABLE_S:
        raise PayRefusal(400, "INVALID_REQUEST", "分账单已超过180天，不能回退")
    before = box.store.rows("SELECT * FROM split_returns WHERE out_order_no = ?", one["out_order_no"])
    if len(before) >= _MOST_RETURNS:
        raise PayRefusal(400, "INVALID_REQUEST", "分账单回退次数超过限制")
    back = sum(
        other["amount_fen"]
        for other in before
        if other["return_mchid"] == asked["return_mchid"] and other["result"] != ReturnResult.FAILED
    )
    if back + asked["amount"] > got:
        raise PayRefusal(400, "INVALID_REQUEST", "回退金额超过该接收方的分账金额")


def as_json(box: Box, back: sqlite3.Row) -> dict[str, Any]:
    """The result object of a return."""
    one = sharing.find(box, back["out_order_no"])
    assert one is not None
    told = {
        "order_id": one["order_id"],
        "out_order_no": back["out_order_no"],
        "out_return_no": back["out_return_no"],
        "return_id": back["return_id"],
        "return_mchid": back["return_mchid"],
        "amount": back["amount_fen"],
        "description": back["description"],
        "result": back["result"],
        "create_time": rfc3339(back["created_at"]),
    }
    if back["fail_reason"]:
        told["fail_reason"] = back["fail_reason"]
    if back["finished_at"] is not None:
        told["finish_time"] = rfc3339(back["finished_at"])
    return told


def settle_due(box: Box) -> None:
    """Bring every return whose time has come to its end. Safe to repeat."""
    due = box.store.rows(
        "SELECT out_return_no FROM split_returns WHERE result = ? AND due_at <= ? ORDER BY due_at",
        ReturnResult.PROCESSING,
        box.now(),
    )
    for number in [back["out_return_no"] for back in due]:
        with box.store.write():
            back = find(box, number)
            if back is not None and back["result"] == ReturnResult.PROCESSING:
                _finish(box, back)


def _finish(box: Box, back: sqlite3.Row) -> None:
    receiver = receivers.find(box, receivers.MERCHANT, back["return_mchid"])
    fails = None if receiver is None else receiver["return_fails"]
    if fails == STUCK:
        fails = "TIME_OUT_CLOSED"
    if fails is None:
        purse.book(box, Kind.SPLIT_BACK, back["amount_fen"], back["return_id"], note=back["description"])
        one = sharing.find(box, back["out_order_no"])
        assert one is not None
        own = box.credentials.pay.mchid  # of a return, the receiver is who had shared
        sharing.tell(box, one, own, back["amount_fen"], back["description"], back=True)
    box.store.run(
        "UPDATE split_returns SET result = ?, fail_reason = ?, finished_at = ? WHERE out_return_no = ?",
        ReturnResult.SUCCESS if fails is None else ReturnResult.FAILED,
        fails,
        int(box.now()),
        back["out_return_no"],
    )


def next_due(box: Box) -> float | None:
    """When the next return comes to its end; None when none is under way."""
    found = box.store.row(
        "SELECT min(due_at) AS at FROM split_returns WHERE result = ?", ReturnResult.PROCESSING
    )
    assert found is not None
    return None if found["at"] is None else float(found["at"])
