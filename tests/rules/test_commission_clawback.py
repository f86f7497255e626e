"""CLW-1, CLW-2 and FRZ-2: the sequences of the domain sheet, and thousands of random chains of refunds."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.base.clock import iso
from app.base.money import largest_remainder
from app.commission.rules import pool_fen, releasable_at, reversal

WEIGHTS = [3000, 1500, 2000, 2000, 1500]


def chain(
    base_fen: int, pool_bp: int, refunds: list[int], shares: list[int] | None = None
) -> list[list[int]]:
    """The remaining shares after each refund, the first entry before any."""
    left = shares or largest_remainder(pool_fen(base_fen, pool_bp), WEIGHTS)
    states, before = [left], 0
    for refund in refunds:
        taken = reversal(
            base_fen=base_fen, refunded_before_fen=before, refund_fen=refund, pool_bp=pool_bp, remaining=left
        )
        left = [share - part for share, part in zip(left, taken, strict=True)]
        before += refund
        states.append(left)
    return states


def test_clw2_one_of_two_units_back() -> None:
    assert chain(59800, 500, [29900, 29900]) == [
        [897, 449, 598, 598, 448],
        [448, 225, 299, 299, 224],
        [0, 0, 0, 0, 0],
    ]


def test_clw2_an_odd_refund_and_the_rest_later() -> None:
    states = chain(29900, 500, [3333, 26567])
    assert states[0] == [449, 224, 299, 299, 224]
    assert [a - b for a, b in zip(states[0], states[1], strict=True)] == [50, 25, 34, 33, 25]
    assert sum(states[1]) == 1328
    assert states[2] == [0, 0, 0, 0, 0]


def test_clw1_where_splitting_anew_would_raise_a_share() -> None:
    # Weights 6:6:2, pool 11 -> 10. Anew: [5, 5, 1] -> [4, 4, 2], the third would gain by a refund.
    assert largest_remainder(11, [6, 6, 2]) == [5, 5, 1]
    assert largest_remainder(10, [6, 6, 2]) == [4, 4, 2]
    assert chain(11, 10000, [1], shares=[5, 5, 1])[1] == [4, 5, 1]


def test_clw1_a_refund_too_small_to_move_the_pool_takes_nothing() -> None:
    assert chain(29900, 500, [1])[1] == [449, 224, 299, 299, 224]


def test_spl8_a_line_without_a_pool_has_nothing_to_give_back() -> None:
    assert chain(29900, 0, [29900], shares=[0, 0, 0, 0, 0])[1] == [0, 0, 0, 0, 0]


@pytest.mark.parametrize(("before", "refund"), [(0, 0), (0, -1), (0, 29901), (29900, 1)])
def test_clw1_refuses_what_is_not_a_part_of_the_base(before: int, refund: int) -> None:
    with pytest.raises(ValueError, match="what is left"):
        reversal(
            base_fen=29900, refunded_before_fen=before, refund_fen=refund, pool_bp=500, remaining=[449, 224]
        )


@st.composite
def refund_chains(draw: st.DrawFn) -> tuple[int, int, list[int], list[int]]:
    base = draw(st.integers(1, 2_000_000))
    cuts = draw(st.lists(st.integers(1, base), max_size=12, unique=True))
    points = sorted({0, base, *cuts})
    rate = draw(st.integers(0, 3000))
    weights = draw(st.lists(st.integers(0, 10000), min_size=1, max_size=6).filter(any))
    return base, rate, [b - a for a, b in pairwise(points)], weights


@settings(max_examples=2000, deadline=None)
@given(case=refund_chains())
def test_clw1_any_chain_never_raises_never_falls_below_zero_and_ends_at_zero(
    case: tuple[int, int, list[int], list[int]],
) -> None:
    base, rate, refunds, weights = case
    states = chain(base, rate, refunds, shares=largest_remainder(pool_fen(base, rate), weights))
    gone = 0
    for refund, (before, after) in zip(refunds, pairwise(states), strict=True):
        gone += refund
        assert all(0 <= b <= a for a, b in zip(before, after, strict=True))
        assert sum(after) == pool_fen(base - gone, rate)
    assert set(states[-1]) == {0}


@pytest.mark.parametrize(
    ("completed", "expected"),
    [
        (datetime(2026, 3, 12, 4, 0, tzinfo=UTC), "2026-03-23T00:00:00+08:00"),  # express, auto-confirmed
        (datetime(2026, 3, 2, 4, 0, tzinfo=UTC), "2026-03-13T00:00:00+08:00"),  # pick-up verified
        (datetime(2026, 3, 1, 16, 0, tzinfo=UTC), "2026-03-13T00:00:00+08:00"),  # 00:00 local of 03-02
        (datetime(2026, 3, 1, 15, 59, tzinfo=UTC), "2026-03-12T00:00:00+08:00"),  # 23:59 local of 03-01
        (datetime(2026, 12, 25, 4, 0, tzinfo=UTC), "2027-01-05T00:00:00+08:00"),
    ],
)
def test_frz2_day_of_release(completed: datetime, expected: str) -> None:
    assert iso(releasable_at(completed, aftersale_days=7, settle_delay_days=3)) == expected
