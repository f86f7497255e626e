"""Take commission back when goods are refunded (CLW-1 to CLW-3), exactly once per refund and line."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.errors import Alarm
from app.commission import accounts, rules, states
from app.commission.entries import Change, write
from app.ledger.posting import Posting
from models.commission import EntryKind, Role, ShareState

_LOCK_LINES = text(
    """
    select order_line_id, order_number, selling_entity, base_fen - moved_base_fen as base_fen,
           refunded_base_fen, pool_bp, fee_bp, fee_fen - fee_reversed_fen as fee_left_fen, defect_protect
      from commission_line
     where order_line_id = any(cast(:line_ids as bigint[]))
     order by order_line_id
       for update
    """
)
# First lock of all: the foreign key of an accrual in progress holds these rows, so this waits for its
# commit, and an accrual that comes later waits for ours. Taking it after the commission lines would deadlock.
_HOLD_ORDER_LINES = text(
    "select id from order_line where id = any(cast(:line_ids as bigint[])) order by id for update"
)
_KNOWN = text(
    "select order_line_id, base_fen, defect from commission_reversal"
    " where refund_id = :refund_id and order_line_id = any(cast(:line_ids as bigint[]))"
)
_WAITING = text(
    """
    select refund_id, order_line_id, base_fen, defect from commission_reversal
     where order_line_id = any(cast(:line_ids as bigint[])) and pool_fen is null
     order by at, refund_id, order_line_id
    """
)
_NOTE = text(
    """
    insert into commission_reversal (refund_id, order_line_id, base_fen, pool_fen, defect, at)
    select :refund_id, order_line_id, base_fen, pool_fen, :defect, :at
      from unnest(cast(:line_ids as bigint[]), cast(:bases as bigint[]), cast(:pools as bigint[]))
           as x (order_line_id, base_fen, pool_fen)
        on conflict (refund_id, order_line_id) do update set pool_fen = excluded.pool_fen
     where commission_reversal.pool_fen is null
    """
)
_SHARES = text(
    f"""
    select s.id, s.order_line_id, s.party, s.role, s.released_at, s.state,
           {states.LEFT} - s.protected_fen as remaining_fen
      from commission_share s
     where s.order_line_id = any(cast(:line_ids as bigint[]))
     order by s.order_line_id, s.position
    """
)
_LOWER_SHARES = text(
    f"""
    update commission_share s
       set reversed_fen = s.reversed_fen + x.taken_fen,
           state = case when x.taken_fen < {states.LEFT} then s.state
                        when s.moved_fen > 0 then 'MOVED' else 'REVERSED' end
      from unnest(cast(:share_ids as bigint[]), cast(:taken as bigint[])) as x (share_id, taken_fen)
     where s.id = x.share_id
    """
)
_PROTECT = text(
    """
    update commission_share s set protected_fen = s.protected_fen + x.kept_fen
      from unnest(cast(:share_ids as bigint[]), cast(:kept as bigint[])) as x (share_id, kept_fen)
     where s.id = x.share_id
    """
)
_LOWER_LINES = text(
    """
    update commission_line l
       set refunded_base_fen = l.refunded_base_fen + x.base_fen, reversed_fen = l.reversed_fen + x.pool_fen,
           protected_fen = l.protected_fen + x.kept_fen, fee_reversed_fen = l.fee_reversed_fen + x.fee_fen
      from unnest(cast(:line_ids as bigint[]), cast(:bases as bigint[]), cast(:pools as bigint[]),
                  cast(:kept as bigint[]), cast(:fees as bigint[]))
           as x (order_line_id, base_fen, pool_fen, kept_fen, fee_fen)
     where l.order_line_id = x.order_line_id
    """
)

# States that a refund of a part can change; the others stay until nothing is left.
_RESTLESS = (ShareState.IN_BATCH, ShareState.WRITTEN_OFF)


@dataclass(frozen=True, slots=True)
class _Take:
    """What one refund takes from one line: fen by share, what protected shares keep, and of the fee."""

    line: Row[Any]
    base_fen: int
    by_share: list[tuple[Row[Any], int]]
    kept: list[tuple[Row[Any], int]]
    fee_fen: int

    @property
    def pool_fen(self) -> int:
        return sum(taken_fen for _, taken_fen in self.by_share)


def reverse(
    session: Session,
    *,
    refund_id: int,
    lines: Iterable[tuple[int, int]],
    at: datetime,
    defect: bool = False,
) -> None:
    """Take back what the refunded part of each line earned. ``lines``: (order_line_id, fen of its base).

    Once per refund and line: a second call, later or at the same moment, changes nothing; one with
    another amount raises Alarm, as does a refund above what is left of a line's base. What is still
    frozen is reduced; what was released becomes a debt of the party's payable account (CLW-3).

    ``defect``: money back by the seller's fault, the goods stay with the customer (CLW-6). Where the order's
    policy says ``defect_protect``, persons keep their shares then, and only stores and companies give back.
    The platform fee of the line falls like a pool (SPL-10).

    A line that was never accrued: the reversal is remembered and applied by its accrual. This is not
    expected (accrual is part of the paying transaction, and only paid orders are refunded) but it loses
    nothing. Locks the order lines, then the commission lines, in ascending order until the end of the
    transaction.
    """
    refunded: defaultdict[int, int] = defaultdict(int)
    for line_id, refund_fen in lines:
        refunded[line_id] += refund_fen
    refunded = defaultdict(int, {line_id: fen for line_id, fen in refunded.items() if fen})
    if not refunded:
        return
    found = _lock_lines(session, refunded)
    for line_id in _already_taken(session, refund_id, refunded, defect):
        del refunded[line_id]
    early = refunded.keys() - found.keys()
    if early:
        waits = [(line_id, refunded[line_id], None) for line_id in sorted(early)]
        _note(session, refund_id, waits, at, defect)
    now = [(found[i], refunded[i]) for i in sorted(refunded.keys() - early)]
    _take(session, refund_id, now, at, defect)


def catch_up(session: Session, line_ids: Collection[int], *, now: datetime) -> None:
    """Apply the refunds that were told before these lines were accrued; called by the accrual alone."""
    waiting = session.execute(_WAITING, {"line_ids": list(line_ids)}).all()
    for row in waiting:
        line = _select_and_lock(session, [row.order_line_id])[row.order_line_id]
        _take(session, row.refund_id, [(line, row.base_fen)], now, row.defect)


def _lock_lines(session: Session, line_ids: Collection[int]) -> dict[int, Row[Any]]:
    session.execute(_HOLD_ORDER_LINES, {"line_ids": sorted(line_ids)})
    return _select_and_lock(session, line_ids)


def _select_and_lock(session: Session, line_ids: Collection[int]) -> dict[int, Row[Any]]:
    rows = session.execute(_LOCK_LINES, {"line_ids": sorted(line_ids)})
    return {row.order_line_id: row for row in rows}


def _already_taken(session: Session, refund_id: int, refunded: dict[int, int], defect: bool) -> list[int]:
    # Read after the lock: a call that we waited for has committed its rows by now.
    rows = session.execute(_KNOWN, {"refund_id": refund_id, "line_ids": list(refunded)}).all()
    for row in rows:
        if (row.base_fen, row.defect) != (refunded[row.order_line_id], defect):
            raise Alarm(f"refund {refund_id} was reversed before with another amount or cause")
    return [row.order_line_id for row in rows]


def _take(
    session: Session, refund_id: int, lines: Sequence[tuple[Row[Any], int]], at: datetime, defect: bool
) -> None:
    if not lines:
        return
    takes = _takes(session, refund_id, lines, defect)
    fees = [_fee_back(refund_id, take, at) for take in takes if take.fee_fen]
    write(session, EntryKind.REVERSE, _changes(takes, at), refund_id=refund_id, beside=fees)
    _lower(session, takes, at)
    _note(session, refund_id, [(t.line.order_line_id, t.base_fen, t.pool_fen) for t in takes], at, defect)


def _lower(session: Session, takes: Sequence[_Take], at: datetime) -> None:
    pieces = [(share, taken) for take in takes for share, taken in take.by_share if taken]
    if pieces:
        taken_of = {"share_ids": [share.id for share, _ in pieces], "taken": [taken for _, taken in pieces]}
        session.execute(_LOWER_SHARES, taken_of)
    kept = [(share.id, fen) for take in takes for share, fen in take.kept if fen]
    if kept:
        session.execute(_PROTECT, {"share_ids": [i for i, _ in kept], "kept": [fen for _, fen in kept]})
    touched = {share.id for share, _ in pieces if share.state in _RESTLESS}
    if touched:
        states.leave_open_batch(session, touched, at=at)
        states.refresh(session, touched)
    amounts = {
        "line_ids": [take.line.order_line_id for take in takes],
        "bases": [take.base_fen for take in takes],
        "pools": [take.pool_fen for take in takes],
        "kept": [sum(fen for _, fen in take.kept) for take in takes],
        "fees": [take.fee_fen for take in takes],
    }
    session.execute(_LOWER_LINES, amounts)


def _takes(
    session: Session, refund_id: int, lines: Sequence[tuple[Row[Any], int]], defect: bool
) -> list[_Take]:
    shares: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    for share in session.execute(_SHARES, {"line_ids": [line.order_line_id for line, _ in lines]}):
        shares[share.order_line_id].append(share)
    takes: list[_Take] = []
    for line, refund_fen in lines:
        mine = shares[line.order_line_id]
        try:
            taken = rules.reversal(
                base_fen=line.base_fen,
                refunded_before_fen=line.refunded_base_fen,
                refund_fen=refund_fen,
                pool_bp=line.pool_bp,
                remaining=[share.remaining_fen for share in mine],
            )
        except ValueError as why:
            raise Alarm(f"refund {refund_id} does not fit order {line.order_number}: {why}") from why
        pairs = list(zip(mine, taken, strict=True))
        keeps = defect and line.defect_protect
        kept = [(share, fen) for share, fen in pairs if keeps and Role(share.role) in rules.PERSONAL_ROLES]
        left = [(share, fen) for share, fen in pairs if (share, fen) not in kept]
        standing_fen = line.base_fen - line.refunded_base_fen - refund_fen
        fee_fen = line.fee_left_fen - rules.pool_fen(standing_fen, line.fee_bp)
        takes.append(_Take(line, refund_fen, left, kept, fee_fen))
    return takes


def _fee_back(refund_id: int, take: _Take, at: datetime) -> Posting:
    return Posting(
        key=f"platform_fee_back:{refund_id}:{take.line.order_line_id}",
        kind="PLATFORM_FEE_BACK",
        cause=f"order:{take.line.order_number}",
        debit=accounts.fee_owed(take.line.selling_entity),
        credit=accounts.fee_expense(take.line.selling_entity),
        amount_fen=take.fee_fen,
        happened_at=at,
    )


def _changes(takes: Sequence[_Take], at: datetime) -> list[Change]:
    return [
        Change(
            share_id=share.id,
            party=share.party,
            order_number=take.line.order_number,
            debit=accounts.held_by(share.party, certain=share.released_at is not None),
            credit=accounts.expense(take.line.selling_entity),
            amount_fen=taken_fen,
            certain=share.released_at is not None,
            at=at,
        )
        for take in takes
        for share, taken_fen in take.by_share
        if taken_fen
    ]


def _note(
    session: Session,
    refund_id: int,
    taken: Sequence[tuple[int, int, int | None]],
    at: datetime,
    defect: bool,
) -> None:
    session.execute(
        _NOTE,
        {
            "refund_id": refund_id,
            "at": at,
            "defect": defect,
            "line_ids": [line_id for line_id, _, _ in taken],
            "bases": [base_fen for _, base_fen, _ in taken],
            "pools": [pool_fen for _, _, pool_fen in taken],
        },
    )
