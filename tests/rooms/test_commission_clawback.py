"""Claw-back on a real database (CLW-1 to CLW-3): exact, once per refund, after release too, in races."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Alarm
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.release import release_due
from app.ledger.reading import balances
from tests.racing import at_once
from tests.rooms.paid import CHEN, LIN, PAID_AT, Sold, amounts, hand_over, local, refund, sell, shares

pytestmark = pytest.mark.usefixtures("right_books")

BACK_AT = PAID_AT + timedelta(days=2)


def sold_and_accrued(tx: Tx, *bases: int) -> Sold:
    with tx() as session:
        sold = sell(session, bases)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    return sold


def take_back(tx: Tx, sold: Sold, parts: dict[int, int], no: str) -> int:
    with tx() as session:
        refund_id = refund(session, sold, parts, no=no)
        reverse(session, refund_id=refund_id, lines=as_lines(sold, parts), at=BACK_AT)
    return refund_id


def as_lines(sold: Sold, parts: dict[int, int]) -> list[tuple[int, int]]:
    return [(sold.lines[position].order_line_id, fen) for position, fen in parts.items()]


def test_clw2_one_of_two_units_then_the_other(tx: Tx) -> None:
    sold = sold_and_accrued(tx, 59800)
    take_back(tx, sold, {0: 29900}, "R1")
    with tx() as session:
        assert [row[3] for row in shares(session, sold)] == [449, 224, 299, 299, 224]
        assert amounts(session, sold) == [448, 225, 299, 299, 224]
        assert balances(session, [f"frozen:{LIN}", "expense:commission:E-HQ"]) == {
            f"frozen:{LIN}": 747,
            "expense:commission:E-HQ": -1495,
        }
    take_back(tx, sold, {0: 29900}, "R2")
    with tx() as session:
        assert amounts(session, sold) == [0, 0, 0, 0, 0]
        assert {row[4] for row in shares(session, sold)} == {"REVERSED"}
        assert set(balances(session, [f"frozen:{LIN}", f"frozen:{CHEN}"]).values()) == {0}


def test_clw2_an_odd_refund_of_one_line_leaves_the_other_alone(tx: Tx) -> None:
    sold = sold_and_accrued(tx, 29900, 12900)
    take_back(tx, sold, {0: 3333}, "R1")
    with tx() as session:
        assert [row[3] for row in shares(session, sold)] == [50, 25, 34, 33, 25] == [50, 25, 34, 33, 25]
        assert [row[3] for row in shares(session, sold, 1)] == [0, 0, 0, 0, 0]
        line = session.execute(
            text("select refunded_base_fen, reversed_fen from commission_line order by 1 desc limit 1")
        ).one()
        assert tuple(line) == (3333, 167)


def test_clw1_the_same_refund_again_takes_nothing_more(tx: Tx) -> None:
    sold = sold_and_accrued(tx, 29900)
    refund_id = take_back(tx, sold, {0: 3333}, "R1")
    with tx() as session:
        reverse(session, refund_id=refund_id, lines=as_lines(sold, {0: 3333}), at=BACK_AT)
        assert sum(amounts(session, sold)) == 1328
    with pytest.raises(Alarm, match="another amount"), tx() as session:
        reverse(session, refund_id=refund_id, lines=as_lines(sold, {0: 3334}), at=BACK_AT)


def test_clw1_a_refund_too_small_to_move_the_pool_still_counts_once(tx: Tx) -> None:
    sold = sold_and_accrued(tx, 29900)
    for no in range(1, 10):
        refund_id = take_back(tx, sold, {0: 1}, f"R{no}")
        with tx() as session:
            reverse(session, refund_id=refund_id, lines=as_lines(sold, {0: 1}), at=BACK_AT)
    with tx() as session:
        # 29 891 x 5 % = 1 494.55: still 1 495. The tenth fen makes it 1 494.5, half up 1 495; the 11th 1 494.
        assert sum(amounts(session, sold)) == 1495
    take_back(tx, sold, {0: 2}, "R10")
    with tx() as session:
        assert sum(amounts(session, sold)) == 1494


def test_clw1_ten_reversals_of_one_refund_at_once_take_once(tx: Tx) -> None:
    sold = sold_and_accrued(tx, 59800)
    with tx() as session:
        refund_id = refund(session, sold, {0: 29900}, no="R1")

    def work(number: int) -> None:
        with tx() as session:
            reverse(session, refund_id=refund_id, lines=as_lines(sold, {0: 29900}), at=BACK_AT)

    at_once(10, work)
    with tx() as session:
        assert amounts(session, sold) == [448, 225, 299, 299, 224]


def test_clw1_different_refunds_of_two_lines_at_once_all_count(tx: Tx) -> None:
    sold = sold_and_accrued(tx, 29900, 12900)
    with tx() as session:
        ids = [refund(session, sold, {0: 2990, 1: 1290}, no=f"R{no}") for no in range(10)]

    def work(number: int) -> None:
        with tx() as session:
            lines = as_lines(sold, {0: 2990, 1: 1290})
            reverse(session, refund_id=ids[number], lines=lines if number % 2 else lines[::-1], at=BACK_AT)

    at_once(10, work)
    with tx() as session:
        assert amounts(session, sold) == amounts(session, sold, 1) == [0, 0, 0, 0, 0]
        assert set(balances(session, [f"frozen:{LIN}", "expense:commission:E-HQ"]).values()) == {0}


def test_clw1_more_than_is_left_of_the_base_raises_an_alarm(tx: Tx) -> None:
    sold = sold_and_accrued(tx, 29900)
    take_back(tx, sold, {0: 3333}, "R1")
    with tx() as session:
        # The payments room refuses such a refund; the row is written past its rules.
        second = refund(session, sold, {0: 26568}, no="R2", state="CLOSED")
    with pytest.raises(Alarm, match="A260302TEST0001"), tx() as session:
        reverse(session, refund_id=second, lines=as_lines(sold, {0: 26568}), at=BACK_AT)
    with tx() as session:
        assert sum(amounts(session, sold)) == 1328


def test_clw3_after_release_the_refund_is_a_debt_of_the_payable_account(tx: Tx) -> None:
    sold = sold_and_accrued(tx, 59800)
    take_back(tx, sold, {0: 29900}, "R1")
    with tx() as session:
        hand_over(session, sold)
        assert release_due(session, now=local("2026-03-13")) == 1
    take_back(tx, sold, {0: 29900}, "R2")
    with tx() as session:
        assert amounts(session, sold) == [0, 0, 0, 0, 0]
        found = balances(session, [f"frozen:{LIN}", f"payable:{LIN}", "expense:commission:E-HQ"])
        assert set(found.values()) == {0}
        debits = session.execute(
            text("select count(*) from ledger_transfer t join ledger_account a on a.id = t.debit_account_id"
                 " where t.kind = 'COMMISSION_REVERSE' and a.name like 'payable:%'")
        ).scalar()  # fmt: skip
        assert debits == 5


def test_clw1_a_refund_that_is_told_before_the_accrual_is_applied_by_it(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session, [59800])
        refund_id = refund(session, sold, {0: 29900}, no="R1")
        for _ in range(2):
            reverse(session, refund_id=refund_id, lines=as_lines(sold, {0: 29900}), at=BACK_AT)
    with tx() as session:
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        reverse(session, refund_id=refund_id, lines=as_lines(sold, {0: 29900}), at=BACK_AT)
    with tx() as session:
        assert amounts(session, sold) == [448, 225, 299, 299, 224]
        assert balances(session, [f"frozen:{LIN}"]) == {f"frozen:{LIN}": 747}


@pytest.mark.parametrize("attempt", range(8))
def test_clw1_accrual_and_refund_at_the_same_moment_lose_nothing(tx: Tx, attempt: int) -> None:
    with tx() as session:
        sold = sell(session, [59800])
        refund_id = refund(session, sold, {0: 29900}, no="R1")

    def work(number: int) -> None:
        with tx() as session:
            if number % 2:
                accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
            else:
                reverse(session, refund_id=refund_id, lines=as_lines(sold, {0: 29900}), at=BACK_AT)

    at_once(4, work)
    with tx() as session:
        assert amounts(session, sold) == [448, 225, 299, 299, 224]


def test_clw1_no_lines_and_lines_of_nothing_change_nothing(tx: Tx) -> None:
    sold = sold_and_accrued(tx, 29900)
    with tx() as session:
        refund_id = refund(session, sold, {0: 1}, no="R1", state="REQUESTED")
        reverse(session, refund_id=refund_id, lines=[], at=BACK_AT)
        reverse(session, refund_id=refund_id, lines=[(sold.lines[0].order_line_id, 0)], at=BACK_AT)
        assert session.execute(text("select count(*) from commission_reversal")).scalar() == 0


CUTS = st.lists(st.integers(1, 29899), max_size=5, unique=True)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=CUTS, release_after=st.integers(0, 6))
def test_clw1_any_chain_with_a_release_anywhere_ends_at_exactly_zero_in_both_books(
    tx: Tx, cuts: list[int], release_after: int
) -> None:
    points = [0, *sorted(cuts), 29900]
    with tx() as session:
        sold = sell(session)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        hand_over(session, sold)
        for no, (start, end) in enumerate(pairwise(points)):
            if no == release_after:
                release_due(session, now=local("2026-03-13"))
            before = amounts(session, sold)
            refund_id = refund(session, sold, {0: end - start}, no=f"R{no}")
            reverse(session, refund_id=refund_id, lines=as_lines(sold, {0: end - start}), at=BACK_AT)
            after = amounts(session, sold)
            assert all(0 <= b <= a for a, b in zip(before, after, strict=True))
        assert after == [0, 0, 0, 0, 0]
        names = [f"{kind}:{party}" for kind in ("frozen", "payable") for party in (LIN, CHEN)]
        assert set(balances(session, [*names, "expense:commission:E-HQ"]).values()) == {0}
        session.rollback()
