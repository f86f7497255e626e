"""Moments at the ends of the calendar are refused at every door: stored, they could not be read again."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.base.db import Tx
from app.settings import Settings
from app.wiring import Parts, build
from tests.doors.cast import a_cast
from tests.doors.conftest import Clock

LATE, EARLY, GOOD = "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2026-12-01T00:00:00+08:00"
WEIGHTS = {"online_bp": 7000, "sell_bp": 0, "acq_bp": 3000, "fulfil_bp": 0, "why": "x"}
CAMPAIGN = {"code": "END", "name": "岁末", "stores": ["SZ-FT"]}


@pytest.fixture
def parts(settings: Settings, clock: Clock) -> Iterator[Parts]:
    """The whole wiring."""
    parts = build(settings, now=clock)
    yield parts
    parts.close()


@pytest.mark.parametrize("moment", [LATE, EARLY])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("campaigns", {**CAMPAIGN, "starts_at": GOOD}, "ends_at"),
        ("campaigns", {**CAMPAIGN, "ends_at": GOOD}, "starts_at"),
        ("kpi/weights/ONLINE_DC", WEIGHTS, "effective_from"),
        ("binding-terms", {"params": {}, "why": "x"}, "effective_from"),
        ("dry-runs", {"policy": "DEFAULT", "version": 1, "since": GOOD}, "until"),
    ],
)
def test_a_moment_at_the_end_of_the_calendar_is_refused(
    client: FlaskClient, tx: Tx, clock: Clock, path: str, body: dict[str, Any], field: str, moment: str
) -> None:
    owner = a_cast(tx, clock.now)
    answer = client.post(
        f"/api/backoffice/{path}", json={**body, field: moment}, headers=owner.headers("OWNER")
    )
    assert (answer.status_code, answer.json["errors"]) == (
        422,
        [{"field": field, "reason": "Value error, a year from 2000 to 2100"}],
    )


@pytest.mark.parametrize("moment", [LATE, EARLY])
@pytest.mark.parametrize(("path", "field"), [("audit", "since"), ("codes", "until")])
def test_no_list_is_asked_for_beyond_the_calendar(
    client: FlaskClient, tx: Tx, clock: Clock, path: str, field: str, moment: str
) -> None:
    owner = a_cast(tx, clock.now)
    answer = client.get(
        f"/api/backoffice/{path}", query_string={field: moment}, headers=owner.headers("OWNER")
    )
    assert [one["field"] for one in answer.json["errors"]] == [field]
