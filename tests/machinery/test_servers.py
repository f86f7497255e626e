"""The servers of our own: nothing committed is lost, nothing is open to others, and yours win over ours."""

import os
import shutil
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from scripts import places
from scripts.removing import forget
from scripts.servers import Servers, launch
from scripts.supervise import Family
from tests.machinery.checkouts import open_directory, wait_for


@pytest.fixture
def home() -> Iterator[Path]:
    """A var/ of its own."""
    with open_directory() as directory:
        yield directory


def _up(family: Family, home: Path) -> Servers:
    servers = launch(family, home, {})
    servers.wait()
    return servers


def _kill_and_await(family: Family, name: str) -> None:
    before = family.pid(name)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: family.tick() or family.pid(name) != before, f"{name} again")


def test_what_was_committed_survives_kill_and_restart(home: Path) -> None:
    with Family(home, say=lambda line: None) as family:
        servers = _up(family, home)
        with psycopg.connect(servers.database_url) as connection:
            connection.execute("CREATE TABLE kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('一'), ('二')")
        with redis.Redis.from_url(servers.redis_url) as client:
            client.set("kept", "三")
            client.execute_command("WAITAOF", 1, 0, 2000)
        _kill_and_await(family, "postgres")
        _kill_and_await(family, "valkey")
        servers.wait()
        _expect_all(servers)
    with Family(home) as family:
        _expect_all(_up(family, home))


def _expect_all(servers: Servers) -> None:
    with psycopg.connect(servers.database_url) as connection:
        assert connection.execute("SELECT word FROM kept ORDER BY word").fetchall() == [("一",), ("二",)]
    with redis.Redis.from_url(servers.redis_url, decode_responses=True) as client:
        assert client.get("kept") == "三"


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(home: Path) -> None:
    with Family(home) as family:
        _up(family, home)
    lock = (home / "pg").resolve() / "data" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n{int(time.time())}\n5432\n\n127.0.0.1\n 1 1\nready\n")
    with Family(home) as family, psycopg.connect(_up(family, home).database_url) as connection:
        assert connection.info.dbname == "lianke"


def test_only_this_machine_with_the_password_gets_in(home: Path) -> None:
    with Family(home) as family:
        servers = _up(family, home)
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
            assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)
        wrong = servers.database_url.replace("lianke:", "lianke:0")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.config_get("bind") == {"bind": "127.0.0.1"}
        stranger = redis.Redis.from_url(servers.redis_url.replace("//:", "//:0"))
        with stranger as client, pytest.raises(redis.AuthenticationError):
            client.ping()
        assert stat.S_IMODE((home / "pg").resolve().stat().st_mode) == 0o700
        assert stat.S_IMODE(((home / "pg").resolve() / "password").stat().st_mode) == 0o600


def test_postgres_knows_chinese_letters_and_utc(home: Path) -> None:
    with Family(home) as family, psycopg.connect(_up(family, home).database_url) as connection:
        assert connection.execute("SELECT '汉' ~ '^[[:alpha:]]$'").fetchone() == (True,)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def test_servers_that_are_named_are_used_and_none_is_started(home: Path) -> None:
    named = {"DATABASE_URL": "postgresql://elsewhere/shop", "REDIS_URL": "redis://elsewhere/0"}
    with Family(home) as family:
        servers = launch(family, home, named)
        servers.wait()
        (register,) = home.glob("children-*.json")
        assert register.read_text() == "[]\n"
    assert (servers.database_url, servers.redis_url) == (named["DATABASE_URL"], named["REDIS_URL"])
    assert not (home / "pg").exists()


def test_a_closed_checkout_stays_closed_and_its_data_is_reached(tmp_path: Path) -> None:
    """As root the data goes where the servers' account can reach it; as anybody else it lies in the
    checkout.
    """
    closed = tmp_path / "closed"
    var = closed / "var"
    var.mkdir(parents=True)
    closed.chmod(0o700)
    user = places.server_user()
    found = places.data_directory(var, "pg", user)
    assert places.can_reach(user, found)
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert (var / "pg").is_symlink() == (user is not None)
    assert places.data_directory(var, "pg", user) == found
    forget(var)
    assert not found.exists()
    assert not var.exists()


def test_programs_in_a_closed_checkout_are_copied_once_for_the_servers_account(tmp_path: Path) -> None:
    tree = tmp_path / "package"
    (tree / "bin").mkdir(parents=True)
    program = tree / "bin" / "serve"
    program.write_text(f"#!/bin/sh\necho {tmp_path.name}\n")
    program.chmod(0o755)
    tmp_path.chmod(0o700)
    user = places.server_user()
    found = places.programs_for(user, program, [tree])
    assert places.can_reach(user, found)
    assert found.read_text() == program.read_text()
    assert (found == program) == (user is None)
    assert places.programs_for(user, program, [tree]) == found
    if found != program:
        shutil.rmtree(found.parents[2])
