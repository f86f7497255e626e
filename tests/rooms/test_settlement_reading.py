"""What the work of a batch reads (SET-1): each row of a party once, however many the party has."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.commission.holding import hold, unhold
from app.settlement import batches, working
from tests.rooms.paid import CHEN, LIN, book, share_ids
from tests.rooms.settled import (
    APRIL_10,
    DECIDER,
    MAKER,
    SENDER,
    WHY,
    batch_row,
    certain,
    figures,
    line,
    take_back,
)

pytestmark = pytest.mark.usefixtures("right_books")

CHUNK = 10
# Rows that this transaction has read, by whatever way, in the tables that grow with sales.
_READ = text(
    """
    select coalesce(sum(seq_tup_read + idx_tup_fetch), 0) as rows, coalesce(sum(seq_tup_read), 0) as whole
      from pg_stat_xact_user_tables
     where relname in ('commission_share', 'commission_line', 'commission_batch_row', 'commission_hold')
    """
)
_WORKED_ON = text("select party from settlement_party where not rows_done order by id limit 1")


class Piece(NamedTuple):
    """What one piece of work moved and read; ``whole``: of it in tables read from end to end."""

    moved: int
    read: int
    whole: int


def pieces(tx: Tx, number: str, party: str) -> list[Piece]:
    """Do a batch's work; what each piece that moved rows of a party has read."""
    made = []
    moved = batch_row(tx, number)["rows_done"]
    while True:
        with tx() as session:
            # On tables this small reading all of it would be right.
            # Plans of earlier tests on this connection would outlive the settings.
            session.execute(text("discard plans"))
            for shortcut in ("seqscan", "hashjoin", "mergejoin", "bitmapscan"):
                session.execute(text(f"set local enable_{shortcut} = off"))
            worked_on = session.execute(_WORKED_ON).scalar()
            before = session.execute(_READ).one()
            progress = working.step(session, number=number, now=APRIL_10, chunk=CHUNK)
            after = session.execute(_READ).one()
        if progress is None:
            return made
        if worked_on == party and progress.rows > moved:
            read, whole = int(after.rows - before.rows), int(after.whole - before.whole)
            made.append(Piece(progress.rows - moved, read, whole))
        moved = progress.rows


def create(tx: Tx) -> str:
    with tx() as session:
        return batches.create(session, month="2026-04", by=MAKER, why=WHY, at=APRIL_10)


def approve(session: Session, number: str) -> None:
    batches.submit(session, number=number, by=SENDER, why=WHY, at=APRIL_10)
    batches.approve(session, number=number, by=DECIDER, why=WHY, at=APRIL_10)


def reject(session: Session, number: str) -> None:
    batches.reject(session, number=number, by=DECIDER, why=WHY, at=APRIL_10)


@pytest.mark.parametrize("decide", [approve, reject])
def test_set1_the_hundredth_piece_of_a_party_reads_no_more_than_the_first(
    tx: Tx, decide: Callable[[Session, str], None]
) -> None:
    certain(tx, "A260302TEST0001", *[29900] * 60)
    number = create(tx)
    taken = pieces(tx, number, LIN)
    with tx() as session:
        decide(session, number)
    ended = pieces(tx, number, LIN)
    for work in (taken, ended):
        assert [piece.moved for piece in work] == [CHUNK] * 12
        assert [piece.whole for piece in work] == [0] * 12
        reads = [piece.read for piece in work]
        assert max(reads[1:]) <= reads[0] * 1.1, reads
        assert max(reads) <= CHUNK * 20, reads


def begun(tx: Tx, number: str, party: str) -> int:
    """Let the work take the first piece of a party; answers the share at which it stands."""
    stands = 0
    while not stands:
        with tx() as session:
            working.step(session, number=number, now=APRIL_10, chunk=2)
        stands = line(tx, number, party).get("at_share", 0)
    return int(stands)


def test_set1_work_goes_on_from_where_a_worker_died(tx: Tx) -> None:
    certain(tx, "A260302TEST0001", *[29900] * 4)
    number = create(tx)
    stands = begun(tx, number, CHEN)

    def killed_before_the_commit() -> None:
        with tx() as session:
            working.step(session, number=number, now=APRIL_10, chunk=2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        killed_before_the_commit()
    assert line(tx, number, CHEN)["at_share"] == stands
    with tx() as session:
        working.step(session, number=number, now=APRIL_10, chunk=2)
    assert line(tx, number, CHEN)["at_share"] > stands
    working.drive(tx, number=number, now=APRIL_10)
    assert figures(tx, number, CHEN) == (4 * 299, 0, 0, 0, 4 * 299, 0)


def test_set1_what_changes_behind_the_place_where_the_work_stands_is_not_forgotten(tx: Tx) -> None:
    """A refund and a hold that was lifted, both of rows that were taken already: the rest of each is taken again."""
    first, second = (certain(tx, f"A260302TEST000{no}", 29900) for no in (1, 2))
    certain(tx, "A260302TEST0003", 29900, 29900)
    number = create(tx)
    begun(tx, number, CHEN)
    take_back(tx, first, 3333, no="R1", at=APRIL_10)
    with tx() as session:
        hold(session, share_ids=[share_ids(session, second)["SELL_CLERK"]], cause="fraud:1", at=APRIL_10)
        unhold(session, cause="fraud:1", at=APRIL_10)
        assert book(session, second)[3][3] == "RELEASABLE"
    working.drive(tx, number=number, now=APRIL_10, chunk=2)
    gross_fen = 266 + 3 * 299
    assert figures(tx, number, CHEN) == (gross_fen, 0, 0, 0, gross_fen, 0)
    with tx() as session:
        changed = batches.refresh(session, number=number, by=MAKER, why=WHY, at=APRIL_10)
    assert CHEN not in changed


def test_frd2_a_row_held_behind_the_place_where_the_work_stands_stays_out(tx: Tx) -> None:
    sold = certain(tx, "A260302TEST0001", *[29900] * 4)
    number = create(tx)
    begun(tx, number, CHEN)
    with tx() as session:
        hold(session, share_ids=[share_ids(session, sold)["SELL_CLERK"]], cause="fraud:1", at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10, chunk=2)
    assert figures(tx, number, CHEN) == (3 * 299, 0, 0, 0, 3 * 299, 0)
