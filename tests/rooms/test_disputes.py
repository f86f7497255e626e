"""Disputes on a real database (DSP-1): raised in time, heard, decided by somebody without interest, booked once."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, Invalid, NotFound
from app.base.scope import Scope
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.release import release_due
from app.review.deciding import apply_due
from app.review.disputing import Claim, hear, open_dispute, say
from app.review.interest import Judge
from models.commission import Role
from models.review import DisputeKind, DisputeOutcome
from tests.racing import at_once
from tests.rooms.disputed import (
    AFTER,
    FINANCE,
    NOW,
    NUMBER,
    SERVICE,
    applied,
    claim,
    decided,
    heard,
    raised,
    rows,
)
from tests.rooms.paid import (
    CHEN,
    EVERYBODY,
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
    snapshot,
    staff,
)

pytestmark = pytest.mark.usefixtures("right_books")


@pytest.fixture
def sold(tx: Tx) -> Sold:
    """29900: 449/224/299/299/224 to LIN, FUTIAN, LIN, CHEN, NANSHAN."""
    with tx() as session:
        staff(session)
        sold = sell(session, number=NUMBER)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    return sold


def of(session: Session, number: str, column: str) -> object:
    return session.execute(
        text(f"select {column} from dispute where number = :n"), {"n": number}
    ).scalar_one()


def test_dsp1_the_rows_are_held_from_the_first_moment_and_no_others(tx: Tx, sold: Sold) -> None:
    raised(tx)
    assert [(role, state) for role, _, _, state in rows(tx, sold)] == [
        ("ACQ_CLERK", "FROZEN"),
        ("ACQ_STORE", "FROZEN"),
        ("SVC_CLERK", "FROZEN"),
        ("SELL_CLERK", "HELD"),
        ("FULFIL_STORE", "FROZEN"),
    ]


def test_dsp1_changed_the_row_goes_to_the_claimant_and_the_line_stays_exact(tx: Tx, sold: Sold) -> None:
    number = heard(tx, raised(tx))
    decided(tx, number, DisputeOutcome.CHANGE)
    applied(tx, number)
    assert rows(tx, sold)[3:] == [
        ("SELL_CLERK", CHEN, 0, "MOVED"),
        ("FULFIL_STORE", "store:SZ-NS", 224, "FROZEN"),
        ("SELL_CLERK", LIN, 299, "FROZEN"),
    ]
    with tx() as session:  # a refund afterwards takes from the new holder (CLW-1)
        refund_id = refund(session, sold, {0: 29900}, no="R1")
        reverse(session, refund_id=refund_id, lines=[(sold.lines[0].order_line_id, 29900)], at=AFTER)
        assert {left for _, _, left, _ in book(session, sold)} == {0}


def test_dsp1_upheld_the_row_goes_on_with_its_original_date(tx: Tx, sold: Sold) -> None:
    number = heard(tx, raised(tx))
    with tx() as session:
        hand_over(session, sold)
    with tx() as session:
        release_due(session, now=local("2026-03-13"))
    assert rows(tx, sold)[3] == ("SELL_CLERK", CHEN, 299, "HELD")
    decided(tx, number, DisputeOutcome.UPHOLD, now=local("2026-03-14"))
    applied(tx, number, local("2026-03-14"))
    assert rows(tx, sold)[3] == ("SELL_CLERK", CHEN, 299, "RELEASABLE")


def test_dsp1_split_by_largest_remainder(tx: Tx, sold: Sold) -> None:
    number = heard(tx, raised(tx))
    decided(tx, number, DisputeOutcome.SPLIT, (LIN, 6000), (CHEN, 4000))
    applied(tx, number)
    found = [row for row in rows(tx, sold) if row[0] == "SELL_CLERK"]
    assert found == [("SELL_CLERK", CHEN, 120, "FROZEN"), ("SELL_CLERK", LIN, 179, "FROZEN")]


def test_dsp1_a_role_that_nobody_held_is_claimed_from_head_office(tx: Tx) -> None:
    with tx() as session:
        staff(session)
        sold = sell(session, number=NUMBER, credit=snapshot(EVERYBODY[2:]))
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    number = heard(tx, raised(tx, claim(Role.ACQ_CLERK, LIN, DisputeKind.BINDING)))
    assert ("HQ", HQ, 673, "HELD") in rows(tx, sold)
    decided(tx, number, DisputeOutcome.CHANGE)
    applied(tx, number)
    # 6666/10000 of 673 by largest remainder.
    assert [row for row in rows(tx, sold) if row[0] == "HQ"] == [
        ("HQ", HQ, 224, "FROZEN"),
    ]
    assert ("ACQ_CLERK", LIN, 449, "FROZEN") in rows(tx, sold)


@pytest.mark.parametrize(("minutes", "in_time"), [(-1, True), (0, False)])
def test_dsp1_not_after_the_thirtieth_day(tx: Tx, sold: Sold, minutes: int, in_time: bool) -> None:
    now = local("2026-04-02") + timedelta(minutes=minutes)
    if in_time:
        assert raised(tx, now=now).startswith("D")
        return
    with pytest.raises(Conflict, match="DISPUTE_TOO_LATE"):
        raised(tx, now=now)
    with tx() as session:
        counts = "select (select count(*) from dispute) + (select count(*) from commission_hold)"
        assert session.execute(text(counts)).scalar() == 0


@pytest.mark.parametrize(("day", "in_time"), [("2026-05-17", True), ("2026-05-18", False)])
def test_dsp1_seven_days_after_the_statement_that_shows_the_row(
    tx: Tx, sold: Sold, day: str, in_time: bool
) -> None:
    with tx() as session:
        session.execute(text("set local session_replication_role = replica"))
        session.execute(
            text(
                "insert into settlement_batch (number, month, before, state, phase, at_party, rows_done, rows_expected,"
                " parties, gross_fen, adjusted_fen, tier_fen, carried_in_fen, payable_fen, carried_out_fen,"
                " created_by, created_at, submitted_by, approved_by, approved_at, published_at)"
                " values ('S', '2026-05', :at, 'PAYING', 'HANDED', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 'a', :at, 'a', 'b',"
                " :at, :at)"
            ),
            {"at": local("2026-05-10")},
        )
        session.execute(
            text(
                "insert into commission_batch_row (batch_id, share_id, party, amount_fen, carried_fen, state, taken_at)"
                " select b.id, s.id, s.party, 299, 0, 'RETURNED', b.before from settlement_batch b, commission_share s"
                " where s.role = 'SELL_CLERK'"
            )
        )
        if in_time:
            number = open_dispute(session, claim(), by=LIN, now=local(day) + timedelta(hours=23))
            assert number.startswith("D")
        else:
            with pytest.raises(Conflict, match="DISPUTE_TOO_LATE"):
                open_dispute(session, claim(), by=LIN, now=local(day))
        session.rollback()


def test_dsp1_the_same_claim_is_raised_once_even_at_once(tx: Tx, sold: Sold) -> None:
    def work(_: int) -> str:
        try:
            return raised(tx)
        except Conflict as refused:
            return refused.code

    told = at_once(6, work)
    assert sum(one == "DISPUTED_BEFORE" for one in told) == 5


def test_dsp1_who_had_nothing_to_do_with_the_sale_learns_nothing(tx: Tx, sold: Sold) -> None:
    with tx() as session:
        session.execute(
            text(
                "insert into clerk (code, name, store_id, role, status)"
                " select 'C-FAR', 'C-FAR', id, 'CLERK', 'ACTIVE' from store where code = 'SZ-NS'"
            )
        )
    for stranger in ("clerk:C-FAR", "clerk:C-NOBODY", "entity:E-WF9", "store:NO"):
        with pytest.raises(NotFound):
            raised(tx, claim(claimant=stranger))
    with pytest.raises(NotFound):
        raised(tx, Claim("A000000NONE", DisputeKind.CREDIT, Role.SELL_CLERK, LIN, "x"))
    with tx() as session:
        assert session.execute(text("select count(*) from commission_hold")).scalar() == 0


def test_dsp1_nothing_to_dispute_where_no_row_is_left(tx: Tx, sold: Sold) -> None:
    with tx() as session:
        refund_id = refund(session, sold, {0: 29900}, no="R1")
        reverse(session, refund_id=refund_id, lines=[(sold.lines[0].order_line_id, 29900)], at=NOW)
    with pytest.raises(Conflict, match="NOTHING_TO_DISPUTE"):
        raised(tx)


def test_dsp1_the_amount_of_somebody_else_is_not_mine_to_dispute(tx: Tx, sold: Sold) -> None:
    with pytest.raises(Conflict, match="NOTHING_TO_DISPUTE"):
        raised(tx, claim(kind=DisputeKind.AMOUNT))
    assert raised(tx, claim(claimant=CHEN, kind=DisputeKind.AMOUNT)).startswith("D")


def test_dsp1_five_disputes_of_one_party_at_a_time(tx: Tx, sold: Sold) -> None:
    for role in (Role.ACQ_CLERK, Role.ACQ_STORE, Role.SVC_CLERK, Role.SELL_CLERK, Role.FULFIL_STORE):
        raised(tx, claim(role))
    with tx() as session:
        other = sell(session, number="A260302TEST0002")
        accrue(session, other.lines, paid_at=PAID_AT, now=PAID_AT)
    with pytest.raises(Conflict, match="TOO_MANY_DISPUTES"):
        raised(tx, Claim("A260302TEST0002", DisputeKind.CREDIT, Role.SELL_CLERK, LIN, "x"))


def test_dsp1_no_decision_before_both_sides_were_heard(tx: Tx, sold: Sold) -> None:
    number = raised(tx)
    with pytest.raises(Conflict, match="STILL_HEARING"):
        decided(tx, number, DisputeOutcome.CHANGE)
    with tx() as session:
        hear(session, now=NOW)
    last = local("2026-03-09")
    with pytest.raises(Conflict, match="STILL_HEARING"):
        decided(tx, number, DisputeOutcome.CHANGE, now=last - timedelta(seconds=1))
    decided(tx, number, DisputeOutcome.CHANGE, now=last)


def test_dsp1_when_every_side_has_spoken_nobody_waits(tx: Tx, sold: Sold) -> None:
    number = raised(tx)
    with tx() as session:
        hear(session, now=NOW)
        say(session, number=number, party=CHEN, said="是我成交的", now=NOW)
    decided(tx, number, DisputeOutcome.UPHOLD, now=NOW)


def test_dsp1_evidence_is_for_the_sides_and_within_its_days(tx: Tx, sold: Sold) -> None:
    number = raised(tx)
    with tx() as session:
        hear(session, now=NOW)
    with pytest.raises(NotFound), tx() as session:
        say(session, number=number, party=FUTIAN, said="x", now=NOW)
    with pytest.raises(Conflict, match="WRONG_STATE"), tx() as session:
        say(session, number=number, party=CHEN, said="x", now=local("2026-03-09"))
    with tx() as session:
        kinds = "select array_agg(kind order by nr) from dispute_step"
        assert session.execute(text(kinds)).scalar() == ["OPENED", "HEARING"]


@pytest.mark.parametrize(
    "judge",
    [
        Judge("operator:O-1", Scope(entity="E-HQ")),
        Judge("operator:O-2", Scope(store="SZ-FT")),
        Judge(LIN, Scope()),
        Judge("operator:RAISED", Scope()),
    ],
    ids=["a company of a side", "a manager of a side", "a side", "who raised it"],
)
def test_dsp1_nobody_decides_in_the_own_matter(tx: Tx, sold: Sold, judge: Judge) -> None:
    number = heard(tx, raised(tx, by="operator:RAISED"))
    with pytest.raises(Forbidden, match="INTERESTED"):
        decided(tx, number, DisputeOutcome.CHANGE, judge=judge)
    with tx() as session:
        assert of(session, number, "state") == "EVIDENCE"


def test_dsp1_of_two_deciders_at_once_one_decides(tx: Tx, sold: Sold) -> None:
    number = heard(tx, raised(tx))

    def work(nth: int) -> str:
        try:
            outcome = DisputeOutcome.CHANGE if nth % 2 else DisputeOutcome.UPHOLD
            decided(tx, number, outcome, judge=Judge(f"operator:O-{nth}", Scope()))
        except Conflict as refused:
            return refused.code
        return "decided"

    assert sorted(at_once(6, work)) == ["DECIDED_ALREADY"] * 5 + ["decided"]
    with tx() as session:
        assert session.execute(text("select count(*) from dispute_step where kind = 'DECIDED'")).scalar() == 1
        assert (
            session.execute(text("select count(*) from audit_entry where action = 'dispute.decide'")).scalar()
            == 1
        )


def test_dsp1_a_decision_is_booked_once_even_at_once(tx: Tx, sold: Sold) -> None:
    number = heard(tx, raised(tx))
    with pytest.raises(Conflict, match="WRONG_STATE"):
        applied(tx, number)
    decided(tx, number, DisputeOutcome.CHANGE)
    at_once(6, lambda _: applied(tx, number))
    with tx() as session:
        assert session.execute(text("select count(*) from commission_move")).scalar() == 1
        assert session.execute(text("select count(*) from dispute_step where kind = 'APPLIED'")).scalar() == 1


def test_dsp1_what_nobody_books_is_booked_by_the_clock_after_a_day(tx: Tx, sold: Sold) -> None:
    number = heard(tx, raised(tx))
    decided(tx, number, DisputeOutcome.CHANGE)
    with tx() as session:
        assert apply_due(session, now=AFTER + timedelta(hours=23, minutes=59)) == 0
    with tx() as session:
        assert apply_due(session, now=AFTER + timedelta(hours=24)) == 1
        assert of(session, number, "state") == "APPLIED"


@pytest.mark.parametrize(
    ("outcome", "heirs"),
    [
        (DisputeOutcome.UPHOLD, [(LIN, 10000)]),
        (DisputeOutcome.CHANGE, [(LIN, 5000), (CHEN, 5000)]),
        (DisputeOutcome.CHANGE, [(LIN, 9999)]),
        (DisputeOutcome.CHANGE, [("clerk:NOBODY", 10000)]),
        (DisputeOutcome.SPLIT, [(LIN, 10000)]),
        (DisputeOutcome.SPLIT, [(LIN, 10000), (CHEN, 0)]),
        (DisputeOutcome.SPLIT, [(LIN, 5000), (LIN, 5000)]),
    ],
)
def test_dsp1_heirs_that_do_not_fit_are_refused(
    tx: Tx, sold: Sold, outcome: DisputeOutcome, heirs: list[tuple[str, int]]
) -> None:
    number = heard(tx, raised(tx))
    with pytest.raises(Invalid) as refused:
        decided(tx, number, outcome, *heirs)
    assert list(refused.value.fields) == ["heirs"]
    with tx() as session:
        assert of(session, number, "outcome") is None


def test_dsp1_every_step_is_logged_audited_and_told(tx: Tx, sold: Sold) -> None:
    number = heard(tx, raised(tx))
    decided(tx, number, DisputeOutcome.CHANGE)
    applied(tx, number)
    with tx() as session:
        steps = session.execute(text("select kind, actor from dispute_step order by nr")).all()
        assert [tuple(row) for row in steps] == [
            ("OPENED", LIN),
            ("HEARING", "clock"),
            ("HEARD", "clock"),
            ("DECIDED", SERVICE.actor),
            ("APPLIED", FINANCE.actor),
        ]
        actions = "select array_agg(action order by id) from audit_entry"
        assert session.execute(text(actions)).scalar() == ["dispute.open", "dispute.decide", "dispute.apply"]
        jobs = "select count(*) from procrastinate_jobs where task_name = 'tell_dispute'"
        assert session.execute(text(jobs)).scalar() == 5
