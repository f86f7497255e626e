"""What every verb of WeChat Pay refuses before a call, what a code means in its family, and any answer at all."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wechat.local import serving
from tests.wechat.merchant import (
    APPID,
    FAN,
    MCHID,
    a_pay,
    answering,
    failing,
)
from tests.wechat.pay_verbs import (
    ALL,
    COMBINE,
    PAY_OUT,
    RETURN,
    SHARE,
    STORE,
    TRANSFER,
    WRITES,
)
from wechat.errors import Refused, Unavailable, Unknown, WeChatError
from wechat.pay import (
    COMPENSATION,
    MARKETING,
    Pay,
    ReceiverKind,
    Relation,
    Share,
    SubOrder,
)

ONE = SubOrder(MCHID, "ORDER_1", "x", 1)
IMPOSSIBLE = [
    ("prepay_combined", COMBINE, {"orders": [ONE]}),
    ("prepay_combined", COMBINE, {"orders": [ONE, ONE]}),
    ("prepay_combined", COMBINE, {"orders": [replace(ONE, out_trade_no=f"ORDER_{n}") for n in range(11)]}),
    ("prepay_combined", COMBINE, {"orders": [ONE, replace(ONE, out_trade_no="short")]}),
    ("prepay_combined", COMBINE, {"orders": [ONE, replace(ONE, out_trade_no="ORDER_2", amount_fen=0)]}),
    ("prepay_combined", COMBINE, {"orders": [ONE, replace(ONE, out_trade_no="ORDER_2", description="👗")]}),
    ("prepay_combined", COMBINE, {"combine_out_trade_no": "a|b|c|d"}),
    ("prepay_combined", COMBINE, {"openid": ""}),
    ("close_combined", {"appid": APPID, "combine_out_trade_no": "COMBINED_1", "orders": []}, {}),
    ("share", SHARE, {"shares": []}),
    ("share", SHARE, {"shares": [Share(ReceiverKind.MERCHANT_ID, "1", 1, "x")] * 51}),
    ("share", SHARE, {"shares": [Share(ReceiverKind.MERCHANT_ID, "1", 0, "x")]}),
    ("share", SHARE, {"shares": [Share(ReceiverKind.MERCHANT_ID, "1", 1, "")]}),
    ("share", SHARE, {"shares": [Share(ReceiverKind.MERCHANT_ID, "1/2", 1, "x")]}),
    ("share", SHARE, {"shares": [Share(ReceiverKind.OTHER, "1", 1, "x")]}),
    ("share", SHARE, {"shares": [Share(ReceiverKind.MERCHANT_ID, "1", 1, "x", name="林" * 72)]}),
    ("share", SHARE, {"out_order_no": "a b"}),
    ("share", SHARE, {"transaction_id": "../x"}),
    ("return_share", RETURN, {"amount_fen": 1.0}),
    ("return_share", RETURN, {"description": "x" * 81}),
    ("transfer", PAY_OUT, {"out_bill_no": "BILL_1"}),
    ("transfer", PAY_OUT, {"out_bill_no": "B" * 33}),
    ("transfer", PAY_OUT, {"out_bill_no": ""}),
    ("transfer", PAY_OUT, {"amount_fen": 9, "user_name": None}),
    ("transfer", PAY_OUT, {"amount_fen": 29}),
    ("transfer", PAY_OUT, {"amount_fen": 200_000, "user_name": None}),
    ("transfer", PAY_OUT, {"remark": ""}),
    ("transfer", PAY_OUT, {"remark": "佣" * 33}),
    ("transfer", PAY_OUT, {"reports": {}}),
    ("transfer", PAY_OUT, {"reports": {"岗位类型": "导购"}}),
    ("transfer", PAY_OUT, {"scene_id": MARKETING}),
    ("transfer", PAY_OUT, {"scene_id": COMPENSATION}),
    ("transfer", PAY_OUT, {"scene_id": "1010", "reports": {}}),
    ("transfer", PAY_OUT, {"reports": {"岗位类型": "导购", "报酬说明": "x" * 33}}),
    ("transfer", PAY_OUT, {"notify_url": "https://shop.example/x?y=1"}),
    ("cancel_transfer", {"out_bill_no": "B/1"}, {}),
    ("query_transfer", {"out_bill_no": "B-1"}, {}),
    ("query_transfer_bill", {"transfer_bill_no": ""}, {}),
    ("query_transaction", {"transaction_id": "42/1"}, {}),
    ("unshared_fen", {"transaction_id": "42?1"}, {}),
    ("add_receiver", {"appid": APPID, "receiver": replace(STORE, name=None)}, {}),
    ("add_receiver", {"appid": APPID, "receiver": replace(STORE, relation=Relation.CUSTOM)}, {}),
    ("add_receiver", {"appid": "", "receiver": STORE}, {}),
]


@pytest.mark.parametrize(("name", "given", "changes"), IMPOSSIBLE)
def test_what_wechat_would_refuse_is_refused_without_a_call(
    name: str, given: dict[str, object], changes: dict[str, object]
) -> None:
    with serving(answering({})) as line, pytest.raises(Refused) as caught:
        getattr(a_pay(line), name)(**given | changes)
    assert (caught.value.code, line.calls) == ("PARAM_ERROR", [])
    assert FAN not in str(caught.value)


def test_an_unknown_scene_may_report_what_it_wants() -> None:
    with serving(answering(TRANSFER)) as line:
        a_pay(line).transfer(**PAY_OUT | {"scene_id": "1010", "reports": {"货品名称": "衬衫"}})
    reported = json.loads(line.calls[0].body)["transfer_scene_report_infos"]
    assert reported == [{"info_type": "货品名称", "info_content": "衬衫"}]


@pytest.mark.parametrize(
    ("name", "status", "code", "kind"),
    [
        ("transfer", 403, "NOT_ENOUGH", Unavailable),
        ("transfer", 400, "INVALID_REQUEST", Refused),
        ("transfer", 400, "ALREADY_EXISTS", Refused),
        ("transfer", 403, "NO_AUTH", Refused),
        ("transfer", 404, "NOT_FOUND", Unknown),
        ("transfer", 400, "SOMETHING_NEW", Unknown),
        ("transfer", 403, "SOMETHING_NEW", Unknown),
        ("cancel_transfer", 400, "INVALID_REQUEST", Refused),
        ("query_transfer", 404, "NOT_FOUND", Refused),
        ("share", 403, "NOT_ENOUGH", Unavailable),
        ("share", 429, "RATELIMIT_EXCEED", Unavailable),
        ("query_share", 404, "RESOURCE_NOT_EXISTS", Refused),
        ("redirect_refund", 404, "RESOURCE_NOT_EXISTS", Refused),
        ("query_combined", 404, "ORDER_NOT_EXIST", Refused),
        ("close_combined", 400, "ORDER_PAID", Refused),
    ],
)
def test_what_a_code_means_in_its_family(name: str, status: int, code: str, kind: type[WeChatError]) -> None:
    with serving(answering(failing(status, code))) as line, pytest.raises(WeChatError) as caught:
        ALL[name][0](a_pay(line))
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert len({call.body for call in line.calls}) == 1


json_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(),
    st.text(max_size=9),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
ANSWERS = {name: verb[1] for name, verb in ALL.items() if verb[1]}


def with_one_changed(answer: dict[str, object], data: st.DataObject, value: object) -> dict[str, object]:
    """The answer with another value somewhere: at the top, in an object, or in the first of a list."""
    changed = json.loads(json.dumps(answer))
    holder, key = changed, data.draw(st.sampled_from(sorted(changed)))
    if isinstance(holder[key], list):
        holder, key = holder[key], 0
    if isinstance(holder[key], dict) and data.draw(st.booleans()):
        holder = holder[key]
        key = data.draw(st.sampled_from(sorted(holder)))
    holder[key] = value
    return changed


def test_any_value_in_any_place_of_an_answer() -> None:
    now: list[dict[str, object]] = [{}]
    with serving(lambda call: answering(now[0])(call)) as line:
        pay = a_pay(line)

        @settings(max_examples=150, deadline=None)
        @given(st.sampled_from(list(ANSWERS)), st.data(), json_values)
        def any_value(name: str, data: st.DataObject, value: object) -> None:
            now[0] = with_one_changed(ANSWERS[name], data, value)
            failure = None
            try:
                ALL[name][0](pay)
            except WeChatError as error:
                failure = type(error)
            assert failure in (None, Unknown if name in WRITES else Unavailable)

        any_value()


def test_every_verb_of_the_client_is_tried() -> None:
    own = {"sign_payment", "open_notice", "open_sealed", "fetch_certificates", "trade_bill", "fund_flow_bill"}
    verbs = {name for name in dir(Pay) if not name.startswith("_")}
    assert verbs - own == set(ALL)
