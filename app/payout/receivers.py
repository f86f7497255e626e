"""Who receives shares of payments: companies with a merchant number of their own, kept by finance (FRZ-4)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.db import Tx
from app.base.errors import Conflict, Invalid, NotFound, Unreachable
from models.sharing import ReceiverRelation
from wechat.errors import Refused, WeChatError
from wechat.pay import Pay, Receiver, ReceiverKind, Relation

_LOCK = text("select pg_advisory_xact_lock(hashtextextended('sharing receivers', 0))")
_ENTITY = text("select id from legal_entity where code = :entity")
_ACTIVE = text(
    "select * from sharing_receiver where ended_at is null and (entity = :entity or mchid = :mchid) order by id"
)
_MAKE = text(
    """
    insert into sharing_receiver (entity, mchid, name, relation, made_by, created_at)
    values (:entity, :mchid, :name, :relation, :by, :now)
    """
)
_OF = text("select * from sharing_receiver where ended_at is null and entity = :entity for update")
_TOLD = text(
    """
    update sharing_receiver set added_at = case when cast(:problem as text) is null then :now else added_at end,
           problem = :problem
     where ended_at is null and entity = :entity and mchid = :mchid
    returning *
    """
)
_END = text("update sharing_receiver set ended_at = :now where id = :id returning *")
_ALL = text("select * from sharing_receiver order by ended_at is not null, id desc limit 200")


@dataclass(frozen=True, slots=True)
class ReceiverSeen:
    """One receiver. ``added_at``: since when WeChat knows it; nothing is shared before, nor after ``ended_at``."""

    entity: str
    mchid: str
    name: str
    relation: str
    made_by: str
    created_at: datetime
    added_at: datetime | None
    problem: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A receiver to be: its company's code, its merchant number, and the full name that WeChat compares."""

    entity: str
    mchid: str
    name: str
    relation: ReceiverRelation


def add(
    tx: Tx, pay: Pay, wanted: Wanted, *, appid: str, own_mchid: str, by: str, now: datetime
) -> ReceiverSeen:
    """Write a receiver down, then make it known to WeChat. The same again asks WeChat again until it agrees.

    Refuses the merchant who shares (Invalid), an unknown company (NotFound), a company or merchant number
    that has another receiver (RECEIVER_EXISTS), what WeChat refuses (RECEIVER_REFUSED; the row says why) and
    Unreachable while WeChat's answer is unknown: the row is there and receives nothing yet.
    """
    if wanted.mchid == own_mchid:
        raise Invalid("A merchant cannot share with itself.", fields={"mchid": "is the merchant who shares"})
    with tx() as session:
        known = _write_down(session, wanted, by=by, now=now)
    if known is not None and known.added_at is not None:
        return _seen(known)
    receiver = Receiver(
        kind=ReceiverKind.MERCHANT_ID,
        account=wanted.mchid,
        relation=Relation(wanted.relation.value),
        name=wanted.name,
    )
    try:
        pay.add_receiver(appid=appid, receiver=receiver)
    except Refused as error:
        _tell(tx, wanted, problem=error.code, now=now)
        raise Conflict("RECEIVER_REFUSED", f"WeChat refused: {error.code}") from error
    except WeChatError as error:
        raise Unreachable("WECHAT_UNAVAILABLE", "Try again; the receiver is written down.") from error
    return _tell(tx, wanted, problem=None, now=now)


def end(session: Session, *, entity: str, by: str, why: str, now: datetime) -> ReceiverSeen:
    """Share nothing more with a company; what is on its way is not touched. NotFound when it has no receiver.

    WeChat keeps the relation: by itself it pays nobody.
    """
    row = session.execute(_OF, {"entity": entity}).first()
    if row is None:
        raise NotFound("NOT_FOUND", "This company has no receiver.")
    ended = session.execute(_END, {"id": row.id, "now": now}).one()
    _note(session, "SHARING_RECEIVER_ENDED", entity, before=row.mchid, after=None, by=by, why=why, now=now)
    return _seen(ended)


def receivers(reader: Session | Connection) -> list[ReceiverSeen]:
    """Those that receive first, then those that have ended, newest first."""
    return [_seen(row) for row in reader.execute(_ALL)]


def _write_down(session: Session, wanted: Wanted, *, by: str, now: datetime) -> Row[Any] | None:
    facts = {
        "entity": wanted.entity,
        "mchid": wanted.mchid,
        "name": wanted.name,
        "relation": wanted.relation.value,
    }
    session.execute(_LOCK)
    if session.execute(_ENTITY, facts).first() is None:
        raise NotFound("NOT_FOUND", "No such company.")
    for row in session.execute(_ACTIVE, facts).all():
        if any(getattr(row, column) != value for column, value in facts.items()):
            raise Conflict("RECEIVER_EXISTS", "The company or the merchant number has another receiver.")
        return row
    session.execute(_MAKE, {**facts, "by": by, "now": now})
    _note(
        session,
        "SHARING_RECEIVER_ADDED",
        wanted.entity,
        before=None,
        after=wanted.mchid,
        by=by,
        why="FRZ-4",
        now=now,
    )
    return None


def _tell(tx: Tx, wanted: Wanted, *, problem: str | None, now: datetime) -> ReceiverSeen:
    facts = {"entity": wanted.entity, "mchid": wanted.mchid, "problem": problem, "now": now}
    with tx() as session:
        row = session.execute(_TOLD, facts).first()
    if row is None:
        raise NotFound("NOT_FOUND", "The receiver was ended meanwhile.")
    return _seen(row)


def _note(
    session: Session,
    action: str,
    entity: str,
    *,
    before: str | None,
    after: str | None,
    by: str,
    why: str,
    now: datetime,
) -> None:
    audit.note(
        session,
        actor=by,
        action=action,
        subject=f"entity:{entity}",
        before={"mchid": before} if before else None,
        after={"mchid": after} if after else None,
        why=why,
        at=now,
    )


def _seen(row: Row[Any]) -> ReceiverSeen:
    return ReceiverSeen(
        entity=row.entity,
        mchid=row.mchid,
        name=row.name,
        relation=row.relation,
        made_by=row.made_by,
        created_at=row.created_at,
        added_at=row.added_at,
        problem=row.problem,
        ended_at=row.ended_at,
    )
