"""Nearby stores: the distance check of DOMAIN F, opening hours, and the index against brute force."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.stores.hours import DayHours, is_open, read_week, shown
from app.stores.nearby import LEAF, Place, StoreIndex, distance_m
from tests.shop import STORES

HERE = (22.5400, 114.0600)
NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # Saturday 12:00 in Shanghai
DAYTIME = tuple(DayHours(day, time(10), time(22)) for day in range(1, 8))
NIGHT = (DayHours(5, time(18), time(2)),)  # Friday evening into Saturday


def index_of(*places: tuple[float, float], services: tuple[str, ...] = ("pickup",)) -> StoreIndex:
    return StoreIndex(Place(lat, lng, services, DAYTIME, (b"",)) for lat, lng in places)


@pytest.mark.parametrize(
    ("code", "expected_m"),
    [("SZ-FT", 866), ("SZ-LH", 5219), ("SZ-NS", 13056), ("SZ-LHU", 13390), ("GZ-PY", 88911)],
)
def test_worked_distances(code: str, expected_m: int) -> None:
    lat, lng = next((store[4], store[5]) for store in STORES if store[0] == code)
    assert distance_m(*HERE, lat, lng) == expected_m


def test_index_answers_worked_distances_in_order() -> None:
    index = index_of(*[(store[4], store[5]) for store in STORES])
    found = index.nearest(*HERE, radius_m=100_000, limit=20, now=NOON)
    assert [near.distance_m for near in found] == [866, 5219, 13056, 13390, 88911]


def test_radius_is_inclusive_and_whole_metres() -> None:
    index = index_of((22.5336, 114.0552))
    assert [near.distance_m for near in index.nearest(*HERE, radius_m=866, limit=1, now=NOON)] == [866]
    assert index.nearest(*HERE, radius_m=865, limit=1, now=NOON) == []


def test_poles_date_line_and_antipodes() -> None:
    index = index_of((90, 0), (0, 179.9999), (0, 0), (-90, 0))
    assert [near.place for near in index.nearest(89.9999, 120, radius_m=500_000, limit=4, now=NOON)] == [0]
    assert [near.place for near in index.nearest(0, -179.9999, radius_m=500_000, limit=4, now=NOON)] == [1]
    far = index.nearest(0, 0, radius_m=30_000_000, limit=4, now=NOON)
    assert {near.place for near in far} == {0, 1, 2, 3}


def test_equal_distances_keep_the_order_given() -> None:
    index = index_of(*[(22.5, 114.0)] * (3 * LEAF))
    found = index.nearest(22.5, 114.0, radius_m=1, limit=5, now=NOON)
    assert [(near.place, near.distance_m) for near in found] == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]


def test_empty_index_finds_nothing() -> None:
    assert index_of().nearest(0, 0, radius_m=500_000, limit=20, now=NOON) == []


def test_pieces_come_back_as_given() -> None:
    index = StoreIndex(Place(0, n, (), (), (b"a%d" % n, b"", b"c%d" % n)) for n in range(40))
    assert [index.piece(39, part) for part in range(3)] == [b"a39", b"", b"c39"]


@pytest.mark.parametrize(
    ("local", "expected"),
    [("09:59", False), ("10:00", True), ("21:59:59", True), ("22:00", False)],
)
def test_open_from_inclusive_to_exclusive(local: str, expected: bool) -> None:
    assert is_open(DAYTIME, datetime.fromisoformat(f"2026-11-21T{local}+08:00")) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20T17:59+08:00", False),
        ("2026-11-20T18:00+08:00", True),
        ("2026-11-21T01:59+08:00", True),
        ("2026-11-21T02:00+08:00", False),
        ("2026-11-20T01:00+08:00", False),
        ("2026-11-20T15:59:59+00:00", True),
    ],
)
def test_hours_past_midnight_belong_to_the_day_they_began(moment: str, expected: bool) -> None:
    assert is_open(NIGHT, datetime.fromisoformat(moment)) is expected


def test_week_is_read_and_shown() -> None:
    week = read_week("1 10:00 22:00;7 09:30 20:15")
    assert shown(week) == [
        {"weekday": 1, "opens": "10:00", "closes": "22:00"},
        {"weekday": 7, "opens": "09:30", "closes": "20:15"},
    ]
    assert read_week(None) == ()
    assert is_open((), NOON) is None


# Clustered on purpose: whole degrees make equal coordinates and equal distances likely.
LAT = st.one_of(st.integers(-90, 90).map(float), st.floats(22, 23), st.floats(-90, 90))
LNG = st.one_of(st.integers(-180, 180).map(float), st.floats(113, 115), st.floats(-180, 180))
SERVICES = st.sampled_from([(), ("pickup",), ("pickup", "fitting"), ("wine",)])
WEEKS = st.sampled_from([DAYTIME, NIGHT, (), (DayHours(6, time(0), time(12, 1)),)])
PLACES = st.lists(st.builds(Place, LAT, LNG, SERVICES, WEEKS, st.just((b"",))), max_size=120)


@settings(max_examples=300, deadline=None)
@given(
    places=PLACES,
    point=st.tuples(LAT, LNG),
    radius_m=st.one_of(st.integers(1, 500_000), st.just(15_000_000)),
    limit=st.integers(1, 50),
    service=st.sampled_from([None, "pickup", "fitting", "nothing"]),
    open_only=st.booleans(),
)
def test_index_agrees_with_brute_force(
    places: list[Place],
    point: tuple[float, float],
    radius_m: int,
    limit: int,
    service: str | None,
    open_only: bool,
) -> None:
    found = StoreIndex(places).nearest(
        *point, radius_m=radius_m, limit=limit, now=NOON, service=service, open_only=open_only
    )
    wanted = sorted(
        (distance_m(*point, place.lat, place.lng), number)
        for number, place in enumerate(places)
        if (service is None or service in place.services) and (not open_only or is_open(place.week, NOON))
    )
    inside = [pair for pair in wanted if pair[0] <= radius_m]
    assert [near.distance_m for near in found] == [metres for metres, _ in inside[:limit]]
    assert {(near.distance_m, near.place) for near in found} <= set(inside)
    assert len({near.place for near in found}) == len(found)
    assert all(near.open_now == is_open(places[near.place].week, NOON) for near in found)
