"""Order delivery management: what is taken, when the order moves on, what is pushed."""

import secrets
from typing import Any

import pytest

from tests.wechat.box.test_mp_pushes import opened_mp
from tests.wechat.box.world import Ear, RunningBox, wait_until

DAY_S = 86400


class Order:
    """A paid order of the mini-program."""

    def __init__(self, sandbox: RunningBox, ear: Ear, name: str = "小兰") -> None:
        self.sandbox, self.person = sandbox, sandbox.person(name)
        self.number = "L" + secrets.token_hex(8)
        code, prepaid = sandbox.merchant().pay(
            description="澜序 外套",
            out_trade_no=self.number,
            amount={"total": 1000},
            payer={"openid": self.person["mp_openid"]},
            notify_url=ear.url + "/paid",
        )
        assert code == 200, prepaid
        prepay_id = prepaid.split('"')[3]
        paid = sandbox.post(f"/persons/{self.person['id']}/pay", prepay_id=prepay_id)
        self.transaction = str(paid["transaction_id"])
        self.stamp = 0

    def asked(self, *packages: dict[str, object], **changes: object) -> dict[str, object]:
        """An upload of these packages; each call has a later upload_time."""
        self.stamp += 1
        asked = {
            "order_key": {"order_number_type": 2, "transaction_id": self.transaction},
            "logistics_type": 1,
            "delivery_mode": 1,
            "shipping_list": list(packages or [package()]),
            "upload_time": f"2026-11-21T13:{self.stamp:02}:35.120+08:00",
            "payer": {"openid": self.person["mp_openid"]},
        }
        return asked | changes

    def ship(self, *packages: dict[str, object], **changes: object) -> int:
        """Upload; answers the errcode."""
        return _errcode(self.sandbox, "upload_shipping_info", self.asked(*packages, **changes))

    def told(self) -> dict[str, Any]:
        """The order as get_order tells it."""
        order: dict[str, Any] = _call(self.sandbox, "get_order", {"transaction_id": self.transaction})[
            "order"
        ]
        return order

    def wait_for(self, state: int) -> dict[str, Any]:
        """Wait until the order is in this state."""
        wait_until(lambda: self.told()["order_state"] == state)
        return self.told()


def package(number: str = "SF1", **changes: object) -> dict[str, object]:
    """One package by express."""
    return {"tracking_no": number, "express_company": "STO", "item_desc": "羊毛外套*1"} | changes


def _call(sandbox: RunningBox, path: str, asked: object) -> dict[str, Any]:
    told: dict[str, Any] = sandbox.call(f"/wxa/sec/order/{path}", asked, app="mp").json()
    return told


def _errcode(sandbox: RunningBox, path: str, asked: object) -> int:
    return int(_call(sandbox, path, asked)["errcode"])


@pytest.fixture
def pushed(sandbox: RunningBox, ear: Ear) -> Ear:
    """The ear, as the callback of the mini-program, too."""
    sandbox.post("/settings", mp_callback_url=ear.url + "/mp")
    ear.heard.clear()
    return ear


def _events(sandbox: RunningBox, ear: Ear) -> list[dict[str, Any]]:
    return [opened_mp(sandbox, heard) for heard in ear.heard if heard.path == "/mp"]


def test_an_order_from_payment_to_settlement(sandbox: RunningBox, pushed: Ear) -> None:
    order = Order(sandbox, pushed)
    told = order.told()
    assert (told["order_state"], told["shipping"], told["paid_amount"]) == (1, {}, 1000)
    assert (told["merchant_id"], told["merchant_trade_no"]) == (sandbox.told["pay"]["mchid"], order.number)
    assert order.ship() == 0
    told = order.told()
    assert told["order_state"] == 2
    assert (told["shipping"]["finish_shipping"], told["shipping"]["finish_shipping_count"]) == (True, 1)
    assert told["shipping"]["shipping_list"][0]["tracking_no"] == "SF1"
    sandbox.post("/settings", settlement_delay_s=3600)
    named = f"/persons/{order.person['id']}/mp"
    assert sandbox.post(f"{named}/receive", order=order.transaction)["order_state"] == 3
    assert sandbox.post(f"{named}/receive", 409, order=order.transaction)["error"]["code"] == "NOT_SHIPPED"
    assert sandbox.post(f"{named}/complain", order=order.transaction)["order_state"] == 6
    sandbox.post("/clock", offset_s=3601)
    assert order.told()["order_state"] == 6
    sandbox.post(f"{named}/complain", order=order.transaction, ends=True)
    order.wait_for(4)
    wait_until(lambda: len(_events(sandbox, pushed)) == 2)
    shipped, settled = _events(sandbox, pushed)
    both = ("Event", "transaction_id", "merchant_id", "merchant_trade_no", "pay_time", "shipped_time")
    assert {name: shipped[name] for name in both} == {name: settled[name] for name in both}
    assert shipped["Event"] == "trade_manage_order_settlement"
    assert shipped["estimated_settlement_time"] - shipped["shipped_time"] == 10 * DAY_S
    assert "settlement_time" not in shipped
    assert settled["confirm_receive_method"] == 1
    assert settled["settlement_time"] >= settled["confirm_receive_time"] + 3600
    assert "estimated_settlement_time" not in settled


@pytest.mark.parametrize(("kind", "days"), [(1, 10), (2, 2), (3, 2), (4, 2)])
def test_time_confirms_the_receipt(sandbox: RunningBox, pushed: Ear, kind: int, days: int) -> None:
    order = Order(sandbox, pushed)
    desc = {"item_desc": "羊毛外套*1"}
    assert order.ship(package() if kind == 1 else desc, logistics_type=kind) == 0
    sandbox.post("/clock", offset_s=days * DAY_S - 5)
    assert order.told()["order_state"] == 2
    sandbox.post("/clock", offset_s=days * DAY_S + 5)
    order.wait_for(4)
    wait_until(lambda: len(_events(sandbox, pushed)) == 2)
    assert _events(sandbox, pushed)[1]["confirm_receive_method"] == 2


def test_there_is_one_chance_to_ship_again(sandbox: RunningBox, ear: Ear) -> None:
    order = Order(sandbox, ear)
    assert order.ship() == 0
    assert order.ship() == 10060023
    assert order.ship(package("SF2")) == 0
    assert order.told()["shipping"]["finish_shipping_count"] == 2
    assert order.ship(package("SF3")) == 10060003
    assert order.told()["shipping"]["shipping_list"][0]["tracking_no"] == "SF2"


def test_a_split_delivery_ends_when_everything_is_on_its_way(sandbox: RunningBox, ear: Ear) -> None:
    order = Order(sandbox, ear)
    split = {"delivery_mode": 2}
    assert order.ship(package("SF1"), is_all_delivered=False, **split) == 0
    told = order.told()
    assert (told["order_state"], told["shipping"]["finish_shipping"]) == (1, False)
    assert order.ship(package("SF2"), is_all_delivered=True, **split) == 0
    told = order.told()
    assert told["order_state"] == 2
    assert [one["tracking_no"] for one in told["shipping"]["shipping_list"]] == ["SF1", "SF2"]


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"order_key": {"order_number_type": 3}}, 268485194),
        ({"order_key": {"order_number_type": 2}}, 268485195),
        ({"order_key": {"order_number_type": 1, "out_trade_no": "L1"}}, 268485196),
        ({"order_key": {"order_number_type": 1, "mchid": "1"}}, 268485197),
        ({"order_key": {"order_number_type": 2, "transaction_id": "4200"}}, 10060001),
        ({"order_key": {"order_number_type": 1, "mchid": "1", "out_trade_no": "L1"}}, 10060001),
        ({"payer": {"openid": "o"}}, 10060031),
        ({"payer": {}}, 10060014),
        ({"logistics_type": 5}, 10060005),
        ({"delivery_mode": 3}, 268485224),
        ({"delivery_mode": 2, "logistics_type": 4}, 10060006),
        ({"delivery_mode": 2}, 10060007),
        ({"upload_time": "2026-11-21 13:29:35"}, 268485216),
        ({"upload_time": "2026-13-21T13:29:35+08:00"}, 268485216),
        ({"shipping_list": []}, 10060014),
        ({"shipping_list": [package(), package("SF2")]}, 268485228),
        ({"shipping_list": [package()] * 16}, 10060024),
        ({"shipping_list": [package(item_desc="")]}, 10060008),
        ({"shipping_list": [package(item_desc="字" * 121)]}, 10060009),
        ({"shipping_list": [package("")]}, 268485226),
        ({"shipping_list": [package(express_company="")]}, 268485227),
        ({"shipping_list": [package("1" * 129)]}, 10060026),
        ({"shipping_list": [package(express_company="1" * 129)]}, 10060025),
        ({"shipping_list": [package(express_company="SF")]}, 10060014),
    ],
)
def test_upload_refusals(sandbox: RunningBox, ear: Ear, changes: dict[str, object], errcode: int) -> None:
    order = Order(sandbox, ear)
    assert order.ship(**changes) == errcode
    assert order.told()["order_state"] == 1


def test_an_older_upload_and_a_late_one_are_refused(sandbox: RunningBox, ear: Ear) -> None:
    order = Order(sandbox, ear)
    assert order.ship() == 0
    assert order.ship(package("SF2"), upload_time="2026-11-21T13:00:00.000+08:00") == 10060014
    sandbox.post(f"/persons/{order.person['id']}/mp/receive", order=order.number)
    assert order.ship(package("SF2")) == 10060004


def test_refunded_orders_are_state_5(sandbox: RunningBox, ear: Ear) -> None:
    order = Order(sandbox, ear)
    sandbox.merchant().refund(
        out_refund_no="R" + order.number,
        out_trade_no=order.number,
        amount={"refund": 1000, "total": 1000, "currency": "CNY"},
    )
    order.wait_for(5)
    assert order.ship() == 10060004


def test_both_orders_of_a_combined_upload_or_none(sandbox: RunningBox, ear: Ear) -> None:
    first = Order(sandbox, ear)
    asked = first.asked()
    payer, stamp = asked.pop("payer"), asked.pop("upload_time")
    other = asked | {"order_key": {"order_number_type": 2, "transaction_id": "4200"}}
    whole = {
        "order_key": {"order_number_type": 2, "transaction_id": "4200"},
        "payer": payer,
        "upload_time": stamp,
    }
    path = "upload_combined_shipping_info"
    assert _errcode(sandbox, path, whole | {"sub_orders": [asked, other]}) == 10060001
    assert first.told()["order_state"] == 1
    assert _errcode(sandbox, path, whole | {"sub_orders": [asked]}) == 0
    assert first.told()["order_state"] == 2


def test_lists_are_paged_and_narrowed(sandbox: RunningBox, ear: Ear) -> None:
    orders = [Order(sandbox, ear, name) for name in ("甲", "乙", "丙")]
    orders[1].ship()

    def listed(**asked: object) -> dict[str, Any]:
        return _call(sandbox, "get_order_list", asked)

    page = listed(page_size=2)
    assert [one["transaction_id"] for one in page["order_list"]] == [one.transaction for one in orders[:2]]
    assert page["has_more"] is True
    rest = listed(page_size=2, last_index=page["last_index"])
    assert ([one["transaction_id"] for one in rest["order_list"]], rest["has_more"]) == (
        [orders[2].transaction],
        False,
    )
    assert [one["transaction_id"] for one in listed(order_state=2)["order_list"]] == [orders[1].transaction]
    assert len(listed(openid=orders[0].person["mp_openid"])["order_list"]) == 1
    assert listed(last_index="x")["errcode"] == 10060011


def test_the_shopper_is_asked_once_to_confirm(sandbox: RunningBox, ear: Ear) -> None:
    order, other = Order(sandbox, ear), Order(sandbox, ear, "乙")
    other.ship({"item_desc": "券"}, logistics_type=3)

    def notify(one: Order, received_time: int) -> int:
        asked = {"transaction_id": one.transaction, "received_time": received_time}
        return _errcode(sandbox, "notify_confirm_receive", asked)

    assert notify(order, 1) == 10060028
    order.ship()
    now = order.told()["shipping"]["shipping_list"][0]["upload_time"]
    assert notify(other, now) == 10060032
    assert notify(order, now - 10) == 10060029
    assert [notify(order, now + 1) for _ in range(2)] == [0, 10060030]


def test_unshipped_orders_are_remembered_after_48_hours_but_no_pre_sale(
    sandbox: RunningBox, pushed: Ear
) -> None:
    late, presale, shipped = (Order(sandbox, pushed, name) for name in ("甲", "乙", "丙"))
    shipped.ship()
    paid = presale.told()["pay_time"]
    special = {"order_id": presale.transaction, "type": 1}
    assert _errcode(sandbox, "opspecialorder", special | {"delay_to": paid + 15 * DAY_S}) == 268546002
    assert _errcode(sandbox, "opspecialorder", special | {"delay_to": paid + 20 * DAY_S}) == 0
    assert _errcode(sandbox, "opspecialorder", {"order_id": "none", "type": 2}) == 268546000
    assert _errcode(sandbox, "opspecialorder", {"order_id": shipped.transaction, "type": 2}) == 268546001
    sandbox.post("/clock", offset_s=48 * 3600 + 5)
    wait_until(lambda: len(_events(sandbox, pushed)) == 2)
    reminder = _events(sandbox, pushed)[1]
    assert (reminder["Event"], reminder["transaction_id"]) == (
        "trade_manage_remind_shipping",
        late.transaction,
    )


def test_the_rest(sandbox: RunningBox) -> None:
    appid = {"appid": sandbox.told["mp"]["appid"]}
    assert _call(sandbox, "is_trade_managed", appid)["is_trade_managed"] is True
    assert _call(sandbox, "is_trade_management_confirmation_completed", appid)["completed"] is True
    assert _errcode(sandbox, "is_trade_managed", {"appid": "wx0"}) == 40013
    assert _errcode(sandbox, "set_msg_jump_path", {"path": "pages/order/order"}) == 0
    assert _errcode(sandbox, "get_order", {}) == 10060014
    path = "/cgi-bin/express/delivery/open_msg/get_delivery_list"
    told = sandbox.call(path, {}, app="mp").json()
    assert told["count"] == len(told["delivery_list"])
    assert {"delivery_id": "STO", "delivery_name": "申通快递"} in told["delivery_list"]
