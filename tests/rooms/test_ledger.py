"""The ledger on a real database: once per key, in races too, and the sum of all accounts is always zero."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DatabaseError

from app.base.db import Tx, open_tx
from app.base.errors import Alarm
from app.ledger.posting import Posting, post, post_many
from app.ledger.reading import balance_fen, balances, lines
from tests.racing import at_once

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def posting(
    key: str = "k1", debit: str = "a", credit: str = "b", fen: int = 100, at: datetime = AT
) -> Posting:
    return Posting(key, "test", "order:A1", debit, credit, fen, at)


def test_a_posting_moves_its_amount_from_debit_to_credit(tx: Tx) -> None:
    with tx() as session:
        post(session, posting(fen=449))
        assert balances(session, ["a", "b", "nobody"]) == {"a": -449, "b": 449, "nobody": 0}
        assert balance_fen(session, "b") == 449


def test_i21_the_same_key_and_content_answers_the_old_row(tx: Tx) -> None:
    with tx() as session:
        first = post(session, posting())
    with tx() as session:
        assert post(session, posting(at=AT + timedelta(hours=1))) == first
        assert post_many(session, [posting("k2"), posting(), posting("k2")])[1] == first
        assert balance_fen(session, "b") == 200


@pytest.mark.parametrize("other", [posting(fen=101), posting(debit="c"), posting(credit="c")])
def test_i21_the_same_key_with_other_content_raises_an_alarm(tx: Tx, other: Posting) -> None:
    with tx() as session:
        post(session, posting())
    with pytest.raises(Alarm, match="k1"), tx() as session:
        post_many(session, [posting("k0"), other])
    with tx() as session:
        assert session.execute(text("select key from ledger_transfer")).scalars().all() == ["k1"]
    with pytest.raises(Alarm), tx() as session:
        post_many(session, [posting("k3"), posting("k3", fen=1)])


def test_i21_twenty_at_once_write_one_row(tx: Tx) -> None:
    def work(number: int) -> int:
        with tx() as session:
            return post(session, posting("same", debit="new:a", credit="new:b"))

    ids = at_once(20, work)
    assert len(set(ids)) == 1
    with tx() as session:
        assert balance_fen(session, "new:b") == 100
        assert session.execute(text("select count(*) from ledger_account")).scalar() == 2


def test_overlapping_batches_in_opposite_order_neither_deadlock_nor_double(tx: Tx) -> None:
    batch = [posting(f"k{n}", debit=f"a{n}", credit=f"b{n}") for n in range(10)]

    def work(number: int) -> list[int]:
        with tx() as session:
            return post_many(session, batch if number % 2 else batch[::-1])

    assert len({tuple(sorted(ids)) for ids in at_once(10, work)}) == 1
    with tx() as session:
        assert session.execute(text("select count(*) from ledger_transfer")).scalar() == 10


def test_ten_postings_over_known_accounts_take_two_statements(tx: Tx, engine: Engine) -> None:
    with tx() as session:
        post(session, posting())
    seen: list[str] = []
    with open_tx(engine, heard=True)() as session:
        listen = lambda conn, cur, statement, *rest: seen.append(statement)  # noqa: E731 - a listener in one line
        event.listen(session.connection(), "before_cursor_execute", listen)
        post_many(session, [posting(f"m{n}") for n in range(10)])
    assert len(seen) == 2


@pytest.mark.parametrize(("fen", "credit"), [(0, "b"), (-1, "b"), (1, "a")])
def test_an_amount_that_is_not_positive_and_equal_accounts_are_refused(fen: int, credit: str) -> None:
    with pytest.raises(ValueError, match="posting"):
        posting(fen=fen, credit=credit)


@pytest.mark.parametrize(
    "change", ["update ledger_transfer set amount_fen = 1", "delete from ledger_transfer"]
)
def test_i20_rows_are_only_ever_added(tx: Tx, change: str) -> None:
    with tx() as session:
        post(session, posting())
    with pytest.raises(DatabaseError, match="ledger_transfer"), tx() as session:
        session.execute(text(change))


def test_lines_are_signed_paged_and_name_the_other_side(tx: Tx) -> None:
    with tx() as session:
        first = post(session, posting("k1", fen=449))
        post(session, posting("k2", debit="b", credit="c", fen=50))
        page = lines(session, "b", limit=1)
        assert [(line.amount_fen, line.other_account, line.key) for line in page] == [(449, "a", "k1")]
        rest = lines(session, "b", after=first)
        assert [(line.amount_fen, line.other_account) for line in rest] == [(-50, "c")]
        assert lines(session, "nobody") == []


def test_balances_before_a_moment_leave_out_what_happened_later(tx: Tx) -> None:
    with tx() as session:
        post_many(session, [posting("k1"), posting("k2", fen=7, at=AT + timedelta(days=1))])
        assert balances(session, ["b"], before=AT + timedelta(days=1)) == {"b": 100}
        assert balances(session, ["b"]) == {"b": 107}


NAMES = st.sampled_from(["a", "b", "c", "d"])
POSTINGS = st.lists(
    st.tuples(NAMES, NAMES, st.integers(1, 10**12)).filter(lambda p: p[0] != p[1]), max_size=12
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=POSTINGS)
def test_i18_any_sequence_of_postings_sums_to_zero(tx: Tx, moves: list[tuple[str, str, int]]) -> None:
    expected = dict.fromkeys("abcd", 0)
    with tx() as session:
        for number, (debit, credit, fen) in enumerate(moves):
            post(session, posting(f"h{number}", debit, credit, fen))
            expected[debit] -= fen
            expected[credit] += fen
        found = balances(session, list("abcd"))
        session.rollback()
    assert found == expected
    assert sum(found.values()) == 0
