"""Touches: one contact as evidence, judged once and never changed (TCH-1..4, TCH-6, BND-4)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.attribution import binding, binding_terms
from app.attribution.rules import SERVES, Acquired, Decision, Reason, Serving, Shown, Spans, decide
from app.base import queue
from models.attribution import TouchKind, TouchResult
from models.stores import ClerkStatus, StoreStatus


@dataclass(frozen=True)
class NewTouch:
    """A contact to record. It points to somebody by ``scene`` (a code) or by ``clerk_id`` or ``store_id``.

    ``raw_key`` makes a repeat harmless (TCH-2). ``received_at`` is when we took it in; None = now, by the
    database's clock, in the order in which the touches of one member stand in line.
    """

    member_id: int
    identity_id: int | None
    kind: TouchKind
    occurred_at: datetime
    raw_key: str
    scene: str | None = None
    clerk_id: int | None = None
    store_id: int | None = None
    received_at: datetime | None = None


@dataclass(frozen=True)
class Recorded:
    """What became of a touch, and who serves the member from now on (None = nobody yet)."""

    touch_id: int
    result: TouchResult
    valid: bool
    reason: Reason | None
    member_id: int
    clerk_code: str | None
    clerk_name: str | None
    store_code: str | None
    store_name: str | None
    service_clerk_code: str | None
    service_clerk_name: str | None
    service_store_code: str | None
    service_store_name: str | None


# Findings belong to a room above; a copy of their state here could only go stale (TCH-3: no fraud hold).
# Signs of activity (BND-4) are looked up only when somebody else's clerk is met: CASE evaluates no more.
_LOOK = text(
    f"""
    select clock_timestamp() as clock, m.customer_since,
           q.id as code_id, q.expires_at,
           -- TCH-3: withdrawn because its clerk left, a code is dead for the person and alive for the store.
           case when q.revoke_reason = 'CLERK_LEFT' and c.status = 'LEFT' then null else q.revoked_at end
               as revoked_at,
           c.id as clerk_id, c.code as clerk_code, c.name as clerk_name, c.status as clerk_status,
           c.member_id as clerk_member_id, coalesce(coalesce(cm.alias_of, cm.id) = m.id, false) as is_self,
           exists (select from risk_finding f where f.state = 'OPEN' and (
               (f.clerk_id = c.id and f.rule in ('FANS', 'UNFOLLOWS')) or (f.member_id = m.id and f.rule = 'SCANS')))
               as is_held,
           s.id as store_id, s.code as store_code, s.name as store_name, s.status as store_status,
           a.clerk_id as acquired_clerk_id, a.store_id as acquired_store_id,
           first.occurred_at as acquired_occurred_at, first.received_at as acquired_received_at,
           sc.code as service_clerk_code, sc.name as service_clerk_name,
           ss.code as service_store_code, ss.name as service_store_name,
           old.id as old_id, old.result as old_result, old.valid as old_valid,
           old.invalid_reason as old_reason,
           b.id as binding_id, b.clerk_id as serving_clerk_id, b.valid_from as serving_since,
           b.touch_id = a.touch_id as came_with_acquisition, ({binding_terms.IN_EFFECT_JSON}) as terms,
           case when c.id <> b.clerk_id then (
               select max(t.occurred_at) from touch t
               where t.member_id in (select id from member where id = m.id or alias_of = m.id)
                 and t.clerk_id = b.clerk_id and t.valid and t.kind = any(:serves)
                 and t.occurred_at <= :at) end as served_at,
           case when c.id <> b.clerk_id then (
               select json_object_agg(category_code, paid_at)::text from (
                   select l.category_code, max(o.paid_at) as paid_at
                   from orders o join order_line l on l.order_id = o.id
                   where o.member_id in (select id from member where id = m.id or alias_of = m.id)
                     and o.paid_at <= :at
                   group by 1) bought) end as bought_at
    from member m
    left join touch old on old.raw_key = :raw_key
    left join qr_code q on q.scene = cast(:scene as text)
    left join clerk c on c.id = coalesce(q.clerk_id, cast(:clerk_id as bigint))
    left join member cm on cm.id = c.member_id
    left join store s on s.id = coalesce(c.store_id, q.store_id, cast(:store_id as bigint))
    left join acquisition a on a.member_id = m.id
    left join touch first on first.id = a.touch_id
    left join service_binding b on b.member_id = m.id and b.valid_to is null
    left join clerk sc on sc.id = b.clerk_id
    left join store ss on ss.id = b.store_id
    where m.id = :member_id
    """
)


def record(session: Session, touch: NewTouch) -> Recorded:
    """Store a touch and write what follows from it: acquisition and service binding (BND-1, BND-2, BND-4).

    The member must have been met in this transaction (``members.meeting``), which holds the member's row:
    two touches of one member are judged one after the other (TCH-4). The same ``raw_key`` again answers
    the first result and changes nothing (TCH-2). Defers ``tell_clerk`` when a clerk we can write to has a
    new customer.
    """
    row = session.execute(
        _LOOK,
        {
            "member_id": touch.member_id,
            "raw_key": touch.raw_key,
            "scene": touch.scene,
            "clerk_id": touch.clerk_id,
            "store_id": touch.store_id,
            "at": touch.occurred_at,
            "serves": [kind.value for kind in SERVES],
        },
    ).one()
    if row.old_id is not None:
        old_reason = Reason(row.old_reason) if row.old_reason else None
        old = Decision(row.old_valid, old_reason, TouchResult(row.old_result), None, None)
        return _recorded(row, touch, row.old_id, old, is_repeat=True)
    received_at = touch.received_at or row.clock
    decision = decide(
        touch.kind,
        _shown(row),
        _acquired(row),
        row.customer_since,
        occurred_at=touch.occurred_at,
        received_at=received_at,
        serving=_serving(row),
        spans=_spans(row.terms),
    )
    touch_id = binding.write(session, _facts(touch, decision, row.code_id, received_at), decision)
    brings = decision.acquires is not None or decision.rebinds
    if brings and decision.clerk_id is not None and row.clerk_member_id is not None:
        queue.defer(session, "tell_clerk", clerk_id=decision.clerk_id, touch_id=touch_id)
    return _recorded(row, touch, touch_id, decision)


def _facts(
    touch: NewTouch, decision: Decision, code_id: int | None, received_at: datetime
) -> dict[str, object]:
    return {
        "member_id": touch.member_id,
        "identity_id": touch.identity_id,
        "kind": touch.kind.value,
        "clerk_id": decision.clerk_id,
        "store_id": decision.store_id,
        "qr_code_id": code_id,
        "occurred_at": touch.occurred_at,
        "received_at": received_at,
        "raw_key": touch.raw_key,
        "valid": decision.valid,
        "invalid_reason": decision.reason.value if decision.reason else None,
        "result": decision.result.value,
    }


def _shown(row: Row[Any]) -> Shown:
    return Shown(
        store_id=row.store_id,
        store_status=StoreStatus(row.store_status) if row.store_status else None,
        clerk_id=row.clerk_id,
        clerk_status=ClerkStatus(row.clerk_status) if row.clerk_status else None,
        is_self=row.is_self,
        is_held=row.is_held,
        revoked_at=row.revoked_at,
        expires_at=row.expires_at,
    )


def _acquired(row: Row[Any]) -> Acquired | None:
    if row.acquired_store_id is None:
        return None
    return Acquired(
        row.acquired_clerk_id, row.acquired_store_id, row.acquired_occurred_at, row.acquired_received_at
    )


def _serving(row: Row[Any]) -> Serving | None:
    if row.binding_id is None:
        return None
    bought = orjson.loads(row.bought_at) if row.bought_at else {}
    bought_at = {category: datetime.fromisoformat(at) for category, at in bought.items()}
    return Serving(row.serving_clerk_id, row.serving_since, row.served_at, bought_at)


def _spans(in_effect: str | None) -> Spans:
    terms = binding_terms.read(in_effect)
    return Spans(terms.protect_days, terms.inactive_days, terms.inactive_by_category)


def _recorded(
    row: Row[Any], touch: NewTouch, touch_id: int, decision: Decision, *, is_repeat: bool = False
) -> Recorded:
    counts = decision.valid and decision.reason is None
    clerk = (row.clerk_code, row.clerk_name) if counts else (None, None)
    # Of a repeat, what the tables say now is what the first one wrote.
    begins = not is_repeat and _begins(row, decision)
    serves = clerk if begins else (row.service_clerk_code, row.service_clerk_name)
    return Recorded(
        touch_id=touch_id,
        result=decision.result,
        valid=decision.valid,
        reason=decision.reason,
        member_id=touch.member_id,
        clerk_code=clerk[0],
        clerk_name=clerk[1],
        store_code=row.store_code,
        store_name=row.store_name,
        service_clerk_code=serves[0],
        service_clerk_name=serves[1],
        service_store_code=row.store_code if begins else row.service_store_code,
        service_store_name=row.store_name if begins else row.service_store_name,
    )


def _begins(row: Row[Any], decision: Decision) -> bool:
    if decision.rebinds:
        return True
    if decision.acquires is None:
        return False
    return row.binding_id is None or bool(decision.replaces and row.came_with_acquisition)
