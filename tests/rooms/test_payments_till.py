"""Receipts of tills as orders: DOMAIN F 1 to the fen, once however often told, and back again."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.base.db import Tx
from app.base.errors import Conflict, Invalid, NotFound
from app.base.vault import Vault
from app.members.recognising import Named
from app.orders import lifecycle
from app.payments import refunding
from app.payments.refunding import Part
from app.payments.till import take_return, take_sale
from models.payments import RefundCause
from tests import make, people
from tests.racing import at_once
from tests.rooms.tills import FOLLOWED_AT, SOLD_AT, a_return, a_sale, a_till, shares, two_companies

pytestmark = pytest.mark.usefixtures("right_books")
VAULT: Vault = make.VAULT
NOW = SOLD_AT + timedelta(minutes=1)
M1 = Named(number="M-0001")


@pytest.fixture
def shop(tx: Tx) -> None:
    """F 1: 张小满 (M-0001) follows by the code of C-SZFT-01 at SZ-FT on 2026-03-01."""
    with tx() as session:
        two_companies(session)
        fan = people.a_fan(session, now=FOLLOWED_AT)
        session.execute(text("update member set number = 'M-0001' where id = :id"), {"id": fan.member_id})
        people.a_scan(session, fan, people.a_code(session), at=FOLLOWED_AT)


FIVE = [
    ("ACQ_CLERK", "clerk:C-SZFT-01", 449),
    ("ACQ_STORE", "store:SZ-FT", 224),
    ("SVC_CLERK", "clerk:C-SZFT-01", 299),
    ("SELL_CLERK", "clerk:C-WFYQ-01", 299),
    ("FULFIL_STORE", "store:WF-YQ", 224),
]


@pytest.mark.usefixtures("shop")
def test_bnd_3_spl_4_a_fan_of_shenzhen_buys_at_a_till_in_weifang(tx: Tx) -> None:
    with tx() as session:
        sold, again = take_sale(
            session, a_till(session), a_sale(member=M1, clerk="C-WFYQ-01"), vault=VAULT, now=NOW
        )
        assert not again
        assert shares(session, sold.number) == FIVE
        order = session.execute(text("select * from orders where number = :n"), {"n": sold.number}).one()
        assert (order.origin, order.state, order.fulfilment) == ("POS", "COMPLETED", "CARRY_OUT")
        assert (order.paid_fen, order.completed_at, order.paid_at) == (29900, SOLD_AT, SOLD_AT)
        line = session.execute(text("select releasable_at, selling_entity from commission_line")).one()
        # FRZ-2: the 9th of July + 7 + 3 + 1, 00:00 in Shanghai.
        assert line.releasable_at == datetime(2026, 7, 19, 16, tzinfo=UTC)
        assert line.selling_entity == "E-WF1"
        assert make.numbers_of(session, "AP-1002-M", "WF-YQ") == (0, 0)
        touch = session.execute(text("select * from touch where kind = 'POS_SALE'")).one()
        assert touch.occurred_at == SOLD_AT


@pytest.mark.usefixtures("shop")
def test_the_same_receipt_again_changes_nothing_and_another_content_is_refused(tx: Tx) -> None:
    sale = a_sale(member=M1, clerk="C-WFYQ-01")
    with tx() as session:
        till = a_till(session)
        first, _ = take_sale(session, till, sale, vault=VAULT, now=NOW)
    with tx() as session:
        other_till = a_till(session)
        assert take_sale(session, other_till, sale, vault=VAULT, now=NOW + timedelta(days=1)) == (first, True)
    with pytest.raises(Conflict, match="RECEIPT_DIFFERS"), tx() as session:
        take_sale(session, till, a_sale("R-1", ("AP-1002-M", 1, 29800)), vault=VAULT, now=NOW)
    with tx() as session:
        assert [make.count(session, name) for name in ("orders", "payment", "pos_receipt")] == [1, 1, 1]
        assert make.count(session, "touch", "kind = 'POS_SALE'") == 1


@pytest.mark.usefixtures("shop")
def test_eight_copies_at_once_make_one_order(tx: Tx) -> None:
    with tx() as session:
        till = a_till(session)

    def tell(_: int) -> tuple[str, bool]:
        with tx() as session:
            sold, again = take_sale(session, till, a_sale(member=M1, clerk="C-WFYQ-01"), vault=VAULT, now=NOW)
            return sold.number, again

    told = at_once(8, tell)
    assert len({number for number, _ in told}) == 1
    assert sorted(again for _, again in told) == [False] + [True] * 7


@pytest.mark.usefixtures("shop")
def test_receipts_of_two_stores_may_have_one_number(tx: Tx) -> None:
    with tx() as session:
        make.stock(session, "AP-1002-M", 5)
        one, _ = take_sale(session, a_till(session), a_sale(), vault=VAULT, now=NOW)
        other, again = take_sale(session, a_till(session, "SZ-FT"), a_sale(), vault=VAULT, now=NOW)
        assert (one.number != other.number, again) == (True, False)


@pytest.mark.usefixtures("shop")
def test_oir_1_an_unknown_buyers_sale_earns_for_the_seller_and_the_store_alone(tx: Tx) -> None:
    with tx() as session:
        sold, _ = take_sale(session, a_till(session), a_sale(clerk="C-WFYQ-02"), vault=VAULT, now=NOW)
        found = shares(session, sold.number)
        assert found == [
            ("SELL_CLERK", "clerk:C-WFYQ-02", 299),
            ("FULFIL_STORE", "store:WF-YQ", 224),
            ("HQ", "entity:E-HQ", 972),
        ]
        assert make.count(session, "orders", "member_id is null") == 1
        assert make.count(session, "touch", "kind = 'POS_SALE'") == 0


@pytest.mark.usefixtures("shop")
def test_clw_4_a_seller_who_had_left_earns_nothing_on_a_late_receipt(tx: Tx) -> None:
    with tx() as session:
        people.set_clerk(session, "C-WFYQ-02", status="LEFT", last_day="2026-07-08")
        sold, _ = take_sale(session, a_till(session), a_sale(clerk="C-WFYQ-02"), vault=VAULT, now=NOW)
        assert [role for role, _, fen in shares(session, sold.number)] == ["FULFIL_STORE", "HQ"]


@pytest.mark.usefixtures("shop")
def test_bnd_1_a_sale_at_the_till_may_be_the_first_touch(tx: Tx) -> None:
    with tx() as session:
        make.a_buyer(session, "9")
        sale = a_sale(member=Named(number="M-9"), clerk="C-WFYQ-01")
        sold, _ = take_sale(session, a_till(session), sale, vault=VAULT, now=NOW)
        assert [fen for _, _, fen in shares(session, sold.number)] == [449, 224, 299, 299, 224]
        assert {party for _, party, _ in shares(session, sold.number)} == {"clerk:C-WFYQ-01", "store:WF-YQ"}


@pytest.mark.usefixtures("shop")
def test_pol_2_a_scan_between_sale_and_report_changes_nothing(tx: Tx) -> None:
    """Till hijack: sold at 15:20, another clerk's code at 15:22, told at 15:30."""
    with tx() as session:
        fan = people.a_fan(session)
        code = people.a_code(session, "C-WFYQ-02", store="WF-YQ", scene="hijack")
        people.a_scan(session, fan, code, at=SOLD_AT + timedelta(minutes=2))
        sale = a_sale(member=M1, clerk="C-WFYQ-01")
        sold, _ = take_sale(session, a_till(session), sale, vault=VAULT, now=SOLD_AT + timedelta(minutes=10))
        assert shares(session, sold.number) == FIVE


@pytest.mark.usefixtures("shop")
def test_what_the_books_did_not_know_is_counted_first_stk_7(tx: Tx) -> None:
    with tx() as session:
        sold, _ = take_sale(
            session,
            a_till(session),
            a_sale("R-1", ("AP-1002-M", 3, 89700), ("AP-1003-F", 1, 12900), ("AP-1002-M", 1, 0)),
            vault=VAULT,
            now=NOW,
        )
        assert sold.corrected == ("AP-1002-M", "AP-1003-F")
        moved = session.execute(
            text(
                "select m.kind, k.code, m.on_hand_delta from stock_movement m join sku k on k.id = m.sku_id"
                " where m.ref like 'till:%' order by m.kind, k.code"
            )
        ).all()
        assert [tuple(row) for row in moved] == [
            ("COUNT_ADJ", "AP-1002-M", 3),
            ("COUNT_ADJ", "AP-1003-F", 1),
            ("SALE", "AP-1002-M", -4),
            ("SALE", "AP-1003-F", -1),
        ]


@pytest.mark.usefixtures("shop")
def test_stk_8_promised_goods_are_not_sold_at_the_till(tx: Tx) -> None:
    with tx() as session:
        buyer = make.a_buyer(session, "8")
        make.an_order(session, buyer, ("AP-1002-M", 1), store="WF-YQ")
        till = a_till(session)
    with pytest.raises(Conflict, match="GOODS_PROMISED"), tx() as session:
        take_sale(session, till, a_sale(), vault=VAULT, now=NOW)
    with tx() as session:
        assert make.count(session, "orders") == 1
        sold, _ = take_sale(session, till, a_sale(promised_remain=True), vault=VAULT, now=NOW)
        assert sold.corrected == ("AP-1002-M",)
        # The promised one is still there, and still promised.
        assert make.numbers_of(session, "AP-1002-M", "WF-YQ") == (1, 1)


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        ({"member": Named(number="M-404")}, NotFound, "MEMBER_UNKNOWN"),
        ({"member": Named(phone="13800000009")}, NotFound, "MEMBER_UNKNOWN"),
        ({"clerk": "C-SZFT-01"}, NotFound, "CLERK_UNKNOWN"),
        ({"clerk": "C-404"}, NotFound, "CLERK_UNKNOWN"),
    ],
)
@pytest.mark.usefixtures("shop")
def test_strangers_are_refused_and_nothing_is_written(
    tx: Tx, change: dict[str, object], kind: type[Exception], told: str
) -> None:
    with tx() as session:
        till = a_till(session)
    with pytest.raises(kind, match=told), tx() as session:
        take_sale(session, till, a_sale(**change), vault=VAULT, now=NOW)
    with tx() as session:
        assert [make.count(session, name) for name in ("orders", "payment", "pos_receipt")] == [0, 0, 0]


@pytest.mark.parametrize("line", [("AP-404", 1, 100), ("AP-1002-M", 1, 0)])
@pytest.mark.usefixtures("shop")
def test_what_is_no_sale_is_refused(tx: Tx, line: tuple[str, int, int]) -> None:
    with tx() as session:
        till = a_till(session)
    with pytest.raises(Invalid), tx() as session:
        take_sale(session, till, a_sale("R-1", line), vault=VAULT, now=NOW)
    with tx() as session:
        assert make.count(session, "orders") == 0


@pytest.mark.usefixtures("shop")
def test_spl_8_a_price_below_half_of_the_list_price_feeds_no_pool(tx: Tx) -> None:
    with tx() as session:
        sale = a_sale("R-1", ("AP-1002-M", 1, 19949), member=M1, clerk="C-WFYQ-01")
        sold, _ = take_sale(session, a_till(session), sale, vault=VAULT, now=NOW)
        assert sum(fen for _, _, fen in shares(session, sold.number)) == 0


@pytest.mark.usefixtures("shop")
def test_clw_1_clw_2_returns_in_parts_take_back_to_the_fen(tx: Tx) -> None:
    """Two units, 59 800: 2 990; one back: -449/-224/-299/-299/-224; 3 333 of the rest; then all of it."""
    with tx() as session:
        till = a_till(session)
        sale = a_sale("R-1", ("AP-1002-M", 2, 59800), member=M1, clerk="C-WFYQ-01")
        sold, _ = take_sale(session, till, sale, vault=VAULT, now=NOW)

        def left() -> list[int]:
            return [fen for _, _, fen in shares(session, sold.number)]

        assert left() == [897, 449, 598, 598, 448]
        take_return(session, till, a_return("B-1", "R-1", (1, 1, 29900, True)), now=NOW)
        assert left() == [448, 225, 299, 299, 224]
        take_return(session, till, a_return("B-2", "R-1", (1, 0, 3333, True)), now=NOW)
        assert sum(left()) == 1328
        take_return(session, till, a_return("B-3", "R-1", (1, 1, 26567, False)), now=NOW)
        assert left() == [0, 0, 0, 0, 0]
        # One came back sellable; the other was noted and written off.
        assert make.numbers_of(session, "AP-1002-M", "WF-YQ") == (1, 0)
        bad = session.execute(text("select on_hand_delta from stock_movement where kind = 'RETURN_BAD'"))
        assert bad.scalars().all() == [1]
        balance = session.execute(
            text(
                "select sum(case when a.id = t.debit_account_id then t.amount_fen else -t.amount_fen end)"
                " from ledger_transfer t join ledger_account a on a.name = 'cash:till:WF-YQ'"
                " and a.id in (t.debit_account_id, t.credit_account_id)"
            )
        ).scalar_one()
        assert balance == 0


@pytest.mark.usefixtures("shop")
def test_a_return_told_twice_counts_once_and_too_much_is_refused(tx: Tx) -> None:
    with tx() as session:
        till = a_till(session)
        take_sale(session, till, a_sale(member=M1), vault=VAULT, now=NOW)
        back = a_return("B-1", "R-1", (1, 1, 29900, True))
        first = take_return(session, till, back, now=NOW)
    with tx() as session:
        again = take_return(session, till, back, now=NOW)
        assert (again.refund, again.again) == (first.refund, True)
    for wish in [(1, 0, 1, True), (1, 1, 1, True)]:
        with pytest.raises(Conflict, match="REFUND_TOO_MUCH"), tx() as session:
            take_return(session, till, a_return("B-2", "R-1", wish), now=NOW)
    with pytest.raises(Invalid), tx() as session:
        take_return(session, till, a_return("B-2", "R-1", (2, 1, 1, True)), now=NOW)
    with tx() as session:
        assert make.count(session, "refund") == 1


@pytest.mark.usefixtures("shop")
def test_six_different_returns_at_once_give_back_no_more_than_was_paid(tx: Tx) -> None:
    with tx() as session:
        till = a_till(session)
        take_sale(session, till, a_sale(member=M1), vault=VAULT, now=NOW)

    def give(number: int) -> bool:
        try:
            with tx() as session:
                take_return(session, till, a_return(f"B-{number}", "R-1", (1, 0, 10000, True)), now=NOW)
        except Conflict:
            return False
        return True

    assert sum(at_once(6, give)) == 2


@pytest.mark.usefixtures("shop")
def test_another_stores_receipt_is_not_there(tx: Tx) -> None:
    with tx() as session:
        take_sale(session, a_till(session), a_sale(), vault=VAULT, now=NOW)
        stranger = a_till(session, "SZ-FT")
    with pytest.raises(NotFound, match="RECEIPT_UNKNOWN"), tx() as session:
        take_return(session, stranger, a_return("B-1", "R-1", (1, 1, 29900, True)), now=NOW)
    with tx() as session:
        assert make.count(session, "refund") == 0


@pytest.mark.usefixtures("shop")
def test_money_of_a_till_never_goes_back_through_wechat(tx: Tx) -> None:
    with tx() as session:
        sold, _ = take_sale(session, a_till(session), a_sale(), vault=VAULT, now=NOW)

    def refund_by_wechat(session: Session) -> None:
        order = lifecycle.hold(session, sold.order_id)
        line = refunding.lines_left(session, order.id)[0]
        refunding.open_refund(
            session,
            order,
            payment_id=refunding.paid_by(session, order.id),
            cause=RefundCause.AFTER_SALE,
            amount_fen=100,
            lines=[Part(line.order_line_id, 0, 100)],
            reason="x",
            actor="test",
            now=NOW,
        )

    with pytest.raises(Conflict, match="PAID_ELSEWHERE"), tx() as session:
        refund_by_wechat(session)
    with tx() as session:
        assert make.count(session, "refund") == 0


@pytest.mark.usefixtures("shop")
def test_a_member_is_known_by_the_verified_phone(tx: Tx) -> None:
    with tx() as session:
        session.execute(
            text("update member set phone_hash = :hash where number = 'M-0001'"),
            {"hash": VAULT.hash("phone", "13800000001")},
        )
        sale = a_sale(member=Named(phone="13800000001"), clerk="C-WFYQ-01")
        sold, _ = take_sale(session, a_till(session), sale, vault=VAULT, now=NOW)
        assert shares(session, sold.number) == FIVE
