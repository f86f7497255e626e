"""Explain this customer: how a member came to the brand and who served since when, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.orm import Session

from app.base.errors import NotFound
from app.base.scope import Scope
from app.base.vault import Vault
from app.members.consents import agreed_sql
from models.members import Purpose

MOST_EVENTS = 500


@dataclass(frozen=True)
class Event:
    """One thing that happened. ``kind``: MET, TOUCH, ACQUISITION, BINDING, MERGE. What is not known is None.

    ``what`` is the kind of touch, acquisition, or the reason of a binding; ``hidden``: at another company's
    store, and the member has not agreed that a franchisee knows (CNS-2).
    """

    kind: str
    at: datetime
    until: datetime | None
    what: str | None
    valid: bool | None
    reason: str | None
    result: str | None
    clerk: str | None
    clerk_name: str | None
    store: str | None
    store_name: str | None
    actor: str | None
    why: str | None
    hidden: bool = False


@dataclass(frozen=True)
class Story:
    """A member with everything that happened, oldest first. ``left_out``: there was more than is told."""

    number: str
    phone_tail: str | None
    follows: bool
    customer_since: datetime | None
    events: list[Event]
    left_out: bool


_WHO = text(
    f"""
    select m.id, m.number, m.phone_sealed, m.customer_since,
           exists (select from identity i where i.member_id = m.id and i.app = 'OA' and i.followed) as follows,
           {agreed_sql("m.id", Purpose.SHARE_WITH_FRANCHISEE)} as shared
    from member asked join member m on m.id = coalesce(asked.alias_of, asked.id)
    where asked.number = :number
    """
)
# Where a member was brought, or was ever served: who is responsible there may ask.
_SEEN_AT = text(
    """
    select e.code as entity, s.code as store
    from (select store_id from service_binding where member_id = :id and valid_to is null
          union select store_id from acquisition where member_id = :id) at
    join store s on s.id = at.store_id join legal_entity e on e.id = s.entity_id
    """
)
_EVENTS = text(
    """
    with me as (select id from member where id = :id or alias_of = :id),
    told as (
        select 'MET' as kind, m.created_at as at, null::timestamptz as until, null as what, null::boolean as valid,
               null as reason, null as result, null::bigint as clerk_id, null::bigint as store_id, null as actor,
               null as why, 0 as rank, m.id as row_id
        from member m where m.id = :id
        union all
        select 'TOUCH', t.occurred_at, null, t.kind, t.valid, t.invalid_reason, t.result, t.clerk_id, t.store_id,
               null, null, 1, t.id
        from touch t where t.member_id in (select id from me)
        union all
        select 'ACQUISITION', a.acquired_at, null, a.kind, null, null, t.kind, a.clerk_id, a.store_id, null, null,
               2, a.touch_id
        from acquisition a join touch t on t.id = a.touch_id where a.member_id = :id
        union all
        select 'BINDING', b.valid_from, b.valid_to, b.reason, b.valid_to is null or b.valid_to > b.valid_from, null,
               null, b.clerk_id, b.store_id, b.actor,
               (select h.why from handover_move v join handover h on h.id = v.handover_id
                where v.member_id = b.member_id and v.to_binding_id = b.id limit 1), 3, b.id
        from service_binding b where b.member_id in (select id from me)
        union all
        select 'MERGE', g.merged_at, null, g.reason, null, null, l.number, null, null, null, null, 4, g.id
        from member_merge g join member l on l.id = g.loser_id where g.survivor_id = :id)
    select told.*, c.code as clerk, c.name as clerk_name, s.code as store, s.name as store_name,
           e.code as entity, e.kind as entity_kind
    from (select * from told order by at desc, rank desc, row_id desc limit :limit) told
    left join clerk c on c.id = told.clerk_id
    left join store s on s.id = told.store_id
    left join legal_entity e on e.id = s.entity_id
    order by told.at, told.rank, told.row_id
    """
)


def explain_customer(
    reader: Session | Connection, vault: Vault, *, member_number: str, scope: Scope
) -> Story:
    """The whole history of a member, in order. A number that became an alias tells of the one who goes on.

    Raises NotFound when ``scope`` covers neither where the member is served now nor where she was acquired. For
    a franchisee (a scope of one entity or store that is not head office's) what happened at other companies is
    told without names unless the member agreed to it (CNS-2); of a phone only its last four digits.
    """
    who = reader.execute(_WHO, {"number": member_number}).first()
    seen_at = reader.execute(_SEEN_AT, {"id": who.id}).all() if who else []
    mine = {place.entity for place in seen_at if scope.covers(entity=place.entity, store=place.store)}
    if who is None or not (scope.is_whole or mine):
        raise NotFound("NOT_FOUND", "No such member.")
    rows = reader.execute(_EVENTS, {"id": who.id, "limit": MOST_EVENTS + 1}).all()
    shown = rows[-MOST_EVENTS:]
    open_to_all = scope.is_whole or who.shared or _is_head_office(reader, mine)
    digits = vault.unseal("phone", who.phone_sealed) if who.phone_sealed else None
    return Story(
        number=who.number,
        phone_tail=digits[-4:] if digits else None,
        follows=who.follows,
        customer_since=who.customer_since,
        events=[
            _event(row, hide=not open_to_all and row.entity is not None and row.entity not in mine)
            for row in shown
        ],
        left_out=len(rows) > MOST_EVENTS,
    )


_HEAD_OFFICE = text("select 1 from legal_entity where kind = 'HQ' and code = any(:codes)")


def _is_head_office(reader: Session | Connection, entities: set[str]) -> bool:
    return reader.execute(_HEAD_OFFICE, {"codes": sorted(entities)}).first() is not None


def _event(row: Row[Any], *, hide: bool) -> Event:
    facts = row._asdict()
    names = ("clerk", "clerk_name", "store", "store_name", "actor", "why")
    told: dict[str, Any] = {name: None if hide else facts[name] for name in names}
    rest = ("kind", "at", "until", "what", "valid", "reason", "result")
    return Event(**{name: facts[name] for name in rest}, **told, hidden=hide)
