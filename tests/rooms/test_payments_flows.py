"""Flows that phone WeChat, over real HTTP to the box; nobody hears its notices here, so news must be fetched."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.base.errors import Conflict, NotFound, Refusal, Unreachable
from app.ledger.reading import balance_fen
from app.orders import lifecycle
from app.orders.placing import Placed
from app.payments import checking, refunding
from app.payments.partial import Decider, Wish, refund_part
from app.payments.prepaying import Payer
from models.orders import OrderState
from models.payments import RefundCause
from tests import make
from tests.racing import at_once
from tests.stage import Stage

pytestmark = pytest.mark.usefixtures("right_books")


def test_prepay_signs_parameters_that_wechat_accepts_and_asking_again_is_the_same_payment(
    stage: Stage,
) -> None:
    placed = stage.order()
    first, again = stage.prepay(placed), stage.prepay(placed)
    assert first["package"] == again["package"]
    assert first["nonceStr"] != again["nonceStr"]
    assert stage.one("select count(*) from payment") == 1
    assert stage.pay(again)["state"] == "SUCCESS"


def test_a_notice_that_stays_away_is_replaced_by_asking(stage: Stage) -> None:
    stage.pay(stage.prepay(stage.order()))
    assert stage.one("select state from orders") == "CREATED"
    assert [stage.check(), stage.check()] == [1, 0]
    assert stage.one("select state from orders") == "ALLOCATED"
    assert stage.one("select count(*) from ledger_transfer where kind = 'PAYMENT'") == 1


def test_prepay_of_a_paid_cancelled_or_foreign_order_is_refused(stage: Stage) -> None:
    placed = stage.order()
    stage.pay(stage.prepay(placed))
    stage.check()
    with pytest.raises(Conflict, match="NOT_PAYABLE"):
        stage.prepay(placed)
    stage.payer = Payer(stage.payer.member_id + 1, stage.payer.appid, stage.payer.openid)
    with pytest.raises(NotFound):
        stage.prepay(placed)
    assert stage.one("select count(*) from payment") == 1


def test_prepay_while_wechat_is_down_keeps_the_order_and_its_number(stage: Stage) -> None:
    placed = stage.order()
    stage.box.post("settings", faults={"unavailable": True})
    with pytest.raises(Unreachable):
        stage.prepay(placed)
    number = stage.one("select out_trade_no from payment")
    stage.box.post("settings", faults={})
    assert stage.pay(stage.prepay(placed))["out_trade_no"] == number


def test_prepay_notices_money_that_came_meanwhile(stage: Stage) -> None:
    placed = stage.order()
    asked = stage.prepay(placed)
    stage.pay(asked)
    later = datetime.now(UTC) + timedelta(seconds=600)
    with stage.parts.tx() as session:
        session.execute(text("update payment set prepay_expires_at = now() - interval '1 minute'"))
    with pytest.raises(Conflict, match="NOT_PAYABLE"):
        stage.prepay(placed, later)
    assert stage.one("select state from orders") == "ALLOCATED"


def test_cancelling_an_unpaid_order_closes_its_payment_at_wechat(stage: Stage) -> None:
    placed = stage.order()
    asked = stage.prepay(placed)
    stopped = [stage.cancel(placed), stage.cancel(placed)]
    assert [(one.state, one.refund_no) for one in stopped] == [(OrderState.CANCELLED, None)] * 2
    assert stage.one("select state from payment") == "CLOSED"
    assert stage.box.try_post(f"persons/{stage.person['id']}/pay", **asked).status_code >= 400
    with stage.parts.tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)


def test_cancelling_while_wechat_is_down_changes_nothing(stage: Stage) -> None:
    placed = stage.order()
    stage.prepay(placed)
    stage.box.post("settings", faults={"unavailable": True})
    with pytest.raises(Unreachable):
        stage.cancel(placed)
    assert stage.one("select state from orders") == "CREATED"
    with stage.parts.tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 1)


def test_cancelling_a_paid_order_returns_all_money_and_all_commission(stage: Stage) -> None:
    placed = stage.order(("AP-1002-M", 2))
    stage.pay(stage.prepay(placed))
    stage.check()
    stopped = stage.cancel(placed)
    assert stopped.state is OrderState.CANCELLED
    assert stopped.refund_no is not None
    assert stage.cancel(placed) == stopped
    stage.send_refunds()
    now, p = datetime.now(UTC), stage.parts
    with p.tx() as session:
        session.execute(text("update refund set next_check_at = now()"))
    checking.check_refunds(p.tx, p.wechat.pay, notify_url=p.settings.refunded_url, now=now)
    assert stage.one("select state from refund") == "SUCCESS"
    assert stage.one("select refunded_fen from orders") == 59_800
    assert stage.one("select sum(accrued_fen - reversed_fen) from commission_share") == 0
    with p.tx() as session:
        assert balance_fen(session, "sales:E-HQ") == 0
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)


def test_cancel_against_pay_ends_in_one_truth(stage: Stage) -> None:
    """The buyer taps pay and cancel at once, five times over."""
    for _ in range(5):
        placed = stage.order()
        asked = stage.prepay(placed)

        def act(i: int, asked: dict[str, str] = asked, placed: Placed = placed) -> str:
            if i == 0:
                return str(stage.box.try_post(f"persons/{stage.person['id']}/pay", **asked).status_code)
            return str(stage.cancel(placed).state)

        paid, state = at_once(2, act)
        assert state == "CANCELLED"
        wanted = 1 if paid == "200" else 0
        refunds = stage.one(
            f"select count(*) from refund r join orders o on o.id = r.order_id where o.number = '{placed.number}'"
        )
        assert refunds == wanted
    stage.send_refunds()
    with stage.parts.tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)


def test_stk_2_the_sweep_stops_what_nobody_paid_and_only_that(stage: Stage) -> None:
    stage.order()
    asked_for = stage.order()
    asked = stage.prepay(asked_for)
    paid = stage.order()
    stage.pay(stage.prepay(paid))
    stage.let_time_pass()
    waiting = stage.order()
    assert [stage.expire(), stage.expire()] == [2, 0]
    with stage.parts.tx() as session:
        states = {row.number: row.state for row in session.execute(text("select number, state from orders"))}
        assert states[paid.number] == "ALLOCATED"
        assert states[waiting.number] == "CREATED"
        assert sorted(states.values()) == ["ALLOCATED", "CANCELLED", "CANCELLED", "CREATED"]
        assert make.numbers_of(session, "AP-1002-M") == (10, 2)
        assert make.count(session, "reservation", "state = 'EXPIRED'") == 2
    assert stage.box.try_post(f"persons/{stage.person['id']}/pay", **asked).status_code >= 400


def test_the_sweep_keeps_goods_while_wechat_cannot_be_asked_but_not_for_ever(stage: Stage) -> None:
    placed = stage.order()
    stage.prepay(placed)
    stage.let_time_pass()
    stage.box.post("settings", faults={"unavailable": True})
    assert stage.expire() == 0
    assert stage.one("select state from orders") == "CREATED"
    assert stage.one("select expires_at > now() from reservation") is True
    with stage.parts.tx() as session:
        session.execute(text("update orders set created_at = created_at - interval '2 hours'"))
    stage.let_time_pass()
    assert stage.expire() == 1
    with stage.parts.tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)


@pytest.mark.parametrize("result", ["ABNORMAL", "CLOSED"])
def test_a_refund_that_wechat_cannot_make_takes_no_commission_back(stage: Stage, result: str) -> None:
    placed = stage.order()
    stage.pay(stage.prepay(placed))
    stage.check()
    stage.box.post("settings", faults={"refund_result": result})
    stage.cancel(placed)
    stage.send_refunds()
    p = stage.parts
    with p.tx() as session:
        session.execute(text("update refund set next_check_at = now()"))
    checking.check_refunds(p.tx, p.wechat.pay, notify_url=p.settings.refunded_url, now=datetime.now(UTC))
    assert stage.one("select state from refund") == result
    assert stage.one("select refunded_fen from orders") == 0
    assert stage.one("select sum(reversed_fen) from commission_share") == 0


def test_a_refund_sent_twice_at_once_is_made_once(stage: Stage) -> None:
    placed = stage.order()
    stage.pay(stage.prepay(placed))
    stage.check()
    stage.cancel(placed)
    at_once(6, lambda _: stage.send_refunds())
    with stage.parts.tx() as session:
        session.execute(text("update refund set next_check_at = now()"))
    p = stage.parts
    checking.check_refunds(p.tx, p.wechat.pay, notify_url=p.settings.refunded_url, now=datetime.now(UTC))
    assert stage.one("select count(*) from ledger_transfer where kind = 'REFUND'") == 1
    assert stage.one("select refunded_fen from orders") == 29_900
    at_wechat = stage.box.get("pay/refunds")["refunds"]
    assert [(refund["refund_fen"], refund["status"]) for refund in at_wechat] == [(29_900, "SUCCESS")]


def test_cancelling_after_a_part_went_back_returns_exactly_the_rest(stage: Stage) -> None:
    """Also while the part is still on its way: units and money are never counted twice."""
    placed = stage.order(("AP-1002-M", 3))
    stage.pay(stage.prepay(placed))
    stage.check()
    p = stage.parts
    decider = Decider("C-SZFT-03", "MANAGER", placed.store.id)
    with p.tx() as session:
        wish = Wish(1, 30_000, 1)
        refund_part(
            session,
            order_number=placed.number,
            decider=decider,
            wishes=[wish],
            reason="尺码",
            now=datetime.now(UTC),
        )
    assert stage.cancel(placed).state is OrderState.CANCELLED
    stage.send_refunds()
    with p.tx() as session:
        session.execute(text("update refund set next_check_at = now()"))
    checking.check_refunds(p.tx, p.wechat.pay, notify_url=p.settings.refunded_url, now=datetime.now(UTC))
    with p.tx() as session:
        refunds = session.execute(text("select cause, amount_fen, state from refund order by id")).all()
        assert [tuple(refund) for refund in refunds] == [
            ("AFTER_SALE", 30_000, "SUCCESS"),
            ("CANCEL", 59_700, "SUCCESS"),
        ]
        line = session.execute(text("select refunded_fen, refunded_qty from order_line")).one()
        assert tuple(line) == (89_700, 3)
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)
        assert (
            session.execute(text("select sum(accrued_fen - reversed_fen) from commission_share")).scalar()
            == 0
        )


def test_a_refund_without_lines_never_exceeds_its_payment(stage: Stage) -> None:
    placed = stage.order()
    stage.pay(stage.prepay(placed))
    stage.check()
    for amount_fen, code in ((29_901, "REFUND_TOO_MUCH"), (0, "INVALID")):
        with pytest.raises(Refusal) as refusal, stage.parts.tx() as session:
            refunding.open_refund(
                session,
                lifecycle.hold(session, placed.order_id),
                payment_id=session.execute(text("select id from payment")).scalar_one(),
                cause=RefundCause.AFTER_SALE,
                amount_fen=amount_fen,
                lines=(),
                reason="test",
                actor="test",
                now=datetime.now(UTC),
            )
        assert refusal.value.code == code
    assert stage.one("select count(*) from refund") == 0
