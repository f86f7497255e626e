"""KPI credit and figures, pure: weights, rounding, refunds, ratios, ranks."""

import random

import pytest

from app.base.errors import Invalid
from app.kpi import rules
from app.kpi.periods import read_period
from app.kpi.rules import Weights
from models.kpi import KpiRole, Scenario
from models.orders import OrderOrigin

ONLINE, SELL, ACQ, FULFIL = rules.ROLE_ORDER
ONLINE_STORE = Weights(4000, 0, 2000, 4000)
ALL = {SELL: 1, ACQ: 2, FULFIL: 3}


def amounts(fen: int, weights: Weights, stores: dict[KpiRole, int | None]) -> list[tuple[KpiRole, int]]:
    return [(part.role, part.amount_fen) for part in rules.credit(fen, weights, stores)]


@pytest.mark.parametrize(
    ("origin", "by_store", "wanted"),
    [
        (OrderOrigin.ONLINE, False, Scenario.ONLINE_DC),
        (OrderOrigin.ONLINE, True, Scenario.ONLINE_STORE),
        (OrderOrigin.STORE, False, Scenario.SHELF_DC),
        (OrderOrigin.STORE, True, Scenario.SHELF_STORE),
        (OrderOrigin.POS, False, Scenario.POS),
        (OrderOrigin.POS, True, Scenario.POS),
    ],
)
def test_kpi1_the_scenario_of_an_order(origin: OrderOrigin, by_store: bool, wanted: Scenario) -> None:
    assert rules.scenario(origin, by_store=by_store) is wanted


def test_kpi1_online_pick_up_of_29900() -> None:
    assert amounts(29900, ONLINE_STORE, ALL) == [(ONLINE, 11960), (ACQ, 5980), (FULFIL, 11960)]


@pytest.mark.parametrize(
    ("weights", "wanted"),
    [
        (Weights(7000, 0, 3000, 0), [(ONLINE, 20930), (ACQ, 8970)]),
        (Weights(2000, 8000, 0, 0), [(ONLINE, 5980), (SELL, 23920)]),
        (Weights(1500, 6000, 0, 2500), [(ONLINE, 4485), (SELL, 17940), (FULFIL, 7475)]),
        (Weights(0, 10000, 0, 0), [(SELL, 29900)]),
    ],
)
def test_kpi1_the_other_scenarios_of_29900(weights: Weights, wanted: list[tuple[KpiRole, int]]) -> None:
    assert amounts(29900, weights, ALL) == wanted


def test_kpi1_a_missing_party_gives_its_weight_to_the_online_shop() -> None:
    assert amounts(29900, ONLINE_STORE, {FULFIL: 3}) == [(ONLINE, 17940), (FULFIL, 11960)]
    assert amounts(29900, ONLINE_STORE, {ACQ: None, FULFIL: None}) == [(ONLINE, 29900)]
    assert amounts(29900, Weights(0, 10000, 0, 0), {SELL: None}) == [(ONLINE, 29900)]


def test_kpi1_left_over_fen_go_to_the_largest_fraction_then_to_the_first_role() -> None:
    # 4000/2000/4000 of 1: 0.4, 0.2, 0.4 -> the first of the two largest; of 7: 2.8, 1.4, 2.8.
    assert amounts(1, ONLINE_STORE, ALL) == [(ONLINE, 1), (ACQ, 0), (FULFIL, 0)]
    assert amounts(7, ONLINE_STORE, ALL) == [(ONLINE, 3), (ACQ, 1), (FULFIL, 3)]
    assert amounts(0, ONLINE_STORE, ALL) == [(ONLINE, 0), (ACQ, 0), (FULFIL, 0)]


def test_kpi1_a_refund_takes_back_by_the_same_weights_to_exactly_nothing() -> None:
    left = [11960, 5980, 11960]
    first = rules.take_back(3333, left)
    assert first == [1333, 667, 1333]
    left = [a - b for a, b in zip(left, first, strict=True)]
    assert rules.take_back(29900 - 3333, left) == left


@pytest.mark.parametrize("refund", [0, -1, 29901])
def test_kpi1_a_refund_that_is_nothing_or_too_much_is_refused(refund: int) -> None:
    with pytest.raises(ValueError):
        rules.take_back(refund, [11960, 5980, 11960])


def test_kpi1_any_chain_of_refunds_keeps_the_sum_and_ends_at_zero() -> None:
    dice = random.Random(20261121)
    for _ in range(3000):
        cuts = sorted(dice.randint(0, 10000) for _ in range(3))
        weights = Weights(cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1], 10000 - cuts[2])
        stores = {role: dice.choice((None, 7)) for role in (SELL, ACQ, FULFIL)}
        fen = dice.choice((0, 1, 2, 3, dice.randint(1, 100), dice.randint(1, 10**9)))
        left = [part.amount_fen for part in rules.credit(fen, weights, stores)]
        assert sum(left) == fen
        while sum(left):
            refund = dice.randint(1, sum(left))
            taken = rules.take_back(refund, left)
            assert sum(taken) == refund
            assert all(0 <= back <= had for back, had in zip(taken, left, strict=True))
            left = [had - back for had, back in zip(left, taken, strict=True)]


def test_kpi3_units_and_value_per_transaction_are_exact() -> None:
    assert rules.ratio_bp(46, 20) == 23000
    assert rules.mean_fen(598_000, 20) == 29_900
    assert (rules.ratio_bp(1, 3), rules.ratio_bp(2, 3), rules.ratio_bp(1, 20000)) == (3333, 6667, 1)
    assert (rules.mean_fen(1, 2), rules.mean_fen(1, 3)) == (1, 0)
    assert (rules.ratio_bp(1, 0), rules.mean_fen(1, 0)) == (None, None)


def test_kpi3_equals_share_a_rank_and_the_next_one_counts_them() -> None:
    assert rules.ranks([900, 500, 500, 500, 0, 0, -3]) == [1, 2, 2, 2, 5, 5, 7]
    assert rules.ranks([]) == []


def test_a_period_is_a_month_or_a_day() -> None:
    month, day = read_period("2026-12"), read_period("2024-02-29")
    assert (str(month.since), str(month.until), month.is_month) == ("2026-12-01", "2027-01-01", True)
    assert (str(day.since), str(day.until), day.is_month) == ("2024-02-29", "2024-03-01", False)


@pytest.mark.parametrize(
    "name", ["2026-13", "2026-00", "2026-02-30", "2026-1", "", "x", "2026-11-1", "1999-01", "２０26-11"]
)
def test_another_form_of_period_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        read_period(name)
