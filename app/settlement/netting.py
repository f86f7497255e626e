"""What a party gets of a batch: its rows, tiers and balance become one amount to pay or to carry on (CLW-3)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.settlement import rules, tiers
from models.commission import PartyKind
from models.settlement import Channel

_SUMS = text(
    """
    select count(*) as rows, coalesce(sum(amount_fen) filter (where amount_fen > 0), 0) as gross_fen,
           coalesce(sum(amount_fen) filter (where amount_fen < 0), 0) as adjusted_fen,
           coalesce(sum(carried_fen), 0) as debt_left_fen
      from commission_batch_row where batch_id = :batch_id and party = :party and state <> 'RETURNED'
    """
)
# Balances of batches that are over and that no later batch has taken up.
_OPEN_BALANCE = (
    "carried_to_id is null and carried_out_fen + returned_fen + written_off_fen <> 0"
    " and state in ('CARRIED', 'RETURNED') and rows_done"
)
_TAKE_UP = text(
    f"update settlement_party set carried_to_id = :id where party = :party and {_OPEN_BALANCE} and id <> :id"
)
_TAKEN_UP = text(
    """
    select coalesce(sum(carried_out_fen + returned_fen + written_off_fen), 0) as fen,
           coalesce(max(carried_cycles) filter (where carried_out_fen < 0), 0) as cycles
      from settlement_party where carried_to_id = :id
    """
)
_LEAVE = text("update settlement_party set carried_to_id = null where carried_to_id = :id")
_BALANCE = text(
    f"""
    select coalesce(sum(carried_out_fen + returned_fen + written_off_fen), 0)
      from settlement_party where party = :party and ({_OPEN_BALANCE} or carried_to_id = :id)
    """
)
_WRITE = text(
    """
    update settlement_party
       set rows = :rows, gross_fen = :gross_fen, adjusted_fen = :adjusted_fen, debt_left_fen = :debt_left_fen,
           tier_fen = :tier_fen, carried_in_fen = :carried_in_fen, payable_fen = :payable_fen,
           carried_out_fen = :carried_out_fen, carried_cycles = :cycles, tax_preview_fen = :tax_fen,
           rows_done = :done
     where id = :id
    """
)
_TOTAL = text(
    """
    update settlement_batch b
       set parties = t.parties, gross_fen = t.gross, adjusted_fen = t.adjusted, tier_fen = t.tier,
           carried_in_fen = t.carried_in, payable_fen = t.payable, carried_out_fen = t.carried_out
      from (select count(*) as parties, coalesce(sum(gross_fen), 0) as gross,
                   coalesce(sum(adjusted_fen), 0) as adjusted, coalesce(sum(tier_fen), 0) as tier,
                   coalesce(sum(carried_in_fen), 0) as carried_in, coalesce(sum(payable_fen), 0) as payable,
                   coalesce(sum(carried_out_fen), 0) as carried_out
              from settlement_party where batch_id = :batch_id and state <> 'REMOVED') t
     where b.id = :batch_id
    """
)
_NOTHING = {
    "rows": 0,
    "gross_fen": 0,
    "adjusted_fen": 0,
    "debt_left_fen": 0,
    "tier_fen": 0,
    "carried_in_fen": 0,
}
_NOTHING |= {"payable_fen": 0, "carried_out_fen": 0, "cycles": 0, "tax_fen": 0}
# Finds parties with an open balance; the condition is that of its index.
OPEN_BALANCE = _OPEN_BALANCE


@dataclass(frozen=True, slots=True)
class Sums:
    """The rows of one party in one batch, in fen. ``debt_left_fen`` is what could not be netted."""

    rows: int
    gross_fen: int
    adjusted_fen: int
    debt_left_fen: int


def sums(session: Session, *, batch_id: int, party: str) -> Sums:
    """The sums over a party's rows as they are now."""
    row = session.execute(_SUMS, {"batch_id": batch_id, "party": party}).one()
    return Sums(row.rows, int(row.gross_fen), int(row.adjusted_fen), int(row.debt_left_fen))


def balance_fen(session: Session, *, party: str, party_id: int) -> int:
    """What a batch carries in for a party: taken up already, or waiting to be."""
    return int(session.execute(_BALANCE, {"party": party, "id": party_id}).scalar_one())


def compute(session: Session, line: Row[Any], *, done: bool) -> None:
    """Write a party's figures from its rows, tiers and balance; takes the balance up, so no other batch can.

    ``line``: the party's row of a batch that is not handed over. Again at any time: the same figures from
    the same rows.
    """
    found = sums(session, batch_id=line.batch_id, party=line.party)
    kind = PartyKind(line.party_kind)
    tier_fen = tiers.adjust(session, batch_id=line.batch_id, party_id=line.id, party=line.party, kind=kind)
    session.execute(_TAKE_UP, {"id": line.id, "party": line.party})
    carried = session.execute(_TAKEN_UP, {"id": line.id}).one()
    rows_fen = found.gross_fen + found.adjusted_fen + tier_fen
    net = rules.net(rows_fen, int(carried.fen), int(carried.cycles))
    external = line.channel == Channel.TRANSFER
    session.execute(
        _WRITE,
        {
            "id": line.id,
            "rows": found.rows,
            "gross_fen": found.gross_fen,
            "adjusted_fen": found.adjusted_fen,
            "debt_left_fen": found.debt_left_fen,
            "tier_fen": tier_fen,
            "carried_in_fen": int(carried.fen),
            "payable_fen": net.payable_fen,
            "carried_out_fen": net.carried_out_fen,
            "cycles": net.cycles,
            "tax_fen": rules.tax_preview_fen(net.payable_fen) if external else 0,
            "done": done,
        },
    )


def clear(session: Session, line: Row[Any], *, keep_figures: bool = False) -> None:
    """Give a party's balance back to later batches and drop its tiers: it is not settled in this batch.

    ``keep_figures``: what was planned stays readable (a rejected batch).
    """
    tiers.forget(session, party_id=line.id)
    session.execute(_LEAVE, {"id": line.id})
    if not keep_figures:
        session.execute(_WRITE, {"id": line.id, "done": False, **_NOTHING})


def total(session: Session, batch_id: int) -> None:
    """Write a batch's sums from its parties."""
    session.execute(_TOTAL, {"batch_id": batch_id})
