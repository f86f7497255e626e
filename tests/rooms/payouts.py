"""Settlements that are being paid out, and what WeChat and we know of their transfers."""

from datetime import datetime
from typing import Any

import requests
from sqlalchemy import text

from app.base.clock import utc_now
from app.payout import paying_out
from app.payout.transferring import Purse
from app.wiring import Parts
from scripts.books import payout as books
from tests import make
from tests.boxed import Boxed

# What a crowd's portions are made of: the settlement's own rows, without the sales behind them.
_CROWD = text(
    """
    with b as (
        insert into settlement_batch (number, month, before, state, phase, at_party, rows_done, rows_expected, parties,
            gross_fen, adjusted_fen, tier_fen, carried_in_fen, payable_fen, carried_out_fen, created_by, created_at,
            approved_by, approved_at, published_at)
        values ('S2026-04-1', '2026-04', '2026-04-01', 'PAYING', 'HANDED', '', 0, 0, :n, 0, 0, 0, 0, 0, 0,
            'a', :now, 'b', :now, :now) returning id),
    s as (select min(id) as id from store where code = 'SZ-FT'),
    m as (insert into member (number, created_at) select 'MC' || g, :now from generate_series(1, :n) g
          returning id, number),
    i as (insert into identity (member_id, app, appid, openid, followed, created_at)
          select m.id, 'MP', :appid, o.openid, false, :now
          from m join unnest(cast(:openids as text[])) with ordinality o(openid, g) on m.number = 'MC' || o.g),
    c as (insert into clerk (code, name, store_id, role, status, member_id, employment)
          select 'C-' || m.number, m.number, s.id, 'CLERK', 'ACTIVE', m.id, 'EXTERNAL' from m, s returning code),
    p as (insert into settlement_party (batch_id, party_kind, party, state, entity, store, channel, rows, gross_fen,
            adjusted_fen, tier_fen, carried_in_fen, payable_fen, carried_out_fen, debt_left_fen, carried_cycles,
            tax_preview_fen, paid_fen, returned_fen, written_off_fen, rows_done, at_share)
          select b.id, 'CLERK', 'clerk:' || c.code, 'DUE', 'E-HQ', 'SZ-FT', 'TRANSFER', 0, 5000, 0, 0, 0, 5000, 0, 0, 0,
            0, 0, 0, 0, true, 0 from b, c returning id)
    insert into settlement_portion (party_id, position, pay_on, amount_fen) select p.id, 0, '2026-04-10', 5000 from p
    """
)


def run(parts: Parts, purse: Purse, now: datetime | None = None) -> int:
    return paying_out.run(parts.tx, parts.wechat.pay, purse, now=lambda: now or utc_now())


def sooner(parts: Parts) -> None:
    """Let the time to the next question pass."""
    with parts.tx() as session:
        session.execute(text("update payout_transfer set next_at = now() - interval '1 second'"))


def seen(parts: Parts) -> list[dict[str, Any]]:
    with parts.tx() as session:
        rows = session.execute(text("select * from payout_transfer order by id")).all()
    return [dict(row._mapping) for row in rows]


def sent(box: Boxed) -> list[dict[str, Any]]:
    """The transfers that WeChat knows."""
    found: list[dict[str, Any]] = box.get("pay/transfers?limit=1000")["transfers"]
    return found


def fail(box: Boxed, **rule: Any) -> None:
    """Let asking for a transfer fail by a rule."""
    given = {**rule, "path": "*/transfer-bills"}
    requests.post(f"{box.url}/box/faults", json=given, timeout=10).raise_for_status()


def balance(parts: Parts, account: str) -> int:
    with parts.tx() as session:
        found = session.execute(
            text(
                "select coalesce(sum(case when c.name = :name then amount_fen else -amount_fen end), 0)"
                " from ledger_transfer t join ledger_account c on c.id = t.credit_account_id"
                " join ledger_account d on d.id = t.debit_account_id where :name in (c.name, d.name)"
            ),
            {"name": account},
        )
        return int(found.scalar_one())


def moved(parts: Parts) -> int:
    with parts.tx() as session:
        return int(
            session.execute(text("select count(*) from ledger_transfer where kind = 'PAYOUT'")).scalar_one()
        )


def crowd(parts: Parts, box: Boxed, purse: Purse, n: int) -> None:
    """``n`` clerks in the box, each due 50 yuan."""
    openids = [box.post("persons", name=f"MC{g}")["person"]["mp_openid"] for g in range(1, n + 1)]
    with parts.tx() as session:
        make.a_shop(session)
        facts = {"n": n, "appid": purse.appid, "openids": openids, "now": utc_now()}
        session.execute(_CROWD, facts)


def right(parts: Parts) -> None:
    """The invariants of payouts hold."""
    with parts.tx() as session:
        for check in books.CHECKS:
            assert session.execute(text(check.sql)).all() == [], check.id
