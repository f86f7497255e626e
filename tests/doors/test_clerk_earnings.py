"""A clerk's earnings over HTTP: totals, rows with reasons, the month, and nobody else's figures."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.base.db import Tx
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.release import release_due
from scripts.check_books import broken
from tests import make
from tests.doors.conftest import NOON
from tests.doors.phoned import bearer
from tests.rooms.paid import Sold, hand_over, refund, sell

Check = Callable[[Any], tuple[int, str, list[str]]]
ENGLISH = {"Accept-Language": "en"}


def paid(tx: Tx, number: str, base_fen: int = 29900, days_ago: int = 0) -> Sold:
    at = NOON - timedelta(days=days_ago)
    with tx() as session:
        sold = sell(session, [base_fen], number=number, paid_at=at)
        accrue(session, sold.lines, paid_at=at, now=at)
    return sold


@pytest.fixture
def lin(tx: Tx) -> dict[str, str]:
    """The header of 林晓雨 of SZ-FT, whom the credit snapshots of tests.rooms.paid name."""
    with tx() as session:
        make.a_shop(session)
        return bearer(make.a_clerk_login(session, "C-SZFT-01"))


def test_nothing_earned_yet(client: FlaskClient, lin: dict[str, str]) -> None:
    assert set(client.get("/api/clerk/earnings", headers=lin).json.values()) == {0}
    assert client.get("/api/clerk/earnings/rows", headers=lin).json == {"items": [], "next": None}
    month = client.get("/api/clerk/statements/2026-11", headers=lin).json
    assert (month["changes"], month["agrees"], month["left_out"]) == ([], True, False)


def test_set5_expected_certain_and_taken_back_with_the_reason(
    client: FlaskClient, lin: dict[str, str], tx: Tx
) -> None:
    old = paid(tx, "A261101TEST0001", days_ago=15)
    new = paid(tx, "A261121TEST0002")
    with tx() as session:
        hand_over(session, old, at=NOON - timedelta(days=14))
        release_due(session, now=NOON)
        refund_id = refund(session, new, {0: 3333}, no="R1")
        reverse(session, refund_id=refund_id, lines=[(new.lines[0].order_line_id, 3333)], at=NOON)
    assert client.get("/api/clerk/earnings", headers=lin).json == {
        "estimated_fen": 664,
        "held_fen": 0,
        "releasable_fen": 748,
        "settled_fen": 0,
        "reversed_fen": 84,
        "today_fen": 664,
        "today_orders": 1,
    }
    row = client.get("/api/clerk/earnings/rows", headers=lin).json["items"][1]
    assert row == {
        "order": "A261121TEST0002",
        "sku": "AP-1002-M",
        "goods": "真丝衬衫",
        "qty": 1,
        "role": "ACQ_CLERK",
        "role_name": "拉新导购",
        "state": "FROZEN",
        "state_name": "预计（待售后期结束）",
        "base_fen": 29900,
        "pool_bp": 500,
        "accrued_fen": 449,
        "reversed_fen": 50,
        "amount_fen": 399,
        "earned_at": "2026-11-21T12:00:00+08:00",
        "certain_at": None,
        "when_certain": "顾客收货后第11天零点起确定，其间如有售后则顺延",
        "reason": "您于2026-03-01扫码带来的顾客（福田购物公园店）在本单消费，拉新分成30%："
        "基数¥299.00×5%×30% = ¥4.49；退款收回¥0.50，余¥3.99",
    }
    with tx() as session:
        assert broken(session.connection()) == []


def test_set5_the_same_in_english(client: FlaskClient, lin: dict[str, str], tx: Tx) -> None:
    paid(tx, "A261121TEST0001")
    row = client.get("/api/clerk/earnings/rows", headers=lin | ENGLISH).json["items"][1]
    assert (row["role_name"], row["state_name"]) == (
        "acquisition clerk",
        "expected (until the after-sale window ends)",
    )
    assert row["reason"].startswith("A customer you brought on 2026-03-01 (福田购物公园店)")


def test_rows_page_without_gap_or_repeat(client: FlaskClient, lin: dict[str, str], tx: Tx) -> None:
    for number in range(5):
        paid(tx, f"A261121TEST000{number}", days_ago=number)
    seen: list[tuple[str, str]] = []
    url = "/api/clerk/earnings/rows?limit=3"
    page = client.get(url, headers=lin).json
    while True:
        seen += [(item["order"], item["role"]) for item in page["items"]]
        if page["next"] is None:
            break
        page = client.get(f"{url}&cursor={page['next']}", headers=lin).json
    assert len(seen) == len(set(seen)) == 10
    assert seen == sorted(seen, key=lambda item: item[0][-1])


def test_set5_the_month_is_proved_against_the_ledger(
    client: FlaskClient, lin: dict[str, str], tx: Tx
) -> None:
    paid(tx, "A261031TEST0001", days_ago=21)
    november = paid(tx, "A261121TEST0002")
    with tx() as session:
        refund_id = refund(session, november, {0: 29900}, no="R1")
        reverse(session, refund_id=refund_id, lines=[(november.lines[0].order_line_id, 29900)], at=NOON)
    found = client.get("/api/clerk/statements/2026-11", headers=lin).json
    changes = found.pop("changes")
    assert found == {
        "month": "2026-11",
        "opening": {"frozen_fen": 748, "payable_fen": 0},
        "earned_fen": 748,
        "reversed_fen": 748,
        "released_fen": 0,
        "closing": {"frozen_fen": 748, "payable_fen": 0},
        "ledger": {"frozen_fen": 748, "payable_fen": 0},
        "agrees": True,
        "left_out": False,
    }
    assert [(change["kind"], change["kind_name"], change["amount_fen"]) for change in changes] == [
        ("ACCRUE", "入账", 449),
        ("ACCRUE", "入账", 299),
        ("REVERSE", "退款收回", -449),
        ("REVERSE", "退款收回", -299),
    ]
    assert changes[0]["share"]["state_name"] == "已随退款收回"


def test_a_clerk_sees_only_the_own_figures(client: FlaskClient, lin: dict[str, str], tx: Tx) -> None:
    paid(tx, "A261121TEST0001")
    mine = client.get("/api/clerk/earnings/rows?limit=1", headers=lin).json
    with tx() as session:
        other = bearer(make.a_clerk_login(session, "C-SZNS-01"))
    assert set(client.get("/api/clerk/earnings", headers=other).json.values()) == {0}
    page = client.get(f"/api/clerk/earnings/rows?cursor={mine['next']}", headers=other).json
    assert page == {"items": [], "next": None}
    assert client.get("/api/clerk/statements/2026-11", headers=other).json["changes"] == []


@pytest.mark.parametrize("path", ["earnings", "earnings/rows", "statements/2026-11"])
def test_only_a_clerk_may_ask(client: FlaskClient, tx: Tx, problem_of: Check, path: str) -> None:
    assert problem_of(client.get(f"/api/clerk/{path}"))[:2] == (401, "LOGIN_REQUIRED")
    with tx() as session:
        make.a_shop(session)
        shopper = bearer(make.a_login(session, make.a_buyer(session)))
    assert problem_of(client.get(f"/api/clerk/{path}", headers=shopper))[:2] == (403, "WRONG_AUDIENCE")


@pytest.mark.parametrize(
    "month", ["2026-13", "2026-1", "x", "2026-11-01", "1' or '1'='1", "２０２６-11", "9" * 40]
)
def test_another_form_of_month_is_refused(
    client: FlaskClient, lin: dict[str, str], problem_of: Check, month: str
) -> None:
    refused = problem_of(client.get(f"/api/clerk/statements/{month}", headers=lin))
    assert refused == (422, "INVALID", ["month"])


@pytest.mark.parametrize(
    "query", ["cursor=-1", "cursor=zz", "cursor=", "limit=0", "limit=51", "limit=x", "page=2"]
)
def test_another_form_of_page_is_refused(
    client: FlaskClient, lin: dict[str, str], problem_of: Check, query: str
) -> None:
    assert problem_of(client.get(f"/api/clerk/earnings/rows?{query}", headers=lin))[:2] == (422, "INVALID")
