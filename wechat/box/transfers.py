"""Merchant transfers of the 2025 kind: the user confirms on her phone within 24 hours (WECHAT_PAY.md 9.1)."""

import json
import sqlite3
from enum import StrEnum
from typing import Any

from wechat.box import notices, orders, people, purse
from wechat.box.inside import Box, digits, letters, rfc3339
from wechat.box.pay_signing import PayRefusal
from wechat.box.purse import Kind

_CONFIRM_S = 24 * 3600
_KEPT_S = 30 * 86400
# What the scenes that a merchant may be granted want reported, and what the user may be told she receives.
SCENES = {
    "1000": (("活动名称", "奖励说明"), ("活动奖励", "现金奖励")),
    "1005": (("岗位类型", "报酬说明"), ("劳务报酬", "报销款", "企业补贴", "开工利是")),
    "1011": (("赔付原因",), ("退款", "商家赔付")),
}


class TransferState(StrEnum):
    """``state`` of a transfer."""

    ACCEPTED = "ACCEPTED"  # the money is put aside
    PROCESSING = "PROCESSING"  # not reached by the box on its own; a hand may put it there
    WAIT_USER_CONFIRM = "WAIT_USER_CONFIRM"  # she has 24 hours
    TRANSFERING = "TRANSFERING"  # (sic) she has confirmed; the result is pending
    SUCCESS = "SUCCESS"  # she has it
    FAIL = "FAIL"  # she does not; the money is back
    CANCELING = "CANCELING"  # the merchant has called it back
    CANCELLED = "CANCELLED"  # and has it back


FINAL = (TransferState.SUCCESS, TransferState.FAIL, TransferState.CANCELLED)
_CANCELLABLE = (TransferState.ACCEPTED, TransferState.PROCESSING, TransferState.WAIT_USER_CONFIRM)


class CannotConfirm(Exception):
    """The phone shows her nothing to confirm: ``code`` for programs, a sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        """Refuse with a code and a sentence."""
        super().__init__(sentence)
        self.code = code


def find(box: Box, out_bill_no: str) -> sqlite3.Row | None:
    """The transfer with this number, or None."""
    return box.store.row("SELECT * FROM transfers WHERE out_bill_no = ?", out_bill_no)


def find_by_id(box: Box, transfer_bill_no: str) -> sqlite3.Row | None:
    """The transfer with WeChat's number, or None."""
    return box.store.row("SELECT * FROM transfers WHERE transfer_bill_no = ?", transfer_bill_no)


def recent(box: Box, transfer: sqlite3.Row | None) -> sqlite3.Row:
    """A transfer that queries still know, those of 30 days. Raises PayRefusal 404 NOT_FOUND."""
    if transfer is None or transfer["created_at"] + _KEPT_S < box.now():
        raise PayRefusal(404, "NOT_FOUND", "记录不存在")
    return transfer


def ask(box: Box, asked: dict[str, Any]) -> sqlite3.Row:
    """Accept a checked body, its name opened: the money leaves at once. The same number with the same body
    answers the transfer that exists. Raises PayRefusal."""
    with box.store.write():
        known = find(box, asked["out_bill_no"])
        if known is not None:
            if known["asked"] != orders.canonical(asked):
                raise PayRefusal(400, "ALREADY_EXISTS", "商户单号已存在，且转账信息与原单不一致")
            return known
        _check_scene(box, asked)
        _check_amount(box, asked)
        purse.spend(box, asked["transfer_amount"])
        return _insert(box, asked)


def _insert(box: Box, asked: dict[str, Any]) -> sqlite3.Row:
    now, delay_s = box.now(), box.settings()["transfer_delay_s"]
    number, amount = "13300" + digits(35), asked["transfer_amount"]
    box.store.run(
        "INSERT INTO transfers VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?)",
        asked["out_bill_no"],
        number,
        orders.canonical(asked),
        asked["appid"],
        asked["openid"],
        amount,
        TransferState.ACCEPTED,
        letters(64),
        asked.get("notify_url"),
        asked.get("user_name"),
        int(now),
        int(now),
        now + delay_s,
    )
    purse.book(box, Kind.TRANSFER, -amount, number, note=asked["transfer_remark"])
    if delay_s == 0:
        _decide(box, asked["out_bill_no"])
    made = find(box, asked["out_bill_no"])
    assert made is not None
    return made


def _check_scene(box: Box, asked: dict[str, Any]) -> None:
    scene = asked["transfer_scene_id"]
    if scene not in box.settings()["transfer_scenes"] or scene not in SCENES:
        raise PayRefusal(400, "INVALID_REQUEST", "此商户号未获得该转账场景的权限，请先申请开通")
    reports, perceptions = SCENES[scene]
    given = [one["info_type"] for one in asked.get("transfer_scene_report_infos", [])]
    if sorted(given) != sorted(reports):
        raise PayRefusal(400, "PARAM_ERROR", f"需传入转账场景报备信息：{'、'.join(reports)}")
    if asked.get("user_recv_perception") not in (None, *perceptions):
        raise PayRefusal(400, "INVALID_REQUEST", "暂不支持展示当前传入的用户收款感知")


def _check_amount(box: Box, asked: dict[str, Any]) -> None:
    amount, settings = asked["transfer_amount"], box.settings()
    if amount < settings["transfer_least_fen"]:
        raise PayRefusal(400, "INVALID_REQUEST", "转账金额低于单笔最低限额")
    if amount > settings["transfer_most_fen"]:
        raise PayRefusal(400, "INVALID_REQUEST", "转账金额超过单笔最高限额")
    if amount >= 200_000 and "user_name" not in asked:
        raise PayRefusal(400, "PARAM_ERROR", "转账金额大于等于2000元时，user_name必填")
    if amount < 30 and "user_name" in asked:
        raise PayRefusal(400, "PARAM_ERROR", "转账金额小于0.3元时，不允许填写user_name")
    if asked.get("user_recv_style", {}).get("type") == "RED_PACKET" and amount > 20_000:
        raise PayRefusal(400, "INVALID_REQUEST", "红包样式单笔金额不得超过200元")
    if _today_fen(box) + amount > settings["transfer_merchant_day_fen"]:
        raise PayRefusal(400, "INVALID_REQUEST", "超过商户单日转账额度")


def _today_fen(box: Box, openid: str | None = None) -> int:
    begin = (int(box.now()) + 8 * 3600) // 86400 * 86400 - 8 * 3600
    found = box.store.row(
        "SELECT sum(amount_fen) AS fen FROM transfers WHERE created_at >= ? AND (? IS NULL OR openid = ?)"
        " AND state NOT IN ('FAIL', 'CANCELLED')",
        begin,
        openid,
        openid,
    )
    assert found is not None
    return int(found["fen"] or 0)


def _decide(box: Box, number: str) -> None:
    """What becomes of an accepted transfer: it waits for her, or fails for a reason that WeChat finds."""
    transfer = find(box, number)
    assert transfer is not None
    person = people.by_openid(box, transfer["appid"], transfer["openid"])
    if person is None:
        end(box, number, TransferState.FAIL, "OPENID_INVALID")
    elif transfer["user_name"] not in (None, person["name"]):
        end(box, number, TransferState.FAIL, "NAME_NOT_CORRECT")
    elif _today_fen(box, transfer["openid"]) > box.settings()["transfer_user_day_fen"]:
        end(box, number, TransferState.FAIL, "DAY_RECEIVED_QUOTA_EXCEED")
    else:
        _move(box, number, TransferState.WAIT_USER_CONFIRM, transfer["created_at"] + _CONFIRM_S)


def _move(
    box: Box, number: str, state: TransferState, due_s: float | None, reason: str | None = None
) -> None:
    box.store.run(
        "UPDATE transfers SET state = ?, due_at = ?, fail_reason = ?, updated_at = ? WHERE out_bill_no = ?",
        state,
        due_s,
        reason,
        int(box.now()),
        number,
    )
    box.wake.set()


def end(box: Box, number: str, state: TransferState, reason: str | None = None) -> bool:
    """Bring a transfer to this end and put its notice on the way; the money comes back unless it succeeded.
    False when it has ended already."""
    with box.store.write():
        transfer = find(box, number)
        if transfer is None or transfer["state"] in FINAL:
            return False
        _move(box, number, state, None, reason)
        if state != TransferState.SUCCESS:
            purse.book(box, Kind.TRANSFER_BACK, transfer["amount_fen"], transfer["transfer_bill_no"])
        ended = find(box, number)
        assert ended is not None
        if ended["notify_url"]:
            notices.announce_transfer(box, _told(box, ended), ended["notify_url"])
        return True


def confirm(box: Box, person: sqlite3.Row, given: str) -> sqlite3.Row:
    """She confirms on her phone; ``given`` is the package_info (or the merchant's number). Raises
    CannotConfirm."""
    with box.store.write():
        transfer = box.store.row("SELECT * FROM transfers WHERE ? IN (package_info, out_bill_no)", given)
        if transfer is None:
            raise CannotConfirm("NO_SUCH_TRANSFER", "转账单不存在（package有误）")
        if people.openid_under(box, person, transfer["appid"]) != transfer["openid"]:
            raise CannotConfirm("NOT_THE_PAYEE", "当前微信号不是收款用户")
        if transfer["state"] != TransferState.WAIT_USER_CONFIRM:
            raise CannotConfirm("NOT_WAITING", f"转账单状态为{transfer['state']}，不能确认收款")
        due_s = box.now() + box.settings()["transfer_pay_delay_s"]
        _move(box, transfer["out_bill_no"], TransferState.TRANSFERING, due_s)
        confirmed = find(box, transfer["out_bill_no"])
        assert confirmed is not None
        return confirmed


def cancel(box: Box, number: str) -> sqlite3.Row:
    """Call a transfer back that she has not confirmed; again is the same. Raises PayRefusal NOT_FOUND, or
    INVALID_REQUEST when it is too late."""
    with box.store.write():
        transfer = recent(box, find(box, number))
        if transfer["state"] in _CANCELLABLE:
            due_s = box.now() + box.settings()["transfer_cancel_delay_s"]
            _move(box, number, TransferState.CANCELING, due_s)
        elif transfer["state"] not in (TransferState.CANCELING, TransferState.CANCELLED):
            raise PayRefusal(400, "INVALID_REQUEST", "当前转账单状态不支持撤销")
        return recent(box, find(box, number))


def as_json(box: Box, transfer: sqlite3.Row) -> dict[str, Any]:
    """The object of a query; the name comes back sealed for the merchant (see ``transfer_api``)."""
    told = {
        "mch_id": box.credentials.pay.mchid,
        "out_bill_no": transfer["out_bill_no"],
        "transfer_bill_no": transfer["transfer_bill_no"],
        "appid": transfer["appid"],
        "state": transfer["state"],
        "transfer_amount": transfer["amount_fen"],
        "transfer_remark": json.loads(transfer["asked"])["transfer_remark"],
        "openid": transfer["openid"],
        "create_time": rfc3339(transfer["created_at"]),
        "update_time": rfc3339(transfer["updated_at"]),
    }
    return told | ({"fail_reason": transfer["fail_reason"]} if transfer["fail_reason"] else {})


def _told(box: Box, transfer: sqlite3.Row) -> dict[str, Any]:
    told = as_json(box, transfer)
    told[box.settings()["transfer_notice_member"]] = told.pop("mch_id")
    del told["appid"], told["transfer_remark"]
    return told


def settle_due(box: Box) -> None:
    """Do what is due: accepted ones are decided, unconfirmed ones lapse, the others come to their end. Safe to
    repeat."""
    due = box.store.rows("SELECT out_bill_no FROM transfers WHERE due_at <= ? ORDER BY due_at", box.now())
    for number in [one["out_bill_no"] for one in due]:
        with box.store.write():
            transfer = find(box, number)
            if transfer is not None and transfer["due_at"] is not None and transfer["due_at"] <= box.now():
                _step(box, transfer)


def _step(box: Box, transfer: sqlite3.Row) -> None:
    number, state = transfer["out_bill_no"], transfer["state"]
    if state in (TransferState.ACCEPTED, TransferState.PROCESSING):
        _decide(box, number)
    elif state == TransferState.WAIT_USER_CONFIRM:
        end(box, number, TransferState.FAIL, "OVERDUE_CLOSE")
    elif state == TransferState.TRANSFERING:
        end(box, number, TransferState.SUCCESS)
    elif state == TransferState.CANCELING:
        end(box, number, TransferState.CANCELLED)


def next_due(box: Box) -> float | None:
    """When the next transfer moves by itself; None when none does."""
    found = box.store.row("SELECT min(due_at) AS at FROM transfers WHERE due_at IS NOT NULL")
    assert found is not None
    return None if found["at"] is None else float(found["at"])
