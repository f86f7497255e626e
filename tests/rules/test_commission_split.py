"""SPL-1 to SPL-9 as tables with the figures of the domain sheet, and what holds for every snapshot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.base.money import largest_remainder
from app.commission.rules import ROLE_ORDER, bases, card_parts, fee_bp, pool_fen, split
from models.commission import PartyKind, Role

WEIGHTS = {"ACQ_CLERK": 3000, "ACQ_STORE": 1500, "SVC_CLERK": 2000, "SELL_CLERK": 2000, "FULFIL_STORE": 1500}
NAMES = {
    "ACQ_CLERK": "clerk:A",
    "ACQ_STORE": "store:S1",
    "SVC_CLERK": "clerk:B",
    "SELL_CLERK": "clerk:C",
    "FULFIL_STORE": "store:S3",
}


def party(role: str, name: str | None = None, **facts: Any) -> dict[str, Any]:
    name = name or NAMES[role]
    return {"role": role, "kind": name.partition(":")[0].upper(), "party": name} | facts


def snapshot(*roles: str, **changes: Any) -> dict[str, Any]:
    parties = [party(role) for role in roles]
    return {
        "policy": "DEFAULT",
        "version": 1,
        "weights": WEIGHTS,
        "hq": "entity:E-HQ",
        "parties": parties,
    } | changes


def found(pool: int, credit: dict[str, Any]) -> dict[str, int]:
    return {f"{share.role.value} {share.party}": share.amount_fen for share in split(pool, credit)}


def by_role(pool: int, credit: dict[str, Any]) -> dict[str, int]:
    return {share.role.value: share.amount_fen for share in split(pool, credit)}


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        (1401, [421, 210, 280, 280, 210]),
        (605, [181, 91, 121, 121, 91]),
        (234, [70, 35, 47, 47, 35]),
        (1495, [449, 224, 299, 299, 224]),
        (2990, [897, 449, 598, 598, 448]),  # CLW-2 before the refund
        (5000, [1500, 750, 1000, 1000, 750]),  # POL-4 ROLE_SPLIT
        (0, [0, 0, 0, 0, 0]),
        (1, [1, 0, 0, 0, 0]),
    ],
)
def test_spl4_role_split(pool: int, expected: list[int]) -> None:
    shares = split(pool, snapshot(*NAMES))
    assert [share.amount_fen for share in shares] == expected
    assert [share.role.value for share in shares] == list(NAMES)
    assert [share.position for share in shares] == [0, 1, 2, 3, 4]


def test_spl1_spl2_spl3_from_the_paid_lines_to_their_pools() -> None:
    lines = [29900, 12900, 5000]
    discounts = largest_remainder(3000, lines)
    bases = [line - discount for line, discount in zip(lines, discounts, strict=True)]
    assert bases == [28024, 12090, 4686]
    assert [pool_fen(base, 500) for base in bases] == [1401, 605, 234]
    principal, gift = largest_remainder(19900, [50000, 10000])
    assert 10000 + principal == 26583  # SPL-1: the gift part of 3317 earns nothing
    assert gift == 3317


def test_spl4_the_parties_keep_their_names_and_kinds() -> None:
    shares = split(1495, snapshot(*NAMES))
    assert [(share.party, share.party_kind) for share in shares] == [
        ("clerk:A", PartyKind.CLERK),
        ("store:S1", PartyKind.STORE),
        ("clerk:B", PartyKind.CLERK),
        ("clerk:C", PartyKind.CLERK),
        ("store:S3", PartyKind.STORE),
    ]


def test_spl5_what_is_missing_goes_to_head_office_and_inflates_nobody() -> None:
    shares = split(1495, snapshot("SVC_CLERK", "SELL_CLERK", "FULFIL_STORE"))
    assert {share.role.value: share.amount_fen for share in shares} == {
        "SVC_CLERK": 299,
        "SELL_CLERK": 299,
        "FULFIL_STORE": 224,
        "HQ": 449 + 224,
    }
    hq = shares[-1]
    assert (hq.party, hq.party_kind) == ("entity:E-HQ", PartyKind.ENTITY)
    assert hq.reason["roles"] == [
        {"role": "ACQ_CLERK", "weight_bp": 3000},
        {"role": "ACQ_STORE", "weight_bp": 1500},
    ]
    assert hq.reason["because"] == "MISSING"


def test_spl5_nobody_at_all_leaves_everything_to_head_office() -> None:
    assert found(1495, snapshot()) == {"HQ entity:E-HQ": 1495}
    assert found(1495, snapshot(missing="REDISTRIBUTE")) == {"HQ entity:E-HQ": 1495}


def test_spl5_redistribute_is_an_opt_in_that_divides_among_those_present() -> None:
    credit = snapshot("SVC_CLERK", "SELL_CLERK", "FULFIL_STORE", missing="REDISTRIBUTE")
    assert by_role(1495, credit) == {"SVC_CLERK": 544, "SELL_CLERK": 543, "FULFIL_STORE": 408}


def test_spl5_one_person_with_two_roles_gets_two_shares() -> None:
    parties = [party("ACQ_CLERK", "clerk:A"), party("SVC_CLERK", "clerk:A")]
    assert found(1495, snapshot(parties=parties)) == {
        "ACQ_CLERK clerk:A": 449,
        "SVC_CLERK clerk:A": 299,
        "HQ entity:E-HQ": 747,
    }


def test_spl6_a_shared_sale_splits_only_the_selling_role() -> None:
    parties = [party("SELL_CLERK", "clerk:C", part_bp=6000), party("SELL_CLERK", "clerk:D", part_bp=4000)]
    credit = snapshot(parties=parties, weights={"SELL_CLERK": 10000})
    assert found(1001, credit) == {"SELL_CLERK clerk:C": 601, "SELL_CLERK clerk:D": 400}
    everyone = snapshot(parties=[party(role) for role in NAMES if role != "SELL_CLERK"] + parties)
    assert list(found(1495, everyone).values()) == [449, 224, 299, 179, 120, 224]


@pytest.mark.parametrize("missing", ["HQ", "REDISTRIBUTE"])
def test_spl9_a_self_purchase_earns_nothing_personal_and_keeps_the_stores(missing: str) -> None:
    named = snapshot(*NAMES, self_purchase=True, missing=missing)
    absent = snapshot("ACQ_STORE", "FULFIL_STORE", self_purchase=True, missing=missing)
    assert by_role(1495, named) == by_role(1495, absent)
    assert by_role(1495, named) == {"ACQ_STORE": 224, "FULFIL_STORE": 224, "HQ": 1047}
    shares = split(1495, named)
    assert all(share.reason["self_purchase"] for share in shares)
    assert shares[-1].reason["because"] == "SELF_PURCHASE"


def test_set5_the_reason_carries_policy_version_weight_and_evidence() -> None:
    credit = snapshot(parties=[party("ACQ_CLERK", touch=17, at="2026-03-01T02:00:00+00:00", because="SCAN")])
    assert split(1495, credit)[0].reason == {
        "policy": "DEFAULT",
        "version": 1,
        "missing": "HQ",
        "self_purchase": False,
        "weight_bp": 3000,
        "touch": 17,
        "at": "2026-03-01T02:00:00+00:00",
        "because": "SCAN",
    }


@pytest.mark.parametrize(
    "changes", [{"weights": {"REFERRER": 100}}, {"missing": "FRIENDS"}, {"weights": {"ACQ_CLERK": -1}}]
)
def test_pol5_a_snapshot_with_an_unknown_role_or_rule_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not understood|negative"):
        split(1495, snapshot(*NAMES, **changes))


SNAPSHOTS = st.builds(
    lambda roles, weights, missing, self_purchase: snapshot(
        *roles, weights=weights, missing=missing, self_purchase=self_purchase
    ),
    roles=st.lists(st.sampled_from(list(NAMES)), unique=True),
    weights=st.dictionaries(st.sampled_from(list(NAMES)), st.integers(0, 10000)),
    missing=st.sampled_from(["HQ", "REDISTRIBUTE"]),
    self_purchase=st.booleans(),
)


@given(pool=st.integers(0, 10**10), credit=SNAPSHOTS)
def test_spl5_the_shares_with_head_office_always_sum_to_the_pool(pool: int, credit: dict[str, Any]) -> None:
    shares = split(pool, credit)
    assert sum(share.amount_fen for share in shares) == pool
    assert all(share.amount_fen >= 0 for share in shares)
    assert [share.position for share in shares] == list(range(len(shares)))
    assert len({(share.role, share.party) for share in shares}) == len(shares)


@given(pool=st.integers(0, 10**10), roles=st.lists(st.sampled_from(list(NAMES)), unique=True))
def test_spl5_nobody_gets_more_because_another_is_missing(pool: int, roles: list[str]) -> None:
    full, some = by_role(pool, snapshot(*NAMES)), by_role(pool, snapshot(*roles))
    assert all(some[role] == full[role] for role in roles)


def test_spl4_the_fixed_order_of_roles() -> None:
    assert tuple(Role) == ROLE_ORDER


def test_spl1_a_gift_balance_earns_nothing_and_spent_principal_does() -> None:
    # 29 900, of which 10 000 by WeChat and 19 900 from a card of 50 000 principal and 10 000 gift.
    assert card_parts(19_900, principal_fen=50_000, gift_fen=10_000) == (16_583, 3_317)
    assert bases([29_900], gift_fen=3_317) == [26_583]
    assert pool_fen(26_583, 500) == 1_329


def test_spl1_the_gift_part_of_an_order_is_spread_over_its_lines() -> None:
    assert bases([28_024, 12_090, 4_686]) == [28_024, 12_090, 4_686]
    assert sum(bases([28_024, 12_090, 4_686], gift_fen=10_000)) == 34_800
    assert bases([100, 100, 100], gift_fen=100) == [66, 67, 67]
    assert bases([5_000], gift_fen=5_000) == [0]


@pytest.mark.parametrize(("spent", "principal", "gift"), [(60_001, 50_000, 10_000), (-1, 1, 1)])
def test_spl1_a_card_pays_at_most_what_it_holds(spent: int, principal: int, gift: int) -> None:
    with pytest.raises(ValueError, match="at most"):
        card_parts(spent, principal_fen=principal, gift_fen=gift)
    with pytest.raises(ValueError, match="at most"):
        bases([10], gift_fen=11)


@given(amounts=st.lists(st.integers(0, 10**9), min_size=1, max_size=20), part=st.integers(0, 100))
def test_spl1_bases_and_the_gift_part_make_the_amounts(amounts: list[int], part: int) -> None:
    gift = sum(amounts) * part // 100
    found = bases(amounts, gift_fen=gift)
    assert sum(found) == sum(amounts) - gift
    assert all(0 <= base <= amount for base, amount in zip(found, amounts, strict=True))


def test_spl6_one_thousand_and_one_shared_sixty_to_forty_is_601_and_400() -> None:
    sellers = [party("SELL_CLERK", "clerk:C", part_bp=6000), party("SELL_CLERK", "clerk:D", part_bp=4000)]
    credit = snapshot(weights={"SELL_CLERK": 10_000}) | {"parties": sellers}
    assert [(share.party, share.amount_fen) for share in split(1_001, credit)] == [
        ("clerk:C", 601),
        ("clerk:D", 400),
    ]


@pytest.mark.parametrize(
    ("entity", "terms", "rate"),
    [("E-WF1", {"platform_fee_bp": 500}, 500), ("E-HQ", {"platform_fee_bp": 500}, 0), ("E-WF1", {}, 0)],
)
def test_spl10_the_platform_fee_is_for_the_sales_of_others(
    entity: str, terms: dict[str, int], rate: int
) -> None:
    assert fee_bp(snapshot(**terms) | {"hq": "entity:E-HQ"}, entity) == rate
