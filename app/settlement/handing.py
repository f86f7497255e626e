"""From an approved batch to amounts that payouts can be made from: rows, tiers and portions are booked (SET-1).

What the ledger moves: each row from ``payable:<party>`` to ``payout:<party>`` (app/commission/settling.py), each tier
from ``expense:tier:<entity>`` to ``payout:<party>`` or back. So ``payout:<party>`` holds what is owed and not paid
out: what is due, and what is carried to the next batch.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.clock import local_day
from app.commission import settling
from app.commission.settling import Moved
from app.ledger.posting import Posting, post_many
from app.settlement import accounts, netting, rules
from models.settlement import Channel, PartyState

_TIERS = text(
    "select month, amount_fen from settlement_tier where party_id = :id and amount_fen <> 0 order by month"
)
_LINE = text("select * from settlement_party where id = :id")
_PORTIONS = text(
    """
    insert into settlement_portion (party_id, position, pay_on, amount_fen)
    select :id, position, day, fen
      from unnest(cast(:positions as bigint[]), cast(:days as date[]), cast(:fens as bigint[]))
           as x (position, day, fen)
    """
)
_HANDED = text("update settlement_party set state = :state, why = :why, rows_done = true where id = :id")
_COMPLETE = text(
    """
    update settlement_batch b
       set phase = 'HANDED', published_at = :at,
           state = case when x.due then 'PAYING' else 'PAID' end,
           finished_at = case when x.due then null else cast(:at as timestamptz) end
      from (select exists (select from settlement_party where batch_id = :batch_id and state = 'DUE') as due) x
     where b.id = :batch_id
    """
)


def hand_over(session: Session, batch: Row[Any], line: Row[Any], now: datetime, chunk: int) -> Moved:
    """One piece of handing over a party of an approved batch: its rows from where the last piece stopped.

    With the last rows the party's figures become final: a row that was held between approval and now
    has left the batch and is not paid (FRD-2). Then tiers are posted and the payable amount is portioned.
    """
    settled = settling.mark_settled(
        session, batch_id=batch.id, party=line.party, at=now, after=line.at_share, limit=chunk
    )
    if settled.more:
        return settled
    found = netting.sums(session, batch_id=batch.id, party=line.party)
    changed = (found.rows, found.gross_fen, found.adjusted_fen) != (
        line.rows,
        line.gross_fen,
        line.adjusted_fen,
    )
    if changed:
        netting.compute(session, line, done=False)
        line = session.execute(_LINE, {"id": line.id}).one()
    _post_tiers(session, batch, line, now)
    _portion(session, line, now)
    state = PartyState.DUE if line.payable_fen else PartyState.CARRIED
    why = "rows were held after the approval" if changed else line.why
    session.execute(_HANDED, {"id": line.id, "state": state.value, "why": why})
    return settled


def complete(session: Session, batch: Row[Any], now: datetime) -> None:
    """Publish the statements of a batch whose parties are all handed over: payouts may be made."""
    netting.total(session, batch.id)
    session.execute(_COMPLETE, {"batch_id": batch.id, "at": now})


def _post_tiers(session: Session, batch: Row[Any], line: Row[Any], now: datetime) -> None:
    expense, payout = accounts.tier_expense(line.entity), accounts.payout(line.party)
    postings = [
        Posting(
            key=f"tier:{batch.number}:{line.party}:{tier.month}",
            kind="TIER",
            cause=f"settlement:{batch.number}",
            debit=expense if tier.amount_fen > 0 else payout,
            credit=payout if tier.amount_fen > 0 else expense,
            amount_fen=abs(tier.amount_fen),
            happened_at=now,
        )
        for tier in session.execute(_TIERS, {"id": line.id})
    ]
    post_many(session, postings)


def _portion(session: Session, line: Row[Any], now: datetime) -> None:
    if not line.payable_fen:
        return
    # The daily limit is WeChat's on what one person receives; payroll and invoices know none (SET-3).
    limited = line.channel == Channel.TRANSFER
    parts = rules.portions(line.payable_fen) if limited else [line.payable_fen]
    first = local_day(now)
    session.execute(
        _PORTIONS,
        {
            "id": line.id,
            "positions": list(range(len(parts))),
            "days": [first + timedelta(days=position) for position in range(len(parts))],
            "fens": parts,
        },
    )
