"""The audit log: what is written stays, what is secret is not written, and it is read by page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.base import audit
from app.base.audit import Wanted
from app.base.db import Tx
from app.base.errors import Alarm, Invalid
from models.operators import OperatorRole
from tests.make import count

AT = datetime(2026, 11, 21, 4, tzinfo=UTC)


def note(tx: Tx, **changed: Any) -> None:
    """One entry with defaults."""
    facts = {
        "actor": "operator:O-1",
        "action": "binding.move",
        "subject": "member:M-1",
        "before": {"clerk": "C-1"},
        "after": {"clerk": "C-2", "at": AT, "role": OperatorRole.OWNER, "days": [1, 2]},
        "why": "换店",
        "at": AT,
    }
    with tx() as session:
        audit.note(session, **(facts | changed))


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entry set why = 'another'",
        "delete from audit_entry",
        "truncate audit_entry",
        "truncate audit_entry cascade",
    ],
)
def test_i20_the_log_refuses_every_change(tx: Tx, statement: str) -> None:
    note(tx)
    with pytest.raises(IntegrityError, match="append-only"), tx() as session:
        session.connection().exec_driver_sql(statement)
    with tx() as session:
        row = session.execute(text("select actor, before, after, why from audit_entry")).one()
    assert tuple(row) == (
        "operator:O-1",
        {"clerk": "C-1"},
        {"clerk": "C-2", "at": "2026-11-21T04:00:00+00:00", "role": "OWNER", "days": [1, 2]},
        "换店",
    )


def test_an_entry_goes_with_the_change_that_failed(tx: Tx) -> None:
    with pytest.raises(Invalid), tx() as session:  # noqa: PT012 - the transaction is what is tested
        audit.note(session, actor="a", action="b", subject="c", before=None, after=None, why="d", at=AT)
        raise Invalid("the change itself is refused")
    with tx() as session:
        assert count(session, "audit_entry") == 0


@pytest.mark.parametrize("why", ["", "  \n ", "x" * 501])
def test_a_decision_without_a_reason_is_refused(tx: Tx, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        note(tx, why=why)
    assert list(refused.value.fields) == ["why"]
    with tx() as session:
        assert count(session, "audit_entry") == 0


@pytest.mark.parametrize(
    "told",
    [
        {"password": "x"},
        {"login": {"token_hash": "x"}},
        {"people": [{"openid": "o"}]},
        {"phone": "138"},
        {"totp_sealed": "s"},
        {"recovery_codes": []},
    ],
)
def test_a_secret_never_gets_into_the_log(tx: Tx, told: dict[str, Any]) -> None:
    with pytest.raises(Alarm):
        note(tx, after=told)
    with pytest.raises(Alarm):
        note(tx, before=told)
    with tx() as session:
        assert count(session, "audit_entry") == 0


def test_what_only_sounds_secret_may_be_told(tx: Tx) -> None:
    note(tx, after={"phone_tail": "5678", "password_is_initial": True})


def test_the_log_is_read_newest_first_page_by_page_by_whom_about_what_and_when(tx: Tx) -> None:
    for minute in range(6):
        note(
            tx,
            actor=f"operator:O-{minute % 2}",
            subject=f"member:M-{minute % 3}",
            at=AT + timedelta(minutes=min(minute, 4)),  # two at the same moment
            why=str(minute),
        )

    def told(wanted: Wanted, **paging: Any) -> list[Any]:
        with tx() as session:
            return audit.read(session.connection(), wanted, **({"before": None, "limit": 50} | paging))

    assert [entry.why for entry in told(Wanted())] == list("543210")
    assert [entry.why for entry in told(Wanted(actor="operator:O-1"))] == list("531")
    assert [entry.why for entry in told(Wanted(subject="member:M-2", actor="operator:O-1"))] == ["5"]
    assert told(Wanted(action="binding.mov")) == []
    until = Wanted(since=AT + timedelta(minutes=1), until=AT + timedelta(minutes=4))
    assert [entry.why for entry in told(until)] == list("321")
    first = told(Wanted(), limit=2)
    assert [entry.why for entry in told(Wanted(), before=first[-1].id, limit=3)] == list("321")
