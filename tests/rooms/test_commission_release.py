"""From frozen to certain on a real database: FRZ-1, FRZ-2, FRZ-3."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.holding import hold
from app.commission.release import release_due, start_clock
from app.ledger.reading import balances
from tests.racing import at_once
from tests.rooms.paid import (
    CHEN,
    LIN,
    PAID_AT,
    Sold,
    hand_over,
    local,
    refund,
    sell,
    shares,
    snapshot,
    succeed,
)

pytestmark = pytest.mark.usefixtures("right_books")

DUE = local("2026-03-13")  # PAID_AT is 12:00 local of 03-02: handed over the same day


def completed(tx: Tx, *bases: int, number: str = "A260302TEST0001") -> Sold:
    with tx() as session:
        sold = sell(session, bases or (29900,), number=number)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        hand_over(session, sold)
    return sold


def release(tx: Tx, at: object = DUE) -> int:
    with tx() as session:
        return release_due(session, now=at)  # type: ignore[arg-type]  # a datetime


def states(tx: Tx, sold: Sold, position: int = 0) -> set[str]:
    with tx() as session:
        return {row[4] for row in shares(session, sold, position)}


def test_frz2_nothing_is_released_before_midnight_and_everything_after(tx: Tx) -> None:
    sold = completed(tx, 29900, 12900)
    assert release(tx, DUE - timedelta(seconds=1)) == 0
    assert states(tx, sold) == {"FROZEN"}
    assert release(tx) == 2
    assert states(tx, sold) == states(tx, sold, 1) == {"RELEASABLE"}
    with tx() as session:
        found = balances(session, [f"frozen:{LIN}", f"payable:{LIN}", f"payable:{CHEN}"])
        assert list(found.values()) == [0, 748 + 322, 299 + 129]
        line = session.execute(text("select distinct releasable_at, released_at from commission_line")).one()
        assert tuple(line) == (DUE, DUE)


def test_frz2_without_hand_over_the_clock_does_not_run(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    assert release(tx, PAID_AT + timedelta(days=3650)) == 0
    assert states(tx, sold) == {"FROZEN"}


def test_frz2_the_days_come_from_the_snapshot_and_the_first_hand_over_counts(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session, credit=snapshot(aftersale_days=10, settle_delay_days=0))
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        hand_over(session, sold)
        start_clock(session, order_id=sold.order_id, completed_at=PAID_AT + timedelta(days=9))
        found = session.execute(text("select releasable_at from commission_line")).scalar()
    assert found == local("2026-03-13")


@pytest.mark.parametrize("state", ["REQUESTED", "PROCESSING", "ABNORMAL"])
def test_frz3_a_line_with_an_open_refund_stays_frozen_whatever_the_date(tx: Tx, state: str) -> None:
    sold = completed(tx, 29900, 12900)
    with tx() as session:
        refund_id = refund(session, sold, {0: 3333}, no="R1", state=state)
    assert release(tx, DUE + timedelta(days=30)) == 1
    assert (states(tx, sold), states(tx, sold, 1)) == ({"FROZEN"}, {"RELEASABLE"})
    with tx() as session:
        succeed(session, sold, refund_id)
        line_id = sold.lines[0].order_line_id
        reverse(session, refund_id=refund_id, lines=[(line_id, 3333)], at=DUE)
    assert release(tx, DUE + timedelta(days=31)) == 1
    with tx() as session:
        assert balances(session, [f"payable:{LIN}"]) == {f"payable:{LIN}": 399 + 265 + 193 + 129}


@pytest.mark.parametrize("state", ["CLOSED", "REFUSED"])
def test_frz3_an_ended_refund_gives_the_line_its_original_date_back(tx: Tx, state: str) -> None:
    sold = completed(tx)
    with tx() as session:
        refund(session, sold, {0: 3333}, no="R1", state=state)
    assert release(tx) == 1
    assert states(tx, sold) == {"RELEASABLE"}


def test_frz1_a_held_share_stays_held(tx: Tx) -> None:
    sold = completed(tx)
    with tx() as session:
        sell_clerk = "select id from commission_share where role = 'SELL_CLERK'"
        ids = session.execute(text(sell_clerk)).scalars().all()
        hold(session, share_ids=ids, cause="fraud:1", at=PAID_AT)
    release(tx)
    assert states(tx, sold) == {"RELEASABLE", "HELD"}
    with tx() as session:
        assert balances(session, [f"frozen:{CHEN}", f"payable:{CHEN}"]) == {
            f"frozen:{CHEN}": 299,
            f"payable:{CHEN}": 0,
        }


def test_frz1_what_was_taken_back_in_full_is_not_released(tx: Tx) -> None:
    sold = completed(tx)
    with tx() as session:
        refund_id = refund(session, sold, {0: 29900}, no="R1")
        reverse(session, refund_id=refund_id, lines=[(sold.lines[0].order_line_id, 29900)], at=PAID_AT)
    assert release(tx) == 1
    assert states(tx, sold) == {"REVERSED"}
    assert release(tx) == 0


def test_frz2_six_workers_at_once_release_every_line_once(tx: Tx) -> None:
    sold = [completed(tx, 29900, number=f"A260302TEST{no:04}") for no in range(30)]

    def work(number: int) -> int:
        done = 0
        while True:
            with tx() as session:
                count = release_due(session, now=DUE, limit=4)
            done += count
            if not count:
                return done

    assert sum(at_once(6, work)) == 30
    assert release(tx) == 0
    assert {state for order in sold for state in states(tx, order)} == {"RELEASABLE"}
    with tx() as session:
        assert balances(session, [f"payable:{LIN}"]) == {f"payable:{LIN}": 748 * 30}
