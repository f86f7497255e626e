"""The shopper's orders over HTTP: shapes, refusals, whose orders are whose."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.base.db import Tx
from app.settings import Settings
from app.stock.receiving import receive
from app.wiring import Parts, build
from tests import make
from tests.doors.conftest import Clock

BASKET: dict[str, Any] = {
    "store": "SZ-FT",
    "lines": [{"sku": "AP-1002-M", "qty": 2}, {"sku": "AP-1003-F", "qty": 1}],
}


@pytest.fixture
def parts(settings: Settings, clock: Clock) -> Iterator[Parts]:
    """The whole wiring: paying and cancelling phone WeChat (the box)."""
    parts = build(settings, now=clock)
    yield parts
    parts.close()


@pytest.fixture
def token(tx: Tx) -> str:
    """The small shop with stock, and a logged-in shopper."""
    with tx() as session:
        make.a_shop(session)
        make.stock(session, "AP-1002-M", 10)
        make.stock(session, "AP-1003-F", 5)
        return make.a_login(session, make.a_buyer(session))


class Answer:
    """An answer with its JSON already parsed."""

    def __init__(self, response: TestResponse) -> None:
        self.status_code = response.status_code
        self.headers = response.headers
        self.content_type = response.content_type
        self.data = response.data
        self.json: Any = response.json


def _ask(
    client: FlaskClient, method: str, path: str, token: str = "", body: Any = None, key: str = ""
) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if key:
        headers["Idempotency-Key"] = key
    return Answer(client.open(f"/api/shopper{path}", method=method, headers=headers, json=body))


def _place(client: FlaskClient, token: str, body: Any = None) -> Answer:
    return _ask(client, "POST", "/orders", token, body or BASKET, str(uuid.uuid4()))


def test_quote_and_order_cost_the_same_and_the_order_is_shown_to_its_owner(
    client: FlaskClient, token: str
) -> None:
    quoted = _ask(client, "POST", "/quote", token, BASKET)
    placed = _place(client, token)
    assert (quoted.status_code, placed.status_code) == (200, 201)
    assert quoted.json["amount_fen"] == placed.json["amount_fen"] == 2 * 29_900 + 12_900
    shown = _ask(client, "GET", f"/orders/{placed.json['number']}", token)
    assert shown.json == {
        "number": placed.json["number"],
        "state": "CREATED",
        "fulfilment": "PICKUP",
        "fulfilment_state": "WAITING",
        "store": "SZ-FT",
        "store_name": "澜序·福田购物公园店",
        "goods_fen": 72_700,
        "discount_fen": 0,
        "freight_fen": 0,
        "amount_fen": 72_700,
        "paid_fen": 0,
        "refunded_fen": 0,
        "note": None,
        "created_at": "2026-11-21T12:00:00+08:00",
        # The database's clock decides, not the clock that this test gave to the app.
        "expires_at": placed.json["expires_at"],
        "paid_at": None,
        "completed_at": None,
        "cancelled_at": None,
        "cancel_reason": None,
        "lines": [
            {
                "line_no": 1,
                "sku": "AP-1002-M",
                "name": "真丝衬衫",
                "spec": "M",
                "qty": 2,
                "unit_price_fen": 29_900,
                "discount_fen": 0,
                "amount_fen": 59_800,
                "refunded_fen": 0,
                "refunded_qty": 0,
            },
            {
                "line_no": 2,
                "sku": "AP-1003-F",
                "name": "羊绒围巾",
                "spec": "F",
                "qty": 1,
                "unit_price_fen": 12_900,
                "discount_fen": 0,
                "amount_fen": 12_900,
                "refunded_fen": 0,
                "refunded_qty": 0,
            },
        ],
        "refunds": [],
    }


def test_orders_come_in_pages_newest_first_and_each_once(client: FlaskClient, token: str) -> None:
    small = {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1}]}
    numbers = [_place(client, token, small).json["number"] for _ in range(5)]
    seen, cursor = [], ""
    while True:
        page = _ask(client, "GET", f"/orders?limit=2{cursor}", token).json
        seen += [order["number"] for order in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == numbers[::-1]


def test_another_members_order_answers_like_a_missing_one(client: FlaskClient, token: str, tx: Tx) -> None:
    number = _place(client, token).json["number"]
    with tx() as session:
        stranger = make.a_login(session, make.a_buyer(session, "stranger"))
    for method, tail in (("GET", ""), ("POST", "/prepay"), ("POST", "/cancel"), ("GET", "/pickup-code")):
        foreign = _ask(client, method, f"/orders/{number}{tail}", stranger)
        missing = _ask(client, method, f"/orders/A261121NOTTHERE{tail}", stranger)
        assert foreign.status_code == missing.status_code == 404
        without_id = [{**answer.json, "request_id": ""} for answer in (foreign, missing)]
        assert without_id[0] == without_id[1]
    assert _ask(client, "GET", "/orders", stranger).json == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/quote"),
        ("POST", "/orders"),
        ("GET", "/orders"),
        ("GET", "/orders/A261121NOTTHERE"),
        ("POST", "/orders/A261121NOTTHERE/prepay"),
        ("POST", "/orders/A261121NOTTHERE/cancel"),
        ("GET", "/orders/A261121NOTTHERE/pickup-code"),
    ],
)
@pytest.mark.parametrize("given", ["", "x" * 43, "é" * 30, "a b c"])
def test_without_a_live_token_every_door_stays_shut(
    client: FlaskClient, token: str, method: str, path: str, given: str
) -> None:
    answer = _ask(client, method, path, given, BASKET if method == "POST" else None, str(uuid.uuid4()))
    assert (answer.status_code, answer.json["code"]) == (401, "LOGIN_REQUIRED")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_clerks_token_does_not_shop_and_a_shoppers_does_not_serve(
    client: FlaskClient, token: str, tx: Tx
) -> None:
    with tx() as session:
        clerk = make.a_clerk_login(session, "C-SZFT-01")
    assert _ask(client, "GET", "/orders", clerk).status_code == 403
    headers = {"Authorization": f"Bearer {token}"}
    answer = Answer(client.post("/api/clerk/pickups/verify", json={"code": "12345678"}, headers=headers))
    assert (answer.status_code, answer.json["code"]) == (403, "WRONG_AUDIENCE")


@pytest.mark.parametrize("qty", [0, -1, 1000, 10**12, 1.5, "1", True, None, [], {}, 1e400])
def test_a_quantity_that_is_none_is_refused_by_name_and_nothing_is_written(
    client: FlaskClient, token: str, tx: Tx, qty: Any
) -> None:
    body = {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": qty}]}
    answer = _place(client, token, body)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    if qty != 1e400:  # infinity is no JSON at all
        assert answer.json["errors"][0]["field"] == "lines.0.qty"
    with tx() as session:
        assert make.count(session, "orders") == 0
        assert make.count(session, "idempotent_answer") == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"store": "SZ-FT"},
        {"store": "SZ-FT", "lines": []},
        {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1}] * 51},
        {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1, "price_fen": 1}]},
        {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1}], "amount_fen": 1},
        {"store": "SZ-FT\u0000", "lines": [{"sku": "AP-1002-M", "qty": 1}]},
        {"store": "SZ-FT", "lines": [{"sku": "'; drop table orders; --", "qty": 1}]},
        {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1}], "note": "x\u0000y"},
        {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1}], "note": "长" * 201},
        [],
        "text",
        None,
        7,
    ],
)
def test_a_body_that_does_not_fit_is_refused(client: FlaskClient, token: str, tx: Tx, body: Any) -> None:
    answer = _ask(client, "POST", "/orders", token, body, str(uuid.uuid4()))
    assert answer.status_code == 422
    assert answer.json["errors"]
    with tx() as session:
        assert make.count(session, "orders") == 0


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"store":NaN}', b"", b'"\\ud800"'])
def test_a_body_that_is_no_json_is_refused(client: FlaskClient, token: str, raw: bytes) -> None:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    answer = Answer(
        client.post("/api/shopper/orders", data=raw, headers=headers, content_type="application/json")
    )
    assert answer.status_code == 422


def test_a_body_of_two_megabytes_is_refused(client: FlaskClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
    raw = b'{"note":"' + b"x" * 2_000_000 + b'"}'
    answer = Answer(
        client.post("/api/shopper/orders", data=raw, headers=headers, content_type="application/json")
    )
    assert (answer.status_code, answer.json["code"]) == (413, "TOO_LARGE")


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space 123", "schlüssel-1"])
def test_without_a_proper_idempotency_key_nothing_is_ordered(
    client: FlaskClient, token: str, tx: Tx, key: str
) -> None:
    answer = _ask(client, "POST", "/orders", token, BASKET, key)
    assert (answer.status_code, answer.json["code"]) == (422, "IDEMPOTENCY_KEY_REQUIRED")
    with tx() as session:
        assert make.count(session, "orders") == 0


def test_the_same_key_answers_the_same_for_one_caller_only(client: FlaskClient, token: str, tx: Tx) -> None:
    key = str(uuid.uuid4())
    first, again = (_ask(client, "POST", "/orders", token, BASKET, key) for _ in range(2))
    assert first.data == again.data
    assert [one.headers["Idempotent-Replay"] for one in (first, again)] == ["false", "true"]
    with tx() as session:
        other = make.a_login(session, make.a_buyer(session, "other"))
    assert _ask(client, "POST", "/orders", other, BASKET, key).json["number"] != first.json["number"]
    with tx() as session:
        assert make.count(session, "orders") == 2


def test_a_refusal_may_be_tried_again_with_the_same_key(client: FlaskClient, token: str, tx: Tx) -> None:
    key = str(uuid.uuid4())
    much = {"store": "SZ-FT", "lines": [{"sku": "AP-1003-F", "qty": 9}]}
    refused = _ask(client, "POST", "/orders", token, much, key)
    assert (refused.status_code, refused.json["facts"]) == (409, {"skus": ["AP-1003-F"]})
    with tx() as session:
        receive(session, location="SZ-FT", sku="AP-1003-F", qty=20, ref="1", actor="test")
    assert _ask(client, "POST", "/orders", token, much, key).status_code == 201


@pytest.mark.parametrize("cursor", ["zz", "-1", "%00", "1" * 16, "' or 1=1"])
def test_a_cursor_that_is_none_is_refused(client: FlaskClient, token: str, cursor: str) -> None:
    answer = _ask(client, "GET", f"/orders?cursor={cursor}", token)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "cursor")


def test_refusals_speak_chinese_first_and_english_when_asked(client: FlaskClient) -> None:
    assert Answer(client.get("/api/shopper/orders")).json["title"] == "请先登录"
    english = Answer(
        client.get("/api/shopper/orders", headers={"Accept-Language": "en-GB,en;q=0.9,zh;q=0.1"})
    )
    assert english.json["title"] == "Please log in"


def test_an_unpaid_order_is_cancelled_once_and_shows_no_pickup_code(
    client: FlaskClient, token: str, tx: Tx
) -> None:
    number = _place(client, token).json["number"]
    assert _ask(client, "GET", f"/orders/{number}/pickup-code", token).status_code == 404
    for _ in range(2):
        answer = _ask(client, "POST", f"/orders/{number}/cancel", token)
        assert answer.json == {"number": number, "state": "CANCELLED", "refund": None}
    with tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)
        assert make.count(session, "order_event", "to_state = 'CANCELLED'") == 1
