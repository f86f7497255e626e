"""Policies: what may be put in effect, and which one decides."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.base.errors import Invalid
from app.policies.rules import Policy, Stage, Terms, check, most_specific, stage
from models.policies import PolicyMode, PolicyScope

WEIGHTS = {"ACQ_CLERK": 3000, "ACQ_STORE": 1500, "SVC_CLERK": 2000, "SELL_CLERK": 2000, "FULFIL_STORE": 1500}


def params(**given: Any) -> dict[str, Any]:
    terms = Terms(weights=WEIGHTS, pools={"apparel": 500, "wine": 300})
    return terms.content(PolicyMode.ROLE_SPLIT) | given


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
        ({"pools": {"apparel": 3001}}, "pools.apparel"),
        ({"pools": {"apparel": 500}, "max_share_bp": 400}, "pools.apparel"),
        ({"default_pool_bp": 3001}, "default_pool_bp"),
        ({"max_share_bp": 3200}, "max_share_bp"),
        # D14: shares of 3 200 bp of the base, the pool and the platform fee together.
        ({"pools": {"apparel": 2700}, "platform_fee_bp": 500}, "pools.apparel"),
        ({"pools": {"wine": 500, "apparel": 2600}, "platform_fee_bp": 500}, "pools.apparel"),
        ({"default_pool_bp": 2700, "platform_fee_bp": 500}, "default_pool_bp"),
        ({"pools": {"apparel": 3200}}, "pools.apparel"),
        ({"pools": {"apparel": "5"}}, "pools"),
        ({"pools": [500]}, "pools"),
        ({"platform_fee_bp": -1}, "platform_fee_bp"),
        ({"sell_window_days": 3651}, "sell_window_days"),
        ({"aftersale_days": 366}, "aftersale_days"),
        ({"settle_delay_days": 1.0}, "settle_delay_days"),
        ({"window_days": 15}, "window_days"),  # another mode's
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


def test_spl_7_spl_10_the_fee_and_the_pool_together_may_reach_the_limit() -> None:
    terms = check(params(pools={"apparel": 2500}, platform_fee_bp=500))
    assert terms.pools["apparel"] + terms.platform_fee_bp == 3000


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        check(params(weights={}, pools={"wine": 3001}, missing="?", sell_window_days=-1, level_2_bp=1))
    assert set(refused.value.fields) == {"weights", "pools.wine", "missing", "sell_window_days", "level_2_bp"}


MODES = {
    PolicyMode.FIRST_TOUCH_LIFETIME: {},
    PolicyMode.LAST_TOUCH: {"window_days": 15},
    PolicyMode.PROTECT_THEN_OPEN: {"protect_days": 30, "inactive_days": 180},
    PolicyMode.LINEAR: {"lookback_days": 30},
    PolicyMode.POSITION: {"lookback_days": 30, "first_bp": 4000, "mid_bp": 2000, "last_bp": 4000},
}


@pytest.mark.parametrize("mode", MODES)
def test_pol_3_every_mode_has_its_own_terms(mode: PolicyMode) -> None:
    terms = check({"pools": {"apparel": 500}} | MODES[mode], mode)
    assert terms.weights == {"SELL_CLERK": 10000}
    assert check(terms.content(mode), mode) == terms
    with pytest.raises(Invalid) as refused:
        check({"pools": {}, "weights": WEIGHTS} | MODES[mode], mode)
    assert refused.value.fields == {"weights": f"unknown to {mode.value}"}


@pytest.mark.parametrize(
    ("mode", "given", "fields"),
    [
        (PolicyMode.LAST_TOUCH, {"window_days": 0}, {"window_days"}),
        (PolicyMode.LINEAR, {"lookback_days": True}, {"lookback_days"}),
        (
            PolicyMode.PROTECT_THEN_OPEN,
            {"protect_days": -1, "inactive_days": 4000},
            {"protect_days", "inactive_days"},
        ),
        (PolicyMode.POSITION, {"first_bp": 4001}, {"first_bp", "mid_bp", "last_bp"}),
        (PolicyMode.POSITION, {"first_bp": 0, "mid_bp": 10000, "last_bp": 0}, {"mid_bp"}),
        (PolicyMode.POSITION, {"first_bp": -1, "mid_bp": 10001}, {"first_bp", "mid_bp"}),
    ],
)
def test_pol_3_what_a_mode_cannot_mean_is_refused(
    mode: PolicyMode, given: dict[str, Any], fields: set[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        check({"pools": {"apparel": 500}} | given, mode)
    assert set(refused.value.fields) == fields


@pytest.mark.parametrize(
    "name",
    [
        "level",
        "downline_bp",
        "second_level_bp",
        "referrer",
        "max_depth",
        "上级",
        "下线_bp",
        "二级分佣",
        "Down-Line",
        "ＬＥＶＥＬ２",
        "up_line",
        "推荐人",
    ],
)
def test_pol_5_no_parameter_speaks_of_levels(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(params(**{name: 1}))
    assert refused.value.fields[name] == "no levels"


def test_pol_5_not_even_within_the_weights() -> None:
    with pytest.raises(Invalid) as refused:
        check(params(weights=WEIGHTS | {"DOWNLINE": 0}))
    assert refused.value.fields["DOWNLINE"] == "no levels"


@pytest.mark.parametrize(
    "given",
    [
        {"extra": {"deep": [{"deeper": {"上级": 1}}]}},
        {"weights": WEIGHTS | {"下线": 0}},
        {"pools": {"apparel": {"downline": 1}}},
        {"rules": [{"referrer": 5}]},
    ],
)
def test_pol_5_at_any_depth(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        check(params(**given))
    assert "no levels" in refused.value.fields.values()


def test_pol_5_a_category_may_be_called_what_it_likes() -> None:
    assert check(params(pools={"level-shoes": 500})).pools == {"level-shoes": 500}


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


def test_pol_1_where_a_version_stands() -> None:
    day = datetime(2026, 5, 1, tzinfo=UTC)
    moments: dict[str, Any] = dict.fromkeys(
        ("submitted_at", "approved_at", "withdrawn_at", "effective_from", "effective_to")
    )
    assert stage(now=day, **moments) is Stage.DRAFT
    moments["submitted_at"] = day
    assert stage(now=day, **moments) is Stage.SUBMITTED
    assert stage(now=day, **moments | {"withdrawn_at": day}) is Stage.WITHDRAWN
    moments |= {"approved_at": day, "effective_from": day + timedelta(days=1)}
    assert stage(now=day, **moments) is Stage.APPROVED
    assert stage(now=day + timedelta(days=1), **moments) is Stage.ACTIVE
    moments["effective_to"] = day + timedelta(days=2)
    assert stage(now=day + timedelta(days=2, microseconds=-1), **moments) is Stage.ACTIVE
    assert stage(now=day + timedelta(days=2), **moments) is Stage.ENDED
