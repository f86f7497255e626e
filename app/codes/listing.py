"""Codes as they are listed, and what each has brought: touches, customers, orders, net sales.

Reads the tables of rooms below; a report of its own would only be a copy that goes stale.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.scope import Scope

_WHERE = """
    q.id < :before and (cast(:entity as text) is null or e.code = :entity)
      and (cast(:store as text) is null or s.code = :store)
      and (cast(:kind as text) is null or q.kind = :kind)
      and (cast(:clerk_id as bigint) is null or q.clerk_id = :clerk_id)
      and (cast(:campaign as text) is null or g.code = :campaign)
      and q.recycled_at is null
    """
# Orders count for the code that acquired their member (BND-1), from the acquisition on.
_PAGE = text(
    f"""
    with shown as materialized (
        select q.id, q.scene, q.kind, q.url is not null or q.image is not null as is_made, q.label, q.created_at,
               q.expires_at, q.ticket_expires_at, q.revoked_at, q.revoke_reason, s.code as store, c.code as clerk,
               g.code as campaign
        from qr_code q join store s on s.id = q.store_id join legal_entity e on e.id = s.entity_id
        left join clerk c on c.id = q.clerk_id left join campaign g on g.id = q.campaign_id
        where {_WHERE} order by q.id desc limit :limit)
    select shown.id as row_id, shown.scene, shown.kind, shown.is_made, shown.label, shown.created_at,
           shown.expires_at, shown.ticket_expires_at, shown.revoked_at, shown.revoke_reason, shown.store,
           shown.clerk, shown.campaign, t.touches, t.valid, t.acquired, o.orders, o.net_fen
    from shown
    cross join lateral (
        select count(*) as touches, count(*) filter (where t.valid) as valid, count(a.member_id) as acquired
        from touch t left join acquisition a on a.touch_id = t.id
        where t.qr_code_id = shown.id and t.occurred_at >= :since and t.occurred_at < :until) t
    cross join lateral (
        select count(*) as orders, coalesce(sum(o.paid_fen - o.refunded_fen), 0)::bigint as net_fen
        from touch t join acquisition a on a.touch_id = t.id join orders o on o.member_id = a.member_id
        where t.qr_code_id = shown.id and o.paid_at is not null and o.created_at >= a.acquired_at
          and o.created_at >= :since and o.created_at < :until) o
    order by shown.id desc
    """
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which codes, and for which time their figures are counted."""

    since: datetime
    until: datetime
    kind: str | None = None
    campaign: str | None = None
    clerk_id: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A code with its figures: ``acquired`` members, and the orders these placed since, net of refunds."""

    row_id: int
    scene: str
    kind: str
    is_made: bool
    label: str | None
    created_at: datetime
    expires_at: datetime | None
    ticket_expires_at: datetime | None
    revoked_at: datetime | None
    revoke_reason: str | None
    store: str
    clerk: str | None
    campaign: str | None
    touches: int
    valid: int
    acquired: int
    orders: int
    net_fen: int


def page(
    session: Session | Connection, asked: Asked, *, scope: Scope, before: int, limit: int
) -> list[Listed]:
    """Codes in sight, youngest first, older than row ``before``, each with what it brought in the asked time."""
    facts = {
        "entity": scope.entity,
        "store": scope.store,
        "kind": asked.kind,
        "campaign": asked.campaign,
        "clerk_id": asked.clerk_id,
        "since": asked.since,
        "until": asked.until,
        "before": before,
        "limit": limit,
    }
    return [Listed(**row._mapping) for row in session.execute(_PAGE, facts)]
