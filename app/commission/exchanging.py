"""An exchange takes the commission along to the goods that the customer keeps (CLW-5)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base.errors import Alarm, Conflict, NotFound
from app.base.money import largest_remainder
from app.commission import accounts, accrual, rules, states
from app.commission.accrual import LineToAccrue
from app.commission.entries import Change, write
from app.ledger.posting import Posting, post_many
from models.commission import EntryKind

# As a refund does: first the order lines, then the commission line.
_HOLD_ORDER_LINES = text(
    "select id from order_line where id = any(cast(:line_ids as bigint[])) order by id for update"
)
_OLD = text(
    """
    select l.order_line_id, l.order_number, l.selling_entity, l.pool_bp, l.fee_bp,
           l.base_fen - l.refunded_base_fen - l.moved_base_fen as standing_fen,
           l.fee_fen - l.fee_reversed_fen as fee_left_fen, ol.credit_snapshot as snapshot
      from commission_line l join order_line ol on ol.id = l.order_line_id
     where l.order_line_id = :line_id
       for update of l
    """
)
_SHARES = text(
    f"""
    select s.id, s.position, s.role, s.party_kind, s.party, s.payee, s.reason, s.earned_at, s.released_at,
           {states.LEFT} - s.protected_fen as remaining_fen
      from commission_share s where s.order_line_id = :line_id order by s.position
    """
)
_KNOWN = text(
    "select v.because from commission_move v join commission_share s on s.id = v.share_id"
    " where s.order_line_id = :line_id and v.cause = :cause limit 1"
)
_OPEN_LINE = text(
    """
    insert into commission_line
           (order_line_id, order_id, order_number, sku_code, goods, qty, selling_entity, aftersale_days,
            settle_delay_days, base_fen, refunded_base_fen, moved_base_fen, pool_bp, pool_fen, reversed_fen,
            moved_pool_fen, protected_fen, defect_protect, fee_bp, fee_fen, fee_reversed_fen, accrued_at)
    select :new_id, :order_id, :order_number, :sku_code, :goods, :qty, selling_entity, aftersale_days,
           settle_delay_days, :base_fen, 0, 0, pool_bp, :pool_fen, 0, 0, 0, defect_protect, fee_bp, :fee_fen, 0,
           :at
      from commission_line where order_line_id = :old_id
    """
)
_MOVE = text(
    "insert into commission_move (share_id, cause, amount_fen, because, at)"
    " values (:share_id, :cause, :amount_fen, cast(:because as jsonb), :at) returning id"
)
_ADD = text(
    """
    insert into commission_share
           (order_line_id, position, role, party_kind, party, payee, accrued_fen, reversed_fen, moved_fen,
            settled_fen, written_off_fen, protected_fen, state, reason, earned_at, move_id)
    values (:line_id, :position, :role, :party_kind, :party, :payee, :amount_fen, 0, 0, 0, 0, 0, 'FROZEN',
            cast(:reason as jsonb), :earned_at, :move_id)
    returning id
    """
)
_TAKE = text("update commission_share set moved_fen = moved_fen + :amount_fen where id = :share_id")
_INHERIT_HOLDS = text(
    "insert into commission_hold (share_id, cause, held_at)"
    " select :new_id, cause, held_at from commission_hold where share_id = :share_id and lifted_at is null"
)
_LOWER = text(
    """
    update commission_line
       set moved_base_fen = moved_base_fen + :base_fen, moved_pool_fen = moved_pool_fen + :pool_fen,
           fee_reversed_fen = fee_reversed_fen + :fee_fen
     where order_line_id = :line_id
    """
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What leaves one share and what arrives of it; both differ by a fen at most, where a base is divided."""

    share: Row[Any]
    out_fen: int
    in_fen: int


def exchange(
    session: Session,
    *,
    cause: str,
    old_line_id: int,
    new_line: LineToAccrue,
    extra_line: LineToAccrue | None = None,
    at: datetime,
) -> None:
    """Take the commission of an order line along to the line of the goods given in exchange, once per ``cause``.

    ``new_line.base_fen`` is the part of the old base that goes along. Same price: all of it; the shares move
    to the new line as they stand, in the same hands, frozen again, and the clock restarts with the new
    line's hand-over. Cheaper: the new line's base goes along and the refund of the difference takes its
    part from the old line as any refund does (CLW-1), before or after this. Dearer: the old base goes along,
    and ``extra_line`` with the difference is accrued under the old line's snapshot and rate.

    The same cause again changes nothing; with another new line or base it raises Alarm. Refuses an unknown
    old line (NotFound) and more than stands of its base (Conflict). Locks the order lines, then the lines.
    """
    told = {"kind": "EXCHANGE", "to_order": new_line.order_number, "base_fen": new_line.base_fen}
    session.execute(_HOLD_ORDER_LINES, {"line_ids": sorted({old_line_id, new_line.order_line_id})})
    old = session.execute(_OLD, {"line_id": old_line_id}).first()
    if old is None:
        raise NotFound("NOT_FOUND", "That line has no commission.")
    known = session.execute(_KNOWN, {"line_id": old_line_id, "cause": cause}).first()
    if known is not None:
        if known.because != told:
            raise Alarm(f"a line of order {old.order_number} was exchanged for {cause} before, otherwise")
        return
    if not 0 < new_line.base_fen <= old.standing_fen:
        raise Conflict("EXCHANGE_TOO_MUCH", f"{old.standing_fen} fen of the base are left.")
    _take_along(session, old, new_line, cause, told, at)
    if extra_line is not None:
        extra = replace(extra_line, snapshot=old.snapshot, pool_bp=old.pool_bp)
        accrual.accrue(session, [extra], paid_at=at, now=at)


def _take_along(
    session: Session, old: Row[Any], new: LineToAccrue, cause: str, told: dict[str, Any], at: datetime
) -> None:
    standing_fen = old.standing_fen - new.base_fen
    pool_fen = rules.pool_fen(new.base_fen, old.pool_bp)
    pieces = _pieces(session, old, new.base_fen, pool_fen)
    leaving_fen = sum(piece.out_fen for piece in pieces)
    fee_out = old.fee_left_fen - rules.pool_fen(standing_fen, old.fee_bp)
    fee_in = rules.pool_fen(new.base_fen, old.fee_bp)
    _open_line(session, old, new, pool_fen, fee_in, at)
    lowered = {"line_id": old.order_line_id, "base_fen": new.base_fen, "fee_fen": fee_out}
    session.execute(_LOWER, lowered | {"pool_fen": leaving_fen})
    touched: list[int] = []
    for piece in pieces:
        if piece.out_fen or piece.in_fen:
            touched += _move(session, piece, old, new, cause, told, at)
    post_many(session, _beside(old, new, pool_fen - leaving_fen, fee_in - fee_out, at))
    states.refresh(session, touched)


def _pieces(session: Session, old: Row[Any], base_fen: int, pool_fen: int) -> list[_Piece]:
    shares = session.execute(_SHARES, {"line_id": old.order_line_id}).all()
    remaining = [share.remaining_fen for share in shares]
    standing_pool_fen = rules.pool_fen(old.standing_fen - base_fen, old.pool_bp)
    outs = largest_remainder(sum(remaining) - standing_pool_fen, remaining)
    weights = outs if any(outs) else remaining
    ins = largest_remainder(pool_fen, weights)
    return [_Piece(*one) for one in zip(shares, outs, ins, strict=True)]


def _open_line(
    session: Session, old: Row[Any], new: LineToAccrue, pool_fen: int, fee_fen: int, at: datetime
) -> None:
    facts = {
        "old_id": old.order_line_id,
        "new_id": new.order_line_id,
        "order_id": new.order_id,
        "order_number": new.order_number,
        "sku_code": new.sku_code,
        "goods": new.name,
        "qty": new.qty,
        "base_fen": new.base_fen,
        "pool_fen": pool_fen,
        "fee_fen": fee_fen,
        "at": at,
    }
    session.execute(_OPEN_LINE, facts)


def _move(
    session: Session,
    piece: _Piece,
    old: Row[Any],
    new: LineToAccrue,
    cause: str,
    told: dict[str, Any],
    at: datetime,
) -> Sequence[int]:
    share = piece.share
    facts = {"share_id": share.id, "cause": cause, "amount_fen": piece.out_fen, "at": at}
    move_id = int(session.execute(_MOVE, facts | {"because": json.dumps(told)}).scalar_one())
    states.leave_open_batch(session, [share.id], at=at)
    session.execute(_TAKE, {"share_id": share.id, "amount_fen": piece.out_fen})
    reason = share.reason | {"exchanged_from": old.order_number}
    row = {
        "line_id": new.order_line_id,
        "position": share.position,
        "role": share.role,
        "party_kind": share.party_kind,
        "party": share.party,
        "payee": share.payee,
        "amount_fen": piece.in_fen,
        "reason": json.dumps(reason, ensure_ascii=False),
        "earned_at": share.earned_at,
        "move_id": move_id,
    }
    new_id = int(session.execute(_ADD, row).scalar_one())
    session.execute(_INHERIT_HOLDS, {"share_id": share.id, "new_id": new_id})
    certain = share.released_at is not None
    place = accounts.held_by(share.party, certain=certain)
    out = (share.id, old.order_number, place, accounts.MOVING, piece.out_fen, certain, EntryKind.MOVE_OUT)
    into = (new_id, new.order_number, accounts.MOVING, accounts.frozen(share.party), piece.in_fen, False)
    for share_id, number, debit, credit, fen, is_certain, kind in (out, (*into, EntryKind.MOVE_IN)):
        if fen:
            change = Change(share_id, share.party, number, debit, credit, fen, is_certain, at, move_id)
            write(session, kind, [change])
    return share.id, new_id


def _beside(old: Row[Any], new: LineToAccrue, rounding_fen: int, fee_fen: int, at: datetime) -> list[Posting]:
    """The fen that dividing a base makes or swallows, and the fee's (SPL-10); mostly neither."""
    expense, moving = accounts.expense(old.selling_entity), accounts.MOVING
    cost, owed = accounts.fee_expense(old.selling_entity), accounts.fee_owed(old.selling_entity)
    found = []
    for kind, fen, debit, credit in (
        ("EXCHANGE_ROUNDING", rounding_fen, expense, moving),
        ("PLATFORM_FEE_ROUNDING", fee_fen, cost, owed),
    ):
        if fen < 0:
            debit, credit = credit, debit
        if fen:
            key = f"{kind.lower()}:{new.order_line_id}"
            found.append(Posting(key, kind, f"order:{new.order_number}", debit, credit, abs(fen), at))
    return found
