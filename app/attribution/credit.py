"""Credit: who earns on a sale, resolved when the order is placed and frozen on its lines (POL-2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.attribution.contacts import Contacts, find_contacts
from app.attribution.modes import reach
from app.attribution.rules import STRENGTH
from app.attribution.selling import by_evidence, by_mode, clerk_party, in_order, short
from app.base.clock import iso, local_day
from app.base.errors import Conflict
from app.policies.effect import IN_EFFECT_JSON, read
from app.policies.rules import ROLES, Policy, most_specific
from models.attribution import AcquisitionKind
from models.policies import PolicyMode
from models.stores import ClerkStatus, StoreStatus

# One statement for everything that may speak for somebody. Touches stay with the row they were recorded
# for, so those of aliases are read too. Of each kind only the latest can win (TCH-5), if it lies within the
# window of the policy. A clerk who was gone on the day of the order earns nothing on it (CLW-4).
_FACTS = text(
    f"""
    with root as (select coalesce(alias_of, id) as id from member where id = :member_id),
    me as (select id from root union all select m.id from member m join root on m.alias_of = root.id),
    told as (
        select distinct on (t.kind) 'TOUCH' as tag, t.id as touch_id, t.kind, t.occurred_at as at,
               t.received_at, t.clerk_id, t.store_id, null as why
        from touch t join clerk tc on tc.id = t.clerk_id
        where t.member_id in (select id from me) and t.valid and t.kind = any(:kinds)
          and t.occurred_at <= :at
          and case when tc.last_day is null then tc.status <> 'LEFT' else tc.last_day >= :day end
        order by t.kind, t.occurred_at desc, t.received_at desc, t.id desc),
    facts as (
        select * from told
        union all
        select 'ACQ', a.touch_id, t.kind, a.acquired_at, null, a.clerk_id, a.store_id, a.kind
        from acquisition a join root on root.id = a.member_id join touch t on t.id = a.touch_id
        where a.acquired_at <= :at
        union all
        select 'SVC', b.touch_id, t.kind, b.valid_from, null, b.clerk_id, b.store_id, b.reason
        from service_binding b join root on root.id = b.member_id left join touch t on t.id = b.touch_id
        where b.valid_from <= :at and (b.valid_to is null or b.valid_to > :at)
        union all
        select 'FULFIL', null, null, null, null, null, s.id, null from store s where s.code = :fulfil_store
        union all
        select 'SELF', null, null, null, null, null, null, null
        where exists (select 1 from clerk c where c.status <> 'LEFT' and c.member_id in (select id from me))
           or exists (select 1 from clerk c join member m on m.phone_hash = c.phone_hash
                      where c.status <> 'LEFT' and m.id = (select id from root))
        union all
        select 'HQ', null, null, null, null, null, null, e.code from legal_entity e where e.kind = 'HQ'
        union all
        select 'POLICIES', null, null, null, null, null, null, ({IN_EFFECT_JSON}))
    select f.tag, f.touch_id, f.kind, f.at, f.received_at, f.clerk_id, f.why,
           c.code as clerk_code, c.name as clerk_name, c.status as clerk_status, c.last_day,
           coalesce(cs.code, s.code) as store_code, coalesce(cs.name, s.name) as store_name,
           s.code as place_code, s.name as place_name, s.status as place_status,
           e.code as entity_code, e.name as entity_name, e.contract_ends_on
    from facts f
    left join clerk c on c.id = f.clerk_id
    left join store cs on cs.id = c.store_id
    left join store s on s.id = f.store_id
    left join legal_entity e on e.id = s.entity_id
    """
)


@dataclass
class _Facts:
    """What the statement found, sorted by what it speaks for."""

    acquired: Row[Any] | None = None
    served: Row[Any] | None = None
    fulfils: Row[Any] | None = None
    hq: str = ""
    policies: tuple[Policy, ...] = ()
    is_self: bool = False
    touches: dict[int, Row[Any]] = field(default_factory=dict)


def resolve(
    session: Session,
    *,
    member_id: int | None,
    categories: set[str],
    selling_entity: str,
    selling_ownership: str,
    fulfil_store: str | None,
    at: datetime,
) -> dict[str, dict[str, Any]]:
    """The credit snapshot of each category in an order placed ``at`` (POL-2); one statement,
    and a second one only under a mode that follows touches.

    Only what had happened by ``at`` counts, under the version in effect ``at``. ``fulfil_store`` is the
    code of the store that hands over, None when a warehouse ships; ``member_id`` None when nobody knows who
    bought. A snapshot names direct parties of this
    order and nobody above them (POL-5); on a self-purchase no personal role (SPL-9). Refuses NO_POLICY
    when no policy is in effect.
    """
    given = {
        "member_id": member_id,
        "fulfil_store": fulfil_store,
        "entity": selling_entity,
        "ownership": selling_ownership,
        "categories": sorted(categories),
    }
    facts = _find(session, given, at)
    chosen: dict[str, Policy] = {}
    for category in categories:
        policy = most_specific(facts.policies, category)
        if policy is None:
            raise Conflict("NO_POLICY", f"No policy is in effect for {category}.")
        chosen[category] = policy
    parties = _parties_of_each(session, member_id, list(chosen.values()), facts, at)
    return {
        category: _snapshot(policy, category, facts, parties[policy.code], at)
        for category, policy in chosen.items()
    }


def _parties_of_each(
    session: Session, member_id: int | None, policies: Sequence[Policy], facts: _Facts, at: datetime
) -> dict[str, list[dict[str, Any]]]:
    # Nearly always all categories have one policy, and with it the same parties.
    known = _known(facts, local_day(at))
    found: dict[str, list[dict[str, Any]]] = {}
    for policy in policies:
        if policy.code in found:
            continue
        if facts.is_self:
            sold = []  # SPL-9: whoever sold to a clerk
        elif policy.mode is PolicyMode.ROLE_SPLIT:
            days = policy.terms.sell_window_days
            bound = next((party for party in known if party["role"] == "SVC_CLERK"), None)
            best = by_evidence(facts.touches.values(), bound, at=at, window_days=days)
            sold = [best] if best else []
        else:
            sold = _followed(session, member_id, policy, known, at)
        found[policy.code] = in_order([*known, *sold])
    return found


def _followed(
    session: Session, member_id: int | None, policy: Policy, known: list[dict[str, Any]], at: datetime
) -> list[dict[str, Any]]:
    # Only these modes ask a second question: all touches of the member, not the latest of each kind.
    contacts = Contacts()
    if member_id is not None and policy.mode is not PolicyMode.FIRST_TOUCH_LIFETIME:
        since = reach(policy.mode, policy.terms, at)
        contacts = find_contacts(session, member_id=member_id, since=since, at=at)
    return by_mode(policy.mode, policy.terms, known, contacts.touches, contacts.bought, at=at)


def _find(session: Session, given: dict[str, Any], at: datetime) -> _Facts:
    moment = {"kinds": [kind.value for kind in STRENGTH], "at": at, "day": local_day(at)}
    return _sorted(session.execute(_FACTS, {**given, **moment}).all())


def _sorted(rows: Sequence[Row[Any]]) -> _Facts:
    facts = _Facts()
    for row in rows:
        match row.tag:
            case "TOUCH":
                facts.touches[row.touch_id] = row
            case "ACQ":
                facts.acquired = row
            case "SVC":
                facts.served = row
            case "FULFIL":
                facts.fulfils = row
            case "SELF":
                facts.is_self = True
            case "HQ":
                facts.hq = f"entity:{row.why}"
            case "POLICIES":
                facts.policies = read(row.why)
    return facts


def _snapshot(
    policy: Policy, category: str, facts: _Facts, parties: list[dict[str, Any]], at: datetime
) -> dict[str, Any]:
    terms = policy.terms
    return {
        "policy": policy.code,
        "version": policy.version,
        "mode": policy.mode.value,
        "weights": {role: terms.weights.get(role, 0) for role in ROLES},
        "missing": terms.missing,
        "hq": facts.hq,
        "pool_bp": terms.pool_bp(category),
        "platform_fee_bp": terms.platform_fee_bp,
        "floor_discount_bp": terms.floor_discount_bp,
        "aftersale_days": terms.aftersale_days,
        "settle_delay_days": terms.settle_delay_days,
        "defect_protect": terms.defect_protect,
        "parties": parties,
        "self_purchase": facts.is_self,
        "resolved_at": iso(at),
    }


def _known(facts: _Facts, day: date) -> list[dict[str, Any]]:
    """The parties of every role but SELL_CLERK, in the order of roles; who acquired earns whenever and wherever
    the order is (BND-3)."""
    acquired = facts.acquired
    if acquired is not None and acquired.why != AcquisitionKind.ACQUISITION:
        acquired = None  # BND-1: a returning customer earns nobody an acquisition share
    found = [
        _acquiring_clerk(acquired, day),
        _store_pool(acquired, "ACQ_STORE", "ACQUIRED_AT_STORE", day),
        _serving_clerk(facts.served, day),
        _place(facts.fulfils, "FULFIL_STORE", "FULFILS"),
    ]
    personal = ("ACQ_CLERK", "SVC_CLERK")
    return [p for p in found if p is not None and not (facts.is_self and p["role"] in personal)]


def _acquiring_clerk(row: Row[Any] | None, day: date) -> dict[str, Any] | None:
    if row is None or row.clerk_code is None:
        return None
    if _gone(row, day):
        # CLW-4: what a clerk who left would have earned goes to the pool of the store of the acquisition.
        return _store_pool(row, "ACQ_CLERK", "ACQUIRING_CLERK_LEFT", day)
    return clerk_party(row, "ACQ_CLERK", f"ACQUIRED_{short(row.kind)}")


def _serving_clerk(row: Row[Any] | None, day: date) -> dict[str, Any] | None:
    if row is None or row.clerk_code is None or _gone(row, day):
        return None
    party = clerk_party(row, "SVC_CLERK", f"SERVES_{row.why}")
    return {name: value for name, value in party.items() if name != "touch_kind"}


def _store_pool(row: Row[Any] | None, role: str, because: str, day: date) -> dict[str, Any] | None:
    if row is None:
        return None
    party = _place(row, role, because)
    if party is not None and row.place_status == StoreStatus.CLOSED:
        # BND-9: after a store is closed its acquisitions earn for the company that ran it, as long as its
        # contract lasts; then for nobody, which is head office (SPL-5).
        if row.contract_ends_on is not None and row.contract_ends_on < day:
            return None
        party |= {"kind": "ENTITY", "party": f"entity:{row.entity_code}", "name": row.entity_name}
    return party


def _place(row: Row[Any] | None, role: str, because: str) -> dict[str, Any] | None:
    if row is None:
        return None
    party = {
        "role": role,
        "kind": "STORE",
        "party": f"store:{row.place_code}",
        "name": row.place_name,
        "store": row.place_code,
        "store_name": row.place_name,
        "because": because,
    }
    if row.touch_id is not None:
        party |= {"touch": row.touch_id, "touch_kind": row.kind, "at": iso(row.at)}
    return party


def _gone(row: Row[Any], day: date) -> bool:
    if row.last_day is not None:
        return bool(row.last_day < day)
    return bool(row.clerk_status == ClerkStatus.LEFT)
