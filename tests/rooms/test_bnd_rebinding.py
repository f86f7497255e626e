"""BND-4 on a real database: another clerk's touch within and after protection, with and without activity."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution import binding_terms
from app.base.clock import SHANGHAI
from app.base.db import Tx
from app.base.errors import Conflict, Forbidden
from app.commission.accrual import accrue
from models.attribution import TouchKind, TouchResult
from tests.make import a_shop, count
from tests.people import OA, a_code, a_fan, a_scan, id_of, set_clerk
from tests.racing import at_once
from tests.rooms.paid import sell

pytestmark = pytest.mark.usefixtures("right_books")

A, B, C = "C-SZFT-01", "C-SZNS-01", "C-SZNS-03"


def day(month: int, date: int, hour: int = 12, year: int = 2026) -> datetime:
    return datetime(year, month, date, hour, tzinfo=SHANGHAI)


def history(session: Session) -> list[tuple[Any, ...]]:
    rows = session.execute(
        text(
            "select c.code, s.code, b.valid_from, b.valid_to, b.reason, b.actor from service_binding b"
            " left join clerk c on c.id = b.clerk_id join store s on s.id = b.store_id order by b.id"
        )
    )
    return [tuple(row) for row in rows]


@pytest.fixture
def session(tx: Tx) -> Any:
    with tx() as session:
        a_shop(session)
        yield session


def test_bnd_4_within_30_days_another_clerk_changes_nothing(session: Session) -> None:
    fan = a_fan(session)
    a_scan(session, fan, a_code(session, A), at=day(3, 1))
    found = a_scan(session, fan, a_code(session, B), at=day(3, 31, 23))
    assert (found.result, found.service_clerk_code) == (TouchResult.RECORDED, A)
    assert history(session) == [(A, "SZ-FT", day(3, 1), None, "ACQUIRED", "touch")]


def test_bnd_4_after_30_days_without_service_or_purchase_another_clerk_takes_over(session: Session) -> None:
    fan = a_fan(session)
    set_clerk(session, B, member_id=a_fan(session, "the-clerk").member_id)
    a_scan(session, fan, a_code(session, A), at=day(3, 1))
    found = a_scan(session, fan, a_code(session, B), at=day(4, 1, 0), key="again")
    assert (found.result, found.service_clerk_code, found.service_store_code) == (
        TouchResult.REBOUND,
        B,
        "SZ-NS",
    )
    assert history(session) == [
        (A, "SZ-FT", day(3, 1), day(4, 1, 0), "ACQUIRED", "touch"),
        (B, "SZ-NS", day(4, 1, 0), None, "REBOUND", "touch"),
    ]
    # The acquisition stays, the new clerk is told, and the push again changes nothing (TCH-2).
    assert count(session, "acquisition", f"clerk_id = {id_of(session, 'clerk', A)}") == 1
    assert count(session, "procrastinate_jobs", "task_name = 'tell_clerk'") == 1
    assert a_scan(session, fan, "c-c-szns-01", at=day(4, 1, 0), key="again") == found
    assert len(history(session)) == 2


@pytest.mark.parametrize("kind", [TouchKind.CHAT, TouchKind.BOOKING, TouchKind.PICKUP_VERIFY])
def test_bnd_4_a_served_member_is_kept_for_180_days(session: Session, kind: TouchKind) -> None:
    fan = a_fan(session)
    a_scan(session, fan, a_code(session, A), at=day(3, 1))
    a_scan(session, fan, None, kind=kind, clerk_id=id_of(session, "clerk", A), at=day(3, 10))
    scene = a_code(session, B)
    assert a_scan(session, fan, scene, at=day(9, 6, 23)).result is TouchResult.RECORDED
    assert a_scan(session, fan, scene, at=day(9, 7, 0)).result is TouchResult.REBOUND


def test_bnd_4_somebody_elses_service_does_not_keep_the_member_for_the_owner(session: Session) -> None:
    fan = a_fan(session)
    a_scan(session, fan, a_code(session, A), at=day(3, 1))
    a_scan(session, fan, None, kind=TouchKind.CHAT, clerk_id=id_of(session, "clerk", C), at=day(3, 10))
    assert a_scan(session, fan, a_code(session, B), at=day(4, 1)).result is TouchResult.REBOUND


@pytest.mark.parametrize(
    ("category", "last", "first"),
    [("apparel", (9, 6, 23, 2026), (9, 7, 0, 2026)), ("jewellery", (3, 10, 23, 2027), (3, 11, 0, 2027))],
)
def test_bnd_4_a_purchase_keeps_the_member_for_180_days_and_jewellery_for_365(
    session: Session, category: str, last: tuple[int, ...], first: tuple[int, ...]
) -> None:
    sold = sell(session, paid_at=day(3, 10))
    accrue(session, sold.lines, paid_at=day(3, 10), now=day(3, 10))
    session.execute(text("update order_line set category_code = :c"), {"c": category})
    session.execute(
        text(
            "insert into identity (member_id, app, appid, openid, followed)"
            " select id, 'OA', :oa, 'fan-1', true from member where number = 'M-0001'"
        ),
        {"oa": OA},
    )
    fan = a_fan(session)
    a_scan(session, fan, a_code(session, A), at=day(3, 1))
    scene = a_code(session, B)
    before, after = day(last[0], last[1], last[2], last[3]), day(first[0], first[1], first[2], first[3])
    assert a_scan(session, fan, scene, at=before).result is TouchResult.RECORDED
    assert a_scan(session, fan, scene, at=after).result is TouchResult.REBOUND


def test_bnd_4_a_store_code_takes_nobody_from_a_clerk_and_a_pool_gives_its_member(session: Session) -> None:
    fan = a_fan(session)
    a_scan(session, fan, a_code(session, None, store="SZ-NS"), at=day(3, 1))
    scene = a_code(session, A)
    assert a_scan(session, fan, scene, at=day(3, 31)).result is TouchResult.RECORDED
    assert a_scan(session, fan, scene, at=day(4, 1)).result is TouchResult.REBOUND
    assert a_scan(session, fan, "c-sz-ns", at=day(8, 1)).result is TouchResult.RECORDED
    assert history(session)[-1][:2] == (A, "SZ-FT")


def test_bnd_4_a_leaving_clerk_takes_nobody_over(session: Session) -> None:
    fan = a_fan(session)
    a_scan(session, fan, a_code(session, A), at=day(3, 1))
    set_clerk(session, B, status="LEAVING")
    assert a_scan(session, fan, a_code(session, B), at=day(5, 1)).result is TouchResult.RECORDED
    assert len(history(session)) == 1


def test_bnd_4_content_never_takes_over(session: Session) -> None:
    fan = a_fan(session)
    a_scan(session, fan, a_code(session, A), at=day(3, 1))
    b = id_of(session, "clerk", B)
    found = a_scan(session, fan, None, kind=TouchKind.CONTENT_READ, clerk_id=b, at=day(5, 1))
    assert found.result is TouchResult.RECORDED


def test_bnd_4_of_fifty_scans_at_once_one_takes_over(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        a_scan(session, a_fan(session), a_code(session, A), at=day(3, 1))
        scenes = [a_code(session, B), a_code(session, C)]

    def scan(number: int) -> TouchResult:
        with tx() as session:
            return a_scan(session, a_fan(session), scenes[number % 2], at=day(5, 1), key=f"r{number}").result

    results = at_once(50, scan)
    assert results.count(TouchResult.REBOUND) == 1
    with tx() as session:
        assert count(session, "service_binding") == 2
        assert count(session, "service_binding", "valid_to is null") == 1


def test_bnd_4_terms_are_versions_that_another_person_approves_and_begin_on_their_day(
    session: Session,
) -> None:
    now = day(3, 20)
    version = binding_terms.draft(
        session, {"protect_days": 60}, effective_from=day(4, 1, 0), by="o:1", now=now
    )
    assert binding_terms.in_effect(session, at=day(4, 2)).protect_days == 30
    with pytest.raises(Forbidden, match="SAME_PERSON"):
        binding_terms.approve(session, version=version, by="o:1", now=now)
    assert binding_terms.approve(session, version=version, by="o:2", now=now) == day(4, 1, 0)
    with pytest.raises(Conflict, match="APPROVED_ALREADY"):
        binding_terms.approve(session, version=version, by="o:3", now=now)
    assert binding_terms.in_effect(session, at=day(3, 31)).protect_days == 30
    assert binding_terms.in_effect(session, at=day(4, 1, 0)).protect_days == 60
    fan = a_fan(session)
    a_scan(session, fan, a_code(session, A), at=day(3, 1))
    scene = a_code(session, B)
    assert a_scan(session, fan, scene, at=day(4, 1)).result is TouchResult.RECORDED
    assert a_scan(session, fan, scene, at=day(5, 1)).result is TouchResult.REBOUND
    earlier = binding_terms.draft(session, {}, effective_from=day(3, 25), by="o:1", now=now)
    with pytest.raises(Conflict, match="TERMS_SCHEDULED"):
        binding_terms.approve(session, version=earlier, by="o:2", now=now)
    assert binding_terms.in_effect(session, at=now - timedelta(days=1)) == binding_terms.Terms()
