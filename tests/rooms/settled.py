"""Settlement batches as people and jobs make them, on the paid orders of ``tests.rooms.paid``."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.release import release_due
from app.settlement import batches, paying, working
from tests.rooms.paid import PAID_AT, Sold, hand_over, local, refund, sell, staff

MAKER, SENDER, DECIDER = "operator:O-MAKER", "operator:O-SENDER", "operator:O-DECIDER"
APRIL_10 = local("2026-04-10")
WHY = "monthly settlement"
CASH = "payroll:E-HQ"


def certain(tx: Tx, number: str, *bases: int, at: datetime = PAID_AT, **given: Any) -> Sold:
    """A paid order whose shares are certain: handed over at once, and the days of FRZ-2 are over."""
    with tx() as session:
        staff(session)
        sold = sell(session, bases or (29900,), number=number, paid_at=at, **given)
        accrue(session, sold.lines, paid_at=at, now=at)
        hand_over(session, sold, at=at)
        release_due(session, now=at + timedelta(days=12))
    return sold


def take_back(tx: Tx, sold: Sold, fen: int, *, no: str, at: datetime, line: int = 0) -> None:
    """A refund of one line after all."""
    with tx() as session:
        refund_id = refund(session, sold, {line: fen}, no=no)
        reverse(session, refund_id=refund_id, lines=[(sold.lines[line].order_line_id, fen)], at=at)


def built(tx: Tx, month: str = "2026-04", *, at: datetime | None = None, chunk: int = 1000) -> str:
    """A batch of the month, made on its 10th; its number."""
    at = at or local(f"{month}-10")
    with tx() as session:
        number = batches.create(session, month=month, by=MAKER, why=WHY, at=at)
    working.drive(tx, number=number, now=at, chunk=chunk)
    return number


def approved(tx: Tx, month: str = "2026-04", *, at: datetime | None = None) -> str:
    """A batch of the month that two people have decided, handed over."""
    at = at or local(f"{month}-10")
    number = built(tx, month, at=at)
    decide(tx, number, at=at)
    return number


def decide(tx: Tx, number: str, *, at: datetime = APRIL_10) -> None:
    """Hand in, approve, and let the job hand over."""
    with tx() as session:
        batches.submit(session, number=number, by=SENDER, why=WHY, at=at)
    with tx() as session:
        batches.approve(session, number=number, by=DECIDER, why=WHY, at=at)
    working.drive(tx, number=number, now=at)


def paid_out(tx: Tx, number: str, *, at: datetime = APRIL_10) -> int:
    """Pay every portion of a batch; how many there were."""
    with tx() as session:
        portions = paying.due(session, number=number)
    for one in portions:
        with tx() as session:
            paying.paid(session, number=number, party=one.party, position=one.position, credit=CASH, at=at)
    return len(portions)


def line(tx: Tx, number: str, party: str) -> dict[str, Any]:
    """The line of a party in a batch, all columns; empty when it has none."""
    with tx() as session:
        row = session.execute(
            text(
                "select p.* from settlement_party p join settlement_batch b on b.id = p.batch_id"
                " where b.number = :number and p.party = :party"
            ),
            {"number": number, "party": party},
        ).first()
    return dict(row._mapping) if row else {}


def figures(tx: Tx, number: str, party: str) -> tuple[int, int, int, int, int, int]:
    """(gross, adjusted, tier, carried in, payable, carried out) of a party."""
    found = line(tx, number, party)
    names = ("gross_fen", "adjusted_fen", "tier_fen", "carried_in_fen", "payable_fen", "carried_out_fen")
    return tuple(found.get(name, 0) for name in names)  # type: ignore[return-value]  # six names, six numbers


def batch_row(tx: Tx, number: str) -> dict[str, Any]:
    """A batch, all columns."""
    with tx() as session:
        row = session.execute(text("select * from settlement_batch where number = :n"), {"n": number}).one()
    return dict(row._mapping)


_PUBLISHED = text(
    """
    with batch as (
        insert into settlement_batch
               (number, month, before, state, phase, at_party, rows_done, rows_expected, parties, gross_fen,
                adjusted_fen, tier_fen, carried_in_fen, payable_fen, carried_out_fen, created_by, created_at,
                approved_by, approved_at, published_at, finished_at)
        values ('S2026-10-1', '2026-10', :at, 'PAID', 'HANDED', '', 0, 0, 1, 0, 0, 0, 0, 0, 0, 'a', :at, 'b', :at, :at,
                :at)
        returning id)
    insert into settlement_party
           (batch_id, party_kind, party, state, entity, store, channel, rows, gross_fen, adjusted_fen, tier_fen,
            carried_in_fen, payable_fen, carried_out_fen, debt_left_fen, carried_cycles, tax_preview_fen, paid_fen,
            returned_fen, written_off_fen, rows_done, at_share)
    select id, 'STORE', :party, 'CARRIED', 'E-HQ', split_part(:party, ':', 2), 'ENTITY', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
           0, 0, 0, true, 0
      from batch
    """
)


def a_published_month(session: Session, party: str, *, at: datetime) -> None:
    """The settlement of October 2026 with a store of E-HQ: published, and nothing in it."""
    session.execute(_PUBLISHED, {"party": party, "at": at})
