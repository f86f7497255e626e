"""The tills' doors: what they do, and everybody whom they keep out."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.base.scope import Scope
from app.members.phones import hash_phone
from app.tills import keys, rules
from app.wiring import Parts
from models.operators import OperatorRole
from tests import make, people
from tests.doors.conftest import Clock
from tests.doors.office import office
from tests.doors.till_client import TillClient, signed_headers
from tests.rooms.tills import two_companies

pytestmark = pytest.mark.usefixtures("right_books")
Check = Callable[[Any], tuple[int, str, list[str]]]
SOLD = "2026-11-21T11:58:00+08:00"
SALE = {
    "receipt": "R-1",
    "sold_at": SOLD,
    "member": {"number": "M-1"},
    "clerk": "C-WFYQ-01",
    "lines": [{"sku": "AP-1002-M", "qty": 1, "paid_fen": 29900}],
}
TOUCH = {"id": "T-1", "kind": "BOOKING", "member": {"number": "M-1"}, "occurred_at": SOLD}


@pytest.fixture
def shop(tx: Tx, parts: Parts) -> None:
    with tx() as session:
        two_companies(session)
        buyer = make.a_buyer(session)
        session.execute(
            text("update member set phone_hash = :hash, phone_sealed = :sealed where id = :id"),
            {
                "id": buyer.member_id,
                "hash": hash_phone(parts.vault, "13800000001"),
                "sealed": parts.vault.seal("phone", "13800000001"),
            },
        )


@pytest.fixture
def till(shop: None, tx: Tx, parts: Parts, client: FlaskClient, clock: Clock) -> TillClient:
    """A till of WF-YQ."""
    return a_till(tx, parts, client, clock, "WF-YQ")


def a_till(tx: Tx, parts: Parts, client: FlaskClient, clock: Clock, store: str) -> TillClient:
    with tx() as session:
        key = keys.make(
            session, parts.vault, store=store, label="till", scope=Scope(), by="test", now=clock.now
        )
    return TillClient(client, key.code, key.secret, clock)


def written(tx: Tx) -> list[int]:
    with tx() as session:
        return [make.count(session, name) for name in ("orders", "payment", "refund", "touch", "pos_receipt")]


def test_a_day_at_the_till(till: TillClient, tx: Tx) -> None:
    sold = till.post("/api/pos/sales", SALE)
    assert (sold.status_code, sold.json["amount_fen"], sold.json["again"]) == (200, 29900, False)
    again = till.post("/api/pos/sales", SALE)
    assert (again.json["order"], again.json["again"]) == (sold.json["order"], True)
    back = {
        "receipt": "B-1",
        "of_receipt": "R-1",
        "returned_at": SOLD,
        "reason": "尺码不合适",
        "lines": [{"line_no": 1, "qty": 1, "refund_fen": 29900}],
    }
    first = till.post("/api/pos/returns", back)
    assert (first.status_code, first.json["amount_fen"]) == (200, 29900)
    assert till.post("/api/pos/returns", back).json["refund"] == first.json["refund"]
    assert written(tx) == [1, 1, 1, 1, 2]


def test_a_member_is_looked_up_masked(till: TillClient, problem_of: Check) -> None:
    by_phone, by_code = till.get("/api/pos/members?phone=13800000001"), till.get("/api/pos/members?code=M-1")
    assert by_phone.json == by_code.json
    assert by_phone.json == {
        "number": "M-1",
        "phone_tail": "0001",
        "customer_since": None,
        "served_here": False,
    }
    assert problem_of(till.get("/api/pos/members?phone=13800000002"))[:2] == (404, "MEMBER_UNKNOWN")
    for query in ("", "?phone=1380000000", "?phone=13800000001&code=M-1", "?name=x"):
        assert problem_of(till.get(f"/api/pos/members{query}"))[:2] == (422, "INVALID")


def test_the_exact_bytes_of_the_document() -> None:
    """docs/pos.md shows these bytes; whoever changes the recipe changes it for every till."""
    body = (
        b'{"id":"T-1","kind":"ARRIVE","member":{"number":"M-0001"},"occurred_at":"2026-07-09T15:20:00+08:00"}'
    )
    headers = signed_headers(
        "PK260709ABCDEFGH",
        "Zm9yLXRoZS1leGFtcGxlLW9ubHktbmV2ZXItdXNlLWl0",
        "POST",
        "/api/pos/touches",
        body,
        timestamp=1783581605,
        nonce="8Jt2mVqYb4xK0wZr",
    )
    message = rules.to_sign(
        method="POST",
        target="/api/pos/touches",
        timestamp="1783581605",
        nonce="8Jt2mVqYb4xK0wZr",
        body=body,
    )
    digest = hashlib.sha256(body).hexdigest()
    assert message.decode().split("\n") == [
        "LIANKE-POS-1",
        "POST",
        "/api/pos/touches",
        "1783581605",
        "8Jt2mVqYb4xK0wZr",
        digest,
        "",
    ]
    assert headers["Pos-Signature"] == rules.sign("Zm9yLXRoZS1leGFtcGxlLW9ubHktbmV2ZXItdXNlLWl0", message)
    page = (Path(__file__).parents[2] / "docs" / "pos.md").read_text("utf-8")
    for shown in (body.decode(), message.decode(), *(f"{name}: {value}" for name, value in headers.items())):
        assert shown in page


def test_a_request_counts_once(till: TillClient, tx: Tx, problem_of: Check) -> None:
    body = json.dumps(TOUCH).encode()
    headers = till.headers("POST", "/api/pos/touches", body)
    assert till.send("POST", "/api/pos/touches", body, headers).status_code == 200
    for _ in range(3):
        replay = till.send("POST", "/api/pos/touches", body, headers)
        assert problem_of(replay)[:2] == (401, "REPLAYED")
    assert written(tx)[3] == 1


def test_a_nonce_is_spent_even_when_the_request_was_refused(till: TillClient, problem_of: Check) -> None:
    body = json.dumps(TOUCH | {"member": {"number": "M-404"}}).encode()
    headers = till.headers("POST", "/api/pos/touches", body)
    assert problem_of(till.send("POST", "/api/pos/touches", body, headers))[0] == 404
    assert problem_of(till.send("POST", "/api/pos/touches", body, headers))[1] == "REPLAYED"


@pytest.mark.parametrize(
    ("off_s", "told"), [(-301, "CLOCK_SKEW"), (301, "CLOCK_SKEW"), (-300, None), (300, None)]
)
def test_five_minutes_of_clock(till: TillClient, problem_of: Check, off_s: int, told: str | None) -> None:
    stamp = int(till.clock().timestamp()) + off_s
    target = "/api/pos/members?code=M-1"
    answer = till.send("GET", target, b"", till.headers("GET", target, timestamp=stamp))
    if told is None:
        assert answer.status_code == 200
    else:
        assert problem_of(answer)[:2] == (401, told)


def test_nothing_that_was_signed_can_be_changed(till: TillClient, tx: Tx, problem_of: Check) -> None:
    body = json.dumps(SALE).encode()
    right = till.headers("POST", "/api/pos/sales", body)
    cheaper = body.replace(b"29900", b"29901")
    attempts = [
        ("POST", "/api/pos/sales", cheaper, right),
        ("POST", "/api/pos/returns", body, right),
        ("POST", "/api/pos/sales?x=1", body, right),
        ("POST", "/api/pos/sales", body, right | {"Pos-Nonce": "another-nonce-0123"}),
        ("POST", "/api/pos/sales", body, right | {"Pos-Timestamp": str(int(right["Pos-Timestamp"]) + 1)}),
        ("POST", "/api/pos/sales", body, right | {"Pos-Signature": "0" * 64}),
        ("POST", "/api/pos/sales", body, right | {"Pos-Key": "PK260709ABCDEFGH"}),
        ("POST", "/api/pos/sales", body + b" ", right),
    ]
    for method, target, sent, headers in attempts:
        assert problem_of(till.send(method, target, sent, headers))[:2] == (401, "SIGNATURE_WRONG")
    assert written(tx) == [0, 0, 0, 0, 0]
    with tx() as session:
        assert make.count(session, "pos_nonce") == 0
    assert till.send("POST", "/api/pos/sales", body, right).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"Pos-Signature": ""},
        {"Pos-Signature": "G" * 64},
        {"Pos-Signature": "a" * 63},
        {"Pos-Nonce": "short"},
        {"Pos-Nonce": "x" * 65},
        {"Pos-Nonce": "sixteen chars oh"},
        {"Pos-Timestamp": "1e9"},
        {"Pos-Timestamp": "-178358160"},
        {"Pos-Timestamp": "１７８３５８１６０５"},
        {"Pos-Timestamp": ""},
    ],
)
def test_malformed_signatures_are_refused(
    till: TillClient, problem_of: Check, change: dict[str, str]
) -> None:
    target = "/api/pos/members?code=M-1"
    sent = {
        name: value.encode().decode("latin-1")
        for name, value in (till.headers("GET", target) | change).items()
    }
    assert problem_of(till.send("GET", target, b"", sent))[:2] == (401, "SIGNATURE_NEEDED")


def test_a_huge_body_is_not_read(till: TillClient, tx: Tx, problem_of: Check) -> None:
    body = json.dumps(SALE | {"clerk": "x" * 300_000}).encode()
    headers = till.headers("POST", "/api/pos/sales", body)
    assert problem_of(till.send("POST", "/api/pos/sales", body, headers))[:2] == (413, "TOO_LARGE")
    assert written(tx) == [0, 0, 0, 0, 0]


def test_a_login_opens_no_till_and_a_till_no_login(
    till: TillClient, parts: Parts, client: FlaskClient, problem_of: Check
) -> None:
    owner = office(parts, OperatorRole.OWNER)
    assert problem_of(client.post("/api/pos/sales", json=SALE, headers=owner))[:2] == (
        401,
        "SIGNATURE_NEEDED",
    )
    target = "/api/shopper/me"
    assert till.send("GET", target, b"", till.headers("GET", target)).status_code == 401


def test_a_till_acts_for_its_own_store_only(
    till: TillClient, tx: Tx, parts: Parts, client: FlaskClient, clock: Clock, problem_of: Check
) -> None:
    with tx() as session:
        code = people.a_code(session)
    futian = a_till(tx, parts, client, clock, "SZ-FT")
    assert till.post("/api/pos/sales", SALE).status_code == 200
    back = {
        "receipt": "B-1",
        "of_receipt": "R-1",
        "returned_at": SOLD,
        "reason": "x",
        "lines": [{"line_no": 1, "qty": 1, "refund_fen": 29900}],
    }
    before = written(tx)
    attempts = [
        (futian.post("/api/pos/returns", back), "RECEIPT_UNKNOWN"),
        (futian.post("/api/pos/sales", SALE | {"receipt": "R-2"}), "CLERK_UNKNOWN"),
        (till.post("/api/pos/touches", TOUCH | {"clerk": "C-SZFT-01"}), "CLERK_UNKNOWN"),
        (till.post("/api/pos/touches", TOUCH | {"scene": code}), "CODE_UNKNOWN"),
        (till.post("/api/pos/touches", TOUCH | {"scene": "c-nobody"}), "CODE_UNKNOWN"),
    ]
    for answer, told in attempts:
        assert problem_of(answer)[:2] == (404, told)
    assert written(tx) == before


def test_keys_rotate_with_an_overlap_and_end_at_once_when_revoked(
    till: TillClient, parts: Parts, client: FlaskClient, clock: Clock, problem_of: Check
) -> None:
    owner = office(parts, OperatorRole.OWNER)
    made = client.post(f"/api/backoffice/pos-keys/{till.key}/rotate", json={"overlap_s": 1200}, headers=owner)
    assert made.status_code == 201
    young = TillClient(client, made.json["key"], made.json["secret"], clock)
    target = "/api/pos/members?code=M-1"
    assert (till.get(target).status_code, young.get(target).status_code) == (200, 200)
    clock.now += timedelta(seconds=1200)
    assert problem_of(till.get(target))[:2] == (401, "SIGNATURE_WRONG")
    assert young.get(target).status_code == 200
    again = client.post(f"/api/backoffice/pos-keys/{till.key}/rotate", json={}, headers=owner)
    assert problem_of(again)[:2] == (409, "KEY_ENDED")
    for _ in "12":
        ended = client.post(
            f"/api/backoffice/pos-keys/{young.key}/revoke", json={"why": "失窃"}, headers=owner
        )
        assert ended.status_code == 204
    assert problem_of(young.get(target))[:2] == (401, "SIGNATURE_WRONG")
    listed = client.get("/api/backoffice/pos-keys", headers=owner)
    assert [one["key"] for one in listed.json["items"]] == [young.key, till.key]
    assert till.secret not in listed.text


def test_who_may_make_keys_of_which_store(
    shop: None, parts: Parts, client: FlaskClient, tx: Tx, problem_of: Check
) -> None:
    manager = office(parts, OperatorRole.STORE_MANAGER, store="SZ-FT")
    franchisee = office(parts, OperatorRole.FRANCHISEE, entity="E-WF1")
    marketing = office(parts, OperatorRole.MARKETING)
    wanted = {"store": "WF-YQ", "label": "一号收银台"}
    made = client.post("/api/backoffice/pos-keys", json=wanted, headers=franchisee)
    assert (made.status_code, made.json["store"]) == (201, "WF-YQ")
    assert (
        client.post("/api/backoffice/pos-keys", json=wanted | {"store": "SZ-FT"}, headers=manager).status_code
        == 201
    )
    refused = [
        (client.post("/api/backoffice/pos-keys", json=wanted, headers=manager), 404),
        (client.post("/api/backoffice/pos-keys", json=wanted | {"store": "SZ-FT"}, headers=franchisee), 404),
        (client.post("/api/backoffice/pos-keys", json=wanted | {"store": "XX"}, headers=franchisee), 404),
        (client.post("/api/backoffice/pos-keys", json=wanted, headers=marketing), 403),
        (
            client.post(
                f"/api/backoffice/pos-keys/{made.json['key']}/revoke", json={"why": "x"}, headers=manager
            ),
            404,
        ),
        (client.post(f"/api/backoffice/pos-keys/{made.json['key']}/rotate", json={}, headers=manager), 404),
    ]
    for answer, status in refused:
        assert problem_of(answer)[0] == status
    assert [
        one["store"] for one in client.get("/api/backoffice/pos-keys", headers=manager).json["items"]
    ] == ["SZ-FT"]
    with tx() as session:
        assert make.count(session, "pos_key") == 2
        assert make.count(session, "audit_entry", "action = 'pos_key.make'") == 2
        told = session.execute(
            text("select secret_sealed from pos_key where code = :c"), {"c": made.json["key"]}
        )
        assert made.json["secret"] not in told.scalar_one()
