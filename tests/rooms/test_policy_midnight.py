"""D14: a new version at midnight, an order of 23:59 that is paid at 00:01."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.policies.approving import approve
from app.policies.drafting import draft, submit
from models.policies import PolicyMode, PolicyScope
from tests.make import a_shop, stock
from tests.people import a_code, a_fan, a_scan
from tests.rooms.sold import buy, pay

NOON = datetime(2026, 3, 28, 4, 0, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 28, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.usefixtures("right_books")
def test_pol_2_the_version_of_the_moment_of_the_order_decides_whenever_it_is_paid(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        stock(session, "AP-1002-M", 5)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session))
        version = draft(
            session,
            code="DEFAULT",
            scope=PolicyScope.BRAND,
            scope_ref=None,
            mode=PolicyMode.LAST_TOUCH,
            params={"pools": {"apparel": 800}, "window_days": 90},
            effective_from=None,
            effective_to=None,
            by="operator:O-1",
            now=NOON,
        )
        submit(session, code="DEFAULT", version=version, by="operator:O-1", now=NOON)
        assert approve(session, code="DEFAULT", version=version, by="operator:O-2", now=NOON) == MIDNIGHT
        old = buy(session, fan, at=MIDNIGHT - MINUTE)
        new = buy(session, fan, at=MIDNIGHT)
        for placed in (new, old):
            pay(session, placed, at=MIDNIGHT + MINUTE)
        told = session.execute(
            text(
                "select c.order_number, c.pool_fen, s.role, s.accrued_fen, s.reason ->> 'version' as version"
                " from commission_line c join commission_share s on s.order_line_id = c.order_line_id"
                " order by c.order_id, s.position"
            )
        ).all()
    by_order = {
        number: [(row.role, row.accrued_fen, row.version) for row in told if row.order_number == number]
        for number in (old.number, new.number)
    }
    assert by_order[old.number] == [
        ("ACQ_CLERK", 449, "1"),
        ("ACQ_STORE", 224, "1"),
        ("SVC_CLERK", 299, "1"),
        ("SELL_CLERK", 299, "1"),
        ("FULFIL_STORE", 224, "1"),
    ]
    assert by_order[new.number] == [("SELL_CLERK", 2392, "2")]
