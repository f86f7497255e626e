"""BND-11: off by default; seven days, registered, still following, at most 20 a day, frozen, in the ledger once."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.attribution import binding_terms
from app.base.db import Tx
from app.ledger.reading import balance_fen
from app.members.meeting import lost_follower
from app.relations import bounty
from tests.bound import LIN, ZHOU, day, members_of, more_places
from tests.make import a_shop, count
from tests.people import OA
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("right_books")

JUDGED = day(3, 9, 0)  # bound on 03-01: the seventh day, 03-08, has ended


def switch_on(session: Session, **terms: object) -> None:
    version = binding_terms.draft(
        session, {"bounty_on": True, **terms}, effective_from=day(1, 1), by="o:1", now=day(1, 1)
    )
    binding_terms.approve(session, version=version, by="o:2", now=day(1, 1))


def register(session: Session, members: list[int], at: datetime | None = None) -> None:
    session.execute(
        text("update member set phone_verified_at = :at where id = any(:ids)"),
        {"at": at or day(3, 2), "ids": members},
    )


def judged(session: Session) -> list[tuple[Any, ...]]:
    rows = session.execute(
        text("select place, amount_fen, state, reason from bounty order by place nulls last, member_id")
    )
    return [tuple(row) for row in rows]


def run(tx: Tx, now: datetime) -> int:
    found = bounty.judge_due(tx, now=now)
    with tx() as session:
        bounty.release_due(session, now=now)
    return found


def test_bnd_11_is_off_by_default(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        register(session, members_of(session, LIN, 1))
    assert run(tx, JUDGED) == 0
    with tx() as session:
        assert count(session, "bounty") == 0


def prepared(tx: Tx, how_many: int = 1, clerk: str = LIN, **terms: object) -> list[int]:
    with tx() as session:
        a_shop(session)
        more_places(session)
        switch_on(session, **terms)
        members = members_of(session, clerk, how_many)
        register(session, members)
    return members


def test_bnd_11_a_qualified_member_earns_200_fen_frozen_for_7_days_once(tx: Tx) -> None:
    prepared(tx)
    assert run(tx, day(3, 8, 23)) == 0
    assert [run(tx, JUDGED), run(tx, JUDGED)] == [1, 0]
    with tx() as session:
        assert judged(session) == [(1, 200, "FROZEN", None)]
        assert balance_fen(session, f"bounty:frozen:clerk:{LIN}") == 200
    run(tx, day(3, 16, 23))
    with tx() as session:
        assert judged(session)[0][2] == "FROZEN"
    run(tx, day(3, 17, 0))
    run(tx, day(3, 17, 0))
    with tx() as session:
        assert judged(session)[0][2] == "PAYABLE"
        assert balance_fen(session, f"bounty:payable:clerk:{LIN}") == 200
        assert balance_fen(session, "expense:bounty:E-HQ") == -200
        assert count(session, "ledger_transfer") == 2


def test_bnd_11_at_most_20_per_clerk_and_day(tx: Tx) -> None:
    prepared(tx, 22)
    assert run(tx, JUDGED) == 22
    with tx() as session:
        states = [row[2] for row in judged(session)]
        assert (states.count("FROZEN"), states.count("DROPPED")) == (20, 2)
        assert count(session, "bounty", "reason = 'DAY_IS_FULL'") == 2
        assert balance_fen(session, f"bounty:frozen:clerk:{LIN}") == 20 * 200


def test_bnd_11_who_is_not_registered_not_following_or_was_known_brings_nothing(tx: Tx) -> None:
    members = prepared(tx, 5)
    with tx() as session:
        register(session, members[:1], day(3, 9, 0))
        for number, at in ((1, day(3, 5)), (2, day(3, 9, 1))):
            lost_follower(session, appid=OA, openid=f"{LIN}-030112-{number}", at=at)
        session.execute(
            text("update member set created_at = :at where id = :id"), {"at": day(2, 1), "id": members[3]}
        )
    run(tx, day(3, 10))
    with tx() as session:
        rows = session.execute(text("select member_id, reason from bounty order by member_id"))
        assert [tuple(row) for row in rows] == [
            (members[0], "NOT_REGISTERED"),
            (members[1], "NOT_FOLLOWING"),
            (members[2], None),  # unfollowed only after the seventh day
            (members[3], "KNOWN_BEFORE"),
            (members[4], None),
        ]


def test_bnd_10_bnd_11_whoever_brings_a_fan_back_gets_no_bounty(tx: Tx) -> None:
    """Acquired by A on 03-01, unfollowed 03-05, refollowed by B on 03-06: A's bounty, none for B."""
    [member] = prepared(tx)
    with tx() as session:
        openid = f"{LIN}-030112-0"
        lost_follower(session, appid=OA, openid=openid, at=day(3, 5))
        back = text("update identity set followed = true, follow_changed_at = :at where openid = :o")
        session.execute(back, {"at": day(3, 6), "o": openid})
    run(tx, JUDGED)
    with tx() as session:
        rows = session.execute(
            text("select b.member_id, c.code from bounty b join clerk c on c.id = b.clerk_id")
        )
        assert [tuple(row) for row in rows] == [(member, LIN)]
        assert balance_fen(session, f"bounty:frozen:clerk:{ZHOU}") == 0


def test_bnd_11_a_merge_that_gives_the_acquisition_to_another_takes_a_frozen_bounty_back(tx: Tx) -> None:
    [member] = prepared(tx)
    run(tx, JUDGED)
    with tx() as session:
        older = session.execute(
            text("insert into member (number) values ('M-OLD') returning id")
        ).scalar_one()
        session.execute(text("update member set alias_of = :to where id = :id"), {"to": older, "id": member})
    run(tx, day(3, 20))
    with tx() as session:
        assert judged(session) == [(1, 200, "TAKEN_BACK", "ACQUIRED_BY_ANOTHER")]
        assert balance_fen(session, f"bounty:frozen:clerk:{LIN}") == 0
        assert balance_fen(session, "expense:bounty:E-HQ") == 0


def test_bnd_11_judged_by_many_workers_at_once_each_member_is_paid_once(tx: Tx) -> None:
    prepared(tx, 6)
    at_once(6, lambda _: run(tx, JUDGED + timedelta(hours=1)))
    with tx() as session:
        assert sorted(row[0] for row in judged(session)) == [1, 2, 3, 4, 5, 6]
        assert balance_fen(session, f"bounty:frozen:clerk:{LIN}") == 6 * 200
