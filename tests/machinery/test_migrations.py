"""Migrations: from empty to the newest revision, twice at once, and the same tables as models/ says."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine

from models import base
from scripts.migrate import applied, heads, sqlalchemy_url, upgrade
from tests.databases import with_database


@pytest.fixture
def empty_url(database_url: str) -> str:
    name = "lianke_empty_" + database_url.rpartition("_")[2]
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    return with_database(database_url, name)


def test_two_upgrades_at_once_run_each_revision_once(empty_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(upgrade, [empty_url, empty_url]))
    assert outcomes in ([False, True], [True, True])
    assert applied(empty_url) == heads()
    assert upgrade(empty_url) is False


def test_there_is_one_newest_revision() -> None:
    assert len(heads()) == 1


def test_migrated_tables_are_those_of_the_models(database_url: str) -> None:
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": _is_ours, "compare_type": True}
        )
        assert compare_metadata(context, base.Base.metadata) == []


def _is_ours(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    return not (name or "").startswith("procrastinate_")
