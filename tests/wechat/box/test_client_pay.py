"""Our merchant's client and the box, family by family: two readings of the same facts, written apart."""

import secrets
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.wechat.box.relay import relay_to
from tests.wechat.box.shop import set_clock
from tests.wechat.box.world import Ear, RunningBox, wait_until
from wechat.errors import Refused, Unavailable
from wechat.http import Http
from wechat.pay import (
    COMMISSION,
    CombinedPaid,
    Notice,
    Paid,
    Pay,
    PayConfig,
    Receiver,
    ReceiverKind,
    RefundStatus,
    Relation,
    ReturnResult,
    Share,
    ShareReceived,
    SharingState,
    SubOrder,
    TradeBillKind,
    TradeState,
    Transferred,
    TransferState,
)
from wechat.pay.config import BACKUP_BASE, BASE

STORE, STORE_NAME = "1900000109", "深圳市连客商贸有限公司"


class Merchant:
    """A merchant with one shopper, on the client that the shop really uses."""

    def __init__(self, sandbox: RunningBox, ear: Ear, **changes: Any) -> None:
        told = sandbox.told["pay"]
        self.box, self.ear, self.mchid = sandbox, ear, told["mchid"]
        self.appid = sandbox.told["mp"]["appid"]
        self.config = PayConfig(
            mchid=self.mchid,
            apiv3_key=told["apiv3_key"],
            merchant_serial=told["merchant_serial"],
            merchant_private_key_pem=told["merchant_private_key_pem"],
            public_key_id=told["platform_public_key_id"],
            public_key_pem=told["platform_public_key_pem"],
            base=sandbox.base,
            backup_base=sandbox.base,
        )
        self.pay = Pay(replace(self.config, **changes), Http())
        self.shopper = sandbox.person()
        self.openid: str = self.shopper["mp_openid"]
        ear.answer = lambda heard: (204, b"")

    def order(self, total_fen: int = 10_000, *, profit_sharing: bool = False) -> tuple[str, str]:
        """A paid order: its number and WeChat's."""
        number = "L" + secrets.token_hex(8)
        prepay_id = self.pay.prepay(
            appid=self.appid,
            out_trade_no=number,
            description="澜序 外套",
            amount_fen=total_fen,
            openid=self.openid,
            notify_url=self.ear.url + "/paid",
            expires_at=None,
            profit_sharing=profit_sharing,
        )
        return number, str(self.tap(prepay_id)["transaction_id"])

    def tap(self, prepay_id: str) -> Any:
        """The shopper pays."""
        return self.box.post(f"/persons/{self.shopper['id']}/pay", prepay_id=prepay_id)

    def shared(self, out_order_no: str, transaction_id: str, shares: list[Share], *, rest: bool) -> Any:
        """Asks for shares and waits for their end."""
        self.pay.share(
            appid=self.appid,
            transaction_id=transaction_id,
            out_order_no=out_order_no,
            shares=shares,
            unfreeze_rest=rest,
        )

        def state() -> Any:
            return self.pay.query_share(transaction_id=transaction_id, out_order_no=out_order_no)

        wait_until(lambda: bool(state().state is SharingState.FINISHED))
        return state()

    def told(self, count: int) -> Notice:
        """The count-th notice, opened."""
        heard = self.ear.wait_for(count)[count - 1]
        return self.pay.open_notice(heard.headers, heard.body, now=datetime.now(UTC))


@pytest.fixture
def merchant(sandbox: RunningBox, ear: Ear) -> Merchant:
    """A merchant in public-key mode."""
    sandbox.post("/settings", sharing_delay_s=0, transfer_pay_delay_s=0, transfer_cancel_delay_s=0)
    return Merchant(sandbox, ear)


@pytest.mark.parametrize("certificate", ["ordinary", "zero", "rotating"])
@pytest.mark.parametrize("mode", ["migrating", "cert-only"])
def test_every_kind_of_key(sandbox: RunningBox, ear: Ear, mode: str, certificate: str) -> None:
    sandbox.post("/settings", merchant_mode=mode, platform_certificate=certificate)
    changes = {"public_key_id": "", "public_key_pem": ""} if mode == "cert-only" else {}
    merchant = Merchant(sandbox, ear, **changes)
    for _ in range(4):
        number, transaction = merchant.order()
        assert merchant.pay.query(number) == merchant.pay.query_transaction(transaction)
    notices = [merchant.told(count) for count in range(1, 5)]
    assert all(isinstance(one, Paid) for one in notices)
    receiver = Receiver(ReceiverKind.MERCHANT_ID, STORE, Relation.STORE, name=STORE_NAME)
    merchant.pay.add_receiver(appid=merchant.appid, receiver=receiver)  # sealed for the right key
    assert merchant.pay.fetch_certificates() >= 1


def test_a_merchant_without_certificates_has_none(merchant: Merchant) -> None:
    assert merchant.pay.fetch_certificates() == 0
    for code in ("NOT_FOUND", "RESOURCE_NOT_EXISTS"):
        merchant.box.post("/settings", no_certificates_code=code)
        assert merchant.pay.fetch_certificates() == 0


def test_a_combined_payment(merchant: Merchant) -> None:
    pay, number = merchant.pay, "C" + secrets.token_hex(8)
    orders = [SubOrder(merchant.mchid, f"{number}-{n}", "两件衬衫", 100 * n) for n in (1, 2)]
    prepay_id = pay.prepay_combined(
        appid=merchant.appid,
        combine_out_trade_no=number,
        orders=orders,
        openid=merchant.openid,
        notify_url=merchant.ear.url + "/paid",
        expires_at=None,
    )
    waiting = pay.query_combined(number)
    assert [one.state for one in waiting.trades] == [TradeState.NOTPAY, TradeState.NOTPAY]
    merchant.tap(prepay_id)
    notice = merchant.told(1)
    assert isinstance(notice, CombinedPaid)
    assert notice.combined == pay.query_combined(number)
    assert [(one.out_trade_no, one.amount_fen) for one in notice.combined.trades] == [
        (f"{number}-1", 100),
        (f"{number}-2", 200),
    ]
    first = notice.combined.trades[0]
    refund = pay.refund(
        transaction_id=first.transaction_id, out_refund_no="R" + number, refund_fen=40, total_fen=100
    )
    assert refund.refund_fen == 40


def test_a_combined_payment_is_closed_whole(merchant: Merchant) -> None:
    pay, number = merchant.pay, "C" + secrets.token_hex(8)
    orders = [SubOrder(merchant.mchid, f"{number}-{n}", "两件衬衫", 100) for n in (1, 2)]
    given = {"appid": merchant.appid, "combine_out_trade_no": number}
    pay.prepay_combined(
        **given, orders=orders, openid=merchant.openid, notify_url=merchant.ear.url + "/x", expires_at=None
    )
    pay.close_combined(**given, orders=[(one.mchid, one.out_trade_no) for one in orders])
    assert {one.state for one in pay.query_combined(number).trades} == {TradeState.CLOSED}


def test_an_abnormal_refund_is_sent_elsewhere(merchant: Merchant) -> None:
    number, _ = merchant.order(100)
    merchant.box.post("/settings", faults={"refund_result": "ABNORMAL"})
    asked = merchant.pay.refund(
        out_trade_no=number, out_refund_no="R" + number, refund_fen=100, total_fen=100
    )
    wait_until(lambda: merchant.pay.query_refund("R" + number).status is RefundStatus.ABNORMAL)
    merchant.box.post("/settings", faults={})
    again = merchant.pay.redirect_refund(refund_id=asked.refund_id, out_refund_no="R" + number)
    assert again.status is RefundStatus.PROCESSING
    wait_until(lambda: merchant.pay.query_refund("R" + number).status is RefundStatus.SUCCESS)


def test_profit_sharing_from_the_receiver_to_the_return(merchant: Merchant) -> None:
    pay = merchant.pay
    receiver = Receiver(ReceiverKind.MERCHANT_ID, STORE, Relation.STORE, name=STORE_NAME)
    pay.add_receiver(appid=merchant.appid, receiver=receiver)
    pay.add_receiver(appid=merchant.appid, receiver=receiver)
    person = Receiver(ReceiverKind.PERSONAL_OPENID, merchant.openid, Relation.STAFF)
    pay.add_receiver(appid=merchant.appid, receiver=person)
    _, transaction = merchant.order(profit_sharing=True)
    merchant.box.post("/clock", offset_s=3600)
    frozen_fen = pay.unshared_fen(transaction)
    number = "S" + secrets.token_hex(8)
    shares = [
        Share(ReceiverKind.MERCHANT_ID, STORE, 1000, "门店", name=STORE_NAME),
        Share(ReceiverKind.PERSONAL_OPENID, merchant.openid, 500, "佣金"),
    ]
    found = merchant.shared(number, transaction, shares, rest=False)
    assert found.all_paid
    assert {(one.account, one.amount_fen) for one in found.parts} >= {(STORE, 1000), (merchant.openid, 500)}
    assert pay.unshared_fen(transaction) == frozen_fen - 1500
    returned = pay.return_share(
        out_order_no=number,
        out_return_no="B" + number,
        return_mchid=STORE,
        amount_fen=400,
        description="用户退款",
    )
    assert (returned.out_return_no, returned.amount_fen) == ("B" + number, 400)

    def state() -> ReturnResult:
        return pay.query_share_return(out_return_no="B" + number, out_order_no=number).result

    wait_until(lambda: state() is ReturnResult.SUCCESS)
    pay.unfreeze(transaction_id=transaction, out_order_no="U" + number, description="解冻全部剩余资金")
    wait_until(lambda: pay.unshared_fen(transaction) == 0)
    with pytest.raises(Refused):
        merchant.shared("X" + number, transaction, shares, rest=True)


def test_a_share_for_somebody_unknown_is_not_paid(merchant: Merchant) -> None:
    _, transaction = merchant.order(profit_sharing=True)
    merchant.box.post("/clock", offset_s=3600)
    stranger = [Share(ReceiverKind.MERCHANT_ID, "1900000777", 10, "门店")]
    with pytest.raises(Refused) as caught:
        merchant.shared("S" + secrets.token_hex(8), transaction, stranger, rest=False)
    assert caught.value.code == "INVALID_REQUEST"


def transfer(merchant: Merchant, number: str, amount_fen: int = 1234, name: str | None = None) -> Any:
    return merchant.pay.transfer(
        appid=merchant.appid,
        out_bill_no=number,
        scene_id=COMMISSION,
        openid=merchant.openid,
        amount_fen=amount_fen,
        remark="11月佣金",
        reports={"岗位类型": "导购", "报酬说明": "11月销售佣金"},
        user_name=name,
        notify_url=merchant.ear.url + "/transferred",
    )


@pytest.mark.parametrize("member", ["mch_id", "mchid"])
def test_a_transfer_that_the_person_confirms(merchant: Merchant, member: str) -> None:
    merchant.box.post("/settings", transfer_notice_member=member)
    number = "T" + secrets.token_hex(8)
    asked = transfer(merchant, number)
    assert transfer(merchant, number).transfer_bill_no == asked.transfer_bill_no
    assert merchant.pay.query_transfer(number).amount_fen == 1234
    wait_until(lambda: merchant.pay.query_transfer(number).state is TransferState.WAIT_USER_CONFIRM)
    package = transfer(merchant, number).package_info
    merchant.box.post(f"/persons/{merchant.shopper['id']}/transfers/confirm", package=package)
    wait_until(lambda: merchant.pay.query_transfer(number).state is TransferState.SUCCESS)
    ended = merchant.pay.query_transfer_bill(asked.transfer_bill_no)
    assert ended == merchant.pay.query_transfer(number)
    assert (ended.openid, ended.mchid) == (merchant.openid, merchant.mchid)
    notice = merchant.told(1)
    assert isinstance(notice, Transferred)
    assert (notice.transfer.out_bill_no, notice.transfer.state) == (number, TransferState.SUCCESS)
    assert (notice.transfer.mchid, notice.transfer.amount_fen) == (merchant.mchid, 1234)


def test_a_transfer_is_taken_back(merchant: Merchant) -> None:
    number = "T" + secrets.token_hex(8)
    transfer(merchant, number)
    assert merchant.pay.cancel_transfer(number).state in (TransferState.CANCELING, TransferState.CANCELLED)
    wait_until(lambda: merchant.pay.query_transfer(number).state is TransferState.CANCELLED)


def test_a_large_transfer_names_the_person(merchant: Merchant) -> None:
    asked = transfer(merchant, "T" + secrets.token_hex(8), 200_000, merchant.shopper["name"])
    assert asked.state in (TransferState.ACCEPTED, TransferState.PROCESSING, TransferState.WAIT_USER_CONFIRM)


def test_a_transfer_without_money_is_repeated_under_its_number_once_there_is_some(merchant: Merchant) -> None:
    number = "T" + secrets.token_hex(8)
    merchant.box.post("/settings", opening_balance_fen=0)
    with pytest.raises(Unavailable) as caught:
        transfer(merchant, number)
    assert caught.value.code == "NOT_ENOUGH"
    with pytest.raises(Refused) as unknown:
        merchant.pay.query_transfer(number)
    assert unknown.value.code == "NOT_FOUND"
    merchant.box.post("/settings", opening_balance_fen=10_000)
    assert transfer(merchant, number).out_bill_no == number


def test_bills_agree_with_what_happened(merchant: Merchant) -> None:
    day = date.fromisoformat(set_clock(merchant.box, 1, 12))
    first, transaction = merchant.order(1000)
    second, _ = merchant.order(201)
    merchant.pay.refund(out_trade_no=second, out_refund_no="R" + second, refund_fen=50, total_fen=201)
    wait_until(lambda: merchant.pay.query_refund("R" + second).status is RefundStatus.SUCCESS)
    with pytest.raises((Refused, Unavailable)), merchant.pay.trade_bill(day):
        pass
    set_clock(merchant.box, 2, 10.5)
    with merchant.pay.trade_bill(day) as bill:
        rows = list(bill)
    paid = {row.out_trade_no: row for row in rows if row.state == "SUCCESS"}
    assert {number: row.order_fen for number, row in paid.items()} == {first: 1000, second: 201}
    assert (paid[first].transaction_id, paid[first].openid) == (transaction, merchant.openid)
    refunds = [(row.out_refund_no, row.refund_fen) for row in rows if row.state == "REFUND"]
    assert refunds == [("R" + second, 50)]
    for kind, count in ((TradeBillKind.SUCCESS, 2), (TradeBillKind.REFUND, 1)):
        with merchant.pay.trade_bill(day, kind=kind) as bill:
            assert len(list(bill)) == count
    with merchant.pay.fund_flow_bill(day) as flow:
        moves = list(flow)
    assert sum(row.amount_fen for row in moves if row.is_income and row.kind == "交易") == 1201
    assert [row.amount_fen for row in moves if not row.is_income and row.kind == "退款"] == [50]


def test_bills_that_are_not_there_or_not_whole(merchant: Merchant) -> None:
    day = date.fromisoformat(set_clock(merchant.box, 0, 12))
    merchant.order(1000)
    set_clock(merchant.box, 1, 11)
    for trouble, code in (("STATEMENT_CREATING", "STATEMENT_CREATING"), ("WRONG_HASH", "HASH")):
        merchant.box.post("/settings", bill_trouble=trouble)
        with pytest.raises(Unavailable) as caught, merchant.pay.trade_bill(day):
            pass
        assert caught.value.code == code
    merchant.box.post("/settings", bill_trouble="NO_STATEMENT_EXIST")
    with merchant.pay.trade_bill(day) as bill:
        assert (bill.is_empty, list(bill)) == (True, [])


def test_over_https_under_wechats_own_names(tmp_path: Path, ear: Ear) -> None:
    sandbox = RunningBox(tmp_path / "tls", "--tls", "--exit-with-parent")
    try:
        ca = tmp_path / "ca.pem"
        ca.write_text(sandbox.told["ca_pem"])
        with relay_to(int(sandbox.base.rpartition(":")[2])) as (proxy, asked):
            sandbox.http.verify = str(ca)
            merchant = Merchant(sandbox, ear)
            config = replace(merchant.config, base=BASE, backup_base=BACKUP_BASE)
            merchant.pay = Pay(config, Http(ca_file=str(ca), proxy=proxy))
            number, transaction = merchant.order(1000)
            assert merchant.pay.query(number).transaction_id == transaction
            stranger = Pay(config, Http(proxy=proxy, attempts=1))  # does not know that authority
            with pytest.raises(Unavailable) as caught:
                stranger.close(number)
            assert caught.value.code == "CONNECTION"
        assert {host.partition(":")[0] for host in asked} == {"api.mch.weixin.qq.com"}
    finally:
        sandbox.stop()


def _one_share(merchant: Merchant) -> tuple[str, str, Any]:
    """8 yuan for the store, paid: its number, the transaction and WeChat's answer."""
    receiver = Receiver(ReceiverKind.MERCHANT_ID, STORE, Relation.STORE, name=STORE_NAME)
    merchant.pay.add_receiver(appid=merchant.appid, receiver=receiver)
    _, transaction = merchant.order(profit_sharing=True)
    merchant.ear.wait_for(1)
    merchant.ear.heard.clear()
    merchant.box.post("/clock", offset_s=3600)
    number = "S" + secrets.token_hex(8)
    share = Share(ReceiverKind.MERCHANT_ID, STORE, 800, "门店", name=STORE_NAME)
    return number, transaction, merchant.shared(number, transaction, [share], rest=False)


def test_a_merchant_who_receives_is_told_of_the_share_and_of_its_return(merchant: Merchant) -> None:
    merchant.box.post("/settings", sharing_callback_url=merchant.ear.url + "/shared")
    number, transaction, found = _one_share(merchant)
    notice = merchant.told(1)
    assert isinstance(notice, ShareReceived)
    assert merchant.ear.heard[0].path == "/shared"
    assert (notice.event_type, notice.is_return) == ("TRANSACTION.SUCCESS", False)
    assert (notice.mchid, notice.account, notice.amount_fen) == (merchant.mchid, STORE, 800)
    assert (notice.out_order_no, notice.order_id) == (number, found.order_id)
    assert notice.transaction_id == transaction
    merchant.pay.return_share(
        out_order_no=number,
        out_return_no="B" + number,
        return_mchid=STORE,
        amount_fen=300,
        description="用户退款",
    )
    returned = merchant.told(2)
    assert isinstance(returned, ShareReceived)
    assert (returned.is_return, returned.account, returned.amount_fen) == (True, merchant.mchid, 300)


def test_who_shares_is_not_told(merchant: Merchant) -> None:
    merchant.box.post("/settings", sharing_callback_url=None)
    _one_share(merchant)
    assert merchant.ear.heard == []
