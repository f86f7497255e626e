"""Builders: the till of a store, and receipts told by it. Two companies and two stores far apart (DOMAIN F 1)."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.scope import Scope
from app.orders.till import TillLine
from app.payments.till import Back, Return, Sale
from app.tills import keys
from app.tills.keys import NewKey
from app.tills.letting_in import Till
from tests import make

SOLD_AT = datetime(2026, 7, 9, 7, 20, tzinfo=UTC)
FOLLOWED_AT = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
_FRANCHISE = """
insert into legal_entity (code, name, kind) values ('E-WF1', '潍坊潍澜商贸', 'FRANCHISEE');
insert into store (code, entity_id, name, name_en, ownership, city, services, status, is_default_landing)
select 'WF-YQ', id, '澜序·玉清街虞河路店', 'Yuqing', 'FRANCHISE', '潍坊', '{pickup}', 'OPEN', false
  from legal_entity where code = 'E-WF1';
insert into stock_location (code, name, kind, store_id, entity_id)
select code, name, 'STORE', id, entity_id from store where code = 'WF-YQ';
insert into clerk (code, name, store_id, role, status)
select v.code, v.name, s.id, 'CLERK', 'ACTIVE' from store s,
  (values ('C-WFYQ-01', '李秀芳'), ('C-WFYQ-02', '孙浩')) as v(code, name) where s.code = 'WF-YQ';
"""


def two_companies(session: Session) -> None:
    """The small shop of ``make`` and the franchisee's store WF-YQ, with one AP-1002-M (no safety stock)."""
    make.a_shop(session)
    session.connection().exec_driver_sql(_FRANCHISE)
    make.stock(session, "AP-1002-M", 1, location="WF-YQ")


def a_key(session: Session, store: str = "WF-YQ", *, now: datetime = SOLD_AT) -> NewKey:
    """A new key of a store."""
    return keys.make(session, make.VAULT, store=store, label="till 1", scope=Scope(), by="test", now=now)


def a_till(session: Session, store: str = "WF-YQ") -> Till:
    """The till that holds a new key of a store."""
    key = a_key(session, store)
    row = session.execute(
        text("select id, store_id from pos_key where code = :code"), {"code": key.code}
    ).one()
    return Till(row.id, key.code, row.store_id, store)


def a_sale(receipt: str = "R-1", *lines: tuple[str, int, int], **facts: Any) -> Sale:
    """A receipt; one shirt for 29 900 fen unless lines say otherwise."""
    wanted = tuple(TillLine(*line) for line in lines or (("AP-1002-M", 1, 29900),))
    return Sale(**({"receipt": receipt, "sold_at": SOLD_AT, "lines": wanted} | facts))


def a_return(receipt: str, of: str, *lines: tuple[int, int, int, bool], at: datetime = SOLD_AT) -> Return:
    """A return receipt: lines are (line_no, qty, fen, sellable)."""
    return Return(receipt, of, at, tuple(Back(*line) for line in lines), "尺码不合适")


def shares(session: Session, number: str) -> list[tuple[str, str, int]]:
    """(role, party, what is left) of an order's shares in their order."""
    rows = session.execute(
        text(
            "select s.role, s.party, s.accrued_fen - s.reversed_fen as fen from commission_share s"
            " join commission_line l on l.order_line_id = s.order_line_id where l.order_number = :number"
            " order by l.order_line_id, s.position"
        ),
        {"number": number},
    )
    return [(row.role, row.party, row.fen) for row in rows]
