"""Bills: when they are there, how they are fetched, and every byte of them.

wechatpayv3 asks for the bills and, over plain HTTP, fetches them once the public host is replaced: it takes off
only its own gateway's prefix (WECHAT_PAY.md 11.2-15). It neither checks the hash nor unpacks; that is done here.
"""

import gzip
import hashlib
import re
from typing import Any

import pytest

from tests.wechat.box.shop import Shop, refused, set_clock, told
from tests.wechat.box.wire import call
from tests.wechat.box.world import RunningBox, wait_until

HOST = "https://api.mch.weixin.qq.com"


def fetched(shop: Shop, answer: tuple[int, Any]) -> list[str]:
    """The lines of a bill whose address and hash came as ``answer``."""
    content = told(answer)
    assert content.keys() == {"hash_type", "hash_value", "download_url"}
    assert content["download_url"].startswith(HOST + "/v3/billdownload/file?token=")
    status, packed = shop.peer.download_bill(content["download_url"].replace(HOST, shop.box.base))
    assert status == 200
    plain = gzip.decompress(packed)
    assert (content["hash_type"], content["hash_value"]) == ("SHA1", hashlib.sha1(plain).hexdigest())
    assert plain.startswith(b"\xef\xbb\xbf")
    text = plain.decode("utf-8-sig")
    assert text.count("\r\n") == text.count("\n")
    assert text.endswith("\r\n")
    return text.split("\r\n")[:-1]


def rows(lines: list[str]) -> list[dict[str, str]]:
    """The rows of a bill, by column."""
    names = lines[0].split(",")
    values = [line.removeprefix("`").split(",`") for line in lines[1:-2]]
    return [dict(zip(names, one, strict=True)) for one in values]


def a_day_of_trade(shop: Shop) -> str:
    """Two orders, a refund that succeeds and one that hangs, all tomorrow at noon; answers that day."""
    day = set_clock(shop.box, 1, 12)
    shop.pay(shop.prepay("ORDER-1", 1000, attach="店,7")[1]["prepay_id"])
    shop.pay(shop.prepay("ORDER-2", 201)[1]["prepay_id"])
    shop.prepay("ORDER-3", 5)
    shop.box.post("/settings", faults={"refund_result": "ABNORMAL"})
    shop.refund("ORDER-2", "R-2", 201, 201)
    wait_until(lambda: told(shop.peer.query_refund("R-2"))["status"] == "ABNORMAL")
    shop.box.post("/settings", faults={})
    shop.refund("ORDER-1", "R-1", 250, 1000)
    wait_until(lambda: told(shop.peer.query_refund("R-1"))["status"] == "SUCCESS")
    set_clock(shop.box, 2, 10.5)
    return day


def test_trade_bill_of_everything(shop: Shop, sandbox: RunningBox) -> None:
    day = a_day_of_trade(shop)
    lines = fetched(shop, shop.peer.trade_bill(day))
    assert lines[0] == (
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
        "货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
        "商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
    )
    appid, mchid = sandbox.told["mp"]["appid"], sandbox.told["pay"]["mchid"]
    openid, transaction = shop.shopper["mp_openid"], shop.query("ORDER-1")[1]["transaction_id"]
    first = rows([*lines[:2], "", ""])[0]
    assert re.fullmatch(day + r" 12:00:\d\d", first["交易时间"])
    assert lines[1] == (
        f"`{first['交易时间']},`{appid},`{mchid},`0,`,`{transaction},`ORDER-1,`{openid},`JSAPI,`SUCCESS,`OTHERS,"
        "`CNY,`10.00,`0.00,`0,`0,`0.00,`0.00,`,`,`澜序 外套,`店,7,`0.06000,`0.60%,`10.00,`0.00,`"
    )
    refunds = {row["商户退款单号"]: row for row in rows(lines) if row["交易状态"] == "REFUND"}
    assert {number: (row["退款金额"], row["退款状态"], row["手续费"]) for number, row in refunds.items()} == {
        "R-1": ("2.50", "SUCCESS", "-0.02000"),
        "R-2": ("2.01", "ABNORMAL", "-0.01000"),
    }
    assert {row["应结订单金额"] + row["订单金额"] for row in refunds.values()} == {"0.000.00"}
    assert refunds["R-1"]["微信退款单号"] == told(shop.peer.query_refund("R-1"))["refund_id"]
    assert lines[-2:] == [
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额",
        "`4.0,`12.01,`4.51,`0.0,`0.04,`12.01,`4.51",
    ]
    assert fetched(shop, shop.peer.trade_bill(day)) == lines


def test_trade_bills_of_payments_and_of_refunds(shop: Shop) -> None:
    day = a_day_of_trade(shop)
    paid = fetched(shop, shop.peer.trade_bill(day, bill_type="SUCCESS"))
    assert (paid[0].count(",") + 1, len(rows(paid))) == (20, 2)
    assert paid[-2:] == ["总交易单数,应结订单总金额,手续费总金额,订单总金额", "`2.0,`12.01,`0.07,`12.01"]
    given = fetched(shop, shop.peer.trade_bill(day, bill_type="REFUND"))
    assert "代金券金额,退款申请时间,退款成功时间,微信退款单号" in given[0]
    assert [row["退款成功时间"] != "" for row in rows(given)] == [False, True]


def test_fund_flow_bill(shop: Shop) -> None:
    day = a_day_of_trade(shop)
    lines = fetched(shop, shop.peer.fundflow_bill(day))
    assert lines[0] == (
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
        "资金变更提交申请人,备注,业务凭证号"
    )
    flow = [
        (row["业务类型"], row["收支类型"], row["收支金额(元)"], row["账户结余(元)"]) for row in rows(lines)
    ]
    assert flow == [
        ("交易", "收入", "10.00", "100010.00"),
        ("扣除交易手续费", "支出", "0.06", "100009.94"),
        ("交易", "收入", "2.01", "100011.95"),
        ("扣除交易手续费", "支出", "0.01", "100011.94"),
        ("退款", "支出", "2.01", "100009.93"),
        ("退还交易手续费", "收入", "0.01", "100009.94"),
        ("退款", "支出", "2.50", "100007.44"),
        ("退还交易手续费", "收入", "0.02", "100007.46"),
    ]
    assert lines[-2:] == ["资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额", "`8.0,`4.0,`12.04,`4.0,`4.58"]
    assert rows(lines)[0]["备注"] == "结算总金额 10.00 元;含手续费 0.06 元"
    assert shop.box.get("/pay")["balance_fen"] == 10_000_746
    refused(shop.peer.fundflow_bill(day, account_type="OPERATION"), 400, "NO_STATEMENT_EXIST")


def test_when_a_bill_is_there(shop: Shop, sandbox: RunningBox) -> None:
    day = set_clock(sandbox, 1, 12)
    shop.paid("ORDER-1")
    refused(shop.peer.trade_bill(day), 400, "PARAM_ERROR")
    set_clock(sandbox, 2, 9.9)
    refused(shop.peer.trade_bill(day), 400, "STATEMENT_CREATING")
    next_day = set_clock(sandbox, 2, 10.01)
    assert len(fetched(shop, shop.peer.trade_bill(day))) == 4
    refused(shop.peer.trade_bill(next_day), 400, "PARAM_ERROR")
    set_clock(sandbox, 3, 11)
    refused(shop.peer.trade_bill(next_day), 400, "NO_STATEMENT_EXIST")
    for wrong in ("2026-2-1", "20260201", "x"):
        refused(shop.peer.trade_bill(wrong), 400, "PARAM_ERROR")
    set_clock(sandbox, 94, 11)
    refused(shop.peer.trade_bill(day), 400, "PARAM_ERROR")


def test_address_of_a_bill_lives_for_five_minutes_and_wants_a_signature(
    shop: Shop, sandbox: RunningBox
) -> None:
    day = a_day_of_trade(shop)
    target = told(shop.peer.trade_bill(day))["download_url"].removeprefix(HOST)
    answer = call(sandbox, "GET", target)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("Wechatpay-")]
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert call(sandbox, "GET", target, signed_target=target + "x").status_code == 401
    assert call(sandbox, "GET", "/v3/billdownload/file?token=0").json()["code"] == "PARAM_ERROR"
    set_clock(sandbox, 2, 10.5 + 301 / 3600)
    assert call(sandbox, "GET", target).status_code == 400


def test_plain_bill_is_the_packed_one_unpacked(shop: Shop, sandbox: RunningBox) -> None:
    day = a_day_of_trade(shop)
    asked = call(sandbox, "GET", f"/v3/bill/tradebill?bill_date={day}").json()
    assert "tartype" not in asked["download_url"]
    plain = call(sandbox, "GET", asked["download_url"].removeprefix(HOST)).content
    assert hashlib.sha1(plain).hexdigest() == asked["hash_value"]
    assert plain.decode("utf-8-sig").split("\r\n")[:-1] == fetched(shop, shop.peer.trade_bill(day))
    for wrong in ("bill_type=MINE", "tar_type=ZIP"):
        answer = call(sandbox, "GET", f"/v3/bill/tradebill?bill_date={day}&{wrong}")
        assert answer.json()["code"] == "PARAM_ERROR"


@pytest.mark.parametrize("trouble", ["NO_STATEMENT_EXIST", "STATEMENT_CREATING"])
def test_bill_troubles_on_demand(shop: Shop, sandbox: RunningBox, trouble: str) -> None:
    day = a_day_of_trade(shop)
    sandbox.post("/settings", bill_trouble=trouble)
    refused(shop.peer.trade_bill(day), 400, trouble)


def test_wrong_hash_and_another_host_on_demand(shop: Shop, sandbox: RunningBox) -> None:
    day = a_day_of_trade(shop)
    right = told(shop.peer.trade_bill(day))
    sandbox.post("/settings", bill_trouble="WRONG_HASH", bill_base=sandbox.base)
    wrong = told(shop.peer.trade_bill(day))
    assert wrong["hash_value"] != right["hash_value"]
    assert shop.peer.download_bill(wrong["download_url"])[0] == 200
