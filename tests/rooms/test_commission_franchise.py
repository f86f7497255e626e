"""Sales of another entity (SPL-10) and refunds by the seller's fault (CLW-6), on a real database."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Alarm
from app.commission.accrual import accrue
from app.commission.between_entities import Way, due_for_sharing, way
from app.commission.clawback import reverse
from app.commission.holding import hold
from app.commission.moving import Heir, move
from app.commission.release import release_due
from app.ledger.reading import balances
from models.commission import PartyKind
from tests.rooms.paid import (
    FUTIAN,
    IN_WEIFANG,
    LI,
    LIN,
    PAID_AT,
    Sold,
    amounts,
    book,
    hand_over,
    local,
    refund,
    sell,
    share_ids,
    snapshot,
    weifang,
)

pytestmark = pytest.mark.usefixtures("right_books")

BACK_AT = PAID_AT + timedelta(days=2)
FEE, FEE_COST = "platform-fee:E-WF1", "expense:platform-fee:E-WF1"


def in_weifang(tx: Tx, fen: int = 29900, **terms: Any) -> Sold:
    """An order that E-WF1 sold."""
    with tx() as session:
        weifang(session)
        credit = snapshot(IN_WEIFANG, platform_fee_bp=500, **terms)
        sold = sell(session, [fen], credit=credit, entity="E-WF1")
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    return sold


def take_back(tx: Tx, sold: Sold, fen: int, no: str = "R1", *, defect: bool = False) -> int:
    with tx() as session:
        refund_id = refund(session, sold, {0: fen}, no=no)
        lines = [(sold.lines[0].order_line_id, fen)]
        for _ in range(2):
            reverse(session, refund_id=refund_id, lines=lines, at=BACK_AT, defect=defect)
    return refund_id


def money(tx: Tx, *names: str) -> list[int]:
    with tx() as session:
        return list(balances(session, names).values())


def test_spl10_wf_yq_sells_29900_and_owes_a_fee_of_1495_beside_a_pool_of_1495(tx: Tx) -> None:
    sold = in_weifang(tx)
    assert money(tx, FEE, FEE_COST, "expense:commission:E-WF1") == [1495, -1495, -1495]
    with tx() as session:
        line = session.execute(text("select fee_bp, fee_fen, pool_fen from commission_line")).one()
        assert (line.fee_bp, line.fee_fen + line.pool_fen) == (500, 2990)
        assert amounts(session, sold) == [449, 224, 299, 299, 224]
        payees = session.execute(text("select party, payee from commission_share order by position")).all()
    # 1 271 fen of another entity's people are inter-entity payables; the rest stays in the house.
    assert [row.payee for row in payees] == ["E-HQ", "E-HQ", "E-HQ", "E-WF1", "E-WF1"]


def test_spl10_the_fee_falls_with_a_refund_exactly_like_a_pool(tx: Tx) -> None:
    sold = in_weifang(tx)
    take_back(tx, sold, 3333)
    assert money(tx, FEE, FEE_COST) == [1328, -1328]
    take_back(tx, sold, 26567, "R2")
    assert money(tx, FEE, FEE_COST, "expense:commission:E-WF1", f"frozen:{LIN}") == [0, 0, 0, 0]


def test_spl10_head_office_owes_itself_no_fee(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session, credit=snapshot(platform_fee_bp=500))
        accrue(session, sold.lines, paid_at=PAID_AT, now=PAID_AT)
    assert money(tx, "platform-fee:E-HQ", "expense:platform-fee:E-HQ") == [0, 0]


def test_clw6_without_protection_a_defect_takes_from_everybody(tx: Tx) -> None:
    sold = in_weifang(tx)
    take_back(tx, sold, 29900, defect=True)
    with tx() as session:
        assert amounts(session, sold) == [0, 0, 0, 0, 0]


def test_clw6_with_protection_clerks_keep_and_stores_give_back(tx: Tx) -> None:
    sold = in_weifang(tx, defect_protect=True)
    take_back(tx, sold, 3333, defect=True)
    with tx() as session:
        # -50/-25/-34/-33/-25 of CLW-2, of which the clerks keep theirs.
        assert amounts(session, sold) == [449, 199, 299, 299, 199]
    take_back(tx, sold, 26567, "R2")
    with tx() as session:
        assert amounts(session, sold) == [50, 0, 34, 33, 0]
        assert [row[3] for row in book(session, sold)] == [
            "FROZEN",
            "REVERSED",
            "FROZEN",
            "FROZEN",
            "REVERSED",
        ]
    assert money(tx, "expense:commission:E-WF1", FEE) == [-(50 + 34 + 33), 0]


def test_clw6_a_full_defect_leaves_the_clerks_everything(tx: Tx) -> None:
    sold = in_weifang(tx, defect_protect=True)
    take_back(tx, sold, 29900, defect=True)
    with tx() as session:
        assert amounts(session, sold) == [449, 0, 299, 299, 0]


def test_clw6_what_is_protected_stays_so_in_other_hands(tx: Tx) -> None:
    sold = in_weifang(tx, defect_protect=True)
    take_back(tx, sold, 3333, defect=True)
    with tx() as session:
        share_id = share_ids(session, sold)["SELL_CLERK"]
        heirs = [Heir(PartyKind.CLERK, LI, 6000), Heir(PartyKind.CLERK, "clerk:C-SZNS-01", 4000)]
        move(session, share_id=share_id, to=heirs, cause="dispute:1", because={}, at=BACK_AT)
    take_back(tx, sold, 26567, "R2")
    with tx() as session:
        assert [row[2] for row in book(session, sold)] == [50, 0, 34, 20, 0, 13]


def test_clw6_the_same_refund_with_another_cause_raises_an_alarm(tx: Tx) -> None:
    sold = in_weifang(tx, defect_protect=True)
    refund_id = take_back(tx, sold, 3333)
    lines = [(sold.lines[0].order_line_id, 3333)]
    with pytest.raises(Alarm, match="another amount or cause"), tx() as session:
        reverse(session, refund_id=refund_id, lines=lines, at=BACK_AT, defect=True)


def test_clw6_a_defect_that_is_told_before_the_accrual_is_remembered_as_one(tx: Tx) -> None:
    with tx() as session:
        sold = sell(session, credit=snapshot(defect_protect=True))
        refund_id = refund(session, sold, {0: 29900}, no="R1")
        lines = [(sold.lines[0].order_line_id, 29900)]
        reverse(session, refund_id=refund_id, lines=lines, at=BACK_AT, defect=True)
        accrue(session, sold.lines, paid_at=PAID_AT, now=BACK_AT)
        assert amounts(session, sold) == [449, 0, 299, 299, 0]


def test_frz4_what_is_certain_by_day_25_may_be_shared_and_the_rest_is_invoiced(tx: Tx) -> None:
    sold = in_weifang(tx)
    with tx() as session:
        found = due_for_sharing(session, now=local("2026-03-26"))
        # Head office's store, in a sale of E-WF1; clerks and the seller's own store are no matter of sharing.
        assert [(due.party, due.payee, due.due_fen, due.is_certain) for due in found] == [
            (FUTIAN, "E-HQ", 224, False)
        ]
        assert (found[0].guard_at, found[0].finish_by) == (local("2026-03-27"), local("2026-04-01"))
        assert found[0].way is Way.SHARING
        assert due_for_sharing(session, now=local("2026-03-27"))[0].way is Way.INVOICE
        hand_over(session, sold)
        release_due(session, now=local("2026-03-13"))
        certain = due_for_sharing(session, now=local("2026-04-20"))[0]
        assert (certain.is_certain, certain.way) == (True, Way.SHARING)
        assert due_for_sharing(session, now=local("2026-04-20"), after=certain.share_id) == []
        hold(session, share_ids=[certain.share_id], cause="review:1", at=BACK_AT)
        assert due_for_sharing(session, now=local("2026-04-20")) == []


def test_frz4_a_presale_shipped_on_day_24_is_never_shared() -> None:
    paid_at, released_at = local("2026-03-01"), local("2026-04-15")
    assert way(paid_at=paid_at, released_at=None, now=local("2026-03-25")) is Way.SHARING
    assert way(paid_at=paid_at, released_at=None, now=local("2026-03-26")) is Way.INVOICE
    assert way(paid_at=paid_at, released_at=released_at, now=local("2026-05-01")) is Way.INVOICE
