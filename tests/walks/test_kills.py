"""kill -9 in the middle of things: what was answered is there, what is there happened once."""

import threading
import time
import uuid
from dataclasses import dataclass, field

import pytest
import requests
from sqlalchemy import text

from app.wiring import Parts
from tests import make
from tests.boxed import Boxed
from tests.live import Live

ROUNDS = 4
BUYERS = 8


@dataclass
class Client:
    """A shopper's phone: keeps the key before sending, and sends again under the same key until answered."""

    url: str
    token: str
    stop: threading.Event
    keys: dict[str, str] = field(default_factory=dict)
    lost: int = 0

    def run(self) -> None:
        """Order one thing after the other."""
        while not self.stop.is_set():
            key = str(uuid.uuid4())
            self.keys[key] = self._until_answered(key)

    def _until_answered(self, key: str) -> str:
        basket = {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1}]}
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        while True:
            try:
                answer = requests.post(
                    f"{self.url}/api/shopper/orders", json=basket, headers=headers, timeout=10
                )
            except requests.RequestException:
                self.lost += 1
                time.sleep(0.05)
                continue
            if answer.status_code == 201:
                return str(answer.json()["number"])
            assert answer.status_code in (409, 503), answer.text
            time.sleep(0.05)


@pytest.fixture(autouse=True)
def shop(right_books: None, parts: Parts, live: Live) -> None:
    """The small shop, with more than anybody buys."""
    with parts.tx() as session:
        make.a_shop(session)
        make.stock(session, "AP-1002-M", 100_000)


def test_killing_the_web_server_in_mid_order_loses_and_doubles_nothing(parts: Parts, live: Live) -> None:
    with parts.tx() as session:
        tokens = [make.a_login(session, make.a_buyer(session, str(i))) for i in range(BUYERS)]
    stop = threading.Event()
    clients = [Client(live.url, token, stop) for token in tokens]
    threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for _ in range(ROUNDS):
        time.sleep(0.4)
        live.kill("web")
        live.wait_until_ready()
    stop.set()
    live.wait_for(lambda: not any(thread.is_alive() for thread in threads))
    answered = [number for client in clients for number in client.keys.values()]
    assert len(answered) == len(set(answered)) > ROUNDS
    assert sum(client.lost for client in clients) > 0, "no request was cut: the test did not test"
    with parts.tx() as session:
        stored = set(session.execute(text("select number from orders")).scalars())
        assert stored == set(answered)
        assert make.numbers_of(session, "AP-1002-M") == (100_000, len(answered))


def test_killing_the_worker_in_mid_refund_refunds_once(parts: Parts, live: Live, box: Boxed) -> None:
    """Jobs of a killed worker are run again by the next one; every refund is made exactly once."""
    box.post("settings", refund_delay_s=0)
    person = box.post("persons", name="张小满")["person"]
    with parts.tx() as session:
        buyer = make.a_buyer(session, appid=parts.settings.mp_appid, openid=person["mp_openid"])
        token = make.a_login(session, buyer)
    headers = {"Authorization": f"Bearer {token}"}
    numbers = []
    for _ in range(6):
        basket = {"store": "SZ-FT", "lines": [{"sku": "AP-1002-M", "qty": 1}]}
        key = {"Idempotency-Key": str(uuid.uuid4())}
        placed = requests.post(
            f"{live.url}/api/shopper/orders", json=basket, headers=headers | key, timeout=10
        )
        numbers.append(placed.json()["number"])
        base = f"{live.url}/api/shopper/orders/{numbers[-1]}"
        box.post(
            f"persons/{person['id']}/pay",
            **requests.post(f"{base}/prepay", headers=headers, timeout=10).json(),
        )
    live.kill("worker")

    def refunds_under_way() -> bool:
        with parts.tx() as session:
            return (
                make.count(session, "procrastinate_jobs", "task_name = 'send_refund' and status <> 'todo'")
                > 0
            )

    for number in numbers:
        base = f"{live.url}/api/shopper/orders/{number}"
        assert requests.post(f"{base}/cancel", headers=headers, timeout=10).json()["state"] == "CANCELLED"
    dead = live.family.pid("worker")
    live.wait_for(lambda: live.family.pid("worker") != dead)
    live.wait_for(refunds_under_way)
    live.kill("worker")

    def all_back() -> bool:
        with parts.tx() as session:
            return make.count(session, "refund", "state = 'SUCCESS'") == 6

    live.wait_for(all_back, timeout_s=90)
    with parts.tx() as session:
        assert make.count(session, "ledger_transfer", "kind = 'REFUND'") == 6
        assert (
            session.execute(text("select sum(accrued_fen - reversed_fen) from commission_share")).scalar_one()
            == 0
        )
