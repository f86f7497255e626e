"""Attacks on refunds, cancelling and closing that must fail; each states what has to hold."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from app.base.errors import Refusal, Unreachable
from app.orders import pickup_codes
from app.orders.pickup import HandedOver, Verifier, verify
from app.payments import checking, prepaying, refunding, stopping
from app.payments.partial import Decider, Wish, refund_part
from tests import make
from tests.stage import Stage
from wechat.errors import Refused, WeChatError
from wechat.pay import RefundStatus


class Unsigned:
    """WeChat Pay while our certificate is wrong: 401 SIGN_ERROR to every call."""

    def _no(self, *_: Any, **__: Any) -> Any:
        raise Refused("any", "SIGN_ERROR", "")

    refund = query_refund = close = query = _no


def _now() -> datetime:
    return datetime.now(UTC)


def _paid(stage: Stage, qty: int = 2) -> Any:
    placed = stage.order(("AP-1002-M", qty))
    stage.pay(stage.prepay(placed))
    stage.check()
    return placed


def _manager(stage: Stage) -> Any:
    with stage.parts.tx() as session:
        return session.execute(text("select id, store_id from clerk where code = 'C-SZFT-03'")).one()


def _refund(stage: Stage, placed: Any, amount_fen: int, qty: int) -> str:
    with stage.parts.tx() as session:
        return refund_part(
            session,
            order_number=placed.number,
            decider=Decider("C-SZFT-03", "MANAGER", _manager(stage).store_id),
            wishes=[Wish(1, amount_fen, qty)],
            reason="x",
            now=_now(),
        )


def _told(stage: Stage, number: str, status: RefundStatus, fen: int) -> Any:
    with stage.parts.tx() as session:
        return refunding.accept_refund(
            session, out_refund_no=number, refund_id=f"W{number}", status=status, refund_fen=fen, now=_now()
        )


def _hand_over(stage: Stage, placed: Any) -> HandedOver:
    p, who = stage.parts, _manager(stage)
    with p.tx() as session:
        code = pickup_codes.show(session, placed.order_id, vault=p.vault, now=_now()).code
    verifier = Verifier(who.id, "C-SZFT-03", who.store_id)
    return verify(p.tx, verifier, code=code, age_checked=True, vault=p.vault, now=_now())


def test_clw_1_cancelling_while_units_are_being_refunded_can_be_booked(stage: Stage) -> None:
    placed = _paid(stage)
    first = _refund(stage, placed, 29_900, 1)
    rest = stage.cancel(placed).refund_no
    _told(stage, first, RefundStatus.SUCCESS, 29_900)
    _told(stage, str(rest), RefundStatus.SUCCESS, 29_900)
    assert stage.one("select refunded_fen from orders") == 59_800
    assert stage.one("select refunded_qty from order_line") == 2


def test_one_refund_that_cannot_be_booked_does_not_stop_the_others(stage: Stage) -> None:
    stage.order()
    stage.order()
    stage.let_time_pass()
    poisoned = stage.one("select id from orders order by expires_at, id limit 1")
    with stage.parts.tx() as session:
        session.execute(text("select 1 from orders where id = :id for update"), {"id": poisoned})
        assert stage.expire() == 1


def test_pck_1_the_counter_is_told_only_what_the_books_give_away(stage: Stage) -> None:
    placed = _paid(stage)
    _refund(stage, placed, 29_900, 1)
    assert _hand_over(stage, placed).lines == (("真丝衬衫", "M", 1),)
    assert stage.one("select -on_hand_delta from stock_movement where kind = 'SALE'") == 1


def test_stk_7_units_come_back_once_though_the_refund_has_to_be_repeated(stage: Stage) -> None:
    placed = _paid(stage)
    _hand_over(stage, placed)
    for _ in range(3):
        try:
            _told(stage, _refund(stage, placed, 59_800, 2), RefundStatus.CLOSED, 59_800)
        except Refusal:
            break
    with stage.parts.tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (10, 0)


def test_money_is_never_guessed_when_wechat_refuses_our_signature(stage: Stage) -> None:
    placed = stage.order()
    asked, p, now = stage.prepay(placed), stage.parts, _now()
    pay: Any = Unsigned()
    with pytest.raises(Unreachable):
        stopping.cancel(
            p.tx,
            pay,
            order_number=placed.number,
            member_id=stage.payer.member_id,
            actor="m",
            vault=p.vault,
            now=now,
        )
    stage.pay(asked)
    stage.check()
    assert stage.one("select state from payment") in ("SUCCESS", "EXCESS")


def test_a_refund_survives_a_wrong_certificate(stage: Stage) -> None:
    placed, p, now = _paid(stage), stage.parts, _now()
    stage.cancel(placed)
    pay: Any = Unsigned()
    with suppress(WeChatError):
        refunding.send(p.tx, pay, refund_id=stage.one("select id from refund"), notify_url="x", now=now)
    stage.send_refunds()
    with p.tx() as session:
        session.execute(text("update refund set next_check_at = now()"))
    checking.check_refunds(p.tx, p.wechat.pay, notify_url=p.settings.refunded_url, now=now)
    assert stage.one("select state from refund") == "SUCCESS"


def test_a_prepay_that_arrives_after_the_cancel_leaves_no_payable_number_behind(stage: Stage) -> None:
    placed, p = stage.order(), stage.parts
    with p.tx() as session:
        opened = prepaying._open(session, placed.number, stage.payer, stage.shop, _now())
    stage.cancel(placed)
    try:
        late = prepaying._ask(
            p.tx, p.wechat.pay, opened, payer=stage.payer, shop=stage.shop, vault=p.vault, now=_now()
        )
        asked = p.wechat.pay.sign_payment(appid=stage.payer.appid, prepay_id=str(late.prepay_id), now=_now())
        stage.box.try_post(f"persons/{stage.person['id']}/pay", **asked)
    except Refusal:
        return
    stage.check()
    assert stage.one("select state from payment") == "EXCESS", "money is at WeChat and nobody will ask for it"


def test_a_second_cancel_answers_the_same(stage: Stage) -> None:
    placed = _paid(stage)
    assert stage.cancel(placed) == stage.cancel(placed)
