"""Profit sharing through wechatpayv3: receivers, splits, thaws, returns, and where every fen is.

wechatpayv3 seals names in the caller's own list (WECHAT_PAY.md 11.2-12), so each call here makes its list anew.
Bodies that it would not build (unknown members, wrong types) are sent by hand.
"""

from datetime import datetime
from typing import Any

import pytest

from tests.wechat.box.shop import CHINA, Shop, refused, set_clock, told
from tests.wechat.box.test_pay_bills import fetched, rows
from tests.wechat.box.wire import post
from tests.wechat.box.world import RunningBox, wait_until

FRANCHISEE = "1600009999"


@pytest.fixture
def sharing(shop: Shop, sandbox: RunningBox) -> Shop:
    """A shop with two receivers, the shopper herself and a franchisee, and splits that end at once."""
    sandbox.post("/settings", sharing_delay_s=0)
    add = shop.peer.profitsharing_add_receiver
    assert add("PERSONAL_OPENID", shop.shopper["mp_openid"], "STAFF", name="小兰")[0] == 200
    assert add("MERCHANT_ID", FRANCHISEE, "PARTNER", name="南山加盟商")[0] == 200
    return shop


def to_merchant(amount: int, description: str = "佣金") -> dict[str, Any]:
    return {"type": "MERCHANT_ID", "account": FRANCHISEE, "amount": amount, "description": description}


def to_person(shop: Shop, amount: int, **more: Any) -> dict[str, Any]:
    account = shop.shopper["mp_openid"]
    return {"type": "PERSONAL_OPENID", "account": account, "amount": amount, "description": "佣金"} | more


def split(
    shop: Shop, transaction: str, number: str, receivers: list[dict[str, Any]], *, last: bool = False
) -> tuple[int, Any]:
    answer: tuple[int, Any] = shop.peer.profitsharing_order(transaction, number, receivers, last)
    return answer


def ended(shop: Shop, transaction: str, number: str) -> Any:
    """The split, once it is FINISHED."""
    wait_until(lambda: told(shop.peer.profitsharing_order_query(transaction, number))["state"] == "FINISHED")
    return told(shop.peer.profitsharing_order_query(transaction, number))


def unsplit(shop: Shop, transaction: str) -> int:
    content = told(shop.peer.profitsharing_amount_query(transaction))
    assert content.keys() == {"transaction_id", "unsplit_amount"}
    return int(content["unsplit_amount"])


def test_money_freezes_is_split_and_thaws(sharing: Shop, sandbox: RunningBox) -> None:
    transaction = sharing.shared("ORDER-1")
    # 100.00 yuan less 0.60 % fee.
    assert unsplit(sharing, transaction) == 9940
    purse = sandbox.get("/pay")
    assert (purse["balance_fen"], purse["frozen_fen"], purse["available_fen"]) == (
        10_009_940,
        9940,
        10_000_000,
    )
    asked = told(split(sharing, transaction, "S-1", [to_person(sharing, 700, name="小兰"), to_merchant(800)]))
    assert (asked["state"], [one["result"] for one in asked["receivers"]]) == ("PROCESSING", ["PENDING"] * 2)
    done = ended(sharing, transaction, "S-1")
    assert {name: done[name] for name in ("transaction_id", "out_order_no", "order_id")} == {
        "transaction_id": transaction,
        "out_order_no": "S-1",
        "order_id": asked["order_id"],
    }
    assert [(one["account"], one["amount"], one["result"]) for one in done["receivers"]] == [
        (sharing.shopper["mp_openid"], 700, "SUCCESS"),
        (FRANCHISEE, 800, "SUCCESS"),
    ]
    assert all(one.keys() >= {"create_time", "finish_time", "detail_id"} for one in done["receivers"])
    assert unsplit(sharing, transaction) == 8440
    rest = told(sharing.peer.profitsharing_unfreeze(transaction, "U-1", "完结"))
    assert [(one["account"], one["amount"]) for one in rest["receivers"]] == [
        (sandbox.told["pay"]["mchid"], 8440)
    ]
    ended(sharing, transaction, "U-1")
    assert unsplit(sharing, transaction) == 0
    purse = sandbox.get("/pay")
    assert (purse["balance_fen"], purse["frozen_fen"]) == (10_008_440, 0)
    refused(split(sharing, transaction, "S-2", [to_merchant(1)]), 400, "INVALID_REQUEST", "订单已完结分账")


def test_same_number_again(sharing: Shop) -> None:
    transaction = sharing.shared("ORDER-1")
    first = told(split(sharing, transaction, "S-1", [to_person(sharing, 700, name="小兰")]))
    again = told(split(sharing, transaction, "S-1", [to_person(sharing, 700, name="小兰")]))
    assert (again["order_id"], unsplit(sharing, transaction)) == (first["order_id"], 9240)
    other = split(sharing, transaction, "S-1", [to_person(sharing, 701, name="小兰")])
    refused(other, 400, "INVALID_REQUEST", "分账接收方与原请求不一致")
    # A split's number answers, and thaws nothing (WECHAT_PAY.md 8).
    assert (
        told(sharing.peer.profitsharing_unfreeze(transaction, "S-1", "完结"))["order_id"] == first["order_id"]
    )
    assert unsplit(sharing, transaction) == 9240


def test_refusals(sharing: Shop, sandbox: RunningBox) -> None:
    plain = sharing.paid("ORDER-1", 10_000)
    fresh = sharing.pay(
        sharing.prepay("ORDER-2", 10_000, settle_info={"profit_sharing": True})[1]["prepay_id"]
    )
    transaction = fresh["transaction_id"]
    one = [to_merchant(100)]
    refused(split(sharing, transaction, "S-1", one), 400, "INVALID_REQUEST", "订单处理中，请稍后重试")
    sandbox.post("/clock", offset_s=61)
    refused(split(sharing, plain, "S-1", one), 400, "INVALID_REQUEST", "非分账订单不支持分账")
    refused(sharing.peer.profitsharing_amount_query(plain), 400, "INVALID_REQUEST", "非分账订单")
    refused(split(sharing, "4200000000", "S-1", one), 404, "RESOURCE_NOT_EXISTS")
    stranger = [to_merchant(100) | {"account": "1600000001"}]
    refused(split(sharing, transaction, "S-1", stranger), 400, "INVALID_REQUEST", "分账接收方关系不存在")
    wrong_name = [to_person(sharing, 100, name="别人")]
    refused(split(sharing, transaction, "S-1", wrong_name), 400, "INVALID_REQUEST", "姓名")
    over = split(sharing, transaction, "S-1", [to_merchant(3001)])
    refused(over, 400, "INVALID_REQUEST", "分账金额超出最大分账比例")
    more_than_all = split(sharing, transaction, "S-1", [to_merchant(9941)])
    refused(more_than_all, 400, "INVALID_REQUEST", "分账金额不足")
    assert split(sharing, transaction, "S-1", [to_merchant(2000)])[0] == 200
    refused(split(sharing, transaction, "S-2", [to_merchant(1001)]), 400, "INVALID_REQUEST", "最大分账比例")
    assert split(sharing, transaction, "S-2", [to_merchant(1000)])[0] == 200
    refused(sharing.peer.profitsharing_order_query(transaction, "S-9"), 404, "RESOURCE_NOT_EXISTS")
    refused(sharing.peer.profitsharing_config_query("1900000109"), 403, "NO_AUTH")


def test_ratio_is_a_setting_and_the_last_split_thaws(sharing: Shop, sandbox: RunningBox) -> None:
    sandbox.post("/settings", sharing_ratio_bp=100)
    transaction = sharing.shared("ORDER-1")
    refused(split(sharing, transaction, "S-1", [to_merchant(101)]), 400, "INVALID_REQUEST", "最大分账比例")
    assert split(sharing, transaction, "S-1", [to_merchant(100)], last=True)[0] == 200
    ended(sharing, transaction, "S-1")
    assert (unsplit(sharing, transaction), sandbox.get("/pay")["frozen_fen"]) == (0, 0)


def test_managed_mini_program_shares_only_after_the_receipt(sharing: Shop, sandbox: RunningBox) -> None:
    sandbox.post("/settings", sharing_waits_for_receipt=True)
    transaction = sharing.shared("ORDER-1")
    early = split(sharing, transaction, "S-1", [to_merchant(100)])
    refused(early, 400, "INVALID_REQUEST", "订单处理中，请稍后重试")
    sent = {
        "order_key": {"order_number_type": 2, "transaction_id": transaction},
        "logistics_type": 1,
        "delivery_mode": 1,
        "shipping_list": [{"tracking_no": "SF1", "express_company": "STO", "item_desc": "外套*1"}],
        "upload_time": datetime.now(CHINA).isoformat(timespec="milliseconds"),
        "payer": {"openid": sharing.shopper["mp_openid"]},
    }
    assert sandbox.call("/wxa/sec/order/upload_shipping_info", sent, app="mp").json()["errcode"] == 0
    refused(split(sharing, transaction, "S-1", [to_merchant(100)]), 400, "INVALID_REQUEST")
    sandbox.post(f"/persons/{sharing.shopper['id']}/mp/receive", order="ORDER-1")
    wait_until(lambda: split(sharing, transaction, "S-1", [to_merchant(100)])[0] == 200)


def test_part_that_fails_stays_frozen_and_can_be_split_anew(sharing: Shop, sandbox: RunningBox) -> None:
    transaction = sharing.shared("ORDER-1")
    sandbox.post(f"/pay/receivers/{FRANCHISEE}", split_fails="RECEIVER_HIGH_RISK")
    split(sharing, transaction, "S-1", [to_person(sharing, 700), to_merchant(800)])
    done = ended(sharing, transaction, "S-1")
    assert [(one["result"], one.get("fail_reason")) for one in done["receivers"]] == [
        ("SUCCESS", None),
        ("CLOSED", "RECEIVER_HIGH_RISK"),
    ]
    assert unsplit(sharing, transaction) == 9240
    sandbox.post(f"/pay/receivers/{FRANCHISEE}")
    split(sharing, transaction, "S-2", [to_merchant(800)])
    assert ended(sharing, transaction, "S-2")["receivers"][0]["result"] == "SUCCESS"
    sharing.peer.profitsharing_delete_receiver("MERCHANT_ID", FRANCHISEE)
    refused(split(sharing, transaction, "S-3", [to_merchant(1)]), 400, "INVALID_REQUEST", "关系不存在")
    missing = sandbox.post("/pay/receivers/1600000001", 409, split_fails="NO_AUTH")
    assert missing["error"]["code"] == "NO_SUCH_RECEIVER"


def test_money_thaws_by_itself_after_thirty_days(sharing: Shop, sandbox: RunningBox) -> None:
    transaction = sharing.shared("ORDER-1")
    sandbox.post("/clock", offset_s=30 * 86400 - 60)
    assert unsplit(sharing, transaction) == 9940
    sandbox.post("/clock", offset_s=30 * 86400 + 60)
    assert unsplit(sharing, transaction) == 0
    refused(split(sharing, transaction, "S-1", [to_merchant(1)]), 400, "INVALID_REQUEST", "订单已完结分账")


def test_refunds_take_frozen_money_first(sharing: Shop, sandbox: RunningBox) -> None:
    transaction = sharing.shared("ORDER-1")
    assert sharing.refund("ORDER-1", "R-1", 5000, 10_000)[0] == 200
    # Half the fee is back: 10000 - 5000 - 30.
    assert unsplit(sharing, transaction) == 4970
    split(sharing, transaction, "S-1", [to_merchant(3000)])
    ended(sharing, transaction, "S-1")
    assert unsplit(sharing, transaction) == 1970
    status, content = sharing.refund("ORDER-1", "R-2", 5000, 10_000)
    assert (status, content["code"]) == (400, "INVALID_REQUEST")
    assert "解冻" in content["message"]
    sharing.peer.profitsharing_unfreeze(transaction, "U-1", "完结")
    ended(sharing, transaction, "U-1")
    assert sharing.refund("ORDER-1", "R-2", 5000, 10_000)[0] == 200
    assert sandbox.get("/pay")["balance_fen"] == 10_000_000 - 3000


def test_fully_refunded_order_cannot_be_split(sharing: Shop, sandbox: RunningBox) -> None:
    transaction = sharing.shared("ORDER-1")
    assert sharing.refund("ORDER-1", "R-1", 10_000, 10_000)[0] == 200
    assert (unsplit(sharing, transaction), sandbox.get("/pay")["balance_fen"]) == (0, 10_000_000)
    refused(split(sharing, transaction, "S-1", [to_merchant(1)]), 400, "INVALID_REQUEST", "分账金额不足")


def _returned(shop: Shop, number: str, amount: int, **more: Any) -> tuple[int, Any]:
    asked = {"out_order_no": "S-1"} | more
    answer: tuple[int, Any] = shop.peer.profitsharing_return(number, FRANCHISEE, amount, "退货", **asked)
    return answer


def test_merchant_gives_back(sharing: Shop, sandbox: RunningBox) -> None:
    transaction = sharing.shared("ORDER-1")
    order_id = told(split(sharing, transaction, "S-1", [to_person(sharing, 700), to_merchant(800)]))[
        "order_id"
    ]
    refused(_returned(sharing, "B-0", 1, out_order_no="S-9"), 404, "RESOURCE_NOT_EXISTS")
    ended(sharing, transaction, "S-1")
    back = told(_returned(sharing, "B-1", 300))
    assert (back["order_id"], back["result"], back["amount"]) == (order_id, "PROCESSING", 300)

    def query(number: str) -> Any:
        return told(sharing.peer.profitsharing_return_query("S-1", number))

    wait_until(lambda: query("B-1")["result"] == "SUCCESS")
    assert query("B-1").keys() == back.keys() | {"finish_time"}
    assert told(_returned(sharing, "B-1", 300))["return_id"] == back["return_id"]
    refused(_returned(sharing, "B-1", 301), 400, "INVALID_REQUEST")
    refused(_returned(sharing, "B-2", 501), 400, "INVALID_REQUEST", "超过")
    sandbox.post(f"/pay/receivers/{FRANCHISEE}", return_fails="BALANCE_NOT_ENOUGH")
    told(_returned(sharing, "B-3", 500, out_order_no=None, order_id=order_id))
    wait_until(lambda: query("B-3")["result"] == "FAILED")
    assert query("B-3")["fail_reason"] == "BALANCE_NOT_ENOUGH"
    assert sandbox.get("/pay")["balance_fen"] == 10_009_940 - 1500 + 300
    assert unsplit(sharing, transaction) == 9940 - 1500
    person = sharing.peer.profitsharing_return("B-4", sharing.shopper["mp_openid"][:32], 1, "退", None, "S-1")
    refused(person, 400, "INVALID_REQUEST")
    refused(sharing.peer.profitsharing_return_query("S-1", "B-9"), 404, "RESOURCE_NOT_EXISTS")


def test_return_that_hangs_fails_after_five_days_and_none_begins_after_180(
    sharing: Shop, sandbox: RunningBox
) -> None:
    transaction = sharing.shared("ORDER-1")
    split(sharing, transaction, "S-1", [to_merchant(800)])
    ended(sharing, transaction, "S-1")
    sandbox.post(f"/pay/receivers/{FRANCHISEE}", return_fails="STUCK")
    told(_returned(sharing, "B-1", 300))
    sandbox.post("/clock", offset_s=3600 + 5 * 86400 - 60)
    assert told(sharing.peer.profitsharing_return_query("S-1", "B-1"))["result"] == "PROCESSING"
    sandbox.post("/clock", offset_s=3600 + 5 * 86400 + 60)
    late = told(sharing.peer.profitsharing_return_query("S-1", "B-1"))
    assert (late["result"], late["fail_reason"]) == ("FAILED", "TIME_OUT_CLOSED")
    sandbox.post("/clock", offset_s=3600 + 181 * 86400)
    refused(_returned(sharing, "B-2", 1), 400, "INVALID_REQUEST", "180天")


def test_receivers_are_checked(shop: Shop, sandbox: RunningBox) -> None:
    add = shop.peer.profitsharing_add_receiver
    for _ in range(2):
        content = told(add("MERCHANT_ID", FRANCHISEE, "CUSTOM", name="店", custom_relation="加盟"))
        assert (content["account"], content["custom_relation"]) == (FRANCHISEE, "加盟")
    refused(add("MERCHANT_ID", "1600000001", "STORE"), 400, "PARAM_ERROR", "name必填")
    refused(add("PERSONAL_OPENID", "o-stranger", "STAFF"), 400, "INVALID_REQUEST")
    refused(add("PERSONAL_OPENID", shop.shopper["mp_openid"], "STAFF", name="别人"), 400, "INVALID_REQUEST")
    body = {
        "appid": sandbox.told["mp"]["appid"],
        "type": "PERSONAL_OPENID",
        "account": shop.shopper["mp_openid"],
        "relation_type": "FRIEND",
    }
    for changes in ({}, {"relation_type": "STAFF", "note": 1}, {"relation_type": "CUSTOM"}):
        answer = post(sandbox, "/v3/profitsharing/receivers/add", body | changes)
        assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    [known] = sandbox.get("/pay/receivers")["receivers"]
    assert (known["account"], known["name"]) == (FRANCHISEE, "店")


def test_split_body_is_strict(sharing: Shop, sandbox: RunningBox) -> None:
    transaction = sharing.shared("ORDER-1")
    body = {
        "appid": sandbox.told["mp"]["appid"],
        "transaction_id": transaction,
        "out_order_no": "S-1",
        "receivers": [to_merchant(1)],
        "unfreeze_unsplit": False,
    }
    cases: list[tuple[dict[str, Any], str]] = [
        ({"unfreeze_unsplit": "false"}, "/unfreeze_unsplit"),
        ({"receivers": [to_merchant(0)]}, "/receivers/0/amount"),
        ({"receivers": [to_merchant(1)] * 51}, "/receivers"),
        ({"receivers": [to_merchant(1, "长" * 81)]}, "/receivers/0/description"),
        ({"out_order_no": "S 1"}, "/out_order_no"),
        ({"sub_mchid": "1"}, "/sub_mchid"),
    ]
    for changes, field in cases:
        answer = post(sandbox, "/v3/profitsharing/orders", body | changes)
        assert (answer.json()["code"], answer.json()["detail"]["field"]) == ("PARAM_ERROR", field)
    sealed = post(sandbox, "/v3/profitsharing/orders", body | {"receivers": [to_merchant(1) | {"name": "x"}]})
    assert sealed.json()["message"] == "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)"


def test_sharing_bill(sharing: Shop, sandbox: RunningBox) -> None:
    day = set_clock(sandbox, 1, 12)
    prepay_id = sharing.prepay("ORDER-1", 10_000, settle_info={"profit_sharing": True})[1]["prepay_id"]
    transaction = sharing.pay(prepay_id)["transaction_id"]
    set_clock(sandbox, 1, 13)
    split(sharing, transaction, "S-1", [to_person(sharing, 700), to_merchant(800)])
    ended(sharing, transaction, "S-1")
    told(_returned(sharing, "B-1", 300))
    wait_until(lambda: told(sharing.peer.profitsharing_return_query("S-1", "B-1"))["result"] == "SUCCESS")
    set_clock(sandbox, 2, 11)
    lines = fetched(sharing, sharing.peer.profitsharing_bill(day))
    assert lines[0] == (
        "分账时间,分账发起方,分账方,微信订单号,微信分账/回退单号,分账明细单号,商户分账/回退单号,订单金额,"
        "分账接收方,分账金额,业务类型,处理状态,分账描述,备注"
    )
    mchid = sandbox.told["pay"]["mchid"]
    assert [
        (row["商户分账/回退单号"], row["分账方"], row["分账接收方"], row["分账金额"], row["业务类型"])
        for row in rows(lines)
    ] == [
        ("S-1", mchid, sharing.shopper["mp_openid"], "7.00", "分账"),
        ("S-1", mchid, FRANCHISEE, "8.00", "分账"),
        ("B-1", FRANCHISEE, mchid, "3.00", "分账回退"),
    ]
    flow = [row["业务类型"] for row in rows(fetched(sharing, sharing.peer.fundflow_bill(day)))]
    assert flow == ["交易", "扣除交易手续费", "分账", "分账", "分账回退"]
