"""Placing: prices and stock of one moment, all or nothing."""

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Conflict, Invalid, NotFound
from app.orders.placing import Buyer
from tests import make
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("right_books")


@pytest.fixture(autouse=True)
def shop(tx: Tx) -> None:
    """The small shop with some stock."""
    with tx() as session:
        make.a_shop(session)
        make.stock(session, "AP-1002-M", 10)
        make.stock(session, "AP-1003-F", 8, safety=2)
        make.stock(session, "AP-1001-M", 3, safety=1)


def _attempt(tx: Tx, buyer: Buyer, *items: tuple[str, int]) -> str:
    try:
        with tx() as session:
            make.an_order(session, buyer, *items)
    except Conflict as refusal:
        return refusal.code
    return "placed"


def test_an_order_holds_its_goods_and_freezes_prices_and_credit(tx: Tx) -> None:
    with tx() as session:
        placed = make.an_order(session, make.a_buyer(session), ("AP-1002-M", 2), ("AP-1003-F", 1))
    assert (placed.quote.goods_fen, placed.quote.amount_fen) == (72_700, 72_700)
    with tx() as session:
        lines = session.execute(
            text(
                "select sku_code, qty, unit_price_fen, unit_list_fen, amount_fen, base_fen, pool_bp,"
                " credit_snapshot->>'policy' as policy from order_line order by line_no"
            )
        ).all()
        assert [tuple(line) for line in lines] == [
            ("AP-1002-M", 2, 29_900, 39_900, 59_800, 59_800, 500, "DEFAULT"),
            ("AP-1003-F", 1, 12_900, 12_900, 12_900, 12_900, 500, "DEFAULT"),
        ]
        assert make.numbers_of(session, "AP-1002-M") == (10, 2)
        assert make.numbers_of(session, "AP-1003-F") == (8, 1)
        assert make.count(session, "reservation", "state = 'ACTIVE' and expires_at is not null") == 2
        assert make.count(session, "stock_movement", "kind = 'RESERVE'") == 2
        assert make.count(session, "order_event", "to_state = 'CREATED'") == 1


def test_two_lines_of_one_sku_count_together(tx: Tx) -> None:
    with tx() as session:
        buyer = make.a_buyer(session)
        make.an_order(session, buyer, ("AP-1002-M", 5), ("AP-1002-M", 5))
    with pytest.raises(Conflict, match="OUT_OF_STOCK"), tx() as session:
        make.an_order(session, buyer, ("AP-1002-M", 1))
    with tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 10)
        assert make.count(session, "orders") == 1


def test_a_short_line_refuses_the_whole_order_and_writes_nothing(tx: Tx) -> None:
    with tx() as session:
        buyer = make.a_buyer(session)
    with pytest.raises(Conflict) as refusal, tx() as session:
        make.an_order(session, buyer, ("AP-1002-M", 1), ("AP-1003-F", 7))
    assert (refusal.value.code, refusal.value.facts) == ("OUT_OF_STOCK", {"skus": ["AP-1003-F"]})
    with tx() as session:
        for table in ("orders", "order_line", "order_event", "reservation"):
            assert make.count(session, table) == 0
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)


@pytest.mark.parametrize(
    ("items", "store", "kind", "code"),
    [
        ((("NO-SUCH", 1),), "SZ-FT", Invalid, "INVALID"),
        ((("AP-1002-M", 1),), "NOWHERE", NotFound, "NOT_FOUND"),
    ],
)
def test_unknown_goods_or_store_are_refused_by_name(
    tx: Tx, items: tuple[tuple[str, int], ...], store: str, kind: type[Exception], code: str
) -> None:
    with tx() as session:
        buyer = make.a_buyer(session)
    with pytest.raises(kind) as refusal, tx() as session:
        make.an_order(session, buyer, *items, store=store)
    assert refusal.value.code == code  # type: ignore[attr-defined]  # both kinds are refusals
    with tx() as session:
        assert make.count(session, "orders") == 0


@pytest.mark.parametrize("change", ["update sku set status = 'OFF'", "update product set status = 'OFF'"])
def test_goods_taken_off_sale_are_refused(tx: Tx, change: str) -> None:
    with tx() as session:
        buyer = make.a_buyer(session)
        session.execute(text(change))
    with pytest.raises(Conflict, match="NOT_ON_SALE"), tx() as session:
        make.an_order(session, buyer)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("update store set status = 'CLOSING'", "STORE_CLOSED"),
        ("update store set services = '{fitting}'", "NO_PICKUP"),
    ],
)
def test_a_store_that_hands_nothing_over_is_refused(tx: Tx, change: str, code: str) -> None:
    with tx() as session:
        buyer = make.a_buyer(session)
        session.execute(text(change))
    with pytest.raises(Conflict, match=code), tx() as session:
        make.an_order(session, buyer)


def test_stk_3_three_buyers_for_two_units(tx: Tx) -> None:
    """on_hand 3, safety 1: two succeed, the third gets OUT_OF_STOCK, available is 0."""
    with tx() as session:
        buyers = [make.a_buyer(session, str(i)) for i in range(3)]

    def buy(i: int) -> str:
        return _attempt(tx, buyers[i], ("AP-1001-M", 1))

    assert sorted(at_once(3, buy)) == ["OUT_OF_STOCK", "placed", "placed"]
    with tx() as session:
        assert make.numbers_of(session, "AP-1001-M") == (3, 2)
        assert make.count(session, "orders") == 2


def test_stk_1_crossing_baskets_never_deadlock_nor_oversell(tx: Tx) -> None:
    """Two SKUs in opposite order in every second basket: sorted locks, exact numbers."""
    with tx() as session:
        buyers = [make.a_buyer(session, str(i)) for i in range(24)]

    def buy(i: int) -> str:
        pair = (("AP-1002-M", 1), ("AP-1003-F", 1))
        return _attempt(tx, buyers[i], *(pair if i % 2 else pair[::-1]))

    outcomes = at_once(24, buy)
    assert (outcomes.count("placed"), outcomes.count("OUT_OF_STOCK")) == (6, 18)
    with tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 6)
        assert make.numbers_of(session, "AP-1003-F") == (8, 6)
        assert make.count(session, "reservation") == 12
