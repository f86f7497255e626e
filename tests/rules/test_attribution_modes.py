"""What each mode that follows touches gives to whom: the vector of POL-4 and the days at which it changes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.attribution.modes import divide, window_start
from app.attribution.rules import Evidence
from app.base.clock import start_of_day
from app.base.money import largest_remainder
from app.policies.rules import Terms
from models.attribution import TouchKind
from models.policies import PolicyMode

ORDER = datetime(2026, 3, 28, 7, 0, tzinfo=UTC)
A, B, C = 1, 2, 3


def touch(clerk: int, at: datetime, kind: TouchKind = TouchKind.SCAN, number: int = 0) -> Evidence:
    return Evidence(number or int(at.timestamp()), kind, clerk, at, at)


def local(day: str) -> datetime:
    return start_of_day(datetime.fromisoformat(day).date())


# POL-4: A follow-scan 03-01, B share click 03-20, C assisted in store 03-28 14:50; order 03-28 15:00.
VECTOR = [
    touch(A, local("2026-03-01") + timedelta(hours=12), TouchKind.SUBSCRIBE_SCAN),
    touch(B, local("2026-03-20") + timedelta(hours=12), TouchKind.SHARE_CLICK),
    touch(C, ORDER - timedelta(minutes=10), TouchKind.ASSISTED_ORDER),
]
DAYS = Terms(window_days=15, protect_days=30, inactive_days=180, lookback_days=30)


def amounts(
    mode: PolicyMode,
    touches: list[Evidence],
    terms: Terms = DAYS,
    *,
    pool: int = 5000,
    bought: tuple[datetime, ...] = (),
    at: datetime = ORDER,
) -> dict[int, int]:
    parts = divide(mode, terms, touches, bought, at)
    fen = largest_remainder(pool, [part.weight for part in parts]) if parts else []
    return {part.evidence.clerk_id: amount for part, amount in zip(parts, fen, strict=True)}


def test_pol_4_vector() -> None:
    assert amounts(PolicyMode.LAST_TOUCH, VECTOR) == {C: 5000}
    assert amounts(PolicyMode.PROTECT_THEN_OPEN, VECTOR) == {A: 5000}
    assert amounts(PolicyMode.LINEAR, VECTOR) == {A: 1667, B: 1667, C: 1666}
    assert amounts(PolicyMode.POSITION, VECTOR) == {A: 2000, B: 1000, C: 2000}
    assert amounts(PolicyMode.LAST_TOUCH, VECTOR[::-1]) == {C: 5000}


MODES = [PolicyMode.LAST_TOUCH, PolicyMode.PROTECT_THEN_OPEN, PolicyMode.LINEAR, PolicyMode.POSITION]


@pytest.mark.parametrize("mode", MODES)
def test_pol_3_no_touch_one_touch_and_none_of_the_future(mode: PolicyMode) -> None:
    assert amounts(mode, []) == {}
    assert amounts(mode, [touch(B, ORDER)]) == {B: 5000}
    assert amounts(mode, [touch(B, ORDER + timedelta(seconds=1))]) == {}
    assert amounts(mode, [touch(B, ORDER, TouchKind.CONTENT_READ)]) == {}  # TCH-6


def test_pol_3_two_touches() -> None:
    two = VECTOR[:2]
    assert amounts(PolicyMode.LINEAR, two) == {A: 2500, B: 2500}
    assert amounts(PolicyMode.POSITION, two) == {A: 2500, B: 2500}
    assert amounts(PolicyMode.POSITION, two, Terms(first_bp=6000, mid_bp=2000, last_bp=2000)) == {
        A: 3750,
        B: 1250,
    }
    assert amounts(PolicyMode.LAST_TOUCH, two) == {B: 5000}


def test_pol_3_the_touches_of_one_clerk_are_one_part() -> None:
    often = [*VECTOR, touch(A, ORDER - timedelta(minutes=5))]
    assert amounts(PolicyMode.LINEAR, often) == {A: 2500, B: 1250, C: 1250}
    assert amounts(PolicyMode.POSITION, often) == {A: 4000, B: 500, C: 500}
    assert [part.touches for part in divide(PolicyMode.LINEAR, DAYS, often, (), ORDER)] == [2, 1, 1]


def test_pol_3_a_position_without_weight_gets_no_part() -> None:
    ends = Terms(first_bp=5000, mid_bp=0, last_bp=5000)
    assert amounts(PolicyMode.POSITION, VECTOR, ends) == {A: 2500, C: 2500}


def test_pol_3_parts_are_exact_where_rounded_rates_would_not_be() -> None:
    assert amounts(PolicyMode.LINEAR, VECTOR, pool=100_000_000) == {
        A: 33_333_334,
        B: 33_333_333,
        C: 33_333_333,
    }


def test_tch_4_of_two_touches_in_one_second_the_one_received_later_is_last() -> None:
    at = ORDER - timedelta(hours=1)
    first = Evidence(9, TouchKind.SCAN, A, at, at + timedelta(milliseconds=120))
    second = Evidence(8, TouchKind.SCAN, B, at, at + timedelta(milliseconds=480))
    assert amounts(PolicyMode.LAST_TOUCH, [second, first]) == {B: 5000}
    assert amounts(PolicyMode.PROTECT_THEN_OPEN, [second, first]) == {A: 5000}
    assert list(amounts(PolicyMode.LINEAR, [second, first], pool=1)) == [A, B]
    assert amounts(PolicyMode.LINEAR, [second, first], pool=1) == {A: 1, B: 0}


@pytest.mark.parametrize(("mode", "days"), [(PolicyMode.LAST_TOUCH, 15), (PolicyMode.LINEAR, 30)])
def test_c_6_a_window_ends_with_its_last_local_day(mode: PolicyMode, days: int) -> None:
    edge = window_start(ORDER, days)
    assert edge == local("2026-03-28") - timedelta(days=days)
    assert amounts(mode, [touch(A, edge)]) == {A: 5000}
    assert amounts(mode, [touch(A, edge - timedelta(microseconds=1))]) == {}


def protected(second_at: datetime, *between: Evidence, bought: tuple[datetime, ...] = ()) -> dict[int, int]:
    terms = Terms(protect_days=30, inactive_days=180)
    touches = [touch(A, local("2026-03-01")), *between, touch(B, second_at)]
    return amounts(
        PolicyMode.PROTECT_THEN_OPEN, touches, terms, bought=bought, at=second_at + timedelta(days=1)
    )


def test_pol_3_bnd_4_the_first_keeps_while_protected_and_in_touch() -> None:
    assert protected(local("2026-04-01")) == {A: 5000}  # protected until 24:00 of 03-31, but still in touch
    assert protected(local("2026-08-28") - timedelta(seconds=1)) == {A: 5000}
    assert protected(local("2026-08-29")) == {B: 5000}  # 180 days after 03-01 have ended
    kept = touch(A, local("2026-07-01"), TouchKind.CHAT)
    assert protected(local("2026-08-29"), kept) == {A: 5000}
    assert protected(local("2026-12-29"), kept) == {B: 5000}
    bought = (local("2026-07-01"),)
    assert protected(local("2026-08-29"), bought=bought) == {A: 5000}
    assert protected(local("2026-12-29"), bought=bought) == {B: 5000}


def test_pol_3_without_inactivity_the_protection_alone_decides() -> None:
    terms = Terms(protect_days=30, inactive_days=0)
    for day, clerk in (("2026-03-31", A), ("2026-04-01", B)):
        touches = [touch(A, local("2026-03-01")), touch(B, local(day))]
        found = amounts(PolicyMode.PROTECT_THEN_OPEN, touches, terms, at=local("2026-05-01"))
        assert found == {clerk: 5000}


moments = st.integers(min_value=0, max_value=60 * 24 * 3600).map(lambda s: ORDER - timedelta(seconds=s))
histories = st.lists(st.tuples(st.integers(1, 5), moments, st.sampled_from(list(TouchKind))), max_size=30)


@given(histories, st.sampled_from(MODES), st.integers(0, 1_000_000))
def test_pol_3_whatever_happened_the_parts_make_the_pool(
    history: list[tuple[int, datetime, TouchKind]], mode: PolicyMode, pool: int
) -> None:
    touches = [touch(clerk, at, kind, number) for number, (clerk, at, kind) in enumerate(history, 1)]
    parts = divide(mode, DAYS, touches, (), ORDER)
    clerks = [part.evidence.clerk_id for part in parts]
    assert len(set(clerks)) == len(clerks)
    assert all(part.weight > 0 for part in parts)
    assert {part.evidence for part in parts} <= set(touches)
    fen = largest_remainder(pool, [part.weight for part in parts]) if parts else []
    assert sum(fen) == (pool if parts else 0)
    assert divide(mode, DAYS, touches[::-1], (), ORDER) == parts


@given(histories)
def test_pol_3_linear_gives_each_touch_the_same(history: list[tuple[int, datetime, TouchKind]]) -> None:
    touches = [touch(clerk, at, kind, number) for number, (clerk, at, kind) in enumerate(history, 1)]
    parts = sorted(divide(PolicyMode.LINEAR, DAYS, touches, (), ORDER), key=lambda part: part.touches)
    assert all(a.weight * b.touches == b.weight * a.touches for a, b in pairwise(parts))
