"""Rules of touches and evidence as tables: validity, order, acquisition, strength."""

from datetime import UTC, datetime, timedelta

import pytest

from app.attribution.rules import Acquired, Decision, Evidence, Reason, Serving, Shown, decide, strongest
from models.attribution import AcquisitionKind, TouchKind, TouchResult
from models.stores import ClerkStatus, StoreStatus

AT = datetime(2026, 3, 1, 2, 0, 5, tzinfo=UTC)
RECEIVED = AT + timedelta(milliseconds=120)
CLERK, OTHER, STORE = 1, 2, 10


def shown(**given: object) -> Shown:
    facts: dict[str, object] = {
        "store_id": STORE,
        "store_status": StoreStatus.OPEN,
        "clerk_id": CLERK,
        "clerk_status": ClerkStatus.ACTIVE,
    }
    return Shown(**(facts | given))  # type: ignore[arg-type] # a table of odd cases


def judge(
    point: Shown,
    acquired: Acquired | None = None,
    *,
    kind: TouchKind = TouchKind.SCAN,
    customer_since: datetime | None = None,
    at: datetime = AT,
    received_at: datetime = RECEIVED,
) -> Decision:
    # BND-2: whoever acquired serves since then.
    serving = Serving(acquired.clerk_id, acquired.occurred_at) if acquired else None
    return decide(
        kind, point, acquired, customer_since, occurred_at=at, received_at=received_at, serving=serving
    )


def test_bnd_1_the_first_valid_touch_acquires() -> None:
    expected = Decision(True, None, TouchResult.ACQUIRED, CLERK, STORE, AcquisitionKind.ACQUISITION)
    assert judge(shown()) == expected


def test_bnd_1_a_store_code_acquires_for_the_store_alone() -> None:
    decision = judge(shown(clerk_id=None, clerk_status=None))
    assert (decision.clerk_id, decision.store_id, decision.result) == (None, STORE, TouchResult.ACQUIRED)


@pytest.mark.parametrize(
    ("since", "kind", "result"),
    [
        (AT - timedelta(days=400), AcquisitionKind.REACTIVATION, TouchResult.REACTIVATED),
        (AT, AcquisitionKind.REACTIVATION, TouchResult.REACTIVATED),
        (AT + timedelta(seconds=1), AcquisitionKind.ACQUISITION, TouchResult.ACQUIRED),
    ],
)
def test_bnd_1_whoever_bought_before_is_reactivated(
    since: datetime, kind: AcquisitionKind, result: TouchResult
) -> None:
    decision = judge(shown(), customer_since=since)
    assert (decision.acquires, decision.result) == (kind, result)


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (Shown(None, None), Reason.CODE_UNKNOWN),
        (shown(revoked_at=AT), Reason.CODE_REVOKED),
        (shown(expires_at=AT), Reason.CODE_EXPIRED),
        (shown(is_self=True), Reason.SELF),
        (shown(store_status=StoreStatus.CLOSED), Reason.STORE_CLOSED),
        (shown(store_status=StoreStatus.CLOSING), Reason.STORE_CLOSING),
        (shown(store_status=StoreStatus.CLOSED, clerk_status=ClerkStatus.LEFT), Reason.STORE_CLOSED),
    ],
)
def test_tch_3_an_invalid_touch_is_stored_with_its_reason_and_never_binds(
    point: Shown, reason: Reason
) -> None:
    decision = judge(point)
    assert (decision.valid, decision.reason, decision.result) == (False, reason, TouchResult.INVALID)
    assert decision.acquires is None


def test_tch_3_a_code_counts_until_the_moment_it_ends() -> None:
    later = AT + timedelta(seconds=1)
    assert judge(shown(revoked_at=later, expires_at=later)).valid


@pytest.mark.parametrize(
    ("status", "reason"),
    [(ClerkStatus.LEFT, Reason.CLERK_LEFT), (ClerkStatus.LEAVING, Reason.CLERK_LEAVING)],
)
def test_tch_3_the_code_of_a_clerk_who_left_counts_for_the_store(status: ClerkStatus, reason: Reason) -> None:
    decision = judge(shown(clerk_status=status))
    assert decision == Decision(True, reason, TouchResult.ACQUIRED, None, STORE, AcquisitionKind.ACQUISITION)


def test_tch_3_a_former_clerk_who_scans_the_own_old_code_is_a_customer_of_the_store() -> None:
    assert judge(shown(clerk_status=ClerkStatus.LEFT, is_self=True)).reason is Reason.CLERK_LEFT


def test_tch_4_the_second_clerk_within_one_second_lost_the_race() -> None:
    first = Acquired(CLERK, STORE, AT, AT + timedelta(milliseconds=120))
    decision = judge(shown(clerk_id=OTHER), first, received_at=AT + timedelta(milliseconds=480))
    assert decision == Decision(True, None, TouchResult.LOST_RACE, OTHER, STORE)


@pytest.mark.parametrize("late_s", [1, 86399])
def test_tch_4_a_touch_that_was_earlier_but_arrived_late_takes_its_place(late_s: int) -> None:
    first = Acquired(OTHER, STORE, AT + timedelta(seconds=1), RECEIVED)
    decision = judge(shown(), first, received_at=RECEIVED + timedelta(seconds=late_s))
    assert (decision.result, decision.replaces) == (TouchResult.ACQUIRED, True)


@pytest.mark.parametrize(
    ("late", "customer_since"),
    [(timedelta(hours=24, seconds=1), None), (timedelta(seconds=1), AT + timedelta(days=1))],
)
def test_bnd_1_an_acquisition_stands_after_a_day_or_a_purchase(
    late: timedelta, customer_since: datetime | None
) -> None:
    first = Acquired(OTHER, STORE, AT + timedelta(seconds=1), RECEIVED)
    decision = judge(shown(), first, received_at=RECEIVED + late, customer_since=customer_since)
    assert (decision.result, decision.acquires) == (TouchResult.RECORDED, None)


def test_bnd_10_a_later_scan_of_another_clerk_changes_nothing() -> None:
    first = Acquired(CLERK, STORE, AT, RECEIVED)
    later = AT + timedelta(days=5)
    decision = judge(shown(clerk_id=OTHER), first, at=later, received_at=later)
    assert (decision.result, decision.acquires, decision.clerk_id) == (TouchResult.RECORDED, None, OTHER)


@pytest.mark.parametrize("kind", [TouchKind.CONTENT_READ, TouchKind.ARRIVE, TouchKind.LEAVE])
def test_tch_6_influence_never_binds(kind: TouchKind) -> None:
    decision = judge(shown(), kind=kind)
    assert (decision.valid, decision.result, decision.acquires) == (True, TouchResult.RECORDED, None)


def evidence(number: int, kind: TouchKind, minute: int, clerk_id: int = CLERK) -> Evidence:
    at = AT + timedelta(minutes=minute)
    return Evidence(number, kind, clerk_id, at, at)


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        (TouchKind.ASSISTED_ORDER, TouchKind.CLERK_CODE),
        (TouchKind.CLERK_CODE, TouchKind.SHARE_CLICK),
        (TouchKind.COUPON_CLAIM, TouchKind.SHARE_CLICK),
        (TouchKind.SHARE_CLICK, TouchKind.SCAN),
        (TouchKind.SHARE_CLICK, TouchKind.SUBSCRIBE_SCAN),
        (TouchKind.SHARE_CLICK, TouchKind.MP_SCENE),
    ],
)
def test_tch_5_the_stronger_kind_wins_however_old(stronger: TouchKind, weaker: TouchKind) -> None:
    best = strongest([evidence(1, stronger, 0), evidence(2, weaker, 60)])
    assert best is not None
    assert best.touch_id == 1


def test_tch_5_among_equals_the_latest_wins() -> None:
    best = strongest([evidence(1, TouchKind.SCAN, 5), evidence(2, TouchKind.SUBSCRIBE_SCAN, 9)])
    assert best is not None
    assert best.touch_id == 2


def test_tch_5_what_proves_nothing_about_an_order_does_not_count() -> None:
    assert strongest([evidence(1, TouchKind.CHAT, 1), evidence(2, TouchKind.CONTENT_READ, 2)]) is None
