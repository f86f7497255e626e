"""Versions of policies: drafted, submitted, approved by a second person, withdrawn, and never in each other's way."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, Invalid, NotFound
from app.policies import reading
from app.policies.approving import approve, withdraw
from app.policies.drafting import draft, draft_again, submit
from app.policies.effect import in_effect
from app.policies.rules import Stage, most_specific
from models.policies import PolicyMode, PolicyScope
from tests.make import a_shop, count
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("right_books")

NOW = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)  # noon in Shanghai
MIDNIGHT = datetime(2026, 5, 1, 16, 0, tzinfo=UTC)  # 00:00 of 2 May in Shanghai
LAST_SECOND = MIDNIGHT - timedelta(seconds=1)
WEIGHTS = {"ACQ_CLERK": 3000, "ACQ_STORE": 1500, "SVC_CLERK": 2000, "SELL_CLERK": 2000, "FULFIL_STORE": 1500}
ANNA, BO, CHEN = "operator:O-ANNA", "operator:O-BO", "operator:O-CHEN"


@pytest.fixture(autouse=True)
def shop(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)


def a_draft(session: Session, **given: Any) -> int:
    facts: dict[str, Any] = {
        "code": "DEFAULT",
        "scope": PolicyScope.BRAND,
        "scope_ref": None,
        "mode": PolicyMode.ROLE_SPLIT,
        "params": {"weights": WEIGHTS, "pools": {"apparel": 800}},
        "effective_from": None,
        "effective_to": None,
        "by": ANNA,
        "now": NOW,
    }
    return draft(session, **facts | given)


def submitted(session: Session, **given: Any) -> int:
    version = a_draft(session, **given)
    submit(session, code=given.get("code", "DEFAULT"), version=version, by=ANNA, now=NOW)
    return version


def decides(session: Session, at: datetime, category: str = "apparel") -> tuple[str, int]:
    found = in_effect(session, entity="E-HQ", ownership="DIRECT", categories=["apparel", "wine"], at=at)
    policy = most_specific(found, category)
    assert policy is not None
    return policy.code, policy.version


def stage_of(session: Session, version: int, code: str = "DEFAULT", now: datetime = NOW) -> Stage:
    return reading.get(session, code, version, now=now).stage


def audit(session: Session) -> list[tuple[str, str, str]]:
    rows = session.execute(text("select actor, action, subject from audit_entry order by id"))
    return [(row.actor, row.action, row.subject) for row in rows]


def test_pol_1_a_version_goes_from_draft_to_effect_by_two_persons(tx: Tx) -> None:
    with tx() as session:
        assert a_draft(session) == 2
        assert stage_of(session, 2) is Stage.DRAFT
        submit(session, code="DEFAULT", version=2, by=ANNA, now=NOW)
        submit(session, code="DEFAULT", version=2, by=ANNA, now=NOW)
        assert stage_of(session, 2) is Stage.SUBMITTED
        assert decides(session, MIDNIGHT) == ("DEFAULT", 1)
        assert approve(session, code="DEFAULT", version=2, by=BO, now=NOW) == MIDNIGHT
        assert approve(session, code="DEFAULT", version=2, by=BO, now=NOW) == MIDNIGHT
        assert (stage_of(session, 2), stage_of(session, 1)) == (Stage.APPROVED, Stage.ACTIVE)
        assert decides(session, MIDNIGHT - timedelta(microseconds=1)) == ("DEFAULT", 1)
        assert decides(session, MIDNIGHT) == ("DEFAULT", 2)
        assert stage_of(session, 2, now=MIDNIGHT) is Stage.ACTIVE
        assert stage_of(session, 1, now=MIDNIGHT) is Stage.ENDED
        assert audit(session) == [
            (ANNA, "policy.draft", "policy:DEFAULT/2"),
            (ANNA, "policy.submit", "policy:DEFAULT/2"),
            (BO, "policy.approve", "policy:DEFAULT/2"),
        ]


def test_pol_1_whoever_drafts_does_not_approve(tx: Tx) -> None:
    with tx() as session:
        version = submitted(session)
    with pytest.raises(Forbidden) as refused, tx() as session:
        approve(session, code="DEFAULT", version=version, by=ANNA, now=NOW)
    assert refused.value.code == "SAME_PERSON"
    with tx() as session:
        assert stage_of(session, version) is Stage.SUBMITTED
        assert decides(session, MIDNIGHT) == ("DEFAULT", 1)
        assert count(session, "audit_entry") == 2


def test_pol_1_the_database_keeps_two_persons_apart_too(tx: Tx) -> None:
    with tx() as session:
        version = submitted(session)
    with pytest.raises(IntegrityError, match="two_persons"), tx() as session:
        session.execute(
            text(
                "update attribution_policy set approved_by = created_by, approved_at = now(),"
                " effective_from = '2027-01-01' where version = :version"
            ),
            {"version": version},
        )


@pytest.mark.parametrize("before", ["draft", "withdrawn", "approved by another"])
def test_pol_1_only_what_is_submitted_can_be_approved(tx: Tx, before: str) -> None:
    with tx() as session:
        version = a_draft(session)
        if before != "draft":
            submit(session, code="DEFAULT", version=version, by=ANNA, now=NOW)
        if before == "withdrawn":
            withdraw(session, code="DEFAULT", version=version, by=ANNA, now=NOW, why="no")
        if before == "approved by another":
            approve(session, code="DEFAULT", version=version, by=CHEN, now=NOW)
    with pytest.raises(Conflict, match="POLICY_STATE"), tx() as session:
        approve(session, code="DEFAULT", version=version, by=BO, now=NOW)


def test_pol_2_a_version_never_begins_in_the_past_of_an_order(tx: Tx) -> None:
    soon = NOW + timedelta(minutes=10)
    with tx() as session:
        version = submitted(session, effective_from=soon)
    with pytest.raises(Conflict, match="POLICY_TOO_LATE"), tx() as session:
        approve(session, code="DEFAULT", version=version, by=BO, now=soon - timedelta(seconds=59))
    with pytest.raises(Conflict, match="POLICY_TOO_LATE"), tx() as session:
        approve(session, code="DEFAULT", version=version, by=BO, now=soon + timedelta(days=1))
    with tx() as session:
        assert decides(session, soon + timedelta(days=1)) == ("DEFAULT", 1)
        at = soon - timedelta(seconds=60)
        assert approve(session, code="DEFAULT", version=version, by=BO, now=at) == soon


def test_pol_2_a_minute_before_midnight_the_next_midnight_is_meant(tx: Tx) -> None:
    with tx() as session:
        version = submitted(session)
        at = MIDNIGHT - timedelta(seconds=30)
        begins = approve(session, code="DEFAULT", version=version, by=BO, now=at)
        assert begins == MIDNIGHT + timedelta(days=1)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"effective_from": NOW}, {"effective_from"}),
        ({"effective_to": NOW + timedelta(days=9)}, {"effective_to"}),
        ({"scope_ref": "apparel"}, {"scope_ref"}),
        ({"scope": PolicyScope.CATEGORY, "scope_ref": "shoes"}, {"scope_ref"}),
        ({"scope": PolicyScope.ENTITY, "scope_ref": "E-NONE"}, {"scope_ref"}),
        ({"scope": PolicyScope.STORE_TYPE, "scope_ref": "KIOSK"}, {"scope_ref"}),
        ({"scope": PolicyScope.STORE_TYPE, "scope_ref": None}, {"scope_ref"}),
        ({"params": {"weights": WEIGHTS, "pools": {"shoes": 5, "apparel": 5}}}, {"pools.shoes"}),
        (
            {"params": {"weights": WEIGHTS, "pools": {"apparel": 2700}, "platform_fee_bp": 500}},
            {"pools.apparel"},
        ),
        ({"params": {"weights": WEIGHTS, "pools": {}, "extra": {"下线": 1}}}, {"extra", "下线"}),
        (
            {
                "scope": PolicyScope.CATEGORY,
                "scope_ref": "wine",
                "effective_from": MIDNIGHT,
                "effective_to": NOW,
            },
            {"effective_to"},
        ),
    ],
)
def test_spl_7_pol_5_a_wrong_draft_is_refused_and_nothing_is_written(
    tx: Tx, given: dict[str, Any], fields: set[str]
) -> None:
    with pytest.raises(Invalid) as refused, tx() as session:
        a_draft(session, **given)
    assert set(refused.value.fields) == fields
    with tx() as session:
        assert (count(session, "attribution_policy"), count(session, "audit_entry")) == (1, 0)


def test_spl_7_a_breach_of_the_cap_is_refused_at_the_activation_too(tx: Tx) -> None:
    with tx() as session:
        version = submitted(session)
        session.execute(
            text(
                'update attribution_policy set params = params || \'{"pools": {"apparel": 3200}}\''
                " where version = :version"
            ),
            {"version": version},
        )
    with pytest.raises(Invalid) as refused, tx() as session:
        approve(session, code="DEFAULT", version=version, by=BO, now=NOW)
    assert set(refused.value.fields) == {"pools.apparel"}
    with tx() as session:
        assert decides(session, MIDNIGHT) == ("DEFAULT", 1)


def test_pol_1_a_code_keeps_its_scope(tx: Tx) -> None:
    with pytest.raises(Conflict, match="POLICY_CODE_TAKEN"), tx() as session:
        a_draft(session, scope=PolicyScope.CATEGORY, scope_ref="wine")


def test_pol_1_a_version_cannot_begin_under_a_later_one(tx: Tx) -> None:
    with tx() as session:
        later = submitted(session, effective_from=MIDNIGHT + timedelta(days=5))
        approve(session, code="DEFAULT", version=later, by=BO, now=NOW)
        sooner = submitted(session)
    with pytest.raises(Conflict, match="POLICY_SCHEDULED"), tx() as session:
        approve(session, code="DEFAULT", version=sooner, by=BO, now=NOW)
    with tx() as session:
        assert decides(session, MIDNIGHT) == ("DEFAULT", 1)
        assert stage_of(session, sooner) is Stage.SUBMITTED
        withdraw(session, code="DEFAULT", version=later, by=CHEN, now=NOW, why="too late in the year")
        approve(session, code="DEFAULT", version=sooner, by=BO, now=NOW)
        assert decides(session, MIDNIGHT + timedelta(days=9)) == ("DEFAULT", sooner)


def test_pol_1_what_a_withdrawn_version_would_have_ended_goes_on(tx: Tx) -> None:
    with tx() as session:
        second = submitted(session)
        approve(session, code="DEFAULT", version=second, by=BO, now=NOW)
        third = submitted(session, effective_from=MIDNIGHT + timedelta(days=5))
        approve(session, code="DEFAULT", version=third, by=BO, now=NOW)
        withdraw(session, code="DEFAULT", version=second, by=CHEN, now=NOW, why="a slip")
        withdraw(session, code="DEFAULT", version=second, by=CHEN, now=NOW, why="a slip")
        assert stage_of(session, second) is Stage.WITHDRAWN
        assert decides(session, MIDNIGHT) == ("DEFAULT", 1)
        assert decides(session, MIDNIGHT + timedelta(days=5)) == ("DEFAULT", third)
        withdraw(session, code="DEFAULT", version=third, by=CHEN, now=NOW, why="too")
        assert decides(session, MIDNIGHT + timedelta(days=500)) == ("DEFAULT", 1)
        assert reading.get(session, "DEFAULT", 1, now=NOW).effective_to is None


def test_pol_1_what_decides_is_not_withdrawn(tx: Tx) -> None:
    with pytest.raises(Conflict, match="POLICY_IN_EFFECT"), tx() as session:
        withdraw(session, code="DEFAULT", version=1, by=BO, now=NOW, why="oops")
    with tx() as session:
        version = submitted(session)
        approve(session, code="DEFAULT", version=version, by=BO, now=NOW)
    with pytest.raises(Conflict, match="POLICY_TOO_LATE"), tx() as session:
        withdraw(session, code="DEFAULT", version=version, by=BO, now=LAST_SECOND, why="oops")
    with tx() as session:
        assert decides(session, MIDNIGHT) == ("DEFAULT", version)


def test_pol_1_the_way_back_is_a_new_version(tx: Tx) -> None:
    with tx() as session:
        second = submitted(session)
        approve(session, code="DEFAULT", version=second, by=BO, now=NOW)
        back = draft_again(session, code="DEFAULT", like=1, effective_from=None, by=CHEN, now=NOW)
        old, new = (reading.get(session, "DEFAULT", number, now=NOW) for number in (1, back))
        assert (back, new.stage) == (3, Stage.DRAFT)
        assert new.params["pools"] == old.params["pools"] == {"apparel": 500, "wine": 300}
        with pytest.raises(NotFound):
            draft_again(session, code="DEFAULT", like=9, effective_from=None, by=CHEN, now=NOW)


def test_pol_1_a_narrower_policy_for_a_while_and_its_end(tx: Tx) -> None:
    week = MIDNIGHT + timedelta(days=7)
    with tx() as session:
        wine = {"code": "WINE", "scope": PolicyScope.CATEGORY, "scope_ref": "wine"}
        approve(
            session,
            code="WINE",
            version=submitted(session, **wine, effective_from=MIDNIGHT, effective_to=week),
            by=BO,
            now=NOW,
        )
        assert decides(session, MIDNIGHT, "wine") == ("WINE", 1)
        assert decides(session, MIDNIGHT, "apparel") == ("DEFAULT", 1)
        assert decides(session, week, "wine") == ("DEFAULT", 1)
        end = MIDNIGHT + timedelta(days=2)
        ending = submitted(session, **wine, effective_from=end, effective_to=end)
        approve(session, code="WINE", version=ending, by=BO, now=NOW)
        assert decides(session, end - timedelta(seconds=1), "wine") == ("WINE", 1)
        assert decides(session, end, "wine") == ("DEFAULT", 1)


def test_pol_1_two_approvals_at_once_put_one_version_in_effect(tx: Tx) -> None:
    with tx() as session:
        version = submitted(session)

    def approve_it(number: int) -> str:
        try:
            with tx() as session:
                approve(session, code="DEFAULT", version=version, by=(BO, CHEN)[number % 2], now=NOW)
        except Conflict as refused:
            return refused.code
        return (BO, CHEN)[number % 2]

    outcomes = at_once(8, approve_it)
    with tx() as session:
        winner = reading.get(session, "DEFAULT", version, now=NOW).approved_by
        assert count(session, "audit_entry", "action = 'policy.approve'") == 1
    assert sorted(outcomes) == sorted([str(winner)] * 4 + ["POLICY_STATE"] * 4)


def test_pol_1_of_overlapping_versions_approved_at_once_one_wins(tx: Tx) -> None:
    with tx() as session:
        versions = [submitted(session, effective_from=MIDNIGHT) for _ in range(4)]

    def approve_one(number: int) -> str:
        try:
            with tx() as session:
                approve(session, code="DEFAULT", version=versions[number], by=BO, now=NOW)
        except Conflict as refused:
            return refused.code
        return "approved"

    outcomes = at_once(4, approve_one)
    assert sorted(outcomes) == ["POLICY_SCHEDULED"] * 3 + ["approved"]
    with tx() as session:
        assert decides(session, MIDNIGHT) == ("DEFAULT", versions[outcomes.index("approved")])
        assert count(session, "attribution_policy", "approved_at is not null") == 2


def test_pol_1_drafts_at_once_get_numbers_of_their_own(tx: Tx) -> None:
    def write(number: int) -> int:
        with tx() as session:
            return a_draft(session, params={"weights": WEIGHTS, "pools": {"apparel": number}})

    assert sorted(at_once(6, write)) == [2, 3, 4, 5, 6, 7]


def test_pol_1_the_same_draft_again_is_that_draft(tx: Tx) -> None:
    with tx() as session:
        assert (a_draft(session), a_draft(session)) == (2, 2)
        assert a_draft(session, by=BO) == 3
        assert a_draft(session) == 4
    with tx() as session:
        submit(session, code="DEFAULT", version=4, by=ANNA, now=NOW)
        assert a_draft(session) == 5
        assert count(session, "audit_entry", "action = 'policy.draft'") == 4


def test_pol_1_what_a_version_changes_is_told_field_by_field(tx: Tx) -> None:
    with tx() as session:
        old = submitted(session)
        approve(session, code="DEFAULT", version=old, by=BO, now=NOW)
        new = a_draft(
            session,
            mode=PolicyMode.LAST_TOUCH,
            params={"pools": {"apparel": 700}, "window_days": 9},
            effective_from=MIDNIGHT + timedelta(days=1),
        )
        found = reading.get(session, "DEFAULT", new, now=NOW)
        before = reading.before(session, "DEFAULT", new, now=NOW)
        assert before is not None
        assert before.version == old
        told = {change.field: (change.before, change.after) for change in reading.changes(before, found)}
        assert told == {
            "mode": ("ROLE_SPLIT", "LAST_TOUCH"),
            "pools.apparel": (800, 700),
            "sell_window_days": (15, None),
            "window_days": (None, 9),
            **{f"weights.{role}": (weight, None) for role, weight in WEIGHTS.items()},
        }
        assert reading.before(session, "DEFAULT", 1, now=NOW) is None
