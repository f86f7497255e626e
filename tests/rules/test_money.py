"""Money arithmetic: C-2, C-3 with the figures of the domain sheet, and what holds for any input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.base.money import half_up, largest_remainder, yuan

FEN = st.integers(0, 10**12)


@pytest.mark.parametrize(
    ("base_fen", "rate_bp", "expected"),
    [
        (0, 500, 0),
        (9, 500, 0),
        (10, 500, 1),
        (29900, 500, 1495),
        (28024, 500, 1401),
        (26567, 500, 1328),
        (1, 10000, 1),
    ],
)
def test_c2_half_up(base_fen: int, rate_bp: int, expected: int) -> None:
    assert half_up(base_fen, rate_bp) == expected


@pytest.mark.parametrize(
    ("total_fen", "weights", "expected"),
    [
        (1001, [3333, 3333, 3334], [334, 333, 334]),
        (3000, [29900, 12900, 5000], [1876, 810, 314]),  # SPL-2
        (19900, [50000, 10000], [16583, 3317]),  # SPL-1
        (1001, [6000, 4000], [601, 400]),  # SPL-6
        (10, [6, 6, 2], [4, 4, 2]),
        (11, [6, 6, 2], [5, 5, 1]),  # not monotone: the third part falls as the total rises
        (5000, [1, 1, 1], [1667, 1667, 1666]),  # POL-4 LINEAR, ties to the lower index
        (0, [0, 0], [0, 0]),
        (7, [0, 3, 0], [0, 7, 0]),
        (0, [], []),
    ],
)
def test_c3_largest_remainder(total_fen: int, weights: list[int], expected: list[int]) -> None:
    assert largest_remainder(total_fen, weights) == expected


@given(total_fen=FEN, weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any))
def test_c3_parts_sum_exactly_and_stay_within_one_fen_of_their_quota(
    total_fen: int, weights: list[int]
) -> None:
    parts = largest_remainder(total_fen, weights)
    assert sum(parts) == total_fen
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total_fen * weight) < sum(weights)
        assert weight or not part


@given(base_fen=FEN, more_fen=FEN, rate_bp=st.integers(0, 10000))
def test_c2_half_up_never_falls_when_the_base_rises(base_fen: int, more_fen: int, rate_bp: int) -> None:
    assert 0 <= half_up(base_fen, rate_bp) <= half_up(base_fen + more_fen, rate_bp)
    assert abs(half_up(base_fen, rate_bp) * 10000 - base_fen * rate_bp) <= 5000


@pytest.mark.parametrize(("total_fen", "weights"), [(-1, [1]), (1, [-1, 2]), (1, [0, 0]), (1, [])])
def test_c3_refuses_what_cannot_be_split(total_fen: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match=r"negative|nothing to split"):
        largest_remainder(total_fen, weights)


@pytest.mark.parametrize(("base_fen", "rate_bp"), [(-1, 500), (1, -1)])
def test_c2_refuses_negatives(base_fen: int, rate_bp: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        half_up(base_fen, rate_bp)


@pytest.mark.parametrize(
    ("amount_fen", "expected"),
    [
        (0, "¥0.00"),
        (5, "¥0.05"),
        (449, "¥4.49"),
        (29900, "¥299.00"),
        (123456789, "¥1,234,567.89"),
        (-449, "-¥4.49"),
    ],
)
def test_yuan(amount_fen: int, expected: str) -> None:
    assert yuan(amount_fen) == expected
