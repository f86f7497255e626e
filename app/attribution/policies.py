"""Policies: versions of the rules of earning, each with its time of effect (POL-1, POL-5, SPL-7).

``params`` of a policy row, written and read here only:
``{"weights": {"ACQ_CLERK": 3000, ...}, "missing": "HQ", "pools": {"apparel": 500, ...}, "default_pool_bp": 0,
"floor_discount_bp": 5000, "max_share_bp": 3000, "sell_window_days": 15, "aftersale_days": 7,
"settle_delay_days": 3}``
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.base.errors import Invalid
from models.attribution import PolicyMode, PolicyScope

ROLES = ("ACQ_CLERK", "ACQ_STORE", "SVC_CLERK", "SELL_CLERK", "FULFIL_STORE")
WHOLE_BP = 10000
# WeChat's own default limit of profit sharing; nothing above it can be activated (SPL-7).
HIGHEST_SHARE_BP = 3000
LONGEST_DAYS = 3650
# POL-5: nobody earns for being above somebody. Such a word in a parameter's name is refused.
TREE_WORDS = ("level", "downline", "upline", "referrer", "depth")

# POL-1: the first of these that has a policy decides.
MOST_SPECIFIC_FIRST = (PolicyScope.CATEGORY, PolicyScope.STORE_TYPE, PolicyScope.ENTITY, PolicyScope.BRAND)


@dataclass(frozen=True)
class Terms:
    """What a ROLE_SPLIT policy says. Weights and rates in basis points, windows in days."""

    weights: dict[str, int]
    pools: dict[str, int]
    missing: str = "HQ"
    default_pool_bp: int = 0
    floor_discount_bp: int = 5000
    max_share_bp: int = HIGHEST_SHARE_BP
    sell_window_days: int = 15
    aftersale_days: int = 7
    settle_delay_days: int = 3

    def pool_bp(self, category: str) -> int:
        """The pool rate of a category (SPL-3)."""
        return self.pools.get(category, self.default_pool_bp)


@dataclass(frozen=True)
class Policy:
    """One version in effect."""

    code: str
    version: int
    scope: PolicyScope
    scope_ref: str | None
    mode: PolicyMode
    terms: Terms


_IN_EFFECT = """
    from attribution_policy p
    where p.approved_at is not null and p.effective_from <= :at
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
_LOCK = text("select pg_advisory_xact_lock(hashtextextended('policy ' || :code, 0))")
_LATEST = text(
    """
    select version, scope, scope_ref, mode, params, effective_from from attribution_policy
    where code = :code and approved_at is not null order by version desc limit 1
    """
)
_END = text(
    """
    update attribution_policy set effective_to = :effective_from
    where scope = :scope and scope_ref is not distinct from cast(:scope_ref as text)
      and approved_at is not null and effective_from < :effective_from
      and (effective_to is null or effective_to > :effective_from)
    """
)
_INSERT = text(
    """
    insert into attribution_policy (code, version, scope, scope_ref, mode, params, effective_from,
                                    created_by, approved_by, approved_at, created_at)
    values (:code, :version, :scope, :scope_ref, :mode, cast(:params as jsonb), :effective_from,
            :created_by, :approved_by, :now, :now)
    """
)


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


def most_specific(policies: Iterable[Policy], category: str) -> Policy | None:
    """The policy that decides for a category: category, else store type, else entity, else brand (POL-1)."""
    by_scope = {
        policy.scope: policy
        for policy in policies
        if policy.scope is not PolicyScope.CATEGORY or policy.scope_ref == category
    }
    return next((by_scope[scope] for scope in MOST_SPECIFIC_FIRST if scope in by_scope), None)


def activate(
    session: Session,
    *,
    code: str,
    scope: PolicyScope,
    scope_ref: str | None,
    mode: PolicyMode,
    params: Mapping[str, Any],
    effective_from: datetime,
    created_by: str,
    approved_by: str,
    now: datetime,
) -> int:
    """Put a new version in effect and end the one before it at the same moment; answers the version.

    The same content as the newest version answers that version and writes nothing. Refuses what
    ``check`` refuses. No two versions of a scope overlap: the database refuses it.
    """
    if mode is not PolicyMode.ROLE_SPLIT:
        raise Invalid("This mode cannot be activated yet.", fields={"mode": "only ROLE_SPLIT"})
    content = asdict(check(params))
    session.execute(_LOCK, {"code": code})
    latest = session.execute(_LATEST, {"code": code}).first()
    said = (scope.value, scope_ref, mode.value, content, effective_from)
    if latest is not None:
        written = (latest.scope, latest.scope_ref, latest.mode, latest.params, latest.effective_from)
        if written == said:
            return int(latest.version)
    version = int(latest.version) + 1 if latest is not None else 1
    facts = {
        "code": code,
        "version": version,
        "scope": scope.value,
        "scope_ref": scope_ref,
        "mode": mode.value,
        "params": orjson.dumps(content).decode(),
        "effective_from": effective_from,
        "created_by": created_by,
        "approved_by": approved_by,
        "now": now,
    }
    session.execute(_END, facts)
    session.execute(_INSERT, facts)
    return version


def check(params: Mapping[str, Any]) -> Terms:
    """The terms in ``params``, or Invalid naming each wrong field.

    Weights are of known roles and make 10000; no pool is above ``max_share_bp``, because all of a pool
    may go to other people and companies (SPL-7); no parameter speaks of levels (POL-5).
    """
    wrong = {name: "no levels" for name in _names(params) if any(w in name.lower() for w in TREE_WORDS)}
    known = {field.name for field in fields(Terms)}
    wrong |= {name: "unknown" for name in params if name not in known and name not in wrong}
    weights, pools = params.get("weights"), params.get("pools")
    if not isinstance(weights, Mapping) or not isinstance(pools, Mapping):
        raise Invalid("A policy needs weights and pools.", fields=wrong | {"weights": "needed"})
    if set(weights) - set(ROLES) or not _rates(weights) or sum(weights.values()) != WHOLE_BP:
        wrong["weights"] = f"whole basis points of {', '.join(ROLES)} that make {WHOLE_BP}"
    if wrong:
        raise Invalid("The policy is not valid.", fields=wrong)
    terms = Terms(**params)
    wrong |= _wrong_numbers(terms)
    if wrong:
        raise Invalid("The policy is not valid.", fields=wrong)
    return terms


def _wrong_numbers(terms: Terms) -> dict[str, str]:
    wrong = {}
    if terms.missing not in ("HQ", "REDISTRIBUTE"):
        wrong["missing"] = "HQ or REDISTRIBUTE"
    for name in ("sell_window_days", "aftersale_days", "settle_delay_days"):
        if not _within(getattr(terms, name), LONGEST_DAYS):
            wrong[name] = f"0 to {LONGEST_DAYS} days"
    if not _within(terms.floor_discount_bp, WHOLE_BP):
        wrong["floor_discount_bp"] = f"0 to {WHOLE_BP}"
    if not _within(terms.max_share_bp, HIGHEST_SHARE_BP):
        wrong["max_share_bp"] = f"0 to {HIGHEST_SHARE_BP}"
    elif not all(
        _within(rate, terms.max_share_bp) for rate in (*terms.pools.values(), terms.default_pool_bp)
    ):
        wrong["pools"] = f"0 to max_share_bp ({terms.max_share_bp})"
    return wrong


def _within(value: object, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= highest


def _rates(values: Mapping[str, Any]) -> bool:
    return all(_within(value, WHOLE_BP) for value in values.values())


def _names(params: Mapping[str, Any]) -> Iterable[str]:
    for name, value in params.items():
        yield name
        if isinstance(value, Mapping) and name != "pools":
            yield from _names(value)
