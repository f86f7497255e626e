"""Profit sharing: splits of an order's frozen money and the thaw of the rest (WECHAT_PAY.md 8).

A split is PROCESSING, then FINISHED; that says nothing about its parts, each of which is PENDING, then SUCCESS or
CLOSED with a reason. Money of a part that failed is frozen again until it is split anew or thaws.
"""

import sqlite3
from enum import StrEnum
from typing import Any

from wechat.box import notices, orders, purse, receivers, shipping
from wechat.box.inside import Box, digits, rfc3339
from wechat.box.pay_signing import PayRefusal
from wechat.box.purse import Kind

_MOST_SPLITS = 50


class SplitState(StrEnum):
    """``state`` of a split."""

    PROCESSING = "PROCESSING"  # accepted; nobody has anything yet
    FINISHED = "FINISHED"  # every part has come to its end, good or bad


class PartResult(StrEnum):
    """``result`` of one receiver's part."""

    PENDING = "PENDING"  # waits
    SUCCESS = "SUCCESS"  # the receiver has it
    CLOSED = "CLOSED"  # it failed; the money stays with the payer


def find(box: Box, out_order_no: str) -> sqlite3.Row | None:
    """The split (or thaw) with this number, or None."""
    return box.store.row("SELECT * FROM splits WHERE out_order_no = ?", out_order_no)


def find_by_id(box: Box, order_id: str) -> sqlite3.Row | None:
    """The split with this order_id, or None."""
    return box.store.row("SELECT * FROM splits WHERE order_id = ?", order_id)


def parts(box: Box, out_order_no: str) -> list[sqlite3.Row]:
    """The split's parts in the order of the request."""
    return box.store.rows("SELECT * FROM split_parts WHERE out_order_no = ? ORDER BY position", out_order_no)


def order_of(box: Box, transaction_id: str) -> sqlite3.Row:
    """The order, if it was placed for sharing. Raises PayRefusal: RESOURCE_NOT_EXISTS, or INVALID_REQUEST."""
    order = orders.find_paid(box, transaction_id)
    if order is None:
        raise PayRefusal(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    if not purse.is_shared(box, transaction_id):
        raise _invalid("非分账订单不支持分账")
    return order


def _invalid(sentence: str) -> PayRefusal:
    return PayRefusal(400, "INVALID_REQUEST", sentence)


def split(box: Box, asked: dict[str, Any]) -> sqlite3.Row:
    """Accept a checked split, names opened. The same number with the same receivers answers the split that
    exists. Raises PayRefusal."""
    with box.store.write():
        known = find(box, asked["out_order_no"])
        if known is not None:
            if known["kind"] != "split" or known["asked"] != orders.canonical(asked):
                raise _invalid("分账接收方与原请求不一致")
            return known
        order = order_of(box, asked["transaction_id"])
        _check_time(box, order)
        for one in asked["receivers"]:
            _check_receiver(box, asked["appid"], one)
        _check_money(box, order, sum(one["amount"] for one in asked["receivers"]))
        return _insert(box, order, asked, "split", asked["receivers"], thaws=asked["unfreeze_unsplit"])


def _check_time(box: Box, order: sqlite3.Row) -> None:
    if purse.held(box, order).thawed:
        raise _invalid("订单已完结分账")
    if box.now() < order["success_at"] + box.settings()["sharing_wait_s"] or _waits(box, order):
        raise _invalid("订单处理中，请稍后重试")
    before = box.store.row(
        "SELECT count(*) AS n, sum(thaws AND state = 'PROCESSING') AS ending FROM splits"
        " WHERE transaction_id = ?",
        order["transaction_id"],
    )
    assert before is not None
    if before["ending"]:
        raise _invalid("订单已完结分账")
    if before["n"] >= _MOST_SPLITS:
        raise _invalid("订单分账次数超过限制")


def _waits(box: Box, order: sqlite3.Row) -> bool:
    """Does the order wait for its receipt before its money settles?"""
    if not box.settings()["sharing_waits_for_receipt"] or order["appid"] != box.credentials.mp.appid:
        return False
    sent = shipping.of(box, order["transaction_id"])
    return sent is None or sent["settled_at"] is None


def _check_receiver(box: Box, appid: str, one: dict[str, Any]) -> None:
    if receivers.find(box, one["type"], one["account"]) is None:
        raise _invalid("分账接收方关系不存在")
    if one["type"] == receivers.PERSON or "name" in one:
        receivers.check_name(box, appid, one["type"], one["account"], one.get("name"))


def _check_money(box: Box, order: sqlite3.Row, wanted_fen: int) -> None:
    if wanted_fen > purse.held(box, order).unsplit_fen:
        raise _invalid("分账金额不足")
    before = box.store.row(
        "SELECT sum(amount_fen) AS fen FROM split_parts JOIN splits USING (out_order_no)"
        " WHERE transaction_id = ? AND kind = 'split' AND result != 'CLOSED'",
        order["transaction_id"],
    )
    assert before is not None
    most = order["total_fen"] * box.settings()["sharing_ratio_bp"]
    if ((before["fen"] or 0) + wanted_fen) * 10_000 > most:
        raise _invalid("分账金额超出最大分账比例")


def _insert(
    box: Box,
    order: sqlite3.Row,
    asked: dict[str, Any],
    kind: str,
    wanted: list[dict[str, Any]],
    *,
    thaws: bool,
) -> sqlite3.Row:
    number, now = asked["out_order_no"], box.now()
    box.store.run(
        "INSERT INTO splits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        number,
        "30084" + digits(23),
        order["transaction_id"],
        kind,
        orders.canonical(asked),
        thaws,
        SplitState.PROCESSING,
        int(now),
        now + box.settings()["sharing_delay_s"],
    )
    for position, one in enumerate(wanted):
        box.store.run(
            "INSERT INTO split_parts VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, NULL)",
            "36011" + digits(23),
            number,
            position,
            one["type"],
            one["account"],
            one["amount"],
            one["description"],
            PartResult.PENDING,
            int(now),
        )
    box.wake.set()
    made = find(box, number)
    assert made is not None
    return made


def unfreeze(box: Box, asked: dict[str, Any]) -> sqlite3.Row:
    """Accept that nothing more will be shared of an order. A number that a split has answers that split and
    thaws nothing (as the real one does). Raises PayRefusal."""
    with box.store.write():
        known = find(box, asked["out_order_no"])
        if known is not None:
            return known
        order = order_of(box, asked["transaction_id"])
        _check_time(box, order)
        rest = {
            "type": receivers.MERCHANT,
            "account": box.credentials.pay.mchid,
            "amount": purse.held(box, order).unsplit_fen,
            "description": asked["description"],
        }
        return _insert(box, order, asked, "unfreeze", [rest], thaws=True)


def as_json(box: Box, one: sqlite3.Row) -> dict[str, Any]:
    """The result object of a split or a thaw. Read it in one ``write`` with the split itself, or the parts may be
    older or younger than the whole."""
    return {
        "transaction_id": one["transaction_id"],
        "out_order_no": one["out_order_no"],
        "order_id": one["order_id"],
        "state": one["state"],
        "receivers": [_part_as_json(part) for part in parts(box, one["out_order_no"])],
    }


def _part_as_json(part: sqlite3.Row) -> dict[str, Any]:
    told: dict[str, Any] = {
        "amount": part["amount_fen"],
        "description": part["description"],
        "type": part["type"],
        "account": part["account"],
        "result": part["result"],
        "create_time": rfc3339(part["created_at"]),
        "detail_id": part["detail_id"],
    }
    if part["fail_reason"]:
        told["fail_reason"] = part["fail_reason"]
    if part["finished_at"] is not None:
        told["finish_time"] = rfc3339(part["finished_at"])
    return told


def settle_due(box: Box) -> None:
    """Bring every split whose time has come to its end. Safe to repeat."""
    due = box.store.rows(
        "SELECT out_order_no FROM splits WHERE state = ? AND due_at <= ? ORDER BY due_at",
        SplitState.PROCESSING,
        box.now(),
    )
    for number in [one["out_order_no"] for one in due]:
        with box.store.write():
            one = find(box, number)
            if one is not None and one["state"] == SplitState.PROCESSING:
                _finish(box, one)


def _finish(box: Box, one: sqlite3.Row) -> None:
    for part in parts(box, one["out_order_no"]):
        fails = None
        if one["kind"] == "split":
            receiver = receivers.find(box, part["type"], part["account"])
            # Deleted meanwhile: the relation is gone.
            fails = "NO_RELATION" if receiver is None else receiver["split_fails"]
            if fails is None:
                purse.book(box, Kind.SPLIT, -part["amount_fen"], part["detail_id"], note=part["description"])
        box.store.run(
            "UPDATE split_parts SET result = ?, fail_reason = ?, finished_at = ? WHERE detail_id = ?",
            PartResult.SUCCESS if fails is None else PartResult.CLOSED,
            fails,
            int(box.now()),
            part["detail_id"],
        )
        if fails is None and one["kind"] == "split" and part["type"] == receivers.MERCHANT:
            tell(box, one, part["account"], part["amount_fen"], part["description"])
    box.store.run(
        "UPDATE splits SET state = ? WHERE out_order_no = ?", SplitState.FINISHED, one["out_order_no"]
    )
    if one["thaws"]:
        purse.thaw(box, one["transaction_id"])


def tell(
    box: Box, one: sqlite3.Row, account: str, amount_fen: int, description: str, *, back: bool = False
) -> None:
    """Tell the merchant who received a share, where the settings say so; who shares is never told. The box
    has one merchant's keys: the notice is sealed with them, and ``mchid`` is the box's own."""
    url = box.settings()["sharing_callback_url"]
    if url is None:
        return
    receiver = {
        "type": receivers.MERCHANT,
        "account": account,
        "amount": amount_fen,
        "description": description,
    }
    share = {
        "mchid": box.credentials.pay.mchid,
        "transaction_id": one["transaction_id"],
        "order_id": one["order_id"],
        "out_order_no": one["out_order_no"],
        "receiver": receiver,
        "success_time": rfc3339(box.now()),
    }
    notices.announce_share(box, share, url, back=back)


def next_due(box: Box) -> float | None:
    """When the next split comes to its end; None when none is under way."""
    found = box.store.row("SELECT min(due_at) AS at FROM splits WHERE state = ?", SplitState.PROCESSING)
    assert found is not None
    return None if found["at"] is None else float(found["at"])
