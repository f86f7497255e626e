"""Handing goods over at the counter against a pick-up code (PCK-1, PCK-2)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.touches import NewTouch, record
from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, NotFound, TooMany
from app.base.vault import Vault
from app.members import standing
from app.orders import lifecycle, pickup_codes
from models.attribution import TouchKind
from models.orders import FulfilmentState

MAX_WRONG = 5
LOCK_S = 900


@dataclass(frozen=True)
class Verifier:
    """The clerk at the counter."""

    clerk_id: int
    clerk_code: str
    store_id: int


@dataclass(frozen=True)
class HandedOver:
    """What left the store. ``again``: this code had been verified before; nothing happened now."""

    number: str
    completed_at: datetime
    lines: tuple[tuple[str, str, int], ...]
    again: bool


_WRONG_LATELY = text(
    """
    select count(*) as wrong, extract(epoch from min(at) + make_interval(secs => :lock_s) - now()) as wait_s
    from (select at from pickup_attempt where clerk_id = :clerk_id and at > now() - make_interval(secs => :lock_s)
          order by at desc limit :most) recent
    """
)
_SERIALISE = text("select pg_advisory_xact_lock(hashtextextended('pickup ' || cast(:clerk_id as text), 0))")
_FIND = text(
    """
    select order_id, store_id, used_at from pickup_code
    where code_hash = :code_hash and void_at is null
    order by (store_id = :store_id) desc, (used_at is null) desc, created_at desc limit 1
    """
)
_USE = text("update pickup_code set used_at = :now, used_by_clerk_id = :clerk_id where order_id = :order_id")
_COUNT_WRONG = text(
    "insert into pickup_attempt (clerk_id, store_id, reason) values (:clerk_id, :store_id, :reason)"
)
# What is promised, not what was bought: units that were refunded before hand-over stay in the store.
_LINES = text(
    "select l.name, l.spec, r.qty, l.min_age from reservation r join order_line l on l.id = r.order_line_id"
    " where r.order_id = :order_id and r.state in ('ACTIVE', 'CONSUMED') order by l.line_no"
)
_DONE = text("select number, completed_at from orders where id = :order_id")


def verify(
    tx: Tx, verifier: Verifier, *, code: str, age_checked: bool, vault: Vault, now: datetime
) -> HandedOver:
    """Hand over the goods behind ``code`` at the verifier's own store; a second time answers the first result.

    Refuses WRONG_CODE and WRONG_STORE (both counted), LOCKED after five of them in 15 minutes, and
    AGE_CHECK_NEEDED while a line asks for it. Takes an advisory lock per clerk, so that parallel
    guesses are counted one by one; then the order's row, then the member's.
    """
    with tx() as session:
        outcome = _try(session, verifier, code, age_checked, vault, now)
        if isinstance(outcome, str):
            facts = {"clerk_id": verifier.clerk_id, "store_id": verifier.store_id, "reason": outcome}
            session.execute(_COUNT_WRONG, facts)
    # Raised only now: the counted attempt must be committed.
    if outcome == "WRONG_STORE":
        raise Forbidden("WRONG_STORE", "The goods wait in another store.")
    if isinstance(outcome, str):
        raise NotFound("WRONG_CODE", "No waiting order has this code.")
    return outcome


def _try(
    session: Session, verifier: Verifier, code: str, age_checked: bool, vault: Vault, now: datetime
) -> HandedOver | str:
    session.execute(_SERIALISE, {"clerk_id": verifier.clerk_id})
    _refuse_locked(session, verifier.clerk_id)
    facts = {"code_hash": pickup_codes.hash_code(vault, code), "store_id": verifier.store_id}
    found = session.execute(_FIND, facts).first()
    if found is None:
        return "WRONG_CODE"
    if found.store_id != verifier.store_id:
        return "WRONG_CODE" if found.used_at else "WRONG_STORE"
    order = lifecycle.hold(session, found.order_id)
    if order.fulfilment_state is FulfilmentState.PICKED_UP:
        return _done(session, order.id, again=True)
    if order.fulfilment_state is not FulfilmentState.READY:
        return "WRONG_CODE"
    lines = session.execute(_LINES, {"order_id": order.id}).all()
    if any(line.min_age for line in lines) and not age_checked:
        raise Conflict("AGE_CHECK_NEEDED", "A line is for adults only; check and send age_checked.")
    lifecycle.complete_pickup(session, order, now=now, actor=f"clerk:{verifier.clerk_code}")
    session.execute(_USE, {"order_id": order.id, "now": now, "clerk_id": verifier.clerk_id})
    _note_service(session, order, verifier, now)
    return _done(session, order.id, again=False)


def _note_service(session: Session, order: lifecycle.Held, verifier: Verifier, now: datetime) -> None:
    # Service that counts (BND-4), and a first touch like any other for who came by no code (BND-1).
    if order.member_id is None:
        return
    touch = NewTouch(
        member_id=standing.hold(session, member_id=order.member_id),
        identity_id=order.identity_id,
        kind=TouchKind.PICKUP_VERIFY,
        occurred_at=now,
        raw_key=f"pickup.{order.number}",
        clerk_id=verifier.clerk_id,
    )
    record(session, touch)


def _refuse_locked(session: Session, clerk_id: int) -> None:
    facts = {"clerk_id": clerk_id, "lock_s": LOCK_S, "most": MAX_WRONG}
    lately = session.execute(_WRONG_LATELY, facts).one()
    if lately.wrong >= MAX_WRONG:
        raise TooMany("LOCKED", "Five wrong codes.", retry_after_s=max(1, int(lately.wait_s) + 1))


def _done(session: Session, order_id: int, *, again: bool) -> HandedOver:
    done = session.execute(_DONE, {"order_id": order_id}).one()
    lines = session.execute(_LINES, {"order_id": order_id}).all()
    return HandedOver(done.number, done.completed_at, tuple((x.name, x.spec, x.qty) for x in lines), again)
