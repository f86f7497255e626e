"""Head office keeps its operators over HTTP, and reads the audit log."""

import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app import create_app
from app.base.db import Tx
from app.wiring import Parts
from models.operators import OperatorRole
from tests import make
from tests.doors.office import a_franchise, office
from tests.racing import at_once

Check = Any
MANAGER = {"name": "黄丽娜", "role": "STORE_MANAGER", "store": "SZ-FT", "why": "福田店长"}


class Office:
    """Two owners, and calls as one of them."""

    def __init__(self, client: FlaskClient, parts: Parts) -> None:
        self.client, self.tx = client, parts.tx
        with parts.tx() as session:
            make.a_shop(session)
            a_franchise(session)
        self.headers = {code: office(parts, OperatorRole.OWNER, code=code) for code in ("O-1", "O-2")}

    def ask(self, method: str, path: str, body: Any = None, *, by: str = "O-1") -> Any:
        """One call under /api/backoffice/operators; in a client of its own, so that races are real."""
        client = self.client.application.test_client()
        where = f"/api/backoffice/operators{path}"
        return client.open(where, method=method, headers=self.headers[by], json=body)

    def log(self, **query: Any) -> Any:
        """A page of the audit log."""
        answer = self.client.get("/api/backoffice/audit", headers=self.headers["O-1"], query_string=query)
        assert answer.status_code == 200, answer.json
        return answer.json

    def noted(self, code: str) -> list[tuple[Any, ...]]:
        """What the log says of an operator, oldest first."""
        items = self.log(subject=f"operator:{code}", limit=50)["items"]
        return [(e["actor"], e["action"], e["before"], e["after"], e["why"]) for e in reversed(items)]


@pytest.fixture
def head(client: FlaskClient, parts: Parts) -> Office:
    """Head office."""
    return Office(client, parts)


def logged_in(head: Office, code: str, password: str) -> Any:
    return head.client.post("/api/backoffice/login", json={"code": code, "password": password})


@pytest.mark.usefixtures("right_books")
def test_an_owner_lets_somebody_in_who_then_chooses_the_password(head: Office) -> None:
    made = head.ask("POST", "", MANAGER | {"code": "O-SZFT"})
    assert (made.status_code, sorted(made.json)) == (201, ["code", "initial_password"])
    assert logged_in(head, "O-SZFT", made.json["initial_password"]).json["password_is_initial"] is True
    shown = head.ask("GET", "/O-SZFT").json
    assert {name: shown[name] for name in ("code", "role", "store", "entity", "status")} == {
        "code": "O-SZFT",
        "role": "STORE_MANAGER",
        "store": "SZ-FT",
        "entity": None,
        "status": "ACTIVE",
    }
    after = {"name": "黄丽娜", "role": "STORE_MANAGER", "entity": None, "store": "SZ-FT"}
    assert head.noted("O-SZFT")[0] == ("operator:O-1", "operator.create", None, after, "福田店长")
    with head.tx() as session:
        everything = str(session.execute(text("select o.*, a.* from operator o, audit_entry a")).all())
    assert made.json["initial_password"] not in everything


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"store": None}, ["store"]),
        ({"store": "SZ-XX"}, ["store"]),
        ({"role": "OWNER"}, ["store"]),
        ({"role": "FRANCHISEE", "store": None}, ["entity"]),
        ({"role": "FRANCHISEE", "store": None, "entity": "E-XX"}, ["entity"]),
        ({"role": "KING"}, ["role"]),
        ({"why": ""}, ["why"]),
        ({"why": "x" * 501}, ["why"]),
        ({"name": "a\x00b"}, ["name"]),
        ({"code": "O 1"}, ["code"]),
        ({"password": "chosen by the owner"}, ["password"]),
    ],
)
def test_what_does_not_fit_is_refused_by_field_and_nothing_is_kept(
    head: Office, problem_of: Check, changed: dict[str, Any], fields: list[str]
) -> None:
    answer = head.ask("POST", "", MANAGER | {"code": "O-NEW"} | changed)
    assert problem_of(answer) == (422, "INVALID", fields)
    with head.tx() as session:
        assert make.count(session, "operator") == 2
        assert make.count(session, "audit_entry", "actor <> 'test'") == 0


@pytest.mark.usefixtures("right_books")
def test_a_code_is_given_once(head: Office, problem_of: Check) -> None:
    answers = at_once(2, lambda _: head.ask("POST", "", MANAGER | {"code": "O-NEW"}))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    head.ask("POST", "/O-NEW/disable", {"why": "离职"})
    again = head.ask("POST", "", MANAGER | {"code": "O-NEW"})
    assert problem_of(again)[:2] == (409, "OPERATOR_TAKEN")


@pytest.mark.usefixtures("right_books")
def test_a_disabled_operator_is_out_at_once_and_stays_out_until_let_in(head: Office, parts: Parts) -> None:
    headers = office(parts, OperatorRole.FINANCE, code="O-FIN")
    assert head.client.get("/api/backoffice/me", headers=headers).status_code == 200
    shown = head.ask("POST", "/O-FIN/disable", {"why": "离职"})
    assert shown.json["status"] == "DISABLED"
    assert head.client.get("/api/backoffice/me", headers=headers).status_code == 401
    assert head.ask("POST", "/O-FIN/disable", {"why": "又一次"}).status_code == 200
    head.ask("POST", "/O-FIN/enable", {"why": "回来了"})
    assert (
        head.client.get("/api/backoffice/me", headers=headers).status_code == 401
    )  # the old login stays dead
    assert [(entry[1], entry[2], entry[3]) for entry in head.noted("O-FIN")[1:]] == [
        ("operator.disable", {"status": "ACTIVE"}, {"status": "DISABLED", "logins_ended": 1}),
        ("operator.enable", {"status": "DISABLED"}, {"status": "ACTIVE", "logins_ended": 0}),
    ]


@pytest.mark.usefixtures("right_books")
def test_a_role_counts_from_the_next_request_on(head: Office, parts: Parts) -> None:
    headers = office(parts, OperatorRole.FINANCE, code="O-FIN")
    assert head.client.get("/api/backoffice/audit", headers=headers).status_code == 200
    wanted = {"name": "O-FIN", "role": "FRANCHISEE", "entity": "E-WF1", "why": "加盟"}
    assert head.ask("PUT", "/O-FIN/role", wanted).json["entity"] == "E-WF1"
    assert head.client.get("/api/backoffice/audit", headers=headers).status_code == 403
    me = head.client.get("/api/backoffice/me", headers=headers).json
    assert (me["role"], me["entity"], me["store"]) == ("FRANCHISEE", "E-WF1", None)
    assert head.ask("PUT", "/O-FIN/role", wanted | {"why": "同样"}).status_code == 200
    before, after = {"role": "FINANCE", "entity": None}, {"role": "FRANCHISEE", "entity": "E-WF1"}
    assert head.noted("O-FIN")[1:] == [("operator:O-1", "operator.role", before, after, "加盟")]


@pytest.mark.usefixtures("right_books")
def test_a_reset_password_ends_logins_and_a_lock(head: Office) -> None:
    first = head.ask("POST", "", MANAGER | {"code": "O-SZFT"}).json["initial_password"]
    inside = {"Authorization": f"Bearer {logged_in(head, 'O-SZFT', first).json['token']}"}
    for _ in range(5):
        logged_in(head, "O-SZFT", "a wrong guess 1")
    assert logged_in(head, "O-SZFT", first).status_code == 429
    second = head.ask("POST", "/O-SZFT/reset-password", {"why": "忘记"}).json["initial_password"]
    assert head.client.get("/api/backoffice/me", headers=inside).status_code == 401
    assert [logged_in(head, "O-SZFT", word).status_code for word in (first, second)] == [401, 200]


def test_a_lost_authenticator_is_taken_away(head: Office, parts: Parts) -> None:
    headers = office(parts, OperatorRole.FINANCE, code="O-FIN")
    with head.tx() as session:
        session.execute(
            text("update operator set totp_sealed = 'x', totp_confirmed_at = now() where code = 'O-FIN'")
        )
        session.execute(
            text("insert into operator_recovery_code select 'h', id from operator where code = 'O-FIN'")
        )
    assert head.ask("POST", "/O-FIN/reset-totp", {"why": "手机丢失"}).json["has_totp"] is False
    assert head.client.get("/api/backoffice/me", headers=headers).status_code == 401
    with head.tx() as session:
        assert make.count(session, "operator_recovery_code") == 0
    told = ({"has_totp": True}, {"has_totp": False, "logins_ended": 1})
    assert head.noted("O-FIN")[-1][1:4] == ("operator.totp_reset", *told)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/role", {"name": "x", "role": "FINANCE", "why": "w"}),
        ("POST", "/disable", {"why": "w"}),
        ("POST", "/enable", {"why": "w"}),
        ("POST", "/reset-password", {"why": "w"}),
        ("POST", "/reset-totp", {"why": "w"}),
    ],
)
def test_nobody_changes_the_own_rights_and_nobody_whom_there_is_not(
    head: Office, problem_of: Check, method: str, path: str, body: Any
) -> None:
    assert problem_of(head.ask(method, f"/O-1{path}", body))[:2] == (403, "OWN_ACCOUNT")
    assert problem_of(head.ask(method, f"/O-NOBODY{path}", body))[:2] == (404, "NOT_FOUND")
    with head.tx() as session:
        assert make.count(session, "operator", "role = 'OWNER' and status = 'ACTIVE'") == 2
        assert make.count(session, "audit_entry", "actor <> 'test'") == 0


def test_two_owners_who_throw_each_other_out_at_once_leave_one(head: Office, parts: Parts) -> None:
    rivals = ("O-1", "O-2")
    for _ in range(5):
        answers = at_once(
            2, lambda n: head.ask("POST", f"/{rivals[1 - n]}/disable", {"why": "夺权"}, by=rivals[n])
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 401], [200, 403])
        with head.tx() as session:
            assert make.count(session, "operator", "role = 'OWNER' and status = 'ACTIVE'") == 1
            session.execute(text("update operator set status = 'ACTIVE'"))
            session.execute(text("update operator_login set revoked_at = null"))
        head.client.application.extensions["lianke.callers"]._seen.clear()


@pytest.mark.usefixtures("right_books")
def test_of_a_login_and_a_disabling_at_once_no_login_is_left(head: Office) -> None:
    password = head.ask("POST", "", MANAGER | {"code": "O-SZFT"}).json["initial_password"]

    def race(number: int) -> Any:
        if number:
            return head.ask("POST", "/O-SZFT/disable", {"why": "离职"})
        client = head.client.application.test_client()
        return client.post("/api/backoffice/login", json={"code": "O-SZFT", "password": password})

    for _ in range(5):
        login, disabled = at_once(2, race)
        assert (login.status_code in (200, 401), disabled.status_code) == (True, 200)
        if login.status_code == 200:
            headers = {"Authorization": f"Bearer {login.json['token']}"}
            assert head.client.get("/api/backoffice/me", headers=headers).status_code == 401
        with head.tx() as session:
            assert make.count(session, "operator_login", "revoked_at is null") == 2  # the two owners'
        head.ask("POST", "/O-SZFT/enable", {"why": "再来"})


def test_a_right_taken_elsewhere_is_dead_here_within_two_seconds(
    head: Office, parts: Parts, client: FlaskClient
) -> None:
    elsewhere = create_app(parts=parts).test_client()  # another process: a memory of its own
    headers = office(parts, OperatorRole.FINANCE, code="O-FIN")
    assert elsewhere.get("/api/backoffice/me", headers=headers).status_code == 200
    head.ask("POST", "/O-FIN/disable", {"why": "离职"})
    taken = time.monotonic()
    while elsewhere.get("/api/backoffice/me", headers=headers).status_code == 200:
        assert time.monotonic() - taken < 2.5
        time.sleep(0.1)
    assert client.get("/api/backoffice/me", headers=headers).status_code == 401


def test_operators_come_in_pages(head: Office) -> None:
    for number in range(3):
        head.ask("POST", "", MANAGER | {"code": f"O-S{number}"})
    seen, cursor = [], None
    while True:
        page = head.ask("GET", f"?limit=2{f'&cursor={cursor}' if cursor else ''}").json
        seen += [item["code"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == ["O-S2", "O-S1", "O-S0", "O-2", "O-1"]


def test_the_log_is_read_by_page_subject_actor_and_time(head: Office, problem_of: Check, tx: Tx) -> None:
    for number in range(3):
        head.ask("POST", "", MANAGER | {"code": f"O-S{number}"}, by="O-2")
    first = head.log(actor="operator:O-2", limit=2)
    rest = head.log(actor="operator:O-2", limit=2, cursor=first["next"])
    subjects = [item["subject"] for item in (*first["items"], *rest["items"])]
    assert (subjects, rest["next"]) == (["operator:O-S2", "operator:O-S1", "operator:O-S0"], None)
    assert first["items"][0]["at"] == "2026-11-21T12:00:00+08:00"
    assert head.log(since="2026-11-21T12:00:01+08:00")["items"] == []
    assert len(head.log(until="2026-11-21T12:00:01+08:00", action="operator.create")["items"]) == 5
    for query, field in (
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-11-21T12:00:00"}, "since"),
        ({"cursor": "x"}, "cursor"),
        ({"subject": "a\x00b"}, "subject"),
        ({"limit": 51}, "limit"),
        ({"who": "me"}, "who"),
    ):
        where = "/api/backoffice/audit"
        answer = head.client.get(where, headers=head.headers["O-1"], query_string=query)
        assert problem_of(answer) == (422, "INVALID", [field])
