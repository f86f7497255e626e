"""What a party sees (SET-5), and the month whose totals are those of the ledger."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, event, text

from app.base.db import Tx, open_tx
from app.base.errors import Invalid
from app.commission import words
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.holding import hold
from app.commission.release import release_due
from app.commission.statement import Summary, clerk_summary, month, rows
from app.ledger.reading import balances
from tests.rooms.paid import CHEN, LIN, PAID_AT, Sold, hand_over, local, refund, sell

pytestmark = pytest.mark.usefixtures("right_books")


def paid(tx: Tx, number: str, *bases: int, at: datetime = PAID_AT) -> Sold:
    with tx() as session:
        sold = sell(session, bases or (29900,), number=number, paid_at=at)
        accrue(session, sold.lines, paid_at=at, now=at)
    return sold


def refunded(tx: Tx, sold: Sold, fen: int, no: str, at: datetime) -> None:
    with tx() as session:
        refund_id = refund(session, sold, {0: fen}, no=no)
        reverse(session, refund_id=refund_id, lines=[(sold.lines[0].order_line_id, fen)], at=at)


def released(tx: Tx, sold: Sold, at: datetime) -> None:
    with tx() as session:
        hand_over(session, sold)
        release_due(session, now=at)


def test_set5_the_summary_tells_estimated_from_certain_and_taken_back(tx: Tx) -> None:
    first, second, third = (paid(tx, f"A260302TEST000{no}") for no in (1, 2, 3))
    released(tx, first, local("2026-03-13"))
    refunded(tx, second, 3333, "R1", PAID_AT)
    with tx() as session:
        served = text("select id from commission_share where role = 'SVC_CLERK' and order_line_id = :id")
        share_id = session.execute(served, {"id": third.lines[0].order_line_id}).scalar_one()
        hold(session, share_ids=[share_id], cause="fraud:1", at=PAID_AT)
        assert clerk_summary(session, LIN, now=PAID_AT) == Summary(
            estimated_fen=748 - 84 + 449,
            held_fen=299,
            releasable_fen=748,
            settled_fen=0,
            reversed_fen=84,
            today_fen=748 * 3 - 84,
            today_orders=3,
        )
        tomorrow = clerk_summary(session, LIN, now=local("2026-03-03"))
        assert (tomorrow.today_fen, tomorrow.today_orders) == (0, 0)
        assert clerk_summary(session, "clerk:NOBODY", now=PAID_AT) == Summary(0, 0, 0, 0, 0, 0, 0)


def test_set5_rows_come_newest_first_in_pages_without_gap_or_repeat(tx: Tx) -> None:
    for no in range(5):
        paid(tx, f"A260302TEST000{no}", at=PAID_AT + timedelta(hours=no % 3))
    seen: list[tuple[str, str]] = []
    before = None
    with tx() as session:
        while page := rows(session, LIN, before_id=before, limit=3):
            seen += [(row.order_number, row.role.value) for row in page]
            before = page[-1].id
    assert len(seen) == len(set(seen)) == 10
    assert [number[-1] for number, _ in seen[::2]] == ["2", "4", "1", "3", "0"]


def test_set5_a_row_names_order_goods_role_amount_state_and_reason(tx: Tx) -> None:
    sold = paid(tx, "A260302TEST0001")
    refunded(tx, sold, 3333, "R1", PAID_AT)
    with tx() as session:
        hand_over(session, sold)
        row = rows(session, LIN)[-1]
    assert (row.order_number, row.sku_code, row.goods, row.qty) == (
        "A260302TEST0001",
        "AP-1002-M",
        "真丝衬衫",
        1,
    )
    assert (row.role.value, row.accrued_fen, row.reversed_fen, row.amount_fen) == ("ACQ_CLERK", 449, 50, 399)
    assert (row.state.value, row.certain_at, row.earned_at) == ("FROZEN", local("2026-03-13"), PAID_AT)
    assert words.why(row, "zh") == (
        "您于2026-03-01扫码带来的顾客（福田购物公园店）在本单消费，拉新分成30%："
        "基数¥299.00×5%×30% = ¥4.49；退款收回¥0.50，余¥3.99"
    )


def test_set5_the_month_adds_up_to_the_ledger_in_every_month(tx: Tx) -> None:
    february = paid(tx, "A260228TEST0001", at=local("2026-03-01") - timedelta(seconds=1))
    march = paid(tx, "A260301TEST0002", 59800, at=local("2026-03-01"))
    refunded(tx, march, 29900, "R1", local("2026-03-05"))
    released(tx, february, local("2026-03-13"))
    released(tx, march, local("2026-03-20"))
    refunded(tx, march, 29900, "R2", local("2026-04-01"))
    with tx() as session:
        found = {
            name: month(session, LIN, month=name) for name in ("2026-02", "2026-03", "2026-04", "2026-05")
        }
        now = balances(session, [f"frozen:{LIN}", f"payable:{LIN}"])
    assert all(statement.agrees for statement in found.values())
    feb, mar, apr, may = found.values()
    assert (feb.earned_fen, feb.closing_frozen_fen, feb.closing_payable_fen) == (748, 748, 0)
    assert (mar.opening_frozen_fen, mar.earned_fen, mar.reversed_fen, mar.released_fen) == (
        748,
        1495,
        748,
        1495,
    )
    assert (mar.closing_frozen_fen, mar.closing_payable_fen) == (0, 748 + 747)
    assert (apr.opening_payable_fen, apr.reversed_fen, apr.closing_payable_fen) == (1495, 747, 748)
    assert (may.closing_payable_fen, may.entries) == (748, [])
    assert now == {f"frozen:{LIN}": may.ledger_frozen_fen, f"payable:{LIN}": may.ledger_payable_fen}
    assert [(entry.kind.value, entry.amount_fen) for entry in mar.entries] == [
        ("ACCRUE", 897),
        ("ACCRUE", 598),
        ("REVERSE", -449),
        ("REVERSE", -299),
        ("RELEASE", 449),
        ("RELEASE", 299),
        ("RELEASE", 448),
        ("RELEASE", 299),
    ]
    assert sum(e.amount_fen for e in mar.entries if e.kind.value == "ACCRUE") == mar.earned_fen


def test_set5_a_month_that_disagrees_with_the_ledger_says_so(tx: Tx) -> None:
    paid(tx, "A260302TEST0001")
    with tx() as session:
        session.execute(text("set local session_replication_role = replica"))
        first = "(select min(id) from commission_entry)"
        session.execute(text(f"update commission_entry set amount_fen = amount_fen + 1 where id = {first}"))
        statement = month(session, LIN, month="2026-03")
        assert not statement.agrees
        assert (statement.closing_frozen_fen, statement.ledger_frozen_fen) == (749, 748)
        assert month(session, CHEN, month="2026-03").agrees
        session.rollback()


def test_a_long_month_keeps_its_totals_when_the_list_is_cut(tx: Tx) -> None:
    paid(tx, "A260302TEST0001")
    with tx() as session:
        statement = month(session, LIN, month="2026-03", limit=1)
    assert (len(statement.entries), statement.earned_fen, statement.agrees) == (1, 748, True)


@pytest.mark.parametrize(
    "name", ["2026-13", "2026-00", "26-01", "2026-1", "", "2026-03-01", "１９９９-01", "9999-12"]
)
def test_a_month_of_another_form_is_refused(tx: Tx, name: str) -> None:
    with pytest.raises(Invalid) as refused, tx() as session:
        month(session, LIN, month=name)
    assert refused.value.fields == {"month": "must look like 2026-11"}


def test_the_last_month_of_a_year_ends_with_the_year(tx: Tx) -> None:
    paid(tx, "A261231TEST0001", at=local("2027-01-01") - timedelta(seconds=1))
    with tx() as session:
        assert month(session, LIN, month="2026-12").earned_fen == 748
        assert month(session, LIN, month="2027-01").opening_frozen_fen == 748


def test_summary_and_page_are_one_statement_each(tx: Tx, engine: Engine) -> None:
    paid(tx, "A260302TEST0001")
    seen: list[str] = []
    with open_tx(engine, heard=True)() as session:
        listen = lambda conn, cur, statement, *rest: seen.append(statement)  # noqa: E731 - a listener in one line
        event.listen(session.connection(), "before_cursor_execute", listen)
        clerk_summary(session, LIN, now=PAID_AT)
        rows(session, LIN)
    assert len(seen) == 2
