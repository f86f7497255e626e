"""In which store a member lands when the mini-program opens (BND-12)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.attribution import binding_terms
from app.base import audit
from app.base.errors import Conflict, NotFound
from app.relations.holding import get_store, hold_number
from app.stores.closest import closest
from models.stores import StoreStatus


class Because(StrEnum):
    STORE_CODE = "STORE_CODE"  # the code of a store led here
    CLERK_MATERIAL = "CLERK_MATERIAL"  # a clerk's code or share, at most two hours ago
    ALLOW_LIST = "ALLOW_LIST"  # the member stands on that store's list
    SERVICE_CLERK = "SERVICE_CLERK"  # whoever serves the member works there
    LAST_CHOSEN = "LAST_CHOSEN"  # the member's own choice
    NEAREST = "NEAREST"  # nearest open store
    DEFAULT = "DEFAULT"  # the brand's online store


@dataclass(frozen=True)
class Landing:
    """The store to show, and why this one."""

    code: str
    name: str
    name_en: str
    because: Because


# Everything but the place in one statement, best first; a store that is not open takes nobody in.
_KNOWN = text(
    """
    with me as (select id from member where id = :member_id or alias_of = :member_id),
    said as (
        select q.store_id, q.clerk_id, c.store_id as clerk_store_id, c.status as clerk_status
        from qr_code q left join clerk c on c.id = q.clerk_id
        where q.scene = cast(:scene as text) and q.revoked_at is null
          and (q.expires_at is null or q.expires_at > :now)),
    wanted as (
        select 1 as place, 'STORE_CODE' as because, store_id from said where clerk_id is null
        union all
        select 2, 'CLERK_MATERIAL', clerk_store_id from said where clerk_status = 'ACTIVE'
        union all
        (select 2, 'CLERK_MATERIAL', c.store_id from touch t join clerk c on c.id = t.clerk_id
         where t.member_id in (select id from me) and t.valid and t.occurred_at > :fresh_since
           and t.occurred_at <= :now and c.status = 'ACTIVE'
           and t.kind in ('SUBSCRIBE_SCAN', 'SCAN', 'MP_SCENE', 'SHARE_CLICK', 'COUPON_CLAIM', 'CLERK_CODE')
         order by t.occurred_at desc, t.received_at desc, t.id desc limit 1)
        union all
        (select 3, 'ALLOW_LIST', store_id from landing_guest where member_id in (select id from me)
         order by added_at desc limit 1)
        union all
        select 4, 'SERVICE_CLERK', store_id from service_binding
        where member_id = :member_id and valid_to is null
        union all
        (select 5, 'LAST_CHOSEN', store_id from store_choice where member_id in (select id from me)
         order by chosen_at desc limit 1))
    select s.code, s.name, s.name_en, w.because from wanted w join store s on s.id = w.store_id
    where s.status = 'OPEN' order by w.place limit 1
    """
)
_DEFAULT = text("select code, name, name_en from store where is_default_landing and status = 'OPEN'")
_CHOOSE = text(
    """
    insert into store_choice (member_id, store_id, chosen_at) values (:member_id, :store_id, :now)
    on conflict (member_id) do update set store_id = excluded.store_id, chosen_at = excluded.chosen_at
    """
)
_ALLOW = text(
    """
    insert into landing_guest (member_id, store_id, actor, added_at) values (:member_id, :store_id, :actor, :now)
    on conflict (member_id) do update
        set store_id = excluded.store_id, actor = excluded.actor, added_at = excluded.added_at
    """
)
_DISALLOW = text(
    "delete from landing_guest where member_id in"
    " (select id from member where id = :member_id or alias_of = :member_id)"
)


def landing(
    reader: Session | Connection,
    *,
    member_id: int,
    scene: str | None = None,
    lat: float | None = None,
    lng: float | None = None,
    now: datetime,
) -> Landing:
    """Where a member lands (BND-12): store code, clerk material of the last two hours, allow-list, the service
    clerk's store, the store chosen last, the nearest open one, the online store.

    ``scene``: of the code that was just scanned, recorded as a touch or not. The place is used here and kept
    nowhere (CNS-3). Raises NotFound when no store is open at all.
    """
    terms = binding_terms.in_effect(reader, at=now)
    fresh_since = now - timedelta(minutes=terms.material_minutes)
    facts = {"member_id": member_id, "scene": scene, "now": now, "fresh_since": fresh_since}
    found: Any = reader.execute(_KNOWN, facts).first()
    if found is not None:
        return Landing(found.code, found.name, found.name_en, Because(found.because))
    if lat is not None and lng is not None:
        for _, page in closest(reader, lat=lat, lng=lng, limit=1, now=now):
            return Landing(page.code, page.name, page.name_en, Because.NEAREST)
    found = reader.execute(_DEFAULT).first()
    if found is None:
        raise NotFound("NOT_FOUND", "No store is open.")
    return Landing(found.code, found.name, found.name_en, Because.DEFAULT)


def choose_store(session: Session, *, member_id: int, store_code: str, now: datetime) -> None:
    """Remember the store a member chose. Refuses NotFound; STORE_CLOSED for one that is not open."""
    store = get_store(session, store_code)
    if store.status is not StoreStatus.OPEN:
        raise Conflict("STORE_CLOSED", "The store is not open.")
    session.execute(_CHOOSE, {"member_id": member_id, "store_id": store.id, "now": now})


def allow(
    session: Session, *, member_number: str, store_code: str | None, actor: str, why: str, now: datetime
) -> None:
    """Put a member on a store's allow-list, None = take the member off every list. Raises NotFound."""
    held = hold_number(session, member_number)
    if store_code is None:
        session.execute(_DISALLOW, {"member_id": held.id})
    else:
        store = get_store(session, store_code)
        facts = {"member_id": held.id, "store_id": store.id, "actor": actor, "now": now}
        session.execute(_ALLOW, facts)
    audit.note(
        session,
        actor=actor,
        action="landing.allow",
        subject=f"member:{held.number}",
        before=None,
        after={"store": store_code},
        why=why,
        at=now,
    )
