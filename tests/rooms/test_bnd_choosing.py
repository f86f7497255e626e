"""What the member decides: BND-5, and the refusal of BND-6."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.clock import iso
from app.base.db import Tx
from app.base.errors import Conflict, NotFound
from app.relations.choosing import choose, my_clerk, on_offer, refuse
from app.relations.transferring import transfer
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
from tests.make import a_shop, count
from tests.people import set_clerk

pytestmark = pytest.mark.usefixtures("right_books")


@pytest.fixture
def session(tx: Tx) -> Any:
    with tx() as session:
        a_shop(session)
        more_places(session)
        yield session


def test_bnd_5_the_member_may_choose_another_clerk_while_protected(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    choose(session, member_id=member, clerk_code=ZHOU, now=day(3, 2))
    number = number_of(session, member)
    assert history(session, member) == [
        (LIN, "SZ-FT", day(3, 1), day(3, 2), "ACQUIRED", "touch"),
        (ZHOU, "SZ-NS", day(3, 2), None, "CUSTOMER", f"member:{number}"),
    ]
    # The acquisition is unchanged, and the decision is in the audit log.
    assert count(session, "acquisition a join clerk c on c.id = a.clerk_id", f"c.code = '{LIN}'") == 1
    assert count(session, "audit_entry", "action = 'binding.choose'") == 1


def test_bnd_5_the_member_may_choose_nobody_and_stays_in_the_store(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    choose(session, member_id=member, clerk_code=None, now=day(3, 2))
    assert history(session, member)[-1][:2] == (None, "SZ-FT")


def test_bnd_5_once_in_30_days(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    choose(session, member_id=member, clerk_code=ZHOU, now=day(3, 2))
    with pytest.raises(Conflict, match="CHOICE_LIMIT") as refused:
        choose(session, member_id=member, clerk_code=None, now=day(4, 1, 23))
    assert refused.value.facts == {"again_at": iso(day(4, 2, 0))}
    assert my_clerk(session, member_id=member, now=day(4, 1)).may_choose_at == day(4, 2, 0)
    assert len(history(session, member)) == 2
    choose(session, member_id=member, clerk_code=None, now=day(4, 2, 0))
    assert history(session, member)[-1][:2] == (None, "SZ-NS")
    assert my_clerk(session, member_id=member, now=day(6, 1)).may_choose_at is None


def test_bnd_5_the_same_choice_again_changes_nothing_and_counts_as_nothing(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    choose(session, member_id=member, clerk_code=LIN, now=day(3, 2))
    choose(session, member_id=member, clerk_code=ZHOU, now=day(3, 3))
    choose(session, member_id=member, clerk_code=ZHOU, now=day(3, 4))
    assert [row[0] for row in history(session, member)] == [LIN, ZHOU]


def test_bnd_5_whom_nobody_serves_may_choose_and_need_not(session: Session) -> None:
    member = int(
        session.execute(text("insert into member (number) values ('M-X') returning id")).scalar_one()
    )
    choose(session, member_id=member, clerk_code=None, now=day(3, 1))
    assert history(session, member) == []
    choose(session, member_id=member, clerk_code=HUANG, now=day(3, 1))
    assert history(session, member) == [(HUANG, "SZ-FT", day(3, 1), None, "CUSTOMER", "member:M-X")]


def test_bnd_5_only_clerks_who_take_customers_on_may_be_chosen(session: Session) -> None:
    [member] = members_of(session, LIN, 1)
    set_clerk(session, ZHOU, status="LEAVING", last_day=day(3, 31).date())
    set_clerk(session, ZHAO, member_id=member)
    with pytest.raises(Conflict, match="CLERK_NOT_AVAILABLE"):
        choose(session, member_id=member, clerk_code=ZHOU, now=day(3, 2))
    with pytest.raises(Conflict, match="SELF_SERVICE"):
        choose(session, member_id=member, clerk_code=ZHAO, now=day(3, 2))
    with pytest.raises(NotFound):
        choose(session, member_id=member, clerk_code="C-NOBODY", now=day(3, 2))
    assert len(history(session, member)) == 1
    assert [one.code for one in on_offer(session, store="SZ-NS", day=day(3, 2).date())] == [ZHAO]
    assert on_offer(session, store="NOWHERE", day=day(3, 2).date()) == []


def _transferred(session: Session) -> int:
    [member] = members_of(session, LIN, 1)
    transfer(
        session,
        member_number=number_of(session, member),
        to=HUANG,
        actor="clerk:C-SZFT-03",
        why="顾客要求",
        scope=BRAND,
        now=day(3, 2),
    )
    return member


def test_bnd_6_a_hand_over_may_be_refused_for_24_hours_and_leads_to_the_stores_pool(session: Session) -> None:
    member = _transferred(session)
    end = day(3, 2) + timedelta(hours=24)
    assert my_clerk(session, member_id=member, now=end).may_refuse_until == end
    refuse(session, member_id=member, now=end)
    refuse(session, member_id=member, now=end + timedelta(days=3))
    assert history(session, member)[-1][:5] == (None, "SZ-FT", end, None, "REFUSED")
    assert len(history(session, member)) == 3
    assert count(session, "handover_move", "state = 'REFUSED'") == 1
    assert my_clerk(session, member_id=member, now=end).may_refuse_until is None


def test_bnd_6_after_24_hours_or_without_a_hand_over_there_is_nothing_to_refuse(session: Session) -> None:
    member = _transferred(session)
    with pytest.raises(Conflict, match="NOTHING_TO_REFUSE"):
        refuse(session, member_id=member, now=day(3, 2) + timedelta(hours=24, seconds=1))
    [other] = members_of(session, ZHOU, 1)
    with pytest.raises(Conflict, match="NOTHING_TO_REFUSE"):
        refuse(session, member_id=other, now=day(3, 1))
    assert serving(session, [member, other]) == [(HUANG, "SZ-FT"), (ZHOU, "SZ-NS")]
