"""The back office's door: password, second factor, locks, ends of logins."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.operators import totp
from app.operators.passwords import MEMORY_KIB, NOBODYS, PASSES, hash_password, is_password
from app.operators.rules import FREE_TRIES, IDLE, LONGEST
from app.wiring import Parts
from models.operators import OperatorRole
from tests import make
from tests.doors.conftest import Clock
from tests.doors.office import an_operator_login, office
from tests.racing import at_once

PASSWORD, ANOTHER = "fjord lantern 42 plum", "山高月小水落石出清风徐来"
Check = Any


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Hashed once: it takes its time."""
    return hash_password(PASSWORD)


class Desk:
    """The owner O-OWNER at the door, and what the authenticator shows."""

    def __init__(self, client: FlaskClient, tx: Tx, clock: Clock) -> None:
        self.client, self.tx, self.clock = client, tx, clock
        self.secret = b""

    def log_in(self, **given: str) -> Any:
        """Try to log in, by default with the right password."""
        body = {"code": "O-OWNER", "password": PASSWORD} | given
        return self.client.post("/api/backoffice/login", json=body)

    def inside(self, **given: str) -> dict[str, str]:
        """The headers of a new login."""
        answer = self.log_in(**given)
        assert answer.status_code == 200, answer.json
        return {"Authorization": f"Bearer {answer.json['token']}"}

    def ask(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> Any:
        """One call under /api/backoffice."""
        return self.client.open(f"/api/backoffice{path}", method=method, headers=headers, json=body)

    def is_in(self, headers: dict[str, str]) -> bool:
        """Whether a token opens the own account, asked of the tables."""
        self.client.application.extensions["lianke.callers"]._seen.clear()  # two seconds later
        return bool(self.ask("GET", "/me", headers).status_code == 200)

    def shows(self, steps: int = 0) -> str:
        """What the authenticator shows, or will show that many steps later."""
        return totp._totp(self.secret).generate(int(self.clock.now.timestamp()) + 30 * steps).decode()

    def set_up(self, headers: dict[str, str]) -> list[str]:
        """Set the authenticator up; answers the recovery codes."""
        drawn = self.ask("POST", "/me/totp", headers, {"password": PASSWORD})
        assert drawn.status_code == 200, drawn.json
        self.secret = totp.base64.b32decode(drawn.json["secret"])
        assert drawn.json["address"].startswith("otpauth://totp/")
        confirmed = self.ask("POST", "/me/totp/confirm", headers, {"totp": self.shows()})
        assert confirmed.status_code == 200, confirmed.json
        codes: list[str] = confirmed.json["recovery_codes"]
        return codes

    def audited(self) -> list[str]:
        """The log's actions in their order."""
        with self.tx() as session:
            rows = session.execute(text("select action from audit_entry where actor <> 'test' order by id"))
            return [str(row.action).removeprefix("operator.") for row in rows]


@pytest.fixture
def desk(client: FlaskClient, tx: Tx, clock: Clock, password_hash: str) -> Desk:
    """An owner whose password is known."""
    with tx() as session:
        make.a_shop(session)
        an_operator_login(
            session, OperatorRole.OWNER, code="O-OWNER", password_hash=password_hash, now=clock.now
        )
    return Desk(client, tx, clock)


def test_an_operator_logs_in_sees_the_own_account_and_logs_out(desk: Desk) -> None:
    answer = desk.log_in()
    assert sorted(answer.json) == ["expires_at", "password_is_initial", "token"]
    assert re.fullmatch(r"op\.[A-Za-z0-9_-]{43}", answer.json["token"])
    headers = {"Authorization": f"Bearer {answer.json['token']}"}
    me = desk.ask("GET", "/me", headers).json
    assert {name: me[name] for name in ("code", "role", "entity", "store", "has_totp")} == {
        "code": "O-OWNER",
        "role": "OWNER",
        "entity": None,
        "store": None,
        "has_totp": False,
    }
    assert desk.ask("POST", "/logout", headers).status_code == 204
    assert desk.ask("GET", "/me", headers).status_code == 401
    with desk.tx() as session:
        entry = session.execute(
            text("select actor, subject, after from audit_entry where action = 'operator.login'")
        ).one()
        kept = session.execute(text("select * from operator_login where revoked_at is not null")).one()
    assert tuple(entry) == ("operator:O-OWNER", "operator:O-OWNER", {"second_factor": "NOT_SET_UP"})
    assert answer.json["token"] not in str(kept)


def test_an_operator_opens_no_other_audiences_door(client: FlaskClient, parts: Parts, desk: Desk) -> None:
    headers = office(parts, OperatorRole.STORE_MANAGER, store="SZ-FT")
    assert client.get("/api/backoffice/me", headers=headers).json["store"] == "SZ-FT"
    for path in ("/api/shopper/me", "/api/clerk/me"):
        assert client.get(path, headers=headers).status_code == 403


def test_t43_whatever_is_wrong_the_answer_is_the_same(desk: Desk, problem_of: Check) -> None:
    answers = [desk.log_in(password="wrong password 1"), desk.log_in(code="O-NOBODY")]
    with desk.tx() as session:
        session.execute(text("update operator set status = 'DISABLED'"))
    answers.append(desk.log_in())
    told = [{**answer.json, "request_id": ""} for answer in answers]
    assert problem_of(answers[0])[:2] == (401, "LOGIN_REFUSED")
    assert told[0] == told[1] == told[2]
    assert told[0]["title"] == "账号、密码或动态码不正确"
    with desk.tx() as session:
        assert make.count(session, "operator_login") == 1  # the builder's own
    assert desk.audited() == []


def test_an_unknown_code_costs_as_much_as_a_wrong_password() -> None:
    assert f"m={MEMORY_KIB},t={PASSES},p=1" in NOBODYS
    assert hash_password("x").split("$")[:4] == NOBODYS.split("$")[:4]
    began = time.perf_counter()
    assert not is_password("x", NOBODYS)
    assert time.perf_counter() - began > 0.005


@pytest.mark.parametrize("code", ["O-OWNER", "O-NOBODY"])
def test_t42_wrong_tries_lock_the_code_whether_or_not_somebody_has_it(
    desk: Desk, clock: Clock, problem_of: Check, code: str
) -> None:
    for _ in range(FREE_TRIES):
        assert desk.log_in(code=code, password="wrong password 1").status_code == 401
    locked = desk.log_in(code=code)
    assert problem_of(locked)[:2] == (429, "LOGIN_LOCKED")
    assert 1 <= int(locked.headers["Retry-After"]) <= 61
    clock.now += timedelta(seconds=59)
    assert desk.log_in(code=code).status_code == 429
    clock.now += timedelta(seconds=2)
    if code == "O-NOBODY":
        assert (desk.log_in(code=code).status_code, desk.audited()) == (401, [])
        return
    assert desk.log_in(code=code, password="wrong password 1").status_code == 401
    clock.now += timedelta(seconds=61)  # the sixth locks for two minutes
    assert desk.log_in(code=code).status_code == 429
    clock.now += timedelta(seconds=60)
    assert desk.log_in(code=code).status_code == 200
    assert desk.log_in(code=code, password="wrong password 1").status_code == 401  # forgiven: counted anew
    assert desk.log_in(code=code).status_code == 200
    assert desk.audited() == ["lock", "lock", "login", "login"]


def test_t42_a_hundred_tries_at_once_are_a_hundred_tries(desk: Desk, clock: Clock) -> None:
    def guess(number: int) -> int:
        client = desk.client.application.test_client()
        body = {"code": "O-NOBODY", "password": f"guess number {number}"}
        return client.post("/api/backoffice/login", json=body).status_code

    statuses = at_once(16, guess)
    assert statuses.count(401) == FREE_TRIES
    assert statuses.count(429) == 16 - FREE_TRIES


def test_a_login_ends_idle_and_at_last(desk: Desk, clock: Clock) -> None:
    headers, began = desk.inside(), clock.now
    for _ in range(3):
        clock.now += IDLE - timedelta(minutes=1)
        assert desk.is_in(headers)
    clock.now += IDLE
    assert not desk.is_in(headers)
    clock.now = began
    headers = desk.inside()
    while clock.now < began + LONGEST - timedelta(minutes=20):
        clock.now += timedelta(minutes=20)
        assert desk.is_in(headers), clock.now
    clock.now = began + LONGEST
    assert not desk.is_in(headers)


def test_a_login_that_is_used_is_noted_once_a_minute(desk: Desk, clock: Clock) -> None:
    headers, began = desk.inside(), clock.now
    seen = text("select max(seen_at) from operator_login")
    for seconds, noted in ((59, 0), (60, 60), (100, 60), (121, 121)):
        clock.now = began + timedelta(seconds=seconds)
        assert desk.is_in(headers)
        with desk.tx() as session:
            assert session.execute(seen).scalar_one() == began + timedelta(seconds=noted)


def test_another_password_ends_the_other_logins_and_the_old_password(desk: Desk, problem_of: Check) -> None:
    mine, other = desk.inside(), desk.inside()
    wrong = desk.ask("PUT", "/me/password", mine, {"old": "not the old one", "new": ANOTHER})
    assert problem_of(wrong)[:2] == (403, "WRONG_PASSWORD")
    weak = desk.ask("PUT", "/me/password", mine, {"old": PASSWORD, "new": "O-OWNER-O-OWNER"})
    assert problem_of(weak) == (422, "WEAK_PASSWORD", ["password"])
    same = desk.ask("PUT", "/me/password", mine, {"old": PASSWORD, "new": PASSWORD})
    assert problem_of(same)[:2] == (422, "WEAK_PASSWORD")
    assert desk.is_in(other)
    done = desk.ask("PUT", "/me/password", mine, {"old": PASSWORD, "new": ANOTHER})
    assert done.status_code == 204
    assert (desk.is_in(mine), desk.is_in(other)) == (True, False)
    assert (desk.log_in().status_code, desk.log_in(password=ANOTHER).status_code) == (401, 200)
    assert desk.audited() == ["login", "login", "password", "login"]


def test_an_initial_password_opens_nothing_but_the_own_account(desk: Desk, problem_of: Check) -> None:
    with desk.tx() as session:
        session.execute(text("update operator set password_is_initial = true"))
    answer = desk.log_in()
    headers = {"Authorization": f"Bearer {answer.json['token']}"}
    assert answer.json["password_is_initial"] is True
    assert problem_of(desk.ask("GET", "/operators", headers))[:2] == (403, "PASSWORD_CHANGE_NEEDED")
    assert desk.ask("PUT", "/me/password", headers, {"old": PASSWORD, "new": ANOTHER}).status_code == 204
    assert desk.ask("GET", "/operators", headers).status_code == 200


def test_an_authenticator_is_set_up_and_then_needed(desk: Desk, problem_of: Check) -> None:
    mine, other = desk.inside(), desk.inside()
    wrong = desk.ask("POST", "/me/totp", mine, {"password": "not the password"})
    assert problem_of(wrong)[:2] == (403, "WRONG_PASSWORD")
    unbegun = desk.ask("POST", "/me/totp/confirm", mine, {"totp": "123456"})
    assert problem_of(unbegun)[:2] == (409, "TOTP_NOT_BEGUN")
    codes = desk.set_up(mine)
    assert len(set(codes)) == 10
    assert (desk.is_in(mine), desk.is_in(other)) == (True, False)
    again = desk.ask("POST", "/me/totp", mine, {"password": PASSWORD})
    assert problem_of(again)[:2] == (409, "TOTP_SET_UP")
    assert desk.log_in().status_code == 401
    desk.clock.now += timedelta(seconds=30)
    assert desk.log_in(totp=desk.shows()).status_code == 200
    with desk.tx() as session:
        row = session.execute(text("select * from operator")).one()
        hashes = session.execute(text("select code_hash from operator_recovery_code")).scalars().all()
    assert totp.spell(desk.secret) not in str(row)
    assert not any(code in str(hashes) or code.replace("-", "") in str(hashes) for code in codes)


def test_an_unconfirmed_authenticator_changes_nothing(desk: Desk) -> None:
    headers = desk.inside()
    for _ in range(2):
        assert desk.ask("POST", "/me/totp", headers, {"password": PASSWORD}).status_code == 200
    assert desk.ask("POST", "/me/totp/confirm", headers, {"totp": "000000"}).status_code == 403
    assert desk.log_in().status_code == 200


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
def test_a_code_of_the_neighbouring_half_minute_is_taken(desk: Desk, steps: int, status: int) -> None:
    desk.set_up(desk.inside())
    desk.clock.now += timedelta(minutes=5)
    assert desk.log_in(totp=desk.shows(steps)).status_code == status


def test_a_code_is_taken_once_and_no_older_one_after_it(desk: Desk) -> None:
    desk.set_up(desk.inside())
    assert desk.log_in(totp=desk.shows()).status_code == 401  # spent by confirming
    desk.clock.now += timedelta(minutes=5)
    now, before = desk.shows(), desk.shows(-1)
    assert [desk.log_in(totp=code).status_code for code in (now, now, before)] == [200, 401, 401]
    desk.clock.now += timedelta(seconds=30)
    assert [desk.log_in(totp=code).status_code for code in (now, desk.shows())] == [401, 200]


def test_a_wrong_password_does_not_spend_the_code(desk: Desk) -> None:
    desk.set_up(desk.inside())
    desk.clock.now += timedelta(minutes=5)
    assert desk.log_in(password="wrong password 1", totp=desk.shows()).status_code == 401
    assert desk.log_in(totp=desk.shows()).status_code == 200


def test_of_two_logins_with_the_same_code_at_once_exactly_one_is_let_in(desk: Desk) -> None:
    desk.set_up(desk.inside())
    for _ in range(3):
        desk.clock.now += timedelta(minutes=5)
        code = desk.shows()

        def knock(_: int, code: str = code) -> int:
            body = {"code": "O-OWNER", "password": PASSWORD, "totp": code}
            client = desk.client.application.test_client()
            return client.post("/api/backoffice/login", json=body).status_code

        assert sorted(at_once(2, knock)) == [200, 401]


def test_a_recovery_code_stands_in_once_however_it_is_written(desk: Desk) -> None:
    codes = desk.set_up(desk.inside())
    assert desk.log_in(totp=codes[0].lower().replace("-", " ")).status_code == 200
    assert desk.log_in(totp=codes[0]).status_code == 401
    assert sorted(
        at_once(
            2,
            lambda _: (
                desk.client.application.test_client()
                .post(
                    "/api/backoffice/login", json={"code": "O-OWNER", "password": PASSWORD, "totp": codes[1]}
                )
                .status_code
            ),
        )
    ) == [200, 401]
    headers = desk.inside(totp=codes[2])
    desk.clock.now += timedelta(minutes=5)
    body = {"password": PASSWORD, "totp": desk.shows()}
    renewed = desk.ask("POST", "/me/totp/recovery-codes", headers, body)
    assert renewed.status_code == 200
    assert desk.log_in(totp=codes[3]).status_code == 401
    assert desk.log_in(totp=renewed.json["recovery_codes"][0]).status_code == 200


def test_an_authenticator_is_removed_with_password_and_code(desk: Desk, problem_of: Check) -> None:
    headers = desk.inside()
    body = {"password": PASSWORD, "totp": "123456"}
    nothing = desk.ask("POST", "/me/totp/remove", headers, body)
    assert problem_of(nothing)[:2] == (409, "TOTP_NOT_SET_UP")
    desk.set_up(headers)
    desk.clock.now += timedelta(minutes=5)
    wrong = desk.ask("POST", "/me/totp/remove", headers, body | {"totp": "000000"})
    assert problem_of(wrong)[:2] == (403, "WRONG_ONE_TIME_CODE")
    assert desk.log_in().status_code == 401
    done = desk.ask("POST", "/me/totp/remove", headers, body | {"totp": desk.shows()})
    assert done.status_code == 204
    assert desk.log_in().status_code == 200
    with desk.tx() as session:
        assert make.count(session, "operator_recovery_code") == 0


def test_a_stolen_screen_may_not_guess_the_password_for_long(desk: Desk, problem_of: Check) -> None:
    headers = desk.inside()
    for _ in range(FREE_TRIES):
        desk.ask("PUT", "/me/password", headers, {"old": "a wrong guess 1", "new": ANOTHER})
    locked = desk.ask("PUT", "/me/password", headers, {"old": PASSWORD, "new": ANOTHER})
    assert problem_of(locked)[:2] == (429, "LOGIN_LOCKED")
    assert desk.log_in(password=ANOTHER).status_code == 429


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["code", "password"]),
        ({"code": "O'; drop table operator", "password": "x"}, ["code"]),
        ({"code": "O-OWNER", "password": ""}, ["password"]),
        ({"code": "O-OWNER", "password": "x" * 129}, ["password"]),
        ({"code": "O-OWNER", "password": "a\x00b"}, ["password"]),
        ({"code": "O-OWNER", "password": ["x"]}, ["password"]),
        ({"code": "O-OWNER", "password": "x", "totp": 123456}, ["totp"]),
        ({"code": "O-OWNER", "password": "x", "role": "OWNER"}, ["role"]),
    ],
)
def test_garbage_is_refused_by_field_and_counts_as_no_try(
    desk: Desk, problem_of: Check, body: Any, fields: list[str]
) -> None:
    answer = desk.client.post("/api/backoffice/login", json=body)
    assert problem_of(answer) == (422, "INVALID", fields)
    with desk.tx() as session:
        assert make.count(session, "operator_try") == 0


def test_no_secret_is_in_the_log_lines(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    headers = desk.inside()
    codes = desk.set_up(headers)
    desk.clock.now += timedelta(minutes=5)
    shown = desk.shows()
    desk.log_in(totp=shown)
    desk.log_in(password="a wrong guess 1")
    told = "".join(capsys.readouterr())
    with desk.tx() as session:
        told += str(session.execute(text("select * from audit_entry")).all())
    for secret in (
        PASSWORD,
        "a wrong guess 1",
        shown,
        totp.spell(desk.secret),
        *codes,
        headers["Authorization"],
    ):
        assert secret not in told
