"""The KPI book on a real database (KPI-1, KPI-2): exact, once, whenever and in whatever order things commit."""

import random
import threading
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Invalid
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.kpi import weights
from app.kpi.booking import book
from app.kpi.rules import Weights
from app.kpi.sweeping import sweep
from models.kpi import Scenario
from tests.racing import at_once
from tests.rooms.paid import EVERYBODY, PAID_AT, Sold, party, refund, sell, snapshot

pytestmark = pytest.mark.usefixtures("right_books")

Rows = list[tuple[str, str | None, int]]
_CREDIT = text(
    """
    select k.role, s.code, sum(k.amount_fen)::bigint as fen from kpi_credit k left join store s on s.id = k.store_id
     where k.order_line_id = :id group by 1, 2 order by min(k.id)
    """
)
_CLERKS = text(
    """
    select c.code, sum(k.amount_fen)::bigint, sum(k.qty)::bigint
      from kpi_clerk_credit k join clerk c on c.id = k.clerk_id
     where k.order_line_id = :id group by 1 order by 1
    """
)


def credit(session: Session, sold: Sold, position: int = 0) -> Rows:
    rows = session.execute(_CREDIT, {"id": sold.lines[position].order_line_id})
    return [tuple(row) for row in rows]  # type: ignore[misc]  # three columns, as the annotation says


def clerks(session: Session, sold: Sold) -> list[tuple[str, int, int]]:
    rows = session.execute(_CLERKS, {"id": sold.lines[0].order_line_id})
    return [tuple(row) for row in rows]  # type: ignore[misc]  # three columns, as the annotation says


def places(session: Session) -> None:
    """A second store, a warehouse and two clerks beside the store of tests.rooms.paid."""
    for statement in (
        "insert into legal_entity (code, name, kind) values ('E-HQ', '深圳澜序', 'HQ') on conflict do nothing",
        "insert into store (code, entity_id, name, name_en, ownership, city, services, status, is_default_landing)"
        " select v, id, v, v, 'DIRECT', '深圳', '{pickup}', 'OPEN', false from legal_entity,"
        " (values ('SZ-FT'), ('SZ-NS')) x(v) where code = 'E-HQ'",
        "insert into stock_location (code, name, kind, store_id, entity_id)"
        " select 'DC-DG', 'DC-DG', 'WAREHOUSE', null, id from legal_entity where code = 'E-HQ'",
        "insert into stock_location (code, name, kind, store_id, entity_id)"
        " select code, name, 'STORE', id, entity_id from store where code = 'SZ-NS'",
        "insert into clerk (code, name, store_id, role, status)"
        " select v, v, id, 'CLERK', 'ACTIVE' from store, (values ('C-SZFT-01'), ('C-SZFT-02')) x(v)"
        " where code = 'SZ-FT'",
    ):
        session.execute(text(statement))


def sold_as(session: Session, sold: Sold, **facts: object) -> None:
    """Say of an order how it was made and where it is handed over."""
    changes = ", ".join(f"{name} = :{name}" for name in facts)
    session.execute(text(f"update orders set {changes} where id = :id"), {"id": sold.order_id, **facts})


def location(session: Session, code: str) -> int:
    return int(
        session.execute(text("select id from stock_location where code = :c"), {"c": code}).scalar_one()
    )


def paid(session: Session, bases: list[int] | None = None, **given: object) -> Sold:
    sold = sell(session, bases or [29900], **given)  # type: ignore[arg-type]  # the facts of sell, as they are
    accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    return sold


def taken_back(session: Session, sold: Sold, fen: int, no: str, position: int = 0) -> None:
    refund_id = refund(session, sold, {position: fen}, no=no)
    line_id = sold.lines[position].order_line_id
    reverse(session, refund_id=refund_id, lines=[(line_id, fen)], at=PAID_AT + timedelta(days=1))


@pytest.fixture
def town(tx: Tx) -> Tx:
    with tx() as session:
        places(session)
    return tx


def test_kpi1_online_and_pick_up_29900(town: Tx) -> None:
    with town() as session:
        sold = paid(session)
        assert sweep(session) == 1
        assert credit(session, sold) == [
            ("ONLINE", None, 11960),
            ("ACQ_STORE", "SZ-FT", 5980),
            ("FULFIL_STORE", "SZ-FT", 11960),
        ]
        assert clerks(session, sold) == [("C-SZFT-02", 29900, 1)]


def test_kpi1_cloud_shelf_from_a_warehouse_2000_8000(town: Tx) -> None:
    with town() as session:
        sold = paid(session)
        sold_as(session, sold, origin="STORE", fulfilment="EXPRESS", location_id=location(session, "DC-DG"))
        sweep(session)
        assert credit(session, sold) == [("ONLINE", None, 5980), ("SELL_STORE", "SZ-FT", 23920)]
        session.rollback()


def test_kpi1_cloud_shelf_from_another_store(town: Tx) -> None:
    with town() as session:
        sold = paid(session)
        sold_as(session, sold, origin="STORE", fulfilment="EXPRESS", location_id=location(session, "SZ-NS"))
        sweep(session)
        assert credit(session, sold) == [
            ("ONLINE", None, 4485),
            ("SELL_STORE", "SZ-FT", 17940),
            ("FULFIL_STORE", "SZ-NS", 7475),
        ]
        session.rollback()


def test_kpi1_online_shipped_from_a_warehouse(town: Tx) -> None:
    with town() as session:
        sold = paid(session)
        sold_as(session, sold, fulfilment="EXPRESS", location_id=location(session, "DC-DG"))
        sweep(session)
        assert credit(session, sold) == [("ONLINE", None, 20930), ("ACQ_STORE", "SZ-FT", 8970)]
        session.rollback()


def test_kpi1_a_till_credits_its_store_alone(town: Tx) -> None:
    with town() as session:
        sold = paid(session)
        sold_as(session, sold, origin="POS")
        sweep(session)
        assert credit(session, sold) == [("SELL_STORE", "SZ-FT", 29900)]
        session.rollback()


def test_kpi1_without_an_acquisition_its_weight_goes_online(town: Tx) -> None:
    with town() as session:
        sold = paid(session, credit=snapshot(EVERYBODY[2:]))
        sweep(session)
        assert credit(session, sold) == [("ONLINE", None, 17940), ("FULFIL_STORE", "SZ-FT", 11960)]


def test_spl8_a_line_below_the_discount_floor_keeps_its_kpi_credit(town: Tx) -> None:
    with town() as session:
        sold = paid(session, pool_bp=0)
        sweep(session)
        assert [fen for _, _, fen in credit(session, sold)] == [11960, 5980, 11960]


def test_spl6_a_shared_sale_is_shared_among_its_clerks(town: Tx) -> None:
    two = [
        party("SELL_CLERK", "clerk:C-SZFT-01", part_bp=6000),
        party("SELL_CLERK", "clerk:C-SZFT-02", part_bp=4000),
    ]
    with town() as session:
        sold = paid(session, [1001], credit=snapshot([*EVERYBODY[:3], *two]))
        sweep(session)
        assert clerks(session, sold) == [("C-SZFT-01", 601, 1), ("C-SZFT-02", 400, 1)]


def test_kpi1_refunds_are_negative_with_the_same_weights_and_end_at_nothing(town: Tx) -> None:
    with town() as session:
        sold = paid(session)
        sweep(session)
        taken_back(session, sold, 3333, "R1")
        assert sweep(session) == 1
        assert [fen for _, _, fen in credit(session, sold)] == [11960 - 1333, 5980 - 667, 11960 - 1333]
        taken_back(session, sold, 29900 - 3333, "R2")
        sweep(session)
        assert [fen for _, _, fen in credit(session, sold)] == [0, 0, 0]
        assert clerks(session, sold) == [("C-SZFT-02", 0, 1)]
        negatives = session.execute(
            text("select sum(amount_fen) from kpi_credit where refund_id is not null")
        )
        assert negatives.scalar() == -29900


def test_kpi1_a_sale_and_its_refunds_seen_for_the_first_time_together(town: Tx) -> None:
    with town() as session:
        sold = paid(session, [29900, 12900])
        taken_back(session, sold, 3333, "R1")
        taken_back(session, sold, 12900, "R2", position=1)
        assert sweep(session) == 4
        assert sum(fen for _, _, fen in credit(session, sold)) == 29900 - 3333
        assert sum(fen for _, _, fen in credit(session, sold, 1)) == 0
        assert sweep(session) == 0


def test_kpi1_booking_again_changes_nothing(town: Tx) -> None:
    with town() as session:
        sold = paid(session)
        taken_back(session, sold, 3333, "R1")
        line_ids = [line.order_line_id for line in sold.lines]
        book(session, line_ids)
        first = credit(session, sold)
        book(session, line_ids)
        sweep(session)
        assert credit(session, sold) == first
        assert session.execute(text("select count(*) from kpi_credit")).scalar() == 6


def test_kpi1_an_unpaid_line_is_not_booked(town: Tx) -> None:
    with town() as session:
        sold = sell(session)
        session.execute(text("update orders set paid_at = null"))
        book(session, [line.order_line_id for line in sold.lines])
        assert session.execute(text("select count(*) from kpi_sale")).scalar() == 0
        session.rollback()


def test_kpi1_a_payment_that_commits_late_is_not_passed_by(town: Tx) -> None:
    """The earlier row commits after the sweep that booked the later one."""
    earlier, may_commit, done = threading.Event(), threading.Event(), threading.Event()

    def slow() -> None:
        with town() as session:
            paid(session, number="A260302TEST0001")
            earlier.set()
            may_commit.wait(10)
        done.set()

    with town() as session:  # the goods' rows first, so that both may write at once
        paid(session, number="A260302TEST0000")
        sweep(session)
    thread = threading.Thread(target=slow)
    thread.start()
    assert earlier.wait(10)
    with town() as session:
        session.execute(text("set local lock_timeout = '200ms'"))
        assert sweep(session) == 0
    may_commit.set()
    assert done.wait(10)
    thread.join()
    with town() as session:
        assert sweep(session) == 1
        assert session.execute(text("select count(*) from kpi_sale")).scalar() == 2


def test_kpi1_eight_sweeps_at_once_book_once(town: Tx) -> None:
    with town() as session:
        for number in range(6):
            sold = paid(session, [29900, 12900], number=f"A260302TEST000{number}")
            taken_back(session, sold, 500, f"R{number}")

    def work(_: int) -> int:
        counted = 0
        for _ in range(4):
            with town() as session:
                counted += sweep(session, limit=3)
        return counted

    counted = sum(at_once(8, work))
    with town() as session:
        counted += sweep(session)
        assert counted == 12 + 6
        assert session.execute(text("select count(*), sum(amount_fen) from kpi_sale")).one() == (
            12,
            6 * 42800,
        )
        assert session.execute(text("select sum(amount_fen) from kpi_credit")).scalar() == 6 * (42800 - 500)


def test_kpi1_a_sweep_waits_for_no_claw_back(town: Tx) -> None:
    """Claw-back holds the order line and then wants the commission line: a waiting sweep would be a deadlock."""
    with town() as session:
        sold = paid(session)
    with town() as holding:
        holding.execute(
            text("select id from order_line where id = :id for update"), {"id": sold.lines[0].order_line_id}
        )
        with town() as session:
            session.execute(text("set local lock_timeout = '500ms'"))
            assert sweep(session) == 0
    with town() as session:
        assert sweep(session) == 1


def test_kpi1_a_refund_waits_for_its_sale(town: Tx) -> None:
    """Its line is in other hands just now: the refund is not counted before the sale that it lowers."""
    with town() as session:
        sold = paid(session)
        taken_back(session, sold, 3333, "R1")
    with town() as holding:
        holding.execute(text("select order_line_id from commission_line for update"))
        with town() as session:
            assert sweep(session) == 0
    with town() as session:
        assert sweep(session) == 2
        assert sum(fen for _, _, fen in credit(session, sold)) == 29900 - 3333


def test_kpi1_random_refunds_of_random_lines_always_sum_to_net(town: Tx) -> None:
    dice = random.Random(7)
    with town() as session:
        sold = paid(session, [dice.randint(1, 100_000) for _ in range(12)])
        left = [line.base_fen for line in sold.lines]
        for number in range(40):
            position = dice.randrange(12)
            if left[position]:
                fen = left[position] if dice.random() < 0.3 else dice.randint(1, left[position])
                taken_back(session, sold, fen, f"R{number}", position)
                left[position] -= fen
            if dice.random() < 0.4:
                sweep(session, limit=dice.randint(1, 5))
        while sweep(session):
            pass
        assert [sum(fen for _, _, fen in credit(session, sold, i)) for i in range(12)] == left


def test_kpi1_the_book_refuses_changes(town: Tx) -> None:
    with town() as session:
        paid(session)
        sweep(session)
    for change in ("update kpi_credit set amount_fen = 0", "delete from kpi_credit", "delete from kpi_sale"):
        with pytest.raises(DBAPIError, match="append-only"), town() as session:
            session.execute(text(change))


def test_kpi1_other_weights_hold_for_orders_placed_from_then_on(town: Tx) -> None:
    now = PAID_AT - timedelta(days=1)
    with town() as session:
        weights.announce(
            session,
            Scenario.ONLINE_STORE,
            Weights(5000, 0, 1000, 4000),
            effective_from=PAID_AT,
            by="operator:O-1",
            why="新口径",
            now=now,
        )
        before = sell(session, number="A260302TEST0001", paid_at=PAID_AT)
        session.execute(text("update orders set created_at = :at"), {"at": PAID_AT - timedelta(seconds=1)})
        after = sell(session, number="A260302TEST0002")
        for sold in (before, after):
            accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        sweep(session)
        assert [fen for _, _, fen in credit(session, before)] == [11960, 5980, 11960]
        assert [fen for _, _, fen in credit(session, after)] == [14950, 2990, 11960]
        assert weights.in_effect(session, at=PAID_AT)[Scenario.ONLINE_STORE].online_bp == 5000
        assert session.execute(text("select actor, why from audit_entry")).one() == ("operator:O-1", "新口径")
        session.rollback()


@pytest.mark.parametrize(
    ("given", "minutes", "field"),
    [
        (Weights(4000, 0, 2000, 3999), 1, "weights"),
        (Weights(10001, -1, 0, 0), 1, "weights"),
        (Weights(4000, 0, 2000, 4000), 0, "effective_from"),
    ],
)
def test_kpi1_false_weights_are_refused_and_leave_nothing(
    town: Tx, given: Weights, minutes: int, field: str
) -> None:
    with pytest.raises(Invalid) as refused, town() as session:
        weights.announce(
            session,
            Scenario.POS,
            given,
            effective_from=PAID_AT + timedelta(minutes=minutes),
            by="operator:O-1",
            why="x",
            now=PAID_AT,
        )
    assert list(refused.value.fields) == [field]
    with town() as session:
        assert session.execute(text("select count(*) from kpi_weight")).scalar() == 5
        assert session.execute(text("select count(*) from audit_entry")).scalar() == 0


def test_kpi2_the_book_is_apart_from_commission_and_moves_no_money(town: Tx) -> None:
    with town() as session:
        sold = paid(session)
        before = session.execute(text("select count(*) from ledger_transfer")).scalar()
        sweep(session)
        assert session.execute(text("select count(*) from ledger_transfer")).scalar() == before
        assert sum(fen for _, _, fen in credit(session, sold)) == 29900
