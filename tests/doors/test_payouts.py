"""The doors of payouts: finance's transfers and lists, and the clerk's own (SET-3)."""

import csv
import io
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from models.operators import OperatorRole
from tests.doors.cast import Cast, a_cast
from tests.doors.conftest import Clock
from tests.doors.office import office
from tests.rooms.paid import LIN, local
from tests.rooms.settled import approved, certain

TRANSFER = text(
    """
    insert into payout_transfer (out_bill_no, batch, party, position, amount_fen, mchid, appid, openid, state, package,
        asked_at, next_at, checks)
    values (:no, 'S2026-04-1', :party, :position, 4200, '1900000001', 'wx-mp', 'openid-of-nobody', :state, :package,
        :at, :at, 1)
    """
)


@pytest.fixture
def batch(tx: Tx, clock: Clock) -> str:
    """A settlement of April 2026 that is being paid."""
    certain(tx, "A260302TEST0001", 29900, 12900)
    clock.now = local("2026-04-11")
    return approved(tx)


def transfer(tx: Tx, no: str, party: str, at: datetime, *, state: str = "WAITING", position: int = 0) -> None:
    package = "PACKAGE-OF-NOBODY" if state == "WAITING" else None
    facts = {"no": no, "party": party, "position": position, "state": state, "package": package, "at": at}
    with tx() as session:
        session.execute(TRANSFER, facts)


def test_set3_finance_lists_wages_and_another_person_confirms(
    client: FlaskClient, tx: Tx, batch: str, problem_of: Any
) -> None:
    anne, bert = office(tx, OperatorRole.FINANCE), office(tx, OperatorRole.FINANCE)
    body = {"batch": batch, "kind": "WAGES", "entity": "E-HQ"}
    made = client.post("/api/backoffice/payout-lists", json=body, headers=anne)
    again = client.post("/api/backoffice/payout-lists", json=body, headers=bert)
    assert (made.status_code, again.status_code) == (201, 201)
    assert again.json == made.json
    number = made.json["number"]
    assert (made.json["state"], made.json["rows"], made.json["booked"]) == ("OPEN", 2, 0)
    confirm = f"/api/backoffice/payout-lists/{number}/confirm"
    own = client.post(confirm, json={"reference": "PAY-1"}, headers=anne)
    assert problem_of(own) == (403, "SAME_PERSON", [])
    done = client.post(confirm, json={"reference": "PAY-1"}, headers=bert)
    assert (done.status_code, done.json["state"], done.json["reference"]) == (200, "PAID", "PAY-1")
    other = client.post(confirm, json={"reference": "PAY-2"}, headers=bert)
    assert problem_of(other) == (409, "CONFIRMED", [])
    shown = client.get(f"/api/backoffice/payout-lists?batch={batch}", headers=anne).json["items"]
    assert [one["number"] for one in shown] == [number]


def test_a_cell_of_the_downloaded_list_is_never_a_formula(client: FlaskClient, tx: Tx, batch: str) -> None:
    with tx() as session:
        session.execute(text("update clerk set name = '=HYPERLINK(\"http://x\")' where code = 'C-SZFT-01'"))
    finance = office(tx, OperatorRole.FINANCE)
    body = {"batch": batch, "kind": "WAGES", "entity": "E-HQ"}
    number = client.post("/api/backoffice/payout-lists", json=body, headers=finance).json["number"]
    answer = client.get(f"/api/backoffice/payout-lists/{number}.csv", headers=finance)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["序号", "工号或单位", "姓名", "门店", "门店名称", "应发金额(元)"]
    lin = next(row for row in rows if row[1] == "C-SZFT-01")
    assert lin[2] == '\'=HYPERLINK("http://x")'
    assert lin[5] == "10.70"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"kind": "WAGES", "entity": "E-HQ"}, ["batch"]),
        ({"batch": "S2026-04-1", "kind": "CASH", "entity": "E-HQ"}, ["kind"]),
        ({"batch": "S2026-04-1", "kind": "WAGES", "entity": "E-HQ", "total_fen": 1}, ["total_fen"]),
    ],
)
def test_a_list_that_is_asked_for_wrongly_names_the_field(
    client: FlaskClient, tx: Tx, problem_of: Any, body: dict[str, Any], fields: list[str]
) -> None:
    finance = office(tx, OperatorRole.FINANCE)
    answer = client.post("/api/backoffice/payout-lists", json=body, headers=finance)
    assert problem_of(answer)[::2] == (422, fields)
    with tx() as session:
        assert session.execute(text("select count(*) from payout_papers")).scalar_one() == 0


def test_nothing_due_is_a_clear_answer(client: FlaskClient, tx: Tx, problem_of: Any) -> None:
    finance = office(tx, OperatorRole.FINANCE)
    body = {"batch": "S2026-04-1", "kind": "WAGES", "entity": "E-HQ"}
    answer = client.post("/api/backoffice/payout-lists", json=body, headers=finance)
    assert problem_of(answer) == (409, "NOTHING_DUE", [])


def test_set3_transfers_are_paged_and_told_without_openids(client: FlaskClient, tx: Tx, clock: Clock) -> None:
    for position in range(3):
        transfer(tx, f"T{position}", LIN, clock.now, position=position)
    finance = office(tx, OperatorRole.FINANCE)
    first = client.get("/api/backoffice/payouts?batch=S2026-04-1&limit=2", headers=finance)
    assert [one["number"] for one in first.json["items"]] == ["T0", "T1"]
    rest = client.get(
        f"/api/backoffice/payouts?batch=S2026-04-1&limit=2&cursor={first.json['next']}", headers=finance
    )
    assert ([one["number"] for one in rest.json["items"]], rest.json["next"]) == (["T2"], None)
    assert b"openid" not in first.data
    assert b"PACKAGE" not in first.data
    none = client.get("/api/backoffice/payouts?batch=S2026-04-1&state=RETURNED", headers=finance)
    assert none.json["items"] == []


def test_set3_a_clerk_sees_the_own_transfers_and_what_to_confirm_with(
    client: FlaskClient, tx: Tx, clock: Clock
) -> None:
    cast: Cast = a_cast(tx, clock.now)
    with tx() as session:
        own = session.execute(
            text(
                "select c.code from clerk c join login l on l.clerk_id = c.id where c.role = 'CLERK' limit 1"
            )
        ).scalar_one()
    transfer(tx, "T0", f"clerk:{own}", clock.now)
    transfer(tx, "T1", "clerk:C-SOMEBODY", clock.now)
    chinese = client.get("/api/clerk/payouts", headers=cast.headers("clerk"))
    (mine,) = chinese.json["items"]
    assert (mine["number"], mine["amount_fen"], mine["state_name"]) == ("T0", 4200, "待您确认收款")
    assert mine["confirm"] == {"mch_id": "1900000001", "app_id": "wx-mp", "package": "PACKAGE-OF-NOBODY"}
    english = client.get("/api/clerk/payouts", headers={**cast.headers("clerk"), "Accept-Language": "en"})
    assert english.json["items"][0]["state_name"] == "waits for your confirmation"
