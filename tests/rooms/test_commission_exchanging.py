"""Exchanged goods on a real database (CLW-5): same price, cheaper, dearer, part of a line, after release."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Alarm, Conflict, NotFound
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.exchanging import exchange
from app.commission.holding import hold
from app.commission.release import release_due
from app.ledger.reading import balances
from tests.rooms.paid import (
    LIN,
    PAID_AT,
    Sold,
    book,
    hand_over,
    local,
    refund,
    sell,
    share_ids,
    snapshot,
)

pytestmark = pytest.mark.usefixtures("right_books")

GIVEN_AT = PAID_AT + timedelta(days=3)
DUE = local("2026-03-13")


def bought(tx: Tx, base: int = 29900, number: str = "A260302TEST0001", *, accrued: bool = True) -> Sold:
    with tx() as session:
        sold = sell(session, [base], number=number, credit=snapshot(platform_fee_bp=500))
        if accrued:
            accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
            hand_over(session, sold)
    return sold


def instead(tx: Tx, base: int, number: str = "A260305TEST0002") -> Sold:
    """The order that brings the other goods; its commission comes by the exchange."""
    return bought(tx, base, number, accrued=False)


def exchanged(tx: Tx, old: Sold, new: Sold, *, extra: Sold | None = None, cause: str = "exchange:1") -> None:
    with tx() as session:
        exchange(
            session,
            cause=cause,
            old_line_id=old.lines[0].order_line_id,
            new_line=new.lines[0],
            extra_line=extra.lines[0] if extra else None,
            at=GIVEN_AT,
        )


def take_back(tx: Tx, sold: Sold, fen: int, no: str = "R1") -> None:
    with tx() as session:
        refund_id = refund(session, sold, {0: fen}, no=no)
        reverse(session, refund_id=refund_id, lines=[(sold.lines[0].order_line_id, fen)], at=GIVEN_AT)


def left(tx: Tx, sold: Sold) -> list[int]:
    with tx() as session:
        return [fen for _, _, fen, _ in book(session, sold)]


def test_clw5_at_the_same_price_the_accrual_moves_and_the_clock_restarts(tx: Tx) -> None:
    old = bought(tx)
    new = instead(tx, 29900)
    for _ in range(2):
        exchanged(tx, old, new)
    assert left(tx, old) == [0, 0, 0, 0, 0]
    assert left(tx, new) == [449, 224, 299, 299, 224]
    with tx() as session:
        assert {row[3] for row in book(session, new)} == {"FROZEN"}
        assert release_due(session, now=DUE) == 1
        assert balances(session, [f"frozen:{LIN}", f"payable:{LIN}"]) == {
            f"frozen:{LIN}": 748,
            f"payable:{LIN}": 0,
        }
        hand_over(session, new, at=GIVEN_AT)
        due = session.execute(
            text("select releasable_at from commission_line where order_number = :n"), {"n": new.number}
        ).scalar_one()
        assert due == local("2026-03-16")


def test_clw5_what_two_units_left_goes_along_to_the_fen(tx: Tx) -> None:
    old = bought(tx, 59800)
    take_back(tx, old, 29900)
    assert left(tx, old) == [448, 225, 299, 299, 224]
    new = instead(tx, 29900)
    exchanged(tx, old, new)
    assert left(tx, new) == [448, 225, 299, 299, 224]


def test_clw5_one_of_two_units_is_exchanged(tx: Tx) -> None:
    old = bought(tx, 59800)
    new = instead(tx, 29900)
    exchanged(tx, old, new)
    assert (left(tx, old), left(tx, new)) == ([448, 225, 299, 299, 224], [449, 224, 299, 299, 224])


@pytest.mark.parametrize("refund_first", [True, False])
def test_clw5_cheaper_goods_take_their_part_along_and_the_difference_is_refunded(
    tx: Tx, refund_first: bool
) -> None:
    old = bought(tx)
    new = instead(tx, 26567)
    if refund_first:
        take_back(tx, old, 3333)
    exchanged(tx, old, new)
    if not refund_first:
        take_back(tx, old, 3333)
    assert sum(left(tx, old)) == 0
    assert sum(left(tx, new)) == 1328
    take_back(tx, new, 26567, "R2")
    assert sum(left(tx, new)) == 0


def test_clw5_dearer_goods_earn_the_difference_under_the_original_snapshot(tx: Tx) -> None:
    old = bought(tx)
    new, extra = instead(tx, 29900), instead(tx, 12900, "A260305TEST0003")
    for _ in range(2):
        exchanged(tx, old, new, extra=extra)
    assert left(tx, new) == [449, 224, 299, 299, 224]
    assert left(tx, extra) == [193, 97, 129, 129, 97]


def test_clw5_after_release_the_old_share_gives_up_what_was_certain(tx: Tx) -> None:
    old = bought(tx)
    with tx() as session:
        release_due(session, now=DUE)
    new = instead(tx, 29900)
    exchanged(tx, old, new)
    with tx() as session:
        assert list(balances(session, [f"payable:{LIN}", f"frozen:{LIN}"]).values()) == [0, 748]


def test_clw5_held_shares_stay_held_on_the_new_line(tx: Tx) -> None:
    old = bought(tx)
    with tx() as session:
        hold(session, share_ids=[share_ids(session, old)["SELL_CLERK"]], cause="fraud:1", at=GIVEN_AT)
    new = instead(tx, 29900)
    exchanged(tx, old, new)
    with tx() as session:
        assert [row[3] for row in book(session, new)] == ["FROZEN", "FROZEN", "FROZEN", "HELD", "FROZEN"]


def test_clw5_another_exchange_for_the_same_cause_raises_an_alarm_and_moves_nothing(tx: Tx) -> None:
    old = bought(tx)
    exchanged(tx, old, instead(tx, 10000))
    other = instead(tx, 10000, "A260305TEST0003")
    with pytest.raises(Alarm, match="exchange:1"):
        exchanged(tx, old, other)
    with tx() as session:
        # Its goods are given by another exchange then; so the books are right again.
        exchange(
            session,
            cause="exchange:2",
            old_line_id=old.lines[0].order_line_id,
            new_line=other.lines[0],
            at=GIVEN_AT,
        )
    assert sum(left(tx, other)) == 500


def test_clw5_more_than_stands_and_an_unknown_line_are_refused(tx: Tx) -> None:
    old = bought(tx)
    take_back(tx, old, 3333)
    new = instead(tx, 26568)
    with pytest.raises(Conflict, match="EXCHANGE_TOO_MUCH"):
        exchanged(tx, old, new)
    with pytest.raises(NotFound), tx() as session:
        exchange(session, cause="exchange:1", old_line_id=999_999, new_line=new.lines[0], at=GIVEN_AT)
    with tx() as session:
        assert session.execute(text("select count(*) from commission_move")).scalar() == 0
        accrue(session, new.lines, paid_at=PAID_AT, now=PAID_AT)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(base=st.integers(1, 60_000), data=st.data())
def test_clw5_any_part_of_any_base_keeps_both_lines_exact_to_the_last_refund(
    tx: Tx, base: int, data: st.DataObject
) -> None:
    part = data.draw(st.integers(1, base))
    back = data.draw(st.integers(0, base - part))
    with tx() as session:
        old = sell(session, [base], credit=snapshot())
        accrue(session, old.lines, paid_at=PAID_AT, now=PAID_AT)
        new = sell(session, [part], number="A260305TEST0002", credit=snapshot())
        old_id, new_id = old.lines[0].order_line_id, new.lines[0].order_line_id
        if back:
            refund_id = refund(session, old, {0: back}, no="R0")
            reverse(session, refund_id=refund_id, lines=[(old_id, back)], at=GIVEN_AT)
        exchange(session, cause="exchange:1", old_line_id=old_id, new_line=new.lines[0], at=GIVEN_AT)
        assert sum(amounts_left(session, new)) == (part * 500 + 5000) // 10000
        assert sum(amounts_left(session, old)) == ((base - part - back) * 500 + 5000) // 10000
        for no, (sold, line_id, fen) in enumerate(((new, new_id, part), (old, old_id, base - part - back))):
            if fen:
                refund_id = refund(session, sold, {0: fen}, no=f"R{no + 1}")
                reverse(session, refund_id=refund_id, lines=[(line_id, fen)], at=GIVEN_AT)
        assert set(amounts_left(session, old) + amounts_left(session, new)) <= {0}
        assert balances(session, ["moving:commission", "expense:commission:E-HQ"]) == {
            "moving:commission": 0,
            "expense:commission:E-HQ": 0,
        }
        session.rollback()


def amounts_left(session: object, sold: Sold) -> list[int]:
    return [fen for _, _, fen, _ in book(session, sold)]  # type: ignore[arg-type]  # a step
