"""Races over real HTTP against two web processes and a worker: exact counts, whatever the order of events."""

import collections
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sqlalchemy import text

from app.wiring import Parts
from tests import make
from tests.boxed import Boxed
from tests.live import Live
from tests.racing import at_once

BASKET = {"store": "SZ-FT", "lines": [{"sku": "AP-1001-M", "qty": 1}]}


@pytest.fixture(autouse=True)
def shop(right_books: None, parts: Parts, live: Live) -> None:
    """The small shop."""
    with parts.tx() as session:
        make.a_shop(session)


def _tokens(parts: Parts, many: int) -> list[str]:
    with parts.tx() as session:
        return [make.a_login(session, make.a_buyer(session, str(i))) for i in range(many)]


def _place(
    live: Live, token: str, *, key: str | None = None, basket: dict[str, Any] | None = None
) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(uuid.uuid4())}
    return requests.post(f"{live.url}/api/shopper/orders", json=basket or BASKET, headers=headers, timeout=30)


def test_stk_1_two_hundred_buyers_for_twenty_units(parts: Parts, live: Live) -> None:
    with parts.tx() as session:
        make.stock(session, "AP-1001-M", 20)
    tokens = _tokens(parts, 200)
    with ThreadPoolExecutor(max_workers=50) as pool:
        answers = list(pool.map(lambda token: _place(live, token), tokens))
    counted = collections.Counter(answer.status_code for answer in answers)
    assert counted == {201: 20, 409: 180}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"OUT_OF_STOCK"}
    with parts.tx() as session:
        assert make.count(session, "orders") == 20
        assert make.numbers_of(session, "AP-1001-M") == (20, 20)


def test_one_idempotency_key_thirty_times_at_once_is_one_order(parts: Parts, live: Live) -> None:
    with parts.tx() as session:
        make.stock(session, "AP-1001-M", 50)
    token = _tokens(parts, 1)[0]
    key = str(uuid.uuid4())
    answers = at_once(30, lambda _: _place(live, token, key=key))
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {201, 409}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"IN_FLIGHT"}
    assert len({answer.json()["number"] for answer in answers if answer.status_code == 201}) == 1
    again = _place(live, token, key=key)
    assert (again.status_code, again.headers["Idempotent-Replay"]) == (201, "true")
    other = _place(live, token, key=key, basket={"store": "SZ-FT", "lines": [{"sku": "AP-1001-M", "qty": 2}]})
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    with parts.tx() as session:
        assert make.count(session, "orders") == 1
        assert make.numbers_of(session, "AP-1001-M") == (50, 1)


def test_the_same_notice_fifty_times_in_parallel_pays_and_accrues_once(
    parts: Parts, live: Live, box: Boxed
) -> None:
    person = box.post("persons", name="张小满")["person"]
    with parts.tx() as session:
        make.stock(session, "AP-1001-M", 5)
        buyer = make.a_buyer(session, appid=parts.settings.mp_appid, openid=person["mp_openid"])
        token = make.a_login(session, buyer)
    number = _place(live, token).json()["number"]
    headers = {"Authorization": f"Bearer {token}"}
    asked = requests.post(
        f"{live.url}/api/shopper/orders/{number}/prepay", headers=headers, timeout=10
    ).json()
    box.post(f"persons/{person['id']}/pay", **asked)
    notice = next(one for one in box.get("deliveries")["deliveries"] if "TRANSACTION" in str(one))

    sent = box.post(f"deliveries/{notice['id']}/again", times=50)["delivery"]
    assert len(sent["attempts"]) >= 51
    assert {attempt["status"] for attempt in sent["attempts"]} == {204}

    def heard() -> bool:
        with parts.tx() as session:
            return make.count(session, "orders", "state = 'ALLOCATED'") == 1

    live.wait_for(heard)
    with parts.tx() as session:
        assert make.count(session, "order_event", "to_state = 'PAID'") == 1
        assert make.count(session, "commission_line") == 1
        assert make.count(session, "ledger_transfer", "kind = 'PAYMENT'") == 1
        assert make.count(session, "inbox", "source = 'pay'") == 1
        assert session.execute(text("select sum(accrued_fen) from commission_share")).scalar_one() == 6_495
