"""Any sequence of touches, choices, hand-overs, transfers, moves and closings keeps one binding per moment."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Refusal
from app.relations.choosing import choose, refuse
from app.relations.closing import close_store, start_closing
from app.relations.leaving import Wish, hand_over, leave, start_leaving
from app.relations.moving import move_clerk
from app.relations.transferring import transfer
from models.relations import HandoverMode
from scripts.check_books import broken, report
from tests.bound import BRAND, HUANG, LIN, ZHAO, ZHOU, day, members_of, more_places, number_of
from tests.make import a_shop, count
from tests.people import a_code, a_fan, a_scan
from tests.racing import at_once

CLERKS = (LIN, HUANG, ZHOU, ZHAO)
STORES = ("SZ-FT", "SZ-NS", "WF-TH", "ONLINE")
BY: dict[str, Any] = {"actor": "operator:O-1", "why": "x", "scope": BRAND}

_steps = st.one_of(
    st.tuples(st.just("scan"), st.integers(0, 3), st.sampled_from(CLERKS)),
    st.tuples(st.just("choose"), st.integers(0, 3), st.sampled_from((*CLERKS, None))),
    st.tuples(st.just("refuse"), st.integers(0, 3), st.none()),
    st.tuples(st.just("transfer"), st.integers(0, 3), st.sampled_from(CLERKS)),
    st.tuples(st.just("leaving"), st.just(0), st.sampled_from(CLERKS)),
    st.tuples(st.just("hand_over"), st.just(0), st.sampled_from(CLERKS)),
    st.tuples(st.just("leave"), st.just(0), st.sampled_from(CLERKS)),
    st.tuples(st.just("move"), st.integers(0, 3), st.sampled_from(CLERKS)),
    st.tuples(st.just("closing"), st.integers(0, 3), st.none()),
    st.tuples(st.just("close"), st.integers(0, 3), st.none()),
)


def act(session: Session, members: list[int], step: tuple[str, int, Any], now: Any) -> None:
    what, number, code = step
    member = members[number]
    match what:
        case "scan":
            fan = a_fan(session, f"fan-{number}", now=now)
            a_scan(session, fan, f"c-{code.lower()}", at=now)
        case "choose":
            choose(session, member_id=member, clerk_code=code, now=now)
        case "refuse":
            refuse(session, member_id=member, now=now)
        case "transfer":
            transfer(session, member_number=number_of(session, member), to=code, now=now, **BY)
        case "leaving":
            last_day = (now + timedelta(days=1)).date()
            start_leaving(session, clerk_code=code, last_day=last_day, now=now, **BY)
        case "hand_over":
            hand_over(session, clerk_code=code, wish=Wish(HandoverMode.EVEN_SPLIT), now=now, **BY)
        case "leave":
            leave(session, clerk_code=code, now=now, **BY)
        case "move":
            move_clerk(session, clerk_code=code, to_store=STORES[number], now=now, **BY)
        case "closing":
            start_closing(
                session, store_code=STORES[number], closing_on=now.date(), successor=None, now=now, **BY
            )
        case "close":
            close_store(session, store_code=STORES[number], now=now, **BY)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(_steps, st.integers(0, 40)), max_size=25))
def test_bnd_2_to_bnd_9_any_sequence_leaves_one_binding_at_every_moment(
    tx: Tx, steps: list[tuple[tuple[str, int, Any], int]]
) -> None:
    with tx() as session:
        a_shop(session)
        more_places(session)
        for code in CLERKS:
            a_code(session, code)
        members = []
        for number in range(4):
            fan = a_fan(session, f"fan-{number}", now=day(3, 1))
            a_scan(session, fan, f"c-{LIN.lower()}", at=day(3, 1))
            members.append(fan.member_id)
        now = day(3, 1)
        for step, days in steps:
            now += timedelta(days=days, minutes=1)
            try:
                with session.begin_nested():
                    act(session, members, step, now)
            except Refusal:
                pass
            assert count(session, "service_binding", "valid_to is null") == 4
        found = broken(session.connection())
        assert not found, report(found)
        _unbroken(session)
        session.rollback()


def _unbroken(session: Session) -> None:
    gaps = session.execute(
        text(
            "select 1 from (select valid_from, lag(valid_to) over (partition by member_id order by id) as before"
            " from service_binding where valid_to is null or valid_to > valid_from) b"
            " where before is distinct from valid_from and before is not null"
        )
    )
    assert gaps.first() is None


def test_bnd_5_bnd_6_bnd_4_a_choice_a_hand_over_and_scans_at_once_leave_one_binding(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        more_places(session)
        [member] = members_of(session, LIN, 1)
        for code in (ZHOU, ZHAO):
            a_code(session, code)
        start_leaving(session, clerk_code=LIN, last_day=day(6, 1).date(), now=day(5, 1), **BY)
    now = day(5, 2)

    def work(number: int) -> None:
        try:
            with tx() as session:
                match number % 3:
                    case 0:
                        choose(session, member_id=member, clerk_code=HUANG, now=now)
                    case 1:
                        hand_over(session, clerk_code=LIN, wish=Wish(HandoverMode.EVEN_SPLIT), now=now, **BY)
                    case _:
                        fan = a_fan(session, f"{LIN}-030112-0", now=now)
                        a_scan(session, fan, f"c-{ZHOU.lower()}", at=now, key=f"race-{number}")
        except Refusal:
            pass

    at_once(15, work)
    with tx() as session:
        assert count(session, "service_binding", f"member_id = {member} and valid_to is null") == 1
        assert count(session, "service_binding", "reason = 'CUSTOMER'") <= 1
        found = broken(session.connection())
        assert not found, report(found)
        _unbroken(session)
