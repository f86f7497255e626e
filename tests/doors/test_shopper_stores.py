"""Stores over HTTP: all, one, nearby; every parameter with garbage; a position is never logged (CNS-3)."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.api.shopper.near import read_wish
from app.base.db import Tx
from app.base.freshness import STORES, touch
from tests.doors.conftest import Clock
from tests.shop import a_store, demo_stores

PLACES = "/api/shopper/stores"
NEAR = f"{PLACES}/nearby"
HERE = "lat=22.5400&lng=114.0600"
Check = Callable[[Any], tuple[int, str, list[str]]]


@pytest.fixture(autouse=True)
def shop(tx: Tx) -> None:
    with tx() as session:
        demo_stores(session)
        a_store(session, "ONLINE", lat=None, lng=None, city=None, hours=[], services=[])
        a_store(session, "SZ-OLD", status="CLOSED")


def found(client: FlaskClient, query: str) -> list[tuple[str, int]]:
    answer = client.get(f"{NEAR}?{query}")
    assert answer.status_code == 200, answer.json
    return [(item["code"], item["distance_m"]) for item in answer.json["items"]]


def test_nearby_gives_the_worked_distances(client: FlaskClient) -> None:
    expected = [("SZ-FT", 866), ("SZ-LH", 5219), ("SZ-NS", 13056), ("SZ-LHU", 13390)]
    assert found(client, HERE) == expected
    assert found(client, f"{HERE}&radius_m=100000") == [*expected, ("GZ-PY", 88911)]


def test_nearby_shows_what_a_shopper_needs(client: FlaskClient) -> None:
    answer = client.get(f"{NEAR}?{HERE}&limit=2")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    assert answer.json["items"][1] == {
        "name": "罗湖店",
        "code": "SZ-LH",
        "city": "深圳",
        "address": "福华三路",
        "phone": "0755-00010001",
        "lat": 22.5388,
        "lng": 114.1108,
        "services": ["pickup"],
        "status": "CLOSING",
        "open_now": True,
        "distance_m": 5219,
    }


def test_nearby_is_the_same_from_both_ways_in(client: FlaskClient) -> None:
    # The first answer builds the index through Flask, the second comes from below it.
    slow = client.get(f"{NEAR}?{HERE}")
    quick = client.get(f"{NEAR}?{HERE}")
    odd = client.get(f"{NEAR}?lat=2.254e1&lng=114.06")
    assert slow.data == quick.data == odd.data
    assert slow.content_type == quick.content_type == "application/json"
    english = [client.get(f"{NEAR}?{HERE}", headers={"Accept-Language": "en"}).json for _ in range(2)]
    assert english[0] == english[1]
    assert english[0]["items"][0]["name"] == "Store SZ-FT"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("radius_m=866", ["SZ-FT"]),
        ("radius_m=865", []),
        ("limit=1", ["SZ-FT"]),
        ("service=store_delivery", ["SZ-NS"]),
        ("service=store_delivery&radius_m=500000", ["SZ-NS", "GZ-PY"]),
        ("service=nothing", []),
        ("open_now=true&limit=2", ["SZ-FT", "SZ-LH"]),
        ("open_now=false&limit=1", ["SZ-FT"]),
    ],
)
def test_nearby_by_radius_service_and_number(client: FlaskClient, query: str, expected: list[str]) -> None:
    for _ in range(2):
        assert [code for code, _ in found(client, f"{HERE}&{query}")] == expected


def test_nearby_open_now_follows_the_clock(client: FlaskClient, clock: Clock) -> None:
    for hour, count in ((1, 0), (2, 4), (13, 4), (14, 0)):
        clock.now = datetime(2026, 11, 21, hour, 0, tzinfo=UTC)
        assert len(found(client, f"{HERE}&open_now=true")) == count
        shown = client.get(f"{NEAR}?{HERE}").json["items"]
        assert {item["open_now"] for item in shown} == {count > 0}


def test_nearby_forgets_a_store_that_closed(client: FlaskClient, tx: Tx) -> None:
    assert ("SZ-FT", 866) in found(client, HERE)
    with tx() as session:
        session.execute(text("update store set status = 'CLOSED' where code = 'SZ-FT'"))
        touch(session, STORES)
    until = monotonic() + 1
    while ("SZ-FT", 866) in found(client, HERE):
        assert monotonic() < until
        sleep(0.01)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", ["lat", "lng"]),
        ("lat=22.5", ["lng"]),
        ("lng=114", ["lat"]),
        ("lat=90.1&lng=0", ["lat"]),
        ("lat=-91&lng=0", ["lat"]),
        ("lat=0&lng=180.5", ["lng"]),
        ("lat=nan&lng=0", ["lat"]),
        ("lat=0&lng=inf", ["lng"]),
        ("lat=&lng=", ["lat", "lng"]),
        ("lat=a%00b&lng=0", ["lat"]),
        ("lat=0&lng=1e999", ["lng"]),
        ("lat=%D9%A1&lng=0", ["lat"]),
        ("lat=0&lng=0&radius_m=0", ["radius_m"]),
        ("lat=0&lng=0&radius_m=500001", ["radius_m"]),
        ("lat=0&lng=0&radius_m=1.5", ["radius_m"]),
        ("lat=0&lng=0&radius_m=many", ["radius_m"]),
        ("lat=0&lng=0&limit=0", ["limit"]),
        ("lat=0&lng=0&limit=51", ["limit"]),
        ("lat=0&lng=0&open_now=maybe", ["open_now"]),
        ("lat=0&lng=0&open_now=", ["open_now"]),
        ("lat=0&lng=0&service=", ["service"]),
        ("lat=0&lng=0&service=Pick%00up", ["service"]),
        ("lat=0&lng=0&service=" + "a" * 33, ["service"]),
        ("lat=0&lng=0&colour=red", ["colour"]),
    ],
)
def test_garbage_nearby_is_refused_by_name(
    client: FlaskClient, problem_of: Check, query: str, fields: list[str]
) -> None:
    for _ in range(2):
        assert problem_of(client.get(f"{NEAR}?{query}")) == (422, "INVALID", fields)
        client.get(f"{NEAR}?{HERE}")


@pytest.mark.parametrize(
    "query",
    [
        "lat=1&lat=2&lng=0",
        "lat=1&lng=2&limit=051",
        "lat=1&lng=2&open_now=True",
        "lat=1",
        "x=1",
        "lat=1&lng=999",
        "",
    ],
)
def test_the_quick_way_leaves_doubtful_queries_to_the_slow_one(query: str) -> None:
    assert read_wish(query) is None


def test_cns_3_a_position_is_never_logged(
    client: FlaskClient, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for query in (HERE, HERE, f"{HERE}&radius_m=none", f"{HERE}&service=%00"):
        client.get(f"{NEAR}?{query}")
    written = capsysbinary.readouterr()
    assert written.out.count(b'"route":"/api/shopper/stores/nearby"') == 4
    assert b"22.54" not in written.out + written.err
    assert b"114.06" not in written.out + written.err


def test_list_page_by_page(client: FlaskClient) -> None:
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = client.get(f"{PLACES}?limit=3{cursor and '&cursor=' + cursor}").json
        seen += [item["code"] for item in answer["items"]]
        cursor = answer["next"]
    assert seen == ["GZ-PY", "ONLINE", "SZ-FT", "SZ-LH", "SZ-LHU", "SZ-NS", "WF-GX"]
    shenzhen = client.get(f"{PLACES}?city={quote('深圳')}").json
    assert [item["code"] for item in shenzhen["items"]] == ["SZ-FT", "SZ-LH", "SZ-LHU", "SZ-NS"]
    assert client.get(f"{PLACES}?city={quote('天边')}").json == {"items": [], "next": None}


def test_one_store_with_its_week(client: FlaskClient) -> None:
    answer = client.get(f"{PLACES}/SZ-FT").json
    assert answer["hours"] == [{"weekday": day, "opens": "10:00", "closes": "22:00"} for day in range(1, 8)]
    assert (answer["name"], answer["ownership"], answer["open_now"]) == ("福田购物公园店", "DIRECT", True)
    assert (answer["successor"], answer["closing_on"], answer["delivery_radius_m"]) == (None, None, None)
    online = client.get(f"{PLACES}/ONLINE").json
    assert (online["open_now"], online["hours"], online["lat"]) == (None, [], None)


@pytest.mark.parametrize(
    ("path", "status", "fields"),
    [
        ("/NOWHERE", 404, []),
        ("/SZ-OLD", 404, []),
        ("/a%00b", 422, ["code"]),
        ("/%E5%BA%97", 422, ["code"]),
        ("?limit=0", 422, ["limit"]),
        ("?limit=x", 422, ["limit"]),
        ("?cursor=%00", 422, ["cursor"]),
        ("?cursor=", 422, ["cursor"]),
        ("?city=", 422, ["city"]),
        ("?city=%00", 422, ["city"]),
        ("?city=" + "a" * 33, 422, ["city"]),
        ("?colour=red", 422, ["colour"]),
    ],
)
def test_garbage_about_stores_is_refused(
    client: FlaskClient, problem_of: Check, path: str, status: int, fields: list[str]
) -> None:
    code = {404: "NOT_FOUND", 422: "INVALID"}[status]
    assert problem_of(client.get(PLACES + path)) == (status, code, fields)
