"""Disputes that follow or meet one another on one order (DSP-1, SPL-5)."""

from datetime import timedelta

import pytest

from app.base.db import Tx
from app.commission.accrual import accrue
from app.review.disputing import hear
from models.commission import Role
from models.review import DisputeKind, DisputeOutcome
from tests.rooms.disputed import AFTER, NOW, NUMBER, applied, claim, decided, raised, rows
from tests.rooms.paid import EVERYBODY, FUTIAN, HQ, LIN, NANSHAN, PAID_AT, sell, snapshot, staff

pytestmark = pytest.mark.usefixtures("right_books")


@pytest.mark.parametrize("at_once_open", [True, False])
def test_spl5_two_roles_claimed_from_head_office_one_after_the_other_are_each_whole(
    tx: Tx, at_once_open: bool
) -> None:
    """673 stood for ACQ_CLERK (449) and ACQ_STORE (224); the second claim is no part of what the first left."""
    with tx() as session:
        staff(session)
        sold = sell(session, number=NUMBER, credit=snapshot(EVERYBODY[2:]))
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    store = claim(Role.ACQ_STORE, NANSHAN, DisputeKind.BINDING)
    first = raised(tx, claim(Role.ACQ_CLERK, LIN, DisputeKind.BINDING))
    second = raised(tx, store, by=NANSHAN) if at_once_open else ""
    with tx() as session:
        hear(session, now=NOW)
    decided(tx, first, DisputeOutcome.CHANGE)
    applied(tx, first)
    if not second:
        second = raised(tx, store, by=NANSHAN, now=AFTER)
        with tx() as session:
            hear(session, now=AFTER)
    later = AFTER + timedelta(days=7)
    decided(tx, second, DisputeOutcome.CHANGE, now=later)
    applied(tx, second, later)
    found = {role: (party, fen) for role, party, fen, _ in rows(tx, sold) if role in ("HQ", "ACQ_STORE")}
    assert found == {"HQ": (HQ, 0), "ACQ_STORE": (NANSHAN, 224)}
    assert ("ACQ_CLERK", LIN, 449, "FROZEN") in rows(tx, sold)


def test_dsp1_what_is_decided_for_a_second_claimant_is_booked_too(tx: Tx) -> None:
    """A clerk and a store claim CHEN's row at once: the later decision finds it with the earlier one's heir."""
    with tx() as session:
        staff(session)
        sold = sell(session, number=NUMBER)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    first, second = raised(tx), raised(tx, claim(claimant=FUTIAN), by=FUTIAN)
    with tx() as session:
        assert hear(session, now=NOW) == 2
    for number in (first, second):
        decided(tx, number, DisputeOutcome.CHANGE)
        applied(tx, number)
    found = [row for row in rows(tx, sold) if row[0] == "SELL_CLERK" and row[2]]
    assert found == [("SELL_CLERK", FUTIAN, 299, "FROZEN")]
