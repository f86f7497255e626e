"""Notices of transfers and combined payments, from the box over real HTTP to their own doors."""

import secrets
from typing import Any

import pytest
from sqlalchemy import text

from app.wiring import Parts
from tests.boxed import Boxed
from tests.live import Live
from wechat.pay import COMMISSION, SubOrder, TransferState


@pytest.fixture(autouse=True)
def running(parts: Parts, live: Live) -> None:
    """The house listens."""


def kept(parts: Parts) -> list[tuple[str, str | None, dict[str, Any]]]:
    with parts.tx() as session:
        rows = session.execute(
            text("select kind, answer, detail from inbox where source = 'pay' order by key")
        )
        return [(row.kind, row.answer, row.detail) for row in rows]


def test_the_end_of_a_transfer_is_taken_once_however_often_it_is_told(
    parts: Parts, box: Boxed, live: Live
) -> None:
    person = box.post("persons", name="lin")["person"]
    box.post("faults", kind="duplicate", what="MCHTRANSFER.*", value=2)
    box.post("faults", kind="signtest", what="MCHTRANSFER.*", count=1)
    transfer = parts.wechat.pay.transfer(
        appid=parts.settings.mp_appid,
        out_bill_no=secrets.token_hex(8),
        scene_id=COMMISSION,
        openid=person["mp_openid"],
        amount_fen=880,
        remark="三月佣金",
        reports={"岗位类型": "导购", "报酬说明": "三月佣金"},
        notify_url=parts.settings.transferred_url,
    )
    box.post(f"persons/{person['id']}/transfers/confirm", out_bill_no=transfer.out_bill_no)
    live.wait_for(lambda: bool(kept(parts)) and len(tries(box)) >= 6)
    detail = {
        "out_bill_no": transfer.out_bill_no,
        "transfer_bill_no": transfer.transfer_bill_no,
        "state": TransferState.SUCCESS.value,
        "amount_fen": 880,
        "fail_reason": None,
    }
    assert kept(parts) == [("MCHTRANSFER.BILL.FINISHED", "RECORDED", detail)]
    assert sorted(tries(box)) == [204] * 3 + [401] * 3  # each copy after a probe


def tries(box: Boxed) -> list[int]:
    """The statuses of everything that was delivered."""
    told = box.get("deliveries?kind=notice")["deliveries"]
    return [one["status"] for delivery in told for one in delivery["attempts"]]


def test_a_combined_payment_is_taken_at_its_door(parts: Parts, box: Boxed, live: Live) -> None:
    person = box.post("persons", name="lan")["person"]
    prepay_id = parts.wechat.pay.prepay_combined(
        appid=parts.settings.mp_appid,
        combine_out_trade_no="C" + secrets.token_hex(8),
        orders=[
            SubOrder(parts.settings.pay_mchid, "P" + secrets.token_hex(8), "衬衫", 100, attach="a"),
            SubOrder(parts.settings.pay_mchid, "P" + secrets.token_hex(8), "围巾", 200, attach="b"),
        ],
        openid=person["mp_openid"],
        notify_url=parts.settings.combined_url,
        expires_at=None,
    )
    box.post(f"persons/{person['id']}/pay", prepay_id=prepay_id)
    live.wait_for(lambda: bool(kept(parts)))
    ((kind, answer, detail),) = kept(parts)
    assert (kind, answer) == ("TRANSACTION.SUCCESS", "RECORDED")
    assert [order["amount_fen"] for order in detail["orders"]] == [100, 200]
