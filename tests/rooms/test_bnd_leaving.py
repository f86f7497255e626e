"""Leavers, transfers, moves and closings: BND-6 to BND-9, with the sheet's figures."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution.credit import resolve
from app.base.db import Tx
from app.base.errors import Conflict, Invalid, NotFound
from app.base.scope import Scope
from app.relations import handing_over
from app.relations.closing import close_store, end_contract, start_closing
from app.relations.leaving import Wish, hand_over, leave, leave_due, preview, start_leaving
from app.relations.moving import move_clerk
from app.relations.telling import words
from app.relations.transferring import transfer
from models.relations import HandoverKind, HandoverMode, HandoverState
from tests.bound import (
    BRAND,
    HUANG,
    LIN,
    ZHAO,
    ZHOU,
    day,
    history,
    members_of,
    more_places,
    number_of,
    serving,
)
from tests.make import a_clerk_login, a_shop, count
from tests.people import set_clerk, set_store

pytestmark = pytest.mark.usefixtures("right_books")

CHEN, HE, WANG = "C-SZFT-02", "C-SZFT-04", "C-WFTH-01"
EVEN = Wish(HandoverMode.EVEN_SPLIT)
BY: dict[str, Any] = {"actor": "operator:O-1", "why": "离职", "scope": BRAND}


@pytest.fixture
def session(tx: Tx) -> Any:
    with tx() as session:
        a_shop(session)
        more_places(session)
        yield session


def leaving(session: Session, clerk: str = LIN, last_day: date = date(2026, 3, 31)) -> None:
    start_leaving(session, clerk_code=clerk, last_day=last_day, now=day(3, 10), **BY)


def test_bnd_6_ten_members_over_three_clerks_are_4_3_3(session: Session) -> None:
    members = members_of(session, LIN, 10)
    members_of(session, CHEN, 2)
    leaving(session)
    told = preview(session, clerk_code=LIN, wish=EVEN, scope=BRAND, now=day(3, 11))
    assert [(part.clerk, part.members) for part in told.parts] == [(HUANG, 4), (CHEN, 3), (HE, 3)]
    assert (told.total, told.stay, count(session, "handover")) == (10, 0, 0)
    number = hand_over(session, clerk_code=LIN, wish=EVEN, now=day(3, 11), **BY)
    # Fewest members first, then the older clerk: 黄丽娜 before 何欣, then 陈嘉豪 who has two already.
    assert [clerk for clerk, _ in serving(session, members)] == [HUANG, HE, CHEN] * 3 + [HUANG]
    done = handing_over.progress(session, number, scope=BRAND)
    assert (done.state, done.total, done.moved, done.planned) == (HandoverState.DONE, 10, 10, 0)
    assert history(session, members[0])[-1][4:] == ("HANDOVER", "operator:O-1")


def test_bnd_6_all_to_one_or_to_the_pool_or_each_to_the_named(session: Session) -> None:
    first, second, third = members_of(session, LIN, 3)
    leaving(session)
    numbers = [number_of(session, member) for member in (first, second)]
    custom = Wish(HandoverMode.CUSTOM, custom={numbers[0]: ZHOU, numbers[1]: None})
    assert preview(session, clerk_code=LIN, wish=custom, scope=BRAND, now=day(3, 11)).stay == 1
    hand_over(session, clerk_code=LIN, wish=custom, now=day(3, 11), **BY)
    hand_over(session, clerk_code=LIN, wish=Wish(HandoverMode.ASSIGN, to=HE), now=day(3, 12), **BY)
    assert serving(session, [first, second, third]) == [(ZHOU, "SZ-NS"), (None, "SZ-FT"), (HE, "SZ-FT")]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (Wish(HandoverMode.ASSIGN, to=WANG), "OTHER_ENTITY"),
        (Wish(HandoverMode.ASSIGN, to="C-NOBODY"), "NOT_FOUND"),
        (Wish(HandoverMode.ASSIGN, to=ZHAO), "CLERK_NOT_AVAILABLE"),
        (Wish(HandoverMode.CUSTOM, custom={"M-UNKNOWN": HE}), "INVALID"),
        (Wish(HandoverMode.CUSTOM, custom={}), "INVALID"),
    ],
)
def test_bnd_6_a_hand_over_that_cannot_be_writes_nothing(session: Session, wish: Wish, code: str) -> None:
    members_of(session, LIN, 2)
    leaving(session)
    set_clerk(session, ZHAO, status="LEAVING")
    with pytest.raises((Conflict, NotFound, Invalid)) as refused:
        hand_over(session, clerk_code=LIN, wish=wish, now=day(3, 11), **BY)
    assert refused.value.code == code
    assert (count(session, "handover"), count(session, "service_binding", "valid_to is not null")) == (0, 0)


def test_bnd_6_without_anybody_else_at_the_store_the_members_must_be_assigned(session: Session) -> None:
    members_of(session, WANG, 1)
    leaving(session, WANG)
    with pytest.raises(Conflict, match="NO_HEIRS"):
        hand_over(session, clerk_code=WANG, wish=EVEN, now=day(3, 11), **BY)


def test_bnd_6_left_is_refused_while_members_are_bound(session: Session) -> None:
    members_of(session, LIN, 2)
    a_clerk_login(session, LIN)
    with pytest.raises(Conflict, match="NOT_LEAVING"):
        leave(session, clerk_code=LIN, now=day(4, 1), **BY)
    leaving(session)
    with pytest.raises(Conflict, match="LAST_DAY_TO_COME"):
        leave(session, clerk_code=LIN, now=day(3, 31, 23), **BY)
    with pytest.raises(Conflict, match="HANDOVER_FIRST") as refused:
        leave(session, clerk_code=LIN, now=day(4, 1, 0), **BY)
    assert refused.value.facts == {"members": 2}
    hand_over(session, clerk_code=LIN, wish=EVEN, now=day(3, 11), **BY)
    leave(session, clerk_code=LIN, now=day(4, 1, 0), **BY)
    assert count(session, "clerk", "code = 'C-SZFT-01' and status = 'LEFT'") == 1
    assert count(session, "clerk_link", "ended_at is null") == 0
    assert count(session, "login", "revoked_at is null") == 0


def test_bnd_6_the_daily_job_lets_go_who_has_nobody_left_and_names_the_others(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        more_places(session)
        members_of(session, LIN, 1)
        leaving(session)
        leaving(session, ZHOU)
        leaving(session, ZHAO, date(2026, 4, 1))
    assert leave_due(tx, now=day(4, 1, 0)) == [LIN]
    assert leave_due(tx, now=day(4, 1, 0)) == [LIN]
    with tx() as session:
        rows = session.execute(
            text("select code, status from clerk where last_day is not null order by code")
        )
        assert [tuple(row) for row in rows] == [(LIN, "LEAVING"), (ZHOU, "LEFT"), (ZHAO, "LEAVING")]


def test_bnd_6_a_hand_over_goes_on_where_it_was_interrupted(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        more_places(session)
        members = members_of(session, LIN, handing_over.CHUNK + 50)
        leaving(session)
        number = hand_over(session, clerk_code=LIN, wish=EVEN, now=day(3, 11), **BY)
        assert count(session, "procrastinate_jobs", "task_name = 'hand_over'") == 1
        assert handing_over.progress(session, number, scope=BRAND).planned == 50
        with pytest.raises(Conflict, match="HANDOVER_RUNNING"):
            hand_over(session, clerk_code=LIN, wish=EVEN, now=day(3, 11), **BY)
        handover_id = session.execute(text("select id from handover")).scalar_one()
        # One went elsewhere meanwhile.
        choice = members[-1]
        session.execute(
            text("update service_binding set valid_to = :at where member_id = :m and valid_to is null"),
            {"m": choice, "at": day(3, 11)},
        )
    with tx() as session:
        assert handing_over.go_on(session, handover_id=handover_id, now=day(3, 11), limit=20)
    assert handing_over.resume(tx, now=day(3, 12)) == 1
    assert handing_over.resume(tx, now=day(3, 12)) == 0
    assert handing_over.run(tx, handover_id=handover_id, now=day(3, 12)) == 1
    with tx() as session:
        done = handing_over.progress(session, number, scope=BRAND)
        assert (done.state, done.moved, done.skipped) == (HandoverState.DONE, handing_over.CHUNK + 49, 1)
        counts = Counter(clerk for clerk, _ in serving(session, members[:-1]))
        assert max(counts.values()) - min(counts.values()) <= 1
        assert count(session, "service_binding", "reason = 'HANDOVER'") == handing_over.CHUNK + 49


def test_bnd_6_only_members_whom_wechat_lets_us_write_to_are_told(session: Session) -> None:
    now = day(3, 11)
    first, second = members_of(session, LIN, 2)
    spoke = text("update identity set spoke_at = :at, followed = :followed where member_id = :m")
    session.execute(spoke, {"m": first, "at": now, "followed": True})
    session.execute(spoke, {"m": second, "at": now, "followed": False})
    leaving(session)
    hand_over(session, clerk_code=LIN, wish=EVEN, now=now, **BY)
    told = session.execute(
        text("select args ->> 'member_id' from procrastinate_jobs where task_name = 'tell_handover'")
    )
    assert [int(one) for one in told.scalars()] == [first]
    assert "24小时内" in words(HandoverKind.LEAVER, "林晓雨", "何欣", "福田店", 24)
    assert "拒绝" not in words(HandoverKind.LEAVER, "林晓雨", None, "福田店", 24)


def test_bnd_6_another_store_or_company_sees_no_such_clerk(session: Session) -> None:
    members_of(session, LIN, 1)
    for scope in (Scope(store="SZ-NS"), Scope(entity="E-WF1")):
        by = {**BY, "scope": scope}
        with pytest.raises(NotFound):
            start_leaving(session, clerk_code=LIN, last_day=date(2026, 3, 31), now=day(3, 10), **by)
        leaving(session)
        with pytest.raises(NotFound):
            hand_over(session, clerk_code=LIN, wish=EVEN, now=day(3, 11), **by)
    assert count(session, "handover") == 0


def _transfer(session: Session, member: int, to: str, at: Any, scope: Scope = BRAND) -> None:
    number = number_of(session, member)
    transfer(session, member_number=number, to=to, actor="operator:O-1", why="调整", scope=scope, now=at)


def test_bnd_7_the_third_transfer_within_90_days_is_refused(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    _transfer(session, member, HUANG, day(3, 2))
    _transfer(session, member, HUANG, day(3, 3))
    _transfer(session, member, ZHOU, day(3, 20))
    with pytest.raises(Conflict, match="TRANSFER_LIMIT"):
        _transfer(session, member, LIN, day(5, 31, 23))
    assert serving(session, [member]) == [(ZHOU, "SZ-NS")]
    # The first one counts until the end of its 90th day, 05-31.
    _transfer(session, member, LIN, day(6, 1, 0))
    with pytest.raises(Conflict, match="TRANSFER_LIMIT"):
        _transfer(session, member, HUANG, day(6, 2))
    assert count(session, "audit_entry", "action = 'binding.transfer'") == 3


def test_bnd_7_leaver_moves_do_not_count(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    _transfer(session, member, HUANG, day(3, 2))
    leaving(session, HUANG)
    hand_over(session, clerk_code=HUANG, wish=Wish(HandoverMode.ASSIGN, to=HE), now=day(3, 11), **BY)
    _transfer(session, member, CHEN, day(3, 12))
    assert [row[4] for row in history(session, member)] == ["ACQUIRED", "TRANSFER", "HANDOVER", "TRANSFER"]


def test_bnd_7_nobody_moves_a_member_out_of_sight_or_to_another_company(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    with pytest.raises(NotFound):
        _transfer(session, member, ZHOU, day(3, 2), Scope(store="SZ-NS"))
    with pytest.raises(NotFound):
        _transfer(session, member, ZHOU, day(3, 2), Scope(store="SZ-FT"))
    with pytest.raises(Conflict, match="OTHER_ENTITY"):
        _transfer(session, member, WANG, day(3, 2))
    assert (len(history(session, member)), count(session, "handover")) == (1, 0)


def test_bnd_8_within_one_company_the_members_follow_the_clerk(session: Session) -> None:
    members = members_of(session, LIN, 3)
    number = move_clerk(session, clerk_code=LIN, to_store="SZ-NS", now=day(3, 11), **BY)
    assert move_clerk(session, clerk_code=LIN, to_store="SZ-NS", now=day(3, 11), **BY) is None
    assert serving(session, members) == [(LIN, "SZ-NS")] * 3
    assert handing_over.progress(session, str(number), scope=BRAND).moved == 3
    assert history(session, members[0])[-1][4] == "MOVED"
    assert count(session, "acquisition a join store s on s.id = a.store_id", "s.code = 'SZ-FT'") == 3


def test_bnd_8_to_another_company_they_stay_in_the_old_stores_pool(session: Session) -> None:
    members = members_of(session, LIN, 2)
    move_clerk(session, clerk_code=LIN, to_store="WF-TH", now=day(3, 11), **BY)
    assert serving(session, members) == [(None, "SZ-FT")] * 2
    with pytest.raises(NotFound):
        move_clerk(
            session, clerk_code=LIN, to_store="SZ-FT", now=day(3, 11), **{**BY, "scope": Scope("E-HQ")}
        )


def closing(session: Session, successor: str | None = "SZ-NS") -> None:
    start_closing(
        session, store_code="SZ-FT", closing_on=date(2026, 6, 30), successor=successor, now=day(6, 1), **BY
    )


def gone(session: Session) -> None:
    session.execute(
        text(
            "update clerk set store_id = (select id from store where code = 'SZ-NS') where store_id ="
            " (select id from store where code = 'SZ-FT')"
        )
    )


def test_bnd_9_forty_members_go_to_the_successor(session: Session) -> None:
    members = members_of(session, None, 40)
    closing(session)
    with pytest.raises(Conflict, match="CLERKS_FIRST"):
        close_store(session, store_code="SZ-FT", now=day(7, 1), **BY)
    gone(session)
    close_store(session, store_code="SZ-FT", now=day(7, 1), **BY)
    assert close_store(session, store_code="SZ-FT", now=day(7, 1), **BY) is None
    assert serving(session, members) == [(None, "SZ-NS")] * 40
    assert count(session, "store", "code = 'SZ-FT' and status = 'CLOSED'") == 1


def test_bnd_9_without_a_successor_of_the_same_company_to_head_office(session: Session) -> None:
    members = members_of(session, None, 2, store="WF-TH")
    where = {"store_code": "WF-TH", "closing_on": date(2026, 6, 30), "now": day(6, 1), **BY}
    with pytest.raises(Conflict, match="OTHER_ENTITY"):
        start_closing(session, successor="SZ-FT", **where)
    start_closing(session, successor=None, **where)
    session.execute(text("update clerk set status = 'LEFT' where code = 'C-WFTH-01'"))
    close_store(session, store_code="WF-TH", now=day(7, 1), **BY)
    assert serving(session, members) == [(None, "ONLINE")] * 2


def test_bnd_9_who_comes_after_the_plan_goes_the_same_way(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        more_places(session)
        members = members_of(session, None, handing_over.CHUNK + 1)
        closing(session)
        gone(session)
        close_store(session, store_code="SZ-FT", now=day(7, 1), **BY)
        assert count(session, "store", "status = 'CLOSED'") == 0
        late = int(
            session.execute(text("insert into member (number) values ('M-LATE') returning id")).scalar_one()
        )
        session.execute(
            text(
                "insert into service_binding (member_id, store_id, valid_from, reason, actor)"
                " select :m, id, :at, 'REFUSED', 'test' from store where code = 'SZ-FT'"
            ),
            {"m": late, "at": day(7, 1)},
        )
        handover_id = session.execute(text("select id from handover")).scalar_one()
    handing_over.run(tx, handover_id=handover_id, now=day(7, 1) + timedelta(minutes=1))
    with tx() as session:
        assert set(serving(session, [*members, late])) == {(None, "SZ-NS")}
        assert count(session, "store", "status = 'CLOSED'") == 1


def _acq_store(session: Session, member: int, at: Any) -> str | None:
    found = resolve(
        session,
        member_id=member,
        categories={"apparel"},
        selling_entity="E-HQ",
        selling_ownership="DIRECT",
        fulfil_store="SZ-NS",
        at=at,
    )["apparel"]
    return next((p["party"] for p in found["parties"] if p["role"] == "ACQ_STORE"), None)


def test_bnd_9_after_closing_the_acquisition_earns_for_the_company_while_its_contract_lasts(
    session: Session,
) -> None:
    [member] = members_of(session, None, 1, store="WF-TH")
    assert _acq_store(session, member, day(6, 30)) == "store:WF-TH"
    set_store(session, "WF-TH", status="CLOSED")
    session.execute(text("update service_binding set valid_to = :at"), {"at": day(6, 30)})
    assert _acq_store(session, member, day(7, 1)) == "entity:E-WF1"
    end_contract(
        session,
        entity_code="E-WF1",
        last_day=date(2026, 12, 31),
        actor="operator:O-1",
        why="到期",
        now=day(7, 1),
    )
    assert _acq_store(session, member, day(12, 31)) == "entity:E-WF1"
    # Nobody's share: head office has it (SPL-5).
    assert _acq_store(session, member, day(1, 1, year=2027)) is None


def test_clw_4_future_shares_of_a_leaver_go_to_the_stores_pool_and_to_the_new_clerk(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    leaving(session)
    hand_over(session, clerk_code=LIN, wish=Wish(HandoverMode.ASSIGN, to=HE), now=day(3, 11), **BY)
    leave(session, clerk_code=LIN, now=day(4, 1), **BY)
    found = resolve(
        session,
        member_id=member,
        categories={"apparel"},
        selling_entity="E-HQ",
        selling_ownership="DIRECT",
        fulfil_store="SZ-NS",
        at=day(4, 2),
    )["apparel"]
    roles = {p["role"]: (p["party"], p["because"]) for p in found["parties"]}
    assert roles["ACQ_CLERK"] == ("store:SZ-FT", "ACQUIRING_CLERK_LEFT")
    assert roles["SVC_CLERK"] == (f"clerk:{HE}", "SERVES_HANDOVER")
