"""Builders with good defaults: a small shop, people, orders. Rows go in as the rooms themselves would write them."""

import secrets
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.tokens import hash_token
from app.base.vault import Vault
from app.orders import lifecycle
from app.orders.placing import Basket, Buyer, Placed, place

VAULT = Vault("0f1e2d3c4b5a69788796a5b4c3d2e1f0")
TTL_S = 900

_SHOP = """
insert into legal_entity (code, name, kind) values ('E-HQ', '深圳澜序商贸有限公司', 'HQ');
insert into store (code, entity_id, name, name_en, ownership, city, services, status, is_default_landing,
                   lat, lng)
select v.code, e.id, v.name, v.code, 'DIRECT', '深圳', '{pickup}', 'OPEN', false, v.lat, v.lng from legal_entity e,
  (values ('SZ-FT', '澜序·福田购物公园店', 22.5336, 114.0552), ('SZ-NS', '澜序·南山海岸店', 22.5172, 113.9353))
  as v(code, name, lat, lng);
insert into stock_location (code, name, kind, store_id, entity_id)
select code, name, 'STORE', id, entity_id from store;
insert into clerk (code, name, store_id, role, status)
select v.code, v.name, s.id, v.role, 'ACTIVE' from store s join
  (values ('C-SZFT-01', '林晓雨', 'SZ-FT', 'CLERK'), ('C-SZFT-03', '黄丽娜', 'SZ-FT', 'MANAGER'),
          ('C-SZNS-01', '周子轩', 'SZ-NS', 'CLERK'), ('C-SZNS-03', '赵敏', 'SZ-NS', 'MANAGER'))
  as v(code, name, store, role) on v.store = s.code;
insert into category (code, name, name_en, position)
values ('apparel', '衣橱', 'Apparel', 1), ('wine', '酒窖', 'Wine', 2);
insert into product (code, category_id, name, name_en, description, handling, min_age, exemption, status, from_fen,
                     search_terms, listed_at)
select v.code, c.id, v.name, v.code, '', '{}', v.min_age, 'NONE', 'ON', v.fen, '{}', now() from category c join
  (values ('AP-1001', 'apparel', '羊毛混纺大衣', null, 129900), ('AP-1002', 'apparel', '真丝衬衫', null, 29900),
          ('AP-1003', 'apparel', '羊绒围巾', null, 12900), ('WN-4001', 'wine', '干红', 18, 15800))
  as v(code, category, name, min_age, fen) on v.category = c.code;
insert into sku (code, product_id, spec, price_fen, list_fen, status, position)
select v.code, p.id, v.spec, p.from_fen, v.list_fen, 'ON', 1 from product p join
  (values ('AP-1001-M', 'AP-1001', 'M', 159900), ('AP-1002-M', 'AP-1002', 'M', 39900),
          ('AP-1003-F', 'AP-1003', 'F', 12900), ('WN-4001', 'WN-4001', '750 ml', 19800))
  as v(code, product, spec, list_fen) on v.product = p.code;
insert into attribution_policy (code, version, scope, mode, params, effective_from, created_by, approved_by,
                                approved_at)
values ('DEFAULT', 1, 'BRAND', 'ROLE_SPLIT',
  '{"weights": {"ACQ_CLERK": 3000, "ACQ_STORE": 1500, "SVC_CLERK": 2000, "SELL_CLERK": 2000, "FULFIL_STORE": 1500},
    "pools": {"apparel": 500, "wine": 300}, "missing": "HQ"}',
  '2020-01-01', 'test', 'test2', '2020-01-01');
"""
_STOCK = text(
    """
    with goods as (
        insert into stock (sku_id, location_id, on_hand, reserved, safety, incoming)
        select k.id, l.id, :on_hand, 0, :safety, 0 from sku k, stock_location l
        where k.code = :sku and l.code = :location returning *)
    insert into stock_movement (sku_id, location_id, kind, on_hand_delta, reserved_delta, ref, actor)
    select sku_id, location_id, 'RECEIPT', on_hand, 0, 'opening', 'test' from goods
    """
)


def a_shop(session: Session) -> None:
    """One entity, two stores with clerks and managers, four SKUs, the default policy. No stock yet."""
    session.connection().exec_driver_sql(_SHOP)


def stock(session: Session, sku: str, on_hand: int, *, location: str = "SZ-FT", safety: int = 0) -> None:
    """Goods on hand, with the receipt that explains them."""
    session.execute(_STOCK, {"sku": sku, "location": location, "on_hand": on_hand, "safety": safety})


def a_buyer(session: Session, name: str = "1", *, appid: str = "wx-mp", openid: str = "") -> Buyer:
    """A member with one mini-program identity."""
    number = f"M-{name}"
    member_id = session.execute(
        text("insert into member (number) values (:number) returning id"), {"number": number}
    ).scalar_one()
    identity_id = session.execute(
        text(
            "insert into identity (member_id, app, appid, openid, followed)"
            " values (:member_id, 'MP', :appid, :openid, false) returning id"
        ),
        {"member_id": member_id, "appid": appid, "openid": openid or f"o-{name}"},
    ).scalar_one()
    return Buyer(member_id, number, identity_id)


def an_order(
    session: Session,
    buyer: Buyer,
    *items: tuple[str, int],
    store: str = "SZ-FT",
    now: datetime | None = None,
    ttl_s: int = TTL_S,
) -> Placed:
    """An unpaid order, placed by the house."""
    basket = Basket(store, items or (("AP-1002-M", 1),))
    return place(session, basket, buyer, now=now or datetime.now(UTC), ttl_s=ttl_s)


def pay_for(session: Session, order_id: int, *, at: datetime | None = None) -> None:
    """Mark an order paid without a payment row: for tests of what comes after."""
    now = at or datetime.now(UTC)
    order = lifecycle.hold(session, order_id)
    lifecycle.mark_paid(session, order, vault=VAULT, paid_at=now, now=now, actor="test")


def numbers_of(session: Session, sku: str, location: str = "SZ-FT") -> tuple[int, int]:
    """(on_hand, reserved) of a SKU at a location."""
    row = session.execute(
        text(
            "select s.on_hand, s.reserved from stock s join sku k on k.id = s.sku_id"
            " join stock_location l on l.id = s.location_id where k.code = :sku and l.code = :location"
        ),
        {"sku": sku, "location": location},
    ).one()
    return int(row.on_hand), int(row.reserved)


def count(session: Session, table: str, where: str = "true") -> int:
    """How many rows of a table fit."""
    return int(session.execute(text(f"select count(*) from {table} where {where}")).scalar_one())


def a_login(session: Session, buyer: Buyer) -> str:
    """A live shopper's token, as a login would have opened it."""
    token = secrets.token_urlsafe(32)
    session.execute(
        text(
            "insert into login (token_hash, audience, member_id, identity_id, expires_at)"
            " values (:hash, 'SHOPPER', :member_id, :identity_id, now() + interval '1 day')"
        ),
        {"hash": hash_token(token), "member_id": buyer.member_id, "identity_id": buyer.identity_id},
    )
    return token


def a_clerk_login(session: Session, code: str) -> str:
    """A live token of a clerk, linked to a person of its own."""
    person = a_buyer(session, f"clerk-{code}")
    clerk_id = session.execute(
        text("update clerk set member_id = :member_id where code = :code returning id"),
        {"member_id": person.member_id, "code": code},
    ).scalar_one()
    session.execute(
        text(
            "insert into clerk_link (clerk_id, member_id, started_at) values (:clerk_id, :member_id, now())"
        ),
        {"clerk_id": clerk_id, "member_id": person.member_id},
    )
    token = a_login(session, person)
    session.execute(
        text("update login set audience = 'CLERK', clerk_id = :clerk_id where token_hash = :hash"),
        {"clerk_id": clerk_id, "hash": hash_token(token)},
    )
    return token
