"""The fast path: one truth, ready bytes, changes seen within a second, bounded memory, errors never kept."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, text

from app import create_app
from app.api.fast import Fast
from app.api.shelf import Kept, Shelf
from app.base.db import Tx, open_read
from app.base.freshness import CATALOG, STORES, listen, touch
from app.wiring import Parts
from tests.shop import a_product, a_store, some_stock

GOODS = "/api/shopper/products"
PLACES = "/api/shopper/stores"
PUBLIC = [GOODS, f"{GOODS}/AP-1002", "/api/shopper/categories", PLACES, f"{PLACES}/SZ-FT"]


@pytest.fixture(autouse=True)
def shop(tx: Tx, database_url: str) -> None:
    with tx() as session:
        a_store(session)
        a_product(session)
        some_stock(session, "AP-1002-M", "SZ-FT", 6)
    assert eventually(listen(database_url).live, seconds=5)


@pytest.fixture
def parts(parts: Parts, engine: Engine) -> Parts:
    """As elsewhere, but the tests here listen to the statements."""
    return replace(parts, read=open_read(engine, heard=True))


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    """Every statement that the app sends to the database."""
    sent: list[str] = []

    def note(_connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def eventually(holds: Callable[[], bool], *, seconds: float = 1.0) -> bool:
    """Whether a condition comes true within ``seconds``."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def fast_of(app: Flask) -> Fast:
    """The fast layer inside the app's WSGI stack."""
    layer: Any = app.wsgi_app
    while not isinstance(layer, Fast):
        layer = layer._inner
    return layer


@pytest.mark.parametrize("path", PUBLIC)
def test_second_answer_is_the_first_without_the_database(
    client: FlaskClient, statements: list[str], path: str
) -> None:
    first = client.get(path)
    asked = len(statements)
    second = client.get(path)
    assert asked > 0
    assert len(statements) == asked
    assert (second.status_code, second.data) == (200, first.data)
    names = ("Content-Type", "Content-Length", "ETag", "Cache-Control", "Vary")
    assert [first.headers.get_all(name) for name in names] == [second.headers.get_all(name) for name in names]
    assert second.headers.get_all("Cache-Control") == ["no-cache"]
    assert second.headers.get_all("Vary") == ["Accept-Language"]
    assert int(second.headers["Content-Length"]) == len(second.data)


@pytest.mark.parametrize("path", PUBLIC)
def test_every_answer_has_its_own_request_id(client: FlaskClient, path: str) -> None:
    ids = [client.get(path).headers.get_all("X-Request-Id") for _ in range(3)]
    assert all(len(one) == 1 for one in ids)
    assert len({one[0] for one in ids}) == 3
    given = client.get(path, headers={"X-Request-Id": "caller-4711"})
    assert given.headers.get_all("X-Request-Id") == ["caller-4711"]


def test_hits_are_logged_and_counted_like_misses(
    client: FlaskClient, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for _ in range(3):
        client.get(f"{GOODS}/AP-1002?store=SZ-FT")
    lines = [orjson.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    lines = [line for line in lines if line["event"] == "request"]
    assert [(line["route"], line["status"]) for line in lines] == [(f"{GOODS}/<code>", 200)] * 3
    counted = client.get("/metrics").get_data(as_text=True)
    assert 'lianke_requests_total{method="GET",route="/api/shopper/products/<code>",status="200"}' in counted


@pytest.mark.parametrize("path", PUBLIC)
def test_unchanged_answer_is_304_with_its_etag(client: FlaskClient, path: str) -> None:
    etag = client.get(path).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = client.get(path, headers={"If-None-Match": known})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == etag
        assert answer.headers["Vary"] == "Accept-Language"
        assert "Content-Length" not in answer.headers or answer.headers["Content-Length"] == "0"
    for known in ('"other"', etag.strip('"'), "", "W/"):
        assert client.get(path, headers={"If-None-Match": known}).status_code == 200


def test_304_works_on_the_very_first_request(app: Flask, parts: Parts) -> None:
    etag = app.test_client().get(GOODS).headers["ETag"]
    other_worker = create_app(parts=parts).test_client()
    assert other_worker.get(GOODS, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("path", PUBLIC)
def test_head_has_the_headers_and_no_body(client: FlaskClient, path: str) -> None:
    for _ in range(2):
        head = client.head(path)
        assert (head.status_code, head.data) == (200, b"")
        body = client.get(path)
        for name in ("Content-Length", "ETag", "Content-Type"):
            assert head.headers[name] == body.headers[name]
    assert client.head(path, headers={"If-None-Match": body.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", PUBLIC)
def test_languages_are_kept_apart_and_normalised(
    client: FlaskClient, statements: list[str], path: str
) -> None:
    zh = client.get(path).data
    en = client.get(path, headers={"Accept-Language": "en-US,en;q=0.9,zh;q=0.1"}).data
    assert zh != en
    asked = len(statements)
    for header, expected in (
        ("en", en),
        ("EN-gb", en),
        ("zh-TW,zh", zh),
        ("fr", zh),
        ("", zh),
        ("*;q=x", zh),
    ):
        assert client.get(path, headers={"Accept-Language": header}).data == expected
    assert len(statements) == asked


def test_order_of_parameters_does_not_matter(client: FlaskClient, statements: list[str]) -> None:
    first = client.get(f"{GOODS}?limit=5&sort=newest").data
    asked = len(statements)
    assert client.get(f"{GOODS}?sort=newest&limit=5").data == first
    assert len(statements) == asked
    assert client.get(f"{GOODS}?sort=newest&limit=6").status_code == 200
    assert len(statements) > asked


def test_token_changes_nothing_on_public_reads(client: FlaskClient) -> None:
    plain = client.get(GOODS).data
    assert client.get(GOODS, headers={"Authorization": "Bearer " + "x" * 30}).data == plain


def price_of(client: FlaskClient) -> int:
    return int(client.get(GOODS).json["items"][0]["from_fen"])


def test_price_change_is_seen_by_every_worker_within_a_second(app: Flask, parts: Parts, tx: Tx) -> None:
    workers = [app.test_client(), create_app(parts=parts).test_client()]
    assert [price_of(worker) for worker in workers] == [29900, 29900]
    with tx() as session:
        session.execute(text("update product set from_fen = 19900"))
        touch(session, CATALOG)
    changed_at = time.monotonic()
    assert eventually(lambda: [price_of(worker) for worker in workers] == [19900, 19900])
    # It was told, not found out when the answer grew old.
    assert time.monotonic() - changed_at < 0.5


def test_stock_change_is_seen_within_a_second_although_nobody_tells(client: FlaskClient, tx: Tx) -> None:
    def word() -> str:
        return str(client.get(f"{GOODS}/AP-1002").json["skus"][0]["availability"]["SZ-FT"])

    assert word() == "IN_STOCK"
    with tx() as session:
        session.execute(text("update stock set reserved = 6"))
    assert eventually(lambda: word() == "NONE")


def test_without_news_an_answer_is_kept_for_less_than_a_second(app: Flask, parts: Parts, tx: Tx) -> None:
    # A server that cannot be listened to, as behind a transaction pooler or during a restart.
    lonely = Parts(
        **{name: getattr(parts, name) for name in parts.__dataclass_fields__}
        | {"settings": parts.settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/none"})}
    )
    client = create_app(parts=lonely).test_client()
    assert price_of(client) == 29900
    with tx() as session:
        session.execute(text("update product set from_fen = 19900"))
    assert price_of(client) == 29900
    assert eventually(lambda: price_of(client) == 19900)
    listen("postgresql://127.0.0.1:1/none").close()


def test_change_during_the_filling_is_not_lost(client: FlaskClient, engine: Engine, tx: Tx) -> None:
    changed = threading.Event()

    def change_behind(*_: Any) -> None:
        if not changed.is_set():
            changed.set()
            thread = threading.Thread(target=change)
            thread.start()
            thread.join()

    def change() -> None:
        with tx() as session:
            session.execute(text("update product set from_fen = 19900"))
            touch(session, CATALOG)

    event.listen(engine, "after_cursor_execute", change_behind)
    try:
        assert price_of(client) == 29900
    finally:
        event.remove(engine, "after_cursor_execute", change_behind)
    assert eventually(lambda: price_of(client) == 19900, seconds=0.5)


def test_stores_are_not_dropped_by_a_price_nor_goods_by_a_store(
    client: FlaskClient, statements: list[str], tx: Tx, database_url: str
) -> None:
    for changed, kept in ((CATALOG, PLACES), (STORES, GOODS)):
        client.get(kept)
        before = listen(database_url).versions((changed,))
        with tx() as session:
            touch(session, changed)
        assert eventually(
            lambda before=before, changed=changed: listen(database_url).versions((changed,)) > before
        )
        statements.clear()
        client.get(kept)
        assert statements == []


@pytest.mark.parametrize(
    "path", [f"{GOODS}/NOWHERE", f"{GOODS}?limit=0", f"{GOODS}?cursor=x", f"{PLACES}/NOWHERE", f"{GOODS}/%00"]
)
def test_refusals_are_never_kept(client: FlaskClient, app: Flask, path: str) -> None:
    for _ in range(3):
        answer = client.get(path)
        assert answer.status_code in (404, 422)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert len(fast_of(app).shelf) == 0


def test_product_that_appears_after_a_404_is_shown_at_once(client: FlaskClient, tx: Tx) -> None:
    assert client.get(f"{GOODS}/NEW").status_code == 404
    with tx() as session:
        a_product(session, "NEW")
    assert client.get(f"{GOODS}/NEW").status_code == 200


def test_faults_are_never_kept(app: Flask, client: FlaskClient, engine: Engine) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    event.listen(engine, "before_cursor_execute", fail)
    try:
        assert [client.get(GOODS).status_code for _ in range(2)] == [500, 500]
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    assert client.get(GOODS).status_code == 200


def test_flood_of_made_up_queries_stays_bounded_and_spares_hot_answers(
    app: Flask, client: FlaskClient, statements: list[str]
) -> None:
    shelf = fast_of(app).shelf = Shelf(max_answers=40, max_bytes=1_000_000)
    hot = f"{GOODS}?limit=7"
    client.get(hot)
    client.get(hot)
    for number in range(300):
        assert client.get(f"{GOODS}?q=none{number}").status_code == 200
    assert len(shelf) <= 40
    statements.clear()
    client.get(hot)
    assert statements == []


@pytest.mark.parametrize("query", ["q=" + "%E8" * 150, "&".join(f"a{n}=1" for n in range(11)), "x" * 500])
def test_oversized_queries_are_not_remembered(app: Flask, client: FlaskClient, query: str) -> None:
    assert client.get(f"{GOODS}?{query}").status_code in (200, 422)
    assert len(fast_of(app).shelf) == 0


def test_crowd_asking_for_the_same_at_once_asks_the_database_once(
    app: Flask, engine: Engine, statements: list[str]
) -> None:
    def slow(*_: Any) -> None:
        time.sleep(0.1)

    answers: list[bytes] = []
    event.listen(engine, "before_cursor_execute", slow)
    crowd = [
        threading.Thread(target=lambda: answers.append(app.test_client().get(GOODS).data)) for _ in range(12)
    ]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    event.remove(engine, "before_cursor_execute", slow)
    assert (len(answers), len(set(answers))) == (12, 1)
    assert sum("from product" in statement for statement in statements) == 1


def test_other_doors_are_passed_through(client: FlaskClient, app: Flask) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/api/shopper/nowhere").status_code == 404
    assert client.post(GOODS).status_code == 405
    assert client.get("/api/shopper/orders").status_code == 401
    assert len(fast_of(app).shelf) == 0


def an_answer(size: int) -> Kept:
    return Kept("r", (), (), (b"x" * size,), '"e"', (), (), 0.0, 0.0)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60), st.booleans()), max_size=200))
def test_shelf_never_holds_more_than_allowed(steps: list[tuple[int, int, bool]]) -> None:
    shelf = Shelf(max_answers=12, max_bytes=300)
    for key, size, puts in steps:
        if puts:
            shelf.put(key, an_answer(size))
        else:
            shelf.get(key)
        assert len(shelf) <= 12
        assert shelf.held_bytes <= 300
        held = [shelf.get(number) for number in range(31)]
        assert shelf.held_bytes == sum(len(one.body[0]) for one in held if one)


def test_answer_that_is_too_large_is_not_kept() -> None:
    shelf = Shelf()
    shelf.put("k", an_answer(200_000))
    assert shelf.get("k") is None
