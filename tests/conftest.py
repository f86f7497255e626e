"""Fixtures. A run has its own PostgreSQL and Valkey (never a developer's), each pytest-xdist worker its own
database on them and its own WeChat in a box. What needs no database starts none.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app import create_app
from app.base.db import Tx, open_engine, open_tx
from app.settings import Settings
from app.wiring import Parts, build
from scripts import box as box_process
from scripts import house
from scripts.check_books import broken, report
from scripts.places import free_port
from scripts.servers import temporary
from scripts.supervise import Family
from tests.boxed import Boxed
from tests.databases import Cleaner, clone_template, make_template
from tests.live import Live

PG, REDIS = "TEST_PG_ADMIN_URL", "TEST_REDIS_URL"
STEERING = ("DATABASE_", "REDIS_", "SECRET_KEY", "PUBLIC_URL", "WECHAT_", "OA_", "MP_", "PAY_", "WEB_")
STEERING += ("PROMETHEUS_", "LOG_LEVEL", "BRAND_", "WORKER_", "LOGIN_", "UNPAID_")
# As many as a race test has threads; the house itself uses WEB_THREADS + 2.
CONNECTIONS = 24
_run = contextlib.ExitStack()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers once, before xdist starts its workers, which find them in the environment."""
    for name in [name for name in os.environ if name.startswith(STEERING)]:
        del os.environ[name]
    os.environ.update(house.surroundings(os.environ))
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
    """A migrated database that this worker has to itself; it is empty when a test begins."""
    return clone_template(os.environ[PG], f"lianke_test_{worker_number}")


@pytest.fixture(scope="session")
def redis_url(worker_number: int) -> str:
    """A Valkey database that this worker has to itself; it is empty when a test begins."""
    return os.environ[REDIS].rpartition("/")[0] + f"/{worker_number}"


@pytest.fixture(scope="session")
def cleaner(database_url: str) -> Iterator[Cleaner]:
    """The connection that empties the database after each test."""
    cleaner = Cleaner(database_url)
    yield cleaner
    cleaner.close()


@pytest.fixture(autouse=True)
def clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave empty books and an empty Valkey after each test that had them.

    Set up before everything else of a test, so it cleans when all else is over.
    """
    cleaner = request.getfixturevalue("cleaner") if "database_url" in request.fixturenames else None
    yield
    if cleaner:
        cleaner.clean()
    if "redis_url" in request.fixturenames:
        with redis.Redis.from_url(request.getfixturevalue("redis_url")) as client:
            client.flushdb()


@pytest.fixture(scope="session")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Family]:
    """The processes of this worker; they end with it, however it ends."""
    with Family(tmp_path_factory.mktemp("processes")) as family:
        yield family


@pytest.fixture(scope="session")
def house_url() -> str:
    """Where `live` listens, and where the box sends its pushes and notices."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="session")
def served_box(
    processes: Family, house_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Boxed]:
    """The process behind `box`; it serves this worker to its end."""
    place = tmp_path_factory.mktemp("box")
    callback = f"{house_url}/callbacks/wechat/oa"
    started = box_process.start(
        processes, place / "state", place / "box.log", port=free_port(), callback=callback, env=os.environ
    )
    boxed = Boxed(started.wait(processes))
    yield boxed
    boxed.close()


@pytest.fixture
def box(served_box: Boxed) -> Iterator[Boxed]:
    """A real WeChat in a box (its own process), without people, orders or faults when a test begins."""
    yield served_box
    served_box.reset()


@pytest.fixture(scope="session")
def house_env(
    served_box: Boxed,
    database_url: str,
    redis_url: str,
    house_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """The environment variables with which the house runs on this worker's database and box."""
    return {
        **box_process.settings(served_box.told, tmp_path_factory.mktemp("keys")),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": secrets.token_hex(32),
        "PUBLIC_URL": house_url,
        "LOG_LEVEL": "WARNING",
    }


@pytest.fixture(scope="session")
def settings(house_env: dict[str, str]) -> Settings:
    """The settings a process of the house reads from `house_env`."""
    return Settings.model_validate({name.lower(): value for name, value in house_env.items()})


@pytest.fixture(scope="session")
def parts(settings: Settings) -> Iterator[Parts]:
    """The parts of the house as wiring makes them, with connections enough for races."""
    parts = build(settings, pool_size=CONNECTIONS)
    yield parts
    parts.close()


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """The worker's database as the house opens it, with room for races; needs no box."""
    engine = open_engine(database_url, pool_size=CONNECTIONS)
    yield engine
    engine.dispose()


@pytest.fixture
def tx(engine: Engine) -> Tx:
    """Opens one transaction, as in production."""
    return open_tx(engine)


@pytest.fixture
def right_books(tx: Tx) -> Iterator[None]:
    """After the test every invariant of the books holds."""
    yield
    with tx() as session:
        found = broken(session.connection())
    assert not found, report(found)


@pytest.fixture
def app(parts: Parts, box: Boxed) -> Flask:
    """The whole house in this process, with nothing remembered from another test."""
    return create_app(parts.settings, parts)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """HTTP without a network."""
    return app.test_client()


@pytest.fixture
def live(
    processes: Family, house_env: dict[str, str], house_url: str, box: Boxed, tmp_path: Path
) -> Iterator[Live]:
    """Web server and worker as real processes, for races and kills; the box pushes to them."""
    live = Live(processes, {**os.environ, **house_env}, house_url, tmp_path)
    live.start()
    yield live
    live.stop()
