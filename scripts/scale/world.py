"""The small world: the demo brand's clerks bring members, who order, pay and collect, all through the rooms."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.attribution.touches import NewTouch, record
from app.base.db import Tx
from app.base.vault import Vault
from app.commission.release import release_due
from app.members.meeting import Met, meet
from app.orders import lifecycle, pickup, pickup_codes
from app.orders.pickup import Verifier
from app.orders.placing import Basket, Buyer, Placed, place
from app.payments.accepting import accept_paid
from app.payments.partial import Decider, Wish, refund_part
from app.payments.refunding import accept_refund
from app.stock.receiving import receive
from models.attribution import TouchKind
from models.members import AppKind
from wechat.pay import RefundStatus, Trade, TradeState

OA, MP, MCHID = "wx-scale-oa", "wx-scale-mp", "1900000001"
DAYS = 70  # how far back the orders lie: two whole months, and what is still frozen
ACTOR = "scale"
PLENTY = 1_000_000
_CODES = text(
    """
    insert into qr_code (scene, kind, clerk_id, store_id)
    select 'scale-' || lower(c.code), 'CLERK_OA', c.id, c.store_id
    from clerk c join store s on s.id = c.store_id
    where c.status = 'ACTIVE' and s.status = 'OPEN' and not s.is_default_landing
    returning scene
    """
)
_COUNTERS = text(
    """
    select s.id as store_id, s.code as store, l.code as location,
           min(c.id) as clerk_id, min(c.code) as clerk, (array_agg(c.code order by c.role desc))[1] as manager
    from store s join stock_location l on l.store_id = s.id join clerk c on c.store_id = s.id
    where s.status = 'OPEN' and 'pickup' = any(s.services) and c.status = 'ACTIVE'
    group by s.id, s.code, l.code order by s.code
    """
)
_SKUS = text(
    "select k.code from sku k join product p on p.id = k.product_id"
    " where p.status = 'ON' and p.min_age is null and k.status = 'ON' order by k.code"
)
_PAYMENT = text(
    """
    insert into payment (order_id, out_trade_no, appid, mchid, payer_openid, amount_fen, state, checks)
    values (:order_id, :no, :appid, :mchid, :openid, :amount_fen, 'PREPARED', 0)
    """
)


@dataclass(frozen=True)
class Size:
    """How many members there are and how many orders of two lines they place."""

    members: int
    orders: int


def play(tx: Tx, vault: Vault, size: Size, *, until: datetime, tell: Callable[[int, int], None]) -> None:
    """Let ``size.members`` follow and place ``size.orders`` orders in the 70 days before ``until``.

    Nine of ten orders are paid and collected, some of those partly refunded; what is due is released. The
    same size and moment give the same world. ``tell(done, all)`` is called now and then. Needs the demo
    brand in an otherwise empty database.
    """
    chance = random.Random(7)
    with tx() as session:
        scenes = sorted(session.execute(_CODES).scalars())
        counters = list(session.execute(_COUNTERS).all())
        skus = list(session.execute(_SKUS).scalars())
        _fill(session, counters, skus)
    buyers = _gather(tx, scenes, size.members, since=until - timedelta(days=2 * DAYS))
    for number in range(size.orders):
        at = until - timedelta(days=DAYS) * (1 - number / size.orders)
        counter, buyer = chance.choice(counters), buyers[chance.randrange(len(buyers))]
        items = tuple((sku, 1 + chance.randrange(2)) for sku in chance.sample(skus, 2))
        _story(tx, vault, counter, buyer, items, at=at, fate=number % 10, until=until)
        if number % 100 == 0:
            tell(number, size.orders)
    released = 1
    while released:
        with tx() as session:
            released = release_due(session, now=until)


def _fill(session: Session, counters: list[Row[tuple[object, ...]]], skus: list[str]) -> None:
    for counter in counters:
        for sku in skus:
            receive(session, location=counter.location, sku=sku, qty=PLENTY, ref="scale", actor=ACTOR)


def _gather(tx: Tx, scenes: list[str], count: int, *, since: datetime) -> list[tuple[Buyer, str]]:
    buyers = []
    for first in range(0, count, 200):
        with tx() as session:
            for n in range(first, min(first + 200, count)):
                buyers.append(_come(session, n, scenes[n % len(scenes)], since + timedelta(seconds=60 * n)))
    return buyers


def _come(session: Session, n: int, scene: str, at: datetime) -> tuple[Buyer, str]:
    union, openid = f"scale-union-{n}", f"scale-mp-{n}"
    fan = meet(
        session, app=AppKind.OA, appid=OA, openid=f"scale-oa-{n}", unionid=union, followed=True, at=at, now=at
    )
    kind = TouchKind.SUBSCRIBE_SCAN
    touch = NewTouch(fan.member_id, fan.identity_id, kind, at, f"scale-{n}", scene=scene, received_at=at)
    record(session, touch)
    visitor = meet(session, app=AppKind.MP, appid=MP, openid=openid, unionid=union, now=at)
    return Buyer(visitor.member_id, _number(session, visitor), visitor.identity_id), openid


def _number(session: Session, met: Met) -> str:
    found = session.execute(text("select number from member where id = :id"), {"id": met.member_id})
    return str(found.scalar_one())


def _story(
    tx: Tx,
    vault: Vault,
    counter: Row[tuple[object, ...]],
    who: tuple[Buyer, str],
    items: tuple[tuple[str, int], ...],
    *,
    at: datetime,
    fate: int,
    until: datetime,
) -> None:
    buyer, openid = who
    with tx() as session:
        placed = place(session, Basket(counter.store, items), buyer, now=at, ttl_s=900)
        if fate == 9:
            lifecycle.cancel(
                session, lifecycle.hold(session, placed.order_id), now=at, actor=ACTOR, reason="TIMEOUT"
            )
            return
        _pay(session, vault, placed, openid, at + timedelta(minutes=2))
    collected_at = at + timedelta(hours=20)
    if collected_at > until:
        return
    with tx() as session:
        code = pickup_codes.show(session, placed.order_id, vault=vault, now=collected_at).code
    verifier = Verifier(counter.clerk_id, counter.clerk, counter.store_id)
    pickup.verify(tx, verifier, code=code, age_checked=True, vault=vault, now=collected_at)
    returned_at = collected_at + timedelta(days=3)
    if fate == 8 and returned_at < until:
        _take_back(tx, placed, Decider(counter.manager, "MANAGER", counter.store_id), returned_at)


def _pay(session: Session, vault: Vault, placed: Placed, openid: str, at: datetime) -> None:
    no, fen = f"P{placed.number}", placed.quote.amount_fen
    session.execute(
        _PAYMENT,
        {
            "order_id": placed.order_id,
            "no": no,
            "appid": MP,
            "mchid": MCHID,
            "openid": openid,
            "amount_fen": fen,
        },
    )
    trade = Trade(
        appid=MP,
        mchid=MCHID,
        out_trade_no=no,
        transaction_id=f"42{placed.number}",
        state=TradeState.SUCCESS,
        amount_fen=fen,
        currency="CNY",
        payer_openid=openid,
        success_at=at,
    )
    accept_paid(session, trade, vault=vault, now=at)


def _take_back(tx: Tx, placed: Placed, decider: Decider, at: datetime) -> None:
    line = placed.quote.lines[0]
    wish = Wish(1, line.amount_fen // line.qty, 1)
    with tx() as session:
        number = refund_part(
            session, order_number=placed.number, decider=decider, wishes=[wish], reason="退货", now=at
        )
        accept_refund(
            session,
            out_refund_no=number,
            refund_id=f"50{number}",
            status=RefundStatus.SUCCESS,
            refund_fen=wish.amount_fen,
            now=at,
        )
