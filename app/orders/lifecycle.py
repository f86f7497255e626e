"""Moving an order from state to state: one step, one log row, one version (ORD-1)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict, NotFound
from app.base.vault import Vault
from app.commission import accrual, release, rules
from app.commission.accrual import LineToAccrue
from app.members import standing
from app.orders import pickup_codes
from app.orders.rules import TIMEOUT, may_move, may_revive
from app.stock import reserving
from models.orders import FulfilmentState, OrderState


@dataclass(frozen=True)
class Held:
    """An order whose row is locked by this transaction. ``left_s``: seconds to pay, by the database's clock.

    Member and identity are None only for a till's sale (its buyer may be unknown, and came through no app).
    """

    id: int
    number: str
    member_id: int | None
    identity_id: int | None
    state: OrderState
    fulfilment_state: FulfilmentState
    version: int
    amount_fen: int
    paid_fen: int
    refunded_fen: int
    entity_code: str
    pickup_store_id: int
    location_id: int
    expires_at: datetime
    left_s: float
    cancel_reason: str | None


_HOLD = text(
    """
    select o.id, o.number, o.member_id, o.identity_id, o.state, o.fulfilment_state, o.version, o.amount_fen,
           o.paid_fen, o.refunded_fen, e.code as entity_code, o.pickup_store_id, o.location_id, o.expires_at,
           o.cancel_reason, extract(epoch from o.expires_at - now())::float8 as left_s
    from orders o join legal_entity e on e.id = o.selling_entity_id
    where o.id = :order_id for no key update of o
    """
)
_FIND_ID = text(
    """
    select o.id from orders o where o.number = :number and (cast(:member_id as bigint) is null
        or o.member_id in (select id from member where id = :member_id or alias_of = :member_id))
    """
)
_MOVE = text(
    """
    with moved as (
        update orders set state = cast(:state as text), fulfilment_state = :fulfilment_state, version = version + 1,
            paid_fen = coalesce(cast(:paid_fen as bigint), paid_fen),
            paid_at = coalesce(cast(:paid_at as timestamptz), paid_at),
            completed_at = coalesce(cast(:completed_at as timestamptz), completed_at),
            cancelled_at = case when cast(:state as text) = 'PAID' then null
                else coalesce(cast(:cancelled_at as timestamptz), cancelled_at) end,
            cancel_reason = case when cast(:state as text) = 'PAID' then null
                else coalesce(cast(:cancel_reason as text), cancel_reason) end
        where id = :order_id and version = :version
        returning id, version)
    insert into order_event (order_id, version, from_state, to_state, fulfilment_state, actor, reason)
    select id, version, :before, cast(:state as text), :fulfilment_state, :actor, :reason from moved
    """
)
_TO_ACCRUE = text(
    "select id, base_fen, pool_bp, sku_code, name, qty, credit_snapshot,"
    " (select parts from shared_sale s where s.order_id = :order_id) as shared"
    " from order_line where order_id = :order_id order by line_no"
)
_NO_FACTS: dict[str, Any] = {
    "paid_fen": None,
    "paid_at": None,
    "completed_at": None,
    "cancelled_at": None,
    "cancel_reason": None,
}


def find_id(session: Session, number: str, *, member_id: int | None = None) -> int:
    """The row id behind an order number, seen by its member only if ``member_id`` is given; else NotFound."""
    order_id = session.execute(_FIND_ID, {"number": number, "member_id": member_id}).scalar()
    if order_id is None:
        raise NotFound("NOT_FOUND", "No such order.")
    return int(order_id)


def hold(session: Session, order_id: int) -> Held:
    """Lock the order's row until the end of the transaction. Always the first lock of a money path."""
    row = session.execute(_HOLD, {"order_id": order_id}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "No such order.")
    facts = dict(row._mapping)
    facts["state"] = OrderState(row.state)
    facts["fulfilment_state"] = FulfilmentState(row.fulfilment_state)
    return Held(**facts)


def mark_paid(
    session: Session, order: Held, *, vault: Vault, paid_at: datetime, now: datetime, actor: str
) -> Held:
    """The money is here: CREATED -> PAID -> ALLOCATED/READY, promises kept, code issued, commission accrued.

    Refuses any other state than CREATED (or a timed-out order whose goods were promised again, STK-4).
    """
    reason = "PAID" if order.state is OrderState.CREATED else "LATE_PAYMENT"
    order = _move(
        session,
        order,
        OrderState.PAID,
        actor=actor,
        reason=reason,
        paid_fen=order.amount_fen,
        paid_at=paid_at,
    )
    reserving.keep(session, order.id)
    pickup_codes.issue(session, order_id=order.id, store_id=order.pickup_store_id, vault=vault)
    order = _move(
        session,
        order,
        OrderState.ALLOCATED,
        actor=actor,
        reason="GOODS_READY",
        fulfilment=FulfilmentState.READY,
    )
    accrue(session, order.id, number=order.number, selling_entity=order.entity_code, paid_at=paid_at, now=now)
    if order.member_id is not None:
        standing.bought(session, member_id=order.member_id, at=paid_at)
    return order


def accrue(
    session: Session, order_id: int, *, number: str, selling_entity: str, paid_at: datetime, now: datetime
) -> None:
    """Accrue the commission of every line of an order that has just been paid (ACC-1); again adds nothing."""
    lines = [
        LineToAccrue(
            order_line_id=row.id,
            order_id=order_id,
            order_number=number,
            base_fen=row.base_fen,
            pool_bp=row.pool_bp,
            sku_code=row.sku_code,
            name=row.name,
            qty=row.qty,
            selling_entity=selling_entity,
            snapshot=rules.shared_sale(row.credit_snapshot, row.shared)
            if row.shared
            else row.credit_snapshot,
        )
        for row in session.execute(_TO_ACCRUE, {"order_id": order_id})
    ]
    accrual.accrue(session, lines, paid_at=paid_at, now=now)


def cancel(session: Session, order: Held, *, now: datetime, actor: str, reason: str) -> Held:
    """Stop an order that was not handed over; its promises are given back. Money is the caller's concern."""
    if not may_move(order.state, OrderState.CANCELLED):
        raise Conflict("NOT_CANCELLABLE", f"The order is {order.state}.")
    order = _move(
        session,
        order,
        OrderState.CANCELLED,
        actor=actor,
        reason=reason,
        fulfilment=FulfilmentState.STOPPED,
        cancelled_at=now,
        cancel_reason=reason,
    )
    reserving.release(session, order.id, expired=reason == TIMEOUT, actor=f"order:{order.number}")
    pickup_codes.void(session, order.id)
    return order


def complete_pickup(session: Session, order: Held, *, now: datetime, actor: str) -> Held:
    """The goods are handed over at the counter: ALLOCATED -> FULFILLING -> COMPLETED, the freeze clock starts."""
    order = _move(session, order, OrderState.FULFILLING, actor=actor, reason="PICKUP_VERIFIED")
    reserving.hand_over(session, order.id, actor=actor)
    order = _move(
        session,
        order,
        OrderState.COMPLETED,
        actor=actor,
        reason="HANDED_OVER",
        fulfilment=FulfilmentState.PICKED_UP,
        completed_at=now,
    )
    release.start_clock(session, order_id=order.id, completed_at=now)
    return order


def _move(
    session: Session,
    order: Held,
    state: OrderState,
    *,
    actor: str,
    reason: str,
    fulfilment: FulfilmentState | None = None,
    **facts: Any,
) -> Held:
    allowed = may_move(order.state, state)
    if state is OrderState.PAID and order.state is OrderState.CANCELLED:
        allowed = may_revive(order.state, order.cancel_reason)
    if not allowed:
        raise Conflict("WRONG_STATE", f"The order is {order.state}, not on its way to {state}.")
    change = {
        **_NO_FACTS,
        **facts,
        "order_id": order.id,
        "version": order.version,
        "before": order.state.value,
        "state": state.value,
        "fulfilment_state": (fulfilment or order.fulfilment_state).value,
        "actor": actor,
        "reason": reason,
    }
    session.execute(_MOVE, change)
    return replace(
        order,
        state=state,
        fulfilment_state=fulfilment or order.fulfilment_state,
        version=order.version + 1,
        paid_fen=facts.get("paid_fen") or order.paid_fen,
    )
