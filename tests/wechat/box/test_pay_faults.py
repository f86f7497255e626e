"""Signatures that are not what they should be, on answers and on notices, and what wechatpayv3 makes of them.

It does not look at times (WECHAT_PAY.md 11.2-3), and answers unknown names with a ValueError (11.2-7).
"""

import time
from typing import Any

import pytest
import requests

from tests.wechat.box.shop import Shop
from tests.wechat.box.test_pay_keys import keys, signer
from tests.wechat.box.wire import call
from tests.wechat.box.world import Ear, RunningBox


def rule(sandbox: RunningBox, kind: str, **more: Any) -> None:
    """A fault that strikes once."""
    sandbox.post("/faults", 201, kind=kind, count=1, **more)


def query(sandbox: RunningBox, number: str = "ORDER-1") -> requests.Response:
    mchid = sandbox.told["pay"]["mchid"]
    return call(sandbox, "GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}")


def test_probe_on_an_answer_whose_work_is_done(shop: Shop, sandbox: RunningBox) -> None:
    rule(sandbox, "signtest_answer", path="/v3/pay/*")
    with pytest.raises(Exception, match="failed to verify the signature"):
        shop.prepay("ORDER-1")
    assert shop.query("ORDER-1")[1]["trade_state"] == "NOTPAY"
    rule(sandbox, "signtest_answer", path="/v3/pay/*")
    assert query(sandbox).headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")


def test_stale_answer_is_well_signed(shop: Shop, sandbox: RunningBox) -> None:
    shop.prepay("ORDER-1")
    rule(sandbox, "stale_answer")
    answer = query(sandbox)
    assert signer(keys(sandbox), answer.headers, answer.content)
    assert 595 < time.time() - int(answer.headers["Wechatpay-Timestamp"]) < 620
    rule(sandbox, "stale_answer")
    assert shop.query("ORDER-1")[0] == 200


@pytest.mark.parametrize(("mode", "start"), [("key-only", "PUB_KEY_ID_9"), ("cert-only", "7E57")])
def test_answer_under_an_unknown_name(shop: Shop, sandbox: RunningBox, mode: str, start: str) -> None:
    shop.prepay("ORDER-1")
    sandbox.post("/settings", merchant_mode=mode)
    rule(sandbox, "unknown_serial_answer")
    assert query(sandbox).headers["Wechatpay-Serial"].startswith(start)
    assert not query(sandbox).headers["Wechatpay-Serial"].startswith(start)


def test_answer_that_does_not_say_its_kind(shop: Shop, sandbox: RunningBox) -> None:
    shop.prepay("ORDER-1")
    rule(sandbox, "no_signature_type_answer")
    with pytest.raises(Exception, match="does not support this algorithm"):
        shop.query("ORDER-1")
    assert shop.query("ORDER-1")[0] == 200


@pytest.mark.parametrize("kind", ["stale", "unknown_serial", "no_signature_type"])
def test_notice_is_wrong_once_and_right_when_repeated(
    shop: Shop, sandbox: RunningBox, ear: Ear, kind: str
) -> None:
    rule(sandbox, kind, what="TRANSACTION.*")
    ear.answer = lambda heard: (401 if len(ear.heard) == 1 else 204, b"")
    shop.paid("ORDER-1")
    first, second = (heard.headers for heard in ear.wait_for(2))
    age_s = time.time() - int(first["Wechatpay-Timestamp"])
    assert (age_s > 595) == (kind == "stale")
    assert (first["Wechatpay-Serial"] != second["Wechatpay-Serial"]) == (kind == "unknown_serial")
    assert ("Wechatpay-Signature-Type" not in first) == (kind == "no_signature_type")
    assert signer(keys(sandbox), second, ear.heard[1].body)
    assert shop.read(ear.heard[1])["resource"]["out_trade_no"] == "ORDER-1"


def test_unsigned_files_stay_unsigned(sandbox: RunningBox) -> None:
    rule(sandbox, "stale_answer", path="/cgi-bin/*")
    answer = sandbox.http.get(f"{sandbox.base}/cgi-bin/token", timeout=5)
    assert not [name for name in answer.headers if name.startswith("Wechatpay")]
