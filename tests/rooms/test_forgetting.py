"""Touches after 400 days: counted and let go, what money rests on stays, and nothing else can be deleted (TCH-6)."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.attribution.forgetting import forget_touches
from app.base.clock import utc_now
from app.base.db import Tx
from models.attribution import TouchKind
from tests.make import a_shop, count
from tests.people import a_code, a_fan, a_scan

pytestmark = pytest.mark.usefixtures("right_books")
NOW = utc_now()
OLD = NOW - timedelta(days=401)


def test_tch_6_old_touches_are_counted_per_member_month_and_let_go(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        scene, fan = a_code(session), a_fan(session)
        a_scan(session, fan, scene, at=OLD - timedelta(days=60))
        for minutes in range(3):
            a_scan(session, fan, scene, at=OLD + timedelta(minutes=minutes), kind=TouchKind.CONTENT_READ)
        a_scan(session, fan, "nobody", at=OLD, kind=TouchKind.CONTENT_READ)
        a_scan(session, fan, scene, at=NOW - timedelta(days=399))
    with tx() as session:
        assert forget_touches(session, now=NOW, limit=3) == 3
        assert forget_touches(session, now=NOW) == 1
        assert forget_touches(session, now=NOW) == 0
        # The touch of the acquisition, however old, and what is younger than 400 days.
        assert count(session, "touch") == 2
        month = session.execute(text("select * from touch_month")).all()
    assert [(row.kind, row.touches, row.valid) for row in month] == [("CONTENT_READ", 4, 3)]
    assert month[0].month == date.fromisoformat(str(month[0].month)).replace(day=1)
    assert (month[0].first_at, month[0].last_at) == (OLD, OLD + timedelta(minutes=2))


@pytest.mark.parametrize(
    "attempt",
    [
        "delete from touch",
        "update touch set valid = false",
        "set local lianke.forgets = 'touches'; delete from touch",
        "set local lianke.forgets = 'touches'; update touch set valid = false",
    ],
)
def test_young_touches_cannot_be_deleted_whatever_one_says(tx: Tx, attempt: str) -> None:
    with tx() as session:
        a_shop(session)
        a_scan(session, a_fan(session), a_code(session), at=NOW - timedelta(days=399))
    *says, act = attempt.split("; ")
    with tx() as session:
        for statement in says:
            session.execute(text(statement))
        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(act))
        session.rollback()
    with tx() as session:
        assert count(session, "touch") == 1


def test_old_touches_cannot_be_deleted_by_somebody_who_does_not_say_why(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        a_scan(session, a_fan(session), "nobody", at=OLD)
    with pytest.raises(DBAPIError, match="append-only"), tx() as session:
        session.execute(text("delete from touch"))
