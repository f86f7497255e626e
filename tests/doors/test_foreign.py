"""What is somebody else's looks as if it were not there, and stays as it was."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.settings import Settings
from app.wiring import Parts, build
from tests.doors.audiences import DOORS
from tests.doors.cast import Cast, a_cast
from tests.doors.conftest import Clock
from tests.doors.foreign import FOREIGN, NOT_OWNED, UNSEEN, Foreign, Unseen


@pytest.fixture
def parts(settings: Settings, clock: Clock) -> Iterator[Parts]:
    """The whole wiring: some doors phone WeChat (the box)."""
    parts = build(settings, now=clock)
    yield parts
    parts.close()


@pytest.mark.parametrize("case", FOREIGN, ids=str)
def test_t40_what_is_somebody_elses_is_not_there_and_stays_as_it_was(
    case: Foreign, client: FlaskClient, tx: Tx, clock: Clock
) -> None:
    cast = a_cast(tx, clock.now)
    with tx() as session:
        made = case.made(session, cast)
    before = prints(tx, case.unchanged)
    theirs, nobodys = [ask(client, case, params, cast) for params in (made, case.missing)]
    assert theirs[0] == case.status, theirs
    if case.status == 404:
        assert theirs == nobodys
    assert prints(tx, case.unchanged) == before


@pytest.mark.parametrize("case", UNSEEN, ids=str)
def test_t40_no_list_names_what_is_somebody_elses(
    case: Unseen, client: FlaskClient, tx: Tx, clock: Clock
) -> None:
    cast = a_cast(tx, clock.now)
    with tx() as session:
        made = case.made(session, cast)
    for who, is_seen in ((case.who, False), (case.seer, True)):
        if who:
            answer = client.get(case.route, headers=cast.headers(who))
            assert answer.status_code == 200, answer.json
            assert all((value in answer.text) is is_seen for value in made.values()), who


def test_every_guarded_route_that_names_a_thing_has_a_case(app: Flask) -> None:
    named = {route for route, door in DOORS.items() if door.who is not None and "<" in route}
    assert sorted(named - {case.route for case in FOREIGN} - set(NOT_OWNED)) == []


def ask(client: FlaskClient, case: Foreign, params: dict[str, str], cast: Cast) -> tuple[int, Any]:
    """(status, body) of one call; the name of the thing and the id of the request, which differ, are taken out."""
    method, _, path = case.route.partition(" ")
    given = json.dumps(case.body)
    for name, value in params.items():
        path, given = path.replace(f"<{name}>", value), given.replace(f"<{name}>", value)
    assert "<" not in path, f"{case}: give every parameter"
    headers = cast.headers(case.who) | {"Idempotency-Key": str(uuid.uuid4())}
    answer = client.open(path, method=method, headers=headers, json=json.loads(given))
    body = json.dumps({name: value for name, value in answer.json.items() if name != "request_id"})
    for value in params.values():
        body = body.replace(value, "…")
    return answer.status_code, body


def prints(tx: Tx, tables: tuple[str, ...]) -> dict[str, str]:
    """A fingerprint of all rows of each table."""
    with tx() as session:
        return {
            table: str(
                session.execute(
                    text(
                        f"select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t"
                    )
                ).scalar_one()
            )
            for table in tables
        }
