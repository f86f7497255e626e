"""Merchant transfers through wechatpayv3: accepted, confirmed on her phone, called back, lapsed.

What wechatpayv3 cannot do here: it has no user_recv_style; below 30 fen it silently drops a name (WECHAT_PAY.md
11.2-14); without a notify_url it sends null, which the gateway refuses. Those are sent by hand. Its old batch
transfers meet NO_AUTH, as a new merchant's do.
"""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.wechat.box.shop import Shop, refused, set_clock, told
from tests.wechat.box.test_pay_bills import fetched, rows
from tests.wechat.box.wire import call, post
from tests.wechat.box.world import Ear, RunningBox, wait_until

PATH = "/v3/fund-app/mch-transfer/transfer-bills"
COMMISSION = [
    {"info_type": "岗位类型", "info_content": "导购"},
    {"info_type": "报酬说明", "info_content": "11月佣金"},
]


def transfer(shop: Shop, number: str, amount: int, **more: Any) -> tuple[int, Any]:
    """A commission for the shopper."""
    given = {
        "transfer_scene_id": "1005",
        "openid": shop.shopper["mp_openid"],
        "transfer_remark": "11月佣金",
        "transfer_scene_report_infos": COMMISSION,
        "notify_url": shop.ear.url + "/transferred",
    } | more
    answer: tuple[int, Any] = shop.peer.mch_transfer_bills(number, transfer_amount=amount, **given)
    return answer


def query(shop: Shop, number: str) -> Any:
    return told(shop.peer.mch_transfer_bills_query(out_bill_no=number))


def confirm(shop: Shop, status: int = 200, **given: Any) -> Any:
    return shop.box.post(f"/persons/{shop.shopper['id']}/transfers/confirm", status, **given)


def state_becomes(shop: Shop, number: str, state: str) -> None:
    wait_until(lambda: query(shop, number)["state"] == state)


def test_she_confirms_and_has_the_money(shop: Shop, sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", transfer_pay_delay_s=0.05)
    asked = told(transfer(shop, "T1", 12_345))
    assert asked.keys() == {"out_bill_no", "transfer_bill_no", "create_time", "state", "package_info"}
    assert (asked["state"], len(asked["transfer_bill_no"])) == ("WAIT_USER_CONFIRM", 40)
    assert asked["transfer_bill_no"].startswith("13300")
    [shown] = sandbox.get(f"/persons/{shop.shopper['id']}/transfers")["transfers"]
    assert (shown["package"], shown["transfer_amount"]) == (asked["package_info"], 12_345)
    assert sandbox.get("/pay")["balance_fen"] == 10_000_000 - 12_345
    request = {"mchId": sandbox.told["pay"]["mchid"], "package": asked["package_info"]}
    assert confirm(shop, **request)["transfer"]["state"] == "TRANSFERING"
    state_becomes(shop, "T1", "SUCCESS")
    assert confirm(shop, 409, **request)["error"]["code"] == "NOT_WAITING"
    found = query(shop, "T1")
    assert found == told(shop.peer.mch_transfer_bills_query(transfer_bill_no=asked["transfer_bill_no"]))
    assert {
        name: found[name] for name in ("mch_id", "out_bill_no", "transfer_amount", "transfer_remark")
    } == {
        "mch_id": sandbox.told["pay"]["mchid"],
        "out_bill_no": "T1",
        "transfer_amount": 12_345,
        "transfer_remark": "11月佣金",
    }
    [heard] = ear.wait_for(1)
    notice = shop.read(heard)
    assert (heard.path, notice["event_type"]) == ("/transferred", "MCHTRANSFER.BILL.FINISHED")
    del found["appid"], found["transfer_remark"]
    assert notice["resource"] == found


def test_notice_may_say_mchid(shop: Shop, sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", transfer_notice_member="mchid")
    transfer(shop, "T1", 100)
    sandbox.post("/pay/transfers/T1", state="FAIL", fail_reason="ACCOUNT_FROZEN")
    resource = shop.read(ear.wait_for(1)[0])["resource"]
    assert (resource["mchid"], resource["state"]) == (sandbox.told["pay"]["mchid"], "FAIL")
    assert resource["fail_reason"] == query(shop, "T1")["fail_reason"] == "ACCOUNT_FROZEN"


def test_unconfirmed_transfer_lapses_after_a_day(shop: Shop, sandbox: RunningBox, ear: Ear) -> None:
    transfer(shop, "T1", 100)
    sandbox.post("/clock", offset_s=86_400 - 60)
    assert query(shop, "T1")["state"] == "WAIT_USER_CONFIRM"
    sandbox.post("/clock", offset_s=86_400 + 1)
    assert (query(shop, "T1")["state"], query(shop, "T1")["fail_reason"]) == ("FAIL", "OVERDUE_CLOSE")
    assert sandbox.get("/pay")["balance_fen"] == 10_000_000
    assert shop.read(ear.wait_for(1)[0])["resource"]["state"] == "FAIL"
    assert confirm(shop, 409, out_bill_no="T1")["error"]["code"] == "NOT_WAITING"
    sandbox.post("/clock", offset_s=31 * 86_400)
    refused(shop.peer.mch_transfer_bills_query(out_bill_no="T1"), 404, "NOT_FOUND")


def test_merchant_calls_it_back_before_she_confirms(shop: Shop, sandbox: RunningBox, ear: Ear) -> None:
    sandbox.post("/settings", transfer_cancel_delay_s=0.1)
    transfer(shop, "T1", 100)
    called_back = told(shop.peer.mch_transfer_bills_cancel("T1"))
    assert called_back.keys() == {"out_bill_no", "transfer_bill_no", "state", "update_time"}
    assert called_back["state"] == "CANCELING"
    assert confirm(shop, 409, out_bill_no="T1")["error"]["code"] == "NOT_WAITING"
    state_becomes(shop, "T1", "CANCELLED")
    assert told(shop.peer.mch_transfer_bills_cancel("T1"))["state"] == "CANCELLED"
    assert sandbox.get("/pay")["balance_fen"] == 10_000_000
    assert shop.read(ear.wait_for(1)[0])["resource"]["state"] == "CANCELLED"
    transfer(shop, "T2", 100)
    confirm(shop, out_bill_no="T2")
    refused(shop.peer.mch_transfer_bills_cancel("T2"), 400, "INVALID_REQUEST")
    refused(shop.peer.mch_transfer_bills_cancel("T9"), 404, "NOT_FOUND")


def test_same_number_again(shop: Shop) -> None:
    first = told(transfer(shop, "T1", 100))
    assert told(transfer(shop, "T1", 100)) == first
    refused(transfer(shop, "T1", 101), 400, "ALREADY_EXISTS")
    refused(shop.peer.mch_transfer_bills_query(out_bill_no="T2"), 404, "NOT_FOUND")


def test_names_are_opened_and_compared(shop: Shop, sandbox: RunningBox) -> None:
    assert told(transfer(shop, "T1", 200_000, user_name="小兰"))["state"] == "WAIT_USER_CONFIRM"
    # Sealed anew each time: the same name is the same transfer.
    assert told(transfer(shop, "T1", 200_000, user_name="小兰"))["state"] == "WAIT_USER_CONFIRM"
    wrong = told(transfer(shop, "T2", 200_000, user_name="小梅"))
    assert (wrong["state"], wrong["fail_reason"]) == ("FAIL", "NAME_NOT_CORRECT")
    assert "package_info" not in wrong
    own = serialization.load_pem_private_key(sandbox.told["pay"]["merchant_private_key_pem"].encode(), None)
    assert isinstance(own, rsa.RSAPrivateKey)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    assert own.decrypt(base64.b64decode(query(shop, "T1")["user_name"]), oaep).decode() == "小兰"


def _body(shop: Shop, **changes: Any) -> dict[str, Any]:
    body = {
        "appid": shop.box.told["mp"]["appid"],
        "out_bill_no": "T1",
        "transfer_scene_id": "1005",
        "openid": shop.shopper["mp_openid"],
        "transfer_amount": 100,
        "transfer_remark": "佣金",
        "transfer_scene_report_infos": COMMISSION,
    } | changes
    return {name: value for name, value in body.items() if value is not ...}


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"transfer_amount": 9}, 400, "INVALID_REQUEST", "低于单笔最低限额"),
        ({"transfer_amount": 2_000_001}, 400, "INVALID_REQUEST", "超过单笔最高限额"),
        ({"transfer_amount": 200_000}, 400, "PARAM_ERROR", "user_name必填"),
        ({"out_bill_no": "T-1"}, 400, "PARAM_ERROR", "不允许的字符"),
        ({"notify_url": None}, 400, "PARAM_ERROR", "/notify_url"),
        ({"transfer_scene_id": "1009"}, 400, "INVALID_REQUEST", "转账场景"),
        ({"transfer_scene_report_infos": ...}, 400, "PARAM_ERROR", "需传入转账场景报备信息"),
        ({"transfer_scene_report_infos": COMMISSION[:1]}, 400, "PARAM_ERROR", "需传入转账场景报备信息"),
        ({"user_recv_perception": "红包"}, 400, "INVALID_REQUEST", "暂不支持展示当前传入的用户收款感知"),
        (
            {"user_recv_style": {"type": "RED_PACKET"}, "transfer_amount": 20_001},
            400,
            "INVALID_REQUEST",
            "红包",
        ),
        ({"appid": "wx0123456789abcdef"}, 400, "APPID_MCHID_NOT_MATCH", ""),
        ({"user_name": "x"}, 400, "PARAM_ERROR", "(Wechatpay-Serial)"),
        ({"transfer_remark": "长" * 33}, 400, "PARAM_ERROR", "长度"),
        ({"surprise": 1}, 400, "PARAM_ERROR", "未在API文档中定义"),
    ],
)
def test_body_is_strict(
    shop: Shop, sandbox: RunningBox, changes: dict[str, Any], status: int, code: str, message: str
) -> None:
    answer = post(sandbox, PATH, _body(shop, **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert message in answer.json()["message"]
    assert sandbox.get("/pay")["counts"]["transfers"] == 0


def test_styles_perceptions_and_no_notice(shop: Shop, sandbox: RunningBox, ear: Ear) -> None:
    good = {"user_recv_style": {"type": "RED_PACKET"}, "user_recv_perception": "劳务报酬"}
    assert post(sandbox, PATH, _body(shop, **good)).json()["state"] == "WAIT_USER_CONFIRM"
    sandbox.post("/pay/transfers/T1", state="SUCCESS")
    assert (query(shop, "T1")["state"], ear.heard) == ("SUCCESS", [])
    again = sandbox.post("/pay/transfers/T1", 409, state="FAIL")
    assert again["error"]["code"] == "NOT_UNDER_WAY"


def test_daily_limits(shop: Shop, sandbox: RunningBox) -> None:
    sandbox.post("/settings", transfer_user_day_fen=250, transfer_merchant_day_fen=1000)
    assert told(transfer(shop, "T1", 200))["state"] == "WAIT_USER_CONFIRM"
    over = told(transfer(shop, "T2", 100))
    assert (over["state"], over["fail_reason"]) == ("FAIL", "DAY_RECEIVED_QUOTA_EXCEED")
    refused(transfer(shop, "T3", 801), 400, "INVALID_REQUEST", "单日")
    set_clock(sandbox, 2, 8)
    assert told(transfer(shop, "T4", 100))["state"] == "WAIT_USER_CONFIRM"


def test_balance_too_low_is_refilled_and_the_same_number_goes_through(
    shop: Shop, sandbox: RunningBox
) -> None:
    sandbox.post("/pay/balance", add_fen=-9_999_950)
    refused(transfer(shop, "T1", 100), 403, "NOT_ENOUGH")
    assert sandbox.post("/pay/balance", add_fen=50)["available_fen"] == 100
    assert told(transfer(shop, "T1", 100))["state"] == "WAIT_USER_CONFIRM"
    assert sandbox.post("/pay/balance", 409, add_fen=-1)["error"]["code"] == "NOT_ENOUGH"
    assert sandbox.post("/pay/balance", 400, add_fen=1.5)["error"]["code"] == "BAD_CALL"


def test_accepted_first_when_it_takes_time(shop: Shop, sandbox: RunningBox) -> None:
    sandbox.post("/settings", transfer_delay_s=60)
    asked = told(transfer(shop, "T1", 100))
    assert asked["state"] == "ACCEPTED"
    assert "package_info" not in asked
    sandbox.post("/clock", offset_s=61)
    state_becomes(shop, "T1", "WAIT_USER_CONFIRM")
    assert told(transfer(shop, "T1", 100))["package_info"]


def test_only_the_payee_confirms(shop: Shop, sandbox: RunningBox) -> None:
    package = told(transfer(shop, "T1", 100))["package_info"]
    other = sandbox.person("别人")
    path = f"/persons/{other['id']}/transfers/confirm"
    assert sandbox.post(path, 409, package=package)["error"]["code"] == "NOT_THE_PAYEE"
    assert sandbox.post(path, 409, package="?")["error"]["code"] == "NO_SUCH_TRANSFER"
    assert sandbox.post(path, 400)["error"]["code"] == "BAD_CALL"
    stranger = told(transfer(shop, "T2", 100, openid="o-stranger"))
    assert (stranger["state"], stranger["fail_reason"]) == ("FAIL", "OPENID_INVALID")


def test_transfers_are_in_the_fund_flow_and_not_in_the_trade_bill(shop: Shop, sandbox: RunningBox) -> None:
    day = set_clock(sandbox, 1, 12)
    bill_no = told(transfer(shop, "T1", 100))["transfer_bill_no"]
    sandbox.post("/pay/transfers/T1", state="CANCELLED")
    set_clock(sandbox, 2, 11)
    flow = rows(fetched(shop, shop.peer.fundflow_bill(day)))
    assert [(row["业务类型"], row["收支类型"], row["微信支付业务单号"]) for row in flow] == [
        ("商家转账", "支出", bill_no),
        ("商家转账退回", "收入", bill_no),
    ]
    refused(shop.peer.trade_bill(day), 400, "NO_STATEMENT_EXIST")


def test_old_batch_product_is_not_for_new_merchants(shop: Shop) -> None:
    detail = {
        "out_detail_no": "D1",
        "transfer_amount": 100,
        "transfer_remark": "x",
        "openid": shop.shopper["mp_openid"],
    }
    answer = shop.peer.transfer_batch("B1", "佣金", "佣金", 100, 1, [detail])
    refused(answer, 403, "NO_AUTH")


def test_cancel_wants_an_empty_body(shop: Shop, sandbox: RunningBox) -> None:
    transfer(shop, "T1", 100)
    path = f"{PATH}/out-bill-no/T1/cancel"
    assert post(sandbox, path, {"reason": "x"}).json()["code"] == "PARAM_ERROR"
    assert call(sandbox, "POST", path).json()["state"] == "CANCELING"
