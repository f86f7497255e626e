"""An explained order over HTTP: each within the own scope, in both languages, nothing of anybody else."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.commission.accrual import accrue
from models.operators import OperatorRole
from tests import make
from tests.doors.office import office
from tests.rooms.paid import IN_WEIFANG, PAID_AT, Sold, sell, snapshot, weifang

OWNER, FRANCHISEE, MANAGER = OperatorRole.OWNER, OperatorRole.FRANCHISEE, OperatorRole.STORE_MANAGER


@pytest.fixture
def sold(tx: Tx) -> Sold:
    """E-WF1 sold; a clerk of head office's store had brought the customer."""
    with tx() as session:
        weifang(session)
        session.execute(
            text("insert into legal_entity (code, name, kind) values ('E-GZ2', 'x', 'FRANCHISEE')")
        )
        made = sell(session, entity="E-WF1", credit=snapshot(IN_WEIFANG, platform_fee_bp=500))
        accrue(session, made.lines, paid_at=PAID_AT, now=PAID_AT)
    return made


def ask(client: FlaskClient, path: str, headers: dict[str, str], language: str = "zh") -> Any:
    """(status, JSON) of a GET."""
    answer = client.get(path, headers=headers | {"Accept-Language": language})
    return answer.status_code, answer.json


def credit(client: FlaskClient, sold: Sold, headers: dict[str, str], language: str = "zh") -> Any:
    return ask(client, f"/api/backoffice/orders/{sold.number}/credit", headers, language)


def parties(body: Any) -> list[tuple[str | None, int]]:
    return [(share["party"], share["amount_fen"]) for share in body["lines"][0]["shares"]]


def test_set5_head_office_sees_every_fen(client: FlaskClient, tx: Tx, sold: Sold) -> None:
    status, body = credit(client, sold, office(tx, OWNER))
    assert (status, body["proved"], body["selling_entity"]) == (200, True, "E-WF1")
    assert [fen for _, fen in parties(body)] == [449, 224, 299, 299, 224]
    line = body["lines"][0]
    assert (line["base_fen"], line["pool_fen"], line["platform_fee_fen"]) == (29900, 1495, 1495)
    assert line["shares"][0]["reason"].startswith("该导购于2026-03-01扫码带来的顾客")
    assert len(line["story"]) == 5
    english = credit(client, sold, office(tx, OWNER), "en")[1]["lines"][0]
    assert english["shares"][0]["reason"].startswith("A customer the clerk brought on 2026-03-01")


def test_spl10_a_franchisee_sees_its_sale_and_the_others_as_another_party(
    client: FlaskClient, tx: Tx, sold: Sold
) -> None:
    status, body = credit(client, sold, office(tx, FRANCHISEE, entity="E-WF1"))
    assert status == 200
    assert parties(body) == [("clerk:C-WFYQ-01", 299), ("store:WF-YQ", 224), (None, 449 + 224 + 299)]
    assert (
        body["lines"][0]["shares"][2]["role_name"] == body["lines"][0]["shares"][2]["reason"] == "其他参与方"
    )
    assert body["lines"][0]["platform_fee_fen"] == 1495
    assert "C-SZFT" not in str(body)
    assert "SZ-FT" not in str(body["lines"])


def test_spl10_a_franchisee_without_a_part_in_it_does_not_find_the_order(
    client: FlaskClient, tx: Tx, sold: Sold
) -> None:
    mine = credit(client, sold, office(tx, FRANCHISEE, entity="E-GZ2"))
    path = "/api/backoffice/orders/A260302TEST0009/credit"
    nobodys = ask(client, path, office(tx, FRANCHISEE, entity="E-GZ2"))
    assert mine[0] == nobodys[0] == 404
    same = {"code", "title", "detail"}
    assert {k: mine[1].get(k) for k in same} == {k: nobodys[1].get(k) for k in same}


def test_a_store_manager_sees_the_own_store(client: FlaskClient, tx: Tx, sold: Sold) -> None:
    status, body = credit(client, sold, office(tx, MANAGER, store="SZ-FT"))
    assert status == 200
    assert [party for party, _ in parties(body)] == [
        "clerk:C-SZFT-01",
        "store:SZ-FT",
        "clerk:C-SZFT-01",
        None,
    ]
    assert "WFYQ" not in str(body["lines"])


def test_set5_a_clerk_sees_her_own_shares_and_why(client: FlaskClient, tx: Tx, sold: Sold) -> None:
    with tx() as session:
        tokens = {code: make.a_clerk_login(session, code) for code in ("C-SZFT-01", "C-SZNS-01")}
    path = f"/api/clerk/orders/{sold.number}/credit"
    status, body = ask(client, path, {"Authorization": f"Bearer {tokens['C-SZFT-01']}"})
    assert status == 200
    assert parties(body) == [("clerk:C-SZFT-01", 449), ("clerk:C-SZFT-01", 299)]
    assert body["lines"][0]["shares"][0]["reason"].startswith("您于2026-03-01扫码带来的顾客")
    assert "C-WFYQ" not in str(body)
    assert ask(client, path, {"Authorization": f"Bearer {tokens['C-SZNS-01']}"})[0] == 404


@pytest.mark.parametrize("number", ["x", "A" * 200, "A260302TEST0001%00"])
def test_a_number_that_is_none_is_refused(client: FlaskClient, tx: Tx, sold: Sold, number: str) -> None:
    assert ask(client, f"/api/backoffice/orders/{number}/credit", office(tx, OWNER))[0] in (404, 422)
