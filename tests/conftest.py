"""Fixtures. A run has its own PostgreSQL and Valkey (never a developer's), each pytest-xdist worker its own
database on them.
"""

import contextlib
import os
from collections.abc import Iterator

import pytest
import redis

from scripts.servers import temporary
from tests.databases import Cleaner, clone_template, make_template

PG, REDIS = "TEST_PG_ADMIN_URL", "TEST_REDIS_URL"
STEERING = (
    "DATABASE_",
    "REDIS_",
    "SECRET_KEY",
    "PUBLIC_URL",
    "WECHAT_",
    "OA_",
    "MP_",
    "PAY_",
    "WEB_",
    "PROMETHEUS_",
)
_run = contextlib.ExitStack()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers once, before xdist starts its workers, which find them in the environment."""
    for name in [name for name in os.environ if name.startswith(STEERING)]:
        del os.environ[name]
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    if PG in os.environ or session.config.option.collectonly:
        return
    servers = _run.enter_context(temporary())
    os.environ[PG], os.environ[REDIS] = servers.database_url, servers.redis_url
    make_template(servers.database_url)


def pytest_unconfigure() -> None:
    """Stop what sessionstart started."""
    _run.close()


@pytest.fixture(scope="session")
def worker_number(worker_id: str) -> int:
    """0 for a run without xdist, else 1, 2, ... for gw0, gw1, ..."""
    return 0 if worker_id == "master" else int(worker_id.removeprefix("gw")) + 1


@pytest.fixture(scope="session")
def database_url(worker_number: int) -> str:
    """A migrated database that this worker has to itself."""
    return clone_template(os.environ[PG], f"lianke_test_{worker_number}")


@pytest.fixture(scope="session")
def redis_url(worker_number: int) -> str:
    """A Valkey database that this worker has to itself."""
    return os.environ[REDIS].rpartition("/")[0] + f"/{worker_number}"


@pytest.fixture(scope="session")
def cleaner(database_url: str) -> Iterator[Cleaner]:
    """The connection that empties the database after each test."""
    cleaner = Cleaner(database_url)
    yield cleaner
    cleaner.close()


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave an empty database and an empty Valkey after each test that had one. Set up first, so it cleans
    last.
    """
    cleaner = request.getfixturevalue("cleaner") if "database_url" in request.fixturenames else None
    yield
    if cleaner:
        cleaner.clean()
    if "redis_url" in request.fixturenames:
        with redis.Redis.from_url(request.getfixturevalue("redis_url")) as client:
            client.flushdb()
