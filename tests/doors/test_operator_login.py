"""The back office's door: password, second factor, locks, ends of logins."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.operators.passwords import hash_password
from app.wiring import Parts
from models.operators import OperatorRole
from tests import make
from tests.doors.office import an_operator_login, office

PASSWORD = "fjord lantern 42 plum"


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Hashed once: it takes its time."""
    return hash_password(PASSWORD)


@pytest.fixture
def owner(tx: Tx, parts: Parts, password_hash: str) -> str:
    """The code of an owner whose password is known."""
    with tx() as session:
        make.a_shop(session)
        an_operator_login(
            session, OperatorRole.OWNER, code="O-OWNER", password_hash=password_hash, now=parts.now()
        )
    return "O-OWNER"


def logged_in(client: FlaskClient, **given: str) -> Any:
    return client.post("/api/backoffice/login", json={"code": "O-OWNER", "password": PASSWORD} | given)


def test_an_operator_logs_in_sees_the_own_account_and_logs_out(
    client: FlaskClient, owner: str, tx: Tx
) -> None:
    told = logged_in(client).json
    assert told["token"].startswith("op.")
    headers = {"Authorization": f"Bearer {told['token']}"}
    me = client.get("/api/backoffice/me", headers=headers)
    assert (me.status_code, me.json["code"], me.json["role"], me.json["store"]) == (
        200,
        owner,
        "OWNER",
        None,
    )
    assert client.post("/api/backoffice/logout", headers=headers).status_code == 204
    assert client.get("/api/backoffice/me", headers=headers).status_code == 401
    with tx() as session:
        found = session.execute(
            text("select actor, subject, after from audit_entry where action = 'operator.login'")
        ).one()
    assert tuple(found) == ("operator:O-OWNER", "operator:O-OWNER", {"second_factor": "NOT_SET_UP"})


def test_an_operator_opens_no_other_audiences_door(client: FlaskClient, parts: Parts, owner: str) -> None:
    headers = office(parts, OperatorRole.STORE_MANAGER, store="SZ-FT")
    assert client.get("/api/backoffice/me", headers=headers).json["store"] == "SZ-FT"
    for path in ("/api/shopper/me", "/api/clerk/me"):
        assert client.get(path, headers=headers).status_code == 403
