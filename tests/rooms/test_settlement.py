"""The monthly settlement on a real database: what is taken, netted, decided, handed over and carried on."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Alarm, Conflict, Forbidden, Invalid, NotFound
from app.commission.holding import hold, unhold
from app.ledger.reading import balances
from app.settlement import batches, paying, working
from app.settlement.working import Progress
from tests.make import count
from tests.racing import at_once
from tests.rooms.paid import CHEN, FUTIAN, LIN, NANSHAN, book, local, share_ids
from tests.rooms.settled import (
    APRIL_10,
    CASH,
    DECIDER,
    MAKER,
    SENDER,
    WHY,
    approved,
    batch_row,
    built,
    certain,
    decide,
    figures,
    line,
    paid_out,
    take_back,
)

pytestmark = pytest.mark.usefixtures("right_books")


def accounts(tx: Tx, party: str) -> tuple[int, int]:
    """What is certain and not settled, and what is settled and not paid out."""
    with tx() as session:
        found = balances(session, [f"payable:{party}", f"payout:{party}"])
    return found[f"payable:{party}"], found[f"payout:{party}"]


def test_set1_a_month_from_the_draft_to_the_money(tx: Tx) -> None:
    sold = certain(tx, "A260302TEST0001")
    number = built(tx)
    assert number == "S2026-04-1"
    assert figures(tx, number, LIN) == (748, 0, 0, 0, 748, 0)
    batch = batch_row(tx, number)
    assert (batch["state"], batch["phase"], batch["parties"]) == ("DRAFT", "BUILT", 4)
    assert (batch["gross_fen"], batch["payable_fen"], batch["rows_done"]) == (1495, 1495, 5)
    with tx() as session:
        assert {state for _, _, _, state in book(session, sold)} == {"IN_BATCH"}
    assert accounts(tx, LIN) == (748, 0)
    decide(tx, number)
    assert accounts(tx, LIN) == (0, 748)
    with tx() as session:
        assert {state for _, _, _, state in book(session, sold)} == {"SETTLED"}
    assert batch_row(tx, number)["state"] == "PAYING"
    assert batch_row(tx, number)["published_at"] == APRIL_10
    assert paid_out(tx, number) == 4
    assert accounts(tx, LIN) == (0, 0)
    assert (line(tx, number, LIN)["state"], batch_row(tx, number)["state"]) == ("PAID", "PAID")
    with tx() as session:
        batches.close(session, number=number, by=MAKER, why=WHY, at=APRIL_10)
    assert batch_row(tx, number)["state"] == "CLOSED"


def test_set1_only_what_became_certain_before_the_first_of_the_month(tx: Tx) -> None:
    certain(tx, "A260302TEST0001", at=local("2026-03-20"))
    late = certain(tx, "A260321TEST0002", at=local("2026-03-21"))
    number = built(tx)
    assert figures(tx, number, LIN)[0] == 748
    with tx() as session:
        assert {state for _, _, _, state in book(session, late)} == {"RELEASABLE"}
    decide(tx, number)
    assert figures(tx, approved(tx, "2026-05"), LIN)[0] == 748


def test_set1_the_job_makes_the_batch_on_the_local_10th_and_once(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    with tx() as session:
        assert batches.create_due(session, at=local("2026-04-10") - timedelta(seconds=1)) is None
        assert batches.create_due(session, at=local("2026-04-10")) == "S2026-04-1"
        assert batches.create_due(session, at=local("2026-04-10")) is None
        assert batches.create_due(session, at=local("2026-05-10")) is None, "April is not decided yet"
        assert working.unfinished(session) == ["S2026-04-1"]
    working.drive(tx, number="S2026-04-1", now=APRIL_10)
    with tx() as session:
        assert working.unfinished(session) == []
        assert batch_row(tx, "S2026-04-1")["created_by"] == "rule:SET-1"


def test_set1_refused_months_write_nothing(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    for month, code in (("2026-05", "MONTH_NOT_BEGUN"), ("2026-13", "INVALID")):
        with pytest.raises((Conflict, Invalid)) as refused, tx() as session:
            batches.create(session, month=month, by=MAKER, why=WHY, at=APRIL_10)
        assert refused.value.code == code
    number = built(tx)
    for month, code in (("2026-04", "MONTH_SETTLED"), ("2026-03", "MONTH_SETTLED")):
        with pytest.raises(Conflict) as refused, tx() as session:
            batches.create(session, month=month, by=MAKER, why=WHY, at=APRIL_10)
        assert refused.value.code == code
    with pytest.raises(Conflict) as refused, tx() as session:
        batches.create(session, month="2026-05", by=MAKER, why=WHY, at=local("2026-05-10"))
    assert refused.value.code == "BATCH_OPEN"
    with tx() as session:
        assert count(session, "settlement_batch") == 1
        assert count(session, "settlement_batch", f"number = '{number}'") == 1


def test_set1_who_made_or_handed_in_a_batch_does_not_approve_it(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    number = built(tx)
    with pytest.raises(Conflict, match="WRONG_STATE"), tx() as session:
        batches.approve(session, number=number, by=DECIDER, why=WHY, at=APRIL_10)
    with tx() as session:
        batches.submit(session, number=number, by=SENDER, why=WHY, at=APRIL_10)
    for person in (MAKER, SENDER):
        with pytest.raises(Forbidden, match="SAME_PERSON"), tx() as session:
            batches.approve(session, number=number, by=person, why=WHY, at=APRIL_10)
    assert batch_row(tx, number)["state"] == "REVIEW"
    with tx() as session:
        assert count(session, "audit_entry", "action = 'settlement.approve'") == 0
        batches.approve(session, number=number, by=DECIDER, why=WHY, at=APRIL_10)
        assert count(session, "audit_entry", "action = 'settlement.approve'") == 1


def test_set1_a_rejected_batch_frees_every_row_for_another(tx: Tx) -> None:
    sold = certain(tx, "A260302TEST0001")
    number = built(tx)
    with tx() as session:
        batches.submit(session, number=number, by=SENDER, why=WHY, at=APRIL_10)
    with tx() as session:
        batches.reject(session, number=number, by=DECIDER, why="wrong", at=APRIL_10)
    with pytest.raises(Conflict, match="BATCH_OPEN"), tx() as session:
        batches.create(session, month="2026-04", by=MAKER, why=WHY, at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10, chunk=1)
    with tx() as session:
        assert {state for _, _, _, state in book(session, sold)} == {"RELEASABLE"}
    assert (batch_row(tx, number)["state"], batch_row(tx, number)["phase"]) == ("REJECTED", "FREED")
    assert built(tx) == "S2026-04-2"
    assert figures(tx, "S2026-04-2", LIN) == (748, 0, 0, 0, 748, 0)


def test_set1_a_party_leaves_a_batch_and_comes_back(tx: Tx) -> None:
    sold = certain(tx, "A260302TEST0001")
    number = built(tx)
    with tx() as session:
        batches.remove_party(session, number=number, party=CHEN, by=MAKER, why="asked", at=APRIL_10)
    with pytest.raises(Conflict, match="BATCH_BUSY"), tx() as session:
        batches.submit(session, number=number, by=SENDER, why=WHY, at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10)
    assert (line(tx, number, CHEN)["state"], line(tx, number, CHEN)["why"]) == ("REMOVED", "asked")
    assert figures(tx, number, CHEN) == (0, 0, 0, 0, 0, 0)
    assert (batch_row(tx, number)["parties"], batch_row(tx, number)["payable_fen"]) == (3, 1196)
    with tx() as session:
        assert book(session, sold)[3][3] == "RELEASABLE"
        batches.add_party(session, number=number, party=CHEN, by=MAKER, why="asked again", at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10)
    assert figures(tx, number, CHEN) == (299, 0, 0, 0, 299, 0)
    assert batch_row(tx, number)["payable_fen"] == 1495
    with pytest.raises(Conflict, match="WRONG_STATE"), tx() as session:
        batches.add_party(session, number=number, party=CHEN, by=MAKER, why="twice", at=APRIL_10)
    with pytest.raises(NotFound), tx() as session:
        batches.remove_party(session, number=number, party="clerk:NOBODY", by=MAKER, why="x", at=APRIL_10)


def test_set1_a_removed_party_is_paid_with_the_next_month(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    number = built(tx)
    with tx() as session:
        batches.remove_party(session, number=number, party=CHEN, by=MAKER, why="asked", at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10)
    decide(tx, number)
    assert paid_out(tx, number) == 3
    assert figures(tx, approved(tx, "2026-05"), CHEN) == (299, 0, 0, 0, 299, 0)


def test_frd2_a_row_held_in_review_must_leave_before_the_approval(tx: Tx) -> None:
    sold = certain(tx, "A260302TEST0001")
    number = built(tx)
    with tx() as session:
        batches.submit(session, number=number, by=SENDER, why=WHY, at=APRIL_10)
        hold(session, share_ids=[share_ids(session, sold)["SELL_CLERK"]], cause="fraud:1", at=APRIL_10)
    with pytest.raises(Conflict, match="BATCH_CHANGED") as refused, tx() as session:
        batches.approve(session, number=number, by=DECIDER, why=WHY, at=APRIL_10)
    assert refused.value.facts == {"parties": [CHEN]}
    with tx() as session:
        assert batches.refresh(session, number=number, by=MAKER, why="held", at=APRIL_10) == [CHEN]
    working.drive(tx, number=number, now=APRIL_10)
    assert line(tx, number, CHEN) == {}, "nothing of it is left"
    with tx() as session:
        batches.approve(session, number=number, by=DECIDER, why=WHY, at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10)
    with tx() as session:
        unhold(session, cause="fraud:1", at=APRIL_10)
    assert paid_out(tx, number) == 3
    assert figures(tx, approved(tx, "2026-05"), CHEN) == (299, 0, 0, 0, 299, 0)


def test_frd2_a_row_held_after_the_approval_is_not_paid(tx: Tx) -> None:
    sold = certain(tx, "A260302TEST0001")
    number = built(tx)
    with tx() as session:
        batches.submit(session, number=number, by=SENDER, why=WHY, at=APRIL_10)
    with tx() as session:
        batches.approve(session, number=number, by=DECIDER, why=WHY, at=APRIL_10)
        hold(session, share_ids=[share_ids(session, sold)["SVC_CLERK"]], cause="fraud:1", at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10)
    assert figures(tx, number, LIN) == (449, 0, 0, 0, 449, 0)
    assert line(tx, number, LIN)["why"] == "rows were held after the approval"


def test_clw3_a_refund_after_the_settlement_lowers_the_next_batch_and_never_below_zero(tx: Tx) -> None:
    """D14: settled 449, full refund: next batch -449, not below 0."""
    sold = certain(tx, "A260302TEST0001")
    paid_out(tx, approved(tx))
    take_back(tx, sold, 29900, no="R1", at=local("2026-04-15"))
    assert accounts(tx, LIN) == (-748, 0)
    may = approved(tx, "2026-05")
    assert figures(tx, may, LIN) == (0, 0, 0, 0, 0, 0)
    assert (line(tx, may, LIN)["state"], line(tx, may, LIN)["debt_left_fen"]) == ("CARRIED", 748)
    certain(tx, "A260502TEST0002", 59800, at=local("2026-05-02"))
    june = approved(tx, "2026-06")
    assert figures(tx, june, LIN) == (1495, -748, 0, 0, 747, 0)
    paid_out(tx, june, at=local("2026-06-10"))
    assert accounts(tx, LIN) == (0, 0)


def test_clw4_a_leaver_is_paid_with_the_next_batch_what_refunds_left(tx: Tx) -> None:
    """12 000 frozen, -3 000 before the release: 9 000 after leaving."""
    with tx() as session:
        from_whom = [{"role": "SELL_CLERK", "kind": "CLERK", "party": CHEN, "at": None, "touch_kind": "SCAN"}]
        credit = _snapshot_of(from_whom)
    sold = certain(tx, "A260302TEST0001", 1_200_000, credit=credit)
    assert figures_before(tx, CHEN) == 12_000
    take_back(tx, sold, 300_000, no="R1", at=local("2026-03-20"))
    with tx() as session:
        session.execute(
            text("update clerk set status = 'LEFT', last_day = '2026-03-31' where code = 'C-SZFT-02'")
        )
    number = approved(tx)
    assert figures(tx, number, CHEN) == (9_000, 0, 0, 0, 9_000, 0)


def _snapshot_of(parties: list[dict[str, object]]) -> dict[str, object]:
    from_defaults = {
        "policy": "DEFAULT",
        "version": 1,
        "mode": "ROLE_SPLIT",
        "missing": "HQ",
        "hq": "entity:E-HQ",
    }
    days = {"aftersale_days": 7, "settle_delay_days": 3, "pool_bp": 500, "floor_discount_bp": 5000}
    weights = {"weights": {"SELL_CLERK": 2000, "ACQ_CLERK": 8000}}
    return {**from_defaults, **days, **weights, "parties": parties, "self_purchase": False}


def figures_before(tx: Tx, party: str) -> int:
    """What is certain of a party."""
    return accounts(tx, party)[0]


def test_set3_less_than_one_yuan_is_carried_until_it_is_worth_paying(tx: Tx) -> None:
    certain(tx, "A260302TEST0001", 5000)
    april = approved(tx)
    assert figures(tx, april, CHEN) == (50, 0, 0, 0, 0, 50)
    assert line(tx, april, CHEN)["state"] == "CARRIED"
    certain(tx, "A260402TEST0002", 5000, at=local("2026-04-02"))
    may = approved(tx, "2026-05")
    assert figures(tx, may, CHEN) == (50, 0, 0, 50, 100, 0)
    assert accounts(tx, CHEN) == (0, 100)
    # A balance alone, with no new rows, is a party too.
    paid_out(tx, may, at=local("2026-05-10"))
    assert figures(tx, approved(tx, "2026-06"), CHEN) == (0, 0, 0, 0, 0, 0)


def test_set3_a_payout_that_came_back_goes_into_the_next_batch(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    april = approved(tx)
    with tx() as session:
        for party in (LIN, FUTIAN, NANSHAN):
            paying.paid(session, number=april, party=party, position=0, credit=CASH, at=APRIL_10)
        paying.returned(session, number=april, party=CHEN, position=0, why="EXPIRED", at=APRIL_10)
    assert batch_row(tx, april)["state"] == "PARTIAL"
    assert (line(tx, april, CHEN)["state"], line(tx, april, CHEN)["returned_fen"]) == ("RETURNED", 299)
    may = approved(tx, "2026-05")
    assert figures(tx, may, CHEN) == (0, 0, 0, 299, 299, 0)
    assert batch_row(tx, may)["parties"] == 1


def test_set3_a_portion_ends_once(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    april = built(tx)
    with pytest.raises(NotFound), tx() as session:
        paying.paid(session, number=april, party=LIN, position=0, credit=CASH, at=APRIL_10)
    decide(tx, april)
    for _ in range(2):
        with tx() as session:
            paying.paid(session, number=april, party=LIN, position=0, credit=CASH, at=APRIL_10)
    assert accounts(tx, LIN) == (0, 0)
    with pytest.raises(Alarm), tx() as session:
        paying.returned(session, number=april, party=LIN, position=0, why="EXPIRED", at=APRIL_10)
    with pytest.raises(NotFound), tx() as session:
        paying.paid(session, number=april, party=LIN, position=1, credit=CASH, at=APRIL_10)
    with tx() as session:
        assert [one.party for one in paying.due(session, number=april)] == [CHEN, FUTIAN, NANSHAN]
        assert paying.borne_by(session, number=april, party=LIN) == {"E-HQ": 748}


def test_set3_payouts_that_end_at_once_finish_the_batch(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")
    april = approved(tx)
    parties = [LIN, CHEN, FUTIAN, NANSHAN] * 2

    def pay(number: int) -> None:
        with tx() as session:
            paying.paid(session, number=april, party=parties[number], position=0, credit=CASH, at=APRIL_10)

    at_once(8, pay)
    assert batch_row(tx, april)["state"] == "PAID"
    with tx() as session:
        assert count(session, "ledger_transfer", "kind = 'PAYOUT'") == 4


def test_set3_an_external_clerk_gets_at_most_20000_yuan_a_day(tx: Tx) -> None:
    credit = _snapshot_of(
        [{"role": "SELL_CLERK", "kind": "CLERK", "party": CHEN, "at": None, "touch_kind": "SCAN"}]
    )
    certain(tx, "A260302TEST0001", 450_000_000, credit=credit)
    with tx() as session:
        session.execute(text("update clerk set employment = 'EXTERNAL' where code = 'C-SZFT-02'"))
    april = approved(tx)
    found = line(tx, april, CHEN)
    assert (found["channel"], found["payable_fen"]) == ("TRANSFER", 4_500_000)
    assert found["tax_preview_fen"] == 880_000  # SET-4: 36 000 yuan x 30 % - 2 000
    with tx() as session:
        mine = [one for one in paying.due(session, number=april) if one.party == CHEN]
    assert [one.amount_fen for one in mine] == [2_000_000, 2_000_000, 500_000]
    assert [one.pay_on.isoformat() for one in mine] == ["2026-04-10", "2026-04-11", "2026-04-12"]
    with tx() as session:
        today = paying.due(session, number=april, until=mine[0].pay_on)
        assert [one.position for one in today if one.party == CHEN] == [0]
        after = paying.due(session, number=april, after=mine[0].place, limit=1)
        assert [one.position for one in after] == [1]


def test_set1_two_makers_at_once_make_one_batch(tx: Tx) -> None:
    certain(tx, "A260302TEST0001")

    def make(number: int) -> str:
        try:
            with tx() as session:
                return batches.create(
                    session, month="2026-04", by=f"operator:O-{number}", why=WHY, at=APRIL_10
                )
        except Conflict as refused:
            return refused.code

    answers = at_once(6, make)
    assert sorted(answers)[-1] == "S2026-04-1"
    assert len([one for one in answers if one.startswith("S")]) == 1
    assert {one for one in answers if not one.startswith("S")} <= {"MONTH_SETTLED", "BATCH_OPEN"}


def test_set1_several_builders_at_once_take_every_row_once(tx: Tx) -> None:
    for number in range(6):
        certain(tx, f"A260302TEST000{number}", 29900, 12900, 5000)
    with tx() as session:
        number = batches.create(session, month="2026-04", by=MAKER, why=WHY, at=APRIL_10)

    def build(_: int) -> int:
        pieces: list[Progress] = []
        working.drive(tx, number=number, now=APRIL_10, tell=pieces.append, chunk=2)
        return len(pieces)

    shared = at_once(4, build)
    assert sum(1 for pieces in shared if pieces) > 1, "only one of them worked"
    assert figures(tx, number, LIN)[0] == 6 * (748 + 322 + 125)
    batch = batch_row(tx, number)
    assert batch["gross_fen"] == 6 * (1495 + 645 + 250)
    with tx() as session:
        assert count(session, "commission_batch_row", "state = 'OPEN'") == 90


def test_set1_the_building_tells_how_far_it_is(tx: Tx) -> None:
    certain(tx, "A260302TEST0001", 29900, 12900)
    with tx() as session:
        number = batches.create(session, month="2026-04", by=MAKER, why=WHY, at=APRIL_10)
    pieces: list[Progress] = []
    working.drive(tx, number=number, now=APRIL_10, tell=pieces.append, chunk=1)
    rows = [piece.rows for piece in pieces]
    assert rows == sorted(rows)
    assert (rows[-1], pieces[-1].expected, pieces[-1].phase) == (10, 10, "BUILT")
