"""The fixtures themselves: a clean start for every test, and a house that comes back when killed."""

import psycopg
import redis
from flask.testing import FlaskClient

from tests.boxed import Boxed
from tests.live import Live


def _leave_something(database_url: str, redis_url: str, box: Boxed) -> None:
    with psycopg.connect(database_url) as connection:
        query = "INSERT INTO used_code (code_hash) VALUES ('left over') RETURNING code_hash"
        assert connection.execute(query).fetchone() == ("left over",)
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("left over") is None
        client.set("left over", 1)
    assert box.get("persons") == {"persons": []}
    box.post("persons", name="小林")


# Twice the same: the second one would stumble over what the first one left.
def test_what_a_test_leaves_is_gone_for_the_next_one(database_url: str, redis_url: str, box: Boxed) -> None:
    _leave_something(database_url, redis_url, box)


def test_the_next_one_finds_nothing(database_url: str, redis_url: str, box: Boxed) -> None:
    _leave_something(database_url, redis_url, box)


def test_the_house_stands_in_this_process(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").json == {"database": "ok", "redis": "ok"}


def test_a_killed_house_comes_back(live: Live) -> None:
    assert live.session.get(f"{live.url}/readyz", timeout=5).status_code == 200
    first = live.family.pid("web")
    live.kill("web")
    live.kill("worker")
    live.wait_until_ready()
    assert live.family.pid("web") != first
