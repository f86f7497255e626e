"""The command that lets the first people in: what is typed, drawn, refused and noted."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Row, text

from app.base.db import Tx
from app.operators.passwords import hash_password, is_password
from models.operators import OperatorRole
from scripts.add_operator import main
from tests import make
from tests.brands import KEY
from tests.doors.office import an_operator_login

ROOT = Path(__file__).resolve().parents[2]
TYPED = "fjord lantern 42 plum"


@pytest.fixture(autouse=True)
def shop(database_url: str, tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small shop."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEY", KEY)
    with tx() as session:
        make.a_shop(session)


def operator(tx: Tx, code: str) -> Row[tuple[object, ...]]:
    """The row."""
    with tx() as session:
        return session.execute(
            text(
                "select o.*, s.code as store from operator o left join store s on s.id = o.store_id"
                " where o.code = :code"
            ),
            {"code": code},
        ).one()


def test_a_drawn_password_is_told_once_and_must_be_changed(
    tx: Tx, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["O-SZFT", "--role", "STORE_MANAGER", "--store", "SZ-FT", "--name", "黄丽娜", "--generate"]) == 0
    )
    told = capsys.readouterr().out
    password = told.splitlines()[-1].split()[1]
    row = operator(tx, "O-SZFT")
    assert (row.name, row.role, row.store, row.password_is_initial) == (
        "黄丽娜",
        "STORE_MANAGER",
        "SZ-FT",
        True,
    )
    assert is_password(password, row.password_hash)
    with tx() as session:
        entry = session.execute(text("select actor, action, why, after from audit_entry")).one()
    assert entry.actor.startswith("terminal")
    assert (entry.action, entry.why) == ("operator.create", "at the server's terminal")
    assert password not in str(entry)


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        ((TYPED, TYPED), 0, "O-OWNER may log in."),
        ((TYPED, TYPED + "x"), 1, "password: the two differ"),
        (("short", "short"), 1, "password: must have 12-128 characters"),
    ],
)
def test_a_typed_password_is_asked_for_twice_and_never_echoed(
    tx: Tx, typed: tuple[str, str], code: int, said: str
) -> None:
    ours, theirs = pty.openpty()
    argv = [sys.executable, "scripts/add_operator.py", "O-OWNER", "--role", "OWNER"]
    process = subprocess.Popen(
        argv, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=os.environ
    )
    os.close(theirs)
    shown = answer(ours, b"Password for O-OWNER: ", typed[0])
    if code == 0 or typed[1] != typed[0]:
        shown += answer(ours, b"Again: ", typed[1])
    shown += drain(ours)
    assert process.wait(timeout=30) == code
    os.close(ours)
    assert said in shown.decode()
    assert typed[0].encode() not in shown
    if code == 0:
        row = operator(tx, "O-OWNER")
        assert is_password(TYPED, row.password_hash)
        assert not row.password_is_initial
    else:
        with tx() as session:
            assert make.count(session, "operator") == 0


def answer(terminal: int, prompt: bytes, line: str) -> bytes:
    """Wait for the prompt, then type; what was shown."""
    shown = b""
    while not shown.endswith(prompt):
        shown += os.read(terminal, 4096)
    os.write(terminal, line.encode() + b"\n")
    return shown


def drain(terminal: int) -> bytes:
    """The rest, to the end of the process."""
    shown = b""
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:  # Linux says so when the other end of a terminal is closed
        pass
    return shown


def test_a_reset_is_the_way_back_in(tx: Tx, capsys: pytest.CaptureFixture[str]) -> None:
    with tx() as session:
        an_operator_login(
            session, OperatorRole.OWNER, code="O-OWNER", password_hash=hash_password("forgotten for long")
        )
        session.execute(text("update operator set totp_sealed = 'x', totp_confirmed_at = now()"))
    assert main(["O-OWNER", "--reset"]) == 0
    told = capsys.readouterr().out
    assert "O-OWNER has a new password and no authenticator.\n" in told
    row = operator(tx, "O-OWNER")
    assert is_password(told.splitlines()[-1].split()[1], row.password_hash)
    assert (row.totp_sealed, row.totp_confirmed_at, row.password_is_initial) == (None, None, True)
    with tx() as session:
        assert make.count(session, "operator_login", "revoked_at is null") == 0
        assert make.count(session, "audit_entry", "action like 'operator.%_reset'") == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["O-1", "--role", "STORE_MANAGER"], "store: a store manager has exactly one store"),
        (["O-1", "--role", "FRANCHISEE", "--entity", "E-XX"], "entity: no such legal entity"),
        (["O-1", "--reset"], "No such operator."),
    ],
)
def test_a_refusal_is_one_sentence_and_keeps_nothing(
    tx: Tx, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 1
    told = capsys.readouterr()
    assert sentence in told.err
    assert (told.err.count("\n"), told.out) == (1, "")
    with tx() as session:
        assert make.count(session, "operator") + make.count(session, "audit_entry") == 0


def test_a_code_is_given_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert [main(["O-1"]), main(["O-1"])] == [0, 1]
    assert capsys.readouterr().err == "There is an operator O-1 already.\n"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is not set."),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/x", "The database cannot be used: OperationalError."),
        ("DATABASE_URL", "mysql://x", "The database cannot be used: ValueError."),
        ("SECRET_KEY", "short", "SECRET_KEY must have at least 32 characters"),
    ],
)
def test_what_stands_in_the_way_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["O-1"]) == 2
    assert capsys.readouterr().err.startswith(sentence)


def test_a_password_is_never_an_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["O-1", "--password", TYPED])
    with pytest.raises(SystemExit):
        main(["not a code"])
    assert TYPED not in capsys.readouterr().out
