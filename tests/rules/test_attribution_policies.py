"""Policies: what may be put in effect, and which one decides."""

from dataclasses import asdict
from typing import Any

import pytest

from app.attribution.policies import Policy, Terms, check, most_specific
from app.base.errors import Invalid
from models.attribution import PolicyMode, PolicyScope

WEIGHTS = {"ACQ_CLERK": 3000, "ACQ_STORE": 1500, "SVC_CLERK": 2000, "SELL_CLERK": 2000, "FULFIL_STORE": 1500}


def params(**given: Any) -> dict[str, Any]:
    return asdict(Terms(weights=WEIGHTS, pools={"apparel": 500, "wine": 300})) | given


def policy(scope: PolicyScope, ref: str | None = None) -> Policy:
    return Policy(scope.value, 1, scope, ref, PolicyMode.ROLE_SPLIT, check(params()))


def test_spl_4_the_default_weights_are_accepted() -> None:
    assert check(params()).weights == WEIGHTS


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"weights": WEIGHTS | {"ACQ_CLERK": 3001}}, "weights"),
        ({"weights": WEIGHTS | {"BOSS": 0}}, "weights"),
        ({"weights": {"ACQ_CLERK": 10001, "ACQ_STORE": -1}}, "weights"),
        ({"weights": {"ACQ_CLERK": 10000.0}}, "weights"),
        ({"weights": None}, "weights"),
        ({"pools": {"apparel": 3001}}, "pools"),
        ({"pools": {"apparel": 500}, "max_share_bp": 400}, "pools"),
        ({"default_pool_bp": 3001}, "pools"),
        ({"max_share_bp": 3200}, "max_share_bp"),
        ({"missing": "NOBODY"}, "missing"),
        ({"sell_window_days": -1}, "sell_window_days"),
        ({"floor_discount_bp": True}, "floor_discount_bp"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_spl_7_what_is_wrong_cannot_be_activated(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(params(**given))
    assert field in refused.value.fields


@pytest.mark.parametrize("name", ["level", "downline_bp", "second_level_bp", "referrer", "max_depth"])
def test_pol_5_no_parameter_speaks_of_levels(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(params(**{name: 1}))
    assert refused.value.fields[name] == "no levels"


def test_pol_5_not_even_within_the_weights() -> None:
    with pytest.raises(Invalid) as refused:
        check(params(weights=WEIGHTS | {"DOWNLINE": 0}))
    assert refused.value.fields["DOWNLINE"] == "no levels"


def test_pol_1_the_most_specific_scope_wins() -> None:
    policies = [
        policy(PolicyScope.BRAND),
        policy(PolicyScope.ENTITY, "E-HQ"),
        policy(PolicyScope.STORE_TYPE, "DIRECT"),
        policy(PolicyScope.CATEGORY, "wine"),
    ]
    assert most_specific(policies, "wine") is policies[3]
    assert most_specific(policies, "apparel") is policies[2]
    assert most_specific(policies[:2], "apparel") is policies[1]
    assert most_specific(policies[:1], "apparel") is policies[0]
    assert most_specific([], "apparel") is None
