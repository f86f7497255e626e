"""Receipts: each number of a till counts once, and leads to the order it became."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Conflict
from app.tills.letting_in import Till
from models.tills import ReceiptKind

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('receipt ' || :what, 0))")
_FIND = text(
    "select input_hash, order_id, refund_id from pos_receipt"
    " where store_id = :store_id and kind = :kind and number = :number"
)
_KEEP = text(
    """
    insert into pos_receipt (store_id, kind, number, input_hash, order_id, refund_id, key_id, happened_at, received_at)
    values (:store_id, :kind, :number, :input_hash, :order_id, :refund_id, :key_id, :happened_at, :now)
    """
)


@dataclass(frozen=True, slots=True)
class Told:
    """A receipt that was told before: the order it became, and the refund if it was a return."""

    order_id: int
    refund_id: int | None


def hash_of(given: Any) -> str:
    """What a receipt says, as one value: equal inputs, equal hashes."""
    return hashlib.sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).hexdigest()


def claim(session: Session, till: Till, kind: ReceiptKind, number: str, *, input_hash: str) -> Told | None:
    """None when the receipt is new, and then nobody else can tell it until this transaction ends.

    Told before with the same content: what became of it. With other content: RECEIPT_DIFFERS.
    """
    facts = {"store_id": till.store_id, "kind": kind.value, "number": number}
    session.execute(_LOCK, {"what": f"{till.store_id} {kind} {number}"})
    # Read after the lock: whom we waited for has committed by now.
    row = session.execute(_FIND, facts).first()
    if row is None:
        return None
    if row.input_hash != input_hash:
        raise Conflict("RECEIPT_DIFFERS", f"Receipt {number} was told before with other content.")
    return Told(row.order_id, row.refund_id)


def find_sale(session: Session, till: Till, number: str) -> int | None:
    """The order that a sale's receipt of the till's own store became, or None."""
    facts = {"store_id": till.store_id, "kind": ReceiptKind.SALE.value, "number": number}
    row = session.execute(_FIND, facts).first()
    return int(row.order_id) if row else None


def keep(
    session: Session,
    till: Till,
    kind: ReceiptKind,
    number: str,
    *,
    input_hash: str,
    order_id: int,
    refund_id: int | None = None,
    happened_at: datetime,
    now: datetime,
) -> None:
    """Write down what a claimed receipt became."""
    facts = {
        "store_id": till.store_id,
        "kind": kind.value,
        "number": number,
        "input_hash": input_hash,
        "order_id": order_id,
        "refund_id": refund_id,
        "key_id": till.key_id,
        "happened_at": happened_at,
        "now": now,
    }
    session.execute(_KEEP, facts)
