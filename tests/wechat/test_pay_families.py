"""Combined orders, abnormal refunds, profit sharing and transfers: what they put on the wire, and what their
answers become, on a real local gateway."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.wechat.local import Call, serving
from tests.wechat.merchant import (
    APPID,
    FAN,
    KEY_ID,
    MCHID,
    PAY_BACK,
    REFUND,
    a_pay,
    answering,
    unsealed,
)
from tests.wechat.pay_verbs import (
    ALL,
    CARD,
    COMBINE,
    COMBINED,
    PAY_OUT,
    RETURN,
    RETURNED,
    SHARE,
    SHARING,
    STORE,
    STORE_ANSWER,
    TRANSACTION,
    TRANSFER,
    TRANSFERRED,
)
from wechat.errors import Refused
from wechat.pay import (
    CombinedTrade,
    ReceiverKind,
    RefundStatus,
    Relation,
    ReturnResult,
    Share,
    SharePart,
    ShareResult,
    ShareReturn,
    Sharing,
    SharingState,
    Trade,
    TradeState,
    Transfer,
    TransferState,
)

BILL = "1330000071100999991182020050700019480001"


def on_the_wire(name: str) -> tuple[Call, object]:
    """What a verb sends, and what it answers."""
    act, answer = ALL[name]
    with serving(answering(answer)) as line:
        found = act(a_pay(line))
    (call,) = line.calls
    assert call.headers["wechatpay-serial"] == KEY_ID
    return call, found


@pytest.mark.parametrize(
    ("name", "method", "target"),
    [
        ("prepay_combined", "POST", "/v3/combine-transactions/jsapi"),
        ("query_combined", "GET", "/v3/combine-transactions/out-trade-no/COMBINED_1"),
        ("close_combined", "POST", "/v3/combine-transactions/out-trade-no/COMBINED_1/close"),
        ("query_transaction", "GET", f"/v3/pay/transactions/id/{TRANSACTION}?mchid={MCHID}"),
        (
            "redirect_refund",
            "POST",
            "/v3/refund/domestic/refunds/50000000382019/apply-abnormal-refund",
        ),
        ("add_receiver", "POST", "/v3/profitsharing/receivers/add"),
        ("remove_receiver", "POST", "/v3/profitsharing/receivers/delete"),
        ("share", "POST", "/v3/profitsharing/orders"),
        ("query_share", "GET", f"/v3/profitsharing/orders/SHARE_1?transaction_id={TRANSACTION}"),
        ("unfreeze", "POST", "/v3/profitsharing/orders/unfreeze"),
        ("return_share", "POST", "/v3/profitsharing/return-orders"),
        ("query_share_return", "GET", "/v3/profitsharing/return-orders/RETURN_1?out_order_no=SHARE_1"),
        ("unshared_fen", "GET", f"/v3/profitsharing/transactions/{TRANSACTION}/amounts"),
        ("transfer", "POST", "/v3/fund-app/mch-transfer/transfer-bills"),
        ("query_transfer", "GET", "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/BILL0001"),
        (
            "query_transfer_bill",
            "GET",
            "/v3/fund-app/mch-transfer/transfer-bills/transfer-bill-no/1330000071100999991182",
        ),
        (
            "cancel_transfer",
            "POST",
            "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/BILL0001/cancel",
        ),
    ],
)
def test_where_each_verb_goes(name: str, method: str, target: str) -> None:
    call, _ = on_the_wire(name)
    assert (call.method, call.target) == (method, target)
    if method == "GET" or name == "cancel_transfer":
        assert call.body == b""


def test_a_combined_order() -> None:
    call, prepay_id = on_the_wire("prepay_combined")
    assert prepay_id == "wx2"
    assert json.loads(call.body) == {
        "combine_appid": APPID,
        "combine_mchid": MCHID,
        "combine_out_trade_no": "COMBINED_1",
        "sub_orders": [
            {
                "mchid": MCHID,
                "attach": "福田店",
                "amount": {"total_amount": 100, "currency": "CNY"},
                "out_trade_no": "ORDER_1",
                "description": "两件衬衫",
                "settle_info": {"profit_sharing": True},
            },
            {
                "mchid": "1900000002",
                "attach": "ORDER_2",
                "amount": {"total_amount": 5, "currency": "CNY"},
                "out_trade_no": "ORDER_2",
                "description": "一条领带",
            },
        ],
        "combine_payer_info": {"openid": FAN},
        "notify_url": "https://shop.example/callbacks/wechat/pay/paid",
    }


def test_a_combined_order_expires_in_beijing_time() -> None:
    expires_at = datetime(2026, 1, 1, 16, 15, tzinfo=UTC)
    with serving(answering({"prepay_id": "wx2"})) as line:
        a_pay(line).prepay_combined(**COMBINE | {"expires_at": expires_at})
    assert json.loads(line.calls[0].body)["time_expire"] == "2026-01-02T00:15:00+08:00"


def test_the_state_and_the_close_of_a_combined_order() -> None:
    _, found = on_the_wire("query_combined")
    at = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    second = "4200000000202601010000000002"
    assert found == CombinedTrade(
        APPID,
        MCHID,
        "COMBINED_1",
        FAN,
        (
            Trade(APPID, MCHID, "ORDER_1", TRANSACTION, TradeState.SUCCESS, 100, "CNY", FAN, at),
            Trade(APPID, "1900000002", "ORDER_2", second, TradeState.SUCCESS, 5, "CNY", FAN, at),
        ),
    )
    call, _ = on_the_wire("close_combined")
    subs = [{"mchid": MCHID, "out_trade_no": "ORDER_1"}, {"mchid": MCHID, "out_trade_no": "ORDER_2"}]
    assert json.loads(call.body) == {"combine_appid": APPID, "sub_orders": subs}


def test_an_unpaid_combined_order_has_neither_payer_nor_numbers() -> None:
    bare = {"mchid": MCHID, "out_trade_no": "ORDER_1", "trade_state": "NOTPAY"}
    answer = COMBINED | {"sub_orders": [bare]}
    del answer["combine_payer_info"]
    with serving(answering(answer)) as line:
        found = a_pay(line).query_combined("COMBINED_1")
    unpaid = Trade(APPID, MCHID, "ORDER_1", None, TradeState.NOTPAY, None, None, None, None)
    assert (found.payer_openid, found.trades) == (None, (unpaid,))


def test_an_abnormal_refund_goes_to_a_card_that_only_wechat_can_read() -> None:
    call, found = on_the_wire("redirect_refund")
    sent = json.loads(call.body)
    sealed = {name: unsealed(sent.pop(name)) for name in ("bank_account", "real_name")}
    assert sealed == {"bank_account": CARD.account, "real_name": CARD.name}
    assert sent == {"out_refund_no": "REFUND_1", "type": "USER_BANK_CARD", "bank_type": "CMB_DEBIT"}
    assert found.status is RefundStatus.PROCESSING  # type: ignore[attr-defined]  # a RefundState
    assert CARD.account not in repr(CARD)


def test_an_abnormal_refund_may_go_to_the_merchants_own_account() -> None:
    with serving(answering(REFUND)) as line:
        a_pay(line).redirect_refund(refund_id="50000000382019", out_refund_no="REFUND_1")
    assert json.loads(line.calls[0].body) == {"out_refund_no": "REFUND_1", "type": "MERCHANT_BANK_CARD"}


def test_a_refund_by_wechats_own_number() -> None:
    with serving(answering(REFUND)) as line:
        a_pay(line).refund(**PAY_BACK | {"out_trade_no": None, "transaction_id": TRANSACTION})
        with pytest.raises(Refused):
            a_pay(line).refund(**PAY_BACK | {"transaction_id": TRANSACTION})
        with pytest.raises(Refused):
            a_pay(line).refund(**PAY_BACK | {"out_trade_no": None})
    (call,) = line.calls
    sent = json.loads(call.body)
    assert (sent["transaction_id"], "out_trade_no" in sent) == (TRANSACTION, False)


def test_receivers() -> None:
    call, _ = on_the_wire("add_receiver")
    sent = json.loads(call.body)
    assert unsealed(sent.pop("name")) == STORE.name
    who = {"appid": APPID, "type": "MERCHANT_ID", "account": "1900000109"}
    assert sent == who | {"relation_type": "STORE"}
    call, _ = on_the_wire("remove_receiver")
    assert json.loads(call.body) == who


def test_a_person_may_be_added_without_a_name_and_in_an_own_word() -> None:
    person = replace(
        STORE,
        kind=ReceiverKind.PERSONAL_OPENID,
        account=FAN,
        name=None,
        relation=Relation.CUSTOM,
        custom_relation="推荐人",
    )
    with serving(answering(STORE_ANSWER)) as line:
        a_pay(line).add_receiver(appid=APPID, receiver=person)
    assert json.loads(line.calls[0].body) == {
        "appid": APPID,
        "type": "PERSONAL_OPENID",
        "account": FAN,
        "relation_type": "CUSTOM",
        "custom_relation": "推荐人",
    }
    assert FAN not in repr(person)


def test_a_sharing_that_is_finished_is_not_paid_for_that() -> None:
    call, found = on_the_wire("share")
    sent = json.loads(call.body)
    assert unsealed(sent["receivers"][0].pop("name")) == "林晓雨"
    assert sent == {
        "appid": APPID,
        "transaction_id": TRANSACTION,
        "out_order_no": "SHARE_1",
        "receivers": [
            {"type": "PERSONAL_OPENID", "account": FAN, "amount": 20, "description": "佣金"},
            {"type": "MERCHANT_ID", "account": "1900000109", "amount": 10, "description": "门店"},
        ],
        "unfreeze_unsplit": True,
    }
    began, ended = datetime(2026, 1, 1, 0, 2, tzinfo=UTC), datetime(2026, 1, 1, 0, 3, tzinfo=UTC)
    details = ("36011111111111111111111", "36011111111111111111112")
    person, store = ReceiverKind.PERSONAL_OPENID, ReceiverKind.MERCHANT_ID
    paid = SharePart(person, FAN, 20, ShareResult.SUCCESS, None, details[0], began, ended)
    closed = SharePart(store, "1900000109", 10, ShareResult.CLOSED, "NO_RELATION", details[1], began, ended)
    assert found == Sharing(
        TRANSACTION, "SHARE_1", "3008450740201411110007820472", SharingState.FINISHED, (paid, closed)
    )
    assert not found.all_paid
    assert replace(found, parts=(paid,)).all_paid
    assert not replace(found, parts=(paid,), state=SharingState.PROCESSING).all_paid
    assert not replace(found, parts=()).all_paid
    assert on_the_wire("query_share")[1] == found
    assert FAN not in repr(found)


def test_shares_without_names_are_not_sealed_and_the_callers_list_is_left_alone() -> None:
    shares = [Share(ReceiverKind.MERCHANT_ID, "1900000109", 10, "门店")]
    with serving(answering(SHARING)) as line:
        a_pay(line).share(**SHARE | {"shares": shares, "unfreeze_rest": False})
        a_pay(line).share(**SHARE)
        a_pay(line).share(**SHARE)
    sent = [json.loads(call.body) for call in line.calls]
    assert (sent[0]["unfreeze_unsplit"], "name" in sent[0]["receivers"][0]) == (False, False)
    assert [unsealed(one["receivers"][0]["name"]) for one in sent[1:]] == ["林晓雨", "林晓雨"]


def test_unfreezing_and_returning() -> None:
    call, _ = on_the_wire("unfreeze")
    assert json.loads(call.body) == {
        "transaction_id": TRANSACTION,
        "out_order_no": "SHARE_2",
        "description": "解冻",
    }
    call, found = on_the_wire("return_share")
    assert json.loads(call.body) == {
        "out_order_no": "SHARE_1",
        "out_return_no": "RETURN_1",
        "return_mchid": "1900000109",
        "amount": 10,
        "description": "用户退款",
    }
    ended = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
    number = "300845074020141111000782047"
    assert found == ShareReturn(
        *("SHARE_1", number + "2", "RETURN_1", number + "3", "1900000109", 10),
        *(ReturnResult.SUCCESS, None, ended),
    )
    assert on_the_wire("query_share_return")[1] == found
    assert on_the_wire("unshared_fen")[1] == 70


def test_a_transfer() -> None:
    call, found = on_the_wire("transfer")
    sent = json.loads(call.body)
    assert unsealed(sent.pop("user_name")) == "林晓雨"
    assert sent == {
        "appid": APPID,
        "out_bill_no": "BILL0001",
        "transfer_scene_id": "1005",
        "openid": FAN,
        "transfer_amount": 1234,
        "transfer_remark": "11月佣金",
        "transfer_scene_report_infos": [
            {"info_type": "岗位类型", "info_content": "导购"},
            {"info_type": "报酬说明", "info_content": "11月销售佣金"},
        ],
        "notify_url": "https://shop.example/callbacks/wechat/pay/transferred",
    }
    at = datetime(2026, 1, 1, 0, 6, tzinfo=UTC)
    package = "affffddafdfafddffda=="
    assert found == Transfer("BILL0001", BILL, TransferState.WAIT_USER_CONFIRM, package, created_at=at)
    assert package not in repr(found)


def test_a_small_transfer_has_no_name_and_needs_no_notice() -> None:
    small = PAY_OUT | {"amount_fen": 29, "user_name": None, "notify_url": None, "perception": "劳务报酬"}
    with serving(answering(TRANSFER)) as line:
        a_pay(line).transfer(**small)
    sent = json.loads(line.calls[0].body)
    assert {"user_name", "notify_url"}.isdisjoint(sent)
    assert sent["user_recv_perception"] == "劳务报酬"


def test_the_state_of_a_transfer() -> None:
    _, found = on_the_wire("query_transfer")
    assert found == on_the_wire("query_transfer_bill")[1]
    assert found == Transfer(
        "BILL0001",
        BILL,
        TransferState.FAIL,
        fail_reason="OVERDUE_CLOSE",
        mchid=MCHID,
        appid=APPID,
        amount_fen=1234,
        openid=FAN,
        created_at=datetime(2026, 1, 1, 0, 6, tzinfo=UTC),
        updated_at=datetime(2026, 1, 2, 0, 6, tzinfo=UTC),
    )
    assert FAN not in repr(found)
    _, cancelled = on_the_wire("cancel_transfer")
    assert cancelled.state is TransferState.CANCELING  # type: ignore[attr-defined]  # a Transfer


@pytest.mark.parametrize(
    ("state", "final"),
    [
        *(
            (one, False)
            for one in ("ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM", "TRANSFERING", "CANCELING")
        ),
        *((one, True) for one in ("SUCCESS", "FAIL", "CANCELLED")),
        ("SOMETHING_NEW", False),
    ],
)
def test_only_an_end_is_final(state: str, final: bool) -> None:
    with serving(answering(TRANSFERRED | {"state": state})) as line:
        assert a_pay(line).query_transfer("BILL0001").state.is_final is final


def test_words_that_we_do_not_know_yet_are_kept_apart() -> None:
    part = SHARING["receivers"][0] | {"type": "NEW", "result": "NEW"}  # type: ignore[index]  # a list
    with serving(answering(SHARING | {"state": "NEW", "receivers": [part]})) as line:
        found = a_pay(line).query_share(transaction_id=TRANSACTION, out_order_no="SHARE_1")
    assert (found.state, found.parts[0].kind, found.parts[0].result) == ("OTHER", "OTHER", "OTHER")
    with serving(answering(RETURNED | {"result": "NEW"})) as line:
        assert a_pay(line).return_share(**RETURN).result is ReturnResult.OTHER
