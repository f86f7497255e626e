"""Prices and the lifecycle as pure tables (SPL-2, SPL-8, ORD-1, STK-4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.orders.pricing import PricedLine, pool_bp_after_floor, quote
from app.orders.rules import TIMEOUT, TRANSITIONS, may_move, may_revive
from models.orders import OrderState as S

LINES = [("AP-1002-M", 1, 29_900, 39_900), ("AP-1003-F", 1, 12_900, 12_900), ("AP-1004-F", 1, 5_000, 5_000)]


def test_spl_2_a_coupon_is_spread_by_largest_remainder() -> None:
    priced = quote(LINES, order_discount_fen=3_000)
    assert [line.discount_fen for line in priced.lines] == [1_876, 810, 314]
    assert [line.amount_fen for line in priced.lines] == [28_024, 12_090, 4_686]
    assert (priced.goods_fen, priced.discount_fen, priced.amount_fen) == (47_800, 3_000, 44_800)


def test_a_discount_never_exceeds_the_goods() -> None:
    priced = quote(LINES, order_discount_fen=1_000_000)
    assert priced.amount_fen == 0
    assert [line.amount_fen for line in priced.lines] == [0, 0, 0]


@given(
    lines=st.lists(st.tuples(st.integers(1, 999), st.integers(1, 10**7)), min_size=1, max_size=20),
    discount_fen=st.integers(0, 10**10),
    freight_fen=st.integers(0, 10_000),
)
def test_a_quote_always_adds_up(lines: list[tuple[int, int]], discount_fen: int, freight_fen: int) -> None:
    given_lines = [(f"S{i}", qty, fen, fen) for i, (qty, fen) in enumerate(lines)]
    priced = quote(given_lines, order_discount_fen=discount_fen, freight_fen=freight_fen)
    assert sum(line.amount_fen for line in priced.lines) + freight_fen == priced.amount_fen
    assert sum(line.discount_fen for line in priced.lines) == priced.discount_fen <= discount_fen
    for line in priced.lines:
        assert 0 <= line.amount_fen == line.qty * line.unit_price_fen - line.discount_fen


@pytest.mark.parametrize(
    ("amount_fen", "pool_bp"),
    [(19_949, 0), (19_950, 500), (39_900, 500), (0, 0)],
    ids=["a fen below half", "exactly half", "full", "free"],
)
def test_spl_8_below_half_the_list_price_feeds_no_pool(amount_fen: int, pool_bp: int) -> None:
    line = PricedLine("AP-1002-M", 1, amount_fen, 39_900, 0, amount_fen)
    assert pool_bp_after_floor(line, 500, 5_000) == pool_bp


ALLOWED = {
    ("CREATED", "PAID"),
    ("CREATED", "CANCELLED"),
    ("PAID", "ALLOCATED"),
    ("PAID", "CANCELLED"),
    ("ALLOCATED", "FULFILLING"),
    ("ALLOCATED", "CANCELLED"),
    ("FULFILLING", "COMPLETED"),
    ("COMPLETED", "CLOSED"),
    ("CANCELLED", "PAID"),
}


def test_ord_1_every_pair_of_states_is_decided() -> None:
    assert set(TRANSITIONS) == set(S)
    assert {(a.value, b.value) for a in S for b in S if may_move(a, b)} == ALLOWED


@pytest.mark.parametrize("state", list(S))
@pytest.mark.parametrize("reason", [None, "BUYER", TIMEOUT])
def test_stk_4_late_money_revives_only_what_the_clock_stopped(state: S, reason: str | None) -> None:
    assert may_revive(state, reason) is (state is S.CANCELLED and reason == TIMEOUT)
