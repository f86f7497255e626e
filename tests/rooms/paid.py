"""Paid orders and refunds as rows, as the rooms above commission leave them: all books agree."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.clock import start_of_day
from app.commission.accrual import LineToAccrue
from app.commission.release import start_clock
from app.ledger.posting import Posting, post

PAID_AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
WEIGHTS = {"ACQ_CLERK": 3000, "ACQ_STORE": 1500, "SVC_CLERK": 2000, "SELL_CLERK": 2000, "FULFIL_STORE": 1500}
LIN, CHEN, FUTIAN, NANSHAN = "clerk:C-SZFT-01", "clerk:C-SZFT-02", "store:SZ-FT", "store:SZ-NS"
HQ = "entity:E-HQ"


def party(role: str, name: str, **facts: Any) -> dict[str, Any]:
    """One party of a credit snapshot; its kind follows from its name."""
    kind = name.partition(":")[0].upper()
    return {"role": role, "kind": kind, "party": name, "name": name, "touch": None, "at": None} | facts


EVERYBODY = [
    party(
        "ACQ_CLERK",
        LIN,
        store="SZ-FT",
        store_name="福田购物公园店",
        at="2026-03-01T02:00:00+00:00",
        because="ACQUIRED_SCAN",
        touch_kind="SCAN",
    ),
    party(
        "ACQ_STORE",
        FUTIAN,
        store="SZ-FT",
        store_name="福田购物公园店",
        at="2026-03-01T02:00:00+00:00",
        because="ACQUIRED_SCAN",
        touch_kind="SCAN",
    ),
    party(
        "SVC_CLERK",
        LIN,
        store="SZ-FT",
        store_name="福田购物公园店",
        at="2026-03-01T02:00:00+00:00",
        because="SERVES_ACQUIRED",
    ),
    party(
        "SELL_CLERK",
        CHEN,
        store="SZ-FT",
        because="SOLD_ASSISTED_ORDER",
        touch_kind="ASSISTED_ORDER",
        at="2026-03-02T03:00:00+00:00",
    ),
    party("FULFIL_STORE", NANSHAN, store="SZ-NS", store_name="南山海岸店"),
]


YUQING, LI = "store:WF-YQ", "clerk:C-WFYQ-01"
# Scenario 1 of the demo brand: acquired and served by a clerk of Futian, sold and handed over in Weifang.
IN_WEIFANG = [*EVERYBODY[:3], party("SELL_CLERK", LI), party("FULFIL_STORE", YUQING)]


def snapshot(parties: Sequence[dict[str, Any]] = EVERYBODY, **changes: Any) -> dict[str, Any]:
    """A credit snapshot of the default policy with all five roles present."""
    return {
        "policy": "DEFAULT",
        "version": 1,
        "mode": "ROLE_SPLIT",
        "weights": WEIGHTS,
        "missing": "HQ",
        "hq": HQ,
        "pool_bp": 500,
        "floor_discount_bp": 5000,
        "aftersale_days": 7,
        "settle_delay_days": 3,
        "parties": list(parties),
        "self_purchase": False,
        "resolved_at": "2026-03-02T03:59:00+00:00",
    } | changes


@dataclass(frozen=True)
class Sold:
    """A paid order: its row ids and its lines as accrual takes them."""

    order_id: int
    number: str
    payment_id: int
    lines: list[LineToAccrue]


_PLACE = """
insert into legal_entity (code, name, kind) values ('E-HQ', '深圳澜序', 'HQ') on conflict do nothing;
insert into store (code, entity_id, name, name_en, ownership, city, services, status, is_default_landing)
select 'SZ-FT', id, '福田购物公园店', 'Futian', 'DIRECT', '深圳', '{pickup}', 'OPEN', false
  from legal_entity where code = 'E-HQ' on conflict do nothing;
insert into member (number) values ('M-0001') on conflict do nothing;
insert into identity (member_id, app, appid, openid, followed)
select id, 'MP', 'wx-mp', 'o-1', false from member where number = 'M-0001'
    on conflict (appid, openid) do nothing;
insert into category (code, name, name_en, position)
values ('apparel', '衣橱', 'Apparel', 1) on conflict do nothing;
insert into product (code, category_id, name, name_en, description, handling, exemption, status, from_fen,
                     search_terms, listed_at)
select 'AP-1002', id, '真丝衬衫', 'Silk shirt', '', '{}', 'NONE', 'ON', 1, '{}', now()
  from category where code = 'apparel' on conflict do nothing;
insert into sku (code, product_id, spec, price_fen, list_fen, status, position)
select 'AP-1002-M', id, 'M', 29900, 39900, 'ON', 1 from product where code = 'AP-1002' on conflict do nothing;
insert into stock_location (code, name, kind, store_id, entity_id)
select 'SZ-FT', '福田购物公园店', 'STORE', id, entity_id from store where code = 'SZ-FT'
    on conflict do nothing;
with goods as (
  insert into stock (sku_id, location_id, on_hand, reserved, safety, incoming)
  select k.id, l.id, 1000, 0, 0, 0 from sku k, stock_location l
   where k.code = 'AP-1002-M' and l.code = 'SZ-FT'
  on conflict do nothing returning *)
insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
select sku_id, location_id, 'RECEIPT', 1000, 0, 'opening', 'test' from goods;
"""
_ORDER = text(
    """
    insert into orders (number, member_id, identity_id, state, version, origin, selling_entity_id,
        selling_store_id, fulfilment, fulfilment_state, pickup_store_id, location_id, goods_fen, discount_fen,
        freight_fen, amount_fen, paid_fen, refunded_fen, created_at, expires_at, paid_at)
    select :number, i.member_id, i.id, 'ALLOCATED', 3, 'ONLINE', e.id, s.id, 'PICKUP', 'READY',
        s.id, l.id, :fen, 0, 0, :fen, :fen, 0, :at, :at, :at
      from identity i, store s, stock_location l, legal_entity e
     where e.code = :entity and i.openid = 'o-1' and s.code = 'SZ-FT' and l.code = 'SZ-FT'
    returning id
    """
)
_EVENTS = text(
    """
    insert into order_event (order_id, version, from_state, to_state, fulfilment_state, actor, reason)
    values (:id, 1, null, 'CREATED', 'WAITING', 'test', 'PLACED'),
           (:id, 2, 'CREATED', 'PAID', 'WAITING', 'test', 'PAID'),
           (:id, 3, 'PAID', 'ALLOCATED', 'READY', 'test', 'GOODS_READY')
    """
)
_LINE = text(
    """
    insert into order_line (order_id, line_no, sku_id, sku_code, name, spec, category_code, exemption, qty,
        unit_price_fen, unit_list_fen, discount_fen, amount_fen, refunded_fen, refunded_qty, base_fen,
        pool_bp, credit_snapshot)
    select :id, :no, k.id, k.code, '真丝衬衫', 'M', 'apparel', 'NONE', 1, :fen, :fen, 0, :fen, 0, 0,
        :fen, :bp, cast(:credit as jsonb)
      from sku k where k.code = 'AP-1002-M'
    returning id
    """
)
_PROMISE = text(
    """
    with promised as (
        insert into reservation (order_id, order_line_id, sku_id, location_id, qty, state)
        select :id, :line_id, k.id, l.id, 1, 'ACTIVE' from sku k, stock_location l
         where k.code = 'AP-1002-M' and l.code = 'SZ-FT' returning *),
    moved as (
        update stock s set reserved = s.reserved + 1 from promised p
         where (s.sku_id, s.location_id) = (p.sku_id, p.location_id))
    insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
    select sku_id, location_id, 'RESERVE', 0, 1, 'reservation:' || id, 'test' from promised
    """
)
_PAYMENT = text(
    """
    insert into payment (order_id, out_trade_no, transaction_id, appid, mchid, payer_openid, amount_fen,
                         state, settled_at, checks)
    values (:id, 'P' || :number, 'T' || :number, 'wx-mp', '1900000001', 'o-1', :fen, 'SUCCESS', :at, 0)
    returning id
    """
)
_CODE = text(
    "insert into pickup_code (order_id, store_id, draw, code_hash)"
    " select id, pickup_store_id, 0, number from orders where id = :id"
)
_HAND_OVER = (
    """
    with handed as (
        update orders set state = 'COMPLETED', fulfilment_state = 'PICKED_UP', version = 5, completed_at = :at
         where id = :id returning id)
    insert into order_event (order_id, version, from_state, to_state, fulfilment_state, actor, reason)
    select id, 4, 'ALLOCATED', 'FULFILLING', 'READY', 'test', 'PICKUP_VERIFIED' from handed union all
    select id, 5, 'FULFILLING', 'COMPLETED', 'PICKED_UP', 'test', 'HANDED_OVER' from handed
    """,
    """
    with gone as (
        update reservation set state = 'CONSUMED', settled_at = :at where order_id = :id and state = 'ACTIVE'
        returning *),
    moved as (
        update stock s set on_hand = s.on_hand - g.qty, reserved = s.reserved - g.qty
          from (select sku_id, location_id, sum(qty) as qty from gone group by 1, 2) g
         where (s.sku_id, s.location_id) = (g.sku_id, g.location_id))
    insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
    select sku_id, location_id, 'SALE', -qty, -qty, 'reservation:' || id, 'test' from gone
    """,
    "update pickup_code set used_at = :at where order_id = :id",
)
_REFUND = text(
    """
    insert into refund (order_id, payment_id, out_refund_no, cause, amount_fen, reason, state, actor, checks)
    values (:id, :payment_id, :no, 'AFTER_SALE', :fen, 'test', :state, 'test', 0) returning id
    """
)
_REFUND_LINE = text(
    "insert into refund_line (refund_id, order_line_id, qty, amount_fen)"
    " values (:refund_id, :line_id, 0, :fen)"
)


_STAFF = (
    "insert into store (code, entity_id, name, name_en, ownership, city, services, status, is_default_landing)"
    " select 'SZ-NS', id, '南山海岸店', 'Nanshan', 'DIRECT', '深圳', '{pickup}', 'OPEN', false"
    " from legal_entity where code = 'E-HQ' on conflict do nothing",
    "insert into clerk (code, name, store_id, role, status) select v.code, v.name, s.id, 'CLERK', 'ACTIVE'"
    " from store s join (values ('C-SZFT-01', '林晓雨', 'SZ-FT'), ('C-SZFT-02', '陈嘉豪', 'SZ-FT'),"
    " ('C-SZNS-01', '周子轩', 'SZ-NS')) as v (code, name, store) on v.store = s.code on conflict do nothing",
)


_WEIFANG = (
    "insert into legal_entity (code, name, kind) values ('E-WF1', '潍坊潍澜商贸', 'FRANCHISEE')",
    "insert into store (code, entity_id, name, name_en, ownership, city, services, status, is_default_landing)"
    " select 'WF-YQ', id, '玉清街店', 'Yuqing', 'FRANCHISE', '潍坊', '{pickup}', 'OPEN', false"
    " from legal_entity where code = 'E-WF1'",
    "insert into stock_location (code, name, kind, store_id, entity_id)"
    " select code, name, 'STORE', id, entity_id from store where code = 'WF-YQ'",
    "insert into clerk (code, name, store_id, role, status)"
    " select 'C-WFYQ-01', '李秀芳', id, 'CLERK', 'ACTIVE' from store where code = 'WF-YQ'",
)


def sell(
    session: Session,
    bases: Sequence[int] = (29900,),
    *,
    number: str = "A260302TEST0001",
    pool_bp: int = 500,
    credit: dict[str, Any] | None = None,
    paid_at: datetime = PAID_AT,
    entity: str = "E-HQ",
) -> Sold:
    """Write a paid pick-up order with one line per base (quantity 1), not accrued yet."""
    for statement in _PLACE.split(";\n")[:-1]:
        session.execute(text(statement))
    fen = sum(bases)
    order_id = session.execute(
        _ORDER, {"number": number, "fen": fen, "at": paid_at, "entity": entity}
    ).scalar_one()
    session.execute(_EVENTS, {"id": order_id})
    lines: list[LineToAccrue] = []
    for no, base in enumerate(bases, start=1):
        facts = {
            "id": order_id,
            "no": no,
            "fen": base,
            "bp": pool_bp,
            "credit": json.dumps(credit or snapshot()),
        }
        line_id = session.execute(_LINE, facts).scalar_one()
        session.execute(_PROMISE, {"id": order_id, "line_id": line_id})
        lines.append(
            LineToAccrue(
                order_line_id=line_id,
                order_id=order_id,
                order_number=number,
                base_fen=base,
                pool_bp=pool_bp,
                sku_code="AP-1002-M",
                name="真丝衬衫",
                qty=1,
                selling_entity=entity,
                snapshot=credit or snapshot(),
            )
        )
    session.execute(_CODE, {"id": order_id})
    facts = {"id": order_id, "number": number, "fen": fen, "at": paid_at}
    payment_id = session.execute(_PAYMENT, facts).scalar_one()
    post(
        session,
        _money(
            f"pay:{payment_id}", "PAYMENT", number, "cash:wechat:1900000001", f"sales:{entity}", fen, paid_at
        ),
    )
    return Sold(order_id, number, payment_id, lines)


def hand_over(session: Session, sold: Sold, at: datetime = PAID_AT) -> None:
    """Complete the pick-up of an accrued order as the orders room does; the freeze clock starts."""
    for statement in _HAND_OVER:
        session.execute(text(statement), {"id": sold.order_id, "at": at})
    start_clock(session, order_id=sold.order_id, completed_at=at)


def refund(session: Session, sold: Sold, parts: dict[int, int], *, no: str, state: str = "SUCCESS") -> int:
    """Write a refund of ``{position of line: fen}``; when it succeeded, count and post it too."""
    fen = sum(parts.values())
    facts = {"id": sold.order_id, "payment_id": sold.payment_id, "no": no, "fen": fen, "state": state}
    refund_id = int(session.execute(_REFUND, facts).scalar_one())
    for position, part in parts.items():
        line_id = sold.lines[position].order_line_id
        session.execute(_REFUND_LINE, {"refund_id": refund_id, "line_id": line_id, "fen": part})
    if state == "SUCCESS":
        succeed(session, sold, refund_id)
    return refund_id


def succeed(session: Session, sold: Sold, refund_id: int) -> None:
    """Count and post a refund as the payments room does when WeChat says that the money is back."""
    session.execute(text("update refund set state = 'SUCCESS' where id = :id"), {"id": refund_id})
    counted = "update orders o set refunded_fen = o.refunded_fen + r.amount_fen from refund r"
    session.execute(text(f"{counted} where r.id = :id and o.id = r.order_id"), {"id": refund_id})
    counted = "update order_line l set refunded_fen = l.refunded_fen + r.amount_fen from refund_line r"
    session.execute(text(f"{counted} where r.refund_id = :id and l.id = r.order_line_id"), {"id": refund_id})
    fen = session.execute(
        text("select amount_fen from refund where id = :id"), {"id": refund_id}
    ).scalar_one()
    key, number = f"refund:{refund_id}", sold.number
    sales = f"sales:{sold.lines[0].selling_entity}"
    post(session, _money(key, "REFUND", number, sales, "cash:wechat:1900000001", fen, PAID_AT))


def shares(session: Session, sold: Sold, position: int = 0) -> list[tuple[str, str, int, int, str]]:
    """(role, party, accrued, reversed, state) of one line's shares in their order."""
    rows = session.execute(
        text(
            "select role, party, accrued_fen, reversed_fen, state from commission_share"
            " where order_line_id = :id order by position"
        ),
        {"id": sold.lines[position].order_line_id},
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]  # five columns, as the annotation says


def amounts(session: Session, sold: Sold, position: int = 0) -> list[int]:
    """What is left of each share of one line."""
    return [accrued - taken for _, _, accrued, taken, _ in shares(session, sold, position)]


def share_ids(session: Session, sold: Sold, position: int = 0) -> dict[str, int]:
    """The row id of each role's share of one line, as accrued."""
    rows = session.execute(
        text("select role, id from commission_share where order_line_id = :id and move_id is null"),
        {"id": sold.lines[position].order_line_id},
    )
    return {row.role: row.id for row in rows}


def book(session: Session, sold: Sold, position: int = 0) -> list[tuple[str, str, int, str]]:
    """(role, party, what is left, state) of one line's shares in their order, those by moves too."""
    rows = session.execute(
        text(
            "select role, party, accrued_fen - reversed_fen - moved_fen, state from commission_share"
            " where order_line_id = :id order by position"
        ),
        {"id": sold.lines[position].order_line_id},
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]  # four columns, as the annotation says


def staff(session: Session) -> None:
    """The clerks and stores that these stories name, as rows: whoever gets a share must exist."""
    for statement in _PLACE.split(";\n")[:-1]:
        session.execute(text(statement))
    for statement in _STAFF:
        session.execute(text(statement))


def weifang(session: Session) -> None:
    """A franchisee's store and clerk, beside those of ``staff``."""
    staff(session)
    for statement in _WEIFANG:
        session.execute(text(statement))


def local(day: str) -> datetime:
    """00:00 in Shanghai of a day such as ``2026-03-13``."""
    return start_of_day(datetime.fromisoformat(day).date())


def _money(key: str, kind: str, number: str, debit: str, credit: str, fen: int, at: datetime) -> Posting:
    return Posting(key, kind, f"order:{number}", debit, credit, fen, at)
