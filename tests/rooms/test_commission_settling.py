"""The commission side of settlement on a real database (SET-1, CLW-3, CLW-4): taken once, netted, carried."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Conflict, Forbidden
from app.commission.accrual import accrue
from app.commission.batch_rows import batch_rows
from app.commission.clawback import reverse
from app.commission.holding import hold, unhold
from app.commission.release import pause, release_due, resume
from app.commission.settling import (
    PartyDue,
    fix_batch,
    mark_settled,
    return_from_batch,
    take_into_batch,
    unsettled,
)
from app.commission.writing_off import hopeless, write_off
from app.ledger.reading import balances
from models.commission import PartyKind
from tests.racing import at_once
from tests.rooms.paid import CHEN, LIN, PAID_AT, Sold, book, hand_over, local, refund, sell, share_ids, staff

pytestmark = pytest.mark.usefixtures("right_books")

DUE, APRIL, TENTH = local("2026-03-13"), local("2026-04-01"), local("2026-04-10")


def released(tx: Tx, *bases: int, number: str = "A260302TEST0001") -> Sold:
    with tx() as session:
        sold = sell(session, bases or (29900,), number=number)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        hand_over(session, sold)
        release_due(session, now=DUE)
    return sold


def take_back(tx: Tx, sold: Sold, fen: int, no: str, at: datetime = TENTH) -> None:
    with tx() as session:
        refund_id = refund(session, sold, {0: fen}, no=no)
        reverse(session, refund_id=refund_id, lines=[(sold.lines[0].order_line_id, fen)], at=at)


def taken(tx: Tx, batch_id: int, party: str = CHEN, beside_fen: int = 0) -> int:
    with tx() as session:
        made = take_into_batch(
            session, batch_id=batch_id, party=party, before=APRIL, at=TENTH, beside_fen=beside_fen
        )
    assert made.net_fen is not None
    return made.net_fen


def settled(tx: Tx, batch_id: int, party: str | None = None) -> int:
    with tx() as session:
        return mark_settled(session, batch_id=batch_id, at=TENTH, party=party).rows


def paid_out(tx: Tx, party: str = CHEN) -> list[int]:
    with tx() as session:
        return list(balances(session, [f"payable:{party}", f"payout:{party}"]).values())


def rows(tx: Tx, batch_id: int) -> list[tuple[int, int]]:
    with tx() as session:
        return [(row.amount_fen, row.carried_fen) for row in batch_rows(session, batch_id=batch_id)]


def sell_state(tx: Tx, sold: Sold) -> str:
    with tx() as session:
        return book(session, sold)[3][3]


def test_set1_what_became_certain_before_the_month_is_due_by_party(tx: Tx) -> None:
    released(tx)
    with tx() as session:
        assert unsettled(session, before=APRIL, kinds=[PartyKind.CLERK]) == [
            PartyDue(LIN, PartyKind.CLERK, 748, 2, 0),
            PartyDue(CHEN, PartyKind.CLERK, 299, 1, 0),
        ]
        assert [due.party for due in unsettled(session, before=APRIL, kinds=[PartyKind.STORE])] == [
            "store:SZ-FT",
            "store:SZ-NS",
        ]
        assert unsettled(session, before=DUE) == []
        assert len(unsettled(session, before=DUE + timedelta(seconds=1))) == 4


def test_set1_rows_are_taken_once_in_chunks_and_settled_once(tx: Tx) -> None:
    sold = released(tx, 29900, 12900, 5000)
    with tx() as session:
        first = take_into_batch(session, batch_id=1, party=LIN, before=APRIL, at=TENTH, limit=4)
        rest = take_into_batch(
            session, batch_id=1, party=LIN, before=APRIL, at=TENTH, after=first.at_share, limit=4
        )
        again = take_into_batch(session, batch_id=2, party=LIN, before=APRIL, at=TENTH)
    total = 748 + (193 + 129) + (75 + 50)
    assert (first.rows, first.more, first.net_fen) == (4, True, None)
    assert (rest.rows, rest.more, rest.net_fen) == (2, False, total)
    assert (again.rows, again.net_fen) == (0, 0)
    assert sell_state(tx, sold) == "RELEASABLE"
    with tx() as session:
        assert book(session, sold)[0][3] == "IN_BATCH"
        assert mark_settled(session, batch_id=1, at=TENTH, limit=4).rows == 4
        assert mark_settled(session, batch_id=1, at=TENTH, limit=4).rows == 2
        assert mark_settled(session, batch_id=1, at=TENTH, limit=4).rows == 0
        assert book(session, sold)[0][3] == "SETTLED"
    assert paid_out(tx, LIN) == [0, total]
    assert taken(tx, 3, LIN) == 0


def test_set1_a_returned_row_is_free_for_the_next_batch(tx: Tx) -> None:
    sold = released(tx)
    assert taken(tx, 1) == 299
    with tx() as session:
        assert return_from_batch(session, batch_id=1, at=TENTH, share_ids=[999_999]).rows == 0
        assert return_from_batch(session, batch_id=1, at=TENTH).rows == 1
    assert sell_state(tx, sold) == "RELEASABLE"
    assert rows(tx, 1) == []
    assert taken(tx, 1) == 299
    with tx() as session:
        fix_batch(session, batch_id=1)
        assert return_from_batch(session, batch_id=1, at=TENTH).rows == 0
        assert return_from_batch(session, batch_id=1, at=TENTH, although_fixed=True).rows == 1
    assert taken(tx, 2) == 299


def test_clw3_settled_449_then_refunded_is_449_less_in_the_next_batch(tx: Tx) -> None:
    first = released(tx)
    taken(tx, 1, LIN)
    settled(tx, 1)
    take_back(tx, first, 29900, "R1")
    released(tx, 59800, number="A260302TEST0002")
    with tx() as session:
        lin = unsettled(session, before=APRIL, kinds=[PartyKind.CLERK])[0]
        assert (lin.payable_fen, lin.debt_fen) == (897 + 598, 449 + 299)
    assert taken(tx, 2, LIN) == 897 + 598 - 449 - 299
    assert sorted(rows(tx, 2)) == [(-449, 0), (-299, 0), (598, 0), (897, 0)]
    settled(tx, 2)
    assert paid_out(tx, LIN) == [0, 897 + 598]


def test_clw3_a_batch_never_falls_below_zero_and_carries_the_rest(tx: Tx) -> None:
    first = released(tx)
    taken(tx, 1)
    settled(tx, 1)
    take_back(tx, first, 29900, "R1")
    assert taken(tx, 2) == 0
    assert rows(tx, 2) == [(0, 299)]
    settled(tx, 2)
    assert paid_out(tx) == [-299, 299]
    released(tx, 5000, number="A260302TEST0002")
    assert taken(tx, 3) == 0
    assert sorted(rows(tx, 3)) == [(-50, 249), (50, 0)]
    settled(tx, 3)
    assert paid_out(tx) == [-249, 299]
    released(tx, number="A260302TEST0003")
    assert taken(tx, 4) == 50
    settled(tx, 4)
    assert paid_out(tx) == [0, 349]


def test_clw3_a_debt_nets_against_what_the_batch_pays_beside_its_rows(tx: Tx) -> None:
    first = released(tx)
    taken(tx, 1)
    settled(tx, 1)
    take_back(tx, first, 29900, "R1")
    assert taken(tx, 2, beside_fen=100) == -100
    assert rows(tx, 2) == [(-100, 199)]


def test_clw3_a_refund_before_approval_takes_the_row_out_and_after_it_makes_a_debt(tx: Tx) -> None:
    sold = released(tx)
    taken(tx, 1)
    take_back(tx, sold, 3333, "R1")
    assert rows(tx, 1) == []
    assert sell_state(tx, sold) == "RELEASABLE"
    assert taken(tx, 1) == 266
    with tx() as session:
        fix_batch(session, batch_id=1)
    take_back(tx, sold, 26567, "R2")
    assert rows(tx, 1) == [(266, 0)]
    settled(tx, 1)
    assert paid_out(tx) == [-266, 266]
    assert taken(tx, 2) == 0
    assert rows(tx, 2) == [(0, 266)]


def test_clw3_a_row_that_leaves_a_batch_lets_go_of_the_debts_it_covered(tx: Tx) -> None:
    first = released(tx)
    taken(tx, 1)
    settled(tx, 1)
    take_back(tx, first, 29900, "R1")
    second = released(tx, number="A260302TEST0002")
    assert taken(tx, 2) == 0
    take_back(tx, second, 29900, "R2")
    assert taken(tx, 2) == 0
    assert rows(tx, 2) == [(0, 299)]


def test_clw4_a_leaver_with_12000_frozen_and_a_refund_of_3000_is_paid_9000(tx: Tx) -> None:
    with tx() as session:
        staff(session)
        # 20 % of a pool of 5 %: a base of 300 000 brings the selling clerk 3 000.
        orders = [sell(session, [300_000], number=f"A260302TEST000{no}") for no in range(4)]
        for sold in orders:
            accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
            hand_over(session, sold)
        assert balances(session, [f"frozen:{CHEN}"]) == {f"frozen:{CHEN}": 12_000}
        session.execute(
            text("update clerk set status = 'LEFT', last_day = '2026-03-05' where code = 'C-SZFT-02'")
        )
    take_back(tx, orders[0], 300_000, "R1", PAID_AT + timedelta(days=5))
    with tx() as session:
        release_due(session, now=DUE)
    assert taken(tx, 1) == 9_000
    settled(tx, 1)
    assert paid_out(tx) == [0, 9_000]


def test_frd2_frz3_held_shares_and_open_after_sales_are_not_taken(tx: Tx) -> None:
    sold = released(tx)
    with tx() as session:
        share_id = share_ids(session, sold)["SELL_CLERK"]
        hold(session, share_ids=[share_id], cause="dispute:1", at=TENTH)
    assert taken(tx, 1) == 0
    with tx() as session:
        unhold(session, cause="dispute:1", at=TENTH)
        pause(session, order_line_ids=[sold.lines[0].order_line_id], cause="aftersale:1", at=TENTH)
    assert taken(tx, 1) == 0
    with tx() as session:
        resume(session, cause="aftersale:1", at=TENTH)
    assert taken(tx, 1) == 299


def test_frd2_a_hold_takes_a_row_out_of_an_open_batch_and_not_out_of_an_approved_one(tx: Tx) -> None:
    sold = released(tx)
    with tx() as session:
        share_id = share_ids(session, sold)["SELL_CLERK"]
    taken(tx, 1)
    with tx() as session:
        hold(session, share_ids=[share_id], cause="dispute:1", at=TENTH)
    assert settled(tx, 1) == 0
    with tx() as session:
        unhold(session, cause="dispute:1", at=TENTH)
    taken(tx, 1)
    with tx() as session:
        fix_batch(session, batch_id=1)
        hold(session, share_ids=[share_id], cause="dispute:2", at=TENTH)
    assert settled(tx, 1) == 1
    assert sell_state(tx, sold) == "HELD"
    with tx() as session:
        unhold(session, cause="dispute:2", at=TENTH)
    assert sell_state(tx, sold) == "SETTLED"


def carried(tx: Tx, times: int) -> int:
    """A debt of 299 carried through so many cycles; answers its share."""
    sold = released(tx)
    taken(tx, 1)
    settled(tx, 1)
    take_back(tx, sold, 29900, "R1")
    for batch_id in range(2, 2 + times):
        taken(tx, batch_id)
        settled(tx, batch_id)
    with tx() as session:
        return share_ids(session, sold)["SELL_CLERK"]


def test_clw3_after_six_cycles_two_people_write_the_debt_off(tx: Tx) -> None:
    share_id = carried(tx, 6)
    with tx() as session:
        assert [(debt.party, debt.debt_fen, debt.cycles) for debt in hopeless(session)] == [(CHEN, 299, 6)]
    both = {"asked_by": "operator:O-1", "approved_by": "operator:O-2"}
    same = both | {"approved_by": "operator:O-1"}
    with pytest.raises(Forbidden, match="SAME_PERSON"), tx() as session:
        write_off(session, share_ids=[share_id], why="离职未还", at=TENTH, **same)
    assert paid_out(tx) == [-299, 299]
    with tx() as session:
        assert write_off(session, share_ids=[share_id], why="离职未还", at=TENTH, **both) == 299
        assert hopeless(session) == []
        note = session.execute(text("select actor, before from audit_entry")).one()
        assert (note.actor, note.before["debt_fen"], note.before["asked_by"]) == (
            "operator:O-2",
            299,
            "operator:O-1",
        )
    assert paid_out(tx) == [0, 299]
    with tx() as session:
        assert balances(session, ["expense:written-off:E-HQ"]) == {"expense:written-off:E-HQ": -299}
    with pytest.raises(Conflict), tx() as session:
        write_off(session, share_ids=[share_id], why="再次", at=TENTH, **both)
    assert taken(tx, 9) == 0
    assert rows(tx, 9) == []


def test_clw3_a_debt_that_was_carried_five_times_is_not_written_off(tx: Tx) -> None:
    share_id = carried(tx, 5)
    with pytest.raises(Conflict, match="DEBT_NOT_HOPELESS"), tx() as session:
        write_off(
            session,
            share_ids=[share_id],
            asked_by="operator:O-1",
            approved_by="operator:O-2",
            why="x",
            at=TENTH,
        )
    assert paid_out(tx) == [-299, 299]


def test_set1_two_batches_settling_and_a_refund_at_once_count_every_fen_once(tx: Tx) -> None:
    orders = [released(tx, number=f"A260302TEST00{no:02}") for no in range(8)]
    refunds = []
    for no, sold in enumerate(orders):
        with tx() as session:
            refunds.append(refund(session, sold, {0: 29900}, no=f"R{no}"))

    def work(number: int) -> None:
        with tx() as session:
            if number < 8:
                line_id = orders[number].lines[0].order_line_id
                reverse(session, refund_id=refunds[number], lines=[(line_id, 29900)], at=TENTH)
            elif number % 2:
                take_into_batch(session, batch_id=number % 4, party=CHEN, before=APRIL, at=TENTH, limit=3)
            else:
                mark_settled(session, batch_id=number % 4 + 1, at=TENTH)

    at_once(16, work)
    for batch_id in (1, 3, 5):
        taken(tx, batch_id)
        settled(tx, batch_id)
    payable, payout = paid_out(tx)
    # Everything was refunded: what was paid out before is owed, whatever the order of events was.
    assert payable + payout == 0
