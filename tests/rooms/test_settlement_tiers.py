"""Targets, attainment and tiers on a real database (SET-2): the worked figures, several batches, refunds, moves."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.base.db import Tx
from app.base.errors import Conflict, Forbidden, Invalid, NotFound
from app.base.scope import Scope
from app.commission.moving import Heir, move
from app.ledger.reading import balances
from app.settlement import batches, targets, tiers, working
from models.commission import PartyKind
from tests.make import count
from tests.rooms.paid import CHEN, LIN, local, party, share_ids, snapshot, staff
from tests.rooms.settled import APRIL_10, WHY, approved, built, certain, figures, line, paid_out, take_back

pytestmark = pytest.mark.usefixtures("right_books")

WHOLE = Scope()
MARCH_2, MARCH_25 = local("2026-03-02"), local("2026-03-25")
# The pool goes half to the seller, half to the clerk who serves: 480 000 fen of SELL and SVC rows need 9 600 000.
ONLY_CHEN = snapshot(
    [
        party("SELL_CLERK", CHEN, touch_kind="ASSISTED_ORDER", at="2026-03-02T03:00:00+00:00"),
        party("SVC_CLERK", CHEN, at="2026-03-01T02:00:00+00:00"),
        party("ACQ_CLERK", CHEN, touch_kind="SCAN", at="2026-03-01T02:00:00+00:00"),
    ],
    weights={"SELL_CLERK": 2500, "SVC_CLERK": 2500, "ACQ_CLERK": 5000},
)


def target(tx: Tx, fen: int, month: str = "2026-03", clerk: str = "C-SZFT-02") -> int:
    with tx() as session:
        staff(session)
        return targets.set_targets(
            session, {clerk: fen}, month=month, scope=WHOLE, by="operator:O-1", why=WHY, at=MARCH_2
        )


def attained(tx: Tx, clerk: str = CHEN, month: str = "2026-03") -> int:
    with tx() as session:
        return targets.attained_fen(session, [(clerk, month)])[clerk, month]


def tier_rows(tx: Tx, number: str, who: str = CHEN) -> list[tuple[str, int, int, int, int]]:
    """(month, attained, multiplier, rows, amount) of a party in a batch."""
    with tx() as session:
        rows = session.execute(
            text(
                "select month, attained_fen, multiplier_bp, rows_fen, amount_fen from settlement_tier"
                " where party_id = :id order by month"
            ),
            {"id": line(tx, number, who)["id"]},
        )
        return [tuple(row) for row in rows]  # type: ignore[misc]  # five columns, as the annotation says


@pytest.mark.parametrize(
    ("attained_pct", "tier_fen"),
    [(118, 48_000), (125, 96_000), (100, 48_000), (99, 0), (80, 0), (79, -96_000)],
)
def test_set2_480000_fen_of_sell_and_svc_rows(tx: Tx, attained_pct: int, tier_fen: int) -> None:
    """At 118 % of the target +48 000, at 125 % +96 000; the acquiring share beside them earns no tier."""
    base_fen = 19_200_000  # x 5 % x 50 % = 480 000
    certain(tx, "A260302TEST0001", base_fen, credit=ONLY_CHEN)
    target(tx, -(-base_fen * 100 // attained_pct))
    number = approved(tx)
    assert figures(tx, number, CHEN) == (960_000, 0, tier_fen, 0, 960_000 + tier_fen, 0)
    found = tier_rows(tx, number)
    assert [(month, rows, amount) for month, _, _, rows, amount in found] == [("2026-03", 480_000, tier_fen)]
    with tx() as session:
        expense = balances(session, ["expense:tier:E-HQ", f"payout:{CHEN}"])
        rates = session.execute(text("select distinct pool_bp from commission_line")).scalars().all()
    assert expense == {"expense:tier:E-HQ": -tier_fen, f"payout:{CHEN}": 960_000 + tier_fen}
    assert rates == [500], "the rate of an order is never edited"


def test_set2_without_a_target_there_is_no_tier_and_the_standing_one_counts_otherwise(tx: Tx) -> None:
    certain(tx, "A260302TEST0001", 1_000_000, credit=ONLY_CHEN)
    number = built(tx)
    assert tier_rows(tx, number) == []
    with tx() as session:
        session.execute(text("update clerk set monthly_target_fen = 800000 where code = 'C-SZFT-02'"))
        batches.remove_party(session, number=number, party=CHEN, by="operator:O-1", why=WHY, at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10)
    with tx() as session:
        batches.add_party(session, number=number, party=CHEN, by="operator:O-1", why=WHY, at=APRIL_10)
    working.drive(tx, number=number, now=APRIL_10)
    assert tier_rows(tx, number) == [("2026-03", 1_000_000, 12_000, 25_000, 5_000)]


def test_set2_a_months_rows_settled_in_two_batches_get_one_tier_in_all(tx: Tx) -> None:
    """Rows of 25 and 26 fen at x1.1: 2.5 and 2.6 fen, but 5.1 together: 3 first, then what is missing to 5."""
    target(tx, 1)
    certain(tx, "A260302TEST0001", 1_000, credit=ONLY_CHEN)
    with tx() as session:
        steps = [[0, 11_000]]
        version = tiers.draft_scale(
            session, steps=steps, from_month="2026-03", by="operator:O-1", why=WHY, at=MARCH_2
        )
        tiers.approve_scale(session, version=version, by="operator:O-2", why=WHY, at=MARCH_2)
    april = approved(tx)
    certain(tx, "A260325TEST0002", 1_040, credit=ONLY_CHEN, at=MARCH_25)
    may = approved(tx, "2026-05")
    assert tier_rows(tx, april) == [("2026-03", 1_000, 11_000, 25, 3)]
    assert tier_rows(tx, may) == [("2026-03", 1_000, 11_000, 26, 2)], "the first batch measured the month"


def test_set2_a_refund_takes_its_bonus_along(tx: Tx) -> None:
    target(tx, 1_000_000)
    sold = certain(tx, "A260302TEST0001", 1_000_000, credit=ONLY_CHEN)
    paid_out(tx, approved(tx))
    take_back(tx, sold, 1_000_000, no="R1", at=local("2026-04-15"))
    certain(tx, "A260502TEST0002", 4_000_000, credit=ONLY_CHEN, at=local("2026-05-02"))
    june = approved(tx, "2026-06")
    assert tier_rows(tx, june) == [("2026-03", 1_000_000, 11_000, -25_000, -2_500)]
    assert figures(tx, june, CHEN) == (200_000, -50_000, -2_500, 0, 147_500, 0)


def test_set2_attainment_is_net_sales_of_the_month_where_the_clerk_sold(tx: Tx) -> None:
    first = local("2026-03-01")
    certain(tx, "A260228TEST0001", 5_000, at=first - timedelta(seconds=1))
    march = certain(tx, "A260301TEST0002", 29_900, 12_900, at=first)
    certain(tx, "A260331TEST0003", 700, at=local("2026-04-01") - timedelta(seconds=1))
    certain(tx, "A260401TEST0004", 90, at=local("2026-04-01"))
    assert attained(tx) == 29_900 + 12_900 + 700
    assert attained(tx, LIN) == 0, "who acquired and serves has not sold"
    take_back(tx, march, 3_333, no="R1", at=local("2026-03-20"))
    take_back(tx, march, 900, no="R2", at=local("2026-04-02"), line=1)
    assert attained(tx) == 29_900 + 12_900 + 700 - 3_333
    assert attained(tx, month="2026-04") == 90 - 900
    assert attained(tx, month="2026-02") == 5_000


def test_spl8_lines_below_the_discount_floor_count_to_the_target(tx: Tx) -> None:
    with tx() as session:
        staff(session)
    certain(tx, "A260302TEST0001", 29_900, pool_bp=0)
    assert attained(tx) == 29_900


def test_spl6_a_shared_sale_counts_for_each_seller_by_its_part(tx: Tx) -> None:
    shared = snapshot(
        [party("SELL_CLERK", CHEN, part_bp=6000), party("SELL_CLERK", LIN, part_bp=4000)],
        weights={"SELL_CLERK": 10_000},
    )
    sold = certain(tx, "A260302TEST0001", 100_000, credit=shared)
    assert (attained(tx), attained(tx, LIN)) == (60_000, 40_000)
    take_back(tx, sold, 50_000, no="R1", at=MARCH_25)
    assert (attained(tx), attained(tx, LIN)) == (30_000, 20_000)


def test_dsp1_a_sale_that_was_handed_over_counts_for_the_new_seller(tx: Tx) -> None:
    sold = certain(tx, "A260302TEST0001", 29_900)
    with tx() as session:
        share_id = share_ids(session, sold)["SELL_CLERK"]
        heir = Heir(PartyKind.CLERK, LIN)
        move(
            session, share_id=share_id, to=[heir], cause="dispute:1", because={"kind": "DISPUTE"}, at=MARCH_25
        )
    assert (attained(tx), attained(tx, LIN)) == (0, 29_900)


def test_set2_targets_are_set_once_noted_and_within_the_scope(tx: Tx) -> None:
    assert target(tx, 5_000_000) == 1
    assert target(tx, 5_000_000) == 0
    with tx() as session:
        assert count(session, "audit_entry", "action = 'target.set'") == 1
    wrong: list[tuple[dict[str, int], Scope, type[Exception]]] = [
        ({"C-SZFT-02": 0}, WHOLE, Invalid),
        ({"C-SZFT-02": 10**12}, WHOLE, Invalid),
        ({"no clerk'": 1}, WHOLE, Invalid),
        ({}, WHOLE, Invalid),
        ({"C-SZFT-02": 1, "C-NOBODY": 1}, WHOLE, NotFound),
        ({"C-SZFT-02": 1}, Scope(store="SZ-NS"), NotFound),
        ({"C-SZFT-02": 1}, Scope(entity="E-WF1"), NotFound),
    ]
    for given, scope, kind in wrong:
        with pytest.raises(kind), tx() as session:
            targets.set_targets(session, given, month="2026-03", scope=scope, by="x", why=WHY, at=MARCH_2)
    with tx() as session:
        fen = session.execute(text("select target_fen from clerk_target")).scalars().all()
    assert fen == [5_000_000]


def test_set2_a_target_stays_when_its_month_is_over_or_settled(tx: Tx) -> None:
    target(tx, 5_000_000)
    with pytest.raises(Conflict, match="MONTH_OVER"), tx() as session:
        targets.set_targets(
            session,
            {"C-SZFT-02": 1},
            month="2026-03",
            scope=WHOLE,
            by="clerk:C-SZFT-03",
            why=WHY,
            at=local("2026-04-01"),
            only_open=True,
        )
    certain(tx, "A260302TEST0001")
    built(tx)
    with pytest.raises(Conflict, match="TARGET_USED"):
        target(tx, 1)


def test_set2_the_list_shows_targets_with_what_is_attained(tx: Tx) -> None:
    target(tx, 5_000_000)
    certain(tx, "A260302TEST0001")
    with tx() as session:
        found = targets.listed(session, month="2026-03", scope=Scope(store="SZ-FT"))
        shown = sorted((one.clerk, one.target_fen or 0, one.own, one.attained_fen) for one in found)
        assert shown[:2] == [
            ("C-SZFT-01", 0, False, 0),
            ("C-SZFT-02", 5_000_000, True, 29_900),
        ]
        assert targets.listed(session, month="2026-03", scope=WHOLE, after_id=found[0].id)[0] == found[1]
        assert targets.listed(session, month="2026-03", scope=Scope(entity="E-WF1")) == []


def test_set2_a_scale_needs_two_people_and_a_free_month(tx: Tx) -> None:
    def draft(month: str) -> int:
        with tx() as session:
            return tiers.draft_scale(
                session, steps=[[0, 9_000]], from_month=month, by="operator:O-1", why=WHY, at=MARCH_2
            )

    def approve(version: int, by: str = "operator:O-2") -> None:
        with tx() as session:
            tiers.approve_scale(session, version=version, by=by, why=WHY, at=MARCH_2)

    first = draft("2026-05")
    with tx() as session:
        assert tiers.scale_of(session, ["2026-05"])["2026-05"][0] == 0, "a draft is not in effect"
    with pytest.raises(Forbidden, match="SAME_PERSON"):
        approve(first, "operator:O-1")
    approve(first)
    approve(first)
    with tx() as session:
        versions = {m: v for m, (v, _) in tiers.scale_of(session, ["2026-04", "2026-05", "2027-01"]).items()}
    assert versions == {"2026-04": 0, "2026-05": first, "2027-01": first}
    with pytest.raises(Conflict, match="MONTH_TAKEN"):
        approve(draft("2026-05"))
    with pytest.raises(NotFound):
        approve(99)
    target(tx, 1)
    certain(tx, "A260302TEST0001")
    built(tx)
    with pytest.raises(Conflict, match="MONTH_SETTLED"):
        approve(draft("2026-03"))
    with tx() as session:
        assert [(one.version, one.approved_by) for one in tiers.scales(session)][-2:] == [
            (first, "operator:O-2"),
            (0, "rule:SET-2"),
        ]


def test_set2_a_published_tier_never_changes(tx: Tx) -> None:
    target(tx, 1_000)
    certain(tx, "A260302TEST0001")
    number = approved(tx)
    assert len(tier_rows(tx, number)) == 1
    for statement in ("update settlement_tier set amount_fen = 1", "delete from settlement_tier"):
        with pytest.raises(Exception, match="never change"), tx() as session:
            session.execute(text(statement))
