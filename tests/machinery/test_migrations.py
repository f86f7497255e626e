"""Migrations: from empty to the newest revision, twice at once, and the same tables as models/ says."""

import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine

from models import base
from scripts.migrate import applied, heads, sqlalchemy_url, upgrade
from tests.databases import with_database

# Each row begins with the table that it is about.
SHAPE = (
    """
    SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, is_identity)
      FROM information_schema.columns WHERE table_schema = 'public'
    """,
    """
    SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
     WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    """,
    "SELECT tablename || ' ' || indexdef FROM pg_indexes WHERE schemaname = 'public'",
)
NOT_OURS = re.compile(r"procrastinate_|alembic_version ")


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


def test_migrated_tables_are_those_of_the_models(database_url: str, empty_url: str) -> None:
    """Columns, defaults, constraints and indexes, by name and by what PostgreSQL says they are."""
    engine = create_engine(sqlalchemy_url(empty_url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE EXTENSION btree_gist")
        base.Base.metadata.create_all(connection)
    migrated, modelled = _shape(database_url), _shape(empty_url)
    assert (sorted(migrated - modelled), sorted(modelled - migrated)) == ([], [])
    assert len(migrated) > 500


def _shape(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {row[0] for query in SHAPE for row in connection.execute(query) if not NOT_OURS.match(row[0])}
