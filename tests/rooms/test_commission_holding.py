"""Shares under review on a real database (FRD-2, FRZ-1, FRZ-3): held, lifted, refunded, in races."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Invalid
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.holding import hold, hold_order, unhold
from app.commission.release import pause, release_due, resume
from app.ledger.reading import balances
from tests.racing import at_once
from tests.rooms.paid import CHEN, LIN, PAID_AT, Sold, book, hand_over, local, refund, sell, share_ids

pytestmark = pytest.mark.usefixtures("right_books")

DUE = local("2026-03-13")
REVIEW = PAID_AT + timedelta(days=1)


def completed(tx: Tx, number: str = "A260302TEST0001") -> tuple[Sold, dict[str, int]]:
    with tx() as session:
        sold = sell(session, number=number)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        hand_over(session, sold)
        return sold, share_ids(session, sold)


def held(tx: Tx, share_id: int, *causes: str) -> None:
    with tx() as session:
        for cause in causes:
            assert hold(session, share_ids=[share_id], cause=cause, at=REVIEW) == [share_id]


def lifted(tx: Tx, cause: str, at: object = DUE) -> list[int]:
    with tx() as session:
        return unhold(session, cause=cause, at=at)  # type: ignore[arg-type]  # a datetime


def released(tx: Tx) -> int:
    with tx() as session:
        return release_due(session, now=DUE)


def state(tx: Tx, share_id: int) -> str:
    with tx() as session:
        found = "select state from commission_share where id = :id"
        return str(session.execute(text(found), {"id": share_id}).scalar_one())


def money(tx: Tx, party: str) -> list[int]:
    with tx() as session:
        return list(balances(session, [f"frozen:{party}", f"payable:{party}"]).values())


def test_frd2_a_held_share_is_not_released_and_a_false_alarm_gives_it_its_original_date(tx: Tx) -> None:
    sold, ids = completed(tx)
    held(tx, ids["SELL_CLERK"], "fraud:1")
    assert released(tx) == 1
    assert state(tx, ids["SELL_CLERK"]) == "HELD"
    assert money(tx, CHEN) == [299, 0]
    assert lifted(tx, "fraud:1", DUE + timedelta(days=5)) == [ids["SELL_CLERK"]]
    assert state(tx, ids["SELL_CLERK"]) == "RELEASABLE"
    assert money(tx, CHEN) == [0, 299]
    with tx() as session:
        # The settlement asks for this date, not for the day of the decision.
        due = session.execute(text("select releasable_at from commission_line")).scalar_one()
        assert due == DUE
        assert {left for _, _, left, _ in book(session, sold)} == {449, 224, 299}


def test_frd2_lifted_before_its_day_it_is_frozen_again(tx: Tx) -> None:
    _, ids = completed(tx)
    held(tx, ids["SELL_CLERK"], "fraud:1")
    assert lifted(tx, "fraud:1", REVIEW) == [ids["SELL_CLERK"]]
    assert state(tx, ids["SELL_CLERK"]) == "FROZEN"
    released(tx)
    assert money(tx, CHEN) == [0, 299]


def test_frd2_held_for_two_causes_it_is_free_when_the_last_is_lifted(tx: Tx) -> None:
    _, ids = completed(tx)
    held(tx, ids["SELL_CLERK"], "fraud:1", "dispute:7")
    released(tx)
    assert lifted(tx, "fraud:1") == []
    assert state(tx, ids["SELL_CLERK"]) == "HELD"
    assert lifted(tx, "dispute:7") == [ids["SELL_CLERK"]]
    assert state(tx, ids["SELL_CLERK"]) == "RELEASABLE"


def test_frd2_a_certain_share_that_is_held_keeps_its_money_certain(tx: Tx) -> None:
    _, ids = completed(tx)
    released(tx)
    held(tx, ids["SELL_CLERK"], "dispute:7")
    assert state(tx, ids["SELL_CLERK"]) == "HELD"
    assert money(tx, CHEN) == [0, 299]
    lifted(tx, "dispute:7")
    assert state(tx, ids["SELL_CLERK"]) == "RELEASABLE"


def test_frd2_the_same_cause_again_and_after_it_was_lifted_changes_nothing(tx: Tx) -> None:
    _, ids = completed(tx)
    held(tx, ids["SELL_CLERK"], "fraud:1")
    with tx() as session:
        assert hold(session, share_ids=[ids["SELL_CLERK"]], cause="fraud:1", at=DUE) == []
    lifted(tx, "fraud:1", REVIEW)
    assert lifted(tx, "fraud:1", REVIEW) == []
    with tx() as session:
        assert hold(session, share_ids=[ids["SELL_CLERK"], 999_999], cause="fraud:1", at=DUE) == []
        assert unhold(session, cause="nobody:0", at=DUE) == []
    assert state(tx, ids["SELL_CLERK"]) == "FROZEN"


def test_a_hold_without_a_cause_is_refused_and_holds_nothing(tx: Tx) -> None:
    _, ids = completed(tx)
    for cause in ("", "x" * 201):
        with pytest.raises(Invalid), tx() as session:
            hold(session, share_ids=[ids["SELL_CLERK"]], cause=cause, at=REVIEW)
    assert state(tx, ids["SELL_CLERK"]) == "FROZEN"


def test_clw1_a_refund_takes_from_held_shares_too(tx: Tx) -> None:
    sold, ids = completed(tx)
    held(tx, ids["SELL_CLERK"], "fraud:1")
    for no, fen in (("R1", 3333), ("R2", 26567)):
        with tx() as session:
            refund_id = refund(session, sold, {0: fen}, no=no)
            line_id = sold.lines[0].order_line_id
            reverse(session, refund_id=refund_id, lines=[(line_id, fen)], at=REVIEW)
        expected = {"R1": (266, "HELD"), "R2": (0, "REVERSED")}[no]
        with tx() as session:
            assert book(session, sold)[3][2:] == expected
    lifted(tx, "fraud:1")
    assert state(tx, ids["SELL_CLERK"]) == "REVERSED"


def test_spl9_a_whole_order_can_be_held(tx: Tx) -> None:
    sold, ids = completed(tx)
    with tx() as session:
        assert hold_order(session, order_number=sold.number, cause="payer:1", at=REVIEW) == sorted(
            ids.values()
        )
        assert hold_order(session, order_number="A-NOBODY", cause="payer:1", at=REVIEW) == []
    released(tx)
    assert money(tx, LIN) == [748, 0]


def test_frz3_an_open_after_sale_keeps_the_line_frozen_and_rejected_it_has_its_original_date(tx: Tx) -> None:
    sold, ids = completed(tx)
    line_id = sold.lines[0].order_line_id
    with tx() as session:
        pause(session, order_line_ids=[line_id, 999_999], cause="aftersale:1", at=REVIEW)
        pause(session, order_line_ids=[line_id], cause="aftersale:1", at=REVIEW)
    assert released(tx) == 0
    assert state(tx, ids["SELL_CLERK"]) == "FROZEN"
    with tx() as session:
        resume(session, cause="aftersale:1", at=REVIEW + timedelta(days=3))
        # The same after-sale cannot be opened again by news that comes late.
        pause(session, order_line_ids=[line_id], cause="aftersale:1", at=REVIEW)
        assert release_due(session, now=DUE - timedelta(seconds=1)) == 0
        assert release_due(session, now=DUE) == 1
    assert state(tx, ids["SELL_CLERK"]) == "RELEASABLE"


def test_frz3_a_rejection_after_the_date_counts_from_now(tx: Tx) -> None:
    sold, _ = completed(tx)
    late = DUE + timedelta(days=9)
    with tx() as session:
        pause(session, order_line_ids=[sold.lines[0].order_line_id], cause="aftersale:1", at=REVIEW)
        assert release_due(session, now=late) == 0
        resume(session, cause="aftersale:1", at=late)
        assert release_due(session, now=late) == 1
        assert session.execute(text("select released_at from commission_line")).scalar_one() == late


@pytest.mark.parametrize("attempt", range(4))
def test_frd2_hold_release_refund_and_lift_at_the_same_moment_leave_right_books(tx: Tx, attempt: int) -> None:
    sold, ids = completed(tx)
    with tx() as session:
        refund_id = refund(session, sold, {0: 3333}, no="R1")
    line_id = sold.lines[0].order_line_id

    def work(number: int) -> None:
        with tx() as session:
            match number % 4:
                case 0:
                    hold(session, share_ids=ids.values(), cause=f"fraud:{number}", at=DUE)
                case 1:
                    release_due(session, now=DUE)
                case 2:
                    reverse(session, refund_id=refund_id, lines=[(line_id, 3333)], at=DUE)
                case _:
                    unhold(session, cause=f"fraud:{number - 3}", at=DUE)

    at_once(8, work)
    for number in (0, 4):
        lifted(tx, f"fraud:{number}")
    released(tx)
    with tx() as session:
        assert [row[2:] for row in book(session, sold)] == [
            (left, "RELEASABLE") for left in (399, 199, 265, 266, 199)
        ]
