"""Companies paid out of the order's own payment, against the box over real HTTP (FRZ-4)."""

from datetime import UTC, datetime

import pytest
import requests
from sqlalchemy import text

from app.base.errors import Conflict, Invalid, NotFound
from app.commission.holding import hold
from app.commission.sharing_out import Outgoing
from app.payments import checking
from app.payments.partial import Decider, Wish, refund_part
from app.payout import receivers, sharing, sharing_books, sharing_rules
from tests.racing import at_once
from tests.rooms import payouts, settled
from tests.rooms.paid import LIN, party
from tests.rooms.sharings import (
    JINAN,
    WF1,
    YUQING,
    add,
    at_wechat,
    companies,
    day,
    handed,
    orders,
    paid,
    parts,
    release,
    run,
    shares,
    sold,
)
from tests.stage import Stage

pytestmark = pytest.mark.usefixtures("right_books")
CASH = "cash:wechat:{}"


def flagged(stage: Stage) -> list[bool]:
    with stage.parts.tx() as session:
        return list(session.execute(text("select profit_sharing from payment order by id")).scalars())


def refund_some(stage: Stage, fen: int, qty: int) -> None:
    """Money of the only order goes back after all."""
    p = stage.parts
    with p.tx() as session:
        store = session.execute(text("select id from store where code = 'SZ-FT'")).scalar_one()
        number = session.execute(text("select number from orders")).scalar_one()
        refund_part(
            session,
            order_number=number,
            decider=Decider("C-SZFT-03", "MANAGER", store),
            wishes=[Wish(1, fen, qty)],
            reason="尺码",
            now=day(13),
        )
    stage.send_refunds()
    with p.tx() as session:
        session.execute(text("update refund set next_check_at = now()"))
    checking.check_refunds(p.tx, p.wechat.pay, notify_url=p.settings.refunded_url, now=day(13))


def break_share(stage: Stage, path: str = "*/profitsharing/orders", **rule: object) -> None:
    requests.post(f"{stage.box.url}/box/faults", json={**rule, "path": path}, timeout=10).raise_for_status()


def test_frz4_only_an_order_on_which_a_receiving_company_earns_is_opened_for_sharing(stage: Stage) -> None:
    companies(stage, receive=False)
    paid(stage)
    add(stage, "E-WF1", WF1)
    paid(stage)
    paid(stage, party("FULFIL_STORE", "store:SZ-FT"), party("SVC_CLERK", LIN))
    paid(stage, party("FULFIL_STORE", JINAN))
    paid(stage, {**party("ACQ_STORE", "entity:E-WF1")})
    with stage.parts.tx() as session:
        session.execute(text("update product set handling = '{presale_days:30}' where code = 'AP-1002'"))
    paid(stage)
    assert flagged(stage) == [False, True, False, False, True, False]


def test_frz4_certain_shares_are_sent_once_and_settle_exactly_these_shares(stage: Stage) -> None:
    companies(stage)
    sold(stage)
    cash = CASH.format(stage.parts.settings.pay_mchid)
    before = payouts.balance(stage.parts, cash)
    for hours in (1, 2, 3, 4):
        run(stage, 12, hours=hours)
    assert orders(stage) == [("SHARE", "DONE", 448, None)]
    # 29 900 x 5 % = 1 495; 15 % each.
    assert parts(stage) == [("E-WF1", 224, "SUCCESS"), ("E-WF2", 224, "SUCCESS")]
    assert shares(stage) == [(YUQING, "SETTLED", 224), (JINAN, "SETTLED", 224)]
    assert payouts.balance(stage.parts, cash) - before == 448
    for account in (f"payable:{YUQING}", f"payout:{YUQING}", f"payable:{JINAN}", f"payout:{JINAN}"):
        assert payouts.balance(stage.parts, account) == 0
    assert at_wechat(stage) == [("split", "FINISHED")]
    assert stage.box.get("pay")["frozen_fen"] == 0
    run(stage, 26)
    assert len(orders(stage)) == 1


@pytest.mark.parametrize(("days", "hours", "kind"), [(24, 23.99, "SHARE"), (25, 0, "UNFREEZE")])
def test_frz4_the_last_moment_of_day_24_shares_the_first_of_day_25_frees(
    stage: Stage, days: int, hours: float, kind: str
) -> None:
    companies(stage)
    sold(stage)
    run(stage, days, hours=hours)
    run(stage, days, hours=hours + 1)
    assert orders(stage)[0][:2] == (kind, "DONE")
    if kind == "UNFREEZE":
        assert [one[1:] for one in shares(stage)] == [("RELEASABLE", 0)] * 2
        assert payouts.balance(stage.parts, f"payable:{YUQING}") == 224
    assert stage.box.get("pay")["frozen_fen"] == 0


def test_frz4_what_is_not_certain_by_day_25_is_freed_and_left_to_the_settlement(stage: Stage) -> None:
    companies(stage)
    number = paid(stage)
    assert run(stage, 24) == 0
    run(stage, 25)
    run(stage, 25, hours=1)
    handed(stage, number)
    release(stage, 40)
    run(stage, 26)
    assert orders(stage) == [("UNFREEZE", "DONE", 0, None)]
    assert shares(stage) == [(YUQING, "RELEASABLE", 0), (JINAN, "RELEASABLE", 0)]


def test_frz4_it_waits_for_all_shares_and_on_day_24_sends_those_that_are_certain(stage: Stage) -> None:
    companies(stage)
    sold(stage)
    with stage.parts.tx() as session:
        found = session.execute(text("select id from commission_share where party = :p"), {"p": JINAN})
        hold(session, share_ids=found.scalars().all(), cause="payer:A1", at=day(12))
    assert run(stage, 23, hours=23) == 0
    run(stage, 24)
    run(stage, 24, hours=1)
    assert parts(stage) == [("E-WF1", 224, "SUCCESS")]
    assert shares(stage) == [(YUQING, "SETTLED", 224), (JINAN, "HELD", 0)]


@pytest.mark.parametrize("fault", ["cut", "5xx", "html", "wrong_answer_signature"])
def test_frz4_an_unknown_outcome_is_asked_about_under_the_same_number(stage: Stage, fault: str) -> None:
    companies(stage)
    sold(stage)
    break_share(stage, kind=fault, after=True)
    run(stage, 12)
    assert orders(stage) == [("SHARE", "ASKED", 448, None)]
    run(stage, 12, hours=1)
    run(stage, 12, hours=2)
    assert orders(stage) == [("SHARE", "DONE", 448, None)]
    assert at_wechat(stage) == [("split", "FINISHED")]


def test_frz4_a_number_that_was_lost_is_sent_again_and_given_up_on_day_25(stage: Stage) -> None:
    companies(stage)
    sold(stage)
    break_share(stage, kind="cut")
    run(stage, 12)
    run(stage, 12, hours=0.1)
    assert at_wechat(stage) == []
    run(stage, 12, hours=0.3)
    assert orders(stage) == [("SHARE", "ASKED", 448, None)]
    assert [one[1] for one in shares(stage)] == ["IN_BATCH"] * 2
    run(stage, 25)
    run(stage, 25, hours=1)
    run(stage, 25, hours=2)
    assert orders(stage) == [("SHARE", "FAILED", 448, "TOO_LATE"), ("UNFREEZE", "DONE", 0, None)]
    assert [one[1:] for one in shares(stage)] == [("RELEASABLE", 0)] * 2
    assert at_wechat(stage) == [("unfreeze", "FINISHED")]


def test_frz4_a_refusal_ends_nothing_before_day_25(stage: Stage) -> None:
    companies(stage)
    sold(stage)
    stage.box.post("settings", sharing_waits_for_receipt=True)
    run(stage, 12)
    assert orders(stage) == [("SHARE", "ASKED", 448, "INVALID_REQUEST")]
    stage.box.post("settings", sharing_waits_for_receipt=False)
    run(stage, 13)
    run(stage, 13, hours=1)
    assert [(one[0], one[1]) for one in orders(stage)] == [("SHARE", "DONE")]


def test_frz4_a_part_that_failed_stays_for_the_settlement(stage: Stage) -> None:
    companies(stage)
    sold(stage)
    stage.box.post(f"pay/receivers/{WF1}", split_fails="RECEIVER_HIGH_RISK")
    for hours in (0, 1, 2):
        run(stage, 12, hours=hours)
    assert parts(stage) == [("E-WF1", 224, "CLOSED"), ("E-WF2", 224, "SUCCESS")]
    assert shares(stage) == [(YUQING, "RELEASABLE", 0), (JINAN, "SETTLED", 224)]
    assert [(one[0], one[1]) for one in orders(stage)] == [("SHARE", "DONE"), ("UNFREEZE", "DONE")]
    month = f"{day(60):%Y-%m}"
    number = settled.built(stage.parts.tx, month, at=day(60))
    assert settled.line(stage.parts.tx, number, YUQING)["payable_fen"] == 224
    assert settled.line(stage.parts.tx, number, JINAN) == {}


def test_frz4_a_settlement_that_is_built_at_the_same_moment_takes_a_share_or_leaves_it(stage: Stage) -> None:
    companies(stage)
    for _ in range(3):
        sold(stage)
    month = f"{day(60):%Y-%m}"

    def act(i: int) -> None:
        if i == 0:
            settled.built(stage.parts.tx, month, at=day(60))
        else:
            run(stage, 12)

    at_once(2, act)
    run(stage, 12, hours=1)
    with stage.parts.tx() as session:
        rows = session.execute(
            text(
                "select count(*), count(distinct share_id) from commission_batch_row where state <> 'RETURNED'"
            )
        ).one()
    assert tuple(rows) == (rows[1], rows[1])
    assert rows[1] >= 6


def test_frz4_two_sweeps_at_once_share_once(stage: Stage) -> None:
    companies(stage)
    for _ in range(2):
        sold(stage)
    at_once(3, lambda _: run(stage, 12))
    run(stage, 12, hours=1)
    assert orders(stage) == [("SHARE", "DONE", 448, None)] * 2
    assert at_wechat(stage) == [("split", "FINISHED")] * 2


def test_frz4_a_worker_that_dies_before_the_call_is_followed_by_a_question(stage: Stage) -> None:
    companies(stage)
    sold(stage)
    p = stage.parts
    (payment,) = sharing_books.due(p.tx, now=day(12), after=0, limit=5)
    with p.tx() as session:
        sharing_books.open_one(session, payment_id=payment, now=day(12))
    with p.tx() as session:  # claimed, and then nothing: kill -9
        facts = {"now": day(12), "again": day(12, hours=0.1), "most": 5}
        assert len(session.execute(sharing._CLAIM, facts).all()) == 1
    run(stage, 12, hours=1)
    run(stage, 12, hours=2)
    assert orders(stage) == [("SHARE", "DONE", 448, None)]


def test_frz4_receivers_are_written_down_first_and_asked_of_wechat_until_it_agrees(stage: Stage) -> None:
    companies(stage, receive=False)
    p = stage.parts
    assert add(stage, "E-WF1", WF1) == add(stage, "E-WF1", WF1)
    with pytest.raises(Conflict, match="RECEIVER_EXISTS"):
        add(stage, "E-WF2", WF1)
    with pytest.raises(Conflict, match="RECEIVER_EXISTS"):
        add(stage, "E-WF1", "1600000009")
    with pytest.raises(NotFound):
        add(stage, "E-NOBODY", "1600000009")
    with pytest.raises(Invalid):
        add(stage, "E-WF2", p.settings.pay_mchid)
    with p.tx() as session:
        (one,) = receivers.receivers(session)
        assert one.added_at is not None
        receivers.end(session, entity="E-WF1", by="operator:O-1", why="left", now=datetime.now(UTC))
    with p.tx() as session, pytest.raises(NotFound):
        receivers.end(session, entity="E-WF1", by="operator:O-1", why="left", now=datetime.now(UTC))
    paid(stage)
    assert flagged(stage) == [False]
    with p.tx() as session:
        noted = session.execute(text("select action from audit_entry order by id")).scalars().all()
    assert list(noted) == ["SHARING_RECEIVER_ADDED", "SHARING_RECEIVER_ENDED"]


def test_frz4_a_company_that_would_pass_30_percent_is_left_to_the_settlement(stage: Stage) -> None:
    companies(stage)
    # Of a pool of the whole price E-WF1 has 15 + 20 %, E-WF2 15 %: 4 485 of 29 900 fit, 10 465 do not.
    sold(
        stage,
        party("ACQ_STORE", YUQING),
        party("SELL_CLERK", YUQING),
        party("FULFIL_STORE", JINAN),
        pool_bp=10_000,
    )
    run(stage, 12)
    run(stage, 12, hours=1)
    assert parts(stage) == [("E-WF2", 4485, "SUCCESS")]
    assert sorted(shares(stage)) == [
        (JINAN, "SETTLED", 4485),
        (YUQING, "RELEASABLE", 0),
        (YUQING, "RELEASABLE", 0),
    ]


def test_frz4_30_percent_to_the_fen_goes_out_and_one_more_does_not(stage: Stage) -> None:
    companies(stage)
    sold(stage, pool_bp=10_000)
    run(stage, 12)
    run(stage, 12, hours=1)
    assert parts(stage) == [("E-WF1", 4485, "SUCCESS"), ("E-WF2", 4485, "SUCCESS")]
    over = [Outgoing(1, "E-WF1", 4485, True), Outgoing(2, "E-WF2", 4486, True)]
    assert [one.share_id for one in sharing_rules.choose(over, payment_fen=29900)] == [1]


def test_clw_3_a_refund_after_sharing_is_a_debt_of_the_companys_next_settlement(stage: Stage) -> None:
    companies(stage)
    sold(stage)
    run(stage, 12)
    run(stage, 12, hours=1)
    refund_some(stage, 29900, 1)
    assert shares(stage) == [(YUQING, "REVERSED", 224), (JINAN, "REVERSED", 224)]
    assert payouts.balance(stage.parts, f"payable:{YUQING}") == -224
    number = settled.built(stage.parts.tx, f"{day(60):%Y-%m}", at=day(60))
    assert settled.line(stage.parts.tx, number, YUQING)["debt_left_fen"] == 224


def test_clw_3_a_refund_while_wechat_is_at_it_is_a_debt_too(stage: Stage) -> None:
    companies(stage)
    stage.box.post("settings", sharing_delay_s=3600)
    sold(stage)
    run(stage, 12)
    assert [one[1] for one in shares(stage)] == ["IN_BATCH"] * 2
    refund_some(stage, 20000, 0)
    stage.box.post("clock", offset_s=7200)
    run(stage, 12, hours=1)
    assert [one[1] for one in orders(stage)] == ["DONE"]
    # 9 900 x 5 % = 495 of the pool stand; 1 000 are taken back, 150 of them from each of the two.
    assert shares(stage) == [(YUQING, "SETTLED", 224), (JINAN, "SETTLED", 224)]
    assert payouts.balance(stage.parts, f"payable:{YUQING}") == -150
