"""Every route times everybody who may knock (T40, T53): the routes come from the app, who gets in from one table."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.base.db import Tx
from app.settings import Settings
from app.wiring import Parts, build
from tests.doors.audiences import DOORS, Door
from tests.doors.cast import DEAD, EVERYBODY, Cast, a_cast
from tests.doors.conftest import Clock


@pytest.fixture
def parts(settings: Settings, clock: Clock) -> Iterator[Parts]:
    """The whole wiring: some doors phone WeChat (the box)."""
    parts = build(settings, now=clock)
    yield parts
    parts.close()


@pytest.fixture
def cast(tx: Tx, clock: Clock) -> Cast:
    """Everybody."""
    return a_cast(tx, clock.now)


def routes_of(app: Flask) -> list[str]:
    """Every route as "METHOD /path", as Flask knows them."""
    return sorted(
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def fits(door: Door, who: str, status: int) -> bool:
    """Whether a call without any input may be answered so. Past the guard anything goes but a fault."""
    if door.is_signed:
        return status in (400, 401, 403)
    if door.who is None or who in door.who:
        return status < 500 and status not in (401, 403)
    return status == (401 if who in DEAD else 403)


def test_every_route_says_who_may_use_it(app: Flask) -> None:
    found = set(routes_of(app))
    assert sorted(found - set(DOORS)) == [], "add a line to tests/doors/audiences.py"
    assert sorted(set(DOORS) - found) == [], "there is no such route any more"


def test_t40_every_route_lets_in_exactly_those_whom_the_table_names(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    """Before any input is read: the calls bring none."""
    wrong = []
    for route in routes_of(app):
        method, _, rule = route.partition(" ")
        place = re.sub(r"<[^>]+>", "x", rule)
        for who in EVERYBODY:
            status = client.open(place, method=method, headers=cast.headers(who)).status_code
            if not fits(DOORS[route], who, status):
                wrong.append(f"{route} answered {status} to {who}")
    assert wrong == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PROPFIND"])
def test_t53_a_method_that_no_route_has_is_refused(client: FlaskClient, method: str) -> None:
    for place in ("/api/shopper/products", "/api/backoffice/login", "/healthz"):
        assert client.open(place, method=method).status_code == 405


def test_the_matrix_bites() -> None:
    shoppers, everybody, signed = Door(frozenset({"shopper"})), Door(), Door(is_signed=True)
    good = [(shoppers, "shopper", 422), (shoppers, "nobody", 401), (shoppers, "OWNER", 403)]
    good += [(everybody, "nobody", 200), (signed, "shopper", 401)]
    bad = [
        (shoppers, "nobody", 403),
        (shoppers, "nobody", 404),
        (shoppers, "clerk", 401),
        (shoppers, "clerk", 200),
    ]
    bad += [
        (shoppers, "shopper", 403),
        (everybody, "nobody", 500),
        (signed, "OWNER", 200),
        (signed, "OWNER", 503),
    ]
    assert all(fits(*one) for one in good)
    assert not any(fits(*one) for one in bad)
