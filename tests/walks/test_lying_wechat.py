"""WeChat lies, probes, repeats and shuffles over real HTTP; the order ends in the one right state all the same."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from sqlalchemy import text

from app.wiring import Parts
from tests import make
from tests.boxed import Boxed
from tests.live import Live

pytestmark = pytest.mark.usefixtures("right_books")


class Shopper:
    """A person in the box with a login at the live house."""

    def __init__(self, parts: Parts, live: Live, box: Boxed) -> None:
        self.parts, self.live, self.box = parts, live, box
        self.person = box.post("persons", name="张小满")["person"]
        with parts.tx() as session:
            make.a_shop(session)
            make.stock(session, "AP-1002-M", 50)
            appid, openid = parts.settings.mp_appid, self.person["mp_openid"]
            buyer = make.a_buyer(session, appid=appid, openid=openid)
            self.headers = {"Authorization": f"Bearer {make.a_login(session, buyer)}"}

    def order(self) -> str:
        """A new order's number."""
        basket = {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1}]}
        headers = self.headers | {"Idempotency-Key": str(uuid.uuid4())}
        return str(self._ask("POST", "", basket, headers)["number"])

    def pay(self, number: str) -> Any:
        """Prepay and confirm on the phone; answers what the box did."""
        return self.box.post(f"persons/{self.person['id']}/pay", **self._ask("POST", f"/{number}/prepay"))

    def cancel(self, number: str) -> Any:
        """Cancel the order."""
        return self._ask("POST", f"/{number}/cancel")

    def state(self, number: str) -> str:
        """The order's state as its owner sees it."""
        return str(self._ask("GET", f"/{number}")["state"])

    def notices(self) -> list[Any]:
        """Everything the box delivered about payments and refunds."""
        return [one for one in self.box.get("deliveries")["deliveries"] if one["kind"] == "notice"]

    def _ask(self, method: str, path: str, body: Any = None, headers: Any = None) -> Any:
        url = f"{self.live.url}/api/shopper/orders{path}"
        answer = requests.request(method, url, json=body, headers=headers or self.headers, timeout=10)
        assert answer.ok, answer.text
        return answer.json()


@pytest.fixture
def shopper(parts: Parts, live: Live, box: Boxed) -> Iterator[Shopper]:
    """The small shop and somebody who buys in it; no faults are left behind."""
    yield Shopper(parts, live, box)
    box.post("settings", faults={}, refund_delay_s=1)


@pytest.mark.parametrize("fault", ["signtest_probe", "wrong_signature"])
def test_a_probe_is_answered_401_and_the_true_notice_after_it_counts_once(
    shopper: Shopper, fault: str
) -> None:
    shopper.box.post("settings", faults={fault: True})
    number = shopper.order()
    shopper.pay(number)
    shopper.live.wait_for(lambda: shopper.state(number) == "ALLOCATED")
    statuses = [attempt["status"] for one in shopper.notices() for attempt in one["attempts"]]
    assert statuses == [401, 204]
    with shopper.parts.tx() as session:
        assert make.count(session, "ledger_transfer", "kind = 'PAYMENT'") == 1


@pytest.mark.parametrize("fault", ["wrong_amount", "foreign_appid"])
def test_a_genuine_notice_of_other_money_changes_nothing_and_the_janitor_finds_the_truth(
    shopper: Shopper, fault: str
) -> None:
    shopper.box.post("settings", faults={fault: True})
    number = shopper.order()
    shopper.pay(number)
    with shopper.parts.tx() as session:
        row = session.execute(text("select state, problem is not null as told from payment")).one()
        assert tuple(row) == ("MISMATCH", True)
    assert shopper.state(number) == "CREATED"
    shopper.box.post("settings", faults={})
    notice = shopper.notices()[0]
    shopper.box.post(f"deliveries/{notice['id']}/again")
    with shopper.parts.tx() as session:
        assert make.count(session, "ledger_transfer") == 0


def test_notices_twice_and_refund_news_in_any_order_end_the_same(shopper: Shopper) -> None:
    shopper.box.post("settings", faults={"duplicate_notices": True}, refund_delay_s=0)
    number = shopper.order()
    shopper.pay(number)
    shopper.live.wait_for(lambda: shopper.state(number) == "ALLOCATED")
    assert shopper.cancel(number)["state"] == "CANCELLED"

    def all_back() -> bool:
        with shopper.parts.tx() as session:
            return make.count(session, "refund", "state = 'SUCCESS'") == 1

    shopper.live.wait_for(all_back)
    for notice in reversed(shopper.notices()):
        shopper.box.post(f"deliveries/{notice['id']}/again", times=4)
    with shopper.parts.tx() as session:
        assert make.count(session, "ledger_transfer", "kind = 'PAYMENT'") == 1
        assert make.count(session, "ledger_transfer", "kind = 'REFUND'") == 1
        assert (
            session.execute(text("select sum(accrued_fen - reversed_fen) from commission_share")).scalar()
            == 0
        )
        assert make.numbers_of(session, "AP-1002-M") == (50, 0)
    assert shopper.state(number) == "CANCELLED"


def test_a_dropped_notice_is_made_up_for_by_the_worker(shopper: Shopper) -> None:
    shopper.box.post("settings", faults={"drop_notices": True})
    number = shopper.order()
    shopper.pay(number)
    assert shopper.state(number) == "CREATED"
    with shopper.parts.tx() as session:
        session.execute(text("update payment set next_check_at = now()"))
    shopper.live.wait_for(lambda: shopper.state(number) == "ALLOCATED", timeout_s=60)
