"""Disputes and findings over HTTP (DSP-1, FRD-1, FRD-2): who may do what, what is told to whom, what is refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.commission.accrual import accrue
from app.review.detecting import detect
from app.review.disputing import hear
from app.wiring import Parts
from models.operators import OperatorRole
from models.review import RiskRule
from tests import make
from tests.doors.conftest import NOON, Clock
from tests.doors.office import office
from tests.doors.phoned import bearer
from tests.rooms.paid import sell, staff
from tests.rooms.suspects import VAULT, fans

Check = Callable[[Any], tuple[int, str, list[str]]]
Headers = dict[str, str]
ORDER = "A261121TEST0001"
BODY = {"order": ORDER, "kind": "CREDIT", "role": "SELL_CLERK", "said": "是我接待的"}
pytestmark = pytest.mark.usefixtures("right_books")


@pytest.fixture
def people(tx: Tx) -> dict[str, Headers]:
    """An order whose sale went to 陈嘉豪 (C-SZFT-02); 林晓雨 (C-SZFT-01) brought the customer."""
    with tx() as session:
        staff(session)
        sold = sell(session, number=ORDER, paid_at=NOON)
        accrue(session, sold.lines, paid_at=NOON, now=NOON)
        session.execute(text("update clerk set member_id = null"))
        return {
            name: bearer(make.a_clerk_login(session, f"C-SZFT-0{n}")) for n, name in ((1, "lin"), (2, "chen"))
        }


def raised(client: FlaskClient, people: dict[str, Headers], tx: Tx) -> str:
    made = client.post("/api/clerk/disputes", json=BODY, headers=people["lin"])
    assert made.status_code == 201
    with tx() as session:
        hear(session, now=NOON)
    return str(made.json["number"])


def test_dsp1_a_dispute_from_the_phone_to_the_booking(
    client: FlaskClient, people: dict[str, Headers], parts: Parts, tx: Tx, clock: Clock
) -> None:
    number = raised(client, people, tx)
    told = client.get("/api/clerk/reviews", headers=people["chen"]).json["items"]
    assert told == [
        {
            "kind": "DISPUTE",
            "number": number,
            "since": "2026-11-21T12:00:00+08:00",
            "rows": 1,
            "amount_fen": 299,
            "why": "有人对该订单的分成提出申诉",
            "next": "举证中，各方可补充说明（2026-11-27零点前）",
        }
    ]
    said = client.post(
        f"/api/clerk/disputes/{number}/evidence", json={"said": "由我成交"}, headers=people["chen"]
    )
    assert said.status_code == 204
    service, finance = office(parts, OperatorRole.SERVICE), office(parts, OperatorRole.FINANCE)
    decided = client.post(
        f"/api/backoffice/disputes/{number}/decision",
        json={"outcome": "CHANGE", "why": "监控一致"},
        headers=service,
    )
    assert decided.status_code == 204
    for _ in range(2):
        booked = client.post(f"/api/backoffice/disputes/{number}/application", headers=finance)
        assert booked.status_code == 204
    story = client.get(f"/api/clerk/disputes/{number}", headers=people["lin"]).json
    assert (story["dispute"]["state"], story["dispute"]["next"]) == ("APPLIED", "已入账，申诉结束：改归他方")
    assert [(step["kind"], step["by"]) for step in story["steps"]] == [
        ("OPENED", "clerk:C-SZFT-01"),
        ("HEARING", "CLOCK"),
        ("SAID", "clerk:C-SZFT-02"),
        ("DECIDED", "HEAD_OFFICE"),
        ("APPLIED", "HEAD_OFFICE"),
    ]
    assert client.get("/api/clerk/reviews", headers=people["chen"]).json["items"] == []


def test_dsp1_both_sides_find_it_in_their_lists(
    client: FlaskClient, people: dict[str, Headers], tx: Tx
) -> None:
    number = raised(client, people, tx)
    for name in ("lin", "chen"):
        items = client.get("/api/clerk/disputes", headers=people[name] | {"Accept-Language": "en"}).json[
            "items"
        ]
        assert [(one["number"], one["role_name"]) for one in items] == [(number, "selling clerk")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"role": "HQ"}, "role"),
        ({"role": "BOSS"}, "role"),
        ({"kind": "X"}, "kind"),
        ({"said": ""}, "said"),
        ({"said": "x" * 1001}, "said"),
        ({"order": "; drop"}, "order"),
        ({"more": 1}, "more"),
    ],
)
def test_dsp1_false_input_is_refused_and_holds_nothing(
    client: FlaskClient,
    people: dict[str, Headers],
    tx: Tx,
    problem_of: Check,
    change: dict[str, Any],
    field: str,
) -> None:
    refused = client.post("/api/clerk/disputes", json=BODY | change, headers=people["lin"])
    assert problem_of(refused) == (422, "INVALID", [field])
    with tx() as session:
        assert make.count(session, "dispute") + make.count(session, "commission_hold") == 0


def test_dsp1_refusals_by_state(
    client: FlaskClient, people: dict[str, Headers], parts: Parts, tx: Tx, clock: Clock, problem_of: Check
) -> None:
    number = raised(client, people, tx)
    again = client.post("/api/clerk/disputes", json=BODY, headers=people["lin"])
    assert problem_of(again)[:2] == (409, "DISPUTED_BEFORE")
    body = {"outcome": "UPHOLD", "why": "x"}
    url = f"/api/backoffice/disputes/{number}/decision"
    service = office(parts, OperatorRole.SERVICE)
    assert problem_of(client.post(url, json=body, headers=service))[:2] == (409, "STILL_HEARING")
    finance = office(parts, OperatorRole.FINANCE)
    early = client.post(f"/api/backoffice/disputes/{number}/application", headers=finance)
    assert problem_of(early)[:2] == (409, "WRONG_STATE")
    heirs = [{"party": "clerk:C-SZFT-01", "part_bp": 5000}, {"party": "clerk:C-SZFT-02", "part_bp": 4999}]
    short = client.post(url, json={"outcome": "SPLIT", "heirs": heirs, "why": "x"}, headers=service)
    assert problem_of(short) == (422, "INVALID", ["heirs"])
    clock.now = NOON + timedelta(days=31)
    with tx() as session:
        session.execute(text("update login set expires_at = expires_at + interval '10 years'"))
    late = client.post("/api/clerk/disputes", json=BODY | {"role": "SVC_CLERK"}, headers=people["lin"])
    assert problem_of(late)[:2] == (409, "DISPUTE_TOO_LATE")


def test_dsp1_a_store_manager_disputes_for_the_store_and_cannot_decide(
    client: FlaskClient, people: dict[str, Headers], parts: Parts, problem_of: Check
) -> None:
    manager = office(parts, OperatorRole.STORE_MANAGER, store="SZ-FT")
    made = client.post("/api/backoffice/disputes", json=BODY | {"role": "FULFIL_STORE"}, headers=manager)
    assert made.status_code == 201
    number = made.json["number"]
    found = client.get("/api/backoffice/disputes", headers=manager).json["items"]
    assert [(one["number"], one["claimant"]) for one in found] == [(number, "store:SZ-FT")]
    other = office(parts, OperatorRole.STORE_MANAGER, store="SZ-NS")  # a side: its row is disputed
    assert len(client.get("/api/backoffice/disputes", headers=other).json["items"]) == 1
    body = {"outcome": "CHANGE", "why": "x"}
    refused = client.post(f"/api/backoffice/disputes/{number}/decision", json=body, headers=manager)
    assert problem_of(refused)[:2] == (403, "ROLE_NEEDED")
    owner = client.post("/api/backoffice/disputes", json=BODY, headers=office(parts, OperatorRole.OWNER))
    assert problem_of(owner)[:2] == (403, "ROLE_NEEDED")


def test_frd2_the_clerk_reads_why_and_what_comes_next_and_a_reviewer_ends_it(
    client: FlaskClient, people: dict[str, Headers], parts: Parts, tx: Tx, problem_of: Check
) -> None:
    with tx() as session:
        fans(session, 61)
        session.execute(text("set local session_replication_role = replica"))
        session.execute(text("update acquisition set acquired_at = :at"), {"at": NOON - timedelta(hours=1)})
    with tx() as session:
        assert detect(session, RiskRule.FANS, vault=VAULT, now=NOON) == 1
    told = client.get("/api/clerk/reviews", headers=people["lin"]).json["items"]
    assert [(one["kind"], one["amount_fen"], one["why"]) for one in told] == [
        ("FINDING", 0, "短时间内新增粉丝过多")
    ]
    assert "如无问题，按原定日期发放" in told[0]["next"]
    service = office(parts, OperatorRole.SERVICE)
    items = client.get("/api/backoffice/findings?state=OPEN", headers=service).json["items"]
    assert [(one["rule"], one["clerk"], one["facts"]["evidence"]) for one in items] == [
        ("FANS", "C-SZFT-01", 61)
    ]
    url = f"/api/backoffice/findings/{items[0]['number']}"
    given = client.post(f"{url}/verdict", json={"confirmed": False, "why": "开业活动"}, headers=service)
    assert given.status_code == 204
    second = client.post(f"{url}/verdict", json={"confirmed": True, "why": "x"}, headers=service)
    assert problem_of(second)[:2] == (409, "DECIDED_ALREADY")
    assert client.get(url, headers=service).json["state"] == "FALSE_ALARM"
    assert client.get("/api/clerk/reviews", headers=people["lin"]).json["items"] == []


def test_frd2_findings_are_for_reviewers_only(
    client: FlaskClient, parts: Parts, tx: Tx, problem_of: Check
) -> None:
    with tx() as session:
        make.a_shop(session)
    for role, scope in ((OperatorRole.MARKETING, {}), (OperatorRole.STORE_MANAGER, {"store": "SZ-FT"})):
        headers = office(parts, role, **scope)
        assert problem_of(client.get("/api/backoffice/findings", headers=headers))[:2] == (403, "ROLE_NEEDED")
    service = office(parts, OperatorRole.SERVICE)
    assert problem_of(client.get("/api/backoffice/findings/F0", headers=service))[:2] == (404, "NOT_FOUND")
