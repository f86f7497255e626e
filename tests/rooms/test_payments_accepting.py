"""Accepting money: the same news any number of times, foreign and wrong money, late and double money."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.ledger.reading import balance_fen
from app.orders import lifecycle
from app.orders.placing import Placed
from app.payments.accepting import Outcome, accept_paid
from app.payments.refunding import accept_refund
from models.payments import RefundState
from tests import make
from tests.racing import at_once
from wechat.pay import RefundStatus, Trade, TradeState

pytestmark = pytest.mark.usefixtures("right_books")
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
_PAYMENT = text(
    "insert into payment (order_id, out_trade_no, appid, mchid, payer_openid, amount_fen, state, checks)"
    " values (:order_id, :no, 'wx-mp', '1900000001', 'o-1', :fen, 'PREPARED', 0)"
)


@pytest.fixture(autouse=True)
def shop(tx: Tx) -> None:
    """The small shop with two shirts."""
    with tx() as session:
        make.a_shop(session)
        make.stock(session, "AP-1002-M", 2)


def _order(session: Session, name: str = "1", no: str = "P0000001") -> Placed:
    placed = make.an_order(session, make.a_buyer(session, name))
    session.execute(_PAYMENT, {"order_id": placed.order_id, "no": no, "fen": placed.quote.amount_fen})
    return placed


def _trade(no: str = "P0000001", transaction_id: str = "4200001", **changes: object) -> Trade:
    trade = Trade(
        appid="wx-mp",
        mchid="1900000001",
        out_trade_no=no,
        transaction_id=transaction_id,
        state=TradeState.SUCCESS,
        amount_fen=29_900,
        currency="CNY",
        payer_openid="o-1",
        success_at=NOW,
    )
    return replace(trade, **changes)  # type: ignore[arg-type]  # the test names real fields


def _accept(tx: Tx, trade: Trade) -> Outcome:
    with tx() as session:
        return accept_paid(session, trade, vault=make.VAULT, now=NOW)


@pytest.mark.parametrize(("status", "held"), [("ACTIVE", 1), ("LEAVING", 1), ("LEFT", 0)])
def test_spl9_a_clerk_who_pays_for_a_customer_puts_the_shares_under_review(
    tx: Tx, status: str, held: int
) -> None:
    with tx() as session:
        placed = _order(session)
        friend = make.a_buyer(session, "friend")
        session.execute(
            text("update clerk set member_id = :id, status = :status where code = 'C-SZFT-01'"),
            {"id": friend.member_id, "status": status},
        )
        session.execute(text("update payment set payer_openid = 'o-friend'"))
    assert _accept(tx, _trade(payer_openid="o-friend")) is Outcome.PAID
    assert _accept(tx, _trade(payer_openid="o-friend")) is Outcome.AGAIN
    with tx() as session:
        assert make.count(session, "commission_share", "state = 'HELD'") == held * make.count(
            session, "commission_share"
        )
        causes = set(session.execute(text("select cause from commission_hold")).scalars())
        assert causes == ({f"payer:{placed.number}"} if held else set())


def test_spl6_a_friend_who_pays_changes_nobodys_credit(tx: Tx) -> None:
    with tx() as session:
        _order(session)
        make.a_buyer(session, "friend")
        session.execute(text("update payment set payer_openid = 'o-friend'"))
    assert _accept(tx, _trade(payer_openid="o-friend")) is Outcome.PAID
    with tx() as session:
        assert make.count(session, "commission_hold") == 0
        assert make.count(session, "commission_share", "state = 'FROZEN'") == make.count(
            session, "commission_share"
        )


def test_spl9_a_clerk_who_buys_for_himself_is_not_held_but_earns_nothing(tx: Tx) -> None:
    with tx() as session:
        session.execute(
            text("update clerk set member_id = :id where code = 'C-SZFT-01'"),
            {"id": make.a_buyer(session, "1").member_id},
        )
        buyer = make.Buyer(
            *session.execute(
                text("select m.id, m.number, i.id from member m join identity i on i.member_id = m.id")
            ).one()
        )
        placed = make.an_order(session, buyer)
        session.execute(
            _PAYMENT, {"order_id": placed.order_id, "no": "P0000001", "fen": placed.quote.amount_fen}
        )
    assert _accept(tx, _trade()) is Outcome.PAID
    with tx() as session:
        assert make.count(session, "commission_hold") == 0
        assert make.count(session, "commission_share", "party_kind = 'CLERK'") == 0


def test_money_makes_the_order_paid_once_and_accrues_once(tx: Tx) -> None:
    with tx() as session:
        _order(session)
    assert [_accept(tx, _trade()) for _ in range(3)] == [Outcome.PAID, Outcome.AGAIN, Outcome.AGAIN]
    with tx() as session:
        row = session.execute(text("select state, paid_fen, fulfilment_state from orders")).one()
        assert tuple(row) == ("ALLOCATED", 29_900, "READY")
        assert make.count(session, "reservation", "state = 'ACTIVE' and expires_at is null") == 1
        assert balance_fen(session, "sales:E-HQ") == 29_900
        assert balance_fen(session, "cash:wechat:1900000001") == -29_900
        assert session.execute(text("select sum(accrued_fen) from commission_share")).scalar_one() == 1_495
        assert make.count(session, "ledger_transfer", "kind = 'PAYMENT'") == 1


def test_the_same_news_fifty_times_in_parallel_pays_once(tx: Tx) -> None:
    with tx() as session:
        _order(session)
    outcomes = at_once(20, lambda _: _accept(tx, _trade()))
    assert sorted(outcomes) == [Outcome.AGAIN] * 19 + [Outcome.PAID]
    with tx() as session:
        assert make.count(session, "commission_line") == 1
        assert make.count(session, "ledger_transfer", "kind = 'PAYMENT'") == 1
        assert make.count(session, "order_event", "to_state = 'PAID'") == 1


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"appid": "wx-other"}, Outcome.MISMATCH),
        ({"mchid": "1900000002"}, Outcome.MISMATCH),
        ({"amount_fen": 29_899}, Outcome.MISMATCH),
        ({"amount_fen": 29_901}, Outcome.MISMATCH),
        ({"amount_fen": None}, Outcome.MISMATCH),
        ({"currency": "USD"}, Outcome.MISMATCH),
        ({"currency": None}, Outcome.MISMATCH),
        ({"out_trade_no": "P9999999"}, Outcome.UNMATCHED),
        ({"state": TradeState.NOTPAY, "transaction_id": None}, Outcome.NOT_PAID),
        ({"state": TradeState.CLOSED}, Outcome.NOT_PAID),
        ({"transaction_id": None}, Outcome.NOT_PAID),
    ],
)
def test_money_that_does_not_fit_changes_nothing(tx: Tx, change: dict[str, object], outcome: Outcome) -> None:
    with tx() as session:
        _order(session)
    assert _accept(tx, _trade(**change)) is outcome
    with tx() as session:
        assert make.count(session, "orders", "state = 'CREATED' and paid_fen = 0") == 1
        assert make.count(session, "ledger_transfer") == 0
        assert make.count(session, "commission_line") == 0
        kept = session.execute(text("select state, problem is not null as told from payment")).one()
        assert tuple(kept) == (("MISMATCH", True) if outcome is Outcome.MISMATCH else ("PREPARED", False))
    # The right money is still welcome afterwards.
    assert _accept(tx, _trade()) is Outcome.PAID


def _time_out(session: Session, placed: Placed, *, reason: str = "TIMEOUT") -> None:
    lifecycle.cancel(session, lifecycle.hold(session, placed.order_id), now=NOW, actor="clock", reason=reason)


def test_stk_4_late_money_revives_the_order_while_goods_are_there(tx: Tx) -> None:
    with tx() as session:
        placed = _order(session)
        _time_out(session, placed)
    assert _accept(tx, _trade()) is Outcome.PAID
    with tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (2, 1)
        assert make.count(session, "orders", "state = 'ALLOCATED' and fulfilment_state = 'READY'") == 1
        assert make.count(session, "order_event", "reason = 'LATE_PAYMENT'") == 1
        assert make.count(session, "orders", "cancelled_at is null and cancel_reason is null") == 1
        assert make.count(session, "refund") == 0


def test_stk_4_late_money_goes_back_when_the_goods_are_gone(tx: Tx) -> None:
    with tx() as session:
        placed = _order(session)
        _time_out(session, placed)
        make.an_order(session, make.a_buyer(session, "2"), ("AP-1002-M", 2))
    assert [_accept(tx, _trade()) for _ in range(2)] == [Outcome.EXCESS, Outcome.AGAIN]
    with tx() as session:
        refund = session.execute(text("select id, out_refund_no, cause, amount_fen, state from refund")).one()
        assert (refund.cause, refund.amount_fen, refund.state) == ("EXCESS", 29_900, "REQUESTED")
        job = session.execute(text("select task_name, args from procrastinate_jobs")).one()
        assert (job.task_name, job.args) == ("send_refund", {"refund_id": refund.id})
        assert balance_fen(session, "unclaimed:excess") == 29_900
        assert balance_fen(session, "sales:E-HQ") == 0
        assert make.count(session, "commission_line") == 0
    for _ in range(2):
        with tx() as session:
            state = accept_refund(
                session,
                out_refund_no=refund.out_refund_no,
                refund_id="5000001",
                status=RefundStatus.SUCCESS,
                refund_fen=29_900,
                now=NOW,
            )
            assert state is RefundState.SUCCESS
    with tx() as session:
        assert balance_fen(session, "unclaimed:excess") == 0
        assert balance_fen(session, "cash:wechat:1900000001") == 0


def test_stk_4_money_for_an_order_its_buyer_cancelled_goes_back(tx: Tx) -> None:
    with tx() as session:
        _time_out(session, _order(session), reason="BUYER")
    assert _accept(tx, _trade()) is Outcome.EXCESS
    with tx() as session:
        assert make.count(session, "orders", "state = 'CANCELLED'") == 1
        assert make.numbers_of(session, "AP-1002-M") == (2, 0)


def test_a_second_payment_of_one_order_goes_back(tx: Tx) -> None:
    with tx() as session:
        placed = _order(session)
        facts = {"order_id": placed.order_id, "no": "P0000002", "fen": 29_900}
        session.execute(_PAYMENT, facts)
    assert _accept(tx, _trade()) is Outcome.PAID
    assert _accept(tx, _trade("P0000002", "4200002")) is Outcome.EXCESS
    with tx() as session:
        assert make.count(session, "refund", "cause = 'EXCESS'") == 1
        assert balance_fen(session, "sales:E-HQ") == 29_900
        assert balance_fen(session, "unclaimed:excess") == 29_900
