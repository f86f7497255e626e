"""What tills tell, field by field: every kind of touch, moments, repeats, bad input."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.base.scope import Scope
from app.members.phones import hash_phone
from app.tills import keys, letting_in
from app.wiring import Parts
from models.attribution import TouchKind
from tests import make, people
from tests.doors.conftest import Clock
from tests.doors.till_client import TillClient
from tests.rooms.tills import two_companies

pytestmark = pytest.mark.usefixtures("right_books")
Check = Callable[[Any], tuple[int, str, list[str]]]
SOLD = "2026-11-21T11:58:00+08:00"
SALE = {
    "receipt": "R-1",
    "sold_at": SOLD,
    "member": {"number": "M-1"},
    "clerk": "C-WFYQ-01",
    "lines": [{"sku": "AP-1002-M", "qty": 1, "paid_fen": 29900}],
}
TOUCH = {"id": "T-1", "kind": "BOOKING", "member": {"number": "M-1"}, "occurred_at": SOLD}


@pytest.fixture
def shop(tx: Tx, parts: Parts) -> None:
    with tx() as session:
        two_companies(session)
        buyer = make.a_buyer(session)
        session.execute(
            text("update member set phone_hash = :hash, phone_sealed = :sealed where id = :id"),
            {
                "id": buyer.member_id,
                "hash": hash_phone(parts.vault, "13800000001"),
                "sealed": parts.vault.seal("phone", "13800000001"),
            },
        )


@pytest.fixture
def till(shop: None, tx: Tx, parts: Parts, client: FlaskClient, clock: Clock) -> TillClient:
    """A till of WF-YQ."""
    return a_till(tx, parts, client, clock, "WF-YQ")


def a_till(tx: Tx, parts: Parts, client: FlaskClient, clock: Clock, store: str) -> TillClient:
    with tx() as session:
        key = keys.make(
            session, parts.vault, store=store, label="till", scope=Scope(), by="test", now=clock.now
        )
    return TillClient(client, key.code, key.secret, clock)


def written(tx: Tx) -> list[int]:
    with tx() as session:
        return [make.count(session, name) for name in ("orders", "payment", "refund", "touch", "pos_receipt")]


@pytest.mark.parametrize(
    "kind", sorted(set(TouchKind) - {"SUBSCRIBE_SCAN", "SCAN", "MP_SCENE", "SHARE_CLICK"})
)
def test_tch_1_every_offline_kind_comes_through_the_till(till: TillClient, tx: Tx, kind: str) -> None:
    told = TOUCH | {"kind": kind, "clerk": "C-WFYQ-01"}
    first, again = till.post("/api/pos/touches", told), till.post("/api/pos/touches", told)
    assert (first.status_code, first.json) == (200, again.json)
    binds = kind not in ("CONTENT_READ", "ARRIVE", "LEAVE")
    # TCH-6: content, coming and going never bind.
    assert first.json["result"] == ("ACQUIRED" if binds else "RECORDED")
    assert first.json["service_clerk"] == ("C-WFYQ-01" if binds else None)
    with tx() as session:
        assert make.count(session, "touch") == 1
        assert make.count(session, "acquisition") == int(binds)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "SCAN"}, "kind"),
        ({"kind": "SUBSCRIBE_SCAN"}, "kind"),
        ({"kind": "nonsense"}, "kind"),
        ({"kind": "CHAT"}, "clerk"),
        ({"kind": "POS_SALE"}, "clerk"),
        ({"occurred_at": "2026-11-21T12:01:01+08:00"}, "occurred_at"),
        ({"occurred_at": "2026-11-14T11:59:59+08:00"}, "occurred_at"),
        ({"occurred_at": "2026-11-21T11:58:00"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59+00:00"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+08:00"}, "occurred_at"),
        ({"member": {}}, "member"),
        ({"member": {"number": "M-1", "phone": "13800000001"}}, "member"),
        ({"member": {"phone": "138-0000-0001"}}, "member.phone"),
        ({"id": "a b"}, "id"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_bad_touches_name_their_field(
    till: TillClient, tx: Tx, problem_of: Check, change: dict[str, Any], field: str
) -> None:
    status, code, fields = problem_of(till.post("/api/pos/touches", TOUCH | change))
    assert (status, code, fields) == (422, "INVALID", [field])
    assert written(tx)[3] == 0


def test_a_touch_a_minute_ahead_is_now_and_a_week_late_counts(till: TillClient, tx: Tx, clock: Clock) -> None:
    ahead = TOUCH | {"occurred_at": "2026-11-21T12:00:50+08:00"}
    first = till.post("/api/pos/touches", ahead)
    till.post("/api/pos/touches", TOUCH | {"id": "T-2", "occurred_at": "2026-11-14T12:00:01+08:00"})
    with tx() as session:
        kept = session.execute(text("select occurred_at from touch order by id")).scalars().all()
    assert kept[0] == clock.now
    clock.now += timedelta(days=10)
    assert till.post("/api/pos/touches", ahead).json == first.json
    clock.now -= timedelta(days=10)
    assert clock.now - kept[1] < timedelta(days=7)


def test_tch_2_an_id_stands_for_one_touch(till: TillClient, tx: Tx, problem_of: Check) -> None:
    assert till.post("/api/pos/touches", TOUCH).status_code == 200
    with tx() as session:
        make.a_buyer(session, "2")
    for change in (
        {"member": {"number": "M-2"}},
        {"kind": "LEAVE"},
        {"occurred_at": "2026-11-21T11:56:00+08:00"},
    ):
        told = till.post("/api/pos/touches", TOUCH | change)
        assert problem_of(told)[:2] == (409, "EXTERNAL_ID_REUSED")
    assert written(tx)[3] == 1


def test_tch_3_a_clerk_who_left_counts_for_the_store_only(till: TillClient, tx: Tx) -> None:
    with tx() as session:
        people.set_clerk(session, "C-WFYQ-01", status="LEFT")
    told = till.post("/api/pos/touches", TOUCH | {"kind": "CHAT", "clerk": "C-WFYQ-01"}).json
    assert (told["valid"], told["reason"], told["clerk"]) == (True, "CLERK_LEFT", None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "AP-1002-M", "qty": 0, "paid_fen": 1}]}, "lines.0.qty"),
        ({"lines": [{"sku": "AP-1002-M", "qty": 1, "paid_fen": -1}]}, "lines.0.paid_fen"),
        ({"lines": [{"sku": "AP-1002-M", "qty": 1, "paid_fen": 1.5}]}, "lines.0.paid_fen"),
        ({"lines": [{"sku": "AP-404", "qty": 1, "paid_fen": 1}]}, "lines.0.sku"),
        ({"sold_at": "2026-11-22T12:00:00+08:00"}, "sold_at"),
        ({"sold_at": "9999-12-31T23:59:59+00:00"}, "sold_at"),
        ({"receipt": ""}, "receipt"),
        ({"receipt": "x" * 65}, "receipt"),
    ],
)
def test_bad_receipts_name_their_field(
    till: TillClient, tx: Tx, problem_of: Check, change: dict[str, Any], field: str
) -> None:
    status, code, fields = problem_of(till.post("/api/pos/sales", SALE | change))
    assert (status, code, fields) == (422, "INVALID", [field])
    assert written(tx) == [0, 0, 0, 0, 0]


def test_a_receipt_told_ahead_or_again_after_a_month_is_the_same_receipt(
    till: TillClient, clock: Clock
) -> None:
    ahead = SALE | {"sold_at": "2026-11-21T12:00:30.75+08:00"}
    first = till.post("/api/pos/sales", ahead).json
    clock.now += timedelta(days=30)
    again = till.post("/api/pos/sales", ahead).json
    assert (again["order"], again["again"]) == (first["order"], True)


def test_used_numbers_are_forgotten_with_their_window(till: TillClient, tx: Tx, clock: Clock) -> None:
    assert till.get("/api/pos/members?code=M-1").status_code == 200
    with tx() as session:
        assert letting_in.forget_nonces(session, now=clock.now + timedelta(seconds=600)) == 0
        assert letting_in.forget_nonces(session, now=clock.now + timedelta(seconds=601)) == 1
