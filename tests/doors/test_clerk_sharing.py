"""Shared sales over HTTP (SPL-6): who may, what is refused, and the same request twice."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.clock import utc_now
from app.base.db import Tx
from tests import make

PARTS = [{"clerk": "C-SZFT-01", "part_bp": 6000}, {"clerk": "C-SZFT-03", "part_bp": 4000}]


class Desk:
    """An order that C-SZFT-01 sold, and four clerks."""

    def __init__(self, client: FlaskClient, tx: Tx) -> None:
        self.client = client
        now = utc_now()
        with tx() as session:
            make.a_shop(session)
            make.stock(session, "AP-1002-M", 10)
            codes = ("C-SZFT-01", "C-SZFT-03", "C-SZNS-01", "C-SZNS-03")
            self.tokens = {code: make.a_clerk_login(session, code) for code in codes}
            buyer = make.a_buyer(session, "buyer")
            session.execute(
                text(
                    "insert into touch (member_id, kind, clerk_id, store_id, occurred_at, received_at, raw_key,"
                    " valid, result) select :id, 'CLERK_CODE', c.id, c.store_id, :at, :at, 'raw', true, 'RECORDED'"
                    " from clerk c where c.code = 'C-SZFT-01'"
                ),
                {"id": buyer.member_id, "at": now - timedelta(minutes=10)},
            )
            self.order = make.an_order(session, buyer, ("AP-1002-M", 1), now=now)

    def share(self, clerk: str = "C-SZFT-01", parts: Any = None, *, key: str = "", number: str = "") -> Any:
        """(status, JSON) of the request."""
        headers = {
            "Authorization": f"Bearer {self.tokens[clerk]}",
            "Idempotency-Key": key or str(uuid.uuid4()),
        }
        path = f"/api/clerk/orders/{number or self.order.number}/shared-sale"
        answer = self.client.post(path, json={"parts": PARTS if parts is None else parts}, headers=headers)
        return answer.status_code, answer.json


@pytest.fixture
def desk(client: FlaskClient, tx: Tx) -> Desk:
    return Desk(client, tx)


def test_spl6_the_selling_clerk_shares_a_sale_once(desk: Desk, tx: Tx) -> None:
    key = str(uuid.uuid4())
    first = desk.share(key=key)
    assert first[0] == 200
    assert [(part["clerk"], part["part_bp"]) for part in first[1]["parts"]] == [
        ("C-SZFT-01", 6000),
        ("C-SZFT-03", 4000),
    ]
    assert desk.share(key=key) == first == desk.share()
    other = [PARTS[0] | {"part_bp": 5000}, PARTS[1] | {"part_bp": 5000}]
    assert desk.share(parts=other, key=key)[0] == 422
    status, problem = desk.share(parts=other)
    assert (status, problem["code"]) == (409, "SHARED_ALREADY")
    with tx() as session:
        assert make.count(session, "shared_sale") == 1


@pytest.mark.parametrize(
    ("clerk", "number", "status"),
    [("C-SZNS-01", "", 404), ("C-SZNS-03", "", 404), ("C-SZFT-01", "A000000NOBODY000", 404)],
)
def test_spl6_another_stores_order_is_not_there(
    desk: Desk, tx: Tx, clerk: str, number: str, status: int
) -> None:
    assert desk.share(clerk, number=number)[0] == status
    with tx() as session:
        assert make.count(session, "shared_sale") == 0


@pytest.mark.parametrize(
    "given",
    [
        [],
        PARTS[:1],
        [PARTS[0], {"clerk": "C-SZFT-03"}],
        [PARTS[0], PARTS[1] | {"part_bp": 4000.5}],
        [PARTS[0], PARTS[1] | {"part_bp": True}],
        [PARTS[0], PARTS[1] | {"part_bp": 0}],
        [PARTS[0], PARTS[1] | {"part_bp": 3999}],
        [PARTS[0], PARTS[1] | {"more": 1}],
        [PARTS[0], PARTS[1] | {"clerk": "x" * 41}],
        [PARTS[0], PARTS[1] | {"clerk": "C-SZNS-01"}],
        "x",
    ],
)
def test_spl6_a_wrong_shape_is_refused_and_writes_nothing(desk: Desk, tx: Tx, given: Any) -> None:
    status, problem = desk.share(parts=given)
    assert status == 422
    assert problem["errors"]
    with tx() as session:
        assert make.count(session, "shared_sale") == 0
