"""What payouts are made from, and how they tell what became of them: the contract with whoever pays (SET-3).

**What to pay.** A batch is PAYING when it is approved and handed over. Each of its ``settlement_party`` rows that
is DUE has ``payable_fen`` > 0, already in the ledger account ``payout:<party>``, and one or more ``settlement_portion``
rows that add up to it. A portion is one payment: not before ``pay_on`` (a local day), at most one portion of
a person a day. ``channel`` says how: PAYROLL (an employee: gross with the wages, paid by ``entity``), TRANSFER
(an external clerk: WeChat transfer; ``tax_preview_fen`` is information only), ENTITY (a store's or a
company's money, due to ``entity``: sharing or invoice). ``due`` lists portions in pages, ``borne_by`` says which
selling entities bear a party's amount: what a company owes itself needs no payment and is only marked.

**What became of it.** ``paid`` when a portion has certainly arrived, ``returned`` when it certainly has not and
will not (a transfer that expired or failed: the money stays in ``payout:<party>`` and goes into the next
batch). While it is unknown: neither, ask first. A portion ends once: the same again changes nothing, the
opposite raises Alarm. With its last portion a party is PAID or RETURNED, with its last party the batch is PAID
or PARTIAL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.errors import Alarm, Conflict, NotFound
from app.ledger.posting import Posting, post
from app.settlement import accounts
from models.commission import PartyKind
from models.settlement import BatchState, Channel

_DUE = text(
    """
    select t.party_id, t.position, t.pay_on, t.amount_fen, p.party, p.party_kind, p.entity, p.store, p.channel,
           p.payable_fen, p.tax_preview_fen, b.number, b.month
      from settlement_batch b
      join settlement_party p on p.batch_id = b.id and p.state = 'DUE'
      join settlement_portion t on t.party_id = p.id and t.paid_at is null and t.returned_at is null
     where b.number = :number and b.state = 'PAYING'
       and (cast(:channels as text[]) is null or p.channel = any(cast(:channels as text[])))
       and (cast(:until as date) is null or t.pay_on <= :until)
       and (p.id, t.position) > (:after_party, :after_position)
     order by p.id, t.position
     limit :limit
    """
)
_LOCK = text(
    """
    select p.*, b.number, b.state as batch_state
      from settlement_batch b join settlement_party p on p.batch_id = b.id
     where b.number = :number and p.party = :party
       for update of p
    """
)
_PORTION = text("select * from settlement_portion where party_id = :id and position = :position")
_END = text(
    """
    update settlement_portion
       set paid_at = case when :paid then cast(:at as timestamptz) end,
           returned_at = case when :paid then null else cast(:at as timestamptz) end, why = :why
     where party_id = :id and position = :position
    """
)
_COUNT = text(
    """
    update settlement_party p
       set paid_fen = t.paid, returned_fen = t.returned,
           state = case when t.open then 'DUE' when t.returned > 0 then 'RETURNED' else 'PAID' end
      from (select coalesce(sum(amount_fen) filter (where paid_at is not null), 0) as paid,
                   coalesce(sum(amount_fen) filter (where returned_at is not null), 0) as returned,
                   bool_or(paid_at is null and returned_at is null) as open
              from settlement_portion where party_id = :id) t
     where p.id = :id
    returning p.state
    """
)
_FINISH = text(
    """
    update settlement_batch b
       set finished_at = :at,
           state = case when exists (select from settlement_party p where p.batch_id = b.id and p.state = 'RETURNED')
                        then 'PARTIAL' else 'PAID' end
     where b.id = :batch_id and b.state = 'PAYING'
       and not exists (select from settlement_party p where p.batch_id = b.id and p.state = 'DUE')
    """
)
# Two parties that end at the same moment would each see the other as due: the batch is asked under its lock.
_LOCK_BATCH = text("select id from settlement_batch where id = :batch_id for update")


_BORNE_BY = text(
    """
    select entity, sum(fen) as fen
      from (select l.selling_entity as entity, r.amount_fen as fen
              from settlement_batch b
              join commission_batch_row r on r.batch_id = b.id and r.party = :party and r.state <> 'RETURNED'
              join commission_share s on s.id = r.share_id
              join commission_line l on l.order_line_id = s.order_line_id
             where b.number = :number
            union all
            select p.entity, p.tier_fen
              from settlement_batch b join settlement_party p on p.batch_id = b.id and p.party = :party
             where b.number = :number and p.tier_fen <> 0) x
     group by 1 order by 1
    """
)


@dataclass(frozen=True, slots=True)
class PortionDue:
    """One payment to make: who gets how much, how, and not before which local day."""

    place: tuple[int, int]
    number: str
    month: str
    party: str
    party_kind: PartyKind
    entity: str
    store: str | None
    channel: Channel
    position: int
    pay_on: date
    amount_fen: int
    payable_fen: int
    tax_preview_fen: int


def due(
    reader: Session | Connection,
    *,
    number: str,
    channels: Sequence[Channel] | None = None,
    until: date | None = None,
    after: tuple[int, int] = (0, -1),
    limit: int = 500,
) -> list[PortionDue]:
    """The portions of a PAYING batch that are neither paid nor returned, those after the ``place`` of another.

    ``until``: only those that may be paid on that local day. Another state of the batch: none.
    """
    wanted = None if channels is None else [channel.value for channel in channels]
    facts = {"number": number, "channels": wanted, "until": until, "limit": limit}
    rows = reader.execute(_DUE, facts | {"after_party": after[0], "after_position": after[1]})
    return [_portion(row) for row in rows]


def borne_by(reader: Session | Connection, *, number: str, party: str) -> dict[str, int]:
    """What each legal entity bears of a party's rows and tiers in a batch, fen by its code.

    The sum is gross + adjusted + tier of the party: what is carried from or to other batches is not in it.
    """
    rows = reader.execute(_BORNE_BY, {"number": number, "party": party})
    return {row.entity: int(row.fen) for row in rows}


def paid(session: Session, *, number: str, party: str, position: int, credit: str, at: datetime) -> None:
    """A portion has arrived: ``payout:<party>`` is lowered by it, account ``credit`` (who paid) is credited.

    Once; the same again changes nothing. Refuses an unknown batch, party or portion (NotFound), a batch that
    is not PAYING (Conflict); raises Alarm for a portion that was returned. Locks the party's row.
    """
    line = _locked(session, number, party)
    portion = _open_portion(session, line, position, paid=True)
    if portion is None:
        return
    post(
        session,
        Posting(
            key=f"payout:{number}:{party}:{position}",
            kind="PAYOUT",
            cause=f"settlement:{number}",
            debit=accounts.payout(party),
            credit=credit,
            amount_fen=portion.amount_fen,
            happened_at=at,
        ),
    )
    _end(session, line, position, at, paid=True, why=None)


def returned(session: Session, *, number: str, party: str, position: int, why: str, at: datetime) -> None:
    """A portion will not arrive: the money stays the party's and goes into a later batch. Like ``paid`` else."""
    line = _locked(session, number, party)
    if _open_portion(session, line, position, paid=False) is not None:
        _end(session, line, position, at, paid=False, why=why)


def _locked(session: Session, number: str, party: str) -> Row[Any]:
    line = session.execute(_LOCK, {"number": number, "party": party}).first()
    if line is None:
        raise NotFound("NOT_FOUND", "No such party in a batch of that number.")
    return line


def _open_portion(session: Session, line: Row[Any], position: int, *, paid: bool) -> Row[Any] | None:
    """The portion to end, None when it ended like this before."""
    portion = session.execute(_PORTION, {"id": line.id, "position": position}).first()
    if portion is None:
        raise NotFound("NOT_FOUND", "No such portion.")
    if portion.paid_at or portion.returned_at:
        if (portion.paid_at is not None) != paid:
            raise Alarm(f"a portion of {line.party} in {line.number} was both paid and returned")
        return None
    if line.batch_state != BatchState.PAYING:
        raise Conflict("WRONG_STATE", f"The batch is {line.batch_state}.")
    return portion


def _end(
    session: Session, line: Row[Any], position: int, at: datetime, *, paid: bool, why: str | None
) -> None:
    facts = {"id": line.id, "position": position, "at": at, "paid": paid, "why": why}
    session.execute(_END, facts)
    state = session.execute(_COUNT, {"id": line.id}).scalar_one()
    if state != "DUE":
        batch = {"batch_id": line.batch_id}
        session.execute(_LOCK_BATCH, batch)
        session.execute(_FINISH, batch | {"at": at})


def _portion(row: Row[Any]) -> PortionDue:
    return PortionDue(
        place=(row.party_id, row.position),
        number=row.number,
        month=row.month,
        party=row.party,
        party_kind=PartyKind(row.party_kind),
        entity=row.entity,
        store=row.store,
        channel=Channel(row.channel),
        position=row.position,
        pay_on=row.pay_on,
        amount_fen=row.amount_fen,
        payable_fen=row.payable_fen,
        tax_preview_fen=row.tax_preview_fen,
    )
