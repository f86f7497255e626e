"""Logins on a real database: tokens, codes used twice, phones, clerks."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, Refusal, Unauthenticated, Unreachable
from app.members.callers import Caller, find_caller
from app.members.clerks import log_in_clerk
from app.members.learning import learn_fan
from app.members.logins import Opened, log_in_shopper, log_out
from app.members.meeting import Met, meet
from app.members.phones import hash_phone, verify_phone
from app.members.standing import standing
from app.members.tidying import tidy
from models.members import AppKind
from tests.make import VAULT, a_shop, count
from tests.people import a_fan, set_clerk
from tests.racing import at_once
from tests.telephone import MP, Telephone, a_telephone

pytestmark = pytest.mark.usefixtures("right_books")

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
    assert who(tx, one) is not None
    with tx() as session:
        set_clerk(session, "C-SZFT-01", status="LEFT")
    assert (who(tx, one), who(tx, two)) == (None, None)


def test_spent_codes_and_ended_logins_are_forgotten_in_time(tx: Tx, phone: Telephone) -> None:
    phone.accounts["c1"] = {"openid": "user-1"}
    shop_login(tx, phone, "c1")
    with tx() as session:
        session.execute(text("update used_code set used_at = :at"), {"at": NOW})
        assert tidy(session, now=NOW + timedelta(hours=23)) == 0
        assert tidy(session, now=NOW + timedelta(hours=25)) == 1
        assert tidy(session, now=NOW + timedelta(days=31)) == 1
        assert (count(session, "used_code"), count(session, "login")) == (0, 0)
