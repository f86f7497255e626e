"""Shares handed to others on a real database (DSP-1, MRG-4): exact, once per cause, in any state, in races."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Alarm, Invalid, NotFound
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.holding import hold, unhold
from app.commission.moving import Heir, move
from app.commission.release import release_due
from app.commission.settling import mark_settled, take_into_batch
from app.ledger.reading import balances
from models.commission import PartyKind
from tests.racing import at_once
from tests.rooms.paid import (
    CHEN,
    FUTIAN,
    HQ,
    LIN,
    PAID_AT,
    Sold,
    book,
    hand_over,
    local,
    refund,
    sell,
    share_ids,
    staff,
)

pytestmark = pytest.mark.usefixtures("right_books")

DUE = local("2026-03-13")
DECIDED = PAID_AT + timedelta(days=4)
ZHOU = "clerk:C-SZNS-01"


@pytest.fixture
def sold(tx: Tx) -> Sold:
    with tx() as session:
        staff(session)
        made = sell(session)
        accrue(session, made.lines, paid_at=PAID_AT, now=PAID_AT)
        hand_over(session, made)
    return made


def to(party: str, part_bp: int = 10_000) -> Heir:
    return Heir(PartyKind(party.partition(":")[0].upper()), party, part_bp)


def moved(tx: Tx, sold: Sold, role: str, *heirs: Heir, cause: str = "dispute:1", **facts: Any) -> list[int]:
    with tx() as session:
        share_id = share_ids(session, sold)[role]
        because = {"kind": "DISPUTE"} | facts
        return move(session, share_id=share_id, to=heirs, cause=cause, because=because, at=DECIDED)


def take_back(tx: Tx, sold: Sold, fen: int, no: str = "R1") -> None:
    with tx() as session:
        refund_id = refund(session, sold, {0: fen}, no=no)
        reverse(session, refund_id=refund_id, lines=[(sold.lines[0].order_line_id, fen)], at=DECIDED)


def lines(tx: Tx, sold: Sold) -> list[tuple[str, str, int, str]]:
    with tx() as session:
        return book(session, sold)


def money(tx: Tx, *names: str) -> list[int]:
    with tx() as session:
        return list(balances(session, names).values())


def test_mrg5_449_frozen_fen_go_to_the_first_clerk_and_the_other_shares_stay(tx: Tx, sold: Sold) -> None:
    moved(tx, sold, "ACQ_CLERK", to(ZHOU), cause="merge:M-0006", kind="MERGE")
    assert lines(tx, sold)[0] == ("ACQ_CLERK", LIN, 0, "MOVED")
    assert lines(tx, sold)[-1] == ("ACQ_CLERK", ZHOU, 449, "FROZEN")
    assert money(tx, f"frozen:{LIN}", f"frozen:{ZHOU}", "moving:commission") == [299, 449, 0]
    with tx() as session:
        release_due(session, now=DUE)
    assert money(tx, f"frozen:{ZHOU}", f"payable:{ZHOU}") == [0, 449]


def test_dsp1_a_split_leaves_the_holder_its_part(tx: Tx, sold: Sold) -> None:
    moved(tx, sold, "SELL_CLERK", to(CHEN, 6000), to(ZHOU, 4000))
    assert [row for row in lines(tx, sold) if row[0] == "SELL_CLERK"] == [
        ("SELL_CLERK", CHEN, 179, "FROZEN"),
        ("SELL_CLERK", ZHOU, 120, "FROZEN"),
    ]


def test_dsp1_the_same_decision_again_changes_nothing_and_another_one_raises_an_alarm(
    tx: Tx, sold: Sold
) -> None:
    assert len(moved(tx, sold, "SELL_CLERK", to(ZHOU))) == 1
    before = lines(tx, sold)
    assert moved(tx, sold, "SELL_CLERK", to(ZHOU)) == []
    with pytest.raises(Alarm, match="dispute:1"):
        moved(tx, sold, "SELL_CLERK", to(LIN))
    assert lines(tx, sold) == before


def test_clw1_a_later_refund_takes_from_the_new_holder(tx: Tx, sold: Sold) -> None:
    moved(tx, sold, "ACQ_CLERK", to(ZHOU))
    take_back(tx, sold, 3333)
    assert [(role, party, left) for role, party, left, _ in lines(tx, sold) if left] == [
        ("ACQ_STORE", FUTIAN, 199),
        ("SVC_CLERK", LIN, 265),
        ("SELL_CLERK", CHEN, 266),
        ("FULFIL_STORE", "store:SZ-NS", 199),
        ("ACQ_CLERK", ZHOU, 399),
    ]
    take_back(tx, sold, 26567, "R2")
    assert {left for _, _, left, _ in lines(tx, sold)} == {0}
    assert {state for *_, state in lines(tx, sold)} == {"REVERSED", "MOVED"}
    assert money(tx, f"frozen:{LIN}", f"frozen:{ZHOU}", "expense:commission:E-HQ") == [0, 0, 0]


def test_dsp1_what_is_left_after_a_refund_is_what_moves_and_it_may_come_back(tx: Tx, sold: Sold) -> None:
    take_back(tx, sold, 3333)
    heirs = moved(tx, sold, "ACQ_CLERK", to(ZHOU))
    assert lines(tx, sold)[-1] == ("ACQ_CLERK", ZHOU, 399, "FROZEN")
    with tx() as session:
        back = move(session, share_id=heirs[0], to=[to(LIN)], cause="dispute:2", because={}, at=DECIDED)
    assert len(back) == 1
    assert [row[1:] for row in lines(tx, sold) if row[0] == "ACQ_CLERK"] == [
        (LIN, 0, "MOVED"),
        (ZHOU, 0, "MOVED"),
        (LIN, 399, "FROZEN"),
    ]


def test_dsp1_a_certain_share_stays_certain_and_keeps_its_day(tx: Tx, sold: Sold) -> None:
    with tx() as session:
        release_due(session, now=DUE)
    moved(tx, sold, "SELL_CLERK", to(ZHOU))
    assert lines(tx, sold)[-1] == ("SELL_CLERK", ZHOU, 299, "RELEASABLE")
    assert money(tx, f"payable:{CHEN}", f"payable:{ZHOU}") == [0, 299]


def test_dsp1_of_a_settled_share_the_old_holder_owes_the_amount(tx: Tx, sold: Sold) -> None:
    with tx() as session:
        release_due(session, now=DUE)
        take_into_batch(session, batch_id=1, party=CHEN, before=local("2026-04-01"), at=DUE)
        mark_settled(session, batch_id=1, at=DUE)
    moved(tx, sold, "SELL_CLERK", to(ZHOU))
    assert money(tx, f"payable:{CHEN}", f"payout:{CHEN}", f"payable:{ZHOU}") == [-299, 299, 299]


def test_dsp1_a_share_in_an_open_batch_leaves_it(tx: Tx, sold: Sold) -> None:
    with tx() as session:
        release_due(session, now=DUE)
        take_into_batch(session, batch_id=1, party=CHEN, before=local("2026-04-01"), at=DUE)
    moved(tx, sold, "SELL_CLERK", to(ZHOU))
    with tx() as session:
        assert mark_settled(session, batch_id=1, at=DUE).rows == 0
    assert money(tx, f"payable:{CHEN}", f"payout:{CHEN}", f"payable:{ZHOU}") == [0, 0, 299]


def test_frd2_holds_go_along_with_the_share(tx: Tx, sold: Sold) -> None:
    with tx() as session:
        hold(session, share_ids=[share_ids(session, sold)["SELL_CLERK"]], cause="fraud:1", at=DECIDED)
    moved(tx, sold, "SELL_CLERK", to(ZHOU))
    assert lines(tx, sold)[-1] == ("SELL_CLERK", ZHOU, 299, "HELD")
    with tx() as session:
        release_due(session, now=DUE)
        unhold(session, cause="fraud:1", at=DUE)
    assert lines(tx, sold)[-1] == ("SELL_CLERK", ZHOU, 299, "RELEASABLE")


@pytest.mark.parametrize(
    ("heirs", "field"),
    [
        ([], "part_bp"),
        ([to(ZHOU, 9_999)], "part_bp"),
        ([to(ZHOU, 11_000), to(LIN, -1_000)], "part_bp"),
        ([to(ZHOU, 5_000), to(ZHOU, 5_000)], "party"),
        ([to("clerk:C-NOBODY")], "party"),
        ([Heir(PartyKind.STORE, ZHOU)], "party"),
    ],
)
def test_dsp1_heirs_that_do_not_fit_are_refused_and_nothing_moves(
    tx: Tx, sold: Sold, heirs: list[Heir], field: str
) -> None:
    before = lines(tx, sold)
    with pytest.raises(Invalid) as refusal:
        moved(tx, sold, "SELL_CLERK", *heirs)
    assert list(refusal.value.fields) == [field]
    assert lines(tx, sold) == before


def test_dsp1_an_unknown_share_is_not_found_and_nothing_left_moves_nothing(tx: Tx, sold: Sold) -> None:
    with pytest.raises(NotFound), tx() as session:
        move(session, share_id=999_999, to=[to(ZHOU)], cause="dispute:1", because={}, at=DECIDED)
    take_back(tx, sold, 29900)
    assert moved(tx, sold, "SELL_CLERK", to(ZHOU)) == []
    assert moved(tx, sold, "ACQ_CLERK", to(LIN)) == []
    with tx() as session:
        assert session.execute(text("select count(*) from commission_move")).scalar() == 0


def test_dsp1_ten_times_at_once_it_moves_once_while_a_refund_and_a_release_come_in(
    tx: Tx, sold: Sold
) -> None:
    with tx() as session:
        refund_id = refund(session, sold, {0: 3333}, no="R1")
        share_id = share_ids(session, sold)["SELL_CLERK"]
    line_id = sold.lines[0].order_line_id

    def work(number: int) -> None:
        with tx() as session:
            match number % 5:
                case 0:
                    reverse(session, refund_id=refund_id, lines=[(line_id, 3333)], at=DECIDED)
                case 1:
                    release_due(session, now=DUE)
                case _:
                    move(session, share_id=share_id, to=[to(ZHOU)], cause="dispute:1", because={}, at=DUE)

    at_once(10, work)
    with tx() as session:
        release_due(session, now=DUE)
    found = {(role, party): left for role, party, left, _ in lines(tx, sold) if left}
    assert sum(found.values()) == 1328
    assert ("SELL_CLERK", CHEN) not in found
    assert found["SELL_CLERK", ZHOU] in (265, 266)
    assert money(tx, "moving:commission", f"frozen:{ZHOU}", f"payable:{CHEN}") == [0, 0, 0]
    assert HQ not in {party for _, party in found}
