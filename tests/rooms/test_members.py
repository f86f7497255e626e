"""Members on a real database: meeting, logins, codes used twice, phones, clerks, merging."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.attribution.adopting import adopt
from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, Refusal, Unauthenticated, Unreachable
from app.members.callers import Caller, find_caller
from app.members.clerks import log_in_clerk
from app.members.learning import learn_fan
from app.members.logins import Opened, end_clerk_logins, log_in_shopper, log_out
from app.members.meeting import Met, learn_unionid, meet
from app.members.phones import hash_phone, verify_phone
from app.members.standing import bought, standing
from models.members import AppKind
from tests.make import VAULT, a_shop, count
from tests.people import a_code, a_fan, a_scan, set_clerk
from tests.racing import at_once
from tests.telephone import MP, OA, Telephone, a_telephone

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
TTL_S = 3600
NUMBER = "13800000001"


@pytest.fixture
def phone() -> Iterator[Telephone]:
    with a_telephone() as telephone:
        yield telephone


def shop_login(tx: Tx, phone: Telephone, code: str, *, now: datetime = NOW) -> Opened:
    return log_in_shopper(tx, phone.mp, VAULT, appid=MP, code=code, now=now, ttl_s=TTL_S)


def clerk_login(tx: Tx, phone: Telephone, code: str, phone_code: str | None = None) -> Opened:
    return log_in_clerk(tx, phone.mp, VAULT, appid=MP, code=code, phone_code=phone_code, now=NOW, ttl_s=TTL_S)


def user(session: Session, openid: str = "user-1", unionid: str | None = None) -> Met:
    return meet(session, app=AppKind.MP, appid=MP, openid=openid, unionid=unionid, now=NOW)


def who(tx: Tx, token: str, *, now: datetime = NOW) -> Caller | None:
    with tx() as session:
        return find_caller(session, token, now=now)


def refused(work: object) -> tuple[type[Refusal], str, str]:
    with pytest.raises(Refusal) as refusal:
        work()  # type: ignore[operator]  # a lambda
    return type(refusal.value), refusal.value.code, refusal.value.detail


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


def test_a_login_opens_a_token_that_only_its_owner_holds(tx: Tx, phone: Telephone) -> None:
    phone.accounts["c1"] = {"openid": "user-1", "unionid": "U"}
    opened = shop_login(tx, phone, "c1")
    caller = who(tx, opened.token)
    assert caller is not None
    assert (caller.audience, caller.member_number, caller.openid) == (
        "SHOPPER",
        opened.member_number,
        "user-1",
    )
    assert len(opened.token) == 43
    assert opened.token not in repr(opened)
    with tx() as session:
        assert count(session, "login", f"token_hash = '{opened.token}'") == 0
    assert who(tx, opened.token, now=NOW + timedelta(seconds=TTL_S)) is None
    with tx() as session:
        log_out(session, token_hash=caller.token_hash, now=NOW)
    assert who(tx, opened.token) is None


def test_a_login_code_used_twice_is_refused_without_asking_wechat(tx: Tx, phone: Telephone) -> None:
    phone.accounts["c1"] = {"openid": "user-1"}
    shop_login(tx, phone, "c1")
    assert refused(lambda: shop_login(tx, phone, "c1"))[:2] == (Unauthenticated, "CODE_USED")
    assert phone.count("/sns/jscode2session") == 1


def test_twenty_logins_with_one_code_open_exactly_one(tx: Tx, phone: Telephone) -> None:
    phone.accounts["c1"] = {"openid": "user-1"}

    def work(_: int) -> str:
        try:
            return shop_login(tx, phone, "c1").token
        except Unauthenticated as error:
            return error.code

    results = at_once(20, work)
    assert results.count("CODE_USED") == 19
    with tx() as session:
        assert count(session, "login") == 1
    assert phone.count("/sns/jscode2session") == 1


def test_a_code_that_wechat_refuses_opens_nothing(tx: Tx, phone: Telephone) -> None:
    assert refused(lambda: shop_login(tx, phone, "never"))[:2] == (Unauthenticated, "CODE_REFUSED")
    with tx() as session:
        assert (count(session, "login"), count(session, "member")) == (0, 0)


def test_a_code_survives_a_dead_line(tx: Tx, phone: Telephone) -> None:
    phone.accounts["c1"] = {"openid": "user-1"}
    phone.dead.add("/sns/jscode2session")
    assert refused(lambda: shop_login(tx, phone, "c1"))[:2] == (Unreachable, "WECHAT_UNAVAILABLE")
    phone.dead.clear()
    assert shop_login(tx, phone, "c1").is_new_member


def test_the_unionid_of_a_fan_is_learned_after_the_push(tx: Tx, phone: Telephone) -> None:
    phone.accounts["c1"] = {"openid": "user-1", "unionid": "U"}
    phone.fans = {"fan-1": "U", "fan-2": None}
    with tx() as session:
        fan, other = a_fan(session), a_fan(session, "fan-2")
    opened = shop_login(tx, phone, "c1", now=NOW + timedelta(days=1))
    assert opened.member_id != fan.member_id
    assert learn_fan(tx, phone.oa, identity_id=fan.identity_id, now=NOW) is True
    caller = who(tx, opened.token)
    assert caller is not None
    assert caller.member_id == fan.member_id
    assert learn_fan(tx, phone.oa, identity_id=fan.identity_id, now=NOW) is False
    assert learn_fan(tx, phone.oa, identity_id=other.identity_id, now=NOW) is False


def test_cns_3_a_phone_is_kept_sealed_and_hashed(tx: Tx, phone: Telephone) -> None:
    phone.phones["p1"] = NUMBER
    with tx() as session:
        member = user(session)
    facts = {"member_id": member.member_id, "openid": "user-1"}
    assert verify_phone(tx, phone.mp, VAULT, **facts, code="p1", now=NOW).tail == "0001"  # type: ignore[arg-type]  # mixed
    with tx() as session:
        row = session.execute(text("select phone_hash, phone_sealed from member")).one()
        assert NUMBER not in row.phone_hash + row.phone_sealed
        assert row.phone_hash == VAULT.hash("phone", NUMBER)
        assert standing(session, VAULT, member_id=member.member_id).phone_tail == "0001"


def test_mrg_2_a_number_of_another_member_is_refused_and_never_merges(tx: Tx, phone: Telephone) -> None:
    phone.phones = {"p1": NUMBER, "p2": NUMBER}
    with tx() as session:
        one, other = user(session, "one"), user(session, "other")
    verify_phone(tx, phone.mp, VAULT, member_id=one.member_id, openid="one", code="p1", now=NOW)
    found = refused(
        lambda: verify_phone(
            tx, phone.mp, VAULT, member_id=other.member_id, openid="other", code="p2", now=NOW
        )
    )
    assert found[:2] == (Conflict, "PHONE_TAKEN")
    with tx() as session:
        assert (count(session, "member", "phone_hash is not null"), count(session, "member_merge")) == (1, 0)


def test_mrg_2_of_ten_who_bring_one_number_one_gets_it(tx: Tx, phone: Telephone) -> None:
    phone.phones = {f"p{n}": NUMBER for n in range(10)}
    with tx() as session:
        members = [user(session, f"u{n}").member_id for n in range(10)]

    def work(number: int) -> str:
        try:
            return verify_phone(
                tx,
                phone.mp,
                VAULT,
                member_id=members[number],
                openid=f"u{number}",
                code=f"p{number}",
                now=NOW,
            ).tail
        except Conflict as error:
            return error.code

    results = at_once(10, work)
    assert (results.count("0001"), results.count("PHONE_TAKEN")) == (1, 9)


@pytest.fixture
def roster(tx: Tx) -> None:
    with tx() as session:
        a_shop(session)
        set_clerk(session, "C-SZFT-01", phone_hash=hash_phone(VAULT, NUMBER))


def test_a_clerk_shows_the_phone_once_and_logs_in_by_wechat_ever_after(
    tx: Tx, phone: Telephone, roster: None
) -> None:
    phone.accounts = {f"c{n}": {"openid": "lin"} for n in range(3)}
    phone.phones["p1"] = NUMBER
    assert refused(lambda: clerk_login(tx, phone, "c0"))[:2] == (Forbidden, "PHONE_CODE_NEEDED")
    with tx() as session:
        assert count(session, "member") == 0
    first = who(tx, clerk_login(tx, phone, "c1", "p1").token)
    again = who(tx, clerk_login(tx, phone, "c2").token)
    assert first is not None
    assert again is not None
    assert (first.clerk_code, first.store_code, first.audience) == ("C-SZFT-01", "SZ-FT", "CLERK")
    assert first.clerk_id == again.clerk_id
    with tx() as session:
        assert count(session, "clerk", "member_id is not null") == 1
        assert count(session, "member", "phone_hash is not null") == 1


def test_nobody_learns_why_a_stranger_cannot_be_a_clerk(tx: Tx, phone: Telephone, roster: None) -> None:
    phone.accounts = {name: {"openid": name} for name in ("lin", "thief", "stranger", "gone")}
    phone.phones = {"p-lin": NUMBER, "p-thief": NUMBER, "p-stranger": "13900000000", "p-gone": NUMBER}
    clerk_login(tx, phone, "lin", "p-lin")
    answers = {refused(lambda: clerk_login(tx, phone, "thief", "p-thief"))}
    answers.add(refused(lambda: clerk_login(tx, phone, "stranger", "p-stranger")))
    with tx() as session:
        set_clerk(session, "C-SZFT-01", status="LEFT", last_day=date(2026, 2, 1))
    answers.add(refused(lambda: clerk_login(tx, phone, "gone", "p-gone")))
    phone.accounts["lin-again"] = {"openid": "lin"}
    answers.add(refused(lambda: clerk_login(tx, phone, "lin-again")))
    assert {answer[:2] for answer in answers} == {(Forbidden, "NOT_A_CLERK")}
    assert len(answers) == 1


def test_two_who_bring_a_clerks_number_at_once_are_not_both_the_clerk(
    tx: Tx, phone: Telephone, roster: None
) -> None:
    phone.accounts = {f"c{n}": {"openid": f"person-{n}"} for n in range(8)}
    phone.phones = {f"p{n}": NUMBER for n in range(8)}

    def work(number: int) -> str:
        try:
            clerk_login(tx, phone, f"c{number}", f"p{number}")
        except Forbidden as error:
            return error.code
        return "in"

    results = at_once(8, work)
    assert (results.count("in"), results.count("NOT_A_CLERK")) == (1, 7)


def test_i30_a_clerk_who_leaves_is_out_at_once(tx: Tx, phone: Telephone, roster: None) -> None:
    phone.accounts = {"c1": {"openid": "lin"}, "c2": {"openid": "lin"}}
    phone.phones["p1"] = NUMBER
    one, two = clerk_login(tx, phone, "c1", "p1").token, clerk_login(tx, phone, "c2").token
    with tx() as session:
        caller = find_caller(session, one, now=NOW)
        assert caller is not None
        assert caller.clerk_id is not None
        end_clerk_logins(session, clerk_id=caller.clerk_id, now=NOW)
    assert (who(tx, one), who(tx, two)) == (None, None)


def test_bnd_1_the_first_purchase_is_remembered_for_the_survivor(tx: Tx) -> None:
    with tx() as session:
        fan = a_fan(session)
        bought(session, member_id=fan.member_id, at=NOW + timedelta(days=2))
        bought(session, member_id=fan.member_id, at=NOW)
        bought(session, member_id=fan.member_id, at=NOW + timedelta(days=5))
        assert standing(session, VAULT, member_id=fan.member_id).customer_since == NOW
