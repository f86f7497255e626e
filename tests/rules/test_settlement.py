"""Tiers, netting, portions and tax: the figures of the rules, and what must hold for any figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.base.errors import Invalid
from app.settlement import rules
from app.settlement.rules import Net, Step

FEN = st.integers(-10_000_000, 10_000_000)
TARGET = 8_000_000


@pytest.mark.parametrize(
    ("attained_fen", "multiplier_bp"),
    [
        (-1, 8_000),
        (0, 8_000),
        (6_399_999, 8_000),
        (6_400_000, 10_000),
        (7_999_999, 10_000),
        (8_000_000, 11_000),
        (9_599_999, 11_000),
        (9_600_000, 12_000),
        (80_000_000, 12_000),
    ],
)
def test_set2_the_bounds_of_the_tiers_are_exact(attained_fen: int, multiplier_bp: int) -> None:
    assert rules.multiplier_bp(attained_fen, TARGET) == multiplier_bp


@pytest.mark.parametrize(
    ("attained_pct", "adjustment_fen"), [(118, 48_000), (125, 96_000), (79, -96_000), (80, 0), (99, 0)]
)
def test_set2_480000_fen_of_rows(attained_pct: int, adjustment_fen: int) -> None:
    multiplier_bp = rules.multiplier_bp(TARGET * attained_pct // 100, TARGET)
    assert rules.tier_fen(480_000, multiplier_bp) == adjustment_fen
    assert rules.tier_fen(-480_000, multiplier_bp) == -adjustment_fen


def test_set2_half_a_fen_goes_away_from_zero() -> None:
    assert [rules.tier_fen(fen, 11_000) for fen in (4, 5, -4, -5)] == [0, 1, 0, -1]
    assert [rules.tier_fen(fen, 8_000) for fen in (2, 3, -3)] == [0, -1, 1]


def test_set2_an_attainment_is_shown_rounded_down() -> None:
    assert rules.attainment_bp(9_599_999, TARGET) == 11_999


def test_set2_a_target_of_zero_is_a_defect() -> None:
    with pytest.raises(ValueError, match="above zero"):
        rules.multiplier_bp(1, 0)


def test_set2_a_scale_is_read() -> None:
    assert rules.check_scale([[0, 9_000], [10_000, 10_500]]) == (Step(0, 9_000), Step(10_000, 10_500))


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [[1, 10_000]],
        [[0, 10_000], [0, 11_000]],
        [[0, 10_000, 1]],
        [[0, 30_001]],
        [[0, -1]],
        [[0, 11_000], [8_000, 10_000]],
        [[0, 10_000]] * 21,
    ],
)
def test_set2_a_scale_that_is_none_is_refused(steps: list[list[int]]) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_scale(steps)
    assert set(refused.value.fields) == {"steps"}


@pytest.mark.parametrize(
    ("rows_fen", "carried_in_fen", "before", "net"),
    [
        (9_000, 0, 0, Net(9_000, 0, 0)),  # CLW-4: 12 000 frozen, 3 000 taken back before the release
        (100, 0, 0, Net(100, 0, 0)),
        (99, 0, 0, Net(0, 99, 0)),
        (1, 99, 0, Net(100, 0, 0)),
        (0, 0, 0, Net(0, 0, 0)),
        (-449, 0, 0, Net(0, -449, 1)),  # settled 449, refunded in full
        (300, -449, 1, Net(0, -149, 2)),
        (600, -149, 2, Net(451, 0, 0)),
        (0, -449, 6, Net(0, -449, 7)),
    ],
)
def test_clw3_set3_never_below_zero_and_nothing_is_lost(
    rows_fen: int, carried_in_fen: int, before: int, net: Net
) -> None:
    assert rules.net(rows_fen, carried_in_fen, before) == net


def test_clw3_after_six_carries_a_write_off_is_proposed() -> None:
    carried_fen, cycles, proposals = 0, 0, []
    for month in range(8):
        found = rules.net(-449 if month == 0 else 0, carried_fen, cycles)
        carried_fen, cycles = found.carried_out_fen, found.cycles
        proposals.append(found.needs_write_off)
    assert proposals == [False] * 5 + [True] * 3


@given(st.lists(FEN, min_size=1, max_size=40))
def test_clw3_over_any_months_what_is_paid_and_left_is_what_was_earned(months: list[int]) -> None:
    carried_fen, cycles, paid_fen, below = 0, 0, 0, 0
    for rows_fen in months:
        found = rules.net(rows_fen, carried_fen, cycles)
        assert found.payable_fen == 0 or found.payable_fen >= rules.MINIMUM_PAYOUT_FEN
        assert found.payable_fen == 0 or found.carried_out_fen == 0
        assert found.carried_out_fen < rules.MINIMUM_PAYOUT_FEN
        carried_fen, cycles = found.carried_out_fen, found.cycles
        below = below + 1 if carried_fen < 0 else 0
        assert cycles == below
        paid_fen += found.payable_fen
    assert paid_fen + carried_fen == sum(months)


@pytest.mark.parametrize(
    ("payable_fen", "parts"),
    [
        (100, [100]),
        (2_000_000, [2_000_000]),
        (2_000_001, [1_999_901, 100]),
        (2_000_100, [2_000_000, 100]),
        (4_500_000, [2_000_000, 2_000_000, 500_000]),
    ],
)
def test_set3_at_most_20000_yuan_a_day(payable_fen: int, parts: list[int]) -> None:
    assert rules.portions(payable_fen) == parts


@given(st.integers(rules.MINIMUM_PAYOUT_FEN, 100_000_000))
def test_set3_portions_add_up_and_each_can_be_paid(payable_fen: int) -> None:
    parts = rules.portions(payable_fen)
    assert sum(parts) == payable_fen
    assert all(rules.MINIMUM_PAYOUT_FEN <= part <= rules.MOST_A_DAY_FEN for part in parts)
    assert len(parts) == -(-payable_fen // rules.MOST_A_DAY_FEN)


@pytest.mark.parametrize(
    ("income_fen", "tax_fen"),
    [
        (0, 0),
        (80_000, 0),
        (80_003, 1),
        (300_000, 44_000),
        (400_000, 64_000),
        (400_001, 64_000),
        (1_000_000, 160_000),
        (2_500_000, 400_000),
        (6_250_000, 1_300_000),
        (10_000_000, 2_500_000),
    ],
)
def test_set4_the_tax_preview(income_fen: int, tax_fen: int) -> None:
    assert rules.tax_preview_fen(income_fen) == tax_fen


@given(st.integers(0, 20_000_000))
def test_set4_more_income_is_never_taxed_less_and_never_more_than_it_is(income_fen: int) -> None:
    assert 0 <= rules.tax_preview_fen(income_fen) <= rules.tax_preview_fen(income_fen + 1) <= income_fen + 1


def test_set1_a_month_has_local_bounds() -> None:
    since, until = rules.month_bounds("2026-12")
    assert (since.isoformat(), until.isoformat()) == (
        "2026-11-30T16:00:00+00:00",
        "2026-12-31T16:00:00+00:00",
    )
    assert (rules.month_of(since), rules.month_of(until)) == ("2026-12", "2027-01")
    for wrong in ("2026-13", "202612", "2026-1", "1999-01"):
        with pytest.raises(Invalid):
            rules.month_bounds(wrong)
