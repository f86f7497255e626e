"""Handing over at the counter (PCK-1, PCK-2): the right store, once, five wrong tries."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, NotFound, TooMany
from app.orders import pickup_codes
from app.orders.pickup import HandedOver, Verifier, verify
from tests import make
from tests.racing import at_once

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def shop(tx: Tx) -> None:
    """The small shop with stock in both stores."""
    with tx() as session:
        make.a_shop(session)
        for sku in ("AP-1002-M", "WN-4001"):
            make.stock(session, sku, 10)


def _waiting(tx: Tx, *items: tuple[str, int]) -> tuple[int, str]:
    with tx() as session:
        placed = make.an_order(session, make.a_buyer(session, "p"), *items)
        make.pay_for(session, placed.order_id)
    with tx() as session:
        return placed.order_id, pickup_codes.show(session, placed.order_id, vault=make.VAULT, now=NOW).code


def _verifier(tx: Tx, code: str) -> Verifier:
    with tx() as session:
        row = session.execute(text("select id, store_id from clerk where code = :code"), {"code": code}).one()
    return Verifier(row.id, code, row.store_id)


def _verify(
    tx: Tx, verifier: Verifier, code: str, *, age_checked: bool = False, now: datetime = NOW
) -> HandedOver:
    return verify(tx, verifier, code=code, age_checked=age_checked, vault=make.VAULT, now=now)


def test_pck_1_a_code_hands_the_goods_over_once(tx: Tx) -> None:
    order_id, code = _waiting(tx, ("AP-1002-M", 2))
    verifier = _verifier(tx, "C-SZFT-01")
    first = _verify(tx, verifier, code)
    again = _verify(tx, verifier, code, now=NOW + timedelta(hours=1))
    assert (first.again, again.again) == (False, True)
    assert (first.number, first.completed_at, first.lines) == (again.number, again.completed_at, again.lines)
    assert first.lines == (("真丝衬衫", "M", 2),)
    with tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (8, 0)
        states = session.execute(
            text("select to_state from order_event where order_id = :id order by version"), {"id": order_id}
        ).scalars()
        assert list(states) == ["CREATED", "PAID", "ALLOCATED", "FULFILLING", "COMPLETED"]
        assert make.count(session, "stock_movement", "kind = 'SALE'") == 1
        assert make.count(session, "pickup_attempt") == 0


def test_bnd_4_handing_over_is_service_and_for_a_stranger_the_first_touch(tx: Tx) -> None:
    """Whoever bought before any touch comes back: bound to the clerk at the counter, no acquisition share."""
    _, code = _waiting(tx)
    for _ in range(2):
        _verify(tx, _verifier(tx, "C-SZFT-01"), code, now=datetime.now(UTC) + timedelta(minutes=1))
    with tx() as session:
        rows = session.execute(
            text(
                "select t.kind, t.valid, t.result, a.kind as acquired, c.code from touch t"
                " join acquisition a on a.touch_id = t.id join service_binding b on b.touch_id = t.id"
                " join clerk c on c.id = b.clerk_id"
            )
        )
        assert [tuple(row) for row in rows] == [
            ("PICKUP_VERIFY", True, "REACTIVATED", "REACTIVATION", "C-SZFT-01")
        ]


def test_frz_2_hand_over_starts_the_freeze_clock(tx: Tx) -> None:
    """Pick-up verified 2026-03-02: releasable 2026-03-13 00:00 local."""
    _, code = _waiting(tx)
    _verify(tx, _verifier(tx, "C-SZFT-01"), code)
    with tx() as session:
        at = session.execute(text("select releasable_at from commission_line")).scalar_one()
    assert at == datetime(2026, 3, 12, 16, 0, tzinfo=UTC)


def test_pck_1_the_code_is_kept_as_a_hash_only(tx: Tx) -> None:
    _, code = _waiting(tx)
    with tx() as session:
        row = session.execute(text("select code_hash from pickup_code")).scalar_one()
    assert len(code) == 8
    assert code.isdecimal()
    assert code not in row


def test_pck_1_another_store_is_refused_and_counted(tx: Tx) -> None:
    _, code = _waiting(tx)
    with pytest.raises(Forbidden, match="WRONG_STORE"):
        _verify(tx, _verifier(tx, "C-SZNS-01"), code)
    with tx() as session:
        assert make.count(session, "pickup_attempt", "reason = 'WRONG_STORE'") == 1
        assert make.numbers_of(session, "AP-1002-M") == (10, 1)
        assert make.count(session, "orders", "state = 'ALLOCATED'") == 1


def test_pck_1_five_wrong_codes_lock_the_clerk_also_in_parallel(tx: Tx) -> None:
    _, code = _waiting(tx)
    verifier = _verifier(tx, "C-SZFT-01")
    wrong = f"{(int(code) + 1) % 10**8:08d}"

    def guess(_: int) -> str:
        try:
            _verify(tx, verifier, wrong)
        except (NotFound, TooMany) as refusal:
            return refusal.code
        return "handed over"

    outcomes = at_once(12, guess)
    assert (outcomes.count("WRONG_CODE"), outcomes.count("LOCKED")) == (5, 7)
    with pytest.raises(TooMany) as refusal:
        _verify(tx, verifier, code)
    assert 800 < refusal.value.retry_after_s <= 901
    with tx() as session:
        session.execute(text("update pickup_attempt set at = at - interval '16 minutes'"))
    assert _verify(tx, verifier, code).again is False


def test_pck_1_many_clerks_verify_at_once_and_it_leaves_once(tx: Tx) -> None:
    _, code = _waiting(tx)
    verifiers = [_verifier(tx, name) for name in ("C-SZFT-01", "C-SZFT-03")] * 5
    results = at_once(10, lambda i: _verify(tx, verifiers[i], code).again)
    assert sorted(results) == [False] + [True] * 9
    with tx() as session:
        assert make.numbers_of(session, "AP-1002-M") == (9, 0)


def test_pck_1_a_shown_qr_dies_after_five_minutes(tx: Tx) -> None:
    order_id, code = _waiting(tx)
    with tx() as session:
        shown = pickup_codes.show(session, order_id, vault=make.VAULT, now=NOW)
    at = NOW + timedelta(seconds=300)
    assert pickup_codes.open_token(make.VAULT, shown.token, now=at) == code
    assert pickup_codes.open_token(make.VAULT, shown.token, now=at + timedelta(seconds=1)) is None
    assert pickup_codes.open_token(make.VAULT, shown.token[:-2] + "AA", now=NOW) is None
    assert pickup_codes.open_token(make.VAULT, "not a token", now=NOW) is None


def test_pck_2_goods_for_adults_ask_for_the_tick(tx: Tx) -> None:
    _, code = _waiting(tx, ("WN-4001", 1))
    verifier = _verifier(tx, "C-SZFT-01")
    with pytest.raises(Conflict, match="AGE_CHECK_NEEDED"):
        _verify(tx, verifier, code)
    with tx() as session:
        assert make.numbers_of(session, "WN-4001") == (10, 1)
        assert make.count(session, "pickup_attempt") == 0
    assert _verify(tx, verifier, code, age_checked=True).lines == (("干红", "750 ml", 1),)


def test_an_unpaid_order_has_no_code(tx: Tx) -> None:
    with tx() as session:
        placed = make.an_order(session, make.a_buyer(session))
    with pytest.raises(NotFound), tx() as session:
        pickup_codes.show(session, placed.order_id, vault=make.VAULT, now=NOW)
