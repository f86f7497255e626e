"""The cases: what is asked of the house, prepared as bytes, and what must be in the books afterwards."""

import json
import random
import time
import uuid
from abc import ABC, abstractmethod
from urllib.parse import urlencode

from sqlalchemy import text

from scripts.bench_brand import COPIES, STORES
from scripts.bench_cast import Shopper
from scripts.bench_figures import Slice
from scripts.bench_notices import notice
from scripts.bench_stage import HOUSE, Stage, Wrong
from wechat.box.credentials import Account
from wechat.box.push_envelope import Posted, seal

# More than the last slice took, so that a slice ends by the clock; but preparing costs time, too.
SPARE = 1.5
FIRST_GUESS_RPS = 300.0
SAID = ("你好", "谢谢，已经收到了", "衬衫", "大衣", "门店", "深圳的门店", "什么时候可以取货？")
LISTS = (
    "",
    "?limit=20",
    "?sort=price_asc",
    "?sort=price_desc",
    "?category=apparel",
    "?category=jewellery&sort=price_asc",
)
PLACES = 4000


def get(path: str) -> bytes:
    """A GET as a phone sends it, without login."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n".encode()


def post(path: str, body: bytes, kind: str, **headers: str) -> bytes:
    """A POST; underscores in the names of `headers` are dashes."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n"
    return f"{head}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body


def sealed_push(account: Account, openid: str, said: str, message_id: int) -> Posted:
    """A text message in safe mode, as WeChat would send it now."""
    fields: dict[str, str | int | float] = {
        "ToUserName": account.original_id,
        "FromUserName": openid,
        "CreateTime": int(time.time()),
        "MsgType": "text",
        "Content": said,
        "MsgId": message_id,
    }
    return seal(account, "safe", openid, fields)


class Case(ABC):
    """One kind of request. `answered` counts what the house has answered in the whole run."""

    expect = 200
    endless = False

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.answered = 0
        self._rps = FIRST_GUESS_RPS

    @abstractmethod
    def requests(self, most: int) -> list[bytes]:
        """Prepare requests: all there are for an endless case, else `most` that were never sent before."""

    def slice(self, seconds: float) -> Slice:
        """Load the house with this case for that long. Raises Wrong when it answers anything unexpected."""
        return self._load(self.requests(int(self._rps * seconds * SPARE) + 64), seconds)

    def _load(self, requests: list[bytes], seconds: float) -> Slice:
        measured = self.stage.load(HOUSE, requests, expect=self.expect, seconds=seconds, endless=self.endless)
        self.answered += measured.requests
        self._rps = measured.rps
        return measured

    def check(self) -> None:
        """Compare the books with what was answered; raises Wrong when they differ. Reads need no check."""
        return None

    def _demand(self, what: str, sql: str) -> None:
        with self.stage.engine.connect() as connection:
            found = connection.execute(text(sql)).scalar_one()
        if found != self.answered:
            raise Wrong(f"{self.answered} answers but {found} {what}")


class Lists(Case):
    """Product lists of 20, a few pages that many people ask for."""

    endless = True

    def requests(self, most: int) -> list[bytes]:
        """The pages."""
        return [get(f"/api/shopper/products{query}") for query in LISTS]


class Details(Case):
    """Product details: the 20 products of a first page, which many people open."""

    endless = True

    def requests(self, most: int) -> list[bytes]:
        """One for each product."""
        popular = text(
            "select code from product where status = 'ON' order by listed_at desc, id desc limit 20"
        )
        with self.stage.engine.connect() as connection:
            codes = connection.execute(popular).scalars().all()
        return [get(f"/api/shopper/products/{code}") for code in codes]


class Nearby(Case):
    """Stores near a place that nobody asked about before, in and around the cities of the brand."""

    endless = True

    def requests(self, most: int) -> list[bytes]:
        """4000 places."""
        with self.stage.engine.connect() as connection:
            stores = connection.execute(text("select lat, lng from store where lat is not null")).all()
        chosen = [random.choice(stores) for _ in range(PLACES)]
        places = [
            {"lat": f"{lat + random.uniform(-0.1, 0.1):.5f}", "lng": f"{lng + random.uniform(-0.1, 0.1):.5f}"}
            for lat, lng in chosen
        ]
        return [get(f"/api/shopper/stores/nearby?{urlencode(place)}") for place in places]


class Pushes(Case):
    """Text messages in safe mode, each new, from fans whom the house knows."""

    def __init__(self, stage: Stage, cast: list[Shopper]) -> None:
        super().__init__(stage)
        self._cast = cast
        self._last = random.randrange(10**15, 10**16)

    def requests(self, most: int) -> list[bytes]:
        """Sealed by the box's own code, which is not the house's."""
        return [self._push(random.choice(self._cast).oa_openid, random.choice(SAID)) for _ in range(most)]

    def _push(self, openid: str, said: str) -> bytes:
        self._last += 1
        posted = sealed_push(self.stage.credentials.oa, openid, said, self._last)
        return post(f"/callbacks/wechat/oa?{posted.query}", posted.body, "text/xml")

    def check(self) -> None:
        """Every message lies in the inbox once, with its answer."""
        self._demand(
            "messages in the inbox",
            "select count(*) from inbox where source = 'wechat.oa' and answer is not null",
        )


class Orders(Case):
    """Orders of two lines by members in turn, over all copied SKUs and four stores."""

    expect = 201

    def __init__(self, stage: Stage, cast: list[Shopper]) -> None:
        super().__init__(stage)
        self._cast = cast
        self._next = 0
        with stage.engine.connect() as connection:
            copied = text("select code from sku where code ~ :copied order by id")
            self._skus = list(connection.execute(copied, {"copied": f"-({_numbers()})$"}).scalars())

    def requests(self, most: int) -> list[bytes]:
        """Each with a fresh Idempotency-Key."""
        return [self._order() for _ in range(most)]

    def place(self, count: int) -> None:
        """Place that many orders, unmeasured."""
        self._load(self.requests(count), seconds=60)

    def _order(self) -> bytes:
        self._next += 1
        shopper = self._cast[self._next % len(self._cast)]
        lines = [{"sku": sku, "qty": random.randint(1, 2)} for sku in random.sample(self._skus, 2)]
        body = json.dumps({"store": random.choice(STORES), "lines": lines}).encode()
        return post(
            "/api/shopper/orders",
            body,
            "application/json",
            Authorization=f"Bearer {shopper.token}",
            Idempotency_Key=str(uuid.uuid4()),
        )

    def check(self) -> None:
        """Every order is there once, with its two promises."""
        self._demand("orders", "select count(*) from orders")
        self._demand("kept answers", "select count(*) from idempotent_answer")
        self._demand("pairs of promises", "select count(*) / 2 from reservation where state = 'ACTIVE'")


class Notices(Case):
    """Signed, sealed notices of payment, each for an order that waits for its money."""

    expect = 204

    def __init__(self, stage: Stage, orders: Orders) -> None:
        super().__init__(stage)
        self._orders = orders

    def requests(self, most: int) -> list[bytes]:
        """Places orders until enough wait, opens their payments as prepay does, and signs as the platform."""
        waiting = self._waiting()
        if waiting < most:
            self._orders.place(most - waiting)
        merchant, appid = self.stage.credentials.pay, self.stage.credentials.mp.appid
        with self.stage.engine.begin() as connection:
            opened = connection.execute(
                _OPEN_PAYMENTS, {"most": most, "appid": appid, "mchid": merchant.mchid}
            ).all()
        path = "/callbacks/wechat/pay/paid"
        made = [notice(merchant, appid, row.out_trade_no, row.payer_openid, row.amount_fen) for row in opened]
        return [post(path, body, "application/json", **headers) for headers, body in made]

    def _waiting(self) -> int:
        with self.stage.engine.connect() as connection:
            return int(connection.execute(_WAITING).scalar_one())

    def check(self) -> None:
        """Every notice paid one order, and its commission is booked."""
        self._demand("paid orders", "select count(*) from orders where paid_fen = amount_fen")
        self._demand("payments", "select count(*) from payment where state = 'SUCCESS'")
        self._demand("notices in the inbox", "select count(*) from inbox where source = 'pay'")
        self._demand("accrued orders", "select count(distinct order_id) from commission_line")


_WAITING = text(
    "select count(*) from orders o where state = 'CREATED'"
    " and not exists (select 1 from payment p where p.order_id = o.id)"
)
_OPEN_PAYMENTS = text(
    """
    insert into payment (order_id, out_trade_no, appid, mchid, payer_openid, amount_fen, state, prepay_id,
                         next_check_at, checks)
    select o.id, 'P' || o.number, :appid, :mchid, i.openid, o.amount_fen, 'PREPARED', 'wx-' || o.id,
           now() + interval '1 hour', 0
    from orders o join identity i on i.id = o.identity_id
    where o.state = 'CREATED' and not exists (select 1 from payment p where p.order_id = o.id)
    order by random() limit :most
    returning out_trade_no, payer_openid, amount_fen
    """
)


def _numbers() -> str:
    return "|".join(str(n) for n in range(1, COPIES + 1))
