"""Goods over HTTP: shelves, lists, one product; every parameter with garbage."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from app.base.db import Tx
from tests.shop import LISTED_AT, a_category, a_product, a_store, a_warehouse, some_stock

GOODS = "/api/shopper/products"
Check = Callable[[Any], tuple[int, str, list[str]]]


@pytest.fixture(autouse=True)
def shop(tx: Tx) -> None:
    with tx() as session:
        a_category(session, "wine", position=2)
        for code in ("SZ-FT", "SZ-NS"):
            a_store(session, code)
        a_store(session, "GZ-TH", city="广州", status="CLOSING")
        a_warehouse(session)
        a_product(session, skus=[("S", 29900, 39900), ("M", 29900, 39900)])
        a_product(
            session,
            "WN-4001",
            category="wine",
            name="干红",
            name_en="Dry red",
            skus=[("1", 15800, 19800)],
            min_age=18,
            handling=["fragile"],
            exemption="BY_NATURE",
            listed_at=LISTED_AT + timedelta(days=1),
        )
        some_stock(session, "AP-1002-S", "SZ-FT", 3, safety=1)
        some_stock(session, "AP-1002-M", "SZ-FT", 9)
        some_stock(session, "AP-1002-M", "GZ-TH", 1)
        some_stock(session, "AP-1002-M", "DC-DG", 90)


def test_list_shows_cards_newest_first(client: FlaskClient) -> None:
    answer = client.get(GOODS)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.json == {
        "items": [
            {
                "code": "WN-4001",
                "name": "干红",
                "category": "wine",
                "from_fen": 15800,
                "list_fen": 19800,
                "badges": ["SALE", "FRAGILE", "ADULTS_ONLY", "NO_FREE_RETURN"],
            },
            {
                "code": "AP-1002",
                "name": "真丝衬衫",
                "category": "apparel",
                "from_fen": 29900,
                "list_fen": 39900,
                "badges": ["SALE"],
            },
        ],
        "next": None,
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=衬衫", ["AP-1002"]),
        ("q=dry", ["WN-4001"]),
        ("category=wine", ["WN-4001"]),
        ("category=wine&q=衬衫", []),
        ("sort=price_asc", ["WN-4001", "AP-1002"]),
        ("sort=price_desc", ["AP-1002", "WN-4001"]),
        ("sort=newest&limit=50", ["WN-4001", "AP-1002"]),
        ("q=%E2%80%94", []),
        ("q=%27%3B--", []),
    ],
)
def test_list_by_words_category_and_order(client: FlaskClient, query: str, expected: list[str]) -> None:
    answer = client.get(f"{GOODS}?{quote(query, safe='=&%')}")
    assert [item["code"] for item in answer.json["items"]] == expected


@pytest.mark.parametrize("sort", ["newest", "price_asc", "price_desc"])
def test_pages_follow_each_other(client: FlaskClient, sort: str) -> None:
    whole = client.get(f"{GOODS}?sort={sort}").json
    first = client.get(f"{GOODS}?sort={sort}&limit=1").json
    second = client.get(f"{GOODS}?sort={sort}&limit=1&cursor={first['next']}").json
    assert first["items"] + second["items"] == whole["items"]
    assert second["next"] is None


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!!",
        "AAAA",
        "W10",
        "%00",
        "bnVsbA",
        "W251bGwsMSwieCJd",
        "衬衫",
        "a" * 200,
        "W1siYSJdLDEsImEiXQ",
    ],
)
def test_bad_cursor_is_refused_by_name(client: FlaskClient, problem_of: Check, cursor: str) -> None:
    assert problem_of(client.get(f"{GOODS}?cursor={quote(cursor, safe='%')}")) == (422, "INVALID", ["cursor"])


def test_cursor_of_another_order_is_refused(client: FlaskClient, problem_of: Check) -> None:
    cursor = client.get(f"{GOODS}?limit=1&sort=price_asc").json["next"]
    assert problem_of(client.get(f"{GOODS}?sort=newest&cursor={cursor}"))[2] == ["cursor"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("limit=-1", "limit"),
        ("limit=1.5", "limit"),
        ("limit=true", "limit"),
        ("limit=", "limit"),
        ("limit=9999999999999999999999", "limit"),
        ("limit=%D9%A1", "limit"),
        ("sort=cheapest", "sort"),
        ("sort=", "sort"),
        ("sort=%00", "sort"),
        ("category=", "category"),
        ("category=nowhere", "category"),
        ("category=a%00b", "category"),
        ("category=%E8%A1%A3", "category"),
        ("category=" + "a" * 33, "category"),
        ("q=", "q"),
        ("q=a%00b", "q"),
        ("q=%07", "q"),
        ("q=" + "a" * 65, "q"),
        ("cursor=", "cursor"),
        ("cursor=" + "a" * 201, "cursor"),
        ("colour=red", "colour"),
    ],
)
def test_garbage_in_the_list_query_is_refused_by_name(
    client: FlaskClient, problem_of: Check, query: str, field: str
) -> None:
    assert problem_of(client.get(f"{GOODS}?{query}")) == (422, "INVALID", [field])


@pytest.mark.parametrize("query", ["q=%FF%FE", "q=%ED%A0%80", "limit=1&limit=2", "&&==&", "q=%%%"])
def test_odd_queries_never_break_anything(client: FlaskClient, query: str) -> None:
    assert client.get(f"{GOODS}?{query}").status_code in (200, 422)


def test_product_shows_variants_and_where_they_are(client: FlaskClient) -> None:
    answer = client.get(f"{GOODS}/AP-1002").json
    assert answer == {
        "code": "AP-1002",
        "name": "真丝衬衫",
        "category": "apparel",
        "from_fen": 29900,
        "list_fen": 39900,
        "badges": ["SALE"],
        "description": "19 姆米桑蚕丝缎面",
        "handling": [],
        "min_age": None,
        "returns": {"exemption": "NONE", "text": "支持七日无理由退货"},
        "skus": [
            {
                "code": "AP-1002-S",
                "spec": "S",
                "price_fen": 29900,
                "list_fen": 39900,
                "availability": {"GZ-TH": "NONE", "SZ-FT": "LOW"},
                "warehouse": "NONE",
            },
            {
                "code": "AP-1002-M",
                "spec": "M",
                "price_fen": 29900,
                "list_fen": 39900,
                "availability": {"GZ-TH": "LOW", "SZ-FT": "IN_STOCK"},
                "warehouse": "IN_STOCK",
            },
        ],
        "stores": [
            {"code": "GZ-TH", "name": "店 GZ-TH", "city": "广州", "status": "CLOSING", "pickup": False},
            {"code": "SZ-FT", "name": "店 SZ-FT", "city": "深圳", "status": "OPEN", "pickup": True},
        ],
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("store=SZ-NS", {"SZ-NS": "NONE"}),
        ("store=SZ-FT", {"SZ-FT": "IN_STOCK"}),
        ("store=NOWHERE", {}),
        ("city=广州", {"GZ-TH": "LOW"}),
        ("city=深圳", {"SZ-FT": "IN_STOCK", "SZ-NS": "NONE"}),
        ("city=天边", {}),
    ],
)
def test_stk_9_availability_where_it_is_asked_for(
    client: FlaskClient, query: str, expected: dict[str, str]
) -> None:
    answer = client.get(f"{GOODS}/AP-1002?{quote(query, safe='=')}").json
    assert answer["skus"][1]["availability"] == expected
    assert [store["code"] for store in answer["stores"]] == list(expected)


def test_product_warns_of_age_and_returns_in_both_languages(client: FlaskClient) -> None:
    zh = client.get(f"{GOODS}/WN-4001").json
    en = client.get(f"{GOODS}/WN-4001", headers={"Accept-Language": "en-GB,zh;q=0.5"}).json
    assert (zh["min_age"], zh["handling"], zh["returns"]["exemption"]) == (18, ["fragile"], "BY_NATURE")
    assert zh["returns"]["text"] == "因商品性质，经您在付款前确认后不支持七日无理由退货"
    assert en["returns"]["text"].startswith("By its nature")
    assert (zh["name"], en["name"]) == ("干红", "Dry red")


@pytest.mark.parametrize(
    ("path", "status", "fields"),
    [
        ("NOWHERE", 404, []),
        ("a%00b", 422, ["code"]),
        ("%E8%A1%A3", 422, ["code"]),
        ("a" * 33, 422, ["code"]),
        ("AP-1002?city=", 422, ["city"]),
        ("AP-1002?city=a%00", 422, ["city"]),
        ("AP-1002?city=" + "a" * 33, 422, ["city"]),
        ("AP-1002?store=a%20b", 422, ["store"]),
        ("AP-1002?colour=red", 422, ["colour"]),
    ],
)
def test_garbage_for_one_product_is_refused(
    client: FlaskClient, problem_of: Check, path: str, status: int, fields: list[str]
) -> None:
    code = {404: "NOT_FOUND", 422: "INVALID"}[status]
    assert problem_of(client.get(f"{GOODS}/{path}")) == (status, code, fields)


def test_categories_in_their_order_and_language(client: FlaskClient) -> None:
    assert client.get("/api/shopper/categories").json == {
        "items": [
            {"code": "apparel", "name": "架 apparel", "parent": None},
            {"code": "wine", "name": "架 wine", "parent": None},
        ]
    }
    english = client.get("/api/shopper/categories", headers={"Accept-Language": "en"}).json
    assert [one["name"] for one in english["items"]] == ["Apparel", "Wine"]


@pytest.mark.parametrize("path", [GOODS, f"{GOODS}/AP-1002", "/api/shopper/categories"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_goods_are_only_read(client: FlaskClient, path: str, method: str) -> None:
    assert client.open(path, method=method).status_code == 405
