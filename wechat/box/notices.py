"""What WeChat Pay tells the merchant: sealed, signed notices, repeated until they are taken (WECHAT_PAY.md
10)."""

import json
import sqlite3
import uuid
from collections.abc import Sequence
from typing import Any

from wechat.box import outbox, pay_keys
from wechat.box.calling import Heard, call
from wechat.box.inside import Box, rfc3339
from wechat.box.outbox import Attempt
from wechat.box.pay_signing import platform_headers, sealed
from wechat.box.pay_tampering import OF_NOTICES, probe, spoil

# Seconds to wait after each attempt that was in vain (WECHAT_PAY.md 10.3): 15 repeats in 24 h 4 min.
WAITS_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
_REFUND_SUMMARIES = {"SUCCESS": "退款成功", "ABNORMAL": "退款异常", "CLOSED": "退款关闭"}


def announce_paid(box: Box, transaction: dict[str, Any], url: str, person: str) -> int:
    """Put TRANSACTION.SUCCESS on its way to the order's notify_url; answers the delivery's id."""
    content = json.loads(json.dumps(transaction))
    if box.fault("wrong_amount"):
        content["amount"]["total"] += 1
    if box.fault("foreign_appid"):
        content["appid"] = "wx0000000000000000"
    return _announce(box, "TRANSACTION.SUCCESS", "transaction", "支付成功", content, url, person)


def announce_refund(box: Box, refund: dict[str, Any], url: str) -> int:
    """Put REFUND.SUCCESS, .ABNORMAL or .CLOSED on its way; answers the delivery's id."""
    status = refund["refund_status"]
    return _announce(box, f"REFUND.{status}", "refund", _REFUND_SUMMARIES[status], refund, url, None)


def announce_transfer(box: Box, transfer: dict[str, Any], url: str) -> int:
    """Put MCHTRANSFER.BILL.FINISHED on its way; answers the delivery's id."""
    return _announce(
        box, "MCHTRANSFER.BILL.FINISHED", "mch_payment", "商家转账单据终态通知", transfer, url, None
    )


def announce_share(box: Box, share: dict[str, Any], url: str, *, back: bool) -> int:
    """Put the notice to a merchant who received a share (``back``: or got one back) on its way: under the name
    of a payment, told apart by original_type and summary, as the real one is (WECHAT_PAY.md 10.2)."""
    summary = "分账回退" if back else "分账"
    return _announce(box, "TRANSACTION.SUCCESS", "profitsharing", summary, share, url, None)


def _announce(
    box: Box, event_type: str, original_type: str, summary: str, content: Any, url: str, person: str | None
) -> int:
    notice = {
        "id": str(uuid.uuid4()),
        "create_time": rfc3339(box.now()),
        "event_type": event_type,
        "resource_type": "encrypt-resource",
        "summary": summary,
        "original_type": original_type,
        "content": content,
        "probe": bool(box.fault("signtest_probe")),
        "wrong_signature": bool(box.fault("wrong_signature")),
    }
    # A person waits for her payment to be told at once; a refund comes to its end in the background.
    return outbox.put(box, "notice", event_type, url, notice, person=person, at_once=person is not None)


def send(box: Box, delivery: sqlite3.Row) -> list[Attempt]:
    """Send the notice once (after a SIGNTEST probe, when asked for): the tries made, the last one decides."""
    notice = json.loads(delivery["payload"])
    tries = []
    if notice["probe"] and delivery["tries"] == 0:
        heard = _post(box, delivery["url"], notice, signature=probe())
        refused = heard.status is not None and heard.status >= 400
        verdict = "probe refused" if refused else "probe accepted"
        tries.append(Attempt(heard.status, heard.text, verdict, heard.took_ms, taken=refused, settled=False))
    wrong = notice["wrong_signature"] and delivery["tries"] == 0
    first = OF_NOTICES if delivery["tries"] == 0 else ()
    troubles = [trouble for trouble in first if outbox.is_marked(box, delivery["id"], trouble)]
    signature = "A" * 342 + "==" if wrong else None
    heard = _post(box, delivery["url"], notice, signature=signature, troubles=troubles)
    return [*tries, _judged(heard)]


def _post(
    box: Box, url: str, notice: dict[str, Any], *, signature: str | None, troubles: Sequence[str] = ()
) -> Heard:
    merchant = box.credentials.pay
    envelope = {
        name: notice[name] for name in ("id", "create_time", "resource_type", "event_type", "summary")
    }
    envelope["resource"] = sealed(merchant, notice["content"], notice["original_type"])
    body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
    signer = pay_keys.for_notice(box)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Mozilla/4.0",
        "Accept": "*/*",
        "Pragma": "no-cache",
        "Cache-Control": "no-cache",
        **platform_headers(signer, body),
    }
    if signature is not None:
        headers["Wechatpay-Signature"] = signature
    for trouble in troubles:
        spoil(trouble, headers, signer, body)
    return call("POST", url, headers, body, box.settings()["notice_timeout_s"])


def _judged(heard: Heard) -> Attempt:
    taken = heard.status in (200, 204)
    verdict = "no answer" if heard.status is None else "accepted" if taken else "refused"
    return Attempt(heard.status, heard.text, verdict, heard.took_ms, taken=taken, settled=taken)


def wait_s(box: Box, tries: int) -> float | None:
    """Seconds until the next attempt after ``tries`` in vain, compressed by ``notice_speedup``; None: give
    up."""
    if tries > len(WAITS_S):
        return None
    return float(WAITS_S[max(tries, 1) - 1] / box.settings()["notice_speedup"])
