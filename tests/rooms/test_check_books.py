"""Every invariant finds the defect that it is there for, and only that one; a true story finds none."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.holding import hold
from app.commission.moving import Heir, move
from app.commission.release import release_due
from app.kpi.sweeping import sweep
from app.settlement import batches, paying, working
from models.commission import PartyKind
from scripts.check_books import ALL, SHOWN, broken, main, report
from tests.rooms.defects import DEFECTS as OLDER
from tests.rooms.defects import Defect, X, Y, post
from tests.rooms.defects_relations import RELATIONS
from tests.rooms.defects_rights import RIGHTS
from tests.rooms.defects_sharing import SHARINGS
from tests.rooms.paid import CHEN, HQ, PAID_AT, Sold, hand_over, local, refund, sell, share_ids, staff

ROOT = Path(__file__).resolve().parents[2]
DEFECTS = (*OLDER, *RELATIONS, *RIGHTS, *SHARINGS)
# Ten years after the story, so that whatever is late is late; a scan of that day is in defects.touch.
LATER = local("2036-02-28") + timedelta(hours=12)
WATCH = {check.id for check in ALL if check.watch}


def tell(session: Session) -> None:
    """A1: one unit back before and one after release. A2: paid, waits. A3: released, moved, settled, held.

    All in the KPI book.
    """
    staff(session)
    sold: dict[str, Sold] = {}
    for number, bases in (("A1", [59800]), ("A2", [29900, 12900]), ("A3", [29900])):
        sold[number] = sell(session, bases, number=number)
        accrue(session, sold[number].lines, paid_at=PAID_AT, now=PAID_AT)
    _take_back(session, sold["A1"], "R1")
    hand_over(session, sold["A1"])
    hand_over(session, sold["A3"])
    release_due(session, now=local("2026-03-13"))
    _take_back(session, sold["A1"], "R2")
    _settle(session, sold["A3"])
    session.execute(text("insert into ledger_account (name) values ('x'), ('y')"))
    sweep(session)


def _settle(session: Session, sold: Sold) -> None:
    """The acquisition store's share goes to its neighbour; the clerks' are settled, one share is held."""
    by_role = share_ids(session, sold)
    at = local("2026-03-20")
    heir = Heir(PartyKind.ENTITY, HQ)
    move(session, share_id=by_role["ACQ_STORE"], to=[heir], cause="dispute:1", because={}, at=at)
    hold(session, share_ids=[by_role["FULFIL_STORE"]], cause="fraud:1", at=at)
    session.execute(text("update clerk set monthly_target_fen = 100 where code = 'C-SZFT-02'"))
    tenth = local("2026-04-10")
    number = batches.create(session, month="2026-04", by="operator:O-1", why="test", at=tenth)
    _work(session, number, tenth)
    batches.submit(session, number=number, by="operator:O-1", why="test", at=tenth)
    batches.approve(session, number=number, by="operator:O-2", why="test", at=tenth)
    _work(session, number, tenth)
    paying.paid(session, number=number, party=CHEN, position=0, credit="payroll:E-HQ", at=tenth)
    # Their jobs are done: nothing is late.
    session.execute(text("delete from procrastinate_jobs"))


def _work(session: Session, number: str, now: datetime) -> None:
    while working.step(session, number=number, now=now):
        pass


def _take_back(session: Session, sold: Sold, no: str) -> None:
    refund_id = refund(session, sold, {0: 29900}, no=no)
    line_id = sold.lines[0].order_line_id
    reverse(session, refund_id=refund_id, lines=[(line_id, 29900)], at=PAID_AT + timedelta(days=1))


@pytest.fixture
def story(tx: Tx) -> Iterator[Session]:
    """The story in a transaction that is taken back, with triggers and foreign keys off."""
    with tx() as session:
        tell(session)
        session.execute(text("set local session_replication_role = replica"))
        yield session
        session.rollback()


def ids(session: Session, *, watch: bool = False) -> set[str]:
    return {one.id for one in broken(session.connection(), watch=watch, at=LATER)}


def test_a_true_story_breaks_nothing(story: Session) -> None:
    assert broken(story.connection(), watch=True, at=LATER) == []


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.id)
def test_a_planted_defect_is_found_by_its_invariant(story: Session, defect: Defect) -> None:
    for statement in defect.sql:
        story.execute(text(statement))
    watch = defect.id in WATCH
    assert ids(story, watch=watch) == {defect.id} | defect.also


def test_every_invariant_has_its_planted_defect_and_a_name_of_its_own() -> None:
    assert sorted(defect.id for defect in DEFECTS) == sorted(check.id for check in ALL)
    assert len({check.meaning for check in ALL}) == len(ALL)


def test_what_is_late_is_reported_only_when_it_is_asked_for(story: Session) -> None:
    for statement in next(defect for defect in DEFECTS if defect.id == "I31").sql:
        story.execute(text(statement))
    assert ids(story) == set()
    assert ids(story, watch=True) == {"I31"}


def test_the_report_names_the_invariant_and_the_rows_and_stops_at_twenty(story: Session) -> None:
    for number in range(SHOWN + 5):
        story.execute(text(post(X, Y, 5, key=f"k{number}", kind="COMMISSION_ACCRUE")))
    found = broken(story.connection())
    assert [(one.id, len(one.rows), one.more) for one in found] == [("B11", SHOWN, True)]
    lines = report(found).splitlines()
    assert lines[0] == "B11 is broken: every ledger transfer of commission has its entry"
    assert "  key=k" in lines[1]
    assert lines[-1] == "  ... and more"
    assert report([]) == f"The books are right: {len(ALL)} invariants hold."


def test_the_command_ends_with_0_1_or_2(
    tx: Tx, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--database-url", database_url]) == 0
    assert "The books are right" in capsys.readouterr().out
    with tx() as session:
        tell(session)
        session.execute(text(post(X, Y, 5, kind="COMMISSION_ACCRUE")))
    assert main(["--database-url", database_url]) == 1
    assert "B11 is broken" in capsys.readouterr().out
    assert main(["--database-url", "postgresql://nobody@127.0.0.1:1/none"]) == 2
    assert main(["--database-url", "mysql://x"]) == 2
    assert "could not be asked" in capsys.readouterr().err


def test_the_command_runs_from_the_checkout_and_without_a_database_says_so() -> None:
    run = subprocess.run(
        [sys.executable, "scripts/check_books.py"],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (2, "DATABASE_URL is not set.\n")
