"""Commission that another company is paid out of the order's own payment, without a settlement batch (FRZ-4).

The contract with the payout room, which talks to WeChat:

1. ``look`` says which shares of an order could be paid so, and which of them are certain.
2. ``take`` fixes shares under a number below zero, as an approved batch would (``settling``): a settlement batch
   passes them over, and a refund that comes now is a debt of the party's next settlement (CLW-3).
3. When the money has arrived ``settle`` moves payable -> ``payout:<party>``, from where whoever paid takes it.
   When it certainly has not and will not, ``give_back`` frees the shares for the next settlement.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.commission import settling, states
from app.commission.release import IS_OPEN

_IS_CERTAIN = f"""
    (s.released_at is not null and l.releasable_at <= :now and not {states.IS_HELD} and not {IS_OPEN})
"""
_LOCK = text(
    "select order_line_id from commission_line where order_id = :id order by order_line_id for update"
)
_LOOK = text(
    f"""
    select s.id, s.payee, {states.DUE} as due_fen, {_IS_CERTAIN} as is_certain
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where l.order_id = :order_id and s.party_kind in ('STORE', 'ENTITY') and s.payee <> l.selling_entity
       and s.payee = any(cast(:entities as text[])) and {states.DUE} > 0 and not {states.IN_BATCH}
     order by s.id
    """
)
_TAKE = text(
    f"""
    insert into commission_batch_row (batch_id, share_id, party, amount_fen, carried_fen, state, taken_at)
    select :batch_id, s.id, s.party, {states.DUE}, 0, 'FIXED', :now
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where s.id = any(cast(:share_ids as bigint[])) and {_IS_CERTAIN} and {states.DUE} > 0
       and not {states.IN_BATCH}
    returning share_id, amount_fen
    """
)
_ROWS = text(
    """
    select b.share_id, b.party, s.payee, b.amount_fen
      from commission_batch_row b join commission_share s on s.id = b.share_id
     where b.batch_id = :batch_id and b.state = 'FIXED' and s.payee = :payee order by b.share_id
    """
)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A share that is not paid: ``due_fen`` to ``payee`` (a legal entity). Not certain: it may still change."""

    share_id: int
    payee: str
    due_fen: int
    is_certain: bool


def look(session: Session, *, order_id: int, entities: Collection[str], now: datetime) -> list[Outgoing]:
    """The shares of an order that are due to these other companies and in no batch; locks the order's lines."""
    session.execute(_LOCK, {"id": order_id})
    rows = session.execute(_LOOK, {"order_id": order_id, "entities": sorted(entities), "now": now})
    return [Outgoing(row.id, row.payee, int(row.due_fen), row.is_certain) for row in rows]


def take(session: Session, *, number: int, share_ids: Collection[int], now: datetime) -> dict[int, int]:
    """Fix these shares under ``number`` (below zero); answers fen by share. What is not certain is left out."""
    ids = sorted(set(share_ids))
    states.lock_lines_of(session, ids)
    facts = {"batch_id": number, "share_ids": ids, "now": now}
    taken = {row.share_id: int(row.amount_fen) for row in session.execute(_TAKE, facts)}
    states.refresh(session, ids)
    return taken


def settle(session: Session, *, number: int, payee: str, at: datetime) -> dict[str, int]:
    """Settle what was taken for one company: fen by party, now in ``payout:<party>``. The second time: none."""
    rows = session.execute(_ROWS, {"batch_id": number, "payee": payee}).all()
    ids = [row.share_id for row in rows]
    if ids:
        settling.mark_settled(session, batch_id=number, at=at, share_ids=ids, limit=len(ids))
    found: dict[str, int] = {}
    for row in rows:
        found[row.party] = found.get(row.party, 0) + int(row.amount_fen)
    return found


def give_back(session: Session, *, number: int, payee: str, at: datetime) -> None:
    """Free what was taken for one company: the next settlement pays it. Twice changes nothing."""
    ids = [row.share_id for row in session.execute(_ROWS, {"batch_id": number, "payee": payee})]
    if ids:
        settling.return_from_batch(
            session, batch_id=number, at=at, share_ids=ids, although_fixed=True, limit=len(ids)
        )
