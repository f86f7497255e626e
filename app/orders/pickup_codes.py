"""Eight digits and a short-lived QR that prove whose goods these are (PCK-1).

The digits are derived from SECRET_KEY and the order, so the table keeps only their keyed hash and the
owner can still be shown them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.base.vault import Vault

DIGITS = 8
QR_TTL_S = 300
MAX_DRAWS = 20


@dataclass(frozen=True)
class Shown:
    """What the owner sees: the digits, and a token for the QR that dies at ``token_expires_at``."""

    code: str
    token: str
    token_expires_at: datetime


_ISSUE = text(
    """
    insert into pickup_code (order_id, store_id, draw, code_hash) values (:order_id, :store_id, :draw, :code_hash)
    on conflict do nothing returning order_id
    """
)
_MINE = text("select 1 from pickup_code where order_id = :order_id")
_REOPEN = text("delete from pickup_code where order_id = :order_id and void_at is not null")
_SHOW = text(
    "select draw from pickup_code where order_id = :order_id and void_at is null and used_at is null"
)
_VOID = text("update pickup_code set void_at = now() where order_id = :order_id and used_at is null")


def issue(session: Session, *, order_id: int, store_id: int, vault: Vault) -> None:
    """Give the order a code that no other waiting order of the store has. A second call changes nothing."""
    session.execute(_REOPEN, {"order_id": order_id})
    for draw in range(MAX_DRAWS):
        code_hash = hash_code(vault, digits(vault, order_id, draw))
        facts = {"order_id": order_id, "store_id": store_id, "draw": draw, "code_hash": code_hash}
        if session.execute(_ISSUE, facts).first() or session.execute(_MINE, {"order_id": order_id}).first():
            return
    raise AssertionError("no free pick-up code in twenty draws: more than 10^7 waiting orders in one store?")


def show(session: Session, order_id: int, *, vault: Vault, now: datetime) -> Shown:
    """The live code of an order for its owner's eyes; NotFound when there is none (unpaid, used, stopped)."""
    draw = session.execute(_SHOW, {"order_id": order_id}).scalar()
    if draw is None:
        raise NotFound("NOT_FOUND", "The order has no pick-up code now.")
    until = now + timedelta(seconds=QR_TTL_S)
    code = digits(vault, order_id, draw)
    token = vault.seal("pickup-qr", f"{code}.{int(until.timestamp())}")
    return Shown(code, token, until)


def void(session: Session, order_id: int) -> None:
    """The order was stopped: its code opens nothing any more."""
    session.execute(_VOID, {"order_id": order_id})


def open_token(vault: Vault, token: str, *, now: datetime) -> str | None:
    """The digits inside a scanned QR, or None when it is forged or older than five minutes."""
    opened = vault.unseal("pickup-qr", token)
    if opened is None:
        return None
    code, _, until = opened.partition(".")
    return code if int(until) >= int(now.timestamp()) else None


def digits(vault: Vault, order_id: int, draw: int) -> str:
    """The digits of one draw for one order."""
    return vault.digits("pickup-code", f"{order_id}:{draw}", DIGITS)


def hash_code(vault: Vault, code: str) -> str:
    """How a code is kept and looked up."""
    return vault.hash("pickup-code", code)
