"""Orders of the brand on which other companies' stores earn, paid at the box for profit sharing (FRZ-4)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.base.clock import days_after
from app.commission.release import release_due
from app.orders import pickup, pickup_codes
from app.payout import receivers, sharing
from models.sharing import ReceiverRelation
from tests.rooms.paid import party
from tests.stage import Stage

YUQING, JINAN = "store:WF-YQ", "store:JN-01"
WF1, WF2 = "1600000001", "1600000002"
_COMPANIES = """
insert into legal_entity (code, name, kind)
values ('E-WF1', '潍坊潍澜商贸', 'FRANCHISEE'), ('E-WF2', '济南泉澜', 'FRANCHISEE');
insert into store (code, entity_id, name, name_en, ownership, city, services, status, is_default_landing)
select v.code, e.id, v.name, v.code, 'FRANCHISE', '潍坊', '{pickup}', 'OPEN', false
  from legal_entity e
  join (values ('WF-YQ', 'E-WF1', '玉清街店'), ('JN-01', 'E-WF2', '泉城路店')) v (code, entity, name)
    on v.entity = e.code;
insert into stock_location (code, name, kind, store_id, entity_id)
select code, name, 'STORE', id, entity_id from store where ownership = 'FRANCHISE';
"""
_PARTIES = text(
    """
    update order_line set credit_snapshot = credit_snapshot || jsonb_build_object('parties', cast(:parties as jsonb))
         , pool_bp = coalesce(cast(:pool_bp as bigint), pool_bp)
     where order_id = :id
    """
)
ABROAD = (party("ACQ_STORE", YUQING), party("FULFIL_STORE", JINAN))


def companies(stage: Stage, *, receive: bool = True) -> None:
    """Two franchisees with a store each; both receive shares unless told otherwise. The box shares at once."""
    stage.box.post("settings", sharing_wait_s=0, sharing_delay_s=0)
    with stage.parts.tx() as session:
        session.connection().exec_driver_sql(_COMPANIES)
    if receive:
        add(stage, "E-WF1", WF1)
        add(stage, "E-WF2", WF2)


def add(stage: Stage, entity: str, mchid: str) -> receivers.ReceiverSeen:
    """Make a company a receiver."""
    p = stage.parts
    return receivers.add(
        p.tx,
        p.wechat.pay,
        receivers.Wanted(entity, mchid, f"{entity}商贸有限公司", ReceiverRelation.PARTNER),
        appid=p.settings.mp_appid,
        own_mchid=p.settings.pay_mchid,
        by="operator:O-1",
        now=datetime.now(UTC),
    )


def paid(stage: Stage, *parties: dict[str, Any], pool_bp: int | None = None) -> str:
    """An order of head office's store on which these parties earn (else both franchisees), paid; its number."""
    placed = stage.order()
    with stage.parts.tx() as session:
        given = {"id": placed.order_id, "parties": json.dumps(list(parties or ABROAD)), "pool_bp": pool_bp}
        session.execute(_PARTIES, given)
    stage.pay(stage.prepay(placed))
    stage.check()
    return str(placed.number)


def handed(stage: Stage, number: str) -> None:
    """The goods are picked up now; the days of FRZ-2 begin."""
    p, now = stage.parts, datetime.now(UTC)
    with p.tx() as session:
        order_id = session.execute(
            text("select id from orders where number = :n"), {"n": number}
        ).scalar_one()
        code = pickup_codes.show(session, order_id, vault=p.vault, now=now).code
        clerk = session.execute(text("select id, store_id from clerk where code = 'C-SZFT-01'")).one()
    verifier = pickup.Verifier(clerk.id, "C-SZFT-01", clerk.store_id)
    pickup.verify(p.tx, verifier, code=code, age_checked=False, vault=p.vault, now=now)


def sold(stage: Stage, *parties: dict[str, Any], pool_bp: int | None = None, day: int = 12) -> str:
    """A paid order whose shares are certain on ``day``."""
    number = paid(stage, *parties, pool_bp=pool_bp)
    handed(stage, number)
    release(stage, day)
    return number


def day(days: int, *, hours: float = 0) -> datetime:
    """A moment that many local days after today's 00:00."""
    return days_after(datetime.now(UTC), days) + timedelta(hours=hours)


def release(stage: Stage, days: int) -> int:
    """The sweep of FRZ-2 on a day."""
    with stage.parts.tx() as session:
        return release_due(session, now=day(days))


def run(stage: Stage, days: int, *, hours: float = 0) -> int:
    """The sweep of profit sharing at a moment."""
    p = stage.parts
    return sharing.run(p.tx, p.wechat.pay, now=day(days, hours=hours))


def orders(stage: Stage) -> list[tuple[str, str, int, str | None]]:
    """(kind, state, fen, problem) of every sharing, oldest first."""
    with stage.parts.tx() as session:
        rows = session.execute(text("select kind, state, amount_fen, problem from sharing_order order by id"))
        return [tuple(row) for row in rows]  # type: ignore[misc]  # four columns, as the annotation says


def parts(stage: Stage) -> list[tuple[str, int, str | None]]:
    """(entity, fen, result) of every part."""
    with stage.parts.tx() as session:
        rows = session.execute(
            text("select entity, amount_fen, result from sharing_part order by sharing_id, entity")
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]  # three columns, as the annotation says


def shares(stage: Stage) -> list[tuple[str, str, int]]:
    """(party, state, settled fen) of the franchisees' shares."""
    with stage.parts.tx() as session:
        rows = session.execute(
            text(
                "select party, state, settled_fen from commission_share where party like 'store:%' order by id"
            )
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]  # three columns, as the annotation says


def at_wechat(stage: Stage) -> list[tuple[str, str]]:
    """(kind, state) of what WeChat knows, oldest first."""
    found = stage.box.get("pay/splits?limit=100")["splits"]
    return [(one["kind"], one["state"]) for one in found]
