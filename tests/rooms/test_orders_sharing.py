"""Shared sales on a real database (SPL-6, SPL-9): declared before the payment or by a manager within a day."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, Invalid, NotFound
from app.orders import lifecycle
from app.orders.placing import Placed
from app.orders.sharing import Declarer, Part, SharedSale, share_sale
from tests import make

PLACED_AT = datetime.fromisoformat("2026-03-28T15:00:00+08:00")
LIN, SECOND, MANAGER = "C-SZFT-01", "C-SZFT-02", "C-SZFT-03"
SIXTY_FORTY = (Part(LIN, 6000), Part(SECOND, 4000))


@pytest.fixture
def order(tx: Tx) -> Placed:
    """An order that 林晓雨 of SZ-FT sold, by her code."""
    with tx() as session:
        make.a_shop(session)
        make.stock(session, "AP-1002-M", 10)
        buyer = make.a_buyer(session)
        session.execute(
            text(
                "insert into clerk (code, name, store_id, role, status)"
                " select 'C-SZFT-02', '陈嘉豪', id, 'CLERK', 'ACTIVE' from store where code = 'SZ-FT'"
            )
        )
        session.execute(
            text(
                "insert into touch (member_id, kind, clerk_id, store_id, occurred_at, received_at, raw_key, valid,"
                " result) select :member_id, 'CLERK_CODE', c.id, c.store_id, :at, :at, 'raw', true, 'RECORDED'"
                " from clerk c where c.code = 'C-SZFT-01'"
            ),
            {"member_id": buyer.member_id, "at": PLACED_AT - timedelta(minutes=10)},
        )
        return make.an_order(session, buyer, ("AP-1002-M", 1), now=PLACED_AT)


def shared(
    tx: Tx,
    order: Placed,
    *parts: Part,
    by: str = LIN,
    role: str = "CLERK",
    store: str = "SZ-FT",
    minutes: int = 1,
) -> SharedSale:
    with tx() as session:
        return share_sale(
            session,
            order_number=order.number,
            declarer=Declarer(by, role, store),
            parts=parts or SIXTY_FORTY,
            now=PLACED_AT + timedelta(minutes=minutes),
        )


def paid(tx: Tx, order: Placed) -> None:
    with tx() as session:
        held = lifecycle.hold(session, order.order_id)
        at = PLACED_AT + timedelta(minutes=5)
        lifecycle.mark_paid(session, held, vault=make.VAULT, paid_at=at, now=at, actor="test")


def sellers(tx: Tx) -> list[tuple[str, int]]:
    with tx() as session:
        rows = session.execute(
            text(
                "select party, accrued_fen - moved_fen as fen from commission_share where role = 'SELL_CLERK'"
                " and accrued_fen > moved_fen order by party"
            )
        )
        return [(row.party, row.fen) for row in rows]


def declared(tx: Tx) -> int:
    with tx() as session:
        return make.count(session, "shared_sale")


def test_spl6_declared_before_the_payment_the_accrual_follows_it(tx: Tx, order: Placed) -> None:
    first = shared(tx, order)
    assert shared(tx, order, minutes=2) == first
    paid(tx, order)
    assert sellers(tx) == [("clerk:C-SZFT-01", 179), ("clerk:C-SZFT-02", 120)]
    with tx() as session:
        # POL-2: the snapshot itself stays as it was.
        kept = session.execute(text("select credit_snapshot from order_line")).scalar_one()
        assert [p["party"] for p in kept["parties"] if p["role"] == "SELL_CLERK"] == ["clerk:C-SZFT-01"]
        assert make.count(session, "audit_entry", "action = 'commission.share_sale'") == 1
        assert make.count(session, "commission_share", "role <> 'SELL_CLERK' and move_id is not null") == 0


def test_spl6_a_manager_shares_a_paid_sale_within_24_hours_and_the_shares_move(tx: Tx, order: Placed) -> None:
    paid(tx, order)
    facts = {"by": MANAGER, "role": "MANAGER"}
    shared(tx, order, **facts, minutes=24 * 60 + 5)  # type: ignore[arg-type]  # two strings
    shared(tx, order, **facts, minutes=24 * 60 + 5)  # type: ignore[arg-type]  # two strings
    assert sellers(tx) == [("clerk:C-SZFT-01", 179), ("clerk:C-SZFT-02", 120)]
    with tx() as session:
        because = session.execute(text("select because from commission_move")).scalar_one()
        assert (because["kind"], because["by"]) == ("SHARED_SALE", "clerk:C-SZFT-03")


def test_spl6_after_24_hours_it_is_too_late(tx: Tx, order: Placed) -> None:
    paid(tx, order)
    with pytest.raises(Conflict, match="TOO_LATE"):
        shared(tx, order, by=MANAGER, role="MANAGER", minutes=24 * 60 + 6)
    assert sellers(tx) == [("clerk:C-SZFT-01", 299)]
    assert declared(tx) == 0


def test_spl6_after_the_payment_a_clerk_may_not(tx: Tx, order: Placed) -> None:
    paid(tx, order)
    with pytest.raises(Forbidden):
        shared(tx, order)
    assert declared(tx) == 0


@pytest.mark.parametrize(
    ("by", "role", "store", "refusal"),
    [
        (SECOND, "CLERK", "SZ-FT", Forbidden),
        ("C-SZNS-03", "MANAGER", "SZ-NS", NotFound),
        ("C-SZNS-01", "CLERK", "SZ-NS", NotFound),
    ],
)
def test_spl6_another_clerk_and_another_store_may_not(
    tx: Tx, order: Placed, by: str, role: str, store: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        shared(tx, order, by=by, role=role, store=store)
    assert declared(tx) == 0


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ((Part(LIN, 6000), Part(SECOND, 3999)), "parts"),
        ((Part(LIN, 10000),), "parts"),
        ((Part(LIN, 5000), Part(LIN, 5000)), "parts"),
        ((Part(LIN, 10001), Part(SECOND, -1)), "parts"),
        ((Part(SECOND, 5000), Part(MANAGER, 5000)), "parts"),
        ((Part(LIN, 5000), Part("C-SZNS-01", 5000)), "parts.1.clerk"),
        ((Part(LIN, 5000), Part("C-NOBODY", 5000)), "parts.1.clerk"),
    ],
)
def test_spl6_parts_that_do_not_fit_are_refused_with_their_field(
    tx: Tx, order: Placed, parts: tuple[Part, ...], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        shared(tx, order, *parts)
    assert list(refusal.value.fields) == [field]
    assert declared(tx) == 0


def test_spl6_another_declaration_and_a_cancelled_order_are_refused(tx: Tx, order: Placed) -> None:
    shared(tx, order)
    with pytest.raises(Conflict, match="SHARED_ALREADY"):
        shared(tx, order, Part(LIN, 5000), Part(SECOND, 5000))
    with tx() as session:
        session.execute(text("delete from shared_sale"))
        held = lifecycle.hold(session, order.order_id)
        lifecycle.cancel(session, held, now=PLACED_AT, actor="test", reason="MEMBER")
    with pytest.raises(Conflict, match="WRONG_STATE"):
        shared(tx, order)


def test_spl9_a_sale_to_a_clerk_has_no_selling_clerk_to_share(tx: Tx, order: Placed) -> None:
    with tx() as session:
        session.execute(
            text(
                "update order_line set credit_snapshot = jsonb_set(credit_snapshot, '{parties}', '[]'::jsonb)"
            )
        )
    with pytest.raises(NotFound):
        shared(tx, order)
