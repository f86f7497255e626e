"""The stores that a process remembers for orders: right after a change that says so, never for long."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import NotFound
from app.base.freshness import STORES, Freshness, touch
from app.stores import remembered
from app.stores.directory import get_store
from app.stores.remembered import RememberedStores
from tests.shop import a_store

CLOSE = text("update store set status = 'CLOSING'")


@pytest.fixture
def fresh(database_url: str) -> Iterator[Freshness]:
    listener = Freshness(database_url)
    until = time.monotonic() + 5
    while not listener.live() and time.monotonic() < until:
        time.sleep(0.01)
    assert listener.live()
    yield listener
    listener.close()


def test_a_store_is_read_once_and_answered_as_the_table_has_it(tx: Tx, fresh: Freshness) -> None:
    stores = RememberedStores(fresh)
    with tx() as session:
        a_store(session)
    with tx() as session:
        first = stores.get(session, "SZ-FT")
        assert first == get_store(session, "SZ-FT")
        assert stores.get(session, "SZ-FT") is first


def test_a_change_that_says_so_is_known_at_once_and_any_other_within_a_second(
    tx: Tx, fresh: Freshness
) -> None:
    stores = RememberedStores(fresh)
    with tx() as session:
        a_store(session)
    with tx() as session:
        assert stores.get(session, "SZ-FT").status == "OPEN"
        before = fresh.versions((STORES,))
    with tx() as session:
        session.execute(CLOSE)
        touch(session, STORES)
    until = time.monotonic() + 0.5
    while fresh.versions((STORES,)) == before and time.monotonic() < until:
        time.sleep(0.01)
    with tx() as session:
        assert stores.get(session, "SZ-FT").status == "CLOSING"
        session.execute(text("update store set status = 'OPEN'"))
        assert stores.get(session, "SZ-FT").status == "CLOSING"
    time.sleep(remembered.KEPT_S + 0.05)
    with tx() as session:
        assert stores.get(session, "SZ-FT").status == "OPEN"


def test_nothing_is_remembered_by_a_process_that_hears_nothing(tx: Tx, fresh: Freshness) -> None:
    stores = RememberedStores(fresh)
    with tx() as session:
        a_store(session)
    fresh.close()
    time.sleep(1)
    assert not fresh.live()
    with tx() as session:
        assert stores.get(session, "SZ-FT").status == "OPEN"
        session.execute(CLOSE)
        assert stores.get(session, "SZ-FT").status == "CLOSING"


def test_an_unknown_store_is_not_remembered(tx: Tx, fresh: Freshness) -> None:
    stores = RememberedStores(fresh)
    with pytest.raises(NotFound), tx() as session:
        stores.get(session, "SZ-FT")
    with tx() as session:
        a_store(session)
        assert stores.get(session, "SZ-FT").code == "SZ-FT"
