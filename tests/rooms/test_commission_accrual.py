"""Accrual on a real database (ACC-1): exact, frozen, once per line also in a race, few statements."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine, event, text

from app.base.db import Tx, open_tx
from app.base.errors import Alarm
from app.commission.accrual import accrue
from app.ledger.reading import balances
from tests.racing import at_once
from tests.rooms.paid import CHEN, EVERYBODY, FUTIAN, HQ, LIN, NANSHAN, PAID_AT, sell, shares, snapshot

pytestmark = pytest.mark.usefixtures("right_books")

ACCOUNTS = ["expense:commission:E-HQ", *(f"frozen:{party}" for party in (LIN, CHEN, FUTIAN, NANSHAN, HQ))]


def test_acc1_an_accrual_gives_every_party_its_frozen_share_and_the_ledger_agrees(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    with tx() as session:
        assert shares(session, sold) == [
            ("ACQ_CLERK", LIN, 449, 0, "FROZEN"),
            ("ACQ_STORE", FUTIAN, 224, 0, "FROZEN"),
            ("SVC_CLERK", LIN, 299, 0, "FROZEN"),
            ("SELL_CLERK", CHEN, 299, 0, "FROZEN"),
            ("FULFIL_STORE", NANSHAN, 224, 0, "FROZEN"),
        ]
        assert list(balances(session, ACCOUNTS).values()) == [-1495, 748, 299, 224, 224, 0]
        line = session.execute(text("select * from commission_line")).one()
        assert (line.base_fen, line.pool_fen, line.reversed_fen, line.releasable_at) == (29900, 1495, 0, None)
        entry = session.execute(
            text("select e.*, t.happened_at, t.cause, t.kind as posted from commission_entry e"
                 " join ledger_transfer t on t.id = e.transfer_id order by e.id limit 1")
        ).one()  # fmt: skip
        assert (entry.kind, entry.amount_fen, entry.at, entry.happened_at) == (
            "ACCRUE",
            449,
            PAID_AT,
            PAID_AT,
        )
        assert (entry.cause, entry.posted) == ("order:A260302TEST0001", "COMMISSION_ACCRUE")


def test_spl2_each_line_of_an_order_has_its_own_pool(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session, [28024, 12090, 4686])
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        found = [[row[2] for row in shares(session, sold, position)] for position in range(3)]
    assert found == [[421, 210, 280, 280, 210], [181, 91, 121, 121, 91], [70, 35, 47, 47, 35]]


def test_spl5_the_part_of_missing_roles_is_posted_to_head_office(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session, credit=snapshot(EVERYBODY[2:]))
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        assert shares(session, sold)[-1] == ("HQ", HQ, 673, 0, "FROZEN")
        assert list(balances(session, ACCOUNTS).values()) == [-1495, 299, 299, 0, 224, 673]


def test_spl8_a_line_without_a_pool_is_noted_and_posts_nothing(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session, pool_bp=0)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        assert [row[2] for row in shares(session, sold)] == [0, 0, 0, 0, 0]
        assert session.execute(text("select count(*) from commission_entry")).scalar() == 0
        assert list(balances(session, ACCOUNTS).values()) == [0, 0, 0, 0, 0, 0]


def test_i23_a_second_accrual_changes_nothing_and_one_with_another_base_raises_an_alarm(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session, [29900, 12900])
        accrue(session, sold.lines[:1], paid_at=PAID_AT, now=PAID_AT)
    with tx() as session:
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        accrue(session, [], paid_at=PAID_AT, now=PAID_AT)
    with tx() as session:
        assert balances(session, ACCOUNTS[:1]) == {ACCOUNTS[0]: -(1495 + 645)}
        assert session.execute(text("select count(*) from commission_share")).scalar() == 10
    other = replace(sold.lines[0], base_fen=1)
    with pytest.raises(Alarm, match="A260302TEST0001"), tx() as session:
        accrue(session, [other], paid_at=PAID_AT, now=PAID_AT)


def test_i23_ten_accruals_at_once_accrue_once(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session, [29900, 12900])

    def work(number: int) -> None:
        with tx() as session:
            lines = sold.lines if number % 2 else sold.lines[::-1]
            accrue(session, lines, paid_at=PAID_AT, now=PAID_AT)

    at_once(10, work)
    with tx() as session:
        assert balances(session, ACCOUNTS[:1]) == {ACCOUNTS[0]: -(1495 + 645)}
        assert session.execute(text("select count(*) from commission_entry")).scalar() == 10


def test_two_lines_of_five_shares_take_six_statements(tx: Tx, engine: Engine) -> None:
    with tx() as session:
        first = sell(session, number="A260302TEST0001")
        accrue(session, first.lines, paid_at=PAID_AT, now=PAID_AT)
        second = sell(session, [29900, 12900], number="A260302TEST0002")
    seen: list[str] = []
    with open_tx(engine, heard=True)() as session:
        listen = lambda conn, cur, statement, *rest: seen.append(statement)  # noqa: E731 - a listener in one line
        event.listen(session.connection(), "before_cursor_execute", listen)
        accrue(session, second.lines, paid_at=PAID_AT, now=PAID_AT)
    assert len(seen) == 6


def test_an_accrual_vanishes_with_its_transaction(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session)
    with tx() as session:
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        session.rollback()
    with tx() as session:
        assert shares(session, sold) == []
        assert balances(session, ACCOUNTS[:1]) == {ACCOUNTS[0]: 0}
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
