"""The fraud detectors on a real database (FRD-1): what calls, on both sides of each threshold."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.commission.clawback import reverse
from app.kpi.sweeping import sweep
from models.review import RiskRule
from tests.rooms.paid import LIN, book, refund
from tests.rooms.suspects import (
    AT,
    NOW,
    booked,
    fans,
    found,
    leave,
    many_clerks,
    of_member,
    paid,
    scans,
)

pytestmark = pytest.mark.usefixtures("right_books")


@pytest.fixture
def town(tx: Tx) -> Tx:
    with tx() as session:
        many_clerks(session)
    return tx


@pytest.mark.parametrize(("clerks", "called"), [(5, 0), (6, 1)])
def test_frd1_more_than_five_clerks_scanned_by_one_fan_in_24_hours(
    town: Tx, clerks: int, called: int
) -> None:
    with town() as session:
        scans(session, clerks)
        assert found(session, RiskRule.SCANS) == called


@pytest.mark.parametrize(("hours", "called"), [(4, 1), (5, 0)])
def test_frd1_six_clerks_over_more_than_24_hours_are_no_matter(town: Tx, hours: int, called: int) -> None:
    with town() as session:
        scans(session, 6, spread=timedelta(hours=hours))
        assert found(session, RiskRule.SCANS, now=AT + timedelta(hours=26)) == called


@pytest.mark.parametrize(("count", "seconds", "called"), [(60, 1, 0), (61, 1, 1), (61, 60, 0), (61, 59, 1)])
def test_frd1_more_than_sixty_fans_within_an_hour(town: Tx, count: int, seconds: int, called: int) -> None:
    with town() as session:
        fans(session, count, seconds=seconds)
        assert found(session, RiskRule.FANS) == called


@pytest.mark.parametrize(("count", "called"), [(200, 0), (201, 1)])
def test_frd1_more_than_two_hundred_fans_within_a_local_day(town: Tx, count: int, called: int) -> None:
    with town() as session:
        fans(session, count, seconds=120)  # thirty an hour, 6 h 42 min: one local day
        assert found(session, RiskRule.FANS) == called


@pytest.mark.parametrize(
    ("count", "left", "called"), [(10, 4, 0), (10, 5, 1), (9, 9, 0), (100, 40, 0), (100, 41, 1)]
)
def test_frd1_more_than_forty_percent_of_a_day_left_within_24_hours(
    town: Tx, count: int, left: int, called: int
) -> None:
    with town() as session:
        fans(session, count)
        leave(session, left)
        midnight = AT + timedelta(hours=12)
        assert found(session, RiskRule.UNFOLLOWS, now=midnight - timedelta(seconds=1)) == 0  # not over yet
        assert found(session, RiskRule.UNFOLLOWS, now=midnight) == called


@pytest.mark.parametrize(("seconds", "called"), [(86399, 1), (86400, 0)])
def test_frd1_who_leaves_after_24_hours_does_not_count(town: Tx, seconds: int, called: int) -> None:
    with town() as session:
        fans(session, 10)
        leave(session, 10, after=timedelta(seconds=seconds))
        assert found(session, RiskRule.UNFOLLOWS, now=NOW + timedelta(days=2)) == called


@pytest.mark.parametrize(("members", "called"), [(["a", "b"], 0), (["a", "b", "b"], 0), (["a", "b", "c"], 1)])
def test_frd1_three_members_with_one_payer_and_one_clerk(town: Tx, members: list[str], called: int) -> None:
    with town() as session:
        for n, name in enumerate(members):
            sold = paid(session, f"A260302TEST000{n}")
            of_member(session, sold, name, payer="o-payer")
        assert found(session, RiskRule.PAYER, now=booked(session)) == called * 2  # LIN and CHEN both earn
        told = session.execute(text("select subject || facts::text from risk_finding")).scalars().all()
        assert not any("o-payer" in one for one in told)


@pytest.mark.parametrize(("hours", "called"), [(11, True), (12, False)])
def test_frd1_three_orders_of_one_payer_within_24_hours(town: Tx, hours: int, called: bool) -> None:
    with town() as session:
        for n in range(3):
            sold = paid(session, f"A260302TEST000{n}", paid_at=AT + n * timedelta(hours=hours))
            of_member(session, sold, str(n), payer="o-payer")
        assert bool(found(session, RiskRule.PAYER, now=booked(session))) is called


@pytest.mark.parametrize(
    ("fen", "seconds", "called"), [(100_000, 60, 0), (100_001, 60, 1), (100_001, 599, 1), (100_001, 600, 0)]
)
def test_frd1_the_serving_clerk_changed_just_before_a_large_order(
    town: Tx, fen: int, seconds: int, called: int
) -> None:
    with town() as session:
        sold = paid(session, "A260302TEST0001", fen=fen)
        for clerk, since in (
            ("C-X-1", AT - timedelta(days=90)),
            ("C-SZFT-01", AT - timedelta(seconds=seconds)),
        ):
            session.execute(
                text(
                    "update service_binding set valid_to = :at where valid_to is null",
                ),
                {"at": since},
            )
            session.execute(
                text(
                    "insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, actor)"
                    " select o.member_id, c.id, c.store_id, :at, 'REBOUND', 'test' from orders o, clerk c"
                    " where o.id = :id and c.code = :clerk"
                ),
                {"at": since, "id": sold.order_id, "clerk": clerk},
            )
        assert found(session, RiskRule.REBIND, now=booked(session)) == called
        held = [party_ for _, party_, _, state in book(session, sold) if state == "HELD"]
        assert held == ([LIN, LIN] if called else [])


def test_frd1_the_first_binding_is_no_change(town: Tx) -> None:
    with town() as session:
        sold = paid(session, "A260302TEST0001", fen=200_000)
        session.execute(
            text(
                "insert into service_binding (member_id, clerk_id, store_id, valid_from, reason, actor)"
                " select o.member_id, c.id, c.store_id, :at, 'ACQUIRED', 'test' from orders o, clerk c"
                " where o.id = :id and c.code = 'C-SZFT-01'"
            ),
            {"at": AT - timedelta(seconds=30), "id": sold.order_id},
        )
        assert found(session, RiskRule.REBIND, now=booked(session)) == 0


@pytest.mark.parametrize(("orders", "refunded", "called"), [(10, 3, 0), (10, 4, 1), (9, 9, 0)])
def test_frd1_more_than_thirty_percent_refunded_of_at_least_ten_orders(
    town: Tx, orders: int, refunded: int, called: int
) -> None:
    with town() as session:
        sold = [paid(session, f"A260302TEST00{n:02}") for n in range(orders)]
        for n in range(refunded):
            refund_id = refund(session, sold[n], {0: 29900}, no=f"R{n}")
            reverse(session, refund_id=refund_id, lines=[(sold[n].lines[0].order_line_id, 29900)], at=NOW)
        sweep(session)
        assert found(session, RiskRule.REFUNDS) == called
        held = session.execute(text("select count(*) from commission_share where state = 'HELD'")).scalar()
        assert held == called * (orders - refunded)  # CHEN sold them; what was refunded is gone already
