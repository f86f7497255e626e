"""Follow-up tasks: made once per occasion, only while there is something to do."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.members.meeting import Met
from app.relations.choosing import choose
from app.relations.tasks import make_due, make_keeping, tasks
from models.attribution import TouchKind
from tests import make
from tests.bound import LIN, ZHOU, day, members_of, more_places
from tests.people import a_scan, id_of


@pytest.fixture(autouse=True)
def shop(tx: Tx) -> None:
    """The shop with more places."""
    with tx() as session:
        make.a_shop(session)
        more_places(session)


def open_tasks(session: Session, clerk: str = LIN) -> list[tuple[str, dict[str, Any]]]:
    found = tasks(session, clerk_id=id_of(session, "clerk", clerk), before=None, limit=50)
    return [(task.kind.value, task.facts) for task in found]


def test_a_new_fan_is_to_be_greeted_once_and_by_whoever_serves(tx: Tx) -> None:
    with tx() as session:
        members = members_of(session, LIN, 2)
        members_of(session, None, 1, store="SZ-NS")
    for _ in range(2):
        make_due(tx, now=day(3, 2))
    with tx() as session:
        assert open_tasks(session) == [("GREET", {}), ("GREET", {})]
        choose(session, member_id=members[0], clerk_code=ZHOU, now=day(3, 2))
    make_due(tx, now=day(3, 2))
    with tx() as session:
        assert (open_tasks(session), open_tasks(session, ZHOU)) == ([("GREET", {})], [("GREET", {})])
        assert make.count(session, "clerk_task", "moot_at is not null") == 1


def test_old_bindings_are_not_greeted_late(tx: Tx) -> None:
    with tx() as session:
        members_of(session, LIN, 1)
    make_due(tx, now=day(3, 5))
    with tx() as session:
        assert open_tasks(session) == []


@pytest.mark.parametrize(
    ("now", "kept"),
    [(day(3, 17), None), (day(3, 18), "2026-03-31"), (day(3, 31, 23), "2026-03-31"), (day(4, 1, 0), None)],
)
def test_bnd_4_a_clerk_is_reminded_two_weeks_before_another_may_take_over(
    tx: Tx, now: datetime, kept: str | None
) -> None:
    with tx() as session:
        members_of(session, LIN, 1)
    for _ in range(2):
        make_keeping(tx, now=now)
    with tx() as session:
        assert open_tasks(session) == ([("KEEP", {"kept_until": kept})] if kept else [])


def test_bnd_4_service_puts_the_reminder_off(tx: Tx) -> None:
    with tx() as session:
        [member] = members_of(session, LIN, 1)
        identity = session.execute(
            text("select id from identity where member_id = :m"), {"m": member}
        ).scalar_one()
        met = Met(member, identity, False, False)
        lin = id_of(session, "clerk", LIN)
        a_scan(session, met, None, kind=TouchKind.CHAT, clerk_id=lin, at=day(3, 10))
    make_keeping(tx, now=day(3, 25))
    with tx() as session:
        assert open_tasks(session) == []
    make_keeping(tx, now=day(9, 1))
    with tx() as session:
        assert open_tasks(session) == [("KEEP", {"kept_until": "2026-09-06"})]


def test_goods_that_wait_are_followed_up_until_they_are_fetched(tx: Tx) -> None:
    with tx() as session:
        make.stock(session, "AP-1002-M", 5)
        buyer = make.a_buyer(session, "b")
        choose(session, member_id=buyer.member_id, clerk_code=LIN, now=day(3, 1))
        placed = make.an_order(session, buyer)
        make.pay_for(session, placed.order_id)
        session.execute(text("update pickup_code set created_at = :at"), {"at": day(3, 1)})
    for _ in range(2):
        make_due(tx, now=day(3, 10))
    with tx() as session:
        assert open_tasks(session) == [("PICKUP", {"order": placed.number, "store": "SZ-FT"})]
        session.execute(text("update orders set fulfilment_state = 'PICKED_UP'"))
    make_due(tx, now=day(3, 10))
    with tx() as session:
        assert open_tasks(session) == []
        session.execute(text("update orders set fulfilment_state = 'READY'"))
