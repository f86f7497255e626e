"""Codes, campaigns, batches and printed things over HTTP: who may see and do what."""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import text

from app import create_app
from app.base.db import Tx
from app.codes import batch, campaigns
from app.codes.making import CodePage
from app.members.phones import hash_phone
from app.posters.qr import qr_png
from app.wiring import Parts
from models.operators import OperatorRole
from tests.doors.conftest import Clock
from tests.doors.office import office
from tests.doors.phoned import bearer, with_telephone
from tests.make import count
from tests.people import set_clerk
from tests.rooms.tills import two_companies
from tests.telephone import Telephone

Check = Callable[[Any], tuple[int, str, list[str]]]
Headers = dict[str, str]
PAGE = CodePage("pages/index/index")


@pytest.fixture
def phoned(parts: Parts) -> Iterator[tuple[Parts, Telephone]]:
    with with_telephone(parts) as both:
        yield both


@pytest.fixture
def client(phoned: tuple[Parts, Telephone], tx: Tx) -> FlaskClient:
    with tx() as session:
        two_companies(session)
    return create_app(parts=phoned[0]).test_client()


@pytest.fixture
def marketing(client: FlaskClient, parts: Parts) -> Headers:
    return office(parts, OperatorRole.MARKETING)


@pytest.fixture
def futian(client: FlaskClient, parts: Parts) -> Headers:
    return office(parts, OperatorRole.STORE_MANAGER, store="SZ-FT")


@pytest.fixture
def weifang(client: FlaskClient, parts: Parts) -> Headers:
    return office(parts, OperatorRole.FRANCHISEE, entity="E-WF1")


def log_in(client: FlaskClient, phoned: tuple[Parts, Telephone], tx: Tx, code: str) -> Headers:
    parts, phone = phoned
    with tx() as session:
        set_clerk(session, code, phone_hash=hash_phone(parts.vault, "13800000001"))
    once = {"code": f"c-{code}", "phone_code": f"p-{code}"}
    phone.accounts[once["code"]], phone.phones[once["phone_code"]] = {"openid": code}, "13800000001"
    return bearer(client.post("/api/clerk/login", json=once).json["token"])


def test_a_stores_codes_and_those_of_a_printed_thing(
    client: FlaskClient, futian: Headers, marketing: Headers, problem_of: Check, tx: Tx
) -> None:
    first, again = (
        client.post("/api/backoffice/codes", json={"store": "SZ-FT"}, headers=who)
        for who in (futian, marketing)
    )
    assert (first.status_code, first.json) == (201, again.json)
    wall = {"store": "SZ-FT", "label": "橱窗海报"}
    things = [client.post("/api/backoffice/codes", json=wall, headers=futian).json["scenes"] for _ in "12"]
    assert len({*first.json["scenes"], *things[0], *things[1]}) == 6
    listed = client.get("/api/backoffice/codes?limit=4", headers=futian).json
    assert [one["kind"] for one in listed["items"]] == ["MATERIAL_MP", "MATERIAL_OA"] * 2
    rest = client.get(f"/api/backoffice/codes?cursor={listed['next']}", headers=futian).json
    assert {one["kind"] for one in rest["items"]} == {"STORE_OA", "STORE_MP"}
    assert rest["next"] is None
    quota = client.get("/api/backoffice/codes/quota", headers=marketing).json
    assert quota == {"used": 3, "left": 99_997, "most": 100_000, "warns": False}


def test_nobody_reaches_beyond_the_own_scope(
    client: FlaskClient, futian: Headers, weifang: Headers, parts: Parts, problem_of: Check, tx: Tx
) -> None:
    scenes = client.post("/api/backoffice/codes", json={"store": "SZ-FT"}, headers=futian).json["scenes"]
    refused = [
        client.post("/api/backoffice/codes", json={"store": "SZ-NS"}, headers=futian),
        client.post("/api/backoffice/codes", json={"store": "SZ-FT"}, headers=weifang),
        client.post("/api/backoffice/codes", json={"store": "XX"}, headers=weifang),
        client.post(f"/api/backoffice/codes/{scenes[0]}/revoke", json={"why": "x"}, headers=weifang),
        client.get(f"/api/backoffice/materials?scenes={scenes[0]}", headers=weifang),
    ]
    assert [problem_of(answer)[:2] for answer in refused] == [(404, "NOT_FOUND")] * 5
    assert client.get("/api/backoffice/codes", headers=weifang).json["items"] == []
    stranger = office(parts, OperatorRole.FINANCE)
    for path in ("codes", "codes/quota", "code-batches", "campaigns", f"materials?scenes={scenes[0]}"):
        assert problem_of(client.get(f"/api/backoffice/{path}", headers=stranger))[:2] == (403, "ROLE_NEEDED")
    assert problem_of(client.get("/api/backoffice/campaigns", headers=futian))[:2] == (403, "ROLE_NEEDED")
    with tx() as session:
        assert count(session, "qr_code") == 2
        assert count(session, "qr_code", "revoked_at is not null") == 0


def test_a_withdrawn_code_is_listed_with_its_reason_and_printed_no_more(
    client: FlaskClient, futian: Headers, problem_of: Check
) -> None:
    scene = client.post("/api/backoffice/codes", json={"store": "SZ-FT"}, headers=futian).json["scenes"][0]
    path = f"/api/backoffice/codes/{scene}/revoke"
    assert problem_of(client.post(path, json={}, headers=futian))[2] == ["why"]
    for _ in "12":
        assert client.post(path, json={"why": "海报遗失"}, headers=futian).status_code == 204
    listed = client.get("/api/backoffice/codes", headers=futian).json["items"]
    assert [one["revoke_reason"] for one in listed if one["scene"] == scene] == ["海报遗失"]
    assert problem_of(client.get(f"/api/backoffice/materials?scenes={scene}", headers=futian))[0] == 404


def test_things_to_print(client: FlaskClient, futian: Headers, problem_of: Check) -> None:
    scenes = client.post("/api/backoffice/codes", json={"store": "SZ-FT"}, headers=futian).json["scenes"]
    official = scenes[0]
    badge = client.get(f"/api/backoffice/materials?scenes={official}&form=png", headers=futian)
    with Image.open(io.BytesIO(badge.data)) as picture:
        assert picture.size == (1016, 638)
    for material, sheet in (("poster", "single"), ("shelf_card", "a4"), ("badge", "a4")):
        query = f"scenes={official},{official}&material={material}&sheet={sheet}"
        made = client.get(f"/api/backoffice/materials?{query}", headers=futian)
        assert (made.status_code, made.content_type) == (200, "application/pdf")
        assert made.data.startswith(b"%PDF-")
    wrong = [
        (f"scenes={official},{official}&form=png", "scenes"),
        ("scenes=", "scenes"),
        (f"scenes={official}&material=flag", "material"),
        (f"scenes={','.join(['x'] * 51)}", "scenes"),
        (f"scenes={official}&material=poster&sheet=a4", "sheet"),
    ]
    for query, field in wrong:
        answer = problem_of(client.get(f"/api/backoffice/materials?{query}", headers=futian))
        assert (answer[0], answer[2]) == (422, [field])


def test_a_campaign_from_begin_to_end(
    client: FlaskClient,
    marketing: Headers,
    phoned: tuple[Parts, Telephone],
    clock: Clock,
    problem_of: Check,
    tx: Tx,
) -> None:
    _, phone = phoned
    wish = {
        "code": "SUMMER-2026",
        "name": "夏日新品",
        "starts_at": "2026-11-21T00:00:00+08:00",
        "ends_at": "2026-12-31T00:00:00+08:00",
        "stores": ["SZ-FT", "WF-YQ"],
    }
    assert client.post("/api/backoffice/campaigns", json=wish, headers=marketing).status_code == 201
    again = client.post("/api/backoffice/campaigns", json=wish, headers=marketing)
    assert problem_of(again)[:2] == (409, "CODE_TAKEN")
    with tx() as session:
        job = session.execute(
            text("select args from procrastinate_jobs where task_name = 'make_campaign_codes'")
        )
        campaign_id = job.scalar_one()["campaign_id"]
    campaigns.make_codes(tx, phone.oa, phone.mp, campaign_id=campaign_id, page=PAGE, now=clock.now)
    (listed,) = client.get("/api/backoffice/campaigns", headers=marketing).json["items"]
    assert (listed["code"], listed["stores"]) == ("SUMMER-2026", 2)
    codes = client.get("/api/backoffice/codes?campaign=SUMMER-2026&kind=CAMPAIGN_OA", headers=marketing)
    scene = codes.json["items"][0]["scene"]
    shown = client.get(f"/c/{scene}")
    assert (shown.status_code, shown.content_type) == (200, "image/png")
    assert shown.data == qr_png(f"http://weixin.qq.com/q/{scene}", size_px=600)
    assert client.get("/c/c-nobody").status_code == 404
    clock.now += timedelta(days=41)
    assert client.get(f"/c/{scene}").status_code == 404


def test_a_batch_is_started_watched_and_downloaded(
    client: FlaskClient,
    weifang: Headers,
    futian: Headers,
    phoned: tuple[Parts, Telephone],
    clock: Clock,
    problem_of: Check,
    tx: Tx,
) -> None:
    _, phone = phoned
    begun = client.post("/api/backoffice/code-batches", headers=weifang)
    assert (begun.status_code, begun.json["total"], begun.json["done"]) == (202, 3, 0)
    path = f"/api/backoffice/code-batches/{begun.json['number']}"
    with tx() as session:
        set_clerk(session, "C-WFYQ-02", status="LEFT")
    batch.run(tx, phone.oa, phone.mp, number=begun.json["number"], page=PAGE, clock=clock, most=50)
    told = client.get(path, headers=weifang).json
    assert (told["state"], told["done"], told["failed"]) == ("DONE", 2, 1)
    assert told["failures"] == [{"code": "C-WFYQ-02", "name": "孙浩", "reason": "CLERK_LEFT"}]
    made = client.get(f"{path}/materials.zip?form=pdf&material=shelf_card", headers=weifang)
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        assert sorted(archive.namelist()) == ["WF-YQ/C-WFYQ-01.pdf", "WF-YQ/WF-YQ.pdf"]
    for answer in (
        client.get(path, headers=futian),
        client.post(f"{path}/stop", headers=futian),
        client.get(f"{path}/materials.zip", headers=futian),
    ):
        assert problem_of(answer)[:2] == (404, "NOT_FOUND")
    assert problem_of(client.post(f"{path}/stop", headers=weifang))[:2] == (409, "WRONG_STATE")
    assert client.get("/api/backoffice/code-batches", headers=futian).json["items"] == []


def test_a_clerk_prints_the_own_badge_and_a_manager_the_stores_things(
    client: FlaskClient, phoned: tuple[Parts, Telephone], tx: Tx, problem_of: Check
) -> None:
    lin = log_in(client, phoned, tx, "C-SZFT-01")
    badge = client.get("/api/clerk/material?form=png", headers=lin)
    assert (badge.status_code, badge.content_type) == (200, "image/png")
    card = client.get("/api/clerk/material?material=shelf_card", headers=lin)
    assert card.data.startswith(b"%PDF-")
    assert problem_of(client.post("/api/clerk/store-codes", headers=lin))[:2] == (403, "ROLE_NEEDED")
    with tx() as session:
        session.execute(text("update clerk set phone_hash = null"))
        session.execute(text("update member set phone_hash = null where phone_hash is not null"))
    huang = log_in(client, phoned, tx, "C-SZFT-03")
    codes = client.post("/api/clerk/store-codes", headers=huang).json
    assert codes == client.post("/api/clerk/store-codes", headers=huang).json
    with tx() as session:
        lins = session.execute(text("select scene from qr_code where kind = 'CLERK_OA'")).scalars().all()
    sheet = ",".join([codes["official_account"], *lins])
    made = client.get(f"/api/clerk/store-material?scenes={sheet}&sheet=a4", headers=huang)
    assert made.data.startswith(b"%PDF-")
    with tx() as session:
        other = session.execute(
            text(
                "insert into qr_code (scene, kind, store_id, url)"
                " select 's-other', 'STORE_OA', id, 'u' from store where code = 'SZ-NS' returning scene"
            )
        ).scalar_one()
    refused = client.get(f"/api/clerk/store-material?scenes={other}", headers=huang)
    assert problem_of(refused)[:2] == (404, "NOT_FOUND")
