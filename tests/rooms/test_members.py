"""Members on a real database: meeting, merging, what is known of a member."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.attribution.adopting import adopt
from app.base.db import Tx
from app.members.meeting import Met, learn_unionid, meet
from app.members.standing import bought, standing
from models.members import AppKind
from tests.make import VAULT, a_shop, count
from tests.people import a_code, a_fan, a_scan, set_clerk
from tests.racing import at_once
from tests.telephone import MP, OA

pytestmark = pytest.mark.usefixtures("right_books")

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def user(session: Session, openid: str = "user-1", unionid: str | None = None) -> Met:
    return meet(session, app=AppKind.MP, appid=MP, openid=openid, unionid=unionid, now=NOW)


def test_mrg_1_the_same_openid_is_the_same_member(tx: Tx) -> None:
    with tx() as session:
        first, again = a_fan(session), a_fan(session)
        assert (first.is_new, again.is_new) == (True, False)
        assert (first.member_id, first.identity_id) == (again.member_id, again.identity_id)
        assert a_fan(session, "fan-2").member_id != first.member_id


def test_mrg_1_fifty_first_meetings_at_once_make_one_member(tx: Tx) -> None:
    def work(_: int) -> int:
        with tx() as session:
            return a_fan(session).member_id

    assert len(set(at_once(50, work))) == 1
    with tx() as session:
        assert (count(session, "member"), count(session, "identity")) == (1, 1)


def test_mrg_1_a_unionid_joins_fan_and_user_at_the_first_meeting(tx: Tx) -> None:
    with tx() as session:
        fan = meet(session, app=AppKind.OA, appid=OA, openid="fan-1", unionid="U", now=NOW)
        assert user(session, unionid="U").member_id == fan.member_id
        assert count(session, "member") == 1


def test_mrg_1_two_apps_that_meet_one_person_at_once_make_one_member(tx: Tx) -> None:
    def work(number: int) -> int:
        app, appid = ((AppKind.OA, OA), (AppKind.MP, MP))[number % 2]
        with tx() as session:
            return meet(session, app=app, appid=appid, openid="o", unionid="U", now=NOW).member_id

    assert len(set(at_once(20, work))) == 1
    with tx() as session:
        assert (count(session, "member"), count(session, "identity")) == (1, 2)


def test_mrg_1_the_database_refuses_two_members_of_one_unionid(tx: Tx) -> None:
    with tx() as session:
        a_fan(session, "one")
        a_fan(session, "two")
    with pytest.raises(IntegrityError), tx() as session:
        session.execute(text("update identity set unionid = 'U'"))


def test_mrg_2_a_late_unionid_makes_the_younger_member_an_alias_of_the_older(tx: Tx) -> None:
    with tx() as session:
        fan = a_fan(session, now=NOW)
        later = meet(session, app=AppKind.MP, appid=MP, openid="u", unionid="U", now=NOW + timedelta(days=9))
        session.execute(
            text("update member set phone_hash = 'h', customer_since = :at where id = :id"),
            {"id": later.member_id, "at": NOW},
        )
        survivor = learn_unionid(session, identity_id=fan.identity_id, unionid="U", now=NOW)
        assert survivor == fan.member_id
        assert count(session, "identity", f"member_id = {survivor}") == 2
        assert count(session, "member", f"id = {later.member_id} and alias_of = {survivor}") == 1
        kept = session.execute(
            text("select phone_hash, customer_since from member where id = :id"), {"id": survivor}
        ).one()
        assert tuple(kept) == ("h", NOW)
        jobs = session.execute(text("select task_name, args from procrastinate_jobs")).all()
        assert [(job.task_name, job.args) for job in jobs] == [
            ("member_merged", {"survivor_id": survivor, "loser_id": later.member_id})
        ]
        assert learn_unionid(session, identity_id=fan.identity_id, unionid="U", now=NOW) == survivor
        assert count(session, "member_merge") == 1


def test_mrg_2_an_alias_of_an_alias_points_to_the_last_survivor(tx: Tx) -> None:
    with tx() as session:
        oldest = a_fan(session, "a", now=NOW)
        middle = user(session, "b", "U")
        session.execute(
            text("update member set created_at = :at where id = :id"),
            {"at": NOW + timedelta(1), "id": middle.member_id},
        )
        youngest = meet(session, app=AppKind.OA, appid="wx-other", openid="c", now=NOW + timedelta(2))
        learn_unionid(session, identity_id=youngest.identity_id, unionid="U", now=NOW)
        learn_unionid(session, identity_id=oldest.identity_id, unionid="U", now=NOW)
        assert count(session, "member", f"alias_of = {oldest.member_id}") == 2
        assert count(session, "identity", f"member_id = {oldest.member_id}") == 3


def test_mrg_2_merges_and_meetings_at_once_end_in_one_member(tx: Tx) -> None:
    with tx() as session:
        fan = a_fan(session)
        user(session, "user-1", "U")

    def work(number: int) -> int:
        with tx() as session:
            if number % 3 == 0:
                return learn_unionid(session, identity_id=fan.identity_id, unionid="U", now=NOW)
            if number % 3 == 1:
                return a_fan(session).member_id
            return user(session, unionid="U").member_id

    at_once(24, work)
    with tx() as session:
        assert count(session, "member", "alias_of is null") == 1
        assert count(session, "member_merge") == 1
        assert a_fan(session).member_id == user(session, unionid="U").member_id


def test_mrg_4_mrg_5_the_earlier_acquisition_and_the_later_service_stay(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session, now=NOW)
        shopper = user(session, unionid="U")
        a_scan(session, fan, a_code(session, "C-SZFT-01"), at=NOW)
        a_scan(session, shopper, a_code(session, "C-SZNS-01"), at=NOW + timedelta(days=9))
        bought(session, member_id=shopper.member_id, at=NOW + timedelta(days=11))
        survivor = learn_unionid(session, identity_id=fan.identity_id, unionid="U", now=NOW)
        loser = ({fan.member_id, shopper.member_id} - {survivor}).pop()
        for _ in range(2):
            adopt(session, survivor_id=survivor, loser_id=loser, now=NOW + timedelta(days=14))
        kept = session.execute(
            text(
                "select a.kind, c.code from acquisition a join clerk c on c.id = a.clerk_id"
                " where a.member_id = :id"
            ),
            {"id": survivor},
        ).one()
        assert tuple(kept) == ("ACQUISITION", "C-SZFT-01")
        serves = session.execute(
            text(
                "select b.member_id, c.code from service_binding b join clerk c on c.id = b.clerk_id"
                " where b.valid_to is null"
            )
        ).all()
        assert [tuple(row) for row in serves] == [(survivor, "C-SZNS-01")]


def test_mrg_4_a_clerk_who_turns_out_to_be_the_fan_loses_the_acquisition(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        fan = a_fan(session)
        a_scan(session, fan, a_code(session, "C-SZFT-01"), at=NOW)
        clerk = user(session, unionid="U")
        set_clerk(session, "C-SZFT-01", member_id=clerk.member_id)
        survivor = learn_unionid(session, identity_id=fan.identity_id, unionid="U", now=NOW)
        loser = ({fan.member_id, clerk.member_id} - {survivor}).pop()
        adopt(session, survivor_id=survivor, loser_id=loser, now=NOW)
        assert count(session, "acquisition", f"member_id = {survivor}") == 0
        assert count(session, "service_binding", "valid_to is null") == 0


def test_bnd_1_the_first_purchase_is_remembered_for_the_survivor(tx: Tx) -> None:
    with tx() as session:
        fan = a_fan(session)
        bought(session, member_id=fan.member_id, at=NOW + timedelta(days=2))
        bought(session, member_id=fan.member_id, at=NOW)
        bought(session, member_id=fan.member_id, at=NOW + timedelta(days=5))
        assert standing(session, VAULT, member_id=fan.member_id).customer_since == NOW
