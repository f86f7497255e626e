"""Settlement over HTTP: two people decide, everybody reads the own statement and nobody else's, files open."""

import io
import uuid
import zipfile
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.settlement import working
from app.wiring import Parts
from models.operators import OperatorRole
from tests import make
from tests.doors.conftest import Clock
from tests.doors.office import office
from tests.doors.phoned import bearer
from tests.rooms.paid import CHEN, LIN, local
from tests.rooms.settled import certain

pytestmark = pytest.mark.usefixtures("right_books")

BASE = "/api/backoffice"
WHY = {"why": "四月结算"}


def at(clock: Clock, day: str) -> None:
    clock.now = local(day)


def post(client: FlaskClient, path: str, headers: dict[str, str], body: Any = None, key: str = "") -> Any:
    given = {"Idempotency-Key": key or str(uuid.uuid4())}
    return client.post(f"{BASE}{path}", headers=headers | given, json=WHY if body is None else body)


@pytest.fixture
def people(parts: Parts, clock: Clock) -> dict[str, dict[str, str]]:
    """Two people of finance, a store manager, and a clerk, on the 10th of April 2026."""
    at(clock, "2026-04-10")
    with parts.tx() as session:
        make.a_shop(session)
    finance = {name: office(parts, OperatorRole.FINANCE, code=f"O-{name}") for name in ("MAKER", "DECIDER")}
    with parts.tx() as session:
        clerks = {code: bearer(make.a_clerk_login(session, code)) for code in ("C-SZFT-01", "C-SZFT-03")}
    boss = office(parts, OperatorRole.STORE_MANAGER, store="SZ-FT")
    return {**finance, "boss": boss, "lin": clerks["C-SZFT-01"], "manager": clerks["C-SZFT-03"]}


def work(tx: Tx, number: str, now: datetime) -> None:
    working.drive(tx, number=number, now=now)


def settled(client: FlaskClient, tx: Tx, people: dict[str, dict[str, str]], clock: Clock) -> str:
    """One order's month, made and approved by two."""
    with tx() as session:
        session.execute(text("update clerk set monthly_target_fen = 20000 where code = 'C-SZFT-01'"))
    certain(tx, "A260302TEST0001")
    number = str(post(client, "/settlements", people["MAKER"], WHY | {"month": "2026-04"}).json["number"])
    work(tx, number, clock.now)
    assert post(client, f"/settlements/{number}/submit", people["MAKER"]).status_code == 200
    assert post(client, f"/settlements/{number}/approve", people["DECIDER"]).status_code == 200
    work(tx, number, clock.now)
    return number


def test_set1_two_people_settle_a_month(
    client: FlaskClient, tx: Tx, people: dict[str, dict[str, str]], clock: Clock
) -> None:
    certain(tx, "A260302TEST0001")
    key = str(uuid.uuid4())
    body = WHY | {"month": "2026-04"}
    made = [post(client, "/settlements", people["MAKER"], body, key) for _ in range(2)]
    assert [(one.status_code, one.json) for one in made] == [(201, {"number": "S2026-04-1"})] * 2
    refused = post(client, "/settlements/S2026-04-1/submit", people["MAKER"])
    assert (refused.status_code, refused.json["code"], refused.json["title"]) == (
        409,
        "BATCH_BUSY",
        "批次正在处理，请稍候",
    )
    found = client.get(f"{BASE}/settlements/S2026-04-1", headers=people["MAKER"]).json
    assert (found["state"], found["working"], found["rows_expected"]) == ("DRAFT", True, 5)
    work(tx, "S2026-04-1", clock.now)
    assert post(client, "/settlements/S2026-04-1/submit", people["MAKER"]).status_code == 200
    same = post(client, "/settlements/S2026-04-1/approve", people["MAKER"])
    assert (same.status_code, same.json["code"]) == (403, "SAME_PERSON")
    assert post(client, "/settlements/S2026-04-1/approve", people["DECIDER"]).status_code == 200
    again = post(client, "/settlements/S2026-04-1/approve", people["DECIDER"])
    assert (again.status_code, again.json["code"]) == (409, "WRONG_STATE")
    work(tx, "S2026-04-1", clock.now)
    listed = client.get(f"{BASE}/settlements", headers=people["DECIDER"]).json
    assert [(one["number"], one["state"], one["payable_fen"]) for one in listed["items"]] == [
        ("S2026-04-1", "PAYING", 1495)
    ]
    parties = client.get(f"{BASE}/settlements/S2026-04-1/parties?limit=3", headers=people["MAKER"]).json
    more = client.get(
        f"{BASE}/settlements/S2026-04-1/parties?limit=3&cursor={parties['next']}", headers=people["MAKER"]
    ).json
    assert [one["party"] for one in parties["items"] + more["items"]] == [
        LIN,
        CHEN,
        "store:SZ-FT",
        "store:SZ-NS",
    ]


def test_set1_parties_leave_and_return_and_a_batch_is_rejected(
    client: FlaskClient, tx: Tx, people: dict[str, dict[str, str]], clock: Clock
) -> None:
    certain(tx, "A260302TEST0001")
    maker = people["MAKER"]
    number = post(client, "/settlements", maker, WHY | {"month": "2026-04"}).json["number"]
    work(tx, number, clock.now)
    place = f"/settlements/{number}"
    for word, payable_fen in (("remove", 747), ("add", 1495)):
        assert post(client, f"{place}/parties/{LIN}/{word}", maker).status_code == 200
        work(tx, number, clock.now)
        found = client.get(f"{BASE}{place}", headers=maker).json
        assert found["payable_fen"] == payable_fen
    assert post(client, f"{place}/parties/clerk:NOBODY/remove", maker).status_code == 404
    assert post(client, f"{place}/refresh", maker).json == {"parties": []}
    assert post(client, f"{place}/reject", people["DECIDER"]).status_code == 200
    work(tx, number, clock.now)
    assert client.get(f"{BASE}{place}", headers=maker).json["state"] == "REJECTED"
    assert post(client, f"{place}/close", maker).json["code"] == "WRONG_STATE"
    for path in ("/settlements/S2020-01-1/submit", "/settlements/S2020-01-1/close"):
        assert post(client, path, maker).status_code == 404
    assert client.get(f"{BASE}/settlements/NONE/parties", headers=maker).status_code == 404


def test_set5_a_clerk_reads_the_month_when_it_is_published(
    client: FlaskClient, tx: Tx, people: dict[str, dict[str, str]], clock: Clock
) -> None:
    lin = people["lin"]
    assert client.get("/api/clerk/settlements/2026-04", headers=lin).status_code == 404
    number = settled(client, tx, people, clock)
    found = client.get("/api/clerk/settlements/2026-04", headers=lin).json
    tiers = found.pop("tiers")
    assert found == {
        "settlement": number,
        "month": "2026-04",
        "party": LIN,
        "name": "林晓雨",
        "entity": "E-HQ",
        "entity_name": "深圳澜序商贸有限公司",
        "store": "SZ-FT",
        "state": "DUE",
        "state_name": "待支付",
        "channel": "PAYROLL",
        "channel_name": "随工资发放",
        "rows": 2,
        "gross_fen": 748,
        "adjusted_fen": 0,
        "tier_fen": -60,
        "carried_in_fen": 0,
        "payable_fen": 688,
        "carried_out_fen": 0,
        "debt_left_fen": 0,
        "paid_fen": 0,
        "returned_fen": 0,
        "tax_preview_fen": 0,
        "published_at": "2026-04-10T00:00:00+08:00",
        "why": None,
        "agrees": True,
    }
    assert [tier["reason"] for tier in tiers] == ["2026-03完成目标的0%，成交与服务分成¥2.99减20%"]
    english = client.get("/api/clerk/settlements/2026-04", headers=lin | {"Accept-Language": "en"}).json
    assert english["state_name"] == "to be paid"
    assert english["tiers"][0]["reason"] == "2026-03: 0% of the target, 20% less on ¥2.99"
    month = client.get("/api/clerk/statements/2026-04", headers=lin).json
    assert month["agrees"]


def test_set5_every_row_of_the_month_has_its_reason(
    client: FlaskClient, tx: Tx, people: dict[str, dict[str, str]], clock: Clock
) -> None:
    lin = people["lin"]
    settled(client, tx, people, clock)
    page = client.get("/api/clerk/settlements/2026-04/rows?limit=1", headers=lin).json
    rest = client.get(f"/api/clerk/settlements/2026-04/rows?cursor={page['next']}", headers=lin).json
    row = page["items"][0]
    assert (rest["next"], rest["items"][0]["role"]) == (None, "SVC_CLERK")
    assert row == {
        "order": "A260302TEST0001",
        "goods": "真丝衬衫",
        "sku": "AP-1002-M",
        "qty": 1,
        "role": "ACQ_CLERK",
        "role_name": "拉新导购",
        "kind": "SHARE",
        "kind_name": "分成",
        "earned_at": "2026-03-02T12:00:00+08:00",
        "base_fen": 29900,
        "pool_bp": 500,
        "amount_fen": 449,
        "evidence": "扫码 2026-03-01 福田购物公园店",
        "policy": "DEFAULT",
        "policy_version": 1,
        "bearer": "E-HQ",
        "reason": "您于2026-03-01扫码带来的顾客（福田购物公园店）在本单消费，拉新分成30%："
        "基数¥299.00×5%×30% = ¥4.49",
    }


def test_set5_the_files_open(
    client: FlaskClient, tx: Tx, people: dict[str, dict[str, str]], clock: Clock
) -> None:
    settled(client, tx, people, clock)
    pdf = client.get("/api/clerk/statements/2026-04.pdf", headers=people["lin"])
    assert (pdf.status_code, pdf.content_type) == (200, "application/pdf")
    assert pdf.data.startswith(b"%PDF-")
    assert 'filename="S2026-04-1-C-SZFT-01.pdf"' in pdf.headers["Content-Disposition"]
    with closing(client.get("/api/clerk/statements/2026-04.xlsx", headers=people["lin"])) as xlsx:
        assert xlsx.status_code == 200
        content = xlsx.data
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        assert book.testzip() is None
        assert "xl/worksheets/sheet2.xml" in book.namelist()
    place = f"{BASE}/statements/2026-04/store:SZ-FT"
    for form in ("pdf", "xlsx"):
        own = f"/api/clerk/store/statements/2026-04.{form}"
        for path, who in ((f"{place}/{form}", "boss"), (own, "manager")):
            with closing(client.get(path, headers=people[who])) as answer:
                assert (answer.status_code, len(answer.data) > 1000) == (200, True)
        assert client.get(f"/api/clerk/statements/2026-05.{form}", headers=people["lin"]).status_code == 404
        assert client.get(f"/api/clerk/statements/May.{form}", headers=people["lin"]).status_code == 422


def test_set5_who_sees_whose_statement(
    client: FlaskClient, tx: Tx, parts: Parts, people: dict[str, dict[str, str]], clock: Clock
) -> None:
    settled(client, tx, people, clock)

    def sees(headers: dict[str, str]) -> list[str]:
        found = client.get(f"{BASE}/statements/2026-04", headers=headers).json
        return [one["party"] for one in found["items"]]

    assert sees(people["MAKER"]) == [LIN, CHEN, "store:SZ-FT", "store:SZ-NS"]
    assert sees(people["boss"]) == ["store:SZ-FT"]
    store = client.get("/api/clerk/store/settlements/2026-04", headers=people["manager"]).json
    assert (store["party"], store["payable_fen"]) == ("store:SZ-FT", 224)
    rows = client.get("/api/clerk/store/settlements/2026-04/rows", headers=people["manager"]).json
    assert [row["role"] for row in rows["items"]] == ["ACQ_STORE"]
    for party in (LIN, "store:SZ-NS", "entity:E-HQ"):
        answer = client.get(f"{BASE}/statements/2026-04/{party}", headers=people["boss"])
        assert answer.status_code == 404, party
    assert client.get(f"{BASE}/statements/2026-04/{LIN}", headers=people["MAKER"]).json["agrees"] is True
    assert client.get(f"{BASE}/statements/2026-04/nobody", headers=people["MAKER"]).status_code == 422


def test_set2_a_manager_sets_the_own_teams_targets_until_the_month_is_over(
    client: FlaskClient, people: dict[str, dict[str, str]], clock: Clock
) -> None:
    body = {"targets": [{"clerk": "C-SZFT-01", "target_fen": 8_000_000}], "why": "春装"}
    place = "/api/clerk/targets/2026-04"
    for changed in (1, 0):
        answer = client.post(place, headers=people["manager"], json=body)
        assert (answer.status_code, answer.json) == (200, {"changed": changed})
    found = client.get(place, headers=people["manager"]).json["items"]
    shown = [(one["clerk"], one["target_fen"], one["set_by"], one["attained_bp"]) for one in found]
    assert sorted(shown) == [
        ("C-SZFT-01", 8_000_000, "clerk:C-SZFT-03", 0),
        ("C-SZFT-03", None, None, None),
    ]
    over = client.post("/api/clerk/targets/2026-03", headers=people["manager"], json=body)
    assert (over.status_code, over.json["code"]) == (409, "MONTH_OVER")
    office_place = f"{BASE}/targets/2026-03"
    assert client.post(office_place, headers=people["boss"], json=body).json["code"] == "MONTH_OVER"
    assert client.post(office_place, headers=people["MAKER"], json=body).json == {"changed": 1}
    twice = {"targets": body["targets"] * 2, "why": "x"}
    assert client.post(office_place, headers=people["MAKER"], json=twice).status_code == 422


def test_set2_tiers_and_employment_are_changed_with_a_reason(
    client: FlaskClient, tx: Tx, people: dict[str, dict[str, str]]
) -> None:
    steps = [{"from_bp": 0, "multiplier_bp": 9000}, {"from_bp": 10000, "multiplier_bp": 12000}]
    body = {"from_month": "2026-07", "steps": steps, "why": "下半年"}
    made = client.post(f"{BASE}/tiers", headers=people["MAKER"], json=body)
    assert (made.status_code, made.json) == (201, {"version": 1})
    place = f"{BASE}/tiers/1/approve"
    assert client.post(place, headers=people["MAKER"], json=WHY).json["code"] == "SAME_PERSON"
    assert client.post(place, headers=people["DECIDER"], json=WHY).status_code == 200
    listed = client.get(f"{BASE}/tiers", headers=people["MAKER"]).json["items"]
    assert [(one["version"], one["approved_by"]) for one in listed] == [
        (1, "operator:O-DECIDER"),
        (0, "rule:SET-2"),
    ]
    wrong = client.post(f"{BASE}/tiers", headers=people["MAKER"], json=body | {"steps": steps[1:]})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "steps")
    change = {"employment": "EXTERNAL", "why": "合同变更"}
    for code, status in (("C-SZFT-01", 200), ("C-NOBODY", 404)):
        answer = client.post(f"{BASE}/clerks/{code}/employment", headers=people["MAKER"], json=change)
        assert answer.status_code == status
    with tx() as session:
        assert make.count(session, "clerk", "employment = 'EXTERNAL'") == 1
        assert make.count(session, "audit_entry", "action = 'clerk.employment'") == 1
