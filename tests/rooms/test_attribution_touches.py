"""Touches on a real database: acquisition, binding, order, races, repeats."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.attribution.rules import Reason
from app.base.db import Tx
from app.members.meeting import lost_follower
from models.attribution import TouchKind, TouchResult
from tests.make import a_shop, count
from tests.people import NOON, OA, a_code, a_fan, a_scan, id_of, set_clerk, set_store
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("right_books")

A, B = "C-SZFT-01", "C-SZNS-01"


def acquired(session: Session) -> list[tuple[Any, ...]]:
    rows = session.execute(
        text(
            "select a.kind, c.code as clerk, s.code as store, a.acquired_at from acquisition a"
            " left join clerk c on c.id = a.clerk_id join store s on s.id = a.store_id order by a.member_id"
        )
    )
    return [tuple(row) for row in rows]


def serving(session: Session) -> list[tuple[Any, ...]]:
    rows = session.execute(
        text(
            "select c.code, s.code, b.valid_from, b.reason from service_binding b"
            " left join clerk c on c.id = b.clerk_id join store s on s.id = b.store_id"
            " where b.valid_to is null order by b.member_id"
        )
    )
    return [tuple(row) for row in rows]


def test_bnd_1_bnd_2_the_first_scan_acquires_and_binds(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        found = a_scan(session, a_fan(session), a_code(session, A), kind=TouchKind.SUBSCRIBE_SCAN)
        assert (found.result, found.valid, found.reason) == (TouchResult.ACQUIRED, True, None)
        assert (found.clerk_name, found.service_clerk_name) == ("林晓雨", "林晓雨")
        assert found.store_name == "澜序·福田购物公园店"
        assert acquired(session) == [("ACQUISITION", A, "SZ-FT", NOON)]
        assert serving(session) == [(A, "SZ-FT", NOON, "ACQUIRED")]


def test_bnd_1_a_store_code_acquires_without_a_clerk(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        found = a_scan(session, a_fan(session), a_code(session, None, store="SZ-NS"))
        assert (found.clerk_name, found.store_name) == (None, "澜序·南山海岸店")
        assert acquired(session) == [("ACQUISITION", None, "SZ-NS", NOON)]
        assert serving(session) == [(None, "SZ-NS", NOON, "ACQUIRED")]


def test_bnd_1_a_legacy_customer_is_reactivated(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        session.execute(text("update member set customer_since = '2024-05-01'"))
        assert a_scan(session, fan, a_code(session, A)).result is TouchResult.REACTIVATED
        assert acquired(session) == [("REACTIVATION", A, "SZ-FT", NOON)]
        assert serving(session) == [(A, "SZ-FT", NOON, "ACQUIRED")]


def test_tch_2_the_same_event_three_times_is_one_touch_with_one_result(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        scene = a_code(session, A)
    results = []
    for _ in range(3):
        with tx() as session:
            results.append(a_scan(session, a_fan(session), scene, key="same"))
    assert {(found.touch_id, found.result) for found in results} == {
        (results[0].touch_id, TouchResult.ACQUIRED)
    }
    assert results[0] == results[2]
    with tx() as session:
        assert (count(session, "touch"), count(session, "service_binding")) == (1, 1)


def test_tch_4_two_scans_in_one_second(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan, a, b = a_fan(session), a_code(session, A), a_code(session, B)
        first = a_scan(session, fan, a, received_at=NOON + timedelta(milliseconds=120))
        second = a_scan(session, fan, b, received_at=NOON + timedelta(milliseconds=480))
        assert (first.result, second.result) == (TouchResult.ACQUIRED, TouchResult.LOST_RACE)
        assert (second.clerk_name, second.service_clerk_name) == ("周子轩", "林晓雨")
        assert acquired(session) == [("ACQUISITION", A, "SZ-FT", NOON)]
        assert count(session, "touch") == 2


def test_tch_4_fifty_scans_of_one_fan_at_once_acquire_once(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        scenes = [a_code(session, A), a_code(session, B)]

    def scan(number: int) -> TouchResult:
        with tx() as session:
            return a_scan(session, a_fan(session), scenes[number % 2], key=f"race-{number}").result

    results = at_once(50, scan)
    assert results.count(TouchResult.ACQUIRED) == 1
    assert set(results) == {TouchResult.ACQUIRED, TouchResult.LOST_RACE, TouchResult.RECORDED}
    assert results.count(TouchResult.LOST_RACE) == 25
    with tx() as session:
        assert (count(session, "touch"), count(session, "acquisition")) == (50, 1)
        assert (count(session, "member"), count(session, "identity")) == (1, 1)
        first = session.execute(
            text("select result from touch order by occurred_at, received_at, id limit 1")
        ).scalar_one()
        assert first == "ACQUIRED"


def test_tch_4_an_earlier_scan_that_arrives_late_takes_its_place(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, B), at=NOON + timedelta(seconds=2))
        late = a_scan(session, fan, a_code(session, A), at=NOON)
        assert late.result is TouchResult.ACQUIRED
        assert acquired(session) == [("ACQUISITION", A, "SZ-FT", NOON)]
        assert serving(session) == [(A, "SZ-FT", NOON, "ACQUIRED")]
        assert count(session, "service_binding", "valid_from = valid_to") == 1


def test_tch_3_a_clerk_who_scans_the_own_code_gains_nothing(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        set_clerk(session, A, member_id=fan.member_id)
        found = a_scan(session, fan, a_code(session, A))
        assert (found.valid, found.reason, found.result) == (False, Reason.SELF, TouchResult.INVALID)
        assert (acquired(session), serving(session)) == ([], [])


def test_tch_3_the_code_of_a_clerk_who_left_brings_the_fan_to_the_store(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        set_clerk(session, A, status="LEFT", last_day="2026-02-10")
        found = a_scan(session, a_fan(session), a_code(session, A))
        assert (found.reason, found.clerk_code, found.store_code) == (Reason.CLERK_LEFT, None, "SZ-FT")
        assert acquired(session) == [("ACQUISITION", None, "SZ-FT", NOON)]
        assert serving(session) == [(None, "SZ-FT", NOON, "ACQUIRED")]
        assert count(session, "touch", "clerk_id is null and invalid_reason = 'CLERK_LEFT'") == 1


@pytest.mark.parametrize(
    ("status", "reason"), [("CLOSED", Reason.STORE_CLOSED), ("CLOSING", Reason.STORE_CLOSING)]
)
def test_tch_3_a_store_that_closes_takes_nobody_on(tx: Tx, status: str, reason: Reason) -> None:
    with tx() as session:
        a_shop(session)
        set_store(session, "SZ-FT", status=status)
        assert a_scan(session, a_fan(session), a_code(session, A)).reason is reason
        assert acquired(session) == []


@pytest.mark.parametrize(
    ("column", "reason"), [("revoked_at", "CODE_REVOKED"), ("expires_at", "CODE_EXPIRED")]
)
def test_tch_3_a_code_that_has_ended(tx: Tx, column: str, reason: str) -> None:
    with tx() as session:
        a_shop(session)
        scene = a_code(session, A)
        why = ", revoke_reason = 'torn off'" if column == "revoked_at" else ""
        session.execute(text(f"update qr_code set {column} = :at{why}"), {"at": NOON})
        found = a_scan(session, a_fan(session), scene, at=NOON)
        assert (found.reason, acquired(session)) == (Reason(reason), [])
        assert a_scan(session, a_fan(session), scene, at=NOON - timedelta(seconds=1)).valid


def test_tch_3_a_code_that_is_not_ours_is_kept_as_evidence(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        assert a_scan(session, a_fan(session), "somebody-elses").reason is Reason.CODE_UNKNOWN
        assert count(session, "touch", "not valid and clerk_id is null and store_id is null") == 1


def test_tch_6_content_never_binds(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        clerk_id = id_of(session, "clerk", A)
        found = a_scan(session, a_fan(session), None, kind=TouchKind.CONTENT_READ, clerk_id=clerk_id)
        assert (found.result, acquired(session)) == (TouchResult.RECORDED, [])


def test_bnd_10_unfollow_and_refollow_by_another_clerk_change_nothing(tx: Tx) -> None:
    def at(day: int) -> datetime:
        return NOON + timedelta(days=day - 1)

    with tx() as session:
        a_shop(session)
        a, b = a_code(session, A), a_code(session, B)
        fan = a_fan(session)
        a_scan(session, fan, a, at=at(1), kind=TouchKind.SUBSCRIBE_SCAN)
        lost_follower(session, appid=OA, openid="fan-1", at=at(5))
        assert count(session, "identity", "not followed") == 1
        again = a_fan(session, now=at(6))
        assert again.member_id == fan.member_id
        found = a_scan(session, again, b, at=at(6), kind=TouchKind.SUBSCRIBE_SCAN)
        assert found.result is TouchResult.RECORDED
        assert count(session, "identity", "followed") == 1
        assert [row[:3] for row in acquired(session)] == [("ACQUISITION", A, "SZ-FT")]
        assert serving(session) == [(A, "SZ-FT", at(1), "ACQUIRED")]


def test_bnd_10_an_unfollow_that_arrives_late_does_not_undo_a_refollow(tx: Tx) -> None:
    with tx() as session:
        a_fan(session, now=NOON)
        lost_follower(session, appid=OA, openid="fan-1", at=NOON - timedelta(seconds=5))
        assert count(session, "identity", "followed") == 1


def test_a_clerk_we_can_write_to_is_told_of_a_new_customer(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        set_clerk(session, A, member_id=a_fan(session, "the-clerk").member_id)
        found = a_scan(session, a_fan(session), a_code(session, A))
        a_scan(session, a_fan(session), a_code(session, B))
        jobs = session.execute(text("select task_name, args from procrastinate_jobs")).all()
        assert [job.task_name for job in jobs] == ["tell_clerk"]
        assert jobs[0].args["touch_id"] == found.touch_id


def test_tch_1_touches_are_never_changed_or_deleted(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        a_scan(session, a_fan(session), a_code(session, A))
    for statement in ("update touch set valid = false", "delete from touch"):
        with pytest.raises(DBAPIError), tx() as session:
            session.execute(text(statement))
