"""Logging in over HTTP: tokens, codes used twice, phones, scenes, and what garbage gets."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.base.db import Tx
from app.members.phones import hash_phone
from app.wiring import Parts
from tests.doors.phoned import bearer, with_telephone
from tests.make import a_shop, count
from tests.people import a_code, set_clerk
from tests.telephone import Telephone

Check = Callable[[Any], tuple[int, str, list[str]]]
NUMBER = "13800000001"


@pytest.fixture
def phoned(parts: Parts) -> Iterator[tuple[Parts, Telephone]]:
    with with_telephone(parts) as both:
        yield both


@pytest.fixture
def phone(phoned: tuple[Parts, Telephone]) -> Telephone:
    return phoned[1]


@pytest.fixture
def client(phoned: tuple[Parts, Telephone]) -> FlaskClient:
    return create_app(parts=phoned[0]).test_client()


@pytest.fixture
def scene(tx: Tx, parts: Parts) -> str:
    with tx() as session:
        a_shop(session)
        set_clerk(session, "C-SZFT-01", phone_hash=hash_phone(parts.vault, NUMBER))
        return a_code(session, "C-SZFT-01")


def logged_in(client: FlaskClient, phone: Telephone, code: str = "c1", **more: str) -> dict[str, Any]:
    phone.accounts[code] = {"openid": "user-1", "unionid": "U"}
    response = client.post("/api/shopper/login", json={"code": code, **more})
    assert response.status_code == 200, response.json
    found: dict[str, Any] = response.json
    return found


def test_a_shopper_logs_in_sees_the_own_record_and_logs_out(client: FlaskClient, phone: Telephone) -> None:
    told = logged_in(client, phone)
    assert sorted(told) == ["expires_at", "is_new", "member", "token"]
    me = client.get("/api/shopper/me", headers=bearer(told["token"]))
    assert me.status_code == 200
    assert {name: me.json[name] for name in ("member", "phone_tail", "follows", "service")} == {
        "member": told["member"],
        "phone_tail": None,
        "follows": False,
        "service": None,
    }
    assert client.post("/api/shopper/logout", headers=bearer(told["token"])).status_code == 204
    assert client.get("/api/shopper/me", headers=bearer(told["token"])).status_code == 401


def test_a_code_used_twice_is_refused(client: FlaskClient, phone: Telephone, problem_of: Check) -> None:
    logged_in(client, phone)
    again = client.post("/api/shopper/login", json={"code": "c1"})
    assert problem_of(again) == (401, "CODE_USED", [])
    assert again.json["title"] == "登录凭证已失效，请重试"


def test_bnd_1_a_scene_at_login_is_a_touch(client: FlaskClient, phone: Telephone, scene: str, tx: Tx) -> None:
    told = logged_in(client, phone, scene=scene)
    service = client.get("/api/shopper/me", headers=bearer(told["token"])).json["service"]
    assert (service["clerk_name"], service["store_code"]) == ("林晓雨", "SZ-FT")
    with tx() as session:
        assert count(session, "touch", "kind = 'MP_SCENE' and result = 'ACQUIRED'") == 1


def test_tch_1_a_page_that_a_clerk_shared_is_a_touch_of_its_own_kind(
    client: FlaskClient, phone: Telephone, scene: str, tx: Tx
) -> None:
    token = logged_in(client, phone, scene=scene, came_by="SHARE")["token"]
    with tx() as session:
        assert count(session, "touch", "kind = 'SHARE_CLICK' and result = 'ACQUIRED'") == 1
    shared = {"scene": scene, "came_by": "SHARE"}
    assert client.post("/api/shopper/touches", json=shared, headers=bearer(token)).status_code == 200
    other = client.post("/api/shopper/touches", json=shared | {"came_by": "POS_SALE"}, headers=bearer(token))
    assert other.status_code == 422
    with tx() as session:
        assert count(session, "touch", "kind = 'SHARE_CLICK'") == count(session, "touch") == 2


def test_a_scene_of_nobody_does_not_hinder_the_login(client: FlaskClient, phone: Telephone, tx: Tx) -> None:
    logged_in(client, phone, scene="somebody-elses")
    with tx() as session:
        assert count(session, "touch", "invalid_reason = 'CODE_UNKNOWN'") == 1


def test_tch_2_a_scene_told_twice_in_a_second_is_one_touch(
    client: FlaskClient, phone: Telephone, scene: str, tx: Tx
) -> None:
    token = logged_in(client, phone)["token"]
    answers = [
        client.post("/api/shopper/touches", json={"scene": scene}, headers=bearer(token)) for _ in "12"
    ]
    assert [found.json["clerk_name"] for found in answers] == ["林晓雨", "林晓雨"]
    with tx() as session:
        assert count(session, "touch") == 1


def test_a_phone_is_verified_and_only_its_tail_is_told(
    client: FlaskClient, phone: Telephone, problem_of: Check
) -> None:
    token = logged_in(client, phone)["token"]
    phone.phones["p1"] = NUMBER
    told = client.post("/api/shopper/phone", json={"code": "p1"}, headers=bearer(token))
    assert (told.status_code, told.json) == (200, {"phone_tail": "0001"})
    again = client.post("/api/shopper/phone", json={"code": "p1"}, headers=bearer(token))
    assert problem_of(again)[:2] == (401, "CODE_USED")


def test_wechat_away_is_told_as_such(client: FlaskClient, phone: Telephone, problem_of: Check) -> None:
    phone.dead.add("/sns/jscode2session")
    refused = client.post("/api/shopper/login", json={"code": "c1"})
    assert problem_of(refused)[:2] == (503, "WECHAT_UNAVAILABLE")
    assert refused.headers["Retry-After"]


@pytest.mark.parametrize("path", ["/api/shopper/login", "/api/clerk/login"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": ""},
        {"code": 1},
        {"code": None},
        {"code": "c" * 129},
        {"code": "a\x00b"},
        {"code": "c1", "surprise": 1},
        [],
        "c1",
    ],
)
def test_garbage_is_refused_before_wechat_is_asked(
    client: FlaskClient, phone: Telephone, problem_of: Check, path: str, body: object
) -> None:
    assert problem_of(client.post(path, json=body))[0] in (400, 422)
    assert phone.asked == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/shopper/me"),
        ("post", "/api/shopper/logout"),
        ("get", "/api/clerk/me"),
        ("post", "/api/clerk/logout"),
        ("post", "/api/clerk/codes"),
        ("get", "/api/clerk/poster"),
    ],
)
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer x", "Bearer " + "a" * 43, "Basic " + "a" * 43])
def test_nobody_gets_in_without_a_live_token(
    client: FlaskClient, problem_of: Check, method: str, path: str, header: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    assert problem_of(getattr(client, method)(path, headers=headers))[:2] == (401, "LOGIN_REQUIRED")


def test_a_clerk_logs_in_with_the_phone_of_the_roster(
    client: FlaskClient, phone: Telephone, scene: str, problem_of: Check
) -> None:
    phone.accounts = {f"c{n}": {"openid": "lin"} for n in range(2)}
    phone.phones["p1"] = NUMBER
    needed = client.post("/api/clerk/login", json={"code": "c0"})
    assert problem_of(needed)[:2] == (403, "PHONE_CODE_NEEDED")
    told = client.post("/api/clerk/login", json={"code": "c1", "phone_code": "p1"}).json
    me = client.get("/api/clerk/me", headers=bearer(told["token"])).json
    assert me == {"clerk": "C-SZFT-01", "name": "林晓雨", "role": "CLERK", "store": "SZ-FT"}
    refused = client.get("/api/shopper/me", headers=bearer(told["token"]))
    assert problem_of(refused)[:2] == (403, "WRONG_AUDIENCE")


def test_a_shoppers_token_opens_no_clerks_door(
    client: FlaskClient, phone: Telephone, problem_of: Check
) -> None:
    token = logged_in(client, phone)["token"]
    assert problem_of(client.post("/api/clerk/codes", headers=bearer(token)))[:2] == (403, "WRONG_AUDIENCE")
