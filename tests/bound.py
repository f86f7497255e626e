"""Builders: members bound to clerks on the small shop of ``tests.make``, and what the books say of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.clock import SHANGHAI
from app.base.scope import Scope
from models.attribution import TouchKind
from tests.people import a_code, a_fan, a_scan

LIN, HUANG, ZHOU, ZHAO = "C-SZFT-01", "C-SZFT-03", "C-SZNS-01", "C-SZNS-03"
BRAND = Scope()

_MORE = """
insert into legal_entity (code, name, kind) values ('E-WF1', '潍坊潍澜商贸', 'FRANCHISEE');
insert into store (code, entity_id, name, name_en, ownership, city, services, status, is_default_landing)
select v.code, e.id, v.name, v.code, v.ownership, v.city, '{}', 'OPEN', v.landing
  from (values ('WF-TH', 'E-WF1', '澜序·奎文店', 'FRANCHISE', '潍坊', false),
               ('ONLINE', 'E-HQ', '澜序云店', 'DIRECT', null, true)) as v(code, entity, name, ownership, city, landing)
  join legal_entity e on e.code = v.entity;
insert into clerk (code, name, store_id, role, status)
select v.code, v.name, s.id, 'CLERK', 'ACTIVE' from store s join
  (values ('C-SZFT-02', '陈嘉豪', 'SZ-FT'), ('C-SZFT-04', '何欣', 'SZ-FT'), ('C-WFTH-01', '王立新', 'WF-TH'))
  as v(code, name, store) on v.store = s.code;
"""


def day(month: int, date: int, hour: int = 12, year: int = 2026) -> datetime:
    """A moment in Shanghai."""
    return datetime(year, month, date, hour, tzinfo=SHANGHAI)


def more_places(session: Session) -> None:
    """To the small shop: a franchisee's store, the online store, two more clerks at SZ-FT and one at WF-TH."""
    session.connection().exec_driver_sql(_MORE)


def members_of(
    session: Session,
    clerk: str | None,
    count: int,
    *,
    at: datetime | None = None,
    store: str = "SZ-FT",
) -> list[int]:
    """New members bound to a clerk, or to a store's pool, by a scan (on 03-01, if no moment is given)."""
    at = at or day(3, 1)
    name = clerk or store
    scene = session.execute(
        text("select scene from qr_code where scene = :scene"), {"scene": f"c-{name.lower()}"}
    ).scalar() or a_code(session, clerk, store=store)
    found = []
    for number in range(count):
        fan = a_fan(session, f"{name}-{at:%m%d%H}-{number}", now=at)
        a_scan(session, fan, scene, at=at, kind=TouchKind.SUBSCRIBE_SCAN)
        found.append(fan.member_id)
    return found


def number_of(session: Session, member_id: int) -> str:
    """The member's number."""
    return str(session.execute(text("select number from member where id = :id"), {"id": member_id}).scalar())


def history(session: Session, member_id: int) -> list[tuple[Any, ...]]:
    """(clerk, store, from, to, reason, actor) of a member's bindings in their order."""
    rows = session.execute(
        text(
            "select c.code, s.code, b.valid_from, b.valid_to, b.reason, b.actor from service_binding b"
            " left join clerk c on c.id = b.clerk_id join store s on s.id = b.store_id"
            " where b.member_id = :id order by b.id"
        ),
        {"id": member_id},
    )
    return [tuple(row) for row in rows]


def serving(session: Session, members: Sequence[int]) -> list[tuple[str | None, str]]:
    """(clerk, store) of each member's active binding, in the order given."""
    rows = session.execute(
        text(
            "select b.member_id, c.code as clerk, s.code as store from service_binding b"
            " left join clerk c on c.id = b.clerk_id join store s on s.id = b.store_id"
            " where b.member_id = any(:ids) and b.valid_to is null"
        ),
        {"ids": list(members)},
    )
    found = {row.member_id: (row.clerk, row.store) for row in rows}
    return [found[member_id] for member_id in members]
