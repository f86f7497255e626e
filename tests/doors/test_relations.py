"""Who serves whom over HTTP: the shopper's choice, the clerk's fans and tasks, the manager's team, the back office."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.members import consents
from app.relations import tasks
from app.wiring import Parts
from models.members import Purpose
from models.operators import OperatorRole
from tests import make
from tests.bound import HUANG, LIN, ZHAO, ZHOU, history, members_of, more_places, number_of, serving
from tests.doors.conftest import NOON, Clock
from tests.doors.office import office
from tests.doors.phoned import bearer

Check = Callable[[Any], tuple[int, str, list[str]]]
CHEN, WANG = "C-SZFT-02", "C-WFTH-01"
BOUND = NOON - timedelta(days=2)


@pytest.fixture
def fans(tx: Tx) -> list[int]:
    """Three members of 林晓雨, bound two days ago."""
    with tx() as session:
        make.a_shop(session)
        more_places(session)
        return members_of(session, LIN, 3, at=BOUND)


def clerk(tx: Tx, code: str) -> dict[str, str]:
    with tx() as session:
        return bearer(make.a_clerk_login(session, code))


def shopper(tx: Tx, member_id: int) -> dict[str, str]:
    with tx() as session:
        row = session.execute(
            text(
                "select m.number, i.id from member m join identity i on i.member_id = m.id where m.id = :id limit 1"
            ),
            {"id": member_id},
        ).one()
        return bearer(make.a_login(session, make.Buyer(member_id, row.number, row.id)))


def number(tx: Tx, member_id: int) -> str:
    with tx() as session:
        return number_of(session, member_id)


def test_bnd_5_a_shopper_chooses_and_is_told_when_again(
    client: FlaskClient, tx: Tx, fans: list[int], problem_of: Check
) -> None:
    me = shopper(tx, fans[0])
    assert client.get("/api/shopper/me/clerk", headers=me).json == {
        "clerk": LIN,
        "clerk_name": "林晓雨",
        "store": "SZ-FT",
        "store_name": "澜序·福田购物公园店",
        "since": "2026-11-19T12:00:00+08:00",
        "may_choose_at": None,
        "may_refuse_until": None,
    }
    offered = client.get("/api/shopper/me/clerks?store=SZ-NS", headers=me).json["items"]
    assert [one["clerk"] for one in offered] == [ZHOU, ZHAO]
    chosen = client.put("/api/shopper/me/clerk", headers=me, json={"clerk": ZHOU}).json
    assert (chosen["clerk"], chosen["store"], chosen["may_choose_at"]) == (
        ZHOU,
        "SZ-NS",
        "2026-12-22T00:00:00+08:00",
    )
    again = client.put("/api/shopper/me/clerk", headers=me, json={"clerk": None})
    assert problem_of(again) == (409, "CHOICE_LIMIT", [])
    assert again.json["facts"] == {"again_at": "2026-12-22T00:00:00+08:00"}
    assert problem_of(client.put("/api/shopper/me/clerk", headers=me, json={"clerk": "C-NONE"}))[0] == 404
    assert problem_of(client.put("/api/shopper/me/clerk", headers=me, json={}))[2] == ["clerk"]
    assert problem_of(client.post("/api/shopper/me/clerk/refuse", headers=me))[1] == "NOTHING_TO_REFUSE"
    with tx() as session:
        assert serving(session, fans) == [(ZHOU, "SZ-NS"), (LIN, "SZ-FT"), (LIN, "SZ-FT")]


def test_bnd_6_a_manager_hands_over_and_a_member_refuses(
    client: FlaskClient, tx: Tx, fans: list[int], problem_of: Check
) -> None:
    boss = clerk(tx, HUANG)
    base = f"/api/clerk/team/{LIN}"
    wish = {"mode": "EVEN_SPLIT"}
    assert problem_of(client.post(f"{base}/handover/preview", headers=boss, json=wish))[1] == "NOT_LEAVING"
    last = {"last_day": "2026-11-30", "why": "回家乡"}
    assert client.put(f"{base}/leaving", headers=boss, json=last).status_code == 204
    told = client.post(f"{base}/handover/preview", headers=boss, json=wish).json
    assert (told["total"], [part["members"] for part in told["parts"]]) == (3, [1, 1, 1])
    done = client.post(f"{base}/handover", headers=boss, json={**wish, "why": "交接"})
    assert (done.status_code, done.json["state"], done.json["moved"]) == (200, "DONE", 3)
    repeated = client.post(f"{base}/handover", headers=boss, json={**wish, "why": "交接"})
    assert problem_of(repeated)[1] == "NOTHING_TO_HAND_OVER"
    seen = client.get(f"/api/clerk/team/handovers/{done.json['number']}", headers=boss).json
    assert seen["total"] == 3
    me = shopper(tx, fans[0])
    mine = client.get("/api/shopper/me/clerk", headers=me).json
    assert mine["may_refuse_until"] == "2026-11-22T12:00:00+08:00"
    refused = client.post("/api/shopper/me/clerk/refuse", headers=me).json
    assert (refused["clerk"], refused["store"]) == (None, "SZ-FT")
    team = client.get("/api/clerk/team", headers=boss).json
    assert team["pool"] == 1
    assert {mate["clerk"]: mate["members"] for mate in team["items"]}[LIN] == 0
    other = clerk(tx, ZHAO)
    for answer in (
        client.put(f"{base}/leaving", headers=other, json=last),
        client.post(f"{base}/handover/preview", headers=other, json=wish),
        client.post(f"{base}/handover", headers=other, json={**wish, "why": "x"}),
        client.get(f"/api/clerk/team/handovers/{done.json['number']}", headers=other),
        client.post(
            "/api/clerk/team/transfers",
            headers=other,
            json={"member": number(tx, fans[1]), "to": ZHOU, "why": "x"},
        ),
        client.get(f"/api/clerk/team/members/{number(tx, fans[1])}/story", headers=other),
    ):
        assert problem_of(answer)[:2] == (404, "NOT_FOUND")
    with tx() as session:
        assert make.count(session, "handover") == 1


def test_bnd_7_a_manager_transfers_twice_and_not_a_third_time(
    client: FlaskClient, tx: Tx, fans: list[int], problem_of: Check
) -> None:
    boss, member = clerk(tx, HUANG), number(tx, fans[0])
    for to in (CHEN, HUANG):
        body = {"member": member, "to": to, "why": "调整"}
        assert client.post("/api/clerk/team/transfers", headers=boss, json=body).status_code == 204
    third = {"member": member, "to": LIN, "why": "调整"}
    assert problem_of(client.post("/api/clerk/team/transfers", headers=boss, json=third))[:2] == (
        409,
        "TRANSFER_LIMIT",
    )
    out = {"member": member, "to": ZHOU, "why": "调整"}
    assert problem_of(client.post("/api/clerk/team/transfers", headers=boss, json=out))[0] == 404
    plain = clerk(tx, CHEN)
    assert problem_of(client.post("/api/clerk/team/transfers", headers=plain, json=third))[1] == "ROLE_NEEDED"
    with tx() as session:
        assert [row[0] for row in history(session, fans[0])] == [LIN, CHEN, HUANG]


def test_cns_2_a_clerk_sees_of_the_fans_what_they_agreed_to(
    client: FlaskClient, tx: Tx, fans: list[int], parts: Parts, problem_of: Check
) -> None:
    me, seen = clerk(tx, LIN), number(tx, fans[0])
    with tx() as session:
        session.execute(
            text("update member set phone_sealed = :sealed where id = :id"),
            {"sealed": parts.vault.seal("phone", "13812345678"), "id": fans[0]},
        )
    first = client.get("/api/clerk/fans?limit=2", headers=me).json
    rest = client.get("/api/clerk/fans", query_string={"cursor": first["next"]}, headers=me).json
    assert [fan["member"] for fan in first["items"] + rest["items"]] == [
        number(tx, one) for one in reversed(fans)
    ]
    assert (rest["next"], rest["items"][0]["phone_tail"], rest["items"][0]["may_contact"]) == (
        None,
        None,
        False,
    )
    assert problem_of(client.post(f"/api/clerk/fans/{seen}/phone", headers=me))[:2] == (403, "NO_CONSENT")
    with tx() as session:
        consents.give(
            session, member_id=fans[0], purpose=Purpose.CLERK_CONTACT, doc_version="1", channel="t", now=NOON
        )
    assert client.get("/api/clerk/fans", headers=me).json["items"][-1]["phone_tail"] == "5678"
    assert client.post(f"/api/clerk/fans/{seen}/phone", headers=me).json == {"phone": "13812345678"}
    other = clerk(tx, ZHOU)
    assert problem_of(client.post(f"/api/clerk/fans/{seen}/phone", headers=other))[0] == 404
    assert client.get("/api/clerk/fans", headers=other).json["items"] == []
    assert problem_of(client.get("/api/clerk/fans?cursor=x", headers=me))[2] == ["cursor"]
    with tx() as session:
        looks = session.execute(
            text("select actor, subject from audit_entry where action = 'member.phone_seen'")
        )
        assert [tuple(row) for row in looks] == [(f"clerk:{LIN}", f"member:{seen}")]


def test_tasks_are_listed_ticked_off_once_and_nobody_elses(
    client: FlaskClient, tx: Tx, fans: list[int], problem_of: Check
) -> None:
    assert tasks.make_due(tx, now=NOON) == 3
    me = clerk(tx, LIN)
    page = client.get("/api/clerk/tasks?limit=2", headers=me).json
    rest = client.get("/api/clerk/tasks", query_string={"cursor": page["next"]}, headers=me).json
    assert [len(page["items"]), len(rest["items"]), rest["next"]] == [2, 1, None]
    one = page["items"][0]
    assert (one["kind"], one["due_on"], one["order"]) == ("GREET", "2026-11-20", None)
    url = f"/api/clerk/tasks/{one['number']}/done"
    assert problem_of(client.post(url, headers=clerk(tx, ZHOU), json={}))[0] == 404
    first = client.post(url, headers=me, json={"note": "已问候"}).json
    assert client.post(url, headers=me, json={"note": "再次"}).json == first
    assert len(client.get("/api/clerk/tasks", headers=me).json["items"]) == 2
    with tx() as session:
        assert (
            session.execute(text("select note from clerk_task where done_at is not null")).scalar_one()
            == "已问候"
        )


def test_cns_1_consents_are_given_withdrawn_and_no_row_is_no(
    client: FlaskClient, tx: Tx, fans: list[int], problem_of: Check
) -> None:
    me, url = shopper(tx, fans[0]), "/api/shopper/me/consents"
    assert {one["given"] for one in client.get(url, headers=me).json["items"]} == {False}
    for version in ("2026-01", "2026-01", "2026-03"):
        body = {"doc_version": version}
        assert client.put(f"{url}/CLERK_CONTACT", headers=me, json=body).status_code == 204
    given = [one for one in client.get(url, headers=me).json["items"] if one["given"]]
    assert [(one["purpose"], one["doc_version"]) for one in given] == [("CLERK_CONTACT", "2026-03")]
    for _ in range(2):
        assert client.delete(f"{url}/CLERK_CONTACT", headers=me).status_code == 204
    assert {one["given"] for one in client.get(url, headers=me).json["items"]} == {False}
    assert problem_of(client.put(f"{url}/EVERYTHING", headers=me, json={"doc_version": "1"}))[2] == [
        "purpose"
    ]
    with tx() as session:
        assert make.count(session, "consent", "withdrawn_at is not null") == 2


def test_bnd_12_a_shopper_lands_by_priority(
    client: FlaskClient, tx: Tx, fans: list[int], parts: Parts, clock: Clock, problem_of: Check
) -> None:
    clock.now = NOON + timedelta(days=1)
    with tx() as session:
        stranger = make.a_buyer(session, "stranger")
        token = bearer(make.a_login(session, stranger))
        session.execute(
            text(
                "insert into qr_code (scene, kind, store_id)"
                " select 's-ns', 'STORE_MP', id from store where code = 'SZ-NS'"
            )
        )

    def land(**query: object) -> tuple[str, str]:
        found = client.get("/api/shopper/landing", headers=token, query_string=query).json
        return found["store"], found["because"]

    assert land() == ("ONLINE", "DEFAULT")
    assert land(lat=22.5, lng=113.9) == ("SZ-NS", "NEAREST")
    assert client.put("/api/shopper/landing", headers=token, json={"store": "WF-TH"}).status_code == 204
    assert land(lat=22.5, lng=113.9) == ("WF-TH", "LAST_CHOSEN")
    assert client.put("/api/shopper/me/clerk", headers=token, json={"clerk": ZHOU}).status_code == 200
    assert land() == ("SZ-NS", "SERVICE_CLERK")
    head = office(parts, OperatorRole.OWNER)
    allowed = {"store": "SZ-FT", "why": "员工"}
    url = "/api/backoffice/members/M-stranger/allowed-store"
    assert client.put(url, headers=head, json=allowed).status_code == 204
    assert land() == ("SZ-FT", "ALLOW_LIST")
    assert land(scene=f"c-{LIN.lower()}") == ("SZ-FT", "CLERK_MATERIAL")
    assert land(scene="s-ns") == ("SZ-NS", "STORE_CODE")
    assert problem_of(client.get("/api/shopper/landing?lat=1", headers=token))[2] == ["lng"]
    assert problem_of(client.put("/api/shopper/landing", headers=token, json={"store": "X"}))[0] == 404


def test_the_back_office_sees_and_moves_only_its_part(
    client: FlaskClient, tx: Tx, fans: list[int], parts: Parts, problem_of: Check
) -> None:
    head = office(parts, OperatorRole.OWNER)
    franchisee = office(parts, OperatorRole.FRANCHISEE, entity="E-WF1")
    money = office(parts, OperatorRole.FINANCE)
    member = number(tx, fans[0])
    moving = {"store": "SZ-NS", "why": "调店"}
    for answer in (
        client.put(f"/api/backoffice/clerks/{LIN}/store", headers=franchisee, json=moving),
        client.put(
            f"/api/backoffice/clerks/{LIN}/leaving",
            headers=franchisee,
            json={"last_day": "2026-11-30", "why": "x"},
        ),
        client.post(
            "/api/backoffice/transfers", headers=franchisee, json={"member": member, "to": WANG, "why": "x"}
        ),
        client.get(f"/api/backoffice/members/{member}/story", headers=franchisee),
        client.put(
            "/api/backoffice/stores/SZ-FT/closing",
            headers=franchisee,
            json={"closing_on": "2026-12-31", "why": "x"},
        ),
    ):
        assert problem_of(answer)[:2] == (404, "NOT_FOUND")
    assert (
        problem_of(client.put(f"/api/backoffice/clerks/{LIN}/store", headers=money, json=moving))[1]
        == "ROLE_NEEDED"
    )
    with tx() as session:
        assert serving(session, fans) == [(LIN, "SZ-FT")] * 3
    moved = client.put(f"/api/backoffice/clerks/{LIN}/store", headers=head, json=moving).json
    assert client.get(f"/api/backoffice/handovers/{moved['handover']}", headers=head).json["moved"] == 3
    with tx() as session:
        assert serving(session, fans) == [(LIN, "SZ-NS")] * 3


def test_bnd_9_head_office_closes_a_store(
    client: FlaskClient, tx: Tx, fans: list[int], parts: Parts, problem_of: Check
) -> None:
    head = office(parts, OperatorRole.OWNER)
    with tx() as session:
        pool = members_of(session, None, 2, store="SZ-FT", at=BOUND)
    closing = {"closing_on": "2026-12-31", "successor": "SZ-NS", "why": "租约到期"}
    why = {"why": "租约到期"}
    url = "/api/backoffice/stores/SZ-FT"
    assert problem_of(client.post(f"{url}/close", headers=head, json=why))[1] == "NOT_CLOSING"
    assert client.put(f"{url}/closing", headers=head, json=closing).status_code == 204
    assert problem_of(client.post(f"{url}/close", headers=head, json=why))[1] == "CLERKS_FIRST"
    for code in (LIN, HUANG, CHEN, "C-SZFT-04"):
        body = {"store": "SZ-NS", "why": "闭店"}
        assert client.put(f"/api/backoffice/clerks/{code}/store", headers=head, json=body).status_code == 200
    assert client.post(f"{url}/close", headers=head, json=why).json["handover"]
    with tx() as session:
        assert serving(session, [*fans, *pool]) == [(LIN, "SZ-NS")] * 3 + [(None, "SZ-NS")] * 2
    contract = {"last_day": "2027-06-30", "why": "到期"}
    assert (
        client.put("/api/backoffice/entities/E-WF1/contract", headers=head, json=contract).status_code == 204
    )
    assert (
        problem_of(client.put("/api/backoffice/entities/E-X/contract", headers=head, json=contract))[0] == 422
    )


def test_bnd_4_terms_are_drafted_and_approved_by_two_people(
    client: FlaskClient, tx: Tx, fans: list[int], parts: Parts, problem_of: Check
) -> None:
    one, two = office(parts, OperatorRole.OWNER), office(parts, OperatorRole.OWNER)
    url = "/api/backoffice/binding-terms"
    assert client.get(url, headers=one).json["params"]["protect_days"] == 30
    body = {"params": {"protect_days": 45}, "effective_from": "2026-12-01T00:00:00+08:00", "why": "旺季"}
    made = client.post(url, headers=one, json=body)
    assert (made.status_code, made.json["version"], made.json["params"]["protect_days"]) == (201, 1, 45)
    assert problem_of(client.post(f"{url}/1/approve", headers=one, json={"why": "x"}))[1] == "SAME_PERSON"
    approved = client.post(f"{url}/1/approve", headers=two, json={"why": "同意"}).json
    assert approved["effective_from"] == "2026-12-01T00:00:00+08:00"
    wrong = {**body, "params": {"protect_days": -1}}
    assert problem_of(client.post(url, headers=one, json=wrong))[::2] == (422, ["protect_days"])
    franchisee = office(parts, OperatorRole.FRANCHISEE, entity="E-WF1")
    assert problem_of(client.post(url, headers=franchisee, json=body))[1] == "ROLE_NEEDED"


def test_explain_this_customer_in_plain_words_and_masked_for_a_franchisee(
    client: FlaskClient, tx: Tx, fans: list[int], parts: Parts
) -> None:
    head = office(parts, OperatorRole.OWNER)
    franchisee = office(parts, OperatorRole.FRANCHISEE, entity="E-WF1")
    member, me = number(tx, fans[0]), shopper(tx, fans[0])
    assert client.put("/api/shopper/me/clerk", headers=me, json={"clerk": WANG}).status_code == 200
    url = f"/api/backoffice/members/{member}/story"
    told = client.get(url, headers=head).json
    assert [event["kind"] for event in told["events"]] == [
        "MET",
        "TOUCH",
        "ACQUISITION",
        "BINDING",
        "BINDING",
    ]
    assert told["events"][1]["words"] == "扫码关注（澜序·福田购物公园店的林晓雨）：首次有效触点，计为拉新"
    assert told["events"][3]["words"] == "由澜序·福田购物公园店的林晓雨服务至2026-11-21：随拉新绑定"
    assert told["events"][4]["words"] == "由澜序·奎文店的王立新服务至今：顾客本人选择"
    english = client.get(url, headers={**head, "Accept-Language": "en"}).json["events"]
    assert english[2]["words"] == "Acquired by 林晓雨 of 澜序·福田购物公园店 (followed by scanning a code)"
    hidden = client.get(url, headers=franchisee).json["events"]
    assert [event["hidden"] for event in hidden] == [False, True, True, True, False]
    assert hidden[1]["words"] == "扫码关注（品牌其他公司的门店）：首次有效触点，计为拉新"
    assert (hidden[1]["clerk"], hidden[1]["store"]) == (None, None)
    agreed = client.put(
        "/api/shopper/me/consents/SHARE_WITH_FRANCHISEE", headers=me, json={"doc_version": "2026-03"}
    )
    assert agreed.status_code == 204
    assert not any(event["hidden"] for event in client.get(url, headers=franchisee).json["events"])
