"""A clerk's figures and the boards (KPI-3), counted from what really happened."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.kpi import boards, figures, following
from app.kpi.boards import Within
from app.kpi.figures import Figures
from app.kpi.periods import read_period
from app.kpi.sweeping import sweep
from tests import make
from tests.people import a_code, a_fan, a_scan, id_of
from tests.rooms.paid import EVERYBODY, Sold, party, refund, sell, snapshot

pytestmark = pytest.mark.usefixtures("right_books")

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MARCH = read_period("2026-03")


@pytest.fixture
def town(tx: Tx) -> Tx:
    with tx() as session:
        make.a_shop(session)
    return tx


def sale(
    session: Session, number: str, bases: list[int], *, clerk: str = "C-SZFT-01", at: datetime = AT
) -> Sold:
    """A paid and booked order that a clerk sold."""
    credit = snapshot([*EVERYBODY[:3], party("SELL_CLERK", f"clerk:{clerk}")])
    sold = sell(session, bases, number=number, credit=credit, paid_at=at)
    accrue(session, sold.lines, paid_at=at, now=at)
    sweep(session)
    return sold


def back(session: Session, sold: Sold, fen: int, no: str, at: datetime) -> None:
    refund_id = refund(session, sold, {0: fen}, no=no)
    reverse(session, refund_id=refund_id, lines=[(sold.lines[0].order_line_id, fen)], at=at)
    sweep(session)


def of(session: Session, code: str = "C-SZFT-01", period: str = "2026-03") -> Figures:
    return figures.of_clerks(session, [code], read_period(period))[0]


def test_kpi3_46_items_in_20_orders_of_598000(town: Tx) -> None:
    with town() as session:
        for number in range(20):
            sale(session, f"A260302TEST{number:04}", [13_000] * (3 if number < 6 else 2))
        found = of(session)
    assert (found.items, found.orders, found.upt_bp) == (46, 20, 23000)
    assert (found.net_fen, found.atv_fen) == (598_000, 29_900)


def test_kpi3_nothing_sold_has_no_average(town: Tx) -> None:
    with town() as session:
        found = of(session)
    assert (found.net_fen, found.orders, found.upt_bp, found.atv_fen, found.repeat_bp) == (
        0,
        0,
        None,
        None,
        None,
    )
    assert (found.kept_bp, found.on_time_bp) == (None, None)


def test_kpi3_a_return_counts_on_its_own_day(town: Tx) -> None:
    with town() as session:
        sold = sale(session, "A260302TEST0001", [29900])
        back(session, sold, 29900, "R1", datetime(2026, 4, 1, 4, tzinfo=UTC))
        assert of(session).net_fen == 29900
        assert of(session, period="2026-04").net_fen == -29900
        assert of(session, period="2026-04").orders == 0


def test_kpi3_repeat_rate_of_90_days_counts_no_refunded_order(town: Tx) -> None:
    """The only member of tests.rooms.paid buys twice, then one purchase is undone, then the window moves on."""
    with town() as session:
        sale(session, "A260302TEST0001", [29900])
        assert (of(session).buyers, of(session).repeated, of(session).repeat_bp) == (1, 0, 0)
        second = sale(session, "A260305TEST0002", [29900], at=AT + timedelta(days=3))
        assert (of(session).buyers, of(session).repeated, of(session).repeat_bp) == (1, 1, 10000)
        back(session, second, 29900, "R1", AT + timedelta(days=4))
        assert (of(session).buyers, of(session).repeated) == (1, 0)
        # 90 days to the end of May begin on 3 March: the purchase of the 2nd is out.
        assert of(session, period="2026-05").buyers == 0


@pytest.mark.parametrize(("day", "counted"), [("2026-03-09", 0), ("2026-03-10", 1), ("2026-03-11", 0)])
def test_kpi3_bnd11_a_new_member_counts_on_the_day_after_the_seventh(
    town: Tx, day: str, counted: int
) -> None:
    with town() as session:
        fan = a_fan(session, now=AT)
        a_scan(session, fan, a_code(session), at=AT)
        session.execute(
            text("update member set phone_verified_at = :at where id = :id"), {"at": AT, "id": fan.member_id}
        )
        # The 7th day after 2 March ends with the 9th: not measured a minute before, measured a minute after.
        assert following.measure(session, now=datetime(2026, 3, 9, 15, 59, tzinfo=UTC)) == 0
        assert following.measure(session, now=datetime(2026, 3, 9, 16, 1, tzinfo=UTC)) == 1
        assert following.measure(session, now=datetime(2026, 3, 9, 16, 2, tzinfo=UTC)) == 0
        assert of(session, period=day).new_members == counted


def test_kpi3_who_left_within_seven_days_or_never_registered_is_no_new_member(town: Tx) -> None:
    with town() as session:
        code = a_code(session)
        gone, silent = a_fan(session, "gone", now=AT), a_fan(session, "silent", now=AT)
        for fan in (gone, silent):
            a_scan(session, fan, code, at=AT)
        session.execute(
            text("update member set phone_verified_at = :at where id = :id"), {"at": AT, "id": gone.member_id}
        )
        session.execute(text("update identity set followed = false where openid = 'gone'"))
        following.measure(session, now=AT + timedelta(days=8))
        assert of(session).new_members == 0


def test_kpi3_kept_follow_rate_of_thirty_days(town: Tx) -> None:
    with town() as session:
        code = a_code(session)
        for number in range(4):
            a_scan(session, a_fan(session, f"fan-{number}", now=AT), code, at=AT)
        session.execute(text("update identity set followed = false where openid = 'fan-0'"))
        assert following.measure(session, now=AT + timedelta(days=31)) == 4
        # Whoever leaves on day 40 had stayed for thirty.
        session.execute(text("update identity set followed = false where openid = 'fan-1'"))
        found = of(session, period="2026-04")
        assert (found.met, found.kept, found.kept_bp) == (4, 3, 7500)
        assert of(session).met == 0


def test_kpi3_served_members_count_once_however_they_were_served(town: Tx) -> None:
    with town() as session:
        sale(session, "A260302TEST0001", [29900])
        clerk_id = id_of(session, "clerk", "C-SZFT-01")
        session.execute(
            text(
                "insert into touch (member_id, kind, clerk_id, occurred_at, received_at, raw_key, valid, result)"
                " select id, 'CHAT', :clerk, :at, :at, 'chat-1', true, 'RECORDED' from member where number = 'M-0001'"
            ),
            {"clerk": clerk_id, "at": AT},
        )
        make.a_buyer(session, "other")
        session.execute(
            text(
                "insert into touch (member_id, kind, clerk_id, occurred_at, received_at, raw_key, valid, result)"
                " select id, k, :clerk, :at, :at, k, k <> 'CHAT', 'RECORDED' from member,"
                " (values ('SCAN'), ('CHAT')) x(k) where number = 'M-other'"
            ),
            {"clerk": clerk_id, "at": AT},
        )
        assert of(session).served == 1
        session.execute(
            text(
                "insert into touch (member_id, kind, clerk_id, occurred_at, received_at, raw_key, valid, result)"
                " select id, 'BOOKING', :clerk, :at, :at, 'b', true, 'RECORDED' from member where number = 'M-other'"
            ),
            {"clerk": clerk_id, "at": AT},
        )
        assert of(session).served == 2


@pytest.mark.parametrize(("used", "on_time"), [("2026-03-09 15:59+00", 1), ("2026-03-09 16:00+00", 0)])
def test_kpi3_a_pick_up_is_on_time_until_the_end_of_the_seventh_day(
    town: Tx, used: str, on_time: int
) -> None:
    with town() as session:
        sale(session, "A260302TEST0001", [29900])
        clerk_id = id_of(session, "clerk", "C-SZFT-01")
        session.execute(
            text("update pickup_code set used_at = :used, used_by_clerk_id = :id"),
            {"used": used, "id": clerk_id},
        )
        found = of(session)
        session.rollback()
    assert (found.pickups, found.on_time, found.on_time_bp) == (1, on_time, on_time * 10000)


def test_kpi3_a_board_with_ties_my_place_and_my_neighbours(town: Tx) -> None:
    with town() as session:
        for number, (clerk, fen) in enumerate(
            [("C-SZFT-01", 500), ("C-SZNS-01", 900), ("C-SZNS-03", 500), ("C-SZFT-03", 100)]
        ):
            sale(session, f"A260302TEST000{number}", [fen], clerk=clerk)
        session.execute(text("update clerk set monthly_target_fen = 1000 where code = 'C-SZFT-01'"))
        brand = boards.clerks(session, Within(), MARCH)
        store = boards.clerks(session, Within(store="SZ-FT"), MARCH)
        day = boards.clerks(session, Within(store="SZ-FT"), read_period("2026-03-02"))
        session.execute(
            text(
                "insert into clerk_target (clerk_id, month, target_fen, set_by, set_at)"
                " select id, '2026-03', 2000, 'operator:O-1', :at from clerk where code = 'C-SZFT-01'"
            ),
            {"at": AT},
        )
        own = boards.clerks(session, Within(store="SZ-FT"), MARCH)
    places = [(p.rank, p.code, p.net_fen) for p in brand]
    assert places == [
        (1, "C-SZNS-01", 900),
        (2, "C-SZFT-01", 500),
        (2, "C-SZNS-03", 500),
        (4, "C-SZFT-03", 100),
    ]
    assert [(p.rank, p.code) for p in store] == [(1, "C-SZFT-01"), (2, "C-SZFT-03")]
    assert (store[0].target_fen, store[0].attained_bp) == (1000, 5000)
    assert (own[0].target_fen, own[0].attained_bp) == (2000, 2500)
    assert (day[0].target_fen, day[0].attained_bp) == (None, None)
    assert [p.code for p in boards.around(brand, "C-SZNS-01")] == ["C-SZNS-01", "C-SZFT-01", "C-SZNS-03"]
    assert boards.around(brand, "C-NOBODY") == []


def test_kpi3_who_left_and_team_accounts_are_on_no_board(town: Tx) -> None:
    with town() as session:
        session.execute(text("update clerk set status = 'LEFT' where code = 'C-SZFT-01'"))
        session.execute(text("update clerk set role = 'TEAM' where code = 'C-SZNS-01'"))
        assert [p.code for p in boards.clerks(session, Within(), MARCH)] == ["C-SZFT-03", "C-SZNS-03"]


def test_kpi1_stores_are_ranked_by_credit_and_the_roles_sum_to_the_net_sales(town: Tx) -> None:
    with town() as session:
        sold = sale(session, "A260302TEST0001", [29900])
        back(session, sold, 900, "R1", AT)
        found = boards.stores(session, Within(), MARCH)
        roles = boards.by_role(session, MARCH)
    assert [(p.rank, p.code) for p in found] == [(1, "SZ-FT"), (2, "SZ-NS")]
    assert roles == {"ONLINE": 11600, "SELL_STORE": 0, "ACQ_STORE": 5800, "FULFIL_STORE": 11600}
    assert sum(roles.values()) == 29000
    assert found[0].net_fen == 17400
