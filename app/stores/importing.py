"""Bringing entities, stores, hours and clerks to what a brand's files say, by business code."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from app.base.errors import Conflict
from app.base.freshness import STORES, touch
from app.base.upsert import Changes, Tally, ids_by_code, upsert
from app.stores.rows import ClerkRow, EntityRow, StoreRow
from models.stores import Clerk, LegalEntity, Store, StoreHours

_YIELD_LANDING = text(
    "update store set is_default_landing = false, updated_at = :now"
    " where is_default_landing and code <> :code returning code"
)
_HEIRS = text(
    "update store s set successor_store_id = n.id, updated_at = :now"
    " from unnest(cast(:codes as text[]), cast(:heirs as text[])) as w(code, heir)"
    " left join store n on n.code = w.heir"
    " where s.code = w.code and s.successor_store_id is distinct from n.id returning s.code"
)
_STRANGER = text(
    "select code from clerk where phone_hash = any(:hashes) and code <> all(:codes) order by code limit 1"
)
# Two clerks may have swapped numbers: a number that moves is let go before anybody else takes it.
_LET_GO = text(
    "update clerk c set phone_hash = null from unnest(cast(:codes as text[]), cast(:hashes as text[]))"
    " as w(code, hash) where c.code = w.code and c.phone_hash is distinct from w.hash"
)


def load(
    session: Session,
    entities: Sequence[EntityRow],
    stores: Sequence[StoreRow],
    clerks: Sequence[ClerkRow],
    *,
    hash_phone: Callable[[str], str],
    now: datetime,
) -> dict[str, Tally]:
    """Make or change what differs; nobody who is not named is touched. Answers the counts by kind.

    The rows must refer to each other only. Refuses CLERK_PHONE_TAKEN when a clerk outside the list has the phone.
    Takes row locks on what it changes; tells every process when a store changed.
    """
    legal = upsert(session, LegalEntity, [{"code": e.code, "name": e.name, "kind": e.kind} for e in entities])
    places = _stores(session, stores, now)
    people = _clerks(session, clerks, hash_phone, now)
    if places.new or places.changed:
        touch(session, STORES)
    return {
        "entities": legal.tally(len(entities)),
        "stores": places.tally(len(stores)),
        "clerks": people.tally(len(clerks)),
    }


def _stores(session: Session, stores: Sequence[StoreRow], now: datetime) -> Changes:
    landing = next((row.code for row in stores if row.default_landing), None)
    yielded: Collection[str] = ()
    if landing is not None:
        # Only one store may be the default at any moment, also between two statements.
        yielded = session.execute(_YIELD_LANDING, {"code": landing, "now": now}).scalars().all()
    entity_ids = ids_by_code(session, LegalEntity)
    values = [_store_values(row, entity_ids[row.entity]) for row in stores]
    changes = upsert(session, Store, values, on_change={"updated_at": now})
    changes.note(yielded)
    heirs = {"codes": [row.code for row in stores], "heirs": [row.successor for row in stores], "now": now}
    changes.note(session.execute(_HEIRS, heirs).scalars().all())
    changes.note(_hours(session, stores))
    return changes


def _store_values(row: StoreRow, entity_id: int) -> dict[str, Any]:
    return {
        "code": row.code,
        "entity_id": entity_id,
        "name": row.name,
        "name_en": row.name_en,
        "ownership": row.ownership,
        "city": row.city,
        "address": row.address,
        "phone": row.phone,
        "lat": row.lat,
        "lng": row.lng,
        "services": list(row.services),
        "delivery_radius_m": row.delivery_radius_m,
        "status": row.status,
        "closing_on": row.closing_on,
        "is_default_landing": row.default_landing,
    }


def _hours(session: Session, stores: Sequence[StoreRow]) -> list[str]:
    """Write the week of every store whose hours differ, the same for seven days. Answers their codes."""
    ids = ids_by_code(session, Store)
    weeks: dict[int, dict[int, tuple[time, time]]] = {}
    for store_id, weekday, opens, closes in session.execute(
        select(StoreHours.store_id, StoreHours.weekday, StoreHours.opens, StoreHours.closes)
    ):
        weeks.setdefault(store_id, {})[weekday] = (opens, closes)
    changed = {row.code: _week(row) for row in stores if _week(row) != weeks.get(ids[row.code], {})}
    if changed:
        session.execute(delete(StoreHours).where(StoreHours.store_id.in_([ids[code] for code in changed])))
    days = [
        {"store_id": ids[code], "weekday": weekday, "opens": opens, "closes": closes}
        for code, week in changed.items()
        for weekday, (opens, closes) in week.items()
    ]
    if days:
        session.execute(insert(StoreHours), days)
    return list(changed)


def _week(row: StoreRow) -> dict[int, tuple[time, time]]:
    if row.opens is None or row.closes is None:
        return {}
    return dict.fromkeys(range(1, 8), (row.opens, row.closes))


def _clerks(
    session: Session, clerks: Sequence[ClerkRow], hash_phone: Callable[[str], str], now: datetime
) -> Changes:
    store_ids = ids_by_code(session, Store)
    values = [_clerk_values(row, store_ids, hash_phone) for row in clerks]
    facts = {"codes": [v["code"] for v in values], "hashes": [v["phone_hash"] for v in values]}
    stranger = session.execute(_STRANGER, facts).scalar()
    if stranger is not None:
        said = f"A phone of the list belongs to clerk {stranger}, who is not in it."
        raise Conflict("CLERK_PHONE_TAKEN", said)
    session.execute(_LET_GO, facts)
    return upsert(session, Clerk, values, on_change={"updated_at": now})


def _clerk_values(
    row: ClerkRow, store_ids: Mapping[str, int], hash_phone: Callable[[str], str]
) -> dict[str, Any]:
    return {
        "code": row.code,
        "name": row.name,
        "store_id": store_ids[row.store],
        "role": row.role,
        "status": row.status,
        "last_day": row.last_day,
        "phone_hash": hash_phone(row.phone) if row.phone else None,
        "phone_tail": row.phone[-4:] if row.phone else None,
        "monthly_target_fen": row.monthly_target_fen,
    }
