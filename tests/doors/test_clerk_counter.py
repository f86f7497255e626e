"""The clerk at the counter over HTTP: verify and refund, at the own store only."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.base.db import Tx
from app.orders import pickup_codes
from tests import make
from tests.doors.conftest import NOON


class Counter:
    """Clerks' tokens and one paid order."""

    def __init__(self, client: FlaskClient, tx: Tx) -> None:
        self.client = client
        self.tx = tx
        with tx() as session:
            make.a_shop(session)
            make.stock(session, "AP-1002-M", 10)
            make.stock(session, "WN-4001", 10)
            self.tokens = {code: make.a_clerk_login(session, code) for code in CLERKS}
            buyer = make.a_buyer(session, "buyer")
            self.order = make.an_order(session, buyer, ("AP-1002-M", 2), ("WN-4001", 1), now=NOON)
            make.pay_for(session, self.order.order_id)
            session.execute(
                text(
                    "insert into payment (order_id, out_trade_no, transaction_id, appid, mchid, payer_openid,"
                    " amount_fen, state, checks) values (:id, 'P1', 'T1', 'wx', '1', 'o', :fen, 'SUCCESS', 0)"
                ),
                {"id": self.order.order_id, "fen": self.order.quote.amount_fen},
            )

    def post(self, clerk: str, path: str, body: Any, *, key: str = "") -> Any:
        """(status, JSON) of a POST as a clerk."""
        headers = {
            "Authorization": f"Bearer {self.tokens[clerk]}",
            "Idempotency-Key": key or str(uuid.uuid4()),
        }
        answer = self.client.post(f"/api/clerk{path}", json=body, headers=headers)
        return answer.status_code, answer.json

    def code(self) -> str:
        """The order's eight digits. The app's vault of the door tests has its own key."""
        vault = self.client.application.extensions["lianke.parts"].vault
        with self.tx() as session:
            session.execute(text("delete from pickup_code"))
            store_id = self.order.store.id
            pickup_codes.issue(session, order_id=self.order.order_id, store_id=store_id, vault=vault)
            return pickup_codes.show(session, self.order.order_id, vault=vault, now=NOON).code

    def refund(self, clerk: str = "C-SZFT-03", *, key: str = "", **line: Any) -> Any:
        """Ask for a refund of line 1."""
        body = {"lines": [{"line_no": 1, "amount_fen": 29_900, **line}], "reason": "颜色不合适"}
        return self.post(clerk, f"/orders/{self.order.number}/refunds", body, key=key)


CLERKS = ("C-SZFT-01", "C-SZFT-03", "C-SZNS-01", "C-SZNS-03")


@pytest.fixture
def counter(client: FlaskClient, tx: Tx) -> Counter:
    """The small shop with one paid order of two shirts and a bottle."""
    return Counter(client, tx)


def test_pck_2_the_bottle_asks_for_the_age_then_all_is_handed_over(counter: Counter) -> None:
    code = counter.code()
    status, body = counter.post("C-SZFT-01", "/pickups/verify", {"code": code})
    assert (status, body["code"]) == (409, "AGE_CHECK_NEEDED")
    status, body = counter.post("C-SZFT-01", "/pickups/verify", {"code": code, "age_checked": True})
    assert status == 200
    assert body["goods"] == [
        {"name": "真丝衬衫", "spec": "M", "qty": 2},
        {"name": "干红", "spec": "750 ml", "qty": 1},
    ]
    assert (body["number"], body["again"]) == (counter.order.number, False)


def test_pck_1_the_other_store_is_refused_in_http_terms(counter: Counter) -> None:
    status, body = counter.post("C-SZNS-01", "/pickups/verify", {"code": counter.code()})
    assert (status, body["code"]) == (403, "WRONG_STORE")


def test_pck_1_the_sixth_wrong_code_is_told_when_to_come_back(counter: Counter) -> None:
    wrong = f"{(int(counter.code()) + 1) % 10**8:08d}"
    answers = [counter.post("C-SZFT-01", "/pickups/verify", {"code": wrong}) for _ in range(6)]
    assert [status for status, _ in answers] == [404] * 5 + [429]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "1234567"},
        {"code": "١٢٣٤٥٦٧٨"},
        {"code": 12345678},
        {"code": "12345678", "token": "x" * 40},
        {"token": "short"},
        {"code": "12345678", "age_checked": "yes"},
        {"code": "12345678", "store": "SZ-FT"},
    ],
)
def test_a_wrong_shape_is_refused_and_not_counted(counter: Counter, body: Any) -> None:
    status, answer = counter.post("C-SZFT-01", "/pickups/verify", body)
    assert status == 422
    assert answer["errors"]
    with counter.tx() as session:
        assert make.count(session, "pickup_attempt") == 0


def test_a_manager_refunds_a_part_and_the_job_is_deferred_with_it(counter: Counter) -> None:
    key = str(uuid.uuid4())
    first, again = counter.refund(key=key, qty=1), counter.refund(key=key, qty=1)
    assert first[0] == 202
    assert first == again
    with counter.tx() as session:
        assert make.count(session, "refund", "amount_fen = 29900 and state = 'REQUESTED'") == 1
        assert make.count(session, "procrastinate_jobs", "task_name = 'send_refund'") == 1
        assert make.numbers_of(session, "AP-1002-M") == (10, 1)


@pytest.mark.parametrize(("clerk", "status"), [("C-SZFT-01", 403), ("C-SZNS-01", 404), ("C-SZNS-03", 404)])
def test_only_a_manager_of_that_store_refunds(counter: Counter, clerk: str, status: int) -> None:
    """Another store is not even told that there is such an order."""
    assert counter.refund(clerk)[0] == status
    with counter.tx() as session:
        assert make.count(session, "refund") == 0
        assert make.count(session, "procrastinate_jobs") == 0


def test_aft_3_refunds_under_way_count_against_what_is_left(counter: Counter) -> None:
    assert counter.refund(amount_fen=50_000)[0] == 202
    status, body = counter.refund(amount_fen=9_801)
    assert (status, body["code"]) == (409, "REFUND_TOO_MUCH")
    assert counter.refund(amount_fen=9_800)[0] == 202
    with counter.tx() as session:
        assert session.execute(text("select sum(amount_fen) from refund")).scalar_one() == 59_800


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ({"amount_fen": 0}, 422),
        ({"amount_fen": -1}, 422),
        ({"amount_fen": 1.5}, 422),
        ({"amount_fen": True}, 422),
        ({"amount_fen": 10**15}, 422),
        ({"qty": -1}, 422),
        ({"qty": 3}, 409),
        ({"line_no": 3}, 422),
        ({"line_no": 0}, 422),
    ],
)
def test_a_refund_that_cannot_be_is_refused_and_writes_nothing(
    counter: Counter, line: dict[str, Any], status: int
) -> None:
    assert counter.refund(**line)[0] == status
    with counter.tx() as session:
        assert make.count(session, "refund") == 0
        assert make.count(session, "refund_line") == 0
        assert make.numbers_of(session, "AP-1002-M") == (10, 2)


def test_clw6_the_sellers_fault_is_money_only_and_noted_as_such(counter: Counter) -> None:
    line = {"line_no": 1, "amount_fen": 3_333}
    body = {"lines": [line | {"qty": 1}], "reason": "色差", "seller_fault": True}
    path = f"/orders/{counter.order.number}/refunds"
    status, problem = counter.post("C-SZFT-03", path, body)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, ["seller_fault"])
    assert counter.post("C-SZFT-03", path, body | {"seller_fault": 1, "lines": [line]})[0] == 422
    with counter.tx() as session:
        assert make.count(session, "refund") == 0
    assert counter.post("C-SZFT-03", path, body | {"lines": [line]})[0] == 202
    with counter.tx() as session:
        assert make.count(session, "refund", "cause = 'DEFECT'") == 1


def test_a_whole_line_that_still_waits_goes_back_and_only_the_rest_is_handed_over(counter: Counter) -> None:
    assert counter.refund(amount_fen=59_800, qty=2)[0] == 202
    with counter.tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)
        assert make.numbers_of(session, "WN-4001") == (10, 1)
    body = {"lines": [{"line_no": 2, "amount_fen": 15_800, "qty": 1}], "reason": "不要了"}
    status, answer = counter.post("C-SZFT-03", f"/orders/{counter.order.number}/refunds", body)
    assert (status, answer["code"]) == (409, "WRONG_STATE")
    status, answer = counter.post(
        "C-SZFT-01", "/pickups/verify", {"code": counter.code(), "age_checked": True}
    )
    assert status == 200
    assert answer["goods"] == [{"name": "干红", "spec": "750 ml", "qty": 1}]
    with counter.tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)
        assert make.numbers_of(session, "WN-4001") == (9, 0)


def test_goods_that_come_back_after_hand_over_are_on_hand_again(counter: Counter) -> None:
    counter.post("C-SZFT-01", "/pickups/verify", {"code": counter.code(), "age_checked": True})
    assert counter.refund(qty=1)[0] == 202
    with counter.tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (9, 0)
        assert make.count(session, "stock_movement", "kind = 'RETURN_GOOD' and on_hand_delta = 1") == 1
