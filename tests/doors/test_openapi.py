"""The API document: complete, valid, with every refusal; its page needs no network. And no 5xx for any garbage."""

import random
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from app.base.db import Tx
from app.settings import Settings
from app.wiring import Parts, build
from models.operators import OperatorRole
from tests import make
from tests.doors.conftest import NOON, Clock
from tests.doors.office import an_operator_login

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def parts(settings: Settings, clock: Clock) -> Iterator[Parts]:
    """The whole wiring: some doors phone WeChat (the box)."""
    parts = build(settings, now=clock)
    yield parts
    parts.close()


@pytest.fixture
def document(client: FlaskClient) -> Any:
    """The document as it is served."""
    return client.get("/openapi/openapi.json").json


def _operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def test_the_document_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_every_api_route_is_in_the_document(app: Flask, document: Any) -> None:
    known = {(path, method) for path, method, _ in _operations(document)}
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert len(routes) >= 25
    assert routes - known == set()


def test_every_operation_names_its_refusals_as_problems(document: Any) -> None:
    for path, method, operation in _operations(document):
        responses = operation["responses"]
        where = f"{method} {path}"
        assert any(status.startswith("2") for status in responses), where
        assert "503" in responses, where
        if operation.get("security"):
            assert "401" in responses, where
        for status, response in responses.items():
            if status >= "400":
                assert list(response.get("content", {})) == ["application/problem+json"], f"{where} {status}"


OPEN = {
    "/api/shopper/login",
    "/api/clerk/login",
    "/api/backoffice/login",
    "/api/shopper/categories",
    "/api/shopper/products",
    "/api/shopper/products/{code}",
    "/api/shopper/stores",
    "/api/shopper/stores/nearby",
    "/api/shopper/stores/{code}",
}


def test_every_door_but_the_open_ones_asks_who_comes_before_it_reads_what_is_wanted(
    client: FlaskClient, document: Any, tx: Tx
) -> None:
    """Nobody: 401. Somebody of the other audience: 403. Whatever the inputs are, here none."""
    with tx() as session:
        make.a_shop(session)
        shopper, clerk = (
            make.a_login(session, make.a_buyer(session)),
            make.a_clerk_login(session, "C-SZFT-03"),
        )
    token = {"clerk": shopper, "shopper": clerk, "backoffice": clerk}
    unguarded = set()
    for path, method, operation in _operations(document):
        if not operation.get("security"):
            unguarded.add(path)
            continue
        place, audience = re.sub(r"{\w+}", "x", path), path.split("/")[2]
        if audience == "pos":
            # A till signs; a token, whoever's, is no signature.
            for headers in ({}, {"Authorization": f"Bearer {shopper}"}):
                assert client.open(place, method=method, headers=headers).status_code == 401, (
                    f"{method} {path}"
                )
            continue
        stranger = {"Authorization": f"Bearer {token[audience]}"}
        told = [client.open(place, method=method, headers=headers).status_code for headers in ({}, stranger)]
        assert told == [401, 403], f"{method} {path}"
    assert unguarded == OPEN


def test_every_operation_says_what_it_is_for(document: Any) -> None:
    for path, method, operation in _operations(document):
        assert operation.get("summary"), f"{method} {path}"
        assert operation.get("tags"), f"{method} {path}"


def test_posts_that_move_money_or_stock_show_the_idempotency_key(document: Any) -> None:
    shown = {
        path
        for path, method, operation in _operations(document)
        if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", []))
    }
    batch = "/api/backoffice/settlements"
    decisions = {f"{batch}/{{number}}/{word}" for word in ("submit", "approve", "reject", "close", "refresh")}
    parties = {f"{batch}/{{number}}/parties/{{party}}/{word}" for word in ("add", "remove")}
    orders = {"/api/shopper/orders", "/api/clerk/orders/{number}/refunds"}
    orders |= {"/api/clerk/orders/{number}/shared-sale"}
    assert shown == orders | {batch} | decisions | parties


def test_the_docs_page_asks_nobody_outside(client: FlaskClient) -> None:
    front = client.get("/openapi/", follow_redirects=True)
    assert front.status_code == 200
    page = client.get("/openapi/swagger", follow_redirects=True)
    assert page.status_code == 200
    text = page.get_data(as_text=True)
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text)
    for asset in re.findall(r"""(?:src|href)=["']([^"']+\.(?:js|css))""", text):
        where = urljoin(page.request.path, asset)
        with closing(client.get(where)) as got:
            assert got.status_code == 200, where


GARBAGE: tuple[Any, ...] = (
    "",
    "\x00",
    "x" * 5000,
    "'; drop table orders; --",
    "../../etc/passwd",
    "%00",
    "😀",
    "-1",
    "1e309",
    "NaN",
    "null",
    "２３",
    "true",
)
BODIES: tuple[Any, ...] = (
    None,
    1,
    "x",
    [],
    {},
    {"code": None},
    {"code": "\x00"},
    {"code": ["x"]},
    {"lines": {}},
    {"x": 1},
)


def test_no_garbage_brings_a_server_error(app: Flask, client: FlaskClient, tx: Tx) -> None:
    """Every route, every role, seeded garbage in path, query, headers and body."""
    dice = random.Random(20261121)
    with tx() as session:
        make.a_shop(session)
        tokens = ["", make.a_login(session, make.a_buyer(session)), make.a_clerk_login(session, "C-SZFT-03")]
        tokens.append(an_operator_login(session, OperatorRole.OWNER, now=NOON))
    failures = []
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"OPTIONS"}:
            for token in tokens:
                for _ in range(6):
                    path = re.sub(
                        r"<[^>]+>", lambda _: dice.choice(GARBAGE).replace("/", "") or "x", rule.rule
                    )
                    headers = {"Idempotency-Key": "k" * 12, "Accept-Language": "en;q=x,*"}
                    if token:
                        headers["Authorization"] = f"Bearer {token}"
                    answer = client.open(
                        path.replace("\x00", "%00"),
                        method=method,
                        headers=headers,
                        query_string={
                            dice.choice(NAMES): dice.choice(GARBAGE),
                            "limit": dice.choice(GARBAGE),
                        },
                        json=dice.choice(BODIES) if method == "POST" else None,
                    )
                    # 503 is the honest answer of a door that WeChat refuses; here WeChat (the box) answers.
                    if answer.status_code >= 500:
                        failures.append(
                            (method, path[:60], answer.status_code, answer.get_data(as_text=True)[:120])
                        )
    assert failures == []


NAMES = (
    "q",
    "cursor",
    "lat",
    "lng",
    "city",
    "store",
    "category",
    "sort",
    "code",
    "radius_m",
    "service",
    "echostr",
    "unknown",
)
