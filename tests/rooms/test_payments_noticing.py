"""Notices that no room acts upon yet: recorded once, typed, and told to whoever will listen."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.jobs import JOBS
from app.payments.noticing import HEARD_BY, take
from tests import make
from tests.racing import at_once
from wechat.pay import (
    CombinedPaid,
    CombinedTrade,
    Notice,
    OtherNotice,
    ReceiverKind,
    ShareReceived,
    Trade,
    TradeState,
    Transfer,
    Transferred,
    TransferState,
)

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MCHID = "1900000001"
LISTENING = {Transferred: "transfer_changed", ShareReceived: "sharing_changed"}
TRANSFER = Transfer(
    "T20260302001",
    "1330000071100999991182020050700019480001",
    TransferState.SUCCESS,
    mchid=MCHID,
    amount_fen=880,
    openid="o-clerk",
)
TRANSFERRED = Transferred(TRANSFER, "EV-1", "MCHTRANSFER.BILL.FINISHED")
SHARED = ShareReceived(
    mchid=MCHID,
    transaction_id="4200000001",
    order_id="3008450740201411110007820472",
    out_order_no="S1",
    kind=ReceiverKind.MERCHANT_ID,
    account=MCHID,
    amount_fen=300,
    success_at=NOW,
    is_return=False,
    notice_id="EV-2",
    event_type="TRANSACTION.SUCCESS",
)  # fmt: skip
PART = Trade("wx-mp", MCHID, "P1", "4200000002", TradeState.SUCCESS, 100, "CNY", "o-1", NOW)
COMBINED = CombinedPaid(
    CombinedTrade(
        "wx-mp", MCHID, "C1", "o-1", (PART, replace(PART, out_trade_no="P2", transaction_id="4200000003"))
    ),
    "EV-3",
    "TRANSACTION.SUCCESS",
)
OTHER = OtherNotice("MCHTRANSFER.BATCH.FINISHED", "mch_payment", {"out_batch_no": "B1", "openid": "o-secret"})


def taken(tx: Tx, notice: Notice, heard_by: Mapping[type, str] = LISTENING) -> None:
    with tx() as session:
        take(session, notice, vault=make.VAULT, mchid=MCHID, now=NOW, heard_by=heard_by)


def inbox(tx: Tx) -> list[tuple[str, str | None, dict[str, Any]]]:
    with tx() as session:
        rows = session.execute(
            text("select kind, answer, detail from inbox where source = 'pay' order by received_at")
        )
        return [(row.kind, row.answer, row.detail) for row in rows]


def jobs(tx: Tx) -> list[tuple[str, dict[str, Any]]]:
    with tx() as session:
        rows = session.execute(text("select task_name, args from procrastinate_jobs order by id")).all()
        return [(row.task_name, row.args) for row in rows]


def test_a_transfer_is_recorded_once_per_state_and_told_by_its_number(tx: Tx) -> None:
    taken(tx, TRANSFERRED)
    taken(tx, replace(TRANSFERRED, notice_id="EV-9"))  # told again, under another id
    detail = {
        "out_bill_no": "T20260302001",
        "transfer_bill_no": "1330000071100999991182020050700019480001",
        "state": "SUCCESS",
        "amount_fen": 880,
        "fail_reason": None,
    }
    assert inbox(tx) == [("MCHTRANSFER.BILL.FINISHED", "RECORDED", detail)]
    assert jobs(tx) == [("transfer_changed", {"out_bill_no": "T20260302001"})]


def test_another_end_of_the_same_transfer_is_news(tx: Tx) -> None:
    failed = replace(TRANSFER, state=TransferState.FAIL, fail_reason="OVERDUE_CLOSE")
    taken(tx, replace(TRANSFERRED, transfer=failed))
    taken(tx, TRANSFERRED)
    assert [detail["state"] for _, _, detail in inbox(tx)] == ["FAIL", "SUCCESS"]
    assert len(jobs(tx)) == 2


def test_a_share_and_its_return_are_two_pieces_of_news(tx: Tx) -> None:
    for notice in (SHARED, SHARED, replace(SHARED, is_return=True), replace(SHARED, amount_fen=200), SHARED):
        taken(tx, notice)
    assert [(detail["amount_fen"], detail["is_return"]) for _, _, detail in inbox(tx)] == [
        (300, False),
        (300, True),
        (200, False),
    ]
    assert jobs(tx) == [("sharing_changed", {"out_order_no": "S1"})] * 3


def test_a_combined_payment_is_recorded_with_its_orders(tx: Tx) -> None:
    taken(tx, COMBINED)
    taken(tx, COMBINED)
    ((kind, answer, detail),) = inbox(tx)
    assert (kind, answer, detail["combine_out_trade_no"]) == ("TRANSACTION.SUCCESS", "RECORDED", "C1")
    assert [order["out_trade_no"] for order in detail["orders"]] == ["P1", "P2"]
    assert jobs(tx) == []


def test_a_notice_without_a_word_of_ours_is_recorded_once_without_what_is_in_it(tx: Tx) -> None:
    taken(tx, OTHER)
    taken(tx, OTHER)
    taken(tx, replace(OTHER, data={"out_batch_no": "B2"}))
    assert inbox(tx) == [("MCHTRANSFER.BATCH.FINISHED", "RECORDED", {})] * 2
    with tx() as session:
        kept = session.execute(text("select string_agg(inbox::text, '') from inbox")).scalar_one()
    assert "o-secret" not in kept


@pytest.mark.parametrize("notice", [TRANSFERRED, SHARED, COMBINED])
def test_nothing_personal_is_recorded(tx: Tx, notice: Notice) -> None:
    taken(tx, notice)
    told = json.dumps(inbox(tx))
    assert "o-clerk" not in told
    assert "o-1" not in told


@pytest.mark.parametrize(
    "notice",
    [
        replace(TRANSFERRED, transfer=replace(TRANSFER, mchid="1900000999")),
        replace(SHARED, mchid="1900000999"),
        replace(COMBINED, combined=replace(COMBINED.combined, mchid="1900000999")),
    ],
)
def test_news_of_another_merchant_is_recorded_as_such_and_told_to_nobody(tx: Tx, notice: Notice) -> None:
    taken(tx, notice)
    assert [answer for _, answer, _ in inbox(tx)] == ["FOREIGN"]
    assert jobs(tx) == []


def test_of_twenty_copies_at_once_one_is_taken(tx: Tx) -> None:
    at_once(20, lambda _: taken(tx, TRANSFERRED))
    assert (len(inbox(tx)), len(jobs(tx))) == (1, 1)


def test_what_is_rolled_back_was_not_taken_and_comes_again(tx: Tx) -> None:
    with tx() as session:
        take(session, TRANSFERRED, vault=make.VAULT, mchid=MCHID, now=NOW, heard_by=LISTENING)
        session.rollback()
    assert (inbox(tx), jobs(tx)) == ([], [])
    taken(tx, TRANSFERRED)
    assert (len(inbox(tx)), len(jobs(tx))) == (1, 1)


def test_only_jobs_that_a_worker_knows_are_asked_for(tx: Tx) -> None:
    assert set(HEARD_BY.values()) <= set(JOBS)
    taken(tx, TRANSFERRED, HEARD_BY)
    if Transferred not in HEARD_BY:
        assert jobs(tx) == []
