"""The weights of the KPI book (KPI-1): data with a moment of effect. What was booked keeps its version."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base import audit
from app.base.clock import iso
from app.base.errors import Invalid
from app.kpi.rules import WHOLE_BP, Weights
from models.kpi import Scenario

_ADD = text(
    """
    insert into kpi_weight (scenario, effective_from, online_bp, sell_bp, acq_bp, fulfil_bp, created_by)
    values (:scenario, :effective_from, :online_bp, :sell_bp, :acq_bp, :fulfil_bp, :by)
    on conflict (scenario, effective_from) do nothing returning id
    """
)
_IN_EFFECT = text(
    """
    select distinct on (scenario) scenario, online_bp, sell_bp, acq_bp, fulfil_bp from kpi_weight
     where effective_from <= :at order by scenario, effective_from desc
    """
)


def announce(
    session: Session,
    scenario: Scenario,
    weights: Weights,
    *,
    effective_from: datetime,
    by: str,
    why: str,
    now: datetime,
) -> None:
    """Let other weights hold for orders placed from a coming moment on.

    Refuses (Invalid) weights that are negative or do not sum to 10000, a moment that is not ahead, and a
    second version for the same moment: what is announced is never changed, only followed by another.
    """
    parts = weights.by_role().values()
    if min(parts) < 0 or sum(parts) != WHOLE_BP:
        raise Invalid("The weights of a scenario sum to 10000.", fields={"weights": "must sum to 10000"})
    if effective_from <= now:
        raise Invalid("Weights change ahead of time only.", fields={"effective_from": "must lie ahead"})
    facts = {
        "scenario": scenario.value,
        "effective_from": effective_from,
        "online_bp": weights.online_bp,
        "sell_bp": weights.sell_bp,
        "acq_bp": weights.acq_bp,
        "fulfil_bp": weights.fulfil_bp,
        "by": by,
    }
    if session.execute(_ADD, facts).first() is None:
        raise Invalid("There is a version for that moment.", fields={"effective_from": "is taken"})
    before = in_effect(session, at=now).get(scenario)
    audit.note(
        session,
        actor=by,
        action="kpi.announce",
        subject=f"kpi:{scenario.value}",
        before=asdict(before) if before else None,
        after=asdict(weights) | {"effective_from": iso(effective_from)},
        why=why,
        at=now,
    )


def in_effect(reader: Session | Connection, *, at: datetime) -> dict[Scenario, Weights]:
    """The weights of every scenario for orders placed ``at``."""
    rows = reader.execute(_IN_EFFECT, {"at": at})
    return {
        Scenario(row.scenario): Weights(row.online_bp, row.sell_bp, row.acq_bp, row.fulfil_bp) for row in rows
    }
