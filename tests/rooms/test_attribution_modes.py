"""Who earns under each mode, resolved from the tables: POL-4 and what may stand in its way."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.base.db import Tx, open_tx
from app.commission.rules import split
from app.members.meeting import Met
from app.orders.placing import Buyer
from app.policies.approving import install
from models.attribution import TouchKind
from models.policies import PolicyMode, PolicyScope
from tests.make import a_shop, an_order, pay_for, stock
from tests.people import NOON, a_code, a_fan, a_scan, id_of, set_clerk
from tests.rooms.test_attribution_credit import ORDER, shares, snapshot

A, B, C = "C-SZFT-01", "C-SZFT-03", "C-SZNS-01"
START = datetime(2021, 1, 1, tzinfo=UTC)
PARAMS: dict[PolicyMode, dict[str, Any]] = {
    PolicyMode.FIRST_TOUCH_LIFETIME: {},
    PolicyMode.LAST_TOUCH: {"window_days": 15},
    PolicyMode.PROTECT_THEN_OPEN: {"protect_days": 30, "inactive_days": 180},
    PolicyMode.LINEAR: {"lookback_days": 30},
    PolicyMode.POSITION: {"lookback_days": 30, "first_bp": 4000, "mid_bp": 2000, "last_bp": 4000},
}
BY_TOUCHES = [mode for mode in PARAMS if mode is not PolicyMode.FIRST_TOUCH_LIFETIME]


def the_policy(session: Session, mode: PolicyMode) -> None:
    install(
        session,
        code="DEFAULT",
        scope=PolicyScope.BRAND,
        scope_ref=None,
        mode=mode,
        params={"pools": {"apparel": 500}} | PARAMS[mode],
        effective_from=START,
        by="one",
        approved_by="two",
        now=START,
    )


def the_vector(session: Session, fan: Met) -> None:
    """POL-4: A follow-scan 03-01, B share click 03-20, C assisted 03-28 14:50; order 15:00."""
    a_scan(session, fan, a_code(session, A), kind=TouchKind.SUBSCRIBE_SCAN)
    share_at = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
    a_scan(session, fan, None, kind=TouchKind.SHARE_CLICK, clerk_id=id_of(session, "clerk", B), at=share_at)
    c, at = id_of(session, "clerk", C), ORDER - timedelta(minutes=10)
    a_scan(session, fan, None, kind=TouchKind.ASSISTED_ORDER, clerk_id=c, at=at)


def earned(found: dict[str, Any], pool: int = 5000) -> dict[str, int]:
    return {share.party: share.amount_fen for share in split(pool, found)}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (PolicyMode.FIRST_TOUCH_LIFETIME, {A: 5000}),
        (PolicyMode.LAST_TOUCH, {C: 5000}),
        (PolicyMode.PROTECT_THEN_OPEN, {A: 5000}),
        (PolicyMode.LINEAR, {A: 1667, B: 1667, C: 1666}),
        (PolicyMode.POSITION, {A: 2000, B: 1000, C: 2000}),
    ],
)
def test_pol_4_vector(tx: Tx, mode: PolicyMode, expected: dict[str, int]) -> None:
    with tx() as session:
        a_shop(session)
        the_policy(session, mode)
        fan = a_fan(session)
        the_vector(session, fan)
        found = snapshot(session, fan)
        assert earned(found) == {f"clerk:{clerk}": fen for clerk, fen in expected.items()}
        assert (found["mode"], found["weights"]["SELL_CLERK"]) == (mode.value, 10000)
        assert {share.role for share in split(5000, found)} == {"SELL_CLERK"}
        # The other roles stay in it as facts of the order, and earn nothing.
        assert [p["role"] for p in found["parties"] if p["role"] != "SELL_CLERK"] == [
            "ACQ_CLERK",
            "ACQ_STORE",
            "SVC_CLERK",
            "FULFIL_STORE",
        ]


@pytest.mark.parametrize("mode", PARAMS)
def test_pol_3_nobody_met_the_customer(tx: Tx, mode: PolicyMode) -> None:
    with tx() as session:
        a_shop(session)
        the_policy(session, mode)
        assert shares(snapshot(session, a_fan(session)), 5000) == {"HQ": ("entity:E-HQ", 5000)}


@pytest.mark.parametrize("mode", BY_TOUCHES)
def test_tch_3_an_invalid_touch_and_one_of_a_store_earn_nothing(tx: Tx, mode: PolicyMode) -> None:
    with tx() as session:
        a_shop(session)
        the_policy(session, mode)
        fan = a_fan(session)
        revoked = a_code(session, C)
        session.execute(text("update qr_code set revoked_at = '2026-01-01', revoke_reason = 'LOST'"))
        assert not a_scan(session, fan, revoked, at=ORDER - timedelta(days=2)).valid
        a_scan(session, fan, a_code(session, None, store="SZ-NS"), at=ORDER - timedelta(days=1))
        assert earned(snapshot(session, fan)) == {"entity:E-HQ": 5000}


@pytest.mark.parametrize("mode", PARAMS)
def test_spl_9_who_sold_to_a_clerk_earns_nothing(tx: Tx, mode: PolicyMode) -> None:
    with tx() as session:
        a_shop(session)
        the_policy(session, mode)
        fan = a_fan(session)
        the_vector(session, fan)
        set_clerk(session, "C-SZNS-03", member_id=fan.member_id)
        found = snapshot(session, fan)
        assert found["self_purchase"] is True
        assert earned(found) == {"entity:E-HQ": 5000}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (PolicyMode.FIRST_TOUCH_LIFETIME, {"store:SZ-FT": 5000}),
        (PolicyMode.LAST_TOUCH, {f"clerk:{C}": 5000}),
        (PolicyMode.PROTECT_THEN_OPEN, {f"clerk:{B}": 5000}),
        (PolicyMode.LINEAR, {f"clerk:{B}": 2500, f"clerk:{C}": 2500}),
        (PolicyMode.POSITION, {f"clerk:{B}": 2500, f"clerk:{C}": 2500}),
    ],
)
def test_clw_4_a_clerk_who_left_earns_nothing_on_a_later_order(
    tx: Tx, mode: PolicyMode, expected: dict[str, int]
) -> None:
    with tx() as session:
        a_shop(session)
        the_policy(session, mode)
        fan = a_fan(session)
        the_vector(session, fan)
        set_clerk(session, A, status="LEFT", last_day=date(2026, 3, 27))
        assert earned(snapshot(session, fan)) == expected
        set_clerk(session, A, last_day=date(2026, 3, 28))
        assert earned(snapshot(session, fan)) != expected or mode is PolicyMode.LAST_TOUCH


def test_clw_4_of_the_last_touch_the_one_before_counts_when_its_clerk_left(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        the_policy(session, PolicyMode.LAST_TOUCH)
        fan = a_fan(session)
        the_vector(session, fan)
        set_clerk(session, C, status="LEFT", last_day=date(2026, 3, 27))
        assert earned(snapshot(session, fan)) == {f"clerk:{B}": 5000}


def test_bnd_1_a_returning_customer_was_brought_by_nobody(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        the_policy(session, PolicyMode.FIRST_TOUCH_LIFETIME)
        fan = a_fan(session)
        session.execute(text("update member set customer_since = '2024-01-01'"))
        the_vector(session, fan)
        assert earned(snapshot(session, fan)) == {"entity:E-HQ": 5000}


def test_bnd_1_a_store_whose_own_code_brought_the_customer_earns_as_first(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        the_policy(session, PolicyMode.FIRST_TOUCH_LIFETIME)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, None, store="SZ-NS"))
        the_vector_later = ORDER - timedelta(days=1)
        a_scan(session, fan, a_code(session, A), at=the_vector_later)
        found = snapshot(session, fan)
        assert earned(found) == {"store:SZ-NS": 5000}
        assert found["parties"][-2]["because"] == "FIRST_TOUCH_STORE"


def test_pol_3_bnd_4_a_purchase_keeps_the_first_clerk(tx: Tx) -> None:
    later = NOON + timedelta(days=300)
    with tx() as session:
        a_shop(session)
        stock(session, "AP-1002-M", 5)
        the_policy(session, PolicyMode.PROTECT_THEN_OPEN)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, A))
        a_scan(session, fan, a_code(session, C), at=later)
        assert earned(snapshot(session, fan, at=later)) == {f"clerk:{C}": 5000}
        bought_at = later - timedelta(days=179)
        buyer = Buyer(fan.member_id, "M", fan.identity_id)
        pay_for(session, an_order(session, buyer, now=bought_at).order_id, at=bought_at)
        assert earned(snapshot(session, fan, at=later)) == {f"clerk:{A}": 5000}


@pytest.mark.parametrize("mode", BY_TOUCHES)
def test_mrg_1_touches_of_an_alias_speak_for_the_person(tx: Tx, mode: PolicyMode) -> None:
    with tx() as session:
        a_shop(session)
        the_policy(session, mode)
        old, fan = a_fan(session, "old"), a_fan(session, "new")
        a_scan(session, old, a_code(session, C), at=ORDER - timedelta(days=1))
        session.execute(
            text("update member set alias_of = :to where id = :id"),
            {"to": fan.member_id, "id": old.member_id},
        )
        assert earned(snapshot(session, fan)) == {f"clerk:{C}": 5000}
        assert earned(snapshot(session, old)) == {f"clerk:{C}": 5000}


@pytest.mark.parametrize("mode", [PolicyMode.ROLE_SPLIT, *PARAMS])
def test_pol_2_a_second_question_is_asked_only_under_modes_that_follow_touches(
    engine: Any, mode: PolicyMode
) -> None:
    with open_tx(engine, heard=True)() as session:
        a_shop(session)
        if mode in PARAMS:
            the_policy(session, mode)
        fan = a_fan(session)
        the_vector(session, fan)
        heard: list[str] = []

        def hear(*said: Any) -> None:
            heard.append(said[2])

        event.listen(engine, "before_cursor_execute", hear)
        snapshot(session, fan)
        event.remove(engine, "before_cursor_execute", hear)
        assert len(heard) == (2 if mode in BY_TOUCHES else 1)
