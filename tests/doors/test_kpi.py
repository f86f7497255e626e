"""Boards and figures over HTTP (KPI-1, KPI-3): who sees what, in which shape, and what is refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.wiring import Parts
from models.operators import OperatorRole
from tests import make
from tests.doors.conftest import NOON
from tests.doors.office import a_franchise, office
from tests.doors.phoned import bearer
from tests.rooms.test_kpi_figures import sale

Check = Callable[[Any], tuple[int, str, list[str]]]
Headers = dict[str, str]


@pytest.fixture
def lin(tx: Tx) -> Headers:
    """林晓雨 of SZ-FT, who sold 29900 today and 10000 ten days ago; a colleague of SZ-NS sold more."""
    with tx() as session:
        make.a_shop(session)
        a_franchise(session)
        session.execute(text("update clerk set monthly_target_fen = 79800 where code = 'C-SZFT-01'"))
        sale(session, "A261121TEST0001", [29900], at=NOON)
        sale(session, "A261111TEST0002", [10000], at=NOON - timedelta(days=10))
        sale(session, "A261121TEST0003", [50000], clerk="C-SZNS-01", at=NOON)
        return bearer(make.a_clerk_login(session, "C-SZFT-01"))


def test_kpi3_my_store_by_name_and_my_own_place(client: FlaskClient, lin: Headers) -> None:
    found = client.get("/api/clerk/leaderboard", headers=lin).json
    assert (found["period"], found["scope"], found["of"], found["ahead_fen"]) == ("2026-11", "store", 2, None)
    assert found["me"] == {
        "rank": 1,
        "code": "C-SZFT-01",
        "name": "林晓雨",
        "store": "SZ-FT",
        "store_name": "澜序·福田购物公园店",
        "net_fen": 39900,
        "target_fen": 79800,
        "attained_bp": 5000,
    }
    assert [(p["rank"], p["name"], p["net_fen"]) for p in found["places"]] == [
        (1, "林晓雨", 39900),
        (2, "黄丽娜", 0),
    ]


@pytest.mark.parametrize("scope", ["brand", "city", "entity"])
def test_kpi3_wider_boards_name_no_colleague_of_another_store(
    client: FlaskClient, lin: Headers, scope: str
) -> None:
    found = client.get(f"/api/clerk/leaderboard?scope={scope}", headers=lin).json
    assert (found["me"]["rank"], found["of"], found["ahead_fen"], found["places"]) == (2, 4, 10100, [])
    first = found["neighbours"][0]
    assert (first["store"], first["name"], first["code"], first["net_fen"]) == ("SZ-NS", None, None, 50000)


def test_kpi3_today_and_the_month_so_far(client: FlaskClient, lin: Headers) -> None:
    assert client.get("/api/clerk/today", headers=lin).json == {
        "day": "2026-11-21",
        "net_fen": 29900,
        "orders": 1,
        "items": 1,
        "served": 1,
        "brought": 0,
        "rank": 1,
        "month": "2026-11",
        "month_net_fen": 39900,
        "target_fen": 79800,
        "attained_bp": 5000,
        "month_rank": 1,
        "of": 2,
    }


def test_kpi3_a_manager_sees_the_own_team(
    client: FlaskClient, lin: Headers, tx: Tx, problem_of: Check
) -> None:
    with tx() as session:
        manager = bearer(make.a_clerk_login(session, "C-SZFT-03"))
    found = client.get("/api/clerk/team/kpi?period=2026-11-21", headers=manager).json
    assert (found["store"], [p["code"] for p in found["places"]]) == ("SZ-FT", ["C-SZFT-01", "C-SZFT-03"])
    assert [(f["clerk"], f["orders"], f["atv_fen"]) for f in found["figures"]] == [
        ("C-SZFT-01", 1, 29900),
        ("C-SZFT-03", 0, None),
    ]
    assert problem_of(client.get("/api/clerk/team/kpi", headers=lin))[:2] == (403, "ROLE_NEEDED")


def test_kpi3_head_office_sees_everybody_page_by_page(
    client: FlaskClient, lin: Headers, parts: Parts
) -> None:
    owner = office(parts, OperatorRole.OWNER)
    url, seen = "/api/backoffice/leaderboards/clerks?limit=3", []
    page = client.get(url, headers=owner).json
    while True:
        seen += [(p["rank"], p["code"]) for p in page["places"]]
        if page["next"] is None:
            break
        page = client.get(f"{url}&cursor={page['next']}", headers=owner).json
    assert seen == [(1, "C-SZNS-01"), (2, "C-SZFT-01"), (3, "C-SZFT-03"), (3, "C-SZNS-03")]


def test_kpi1_a_franchisee_sees_the_own_stores_only(
    client: FlaskClient, lin: Headers, parts: Parts, problem_of: Check
) -> None:
    franchisee = office(parts, OperatorRole.FRANCHISEE, entity="E-WF1")
    stores = client.get("/api/backoffice/leaderboards/stores", headers=franchisee).json
    assert [p["code"] for p in stores["places"]] == ["WF-TH"]
    for query in ("store=SZ-FT", "store=NO-ONE", "entity=E-HQ", "entity=E-NONE"):
        refused = client.get(f"/api/backoffice/leaderboards/stores?{query}", headers=franchisee)
        assert problem_of(refused)[:2] == (404, "NOT_FOUND"), query
    assert (
        client.get("/api/backoffice/leaderboards/clerks?city=深圳", headers=franchisee).json["places"] == []
    )
    assert problem_of(client.get("/api/backoffice/kpi/totals", headers=franchisee))[0] == 403


def test_kpi1_a_store_manager_sees_the_own_store_only(
    client: FlaskClient, lin: Headers, parts: Parts, problem_of: Check
) -> None:
    manager = office(parts, OperatorRole.STORE_MANAGER, store="SZ-NS")
    found = client.get("/api/backoffice/leaderboards/clerks?entity=E-HQ", headers=manager).json
    assert [p["code"] for p in found["places"]] == ["C-SZNS-01", "C-SZNS-03"]
    assert client.get("/api/backoffice/kpi/clerks/C-SZNS-01", headers=manager).json["net_fen"] == 50000
    refused = client.get("/api/backoffice/kpi/clerks/C-SZFT-01", headers=manager)
    assert problem_of(refused)[:2] == (404, "NOT_FOUND")


def test_kpi2_the_totals_by_role_are_the_net_sales(client: FlaskClient, lin: Headers, parts: Parts) -> None:
    found = client.get("/api/backoffice/kpi/totals", headers=office(parts, OperatorRole.FINANCE)).json
    assert found == {
        "period": "2026-11",
        "net_fen": 89900,
        "online_fen": 35960,
        "sell_store_fen": 0,
        "acq_store_fen": 17980,
        "fulfil_store_fen": 35960,
    }


BODY = {
    "online_bp": 0,
    "sell_bp": 10000,
    "acq_bp": 0,
    "fulfil_bp": 0,
    "effective_from": "2026-12-01T00:00:00+08:00",
    "why": "年度调整",
}


def test_kpi1_an_owner_announces_weights_once_per_moment(
    client: FlaskClient, parts: Parts, tx: Tx, problem_of: Check
) -> None:
    owner = office(parts, OperatorRole.OWNER)
    try:
        made = client.post("/api/backoffice/kpi/weights/POS", json=BODY, headers=owner)
        assert (made.status_code, made.json["sell_bp"]) == (201, 10000)
        again = client.post("/api/backoffice/kpi/weights/POS", json=BODY, headers=owner)
        assert problem_of(again) == (422, "INVALID", ["effective_from"])
        now = client.get("/api/backoffice/kpi/weights", headers=owner).json["weights"]
        assert [w["scenario"] for w in now] == ["ONLINE_DC", "ONLINE_STORE", "SHELF_DC", "SHELF_STORE", "POS"]
    finally:
        with tx() as session:  # this table came with rows, so the cleaner leaves it alone
            session.execute(text("set local session_replication_role = replica"))
            session.execute(text("delete from kpi_weight where created_by <> 'default'"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sell_bp": 9999}, "weights"),
        ({"sell_bp": 10001}, "sell_bp"),
        ({"sell_bp": -1}, "sell_bp"),
        ({"effective_from": "2026-11-21T12:00:00+08:00"}, "effective_from"),
        ({"effective_from": "2026-12-01T00:00:00"}, "effective_from"),
        ({"scenario": "POS"}, "scenario"),
        ({"why": " "}, "why"),
        ({"more": 1}, "more"),
    ],
)
def test_kpi1_false_weights_are_refused(
    client: FlaskClient, parts: Parts, tx: Tx, problem_of: Check, change: dict[str, Any], field: str
) -> None:
    refused = client.post(
        "/api/backoffice/kpi/weights/POS", json=BODY | change, headers=office(parts, OperatorRole.OWNER)
    )
    assert problem_of(refused) == (422, "INVALID", [field])
    with tx() as session:
        assert make.count(session, "kpi_weight") == 5


@pytest.mark.parametrize(
    "path", ["clerk/leaderboard", "backoffice/leaderboards/clerks", "backoffice/kpi/totals"]
)
@pytest.mark.parametrize("query", ["period=2026-13", "period=x", "period=", "other=1", "scope=world"])
def test_another_form_of_question_is_refused(
    client: FlaskClient, lin: Headers, parts: Parts, problem_of: Check, path: str, query: str
) -> None:
    headers = lin if path.startswith("clerk") else office(parts, OperatorRole.OWNER)
    assert problem_of(client.get(f"/api/{path}?{query}", headers=headers))[:2] == (422, "INVALID")
