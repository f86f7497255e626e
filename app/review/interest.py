"""Whether somebody may judge: not a side, not a side's store or company, not who raised it (DSP-1, FRD-2)."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.errors import Forbidden
from app.base.scope import Scope

# A party with the store and company behind it: a clerk's are those of the clerk's store.
_BEHIND = text(
    """
    select p.party, coalesce(s.code, cs.code) as store, coalesce(e.code, se.code, ce.code) as entity
      from unnest(cast(:parties as text[])) as p (party)
      left join clerk c on p.party = 'clerk:' || c.code
      left join store cs on cs.id = c.store_id left join legal_entity ce on ce.id = cs.entity_id
      left join store s on p.party = 'store:' || s.code left join legal_entity se on se.id = s.entity_id
      left join legal_entity e on p.party = 'entity:' || e.code
    """
)


@dataclass(frozen=True, slots=True)
class Judge:
    """Who decides: the actor's name as in the audit log, and the scope he or she works in."""

    actor: str
    scope: Scope


def refuse_interested(
    session: Session, judge: Judge, *, parties: Collection[str], raised_by: Collection[str] = ()
) -> None:
    """Refuses (Forbidden INTERESTED) who stands on a side of the rows, works for one, or raised the matter.

    Whoever works for head office as a whole judges between its stores: somebody must.
    """
    told = judge.actor in raised_by or judge.actor in parties
    if not judge.scope.is_whole:
        rows = session.execute(_BEHIND, {"parties": sorted(parties)})
        told = told or any(
            judge.scope.covers(entity=row.entity or "", store=row.store) or judge.scope.entity == row.entity
            for row in rows
        )
    if told:
        raise Forbidden("INTERESTED", "Somebody without an interest in the rows must decide this.")
