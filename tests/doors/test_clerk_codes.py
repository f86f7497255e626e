"""A clerk's codes and poster over HTTP."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from app.base.db import Tx
from app.members.phones import hash_phone
from app.wiring import Parts
from tests.doors.phoned import bearer, with_telephone
from tests.make import a_shop
from tests.people import set_clerk
from tests.telephone import Telephone

Check = Callable[[Any], tuple[int, str, list[str]]]


@pytest.fixture
def phoned(parts: Parts) -> Iterator[tuple[Parts, Telephone]]:
    with with_telephone(parts) as both:
        yield both


@pytest.fixture
def client(phoned: tuple[Parts, Telephone]) -> FlaskClient:
    return create_app(parts=phoned[0]).test_client()


@pytest.fixture
def lin(client: FlaskClient, phoned: tuple[Parts, Telephone], tx: Tx) -> dict[str, str]:
    """The header of 林晓雨, logged in."""
    parts, phone = phoned
    with tx() as session:
        a_shop(session)
        set_clerk(session, "C-SZFT-01", phone_hash=hash_phone(parts.vault, "13800000001"))
    phone.accounts["c1"], phone.phones["p1"] = {"openid": "lin"}, "13800000001"
    return bearer(client.post("/api/clerk/login", json={"code": "c1", "phone_code": "p1"}).json["token"])


def test_codes_stay_the_same(client: FlaskClient, lin: dict[str, str]) -> None:
    first, again = (client.post("/api/clerk/codes", headers=lin) for _ in "12")
    assert first.status_code == 200
    assert first.json == again.json
    assert first.json["official_account"]["url"].endswith(first.json["official_account"]["scene"])
    assert first.json["mini_program"]["page"] == "pages/index/index"
    assert len(first.json["mini_program"]["scene"]) == 22


def test_the_poster_is_a_printable_png(client: FlaskClient, lin: dict[str, str]) -> None:
    response = client.get("/api/clerk/poster", headers=lin)
    assert (response.status_code, response.content_type) == (200, "image/png")
    with Image.open(io.BytesIO(response.data)) as picture:
        assert picture.size == (1200, 1800)


def test_garbage_asked_of_the_poster(client: FlaskClient, lin: dict[str, str], problem_of: Check) -> None:
    for query in ("code=website", "code=", "size=3"):
        assert problem_of(client.get(f"/api/clerk/poster?{query}", headers=lin))[:2] == (422, "INVALID")


def test_wechat_away_is_told_and_the_next_call_finishes(
    client: FlaskClient, phoned: tuple[Parts, Telephone], lin: dict[str, str], problem_of: Check
) -> None:
    phone = phoned[1]
    phone.dead.add("/wxa/getwxacodeunlimit")
    assert problem_of(client.post("/api/clerk/codes", headers=lin))[:2] == (503, "WECHAT_UNAVAILABLE")
    phone.dead.clear()
    assert client.post("/api/clerk/codes", headers=lin).status_code == 200
    assert phone.count("/cgi-bin/qrcode/create") == 1
