"""Bringing the brand's policy to what its files say: a new version if anything differs (POL-1)."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.clock import start_of_day
from app.base.upsert import Tally
from app.policies.approving import install
from app.policies.effect import in_effect
from app.policies.rows import PolicyRow
from app.policies.rules import Policy, Terms, most_specific
from models.policies import PolicyMode, PolicyScope

ACTOR = "import"

_BY = text("select created_by from attribution_policy where code = :code and version = :version")


def load(session: Session, policy: PolicyRow, pools: Mapping[str, int], *, now: datetime) -> dict[str, Tally]:
    """Make the list's policy the one of the brand; the same policy again changes nothing.

    The first version begins on the list's day. A different one begins now, or on its day if that is yet to
    come: what was decided under a version stays (POL-2). Categories that ``pools`` does not name keep their
    rate. What two persons have decided since is not undone by a list: it stays. Refuses POLICY_SCHEDULED
    when a later version is waiting, and what ``check`` refuses.
    """
    begins_at = start_of_day(policy.effective_from)
    mode = PolicyMode(policy.mode)
    present = _brand_policy(session, at=max(now, begins_at))
    terms = _terms(policy, {**(present.terms.pools if present else {}), **pools})
    if present is not None:
        said = (present.code, present.mode, present.terms.content(mode))
        if said == (policy.code, mode, terms.content(mode)) or not _is_ours(session, present):
            return {"policy": Tally(same=1)}
        begins_at = max(now, begins_at)
    install(
        session,
        code=policy.code,
        scope=PolicyScope.BRAND,
        scope_ref=None,
        mode=mode,
        params=terms.content(mode),
        effective_from=begins_at,
        by=ACTOR,
        now=now,
    )
    return {"policy": Tally(changed=1) if present else Tally(new=1)}


def _brand_policy(session: Session, *, at: datetime) -> Policy | None:
    return most_specific(in_effect(session, entity="", ownership="", categories=(), at=at), "")


def _is_ours(session: Session, policy: Policy) -> bool:
    by = session.execute(_BY, {"code": policy.code, "version": policy.version}).scalar_one()
    return bool(by == ACTOR)


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
        platform_fee_bp=policy.platform_fee_bp,
        max_share_bp=policy.max_share_bp,
        sell_window_days=policy.sell_window_days,
        aftersale_days=policy.aftersale_days,
        settle_delay_days=policy.settle_delay_days,
    )
