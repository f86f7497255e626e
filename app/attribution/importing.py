"""Bringing the brand's policy to what its files say: a new version if anything differs (POL-1)."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from psycopg.errors import ExclusionViolation
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.attribution.policies import Policy, Terms, activate, in_effect, most_specific
from app.attribution.rows import PolicyRow
from app.base.clock import start_of_day
from app.base.errors import Conflict
from app.base.upsert import Tally
from models.attribution import PolicyMode, PolicyScope

ACTOR = "import"

_ORPHANS = text(
    """
    select c.code, c.status, count(*) as members from service_binding b join clerk c on c.id = b.clerk_id
    where b.valid_to is null and c.status = 'LEFT' group by c.code, c.status
    union all
    select s.code, s.status, count(*) from service_binding b join store s on s.id = b.store_id
    where b.valid_to is null and s.status = 'CLOSED' group by s.code, s.status
    order by 1
    """
)


def load(session: Session, policy: PolicyRow, pools: Mapping[str, int], *, now: datetime) -> dict[str, Tally]:
    """Make the list's policy the one of the brand; the same policy again changes nothing.

    The first version begins on the list's day. A different one begins now, or on its day if that is yet to
    come: what was decided under a version stays (POL-2). Categories that ``pools`` does not name keep their
    rate. Refuses POLICY_SCHEDULED when a later version is waiting, and what ``policies.check`` refuses.
    """
    begins_at = start_of_day(policy.effective_from)
    present = _brand_policy(session, at=max(now, begins_at))
    terms = _terms(policy, {**(present.terms.pools if present else {}), **pools})
    if present is not None:
        said = (present.code, present.mode.value, present.terms)
        if said == (policy.code, policy.mode, terms):
            return {"policy": Tally(same=1)}
        begins_at = max(now, begins_at)
    try:
        activate(
            session,
            code=policy.code,
            scope=PolicyScope.BRAND,
            scope_ref=None,
            mode=PolicyMode(policy.mode),
            params=asdict(terms),
            effective_from=begins_at,
            created_by=ACTOR,
            approved_by=ACTOR,
            now=now,
        )
    except IntegrityError as error:
        if not isinstance(error.orig, ExclusionViolation):
            raise
        raise Conflict("POLICY_SCHEDULED", "A later version of the policy is approved already.") from error
    return {"policy": Tally(changed=1) if present else Tally(new=1)}


def refuse_orphans(session: Session) -> None:
    """Refuse HANDOVER_FIRST when members are bound to a clerk who has LEFT or a store that is CLOSED.

    They must be handed over before (BND-6, BND-9); a list cannot do that.
    """
    orphans = session.execute(_ORPHANS).all()
    if orphans:
        told = (f"{row.code} is {row.status} and still serves {row.members} members" for row in orphans)
        raise Conflict("HANDOVER_FIRST", f"{'; '.join(told)}. Hand them over first.")


def _brand_policy(session: Session, *, at: datetime) -> Policy | None:
    return most_specific(in_effect(session, entity="", ownership="", categories=(), at=at), "")


def _terms(policy: PolicyRow, pools: Mapping[str, int]) -> Terms:
    return Terms(
        weights={
            "ACQ_CLERK": policy.acq_clerk_bp,
            "ACQ_STORE": policy.acq_store_bp,
            "SVC_CLERK": policy.svc_clerk_bp,
            "SELL_CLERK": policy.sell_clerk_bp,
            "FULFIL_STORE": policy.fulfil_store_bp,
        },
        pools=dict(pools),
        missing=policy.missing,
        floor_discount_bp=policy.floor_discount_bp,
        max_share_bp=policy.max_share_bp,
        sell_window_days=policy.sell_window_days,
        aftersale_days=policy.aftersale_days,
        settle_delay_days=policy.settle_delay_days,
    )
