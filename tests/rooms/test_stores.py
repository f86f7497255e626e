"""The room ``stores`` on a real database: look-up for orders, list and page, what is told of changes."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from app.base import freshness
from app.base.db import Tx
from app.base.errors import NotFound
from app.base.freshness import STORES, Freshness, touch
from app.stores.directory import (
    all_pages,
    get_page,
    get_store,
    labels,
    labels_of_city,
    list_stores,
)
from tests.shop import a_store, a_warehouse, demo_stores

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def test_store_comes_with_entity_and_location(tx: Tx) -> None:
    with tx() as session:
        store_id = a_store(session, "SZ-LHU", entity="E-GZ2", services=["pickup", "fitting"])
        found = get_store(session, "SZ-LHU")
        location = session.execute(text("select id from stock_location where code = 'SZ-LHU'")).scalar_one()
    assert (found.id, found.code, found.entity_code, found.ownership) == (
        store_id,
        "SZ-LHU",
        "E-GZ2",
        "FRANCHISE",
    )
    assert (found.location_id, found.services, found.status) == (location, ("pickup", "fitting"), "OPEN")


def test_store_without_stock_has_no_location(tx: Tx) -> None:
    with tx() as session:
        a_store(session, "ONLINE", lat=None, lng=None, city=None)
        session.execute(text("delete from stock_location"))
        found = get_store(session, "ONLINE")
    assert found.location_id is None


def test_unknown_store_is_not_found(tx: Tx) -> None:
    with tx() as session, pytest.raises(NotFound):
        get_store(session, "NOWHERE")


def test_orders_still_find_a_closed_store_but_the_public_does_not(tx: Tx) -> None:
    with tx() as session:
        a_store(session, "SZ-OLD", status="CLOSED")
        assert get_store(session, "SZ-OLD").status == "CLOSED"
        with pytest.raises(NotFound):
            get_page(session, "SZ-OLD", now=NOON)
        assert list_stores(session, city=None, after="", limit=9, now=NOON) == []
        assert labels(session, ["SZ-OLD"]) == []
        assert labels_of_city(session, "深圳", limit=9) == []


def test_list_goes_on_after_a_code_and_keeps_to_a_city(tx: Tx) -> None:
    with tx() as session:
        demo_stores(session)
        codes = [page.code for page in list_stores(session, city=None, after="", limit=3, now=NOON)]
        assert codes == ["GZ-PY", "SZ-FT", "SZ-LH"]
        codes = [page.code for page in list_stores(session, city=None, after="SZ-LH", limit=9, now=NOON)]
        assert codes == ["SZ-LHU", "SZ-NS", "WF-GX"]
        codes = [page.code for page in list_stores(session, city="深圳", after="SZ-FT", limit=2, now=NOON)]
        assert codes == ["SZ-LH", "SZ-LHU"]
        assert [page.code for page in all_pages(session, now=NOON, batch=2)] == [
            "GZ-PY",
            "SZ-FT",
            "SZ-LH",
            "SZ-LHU",
            "SZ-NS",
            "WF-GX",
        ]


def test_page_knows_its_hours_and_its_successor(tx: Tx) -> None:
    with tx() as session:
        successor = a_store(session, "SZ-FT", hours=[])
        a_store(session, "SZ-LH", status="CLOSING", hours=[(6, "10:00", "22:00"), (7, "11:00", "21:30")])
        session.execute(
            text("update store set successor_store_id = :id, closing_on = '2026-06-30' where code = 'SZ-LH'"),
            {"id": successor},
        )
        page = get_page(session, "SZ-LH", now=NOON)
        assert get_page(session, "SZ-FT", now=NOON).open_now is None
    assert (page.status, page.successor, page.closing_on) == ("CLOSING", "SZ-FT", date(2026, 6, 30))
    assert [(day.weekday, f"{day.opens:%H:%M}", f"{day.closes:%H:%M}") for day in page.week] == [
        (6, "10:00", "22:00"),
        (7, "11:00", "21:30"),
    ]
    assert page.open_now is True


def test_bnd_9_closing_store_takes_no_new_pickups(tx: Tx) -> None:
    with tx() as session:
        a_store(session, "SZ-FT")
        a_store(session, "SZ-LH", status="CLOSING")
        a_store(session, "WF-GX", services=["showroom"])
        a_warehouse(session)
        found = {
            label.code: label.takes_pickups for label in labels(session, ["WF-GX", "SZ-LH", "SZ-FT", "DC-DG"])
        }
    assert found == {"SZ-FT": True, "SZ-LH": False, "WF-GX": False}


def wait_until(holds: Callable[[], bool], *, seconds: float = 1.0) -> bool:
    """Whether a condition comes true within ``seconds``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.005)
    return False


def test_touch_is_told_at_commit_and_never_after_a_rollback(tx: Tx, database_url: str) -> None:
    fresh = Freshness(database_url)
    try:
        assert wait_until(fresh.live, seconds=5)
        before = fresh.versions((STORES,))
        with tx() as session:
            touch(session, STORES)
            session.get_transaction().rollback()  # type: ignore[union-attr]  # a step always has one
        with tx() as session:
            touch(session, STORES)
            touch(session, STORES)
            time.sleep(0.5)
            assert fresh.versions((STORES,)) == before
        assert wait_until(lambda: fresh.versions((STORES,)) == (before[0] + 1,))
        assert fresh.versions(("catalog",)) == before
    finally:
        fresh.close()


def test_lost_listener_is_known_at_once_and_comes_back_doubting_everything(tx: Tx, database_url: str) -> None:
    fresh = Freshness(database_url)
    try:
        assert wait_until(fresh.live, seconds=5)
        before = fresh.versions((STORES,))
        with tx() as session:
            session.execute(
                text(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where datname = current_database() and application_name = :name"
                ),
                {"name": freshness.NAME},
            )
        assert wait_until(lambda: fresh.versions((STORES,)) > before, seconds=5)
        assert wait_until(fresh.live, seconds=5)
    finally:
        fresh.close()
    assert wait_until(lambda: not fresh.live(), seconds=2)


def test_listener_that_cannot_connect_is_never_live() -> None:
    fresh = Freshness("postgresql://127.0.0.1:1/none")
    try:
        assert not wait_until(fresh.live, seconds=0.5)
        assert fresh.versions((STORES,)) == (0,)
    finally:
        fresh.close()
