"""The fraud detectors (FRD-1): each a question on an index, its threshold a row; what calls becomes a finding."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.clock import local_day, start_of_day
from app.base.vault import Vault
from app.review import findings, rules
from app.review.findings import Suspicion
from app.review.rules import Item
from models.review import RiskRule

HOUR_S = 3600
# What a run looks at: a day, and another for a worker that stood still.
LOOK_BACK = timedelta(hours=49)

_THRESHOLDS = text(
    """
    select distinct on (rule) id, rule, params from risk_threshold
     where effective_from <= :now order by rule, effective_from desc
    """
)
_SCANS = text(
    """
    with recent as (
        select t.id, t.identity_id, t.member_id, t.clerk_id, t.occurred_at from touch t
         where t.occurred_at >= :since and t.kind in ('SUBSCRIBE_SCAN', 'SCAN', 'MP_SCENE')
           and t.clerk_id is not null and t.identity_id is not null)
    select recent.* from recent
      join (select identity_id from recent group by 1 having count(distinct clerk_id) > :clerks) x using (identity_id)
     order by identity_id, occurred_at, id
    """
)
_FANS = text(
    """
    select a.clerk_id, a.touch_id, a.acquired_at, a.member_id,
           coalesce(not i.followed and i.follow_changed_at >= a.acquired_at and i.follow_changed_at
                    < a.acquired_at + make_interval(hours => cast(:hours as int)), false) as left_at_once
      from acquisition a join touch t on t.id = a.touch_id left join identity i on i.id = t.identity_id
     where a.acquired_at >= :since and a.acquired_at < :until and a.clerk_id is not null
     order by a.clerk_id, a.acquired_at, a.member_id
    """
)
# Orders that the KPI book took in lately: paid, whatever way. The book is off the paying path, its index too.
_PAYERS = text(
    """
    select distinct p.payer_openid, c.id as clerk_id, o.id as order_id, o.paid_at,
           coalesce(m.alias_of, m.id) as member_id
      from kpi_sale k join orders o on o.id = k.order_id
      join payment p on p.order_id = o.id and p.state = 'SUCCESS'
      join member m on m.id = o.member_id
      join commission_share s on s.order_line_id = k.order_line_id and s.party_kind = 'CLERK'
      join clerk c on s.party = 'clerk:' || c.code
     where k.booked_at >= :since
     order by p.payer_openid, clerk_id, o.paid_at
    """
)
_REBINDS = text(
    """
    select distinct b.clerk_id, o.id as order_id, o.paid_at, o.amount_fen
      from kpi_sale k join orders o on o.id = k.order_id join member m on m.id = o.member_id
      join service_binding b on b.member_id = coalesce(m.alias_of, m.id)
       and b.valid_from <= o.created_at
       and b.valid_from > o.created_at - make_interval(mins => cast(:minutes as int))
     where k.booked_at >= :since and o.amount_fen > :amount_fen and b.clerk_id is not null and b.reason <> 'MERGE'
       and exists (select from service_binding e where e.member_id = b.member_id and e.valid_from < b.valid_from)
     order by b.clerk_id, order_id
    """
)
_REFUNDS = text(
    """
    with touched as (
        select distinct clerk_id from kpi_clerk_credit where refund_id is not null and day >= :lately)
    select k.clerk_id, k.order_id, min(k.day) as day, bool_or(k.refund_id is not null) as refunded
      from kpi_clerk_credit k join touched using (clerk_id)
     where k.day >= :since group by 1, 2 having bool_or(k.refund_id is null)
     order by 1, 2
    """
)


@dataclass(frozen=True, slots=True)
class _Threshold:
    """One rule's figures, with the row that says them."""

    id: int
    params: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom a rule looks at, everything seen of it, and what of some evidence calls (nothing = all is well)."""

    subject: str
    items: list[Item]
    calls: Callable[[Sequence[Item]], list[Item]]
    clerk_id: int | None = None
    member_id: int | None = None


def detect(session: Session, rule: RiskRule, *, vault: Vault, now: datetime) -> int:
    """Ask one rule about the last two days; answers how many findings are new.

    Evidence that served a finding before does not call again. While one of the same rule and subject is
    open, new evidence joins it. Safe to run at any time, however often, by several workers.
    """
    rows = session.execute(_THRESHOLDS, {"now": now}).all()
    threshold = next((_Threshold(row.id, row.params) for row in rows if row.rule == rule), None)
    if threshold is None:
        return 0
    made = 0
    for one in _QUESTIONS[rule](session, threshold.params, vault, now):
        calling = one.calls(findings.fresh(session, rule, one.subject, one.items))
        if not calling:
            continue
        figures = {"evidence": len(calling), "seen": len(one.items), "until": max(i.at for i in calling)}
        facts = {**figures, "since": min(i.at for i in calling), "apart": rules.distinct(calling)}
        suspicion = Suspicion(rule, one.subject, calling, facts, one.clerk_id, one.member_id)
        made += findings.report(session, suspicion, threshold_id=threshold.id, now=now) is not None
    return made


def _scans(session: Session, limit: dict[str, int], vault: Vault, now: datetime) -> Iterator[_Subject]:
    rows = session.execute(_SCANS, {"since": now - LOOK_BACK, "clerks": limit["clerks"]})
    fans: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        fans[row.identity_id].append(row)

    def calls(items: Sequence[Item]) -> list[Item]:
        stretch = rules.widest(items, limit["hours"] * HOUR_S)
        return stretch if rules.distinct(stretch) > limit["clerks"] else []

    for identity_id, seen in fans.items():
        items = [Item("TOUCH", row.id, row.occurred_at, of=row.clerk_id) for row in seen]
        yield _Subject(f"identity:{identity_id}", items, calls, member_id=seen[-1].member_id)


def _fans(session: Session, limit: dict[str, int], vault: Vault, now: datetime) -> Iterator[_Subject]:
    def calls(items: Sequence[Item]) -> list[Item]:
        hour = rules.densest(items, HOUR_S)
        if len(hour) > limit["per_hour"]:
            return hour
        days: defaultdict[Any, list[Item]] = defaultdict(list)
        for item in items:
            days[local_day(item.at)].append(item)
        return next((day for day in days.values() if len(day) > limit["per_day"]), [])

    since = start_of_day(local_day(now - LOOK_BACK))
    for clerk_id, items in _brought(session, since, now, hours=24).items():
        yield _Subject(f"clerk:{clerk_id}", items, calls, clerk_id=clerk_id)


def _unfollows(session: Session, limit: dict[str, int], vault: Vault, now: datetime) -> Iterator[_Subject]:
    def calls(items: Sequence[Item]) -> list[Item]:
        days: defaultdict[Any, list[Item]] = defaultdict(list)
        for item in items:
            days[local_day(item.at)].append(item)
        for day in days.values():
            left = sum(item.hit for item in day)
            if len(day) >= limit["least"] and rules.exceeds(left, len(day), limit["limit_bp"]):
                return day
        return []

    today = start_of_day(local_day(now))
    found = _brought(session, today - timedelta(days=3), today, hours=limit["hours"])
    for clerk_id, items in found.items():
        yield _Subject(f"clerk:{clerk_id}", items, calls, clerk_id=clerk_id)


def _payers(session: Session, limit: dict[str, int], vault: Vault, now: datetime) -> Iterator[_Subject]:
    def calls(items: Sequence[Item]) -> list[Item]:
        stretch = rules.widest(items, limit["hours"] * HOUR_S)
        return stretch if rules.distinct(stretch) >= limit["orders"] else []

    groups: defaultdict[tuple[str, int], list[Item]] = defaultdict(list)
    for row in session.execute(_PAYERS, {"since": now - LOOK_BACK}):
        groups[row.payer_openid, row.clerk_id].append(
            Item("ORDER", row.order_id, row.paid_at, of=row.member_id)
        )
    for (payer, clerk_id), items in groups.items():
        if rules.distinct(items) >= limit["orders"]:
            subject = f"payer:{vault.hash('risk payer', payer)[:32]}:{clerk_id}"
            yield _Subject(subject, items, calls, clerk_id=clerk_id)


def _rebinds(session: Session, limit: dict[str, int], vault: Vault, now: datetime) -> Iterator[_Subject]:
    clerks: defaultdict[int, list[Item]] = defaultdict(list)
    facts = {"since": now - LOOK_BACK, "minutes": limit["minutes"], "amount_fen": limit["amount_fen"]}
    for row in session.execute(_REBINDS, facts):
        clerks[row.clerk_id].append(Item("ORDER", row.order_id, row.paid_at, of=row.order_id))
    for clerk_id, items in clerks.items():
        yield _Subject(f"clerk:{clerk_id}", items, list, clerk_id=clerk_id)


def _refunds(session: Session, limit: dict[str, int], vault: Vault, now: datetime) -> Iterator[_Subject]:
    def calls(items: Sequence[Item]) -> list[Item]:
        refunded = sum(item.hit for item in items)
        many = len(items) >= limit["least"] and rules.exceeds(refunded, len(items), limit["limit_bp"])
        return list(items) if many else []

    today = local_day(now)
    facts = {"since": today - timedelta(days=limit["days"] - 1), "lately": today - timedelta(days=2)}
    clerks: defaultdict[int, list[Item]] = defaultdict(list)
    for row in session.execute(_REFUNDS, facts):
        item = Item("ORDER", row.order_id, start_of_day(row.day), of=row.order_id, hit=row.refunded)
        clerks[row.clerk_id].append(item)
    for clerk_id, items in clerks.items():
        yield _Subject(f"clerk:{clerk_id}", items, calls, clerk_id=clerk_id)


def _brought(session: Session, since: datetime, until: datetime, *, hours: int) -> dict[int, list[Item]]:
    clerks: defaultdict[int, list[Item]] = defaultdict(list)
    for row in session.execute(_FANS, {"since": since, "until": until, "hours": hours}):
        item = Item("TOUCH", row.touch_id, row.acquired_at, of=row.member_id, hit=row.left_at_once)
        clerks[row.clerk_id].append(item)
    return clerks


_QUESTIONS: dict[RiskRule, Callable[[Session, dict[str, int], Vault, datetime], Iterator[_Subject]]] = {
    RiskRule.SCANS: _scans,
    RiskRule.FANS: _fans,
    RiskRule.UNFOLLOWS: _unfollows,
    RiskRule.PAYER: _payers,
    RiskRule.REBIND: _rebinds,
    RiskRule.REFUNDS: _refunds,
}
