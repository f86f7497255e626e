"""Fixtures of the room tests: one engine per worker, and the house's own ``tx`` on it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.base.db import Tx, open_engine, open_tx


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """The worker's database as the house opens it, with room for races."""
    engine = open_engine(database_url, pool_size=24)
    yield engine
    engine.dispose()


@pytest.fixture
def tx(engine: Engine, database_url: str) -> Tx:
    """Opens one transaction, as in production. The test's rows are deleted afterwards."""
    return open_tx(engine)
