"""What a program calls to pay a user from the merchant's balance (WECHAT_PAY.md 9)."""

import sqlite3
from typing import Any

from flask import Request

from wechat.box import pay_keys, transfers
from wechat.box.inside import Box, rfc3339
from wechat.box.money_shapes import TRANSFER
from wechat.box.open_settings import allows
from wechat.box.pay_api import Answer, check_appid
from wechat.box.pay_shapes import read
from wechat.box.pay_signing import PayRefusal
from wechat.box.transfers import TransferState


def transfer(box: Box, request: Request) -> Answer:
    """POST /v3/fund-app/mch-transfer/transfer-bills"""
    asked = read(request.get_data(), request.content_type or "", TRANSFER)
    check_appid(box, asked["appid"])
    if not allows(box.settings()["transfer_ip_allow_list"], request.remote_addr or ""):
        raise PayRefusal(403, "NO_AUTH", "此IP地址不允许调用接口，请按开发指引设置")
    if "user_name" in asked:
        asked["user_name"] = pay_keys.opened(box, request, "/user_name", asked["user_name"])
    made = transfers.ask(box, asked)
    told = {
        "out_bill_no": made["out_bill_no"],
        "transfer_bill_no": made["transfer_bill_no"],
        "create_time": rfc3339(made["created_at"]),
        "state": made["state"],
    }
    if made["fail_reason"]:
        told["fail_reason"] = made["fail_reason"]
    if made["state"] == TransferState.WAIT_USER_CONFIRM:
        told["package_info"] = made["package_info"]
    return 200, told


def query(box: Box, request: Request, number: str) -> Answer:
    """GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}"""
    return 200, _told(box, transfers.recent(box, transfers.find(box, number)))


def query_by_id(box: Box, request: Request, number: str) -> Answer:
    """GET /v3/fund-app/mch-transfer/transfer-bills/transfer-bill-no/{transfer_bill_no}"""
    return 200, _told(box, transfers.recent(box, transfers.find_by_id(box, number)))


def _told(box: Box, found: sqlite3.Row) -> dict[str, Any]:
    told = transfers.as_json(box, found)
    if found["user_name"]:
        told["user_name"] = pay_keys.sealed_for_merchant(box, found["user_name"])
    return told


def cancel(box: Box, request: Request, number: str) -> Answer:
    """POST /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}/cancel, with an empty body"""
    if request.get_data() not in (b"", b"{}"):
        raise PayRefusal(400, "PARAM_ERROR", "请求体应为空")
    cancelled = transfers.cancel(box, number)
    return 200, {
        "out_bill_no": cancelled["out_bill_no"],
        "transfer_bill_no": cancelled["transfer_bill_no"],
        "state": cancelled["state"],
        "update_time": rfc3339(cancelled["updated_at"]),
    }


def old_batch(box: Box, request: Request) -> Answer:
    """POST /v3/transfer/batches: newly opened merchants do not have the old product."""
    raise PayRefusal(403, "NO_AUTH", "商户号无权限使用该产品，请使用商家转账（新版）")
