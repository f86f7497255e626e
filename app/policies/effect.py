"""Which policies are in effect at a moment (POL-1, POL-2)."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.policies.rules import Policy, Terms
from models.policies import PolicyMode, PolicyScope

_IN_EFFECT = """
    from attribution_policy p
    where p.approved_at is not null and p.withdrawn_at is null and p.effective_from <= :at
      and (p.effective_to is null or p.effective_to > :at)
      and (p.scope = 'BRAND'
           or (p.scope = 'ENTITY' and p.scope_ref = :entity)
           or (p.scope = 'STORE_TYPE' and p.scope_ref = :ownership)
           or (p.scope = 'CATEGORY' and p.scope_ref = any(:categories)))
    """
# The policies that can apply to a sale of ``:categories`` by ``:entity``, a store of ``:ownership``, at ``:at``
# (POL-1, POL-2), as one JSON text for ``read``: so another statement can bring them along.
IN_EFFECT_JSON = (
    "select coalesce(json_agg(json_build_array(p.code, p.version, p.scope, p.scope_ref, p.mode, p.params)), '[]')"
    f"::text {_IN_EFFECT}"
)
_ALONE = text(IN_EFFECT_JSON)


@lru_cache(64)
def read(in_effect: str) -> tuple[Policy, ...]:
    """The policies in an answer of ``IN_EFFECT_JSON``. Order after order reads the same few."""
    return tuple(
        Policy(code, version, PolicyScope(scope), scope_ref, PolicyMode(mode), Terms(**params))
        for code, version, scope, scope_ref, mode, params in orjson.loads(in_effect)
    )


def in_effect(
    session: Session | Connection, *, entity: str, ownership: str, categories: Iterable[str], at: datetime
) -> tuple[Policy, ...]:
    """The policies that can apply to a sale at a moment, of every scope (POL-1, POL-2)."""
    facts = {"entity": entity, "ownership": ownership, "categories": sorted(categories), "at": at}
    return read(session.execute(_ALONE, facts).scalar_one())
