"""Fraud holds on a real database (FRD-1, FRD-2, TCH-3): what a finding keeps back, and how it ends."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Conflict, Forbidden
from app.base.scope import Scope
from app.review import findings
from app.review.findings import decide, hold_rows, living
from app.review.interest import Judge
from models.review import RiskRule
from tests.people import a_code, a_fan, a_scan
from tests.racing import at_once
from tests.rooms.paid import HQ, LIN, book
from tests.rooms.suspects import (
    CODE,
    NOW,
    REVIEWER,
    fans,
    found,
    many_clerks,
    number_of,
    paid,
    scans,
    served,
    to_hunter,
)

pytestmark = pytest.mark.usefixtures("right_books")


@pytest.fixture
def town(tx: Tx) -> Tx:
    with tx() as session:
        many_clerks(session)
    return tx


def test_frd2_a_finding_holds_the_rows_that_rest_on_its_touches_and_later_ones(town: Tx) -> None:
    with town() as session:
        scans(session, 6)
        touch = session.execute(text("select min(id) from touch")).scalar_one()
        before = paid(session, "A260302TEST0001", touch=touch)
        to_hunter(session, before)
        assert found(session, RiskRule.SCANS) == 1
        assert [state for _, _, _, state in book(session, before)] == ["HELD", *["FROZEN"] * 4]
        later = paid(session, "A260302TEST0002", touch=touch)
        to_hunter(session, later)
        number = number_of(session)
        assert living(session, now=NOW) == [number]
        assert len(hold_rows(session, number, now=NOW)) == 1
        assert book(session, later)[0][3] == "HELD"


def test_frd2_a_false_alarm_gives_back_the_rows_with_their_dates(town: Tx) -> None:
    with town() as session:
        scans(session, 6)
        touch = session.execute(text("select min(id) from touch")).scalar_one()
        sold = paid(session, "A260302TEST0001", touch=touch)
        to_hunter(session, sold)
        found(session, RiskRule.SCANS)
        decide(session, number=number_of(session), confirmed=False, why="开业活动", judge=REVIEWER, now=NOW)
        assert [state for _, _, _, state in book(session, sold)] == ["FROZEN"] * 5
        assert hold_rows(session, number_of(session), now=NOW) == []


def test_frd2_confirmed_the_rows_go_to_head_office_and_so_do_later_ones(town: Tx) -> None:
    with town() as session:
        scans(session, 6)
        touch = session.execute(text("select min(id) from touch")).scalar_one()
        sold = paid(session, "A260302TEST0001", touch=touch)
        to_hunter(session, sold)
        found(session, RiskRule.SCANS)
        decide(session, number=number_of(session), confirmed=True, why="刷码", judge=REVIEWER, now=NOW)
        assert book(session, sold)[0] == ("ACQ_CLERK", LIN, 0, "MOVED")
        assert book(session, sold)[-1] == ("ACQ_CLERK", HQ, 449, "FROZEN")
        later = paid(session, "A260302TEST0002", touch=touch)
        to_hunter(session, later)
        hold_rows(session, number_of(session), now=NOW)
        assert book(session, later)[-1] == ("ACQ_CLERK", HQ, 449, "FROZEN")
        assert hold_rows(session, number_of(session), now=NOW) == []


@pytest.mark.parametrize("confirmed", [True, False])
def test_frd1_the_same_evidence_never_makes_a_second_finding(town: Tx, confirmed: bool) -> None:
    with town() as session:
        fans(session, 61)
        assert found(session, RiskRule.FANS) == 1
        assert found(session, RiskRule.FANS) == 0
        decide(session, number=number_of(session), confirmed=confirmed, why="已核", judge=REVIEWER, now=NOW)
        assert found(session, RiskRule.FANS) == 0
        fans(session, 60, first=100)
        assert found(session, RiskRule.FANS) == 0  # sixty new ones are none too many
        fans(session, 1, first=200)
        assert found(session, RiskRule.FANS) == 1


def test_frd1_detectors_at_once_make_one_finding(town: Tx) -> None:
    with town() as session:
        fans(session, 61)

    def work(_: int) -> int:
        with town() as session:
            return found(session, RiskRule.FANS)

    assert sum(at_once(6, work)) == 1
    with town() as session:
        assert session.execute(text("select count(*) from risk_finding")).scalar() == 1
        assert session.execute(text("select count(*) from risk_item")).scalar() == 61


def test_frd1_thresholds_are_rows_with_a_moment_of_effect(town: Tx) -> None:
    with town() as session:
        fans(session, 20)
        session.execute(
            text(
                "insert into risk_threshold (rule, effective_from, params, created_by)"
                " values ('FANS', :at, '{\"per_hour\": 19, \"per_day\": 200}', 'test')"
            ),
            {"at": NOW + timedelta(hours=1)},
        )
        assert found(session, RiskRule.FANS, now=NOW) == 0
        assert found(session, RiskRule.FANS, now=NOW + timedelta(hours=1)) == 1
        session.rollback()


def test_frd2_of_two_reviewers_at_once_one_decides(town: Tx) -> None:
    with town() as session:
        fans(session, 61)
        found(session, RiskRule.FANS)
        number = number_of(session)

    def work(nth: int) -> str:
        try:
            with town() as session:
                judge = Judge(f"operator:O-{nth}", Scope())
                decide(session, number=number, confirmed=bool(nth % 2), why="x", judge=judge, now=NOW)
        except Conflict as refused:
            return refused.code
        return "decided"

    assert sorted(at_once(6, work)) == ["DECIDED_ALREADY"] * 5 + ["decided"]


@pytest.mark.parametrize("scope", [Scope(store="SZ-FT"), Scope(entity="E-HQ")])
def test_frd2_nobody_reviews_the_own_store(town: Tx, scope: Scope) -> None:
    with town() as session:
        fans(session, 61)
        found(session, RiskRule.FANS)
        number = number_of(session)
    with pytest.raises(Forbidden, match="INTERESTED"), town() as session:
        decide(session, number=number, confirmed=False, why="x", judge=Judge("operator:O-9", scope), now=NOW)
    with town() as session:
        assert findings.get(session, number).state == "OPEN"


def test_tch3_under_a_touch_finding_scans_count_for_nobody_and_are_judged_again_after_a_false_alarm(
    town: Tx,
) -> None:
    with town() as session:
        fans(session, 61)
        found(session, RiskRule.FANS)
        scan = a_scan(
            session, a_fan(session, "honest", now=NOW), a_code(session, CODE), at=NOW, received_at=NOW
        )
        assert (scan.valid, scan.reason) == (False, "FRAUD_HOLD")
        assert served(session, "honest") is None
        decide(session, number=number_of(session), confirmed=False, why="开业", judge=REVIEWER, now=NOW)
        assert served(session, "honest") == (CODE, NOW)
        assert session.execute(text("select count(*) from touch where raw_key like 'unheld:%'")).scalar() == 1


def test_tch3_after_a_confirmed_finding_they_never_count(town: Tx) -> None:
    with town() as session:
        fans(session, 61)
        found(session, RiskRule.FANS)
        a_scan(session, a_fan(session, "honest", now=NOW), a_code(session, CODE), at=NOW, received_at=NOW)
        decide(session, number=number_of(session), confirmed=True, why="刷粉", judge=REVIEWER, now=NOW)
        assert served(session, "honest") is None


def test_tch3_the_hold_of_one_clerk_is_no_hold_of_another(town: Tx) -> None:
    with town() as session:
        fans(session, 61)
        found(session, RiskRule.FANS)
        scan = a_scan(
            session, a_fan(session, "other", now=NOW), a_code(session, "C-X-1"), at=NOW, received_at=NOW
        )
        assert scan.valid
