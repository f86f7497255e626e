"""Transfers to clerks outside the payroll, against the box over real HTTP (SET-3)."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from sqlalchemy import text

from app.base.clock import utc_now
from app.base.errors import Conflict, NotFound
from app.payout import transferring
from app.payout.transferring import Purse
from app.settings import Settings
from app.wiring import Parts
from models.payout import PayoutState
from tests import make
from tests.boxed import Boxed
from tests.racing import at_once
from tests.rooms.paid import CHEN, LIN
from tests.rooms.payouts import balance, crowd, fail, moved, right, run, seen, sent, sooner
from tests.rooms.settled import approved, certain, line
from wechat.errors import Refused
from wechat.pay import Pay, Transfer, TransferState


@pytest.fixture
def purse(settings: Settings) -> Purse:
    return Purse(settings.pay_mchid, settings.mp_appid, settings.transferred_url)


@pytest.fixture
def chen(parts: Parts, box: Boxed, settings: Settings) -> dict[str, Any]:
    """CHEN in the box, outside the payroll, due what the sales of March brought; LIN is employed."""
    person: dict[str, Any] = box.post("persons", name="陈嘉豪")["person"]
    certain(parts.tx, "A260302TEST0001", 29900, 12900)
    with parts.tx() as session:
        buyer = make.a_buyer(session, appid=settings.mp_appid, openid=person["mp_openid"])
        session.execute(
            text("update clerk set employment = 'EXTERNAL', member_id = :id where code = 'C-SZFT-02'"),
            {"id": buyer.member_id},
        )
    return person


@pytest.mark.usefixtures("right_books")
def test_set3_a_transfer_waits_for_the_clerk_and_is_paid_once(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    batch = approved(parts.tx)
    owed = line(parts.tx, batch, CHEN)["payable_fen"]
    own = moved(parts)
    assert run(parts, purse) == 1
    (mine,) = seen(parts)
    assert (mine["party"], mine["state"], mine["amount_fen"]) == (CHEN, "WAITING", owed)
    assert balance(parts, f"payout:{CHEN}") == owed
    box.post(f"persons/{chen['id']}/transfers/confirm", package=mine["package"])
    box.post("clock", offset_s=5)
    for _ in range(2):
        sooner(parts)
        run(parts, purse)
    (mine,) = seen(parts)
    assert (mine["state"], mine["package"], mine["problem"]) == ("PAID", None, None)
    found = line(parts.tx, batch, CHEN)
    assert (found["state"], found["paid_fen"], found["returned_fen"]) == ("PAID", owed, 0)
    assert balance(parts, f"payout:{CHEN}") == 0
    assert len(sent(box)) == 1
    assert moved(parts) - own == 1 + 2  # CHEN's, and what the brand owes its own two stores


@pytest.mark.usefixtures("right_books")
def test_set3_what_is_not_confirmed_in_a_day_goes_back_to_the_balance(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    batch = approved(parts.tx)
    run(parts, purse)
    (mine,) = seen(parts)
    box.post("clock", offset_s=25 * 3600)
    sooner(parts)
    run(parts, purse)
    (ended,) = seen(parts)
    assert (ended["state"], ended["out_bill_no"]) == ("RETURNED", mine["out_bill_no"])
    found = line(parts.tx, batch, CHEN)
    assert (found["state"], found["returned_fen"]) == ("RETURNED", found["payable_fen"])
    assert balance(parts, f"payout:{CHEN}") == found["payable_fen"]
    sooner(parts)
    assert run(parts, purse) == 0
    assert len(sent(box)) == 1


@pytest.mark.parametrize("fault", ["cut", "5xx", "html", "wrong_answer_signature"])
@pytest.mark.usefixtures("right_books")
def test_set3_an_unknown_outcome_is_asked_about_and_never_paid_twice(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any], fault: str
) -> None:
    approved(parts.tx)
    fail(box, kind=fault, after=True)
    run(parts, purse)
    assert [one["state"] for one in seen(parts)] == ["ASKED"]
    fail(box, kind="-1", count=1)
    sooner(parts)
    run(parts, purse)
    (mine,) = seen(parts)
    assert mine["state"] == "WAITING"
    assert [one["out_bill_no"] for one in sent(box)] == [mine["out_bill_no"]]


def test_set3_a_number_that_wechat_does_not_know_is_sent_again_only_when_it_is_surely_lost(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    approved(parts.tx)
    fail(box, kind="cut")
    run(parts, purse)
    (lost,) = seen(parts)
    assert (lost["state"], sent(box)) == ("ASKED", [])
    requests.delete(f"{box.url}/box/faults", timeout=10).raise_for_status()
    sooner(parts)
    run(parts, purse)
    assert (seen(parts)[0]["state"], sent(box)) == ("ASKED", [])
    sooner(parts)
    run(parts, purse, utc_now() + timedelta(minutes=11))
    (mine,) = seen(parts)
    assert (mine["state"], mine["out_bill_no"]) == ("WAITING", lost["out_bill_no"])
    assert len(sent(box)) == 1


def test_set3_a_refusal_keeps_the_number_until_people_have_helped(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    approved(parts.tx)
    box.post("settings", transfer_scenes=["1000"])
    run(parts, purse)
    (mine,) = seen(parts)
    assert (mine["state"], mine["problem"], sent(box)) == ("ASKED", "INVALID_REQUEST", [])
    box.post("settings", transfer_scenes=["1000", "1005", "1011"])
    sooner(parts)
    run(parts, purse, utc_now() + timedelta(minutes=11))
    assert [one["out_bill_no"] for one in sent(box)] == [mine["out_bill_no"]]
    assert seen(parts)[0]["problem"] is None


def test_set3_a_clerk_without_wechat_is_not_sent_anything_and_stays_due(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    with parts.tx() as session:
        session.execute(text("update clerk set member_id = null"))
    batch = approved(parts.tx)
    assert run(parts, purse) == 0
    assert (seen(parts), sent(box)) == ([], [])
    assert line(parts.tx, batch, CHEN)["state"] == "DUE"


@pytest.mark.parametrize(
    "lie", [{"amount_fen": 1}, {"openid": "somebody-else"}, {"appid": "wx-another"}], ids=str
)
def test_set3_another_amount_or_receiver_ends_nothing(
    parts: Parts, purse: Purse, chen: dict[str, Any], lie: dict[str, Any]
) -> None:
    batch = approved(parts.tx)
    run(parts, purse)
    before = moved(parts)
    told = Transfer(seen(parts)[0]["out_bill_no"], "1330", TransferState.SUCCESS, **lie)
    assert transferring.learn(parts.tx, told, now=utc_now()) is PayoutState.WAITING
    assert (seen(parts)[0]["state"], seen(parts)[0]["problem"]) == ("WAITING", "MISMATCH")
    assert (moved(parts), line(parts.tx, batch, CHEN)["state"]) == (before, "DUE")


def test_set3_old_news_and_a_contradiction_change_nothing(
    parts: Parts, purse: Purse, chen: dict[str, Any]
) -> None:
    approved(parts.tx)
    run(parts, purse)
    number = seen(parts)[0]["out_bill_no"]
    states = [
        TransferState.SUCCESS,
        TransferState.SUCCESS,
        TransferState.WAIT_USER_CONFIRM,
        TransferState.FAIL,
    ]
    learned = [
        transferring.learn(parts.tx, Transfer(number, "1330", state), now=utc_now()) for state in states
    ]
    assert learned == [PayoutState.PAID] * 4
    assert seen(parts)[0]["state"] == "PAID"
    assert transferring.learn(parts.tx, Transfer("T1", "1", TransferState.FAIL), now=utc_now()) is None


def test_set3_giving_up_takes_the_money_back_into_the_balance(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    batch = approved(parts.tx)
    run(parts, purse)
    number = seen(parts)[0]["out_bill_no"]
    state = transferring.give_up(parts.tx, parts.wechat.pay, out_bill_no=number, now=utc_now())
    assert state is PayoutState.MOVING
    box.post("clock", offset_s=5)
    sooner(parts)
    run(parts, purse)
    assert seen(parts)[0]["state"] == "RETURNED"
    assert line(parts.tx, batch, CHEN)["state"] == "RETURNED"
    again = transferring.give_up(parts.tx, parts.wechat.pay, out_bill_no=number, now=utc_now())
    assert again is PayoutState.RETURNED
    with pytest.raises(NotFound):
        transferring.give_up(parts.tx, parts.wechat.pay, out_bill_no="T0", now=utc_now())


def test_set3_nothing_is_given_up_while_wechat_may_still_have_it(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    approved(parts.tx)
    fail(box, kind="cut")
    run(parts, purse)
    requests.delete(f"{box.url}/box/faults", timeout=10).raise_for_status()
    number = seen(parts)[0]["out_bill_no"]
    with pytest.raises(Conflict, match="IN_DOUBT"):
        transferring.give_up(parts.tx, parts.wechat.pay, out_bill_no=number, now=utc_now())
    assert seen(parts)[0]["state"] == "ASKED"
    later = utc_now() + timedelta(minutes=11)
    assert (
        transferring.give_up(parts.tx, parts.wechat.pay, out_bill_no=number, now=later)
        is PayoutState.RETURNED
    )
    assert sent(box) == []


def test_set3_after_sending_again_the_doubt_begins_anew(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    """Lost, sent again after eleven minutes, no answer: whoever gives up then would pay twice if it arrived."""
    approved(parts.tx)
    fail(box, kind="cut")
    run(parts, purse)
    again = utc_now() + timedelta(minutes=11)
    run(parts, purse, again)
    (mine,) = seen(parts)
    assert (mine["state"], sent(box)) == ("ASKED", [])
    requests.delete(f"{box.url}/box/faults", timeout=10).raise_for_status()
    with pytest.raises(Conflict, match="IN_DOUBT"):
        transferring.give_up(
            parts.tx, parts.wechat.pay, out_bill_no=mine["out_bill_no"], now=again + timedelta(seconds=5)
        )
    assert seen(parts)[0]["state"] == "ASKED"


class Forgetful:
    """WeChat after 30 days, or before it has heard: it knows no transfer; what it is told to send is counted."""

    def __init__(self, before_answer: Callable[[], object] = lambda: None) -> None:
        self.before_answer = before_answer
        self.sent = 0

    def query_transfer(self, out_bill_no: str) -> Transfer:
        self.before_answer()
        raise Refused("query_transfer", "NOT_FOUND", out_bill_no)

    def transfer(self, **asked: Any) -> Transfer:
        self.sent += 1
        return Transfer(asked["out_bill_no"], "1330", TransferState.WAIT_USER_CONFIRM)


def test_set3_what_was_given_up_meanwhile_is_not_sent(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    """Between the worker's question and its sending again, somebody gives the lost transfer up."""
    approved(parts.tx)
    fail(box, kind="cut")
    run(parts, purse)
    later, number = utc_now() + timedelta(minutes=11), seen(parts)[0]["out_bill_no"]
    pay = cast(Pay, Forgetful())
    overtaken = Forgetful(lambda: transferring.give_up(parts.tx, pay, out_bill_no=number, now=later))
    assert transferring.work(parts.tx, cast(Pay, overtaken), purse, now=later) == 1
    assert (seen(parts)[0]["state"], overtaken.sent) == ("RETURNED", 0)


def test_set3_what_wechat_has_once_acknowledged_is_never_sent_again(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    """That WeChat does not know a transfer any more does not mean that it never did."""
    approved(parts.tx)
    run(parts, purse)
    forgetful, number = Forgetful(), seen(parts)[0]["out_bill_no"]
    pay = cast(Pay, forgetful)
    for days in (1, 31):
        assert transferring.work(parts.tx, pay, purse, now=utc_now() + timedelta(days=days)) == 1
        assert (seen(parts)[0]["state"], seen(parts)[0]["problem"]) == ("WAITING", "NOT_FOUND")
    assert forgetful.sent == 0
    with pytest.raises(Conflict, match="IN_DOUBT"):
        transferring.give_up(parts.tx, pay, out_bill_no=number, now=utc_now() + timedelta(days=1))


def test_set3_several_runs_at_once_pay_everybody_once(parts: Parts, box: Boxed, purse: Purse) -> None:
    crowd(parts, box, purse, 40)
    assert sum(at_once(4, lambda _: run(parts, purse))) >= 40
    mine, theirs = seen(parts), sent(box)
    assert {one["state"] for one in mine} == {"WAITING"}
    assert sorted(one["out_bill_no"] for one in theirs) == sorted(one["out_bill_no"] for one in mine)
    assert (len(mine), len({one["openid"] for one in theirs})) == (40, 40)
    right(parts)


def test_set3_a_day_brings_one_person_at_most_20000_yuan(parts: Parts, box: Boxed, purse: Purse) -> None:
    crowd(parts, box, purse, 1)
    box.post("settings", transfer_user_day_fen=10_000_000)  # ours is to hold, not WeChat's
    with parts.tx() as session:
        session.execute(text("update settlement_portion set amount_fen = 1500000"))
        session.execute(text("update settlement_party set gross_fen = 3000000, payable_fen = 3000000"))
        session.execute(
            text(
                "insert into settlement_portion (party_id, position, pay_on, amount_fen)"
                " select party_id, 1, pay_on, 1500000 from settlement_portion"
            )
        )
    run(parts, purse)
    assert sorted(one["state"] for one in seen(parts)) == ["READY", "WAITING"]
    run(parts, purse, utc_now() + timedelta(days=1))
    assert [one["state"] for one in seen(parts)] == ["WAITING", "WAITING"]
    assert [one["amount_fen"] for one in seen(parts)] == [1_500_000, 1_500_000]
    box.post("settings", transfer_user_day_fen=2_000_000)


_RUN = """
import sys
from app.base.clock import utc_now
from app.payout import paying_out
from app.payout.transferring import Purse
from app.settings import Settings
from app.wiring import build
settings = Settings()
parts = build(settings)
print("ready", flush=True)
purse = Purse(settings.pay_mchid, settings.mp_appid, settings.transferred_url)
paying_out.run(parts.tx, parts.wechat.pay, purse, now=utc_now)
"""


def test_set3_a_run_that_is_killed_goes_on_and_pays_nobody_twice(
    parts: Parts, box: Boxed, purse: Purse, house_env: dict[str, str]
) -> None:
    crowd(parts, box, purse, 120)
    for enough in (10, 40, 70):
        _killed_after(lambda enough=enough: len(sent(box)) >= enough, house_env)  # type: ignore[misc]  # bound now
    assert 0 < len(sent(box)) < 120
    # Whoever was being asked when the process died is asked about first.
    for minutes in (0, 20, 40):
        sooner(parts)
        run(parts, purse, utc_now() + timedelta(minutes=minutes))
    mine, theirs = seen(parts), sent(box)
    assert {one["state"] for one in mine} == {"WAITING"}
    assert len({one["openid"] for one in theirs}) == len(theirs) == len(mine) == 120
    right(parts)


def _killed_after(enough: Callable[[], bool], env: dict[str, str]) -> None:
    root = Path(__file__).resolve().parents[2]
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    process = subprocess.Popen([sys.executable, "-c", _RUN], env={**inherited, **env}, cwd=root)
    try:
        until = time.monotonic() + 60
        while not enough():
            assert process.poll() is None, "the run ended before it was killed"
            assert time.monotonic() < until
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.usefixtures("right_books")
def test_set3_an_employee_is_never_sent_a_transfer(
    parts: Parts, box: Boxed, purse: Purse, chen: dict[str, Any]
) -> None:
    batch = approved(parts.tx)
    run(parts, purse)
    assert line(parts.tx, batch, LIN)["state"] == "DUE"
    assert {one["party"] for one in seen(parts)} == {CHEN}
