"""Explain an order on a real database (SET-5, SPL-10): every fen, the story, the proof, and who may see what."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app.base.db import Tx
from app.base.errors import NotFound
from app.commission import explaining, telling
from app.commission.accrual import accrue
from app.commission.clawback import reverse
from app.commission.explaining import OrderExplained, explain_order, only, seen_by
from app.commission.holding import hold
from app.commission.moving import Heir, move
from app.commission.release import release_due
from app.commission.settling import mark_settled, take_into_batch
from models.commission import PartyKind
from tests.rooms.paid import (
    FUTIAN,
    IN_WEIFANG,
    LI,
    LIN,
    PAID_AT,
    YUQING,
    Sold,
    hand_over,
    local,
    refund,
    sell,
    share_ids,
    snapshot,
    weifang,
)

pytestmark = pytest.mark.usefixtures("right_books")

DUE, APRIL = local("2026-03-13"), local("2026-04-01")
ZHOU = "clerk:C-SZNS-01"


@pytest.fixture
def sold(tx: Tx) -> Sold:
    """Sold in Weifang; 3 333 fen refunded, the acquisition moved by a merge, released, one clerk settled, one held."""
    with tx() as session:
        weifang(session)
        made = sell(session, [29900, 12900], entity="E-WF1", credit=snapshot(IN_WEIFANG, platform_fee_bp=500))
        accrue(session, made.lines, paid_at=PAID_AT, now=PAID_AT)
        hand_over(session, made)
        refund_id = refund(session, made, {0: 3333}, no="R1")
        line = (made.lines[0].order_line_id, 3333)
        reverse(session, refund_id=refund_id, lines=[line], at=PAID_AT + timedelta(days=1))
        ids = share_ids(session, made)
        move(
            session,
            share_id=ids["ACQ_CLERK"],
            to=[Heir(PartyKind.CLERK, ZHOU)],
            cause="merge:M-0006",
            because={"kind": "MERGE"},
            at=PAID_AT + timedelta(days=2),
        )
        release_due(session, now=DUE)
        take_into_batch(session, batch_id=1, party=LI, before=APRIL, at=APRIL)
        mark_settled(session, batch_id=1, at=APRIL)
        hold(session, share_ids=[ids["SVC_CLERK"]], cause="review:1", at=APRIL)
    return made


def explained(tx: Tx, sold: Sold) -> OrderExplained:
    with tx() as session:
        return explain_order(session, sold.number)


def test_set5_every_fen_of_an_order_has_its_party_role_rule_and_proof(tx: Tx, sold: Sold) -> None:
    order = explained(tx, sold)
    assert (order.selling_entity, order.proved) == ("E-WF1", True)
    first = order.lines[0]
    assert (first.base_fen, first.pool_fen, first.reversed_fen, first.left_fen) == (29900, 1495, 167, 1328)
    assert (first.fee_fen, first.fee_reversed_fen, first.policy, first.version) == (1495, 167, "DEFAULT", 1)
    assert [(s.party, s.payee, s.row.amount_fen, s.row.state.value, s.settled_fen) for s in first.shares] == [
        (LIN, "E-HQ", 0, "MOVED", 0),
        (FUTIAN, "E-HQ", 199, "RELEASABLE", 0),
        (LIN, "E-HQ", 265, "HELD", 0),
        (LI, "E-WF1", 266, "SETTLED", 266),
        (YUQING, "E-WF1", 199, "RELEASABLE", 0),
        (ZHOU, "E-HQ", 399, "RELEASABLE", 0),
    ]
    assert first.shares[2].held_for == ("review:1",)
    assert (first.shares[0].evidence_kind, first.shares[0].party_name) == ("SCAN", "林晓雨")


def test_set5_the_story_is_dated_and_names_its_causes(tx: Tx, sold: Sold) -> None:
    story = [event for event in explained(tx, sold).lines[0].events if event.party in (LIN, ZHOU, LI)]
    assert [(event.kind.value, event.party, event.amount_fen, event.cause) for event in story] == [
        ("ACCRUE", LIN, 449, None),
        ("ACCRUE", LIN, 299, None),
        ("ACCRUE", LI, 299, None),
        ("REVERSE", LIN, -50, "R1"),
        ("REVERSE", LIN, -34, "R1"),
        ("REVERSE", LI, -33, "R1"),
        ("MOVE_OUT", LIN, -399, "merge:M-0006"),
        ("MOVE_IN", ZHOU, 399, "merge:M-0006"),
        ("RELEASE", LIN, 265, None),
        ("RELEASE", LI, 266, None),
        ("RELEASE", ZHOU, 399, None),
        ("SETTLE", LI, 266, "batch:1"),
    ]
    assert [telling.event(story[index], "zh") for index in (3, 6, 11)] == [
        "售后退款：退款收回",
        "两个会员账号为同一人，合并后按更早的拉新归属：转出",
        "结算",
    ]
    assert telling.event(story[3], "en") == "refund: taken back"


def test_set5_the_words_speak_about_the_party_in_both_languages(tx: Tx, sold: Sold) -> None:
    shares = explained(tx, sold).lines[0].shares
    told = [telling.why(share.row, "zh") for share in shares]
    assert told[0] == (
        "该导购于2026-03-01扫码带来的顾客（福田购物公园店）在本单消费，拉新分成30%："
        "基数¥299.00×5%×30% = ¥4.49；退款收回¥0.50；转出¥3.99，余¥0.00"
    )
    assert told[5] == "两个会员账号为同一人，合并后按更早的拉新归属转入：转入¥3.99"
    english = [telling.why(share.row, "en") for share in shares]
    assert english[2].startswith("The clerk serves this customer since 2026-03-01")
    assert not any(word in sentence.lower() for sentence in english for word in ("you ", "your "))
    assert not any(word in sentence for sentence in told for word in ("您", "贵公司", "本店"))


def test_spl10_the_seller_sees_its_own_parties_and_the_others_as_one(tx: Tx, sold: Sold) -> None:
    order = seen_by(explained(tx, sold), lambda share: share.payee == "E-WF1", sold=True)
    first = order.lines[0]
    assert [(share.party, share.row.amount_fen) for share in first.shares] == [
        (LI, 266),
        (YUQING, 199),
        ("", 199 + 265 + 399),
    ]
    assert sum(share.row.amount_fen for share in first.shares) == first.left_fen
    assert (first.proved, first.fee_fen) == (True, 1495)
    hidden = [event for event in first.events if not event.party]
    assert [(event.kind.value, event.amount_fen, event.cause) for event in hidden] == [
        ("ACCRUE", 449 + 224 + 299, None),
        ("REVERSE", -(50 + 25 + 34), None),
        ("MOVE_OUT", -399, None),
        ("MOVE_IN", 399, None),
        ("RELEASE", 199 + 265 + 399, None),
    ]
    assert "林" not in repr(order)
    assert LIN not in repr(order)
    assert "M-0006" not in repr(order)


def test_spl10_another_entity_sees_its_shares_and_not_the_fee(tx: Tx, sold: Sold) -> None:
    order = seen_by(explained(tx, sold), lambda share: share.payee == "E-HQ", sold=False)
    assert [share.party for share in order.lines[0].shares] == [LIN, FUTIAN, LIN, ZHOU, ""]
    assert order.lines[0].fee_fen == 0
    with pytest.raises(NotFound):
        seen_by(explained(tx, sold), lambda share: share.payee == "E-GZ2", sold=False)


def test_set5_a_clerk_sees_only_what_is_hers(tx: Tx, sold: Sold) -> None:
    mine = only(explained(tx, sold), LIN)
    assert {share.party for line in mine.lines for share in line.shares} == {LIN}
    assert {event.party for line in mine.lines for event in line.events} == {LIN}
    assert ZHOU not in repr(mine)
    with pytest.raises(NotFound):
        only(explained(tx, sold), "clerk:C-NOBODY")


def test_an_order_that_does_not_exist_is_not_found(tx: Tx, sold: Sold) -> None:
    with pytest.raises(NotFound), tx() as session:
        explain_order(session, "A260302NOBODY00")


def test_a_figure_that_does_not_add_up_is_not_proved(tx: Tx, sold: Sold) -> None:
    with tx() as session:
        session.execute(text("update commission_line set pool_fen = pool_fen + 1"))
        assert not explain_order(session, sold.number).proved
        session.rollback()


def test_explaining_walks_along_indexes_only(engine: Engine) -> None:
    """No statement reads a big table whole: with sequential scans forbidden none is left."""
    big = ("orders", "order_line", "commission_line", "commission_share", "commission_entry", "refund")
    plans: list[str] = []
    with engine.connect() as connection:
        connection.execute(text("set enable_seqscan = off"))
        for statement in (explaining._LINES, explaining._SHARES, explaining._ENTRIES):
            facts = {"number": "x", "line_ids": [1, 2], "share_ids": [1, 2, 3]}
            plans += connection.execute(text(f"explain {statement.text}"), facts).scalars()
        connection.rollback()
    assert not [row for row in plans if "Seq Scan" in row and any(f" on {name} " in row for name in big)]
