"""The commission side of a settlement batch (SET-1, CLW-3): what a party is due, taken once, netted, settled.

The contract with the settlement room, which owns the batches and their states:

1. ``unsettled`` says what each party is due before a day. It writes nothing.
2. ``take_into_batch(batch_id, party, ...)`` takes a party's rows into a batch, in chunks: call it, each in a
   transaction of its own, from the share where the last one stopped (``at_share``, kept by the caller with
   what it took) until it answers ``more`` = False. What it took is in ``batch_rows.batch_rows``. Claw-backs of
   what was settled before are rows below zero; they are netted against the party's other rows so that the
   sum never falls below zero, and what does not fit is carried: the row says how much (``carried_fen``).
3. While the batch may still change, a refund, hold or move takes the rows that it touches out of the batch,
   and ``return_from_batch`` gives rows back. So before approval call 2 once more for every party (it takes
   what is free again and nets anew), and only then add up.
4. ``fix_batch`` when the batch is approved: from now on nothing changes a row of it; whatever refunds, holds
   and moves take is a debt for the next batch.
5. ``mark_settled`` when the money is handed to the payout: payable -> ``payout:<party>`` in the ledger, from
   where whoever pays takes it. Also in chunks, from ``at_share`` on.
6. A debt that was carried six times is listed by ``writing_off.hopeless``; ``writing_off.write_off`` with two
   people ends it.

A leaver's rows are like any others (CLW-4). Held shares and lines with an open after-sale are not taken
(FRZ-3, FRD-2). Amounts are fen; ``before`` is compared with the day on which the line became certain.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.commission import accounts, states
from app.commission.entries import Change, write
from app.commission.release import IS_OPEN
from models.commission import EntryKind, PartyKind

CHUNK = 1000

_READY = f"""
    s.released_at is not null and {states.DUE} > 0 and l.releasable_at < :before
    and not {states.IS_HELD} and not {states.IN_BATCH} and not {IS_OPEN}
"""
_IN_DEBT = f"s.released_at is not null and {states.DUE} < 0 and not {states.IN_BATCH}"
_UNSETTLED = text(
    f"""
    select s.party, s.party_kind,
           coalesce(sum({states.DUE}) filter (where {_READY}), 0) as payable_fen,
           count(*) filter (where {_READY}) as rows,
           coalesce(-sum({states.DUE}) filter (where {_IN_DEBT}), 0) as debt_fen
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where s.released_at is not null and {states.DUE} <> 0
       and (cast(:kinds as text[]) is null or s.party_kind = any(cast(:kinds as text[])))
     group by 1, 2
    having count(*) filter (where {_READY}) > 0 or count(*) filter (where {_IN_DEBT}) > 0
     order by 1
    """
)
# A stretch of the index of what is due. Which of it is ready is asked under the locks, once.
_CANDIDATES = text(
    f"""
    select s.id from commission_share s
     where s.party = :party and s.id > :after and s.released_at is not null and {states.DUE} > 0
     order by s.id limit :limit
    """
)
# Rows that a refund, hold or move took out while the batch was being built, and that are ready again.
_READY_AGAIN = text(
    f"""
    select s.id
      from commission_batch_row r
      join commission_share s on s.id = r.share_id
      join commission_line l on l.order_line_id = s.order_line_id
     where r.batch_id = :batch_id and r.party = :party and r.state = 'RETURNED' and {_READY}
     order by s.id limit :limit
    """
)
_DEBT_IDS = text(f"select s.id from commission_share s where s.party = :party and {_IN_DEBT} order by s.id")
# Asked under the locks: what a refund, a hold or another batch did meanwhile counts.
_TAKE_READY = text(
    f"""
    insert into commission_batch_row (batch_id, share_id, party, amount_fen, carried_fen, state, taken_at)
    select :batch_id, s.id, s.party, {states.DUE}, 0, 'OPEN', :at
      from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where s.id = any(cast(:share_ids as bigint[])) and {_READY}
        on conflict (batch_id, share_id) do update
       set amount_fen = excluded.amount_fen, carried_fen = 0, state = 'OPEN', taken_at = excluded.taken_at,
           closed_at = null
     where commission_batch_row.state = 'RETURNED'
    returning share_id
    """
)
_DEBTS = text(
    f"""
    select s.id, -{states.DUE} as debt_fen from commission_share s
     where s.id = any(cast(:share_ids as bigint[])) and {_IN_DEBT} order by s.id
    """
)
_TAKE_DEBTS = text(
    """
    insert into commission_batch_row (batch_id, share_id, party, amount_fen, carried_fen, state, taken_at)
    select :batch_id, share_id, :party, -netted_fen, carried_fen, 'OPEN', :at
      from unnest(cast(:share_ids as bigint[]), cast(:netted as bigint[]), cast(:carried as bigint[]))
           as x (share_id, netted_fen, carried_fen)
        on conflict (batch_id, share_id) do update
       set amount_fen = excluded.amount_fen, carried_fen = excluded.carried_fen, state = 'OPEN',
           taken_at = excluded.taken_at, closed_at = null
     where commission_batch_row.state = 'RETURNED'
    """
)
_LET_DEBTS_GO = text(
    """
    update commission_batch_row set state = 'RETURNED', closed_at = :at
     where batch_id = :batch_id and party = :party and state = 'OPEN' and amount_fen <= 0
    returning share_id
    """
)
_SUM = text(
    "select coalesce(sum(amount_fen), 0) from commission_batch_row"
    " where batch_id = :batch_id and party = :party and state in ('OPEN', 'FIXED')"
)
_OPEN_IDS = """
    select share_id from commission_batch_row
     where batch_id = :batch_id and {whose} and share_id > :after and state = any(cast(:states as text[]))
     order by share_id limit :limit
"""
_OPEN_OF_BATCH = text(_OPEN_IDS.format(whose="true"))
_OPEN_OF_PARTY = text(_OPEN_IDS.format(whose="party = :party"))
_OPEN_OF_THESE = text(_OPEN_IDS.format(whose="share_id = any(cast(:share_ids as bigint[]))"))
_SET_STATE = text(
    """
    update commission_batch_row
       set state = cast(:state as text), closed_at = :at
     where batch_id = :batch_id and share_id = any(cast(:share_ids as bigint[]))
       and state = any(cast(:states as text[]))
    """
)
_FIX = text("update commission_batch_row set state = 'FIXED' where batch_id = :batch_id and state = 'OPEN'")
_TO_SETTLE = text(
    """
    select b.share_id, b.party, b.amount_fen, l.order_number
      from commission_batch_row b
      join commission_share s on s.id = b.share_id
      join commission_line l on l.order_line_id = s.order_line_id
     where b.batch_id = :batch_id and b.share_id = any(cast(:share_ids as bigint[]))
       and b.state in ('OPEN', 'FIXED')
     order by b.share_id
    """
)
_SETTLE_SHARES = text(
    """
    update commission_share s set settled_fen = s.settled_fen + x.amount_fen
      from unnest(cast(:share_ids as bigint[]), cast(:amounts as bigint[])) as x (share_id, amount_fen)
     where s.id = x.share_id
    """
)


@dataclass(frozen=True, slots=True)
class PartyDue:
    """``payable_fen`` in ``rows`` rows could be settled now; ``debt_fen`` is still owed from before (CLW-3)."""

    party: str
    party_kind: PartyKind
    payable_fen: int
    rows: int
    debt_fen: int


@dataclass(frozen=True, slots=True)
class Moved:
    """How many rows one call moved. ``more``: call again, from ``at_share`` on."""

    rows: int
    more: bool
    at_share: int


@dataclass(frozen=True, slots=True)
class Taken(Moved):
    """``net_fen``: the sum of the party's rows in the batch; None while there are ``more``."""

    net_fen: int | None


def unsettled(
    reader: Session | Connection, *, before: datetime, kinds: Collection[PartyKind] | None = None
) -> list[PartyDue]:
    """What each party is due of what became certain before a moment, and owes; parties with neither are left out."""
    wanted = None if kinds is None else [kind.value for kind in kinds]
    rows = reader.execute(_UNSETTLED, {"before": before, "kinds": wanted})
    return [
        PartyDue(row.party, PartyKind(row.party_kind), int(row.payable_fen), row.rows, int(row.debt_fen))
        for row in rows
    ]


def take_into_batch(
    session: Session,
    *,
    batch_id: int,
    party: str,
    before: datetime,
    at: datetime,
    beside_fen: int = 0,
    after: int = 0,
    limit: int = CHUNK,
) -> Taken:
    """Take up to ``limit`` rows of a party into a batch; when none is left, its debts as far as they can be netted.

    ``after``: 0, or the ``at_share`` of the call before, so that every share is looked at once however many
    there are. With the last rows what was taken out behind it and is ready again is taken too.
    ``beside_fen``: what the batch pays the party beside its rows (a tier adjustment), so that debts net
    against it too. A row is in at most one batch (SET-1): rows of others are passed over. Calling it again,
    from the beginning too, takes only what is not in the batch yet. Locks the lines of the rows it looks at.
    """
    facts = {"batch_id": batch_id, "party": party, "before": before, "at": at, "limit": limit}
    ids = list(session.execute(_CANDIDATES, facts | {"after": after}).scalars())
    at_share = ids[-1] if ids else after
    taken = _take_ready(session, facts, ids)
    if len(ids) < limit:
        ids = list(session.execute(_READY_AGAIN, facts).scalars())
        taken += _take_ready(session, facts, ids)
    if len(ids) == limit:
        return Taken(taken, True, at_share, None)
    taken += _net_debts(session, facts, beside_fen)
    return Taken(taken, False, at_share, int(session.execute(_SUM, facts).scalar_one()))


def _take_ready(session: Session, facts: dict[str, Any], ids: list[int]) -> int:
    if not ids:
        return 0
    states.lock_lines_of(session, ids)
    taken = session.execute(_TAKE_READY, facts | {"share_ids": ids}).scalars().all()
    states.refresh(session, taken)
    return len(taken)


def _net_debts(session: Session, facts: dict[str, Any], beside_fen: int) -> int:
    before = session.execute(_LET_DEBTS_GO, facts).scalars().all()
    ids = sorted({*before, *session.execute(_DEBT_IDS, facts).scalars()})
    if not ids:
        return 0
    states.lock_lines_of(session, ids)
    room_fen = max(0, int(session.execute(_SUM, facts).scalar_one()) + beside_fen)
    netted: list[tuple[int, int, int]] = []
    for row in session.execute(_DEBTS, {"share_ids": ids}):
        fen = min(room_fen, row.debt_fen)
        room_fen -= fen
        netted.append((row.id, fen, row.debt_fen - fen))
    if netted:
        columns = (list(column) for column in zip(*netted, strict=True))
        named = dict(zip(("share_ids", "netted", "carried"), columns, strict=True))
        session.execute(_TAKE_DEBTS, facts | named)
    states.refresh(session, ids)
    return len(netted)


def return_from_batch(
    session: Session,
    *,
    batch_id: int,
    at: datetime,
    party: str | None = None,
    share_ids: Collection[int] | None = None,
    although_fixed: bool = False,
    after: int = 0,
    limit: int = CHUNK,
) -> Moved:
    """Give up to ``limit`` rows back (of all, of one party, or of these shares): free for the next batch.

    Rows of an approved batch only with ``although_fixed`` (a payout that failed for good). ``after``: 0, or
    the ``at_share`` of the call before. Locks the lines of the rows.
    """
    open_states = ["OPEN", "FIXED"] if although_fixed else ["OPEN"]
    facts = {"batch_id": batch_id, "states": open_states, "after": after, "limit": limit, "at": at}
    ids = _open_ids(session, facts, party, share_ids)
    if ids:
        states.lock_lines_of(session, ids)
        session.execute(_SET_STATE, facts | {"share_ids": ids, "state": "RETURNED"})
        states.refresh(session, ids)
    return _moved(ids, after, limit)


def _open_ids(
    session: Session, facts: dict[str, Any], party: str | None, share_ids: Collection[int] | None = None
) -> list[int]:
    # Three statements, not one with "or is null": each has its index in a prepared plan too.
    if share_ids is not None:
        found = session.execute(_OPEN_OF_THESE, facts | {"share_ids": sorted(set(share_ids))})
    elif party is not None:
        found = session.execute(_OPEN_OF_PARTY, facts | {"party": party})
    else:
        found = session.execute(_OPEN_OF_BATCH, facts)
    return list(found.scalars())


def _moved(ids: list[int], after: int, limit: int) -> Moved:
    return Moved(len(ids), len(ids) == limit, ids[-1] if ids else after)


def fix_batch(session: Session, *, batch_id: int) -> None:
    """The batch is approved: its rows no longer change. Twice changes nothing."""
    session.execute(_FIX, {"batch_id": batch_id})


def mark_settled(
    session: Session,
    *,
    batch_id: int,
    at: datetime,
    party: str | None = None,
    share_ids: Collection[int] | None = None,
    after: int = 0,
    limit: int = CHUNK,
) -> Moved:
    """Settle up to ``limit`` rows of a batch (of all, of one party, or of these shares). Each row once.

    The money moves from the party's payable to its payout account, a netted debt the other way, so the
    payout account grows by exactly what the batch pays for these rows. A carried debt stays in the payable
    account. ``after``: 0, or the ``at_share`` of the call before. Locks the lines of the rows.
    """
    facts = {"batch_id": batch_id, "states": ["OPEN", "FIXED"], "after": after, "limit": limit, "at": at}
    ids = _open_ids(session, facts, party, share_ids)
    if not ids:
        return Moved(0, False, after)
    states.lock_lines_of(session, ids)
    rows = session.execute(_TO_SETTLE, {"batch_id": batch_id, "share_ids": ids}).all()
    paid = [row for row in rows if row.amount_fen]
    write(session, EntryKind.SETTLE, [_settle(row, at) for row in paid], batch_id=batch_id)
    amounts = {"share_ids": [row.share_id for row in paid], "amounts": [row.amount_fen for row in paid]}
    session.execute(_SETTLE_SHARES, amounts)
    session.execute(_SET_STATE, facts | {"share_ids": ids, "state": "SETTLED"})
    states.refresh(session, ids)
    return _moved(ids, after, limit)


def _settle(row: Row[Any], at: datetime) -> Change:
    places = accounts.payable(row.party), accounts.payout(row.party)
    debit, credit = places if row.amount_fen > 0 else places[::-1]
    return Change(
        share_id=row.share_id,
        party=row.party,
        order_number=row.order_number,
        debit=debit,
        credit=credit,
        amount_fen=row.amount_fen,
        certain=True,
        at=at,
    )
