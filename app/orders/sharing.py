"""A sale that several clerks served: how they divide the selling clerk's share (SPL-6)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.errors import Conflict, Forbidden, Invalid, NotFound
from app.commission.moving import WHOLE_BP, Heir, move
from app.orders import lifecycle
from models.commission import PartyKind
from models.orders import OrderState
from models.stores import ClerkRole

MOST_CLERKS = 5
# After the payment only a manager declares it, and not for long.
AFTERWARDS = timedelta(hours=24)

_SOLD_BY = text(
    """
    select distinct p->>'party' as party, p->>'store' as store
      from order_line l, jsonb_array_elements(l.credit_snapshot->'parties') p
     where l.order_id = :order_id and p->>'role' = 'SELL_CLERK'
    """
)
_CLERKS = text(
    "select c.code, c.name from clerk c join store s on s.id = c.store_id"
    " where c.code = any(cast(:codes as text[])) and s.code = :store and c.status <> 'LEFT'"
)
_KNOWN = text("select parts, declared_by, declared_at from shared_sale where order_id = :order_id")
_DECLARE = text(
    "insert into shared_sale (order_id, parts, declared_by, declared_at)"
    " values (:order_id, cast(:parts as jsonb), :by, :now)"
)
_PAID_AT = text("select paid_at from orders where id = :order_id")
_SHARES = text(
    """
    select s.id from commission_share s join commission_line l on l.order_line_id = s.order_line_id
     where l.order_id = :order_id and s.role = 'SELL_CLERK' and s.move_id is null order by s.order_line_id
    """
)


@dataclass(frozen=True)
class Declarer:
    """The clerk who declares it, at one store."""

    clerk_code: str
    role: str
    store_code: str


@dataclass(frozen=True)
class Part:
    """``part_bp`` of the selling clerk's share for one clerk."""

    clerk_code: str
    part_bp: int


@dataclass(frozen=True)
class SharedSale:
    """What was declared, by whom and when."""

    order_number: str
    parts: list[dict[str, Any]]
    declared_by: str
    declared_at: datetime


def share_sale(
    session: Session, *, order_number: str, declarer: Declarer, parts: Sequence[Part], now: datetime
) -> SharedSale:
    """Divide the selling clerk's share of an order among clerks of one store, once per order.

    Before the payment the selling clerk or the store's manager declares it and the accrual follows it;
    within 24 hours after it a manager may, and the shares are moved. Only SELL_CLERK is divided; the
    snapshot of the order stays as it is (POL-2). The same again answers the first declaration.

    Refuses an order that was sold elsewhere or by nobody (NotFound, as one that does not exist), one with
    several selling clerks, another declaration than the first, a cancelled order, and one paid longer ago
    (Conflict); a clerk who may not (Forbidden); parts that do not make 10000 or lack the selling clerk,
    clerks of other stores (Invalid). Locks the order, then its commission lines.
    """
    order = lifecycle.hold(session, lifecycle.find_id(session, order_number))
    sold = session.execute(_SOLD_BY, {"order_id": order.id}).all()
    if declarer.store_code not in {row.store for row in sold}:
        raise NotFound("NOT_FOUND", "No such order.")
    if len(sold) > 1:
        raise Conflict("NOTHING_TO_SHARE", "The policy divides this sale already.")
    is_manager = declarer.role == ClerkRole.MANAGER
    if not is_manager and sold[0].party != f"clerk:{declarer.clerk_code}":
        raise Forbidden("FORBIDDEN", "Only the selling clerk or a manager shares a sale.")
    named = _named(session, sold[0], parts)
    known = session.execute(_KNOWN, {"order_id": order.id}).first()
    if known is not None:
        if known.parts != named:
            raise Conflict("SHARED_ALREADY", "This sale was shared otherwise before.")
        return SharedSale(order_number, known.parts, known.declared_by, known.declared_at)
    is_paid = _refuse_late(session, order.id, order.state, is_manager, now)
    by = f"clerk:{declarer.clerk_code}"
    facts = {"order_id": order.id, "parts": json.dumps(named, ensure_ascii=False), "by": by, "now": now}
    session.execute(_DECLARE, facts)
    if is_paid:
        _move(session, order.id, order_number, parts, by, now)
    audit.note(
        session,
        actor=by,
        action="commission.share_sale",
        subject=f"order:{order_number}",
        before={"sell_clerk": sold[0].party},
        after={"parts": named},
        why="SPL-6",
        at=now,
    )
    return SharedSale(order_number, named, by, now)


def _named(session: Session, sold: Row[Any], parts: Sequence[Part]) -> list[dict[str, Any]]:
    wrong: dict[str, str] = {}
    codes = [part.clerk_code for part in parts]
    if not 2 <= len(parts) <= MOST_CLERKS or len(set(codes)) != len(codes):
        wrong["parts"] = f"2 to {MOST_CLERKS} clerks, each once"
    elif sum(part.part_bp for part in parts) != WHOLE_BP or any(part.part_bp < 1 for part in parts):
        wrong["parts"] = f"positive parts that make {WHOLE_BP}"
    elif sold.party.removeprefix("clerk:") not in codes:
        wrong["parts"] = "the selling clerk is among them"
    rows = session.execute(_CLERKS, {"codes": codes, "store": sold.store})
    names = {row.code: row.name for row in rows}
    for position, code in enumerate(codes):
        if code not in names:
            wrong[f"parts.{position}.clerk"] = "no clerk of that store"
    if wrong:
        raise Invalid("The sale cannot be shared like that.", fields=wrong)
    return [
        {"clerk": part.clerk_code, "name": names[part.clerk_code], "part_bp": part.part_bp} for part in parts
    ]


def _refuse_late(session: Session, order_id: int, state: OrderState, is_manager: bool, now: datetime) -> bool:
    """Whether the order is paid; refuses where it is too late, or not for this clerk."""
    if state is OrderState.CREATED:
        return False
    if state is OrderState.CANCELLED:
        raise Conflict("WRONG_STATE", "The order is cancelled.")
    if not is_manager:
        raise Forbidden("FORBIDDEN", "After the payment a manager shares a sale.")
    paid_at = session.execute(_PAID_AT, {"order_id": order_id}).scalar_one()
    if now > paid_at + AFTERWARDS:
        raise Conflict("TOO_LATE", "A sale is shared within 24 hours of its payment.")
    return True


def _move(
    session: Session, order_id: int, number: str, parts: Sequence[Part], by: str, now: datetime
) -> None:
    heirs = [Heir(PartyKind.CLERK, f"clerk:{part.clerk_code}", part.part_bp) for part in parts]
    because = {"kind": "SHARED_SALE", "by": by}
    for share_id in session.execute(_SHARES, {"order_id": order_id}).scalars().all():
        move(session, share_id=share_id, to=heirs, cause=f"shared-sale:{number}", because=because, at=now)
