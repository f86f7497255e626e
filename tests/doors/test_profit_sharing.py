"""The doors of profit sharing: finance keeps who receives, and sees what was shared (FRZ-4)."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.settings import Settings
from app.wiring import Parts, build
from models.operators import OperatorRole
from tests.boxed import Boxed
from tests.doors.office import office
from tests.rooms.paid import weifang

BODY = {"entity": "E-WF1", "mchid": "1600000001", "name": "潍坊潍澜商贸有限公司", "relation": "PARTNER"}
RECEIVERS = "/api/backoffice/sharing/receivers"


@pytest.fixture
def parts(settings: Settings) -> Iterator[Parts]:
    """These doors phone WeChat: the whole parts, with the box."""
    parts = build(settings, pool_size=5)
    yield parts
    parts.close()


@pytest.fixture(autouse=True)
def _companies(tx: Tx, box: Boxed) -> None:
    with tx() as session:
        weifang(session)


def test_frz4_finance_adds_a_receiver_and_ends_it(client: FlaskClient, tx: Tx, problem_of: Any) -> None:
    finance = office(tx, OperatorRole.FINANCE)
    made = client.post(RECEIVERS, json=BODY, headers=finance)
    assert made.status_code == 201
    assert (made.json["entity"], made.json["problem"], made.json["ended_at"]) == ("E-WF1", None, None)
    assert made.json["added_at"] is not None
    assert client.post(RECEIVERS, json=BODY, headers=finance).json == made.json
    other = client.post(RECEIVERS, json={**BODY, "mchid": "1600000002"}, headers=finance)
    assert problem_of(other) == (409, "RECEIVER_EXISTS", [])
    nobody = client.post(RECEIVERS, json={**BODY, "entity": "E-NO", "mchid": "1600000003"}, headers=finance)
    assert problem_of(nobody) == (404, "NOT_FOUND", [])
    ended = client.post(f"{RECEIVERS}/E-WF1/end", json={"why": "合同到期"}, headers=finance)
    assert (ended.status_code, ended.json["ended_at"] is not None) == (200, True)
    again = client.post(f"{RECEIVERS}/E-WF1/end", json={"why": "合同到期"}, headers=finance)
    assert problem_of(again) == (404, "NOT_FOUND", [])
    assert len(client.get(RECEIVERS, headers=finance).json["items"]) == 1


@pytest.mark.parametrize(
    ("field", "value"), [("mchid", "16-1"), ("mchid", "1"), ("relation", "USER"), ("name", ""), ("more", "x")]
)
def test_what_is_no_receiver_is_refused_and_nothing_is_written(
    client: FlaskClient, tx: Tx, field: str, value: str
) -> None:
    refused = client.post(RECEIVERS, json={**BODY, field: value}, headers=office(tx, OperatorRole.FINANCE))
    assert refused.status_code == 422
    with tx() as session:
        assert session.execute(text("select count(*) from sharing_receiver")).scalar() == 0


def test_while_wechat_is_down_a_receiver_is_written_down_and_receives_nothing(
    client: FlaskClient, tx: Tx, box: Boxed, problem_of: Any
) -> None:
    finance = office(tx, OperatorRole.FINANCE)
    box.post("settings", faults={"unavailable": True})
    down = client.post(RECEIVERS, json=BODY, headers=finance)
    box.post("settings", faults={})
    assert problem_of(down) == (503, "WECHAT_UNAVAILABLE", [])
    assert client.get(RECEIVERS, headers=finance).json["items"][0]["added_at"] is None
    assert client.post(RECEIVERS, json=BODY, headers=finance).json["added_at"] is not None


def test_frz4_finance_sees_what_was_shared_and_reads_that_the_rest_is_a_service_fee(
    client: FlaskClient, tx: Tx
) -> None:
    finance = office(tx, OperatorRole.FINANCE)
    empty = client.get("/api/backoffice/sharing", headers=finance)
    assert (empty.status_code, empty.json) == (200, {"items": [], "next": None})
